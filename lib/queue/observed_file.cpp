// observed_file.cpp: copying a queue's words out of its file, in the order that makes the figures fit together.
#include "noria/queue/observed_file.hpp"

#include "noria/core/atomics.hpp"
#include "noria/queue/queue_file.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <utility>

namespace noria::inline v1::queue {

namespace {

// Words of a file far apart, or one after the other, read with as few calls as that takes.
class word_window {
public:
    word_window(int file, std::uint64_t base) : file_(file), base_(base) {}

    // What is at hand from that offset on; fewer bytes than a word's: see got().
    std::span<const std::byte> operator()(std::uint64_t offset) {
        if (offset < begin_ || offset + sizeof(std::uint64_t) > end_) {
            // Copying what lies between two words is cheaper than a second call, up to some 2 KiB (measured).
            constexpr std::uint64_t near = 2048;
            const bool follows = offset >= begin_ && offset < end_ + near;
            got_ = os::read_at(file_, base_ + offset, std::span(buffer_.get(), follows ? buffer_bytes : 256));
            begin_ = offset;
            end_ = offset + static_cast<std::uint64_t>(std::max<std::int64_t>(got_, 0));
            if (got_ < static_cast<std::int64_t>(sizeof(std::uint64_t))) failed_ = true;
        }
        return {buffer_.get() + (offset - begin_), end_ - offset};
    }

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    // Of the call that failed: how many bytes there were, or a negative errno.
    [[nodiscard]] std::int64_t got() const noexcept { return got_; }

private:
    static constexpr std::size_t buffer_bytes = std::size_t{64} << 10;
    int file_;
    std::uint64_t base_;
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
    std::int64_t got_ = 0;
    bool failed_ = false;
    std::unique_ptr<std::byte[]> buffer_{new std::byte[buffer_bytes]};
};

}  // namespace

observed_sections::observed_sections(const layout::header& header)
    : shape_(layout::shape_of(header)), where_(layout::place(shape_)),
      lines_((where_.ring_offset - where_.roster_offset) / sizeof(line)), places_(shape_.parking) {}

std::span<std::byte> observed_sections::at(std::uint64_t offset, std::uint64_t bytes) noexcept {
    return std::as_writable_bytes(std::span(lines_)).subspan(offset - where_.roster_offset, bytes);
}

layout::roster_entry& observed_sections::entry(std::uint64_t index) noexcept {
    return reinterpret_cast<layout::roster_entry*>(lines_.data())[index];
}

layout::queue_words& observed_sections::words() noexcept {
    return *reinterpret_cast<layout::queue_words*>(at(where_.words_offset, sizeof(layout::queue_words)).data());
}

ring::ring_view observed_sections::view() noexcept {
    ring::ring_view view{.producer = &words().producer,
                         .consumer = &words().consumer,
                         .shape = shape_,
                         .returned = &words().producers_event.returned};
    if (where_.tally_offset != 0)
        view.tallies = reinterpret_cast<layout::tally_line*>(at(where_.tally_offset, 0).data());
    if (where_.mutex_offset != 0)
        view.mutual = reinterpret_cast<layout::mutex_words*>(at(where_.mutex_offset, 0).data());
    return view;
}

ring::ring_view observed_sections::parking_view() noexcept {
    ring::ring_view view = this->view();
    view.shape.message_bytes = 0;
    view.parking = reinterpret_cast<std::byte*>(places_.data());
    return view;
}

failure observed_file::open(const std::filesystem::path& name, std::unique_ptr<observed_file>& file) {
    const os::no_cancel whole;
    std::unique_ptr<observed_file> opened(new observed_file);
    if (auto failed = queue_file::make_absolute(name, opened->path_)) return failed;
    const os::no_fork until_enlisted;
    opened->enlist();
    os::descriptor found;
    struct stat status {};
    if (const int error = os::open_regular(opened->path_, os::access::read_only, found, status); error != 0) {
        return refuse_errno(opened->path_, error, "open it for reading");
    }
    if (auto failed = examine_start(opened->path_, found.get(), status, opened->header_)) return failed;
    opened->identity_ = os::identity_of(status);
    if (const int error = opened->open_file_.adopt(std::move(found), opened->identity_); error != 0)
        return refuse_errno(opened->path_, error, "set its file offset");
    file = std::move(opened);
    return {};
}

observed_file::~observed_file() {
    const os::no_cancel whole;
    const os::no_fork until_gone;
    delist();
    open_file_.close();
}

// A look in the child opens the file anew.
void observed_file::forked() noexcept { open_file_.forked(); }

// The descriptor of our open file, and whether the file is as long as it was.
failure observed_file::use(int& file) const {
    const os::no_fork one_at_a_time;
    if (open_file_.number() < 0) {
        if (auto failed = reopen()) return failed;
    }
    file = open_file_.number();
    struct stat status {};
    if (fstat(file, &status) != 0) return refuse_errno(path_, errno, "ask for its size");
    return static_cast<std::uint64_t>(status.st_size) < header_.file_bytes ? unreadable(status.st_size) : failure{};
}

failure observed_file::reopen() const {
    os::descriptor again;
    struct stat status {};
    if (const int error = os::open_regular(path_, os::access::read_only, again, status); error != 0) {
        return refuse_errno(path_, error, "open it for reading");
    }
    if (os::identity_of(status) != identity_) {
        return refuse(
            path_, errc::not_found,
            "found another file of that name, since the program has closed the observer's descriptor, expected "
            "the one that was opened; make a new observer");
    }
    if (const int error = open_file_.adopt(std::move(again), identity_); error != 0)
        return refuse_errno(path_, error, "set its file offset");
    const_cast<observed_file*>(this)->enlist();  // a fork's copy was taken off the list; it has a descriptor again
    return {};
}

failure observed_file::unreadable(std::int64_t got) const {
    if (got < 0) return refuse_errno(path_, static_cast<int>(-got), "read it");
    return refuse(path_, errc::corrupt,
                  fmt::format("found it truncated while in use, expected all of its {} bytes to stay; find out who "
                              "truncated it, stop its users, remove it and let them begin anew",
                              header_.file_bytes));
}

failure observed_file::read_part(int file, std::uint64_t offset, std::span<std::byte> part) const {
    const std::int64_t got = os::read_at(file, offset, part);
    return got == static_cast<std::int64_t>(part.size()) ? failure{} : unreadable(got);
}

failure observed_file::read(observed_sections& now) const {
    const os::no_cancel whole;
    int file = -1;
    if (auto failed = use(file)) return failed;
    // The roster and what the producer counts first: then what passes between two calls makes the depth seem less.
    const std::uint64_t consumer = now.where_.words_offset + offsetof(layout::queue_words, consumer);
    const std::uint64_t roster = now.where_.roster_offset;
    if (auto failed = read_part(file, roster, now.at(roster, consumer - roster))) return failed;
    full_fence();
    if (auto failed = read_part(file, consumer, now.at(consumer, now.where_.ring_offset - consumer))) return failed;
    if (layout::has_mutex(now.shape_)) return read_pages(file, now);
    if (!layout::has_tallies(now.shape_)) return {};
    if (auto failed = read_tallies(file, now)) return failed;
    return now.places_.empty() ? failure{} : read_parking(file, now);
}

// Once more, all but what was sent: as read() does with the words of spsc.
failure observed_file::read_tallies(int file, observed_sections& now) const {
    const std::uint64_t endpoints = now.shape_.endpoints;
    layout::tally_line* const tallies = now.view().tallies;
    std::vector<std::uint64_t> sent(endpoints);
    for (std::uint64_t i = 0; i < endpoints; ++i) sent[i] = tallies[i].sent;
    full_fence();
    const std::uint64_t offset = now.where_.tally_offset;
    if (auto failed = read_part(file, offset, now.at(offset, endpoints * sizeof(layout::tally_line)))) return failed;
    for (std::uint64_t i = 0; i < endpoints; ++i) tallies[i].sent = sent[i];
    return {};
}

// The page that counts is whole if it has not turned before it was read: only then is it written to again. If it turns again
// and again, the copy may be a mixture, of which `sent` is the oldest: no more is in the queue than ever was.
failure observed_file::read_pages(int file, observed_sections& now) const {
    constexpr int tries = 8;
    const std::uint64_t offset = now.where_.mutex_offset;
    const auto line = now.at(offset, sizeof(layout::mutex_line));
    const auto pages = now.at(offset + sizeof(layout::mutex_line), 2 * sizeof(layout::mutex_page));
    layout::mutex_words& words = *now.view().mutual;
    for (int i = 0; i < tries; ++i) {
        const std::uint64_t before = ring::read_books(words).sent;
        if (auto failed = read_part(file, offset, line)) return failed;
        full_fence();
        if (auto failed = read_part(file, offset + line.size(), pages)) return failed;
        full_fence();
        const std::uint64_t turn = words.line.turn;
        layout::mutex_line after{};
        if (auto failed = read_part(file, offset, std::as_writable_bytes(std::span(&after, 1)))) return failed;
        if (after.turn == turn) return {};
        if (i + 1 == tries) words.pages[turn & 1].sent = before;
    }
    return {};
}

failure observed_file::read_parking(int file, observed_sections& now) const {
    const std::uint64_t place_bytes = now.where_.parking_place_bytes;
    word_window words(file, now.where_.parking_offset);
    for (std::uint64_t i = 0; i < now.places_.size(); ++i) {
        layout::parking_place& place = now.places_[i];
        const std::array<std::uint64_t*, 3> wanted{&place.word, &place.bytes, &place.position};
        for (std::uint64_t n = 0; n < wanted.size(); ++n) {
            const auto bytes = words(i * place_bytes + n * sizeof(std::uint64_t));
            if (words.failed()) return unreadable(words.got());
            *wanted[n] = load_relaxed(*reinterpret_cast<const std::uint64_t*>(bytes.data()));
        }
    }
    return {};
}

failure observed_file::read_entry(observed_sections& now, std::uint64_t index) const {
    const os::no_cancel whole;
    int file = -1;
    if (auto failed = use(file)) return failed;
    full_fence();
    const std::uint64_t offset = now.where_.roster_offset + index * sizeof(layout::roster_entry);
    return read_part(file, offset, now.at(offset, sizeof(layout::roster_entry)));
}

failure observed_file::survey(observed_sections& now, observed_ring& seen) const {
    const os::no_cancel whole;
    int file = -1;
    if (auto failed = use(file)) return failed;
    if (layout::has_mutex(now.shape_)) return survey_records(file, now, seen);
    word_window words(file, now.where_.ring_offset);
    seen.slots = ring::survey_slots(now.view(), std::ref(words), survey_limit, seen.in_hand);
    seen.looked_at = seen.slots.looked_at;
    seen.all = seen.slots.all;
    return words.failed() ? unreadable(words.got()) : failure{};
}

// The ring moves on meanwhile. What stands behind the head after the walk was not overwritten during it; if the walk ended in
// front of that head, it has met bytes of a later turn, and goes on from there.
failure observed_file::survey_records(int file, observed_sections& now, observed_ring& seen) const {
    const auto ahead = [](std::uint64_t left, std::uint64_t right) {
        return static_cast<std::int64_t>(left - right) > 0;
    };
    constexpr int tries = 4;
    for (int i = 0; i < tries; ++i) {
        const ring::mutex_books books = ring::read_books(*now.view().mutual);
        ring::mutex_ring ring;
        seen.in_hand.clear();
        seen.looked_at = 0;
        seen.all = ring.attach(now.view());
        if (!seen.all) return {};
        word_window words(file, now.where_.ring_offset);
        const std::uint64_t end = ring.survey(books, std::ref(words), survey_limit, seen.in_hand, seen.looked_at);
        if (words.failed()) return unreadable(words.got());
        full_fence();
        if (auto failed = read_pages(file, now)) return failed;
        const std::uint64_t head = ring::read_books(*now.view().mutual).head;
        std::erase_if(seen.in_hand, [&](const ring::hand& each) { return ahead(head, each.position); });
        seen.all = end == books.tail;
        if (seen.all || seen.looked_at == survey_limit || !ahead(head, end)) return {};
    }
    return {};
}

std::uint64_t observed_file::first_question(std::uint64_t alive) const noexcept {
    return alive <= lock_question_limit ? 0 : fetch_add(questions_, lock_question_limit) % alive;
}

int observed_file::lock_on(std::uint64_t first, std::uint64_t bytes,
                           std::optional<os::lock_seen>& found) const noexcept {
    const int error = os::find_lock(open_file_.number(), layout::lock_base + first, bytes, found);
    if (!found) return error;
    // Of a lock that begins before the bytes of the roster, what is on these bytes is told.
    const std::uint64_t before = layout::lock_base - std::min(found->offset, layout::lock_base);
    found->bytes -= std::min(before, found->bytes);
    found->offset += before;
    found->offset -= layout::lock_base;
    return error;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
