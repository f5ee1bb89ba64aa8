// inspect.cpp: reading a queue's state through a read-only mapping.
#include "noria/inspect.hpp"

#include "noria/core/atomics.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/ring/mutex_ring.hpp"
#include "noria/ring/parking.hpp"
#include "noria/ring/slot_ring.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace noria::inline v1 {

namespace {

// Relaxed where nothing else says so: an observer decides nothing by what it reads, and each figure is true by itself.
stream_state stream_seen(const layout::stream_line& stream, const layout::event_line& event) {
    return {.attaches = load_relaxed(stream.generation),
            .ended = load_relaxed(stream.ended),
            .abandoned = load_relaxed(stream.ended) != 0 && load_relaxed(stream.died) == load_relaxed(stream.ended),
            .told = load_relaxed(stream.heard),
            .sleeper_armed = (load_relaxed(event.word) & layout::event_armed) != 0};
}

std::optional<inhabitant> inhabitant_seen(queue::queue_file& file, std::uint64_t index, std::uint64_t messages_now) {
    const layout::roster_entry& entry = file.entry(index);
    if (load_acquire(entry.state) != layout::entry_alive) return std::nullopt;  // E1: the record is filled in
    // E3: a lock on a record that names a recoverer is that recoverer's, and not the inhabitant's.
    const bool locked = os::is_locked(file.locks(), layout::lock_base + index);
    const std::uint32_t recoverer = load_relaxed(entry.recoverer);
    return inhabitant{.role = load_relaxed(entry.role) == layout::role_producer ? role::producer : role::consumer,
                      .alive = locked && recoverer == 0,
                      .recoverer = locked ? recoverer : 0,
                      .incarnation = load_relaxed(entry.incarnation),
                      .pid = load_relaxed(entry.pid),
                      .start_time = load_relaxed(entry.start_time),
                      .program = std::string(entry.program, strnlen(entry.program, sizeof entry.program)),
                      .messages = messages_now - load_relaxed(entry.first_message)};
}

// Of an mpmc queue, and of any under a mutex: everybody, and what the words of slots or records say to be in somebody's
// hands. Head and tail of slots are reckoned from them: the hints in the file may be old.
void look_at_crowd(queue::queue_file& file, snapshot& now) {
    const ring::ring_view view = file.view();
    std::vector<std::uint64_t> pids(view.shape.endpoints, 0);
    for (std::uint64_t i = 0; i < view.shape.endpoints; ++i) {
        const layout::tally_line& tally = view.tallies[i];
        const bool sends = load_relaxed(file.entry(i).role) == layout::role_producer;
        auto who = inhabitant_seen(file, i, load_relaxed(sends ? tally.sent : tally.received));
        if (!who) continue;
        pids[i] = who->pid;
        now.roster.push_back(std::move(*who));
    }
    std::vector<ring::hand> in_hand;
    if (ring::mutex_ring ring; layout::has_mutex(view.shape)) {
        const ring::mutex_books books = ring::read_books(*view.mutual);
        now.head = books.head;
        now.tail = books.tail;
        if (ring.attach(view)) ring.survey(books, in_hand);
    } else {
        const ring::slots_seen seen = ring::survey_slots(view, in_hand);
        now.head = seen.head;
        now.tail = seen.tail;
        now.overdue = seen.overdue;
        std::vector<ring::parked> parked;
        ring::survey_parking(view, parked);
        for (const auto& each : parked) now.parked.push_back({each.position, each.bytes, each.deliveries});
    }
    for (const auto& each : in_hand) {
        now.in_hand.push_back({each.writing ? role::producer : role::consumer,
                               each.owner < pids.size() ? pids[each.owner] : 0, each.position});
    }
    for (const auto& each : now.in_hand) {
        auto& oldest = each.role == role::producer ? now.claimed : now.taken;
        if (!oldest || static_cast<std::int64_t>(each.position - oldest->position) < 0) oldest = each;
    }
    const auto gone = [&](role one, stream_state& stream) {
        for (const auto& each : now.roster) {
            if (each.role == one) stream.ended = 0;  // others have left, and no stream has ended by that
        }
        stream.abandoned = stream.ended != 0 && queue::died_last(file, one, stream.ended);
    };
    if (!file.is_mpmc()) return;
    gone(role::producer, now.producers);
    gone(role::consumer, now.consumers);
}

}  // namespace

observer::observer(const std::filesystem::path& path) {
    error_ = queue::queue_file::observe(path, file_);
    if (error_) raise(error_);
}

observer::observer(const std::filesystem::path& path, std::error_code& code) {
    error_ = queue::queue_file::observe(path, file_);
    code = error_.code;
}

observer::observer(observer&&) noexcept = default;
observer& observer::operator=(observer&&) noexcept = default;
observer::~observer() = default;

snapshot observer::look() const {
    std::error_code code;
    snapshot now = look(code);
    if (code) raise(file_->truncation());
    return now;
}

snapshot observer::look(std::error_code& code) const {
    const layout::header& header = file_->header();
    const layout::queue_words& words = file_->words();
    snapshot now;
    now.path = file_->path();
    now.format_version = header.version;
    now.shape = layout::shape_of(header);
    now.file_bytes = header.file_bytes;
    now.uuid = header.uuid;
    now.counters = queue::count(words, file_->view());
    now.head = load_relaxed(words.consumer.head);
    now.tail = load_relaxed(words.producer.tail);
    now.depth = now.counters.sent - now.counters.received - now.counters.parked;
    now.producers = stream_seen(words.producers, words.producers_event);
    now.consumers = stream_seen(words.consumers, words.consumers_event);
    now.needs_fences = ((load_relaxed(words.producers_event.word) | load_relaxed(words.consumers_event.word)) &
                        layout::event_needs_fence) != 0;
    if (layout::has_tallies(now.shape)) {
        look_at_crowd(*file_, now);
        code = file_->truncated() ? make_error_code(errc::corrupt) : std::error_code();
        return now;
    }
    if (auto producer = inhabitant_seen(*file_, queue::entry_of(role::producer), now.counters.sent)) {
        if (load_relaxed(words.producer.claim_open) != 0)
            now.claimed = held_work{role::producer, producer->pid, now.tail};
        now.roster.push_back(std::move(*producer));
    }
    if (auto consumer = inhabitant_seen(*file_, queue::entry_of(role::consumer), now.counters.received)) {
        const std::uint64_t taken = load_relaxed(words.consumer.taken);
        const std::uint64_t head = load_relaxed(words.consumer.head);
        if (static_cast<std::int64_t>(taken - head) > 0) now.taken = held_work{role::consumer, consumer->pid, head};
        now.roster.push_back(std::move(*consumer));
    }
    for (const auto& each : {now.claimed, now.taken}) {
        if (each) now.in_hand.push_back(*each);
    }
    // Under the truncation guard the figures may have been zeros of our own.
    code = file_->truncated() ? make_error_code(errc::corrupt) : std::error_code();
    return now;
}

snapshot inspect(const std::filesystem::path& path) { return observer(path).look(); }

void remove(const std::filesystem::path& path) {
    if (auto failed = queue::queue_file::remove(path)) raise(std::move(failed));
}

void remove(const std::filesystem::path& path, std::error_code& code) { code = queue::queue_file::remove(path).code; }

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
