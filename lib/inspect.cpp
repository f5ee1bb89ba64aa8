// inspect.cpp: a queue's state, from a copy of its words.
#include "noria/inspect.hpp"

#include "noria/core/atomics.hpp"
#include "noria/core/printable.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/queue/observed_file.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/ring/mutex_ring.hpp"
#include "noria/ring/parking.hpp"
#include "noria/ring/slot_ring.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
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

std::uint64_t since(std::uint64_t now, std::uint64_t first) noexcept { return now - std::min(now, first); }

bool belongs_to_an_endpoint(const os::lock_seen& lock) noexcept {
    return lock.writes && !lock.of_process && (lock.bytes == 1 || lock.bytes == layout::lock_range_bytes);
}

// The locks on the file's bytes: who lives, and who else has one.
class locks_seen {
public:
    locks_seen(const queue::observed_file& file, snapshot& now) noexcept : file_(file), now_(now) {}

    // Whether the kernel says that the inhabitant of that entry lives.
    bool is_alive(std::uint64_t index) {
        std::optional<os::lock_seen> lock;
        // Without an answer the endpoint counts as alive. A read lock, or a lock of a process, never belongs to an endpoint.
        if (file_.lock_on(index, 1, lock) != 0) return true;
        if (!lock) return false;
        note(*lock);
        return lock->writes && !lock->of_process;
    }

    // Looks for locks where no endpoint was found alive. `known`: the bytes that living ones have, in ascending order.
    void look_between(const std::vector<std::uint64_t>& known) {
        std::uint64_t first = 0;
        for (const std::uint64_t each : known) {
            look_from(first, each);
            first = each + 1;
        }
        look_from(first, layout::lock_range_bytes);
    }

private:
    static constexpr std::size_t told_at_most = 64;
    static constexpr unsigned questions_at_most = 256;

    void look_from(std::uint64_t first, std::uint64_t end) {
        // The kernel names any lock that stands there, not the first: so the parts before and behind it are still to be asked.
        std::vector<std::pair<std::uint64_t, std::uint64_t>> parts{{first, end}};
        while (!parts.empty()) {
            const auto [from, to] = parts.back();
            parts.pop_back();
            if (from >= to) continue;
            if (questions_++ >= questions_at_most) {
                now_.complete = false;
                return;
            }
            std::optional<os::lock_seen> lock;
            if (file_.lock_on(from, to - from, lock) != 0 || !lock) continue;
            note(*lock);
            parts.emplace_back(from, std::min(to, lock->offset));
            parts.emplace_back(std::max(from, lock->offset + std::min(lock->bytes, layout::lock_range_bytes)), to);
        }
    }

    void note(const os::lock_seen& lock) {
        if (belongs_to_an_endpoint(lock)) return;
        const foreign_lock seen{lock.offset, lock.bytes, lock.writes, lock.pid};
        for (const auto& each : now_.foreign_locks) {
            if (each.first == seen.first && each.bytes == seen.bytes && each.pid == seen.pid) return;
        }
        if (now_.foreign_locks.size() < told_at_most)
            now_.foreign_locks.push_back(seen);
        else
            now_.complete = false;
    }

    const queue::observed_file& file_;
    snapshot& now_;
    unsigned questions_ = 0;
};

// The inhabitant of an entry; nothing if there is none, or if it has just left. Whoever has no lock and stays on record is dead;
// a newcomer has its lock before it is on record.
failure see_inhabitant(const queue::observed_file& file, queue::observed_sections& copy, std::uint64_t index,
                       locks_seen& locks, bool ask, std::optional<inhabitant>& who) {
    who.reset();
    constexpr int tries = 3;  // an entry that changes its owner faster than this is shown as dead, or left out
    const layout::roster_entry& entry = copy.entry(index);
    bool alive = true;
    for (int i = 0; ask && i < tries && load_relaxed(entry.state) == layout::entry_alive; ++i) {
        alive = locks.is_alive(index);
        if (alive) break;
        const std::uint32_t role = load_relaxed(entry.role);
        const std::uint64_t incarnation = load_relaxed(entry.incarnation);
        if (auto failed = file.read_entry(copy, index)) return failed;
        if (load_relaxed(entry.role) == role && load_relaxed(entry.incarnation) == incarnation) break;
    }
    if (load_relaxed(entry.state) != layout::entry_alive) return {};
    // E3: a lock on a record that names a recovering process is that process's, and not the inhabitant's.
    const std::uint32_t recoverer = load_relaxed(entry.recoverer);
    who =
        inhabitant{.role = load_relaxed(entry.role) == layout::role_producer ? role::producer : role::consumer,
                   .alive = alive && recoverer == 0,
                   .recoverer = alive ? recoverer : 0,
                   .incarnation = load_relaxed(entry.incarnation),
                   .pid = load_relaxed(entry.pid),
                   .start_time = load_relaxed(entry.start_time),
                   .program = printable(std::string_view(entry.program, strnlen(entry.program, sizeof entry.program))),
                   .messages = 0,
                   .asked = ask};
    return {};
}

// Everybody on record, and where each stands in now.roster: by the index of its entry.
failure look_at_roster(const queue::observed_file& file, queue::observed_sections& copy, snapshot& now,
                       std::vector<std::uint64_t>& pids) {
    locks_seen locks(file, now);
    std::vector<std::uint64_t> known;
    const ring::ring_view view = copy.view();
    pids.assign(view.shape.endpoints, 0);
    std::uint64_t on_record = 0;
    for (std::uint64_t i = 0; i < view.shape.endpoints; ++i)
        on_record += load_relaxed(copy.entry(i).state) == layout::entry_alive ? 1 : 0;
    std::uint64_t turn = on_record - file.first_question(on_record);  // 0: the first to be asked about
    for (std::uint64_t i = 0; i < view.shape.endpoints; ++i) {
        if (load_relaxed(copy.entry(i).state) != layout::entry_alive) continue;
        const bool ask = turn++ % on_record < queue::lock_question_limit;
        if (!ask) now.complete = false;
        std::optional<inhabitant> who;
        if (auto failed = see_inhabitant(file, copy, i, locks, ask, who)) return failed;
        if (!who) continue;
        const bool sends = who->role == role::producer;
        std::uint64_t messages = sends ? now.counters.sent : now.counters.received;
        if (view.tallies != nullptr) messages = load_relaxed(sends ? view.tallies[i].sent : view.tallies[i].received);
        who->messages = since(messages, load_relaxed(copy.entry(i).first_message));
        pids[i] = who->pid;
        if (who->alive) known.push_back(i);
        now.roster.push_back(std::move(*who));
    }
    if (!file.is_mpmc()) {  // the role's byte goes with the entry's
        constexpr std::uint64_t roles = layout::role_lock_base - layout::lock_base;
        const std::size_t alive = known.size();
        for (std::size_t n = 0; n < alive; ++n) known.push_back(roles + 1 + known[n]);
    }
    locks.look_between(known);
    return {};
}

// Of an mpmc queue, and of any under a mutex: what the words of slots or records say to be in somebody's hands. Head and tail
// of slots are reckoned from them: the hints in the file may be old.
failure look_at_ring(const queue::observed_file& file, queue::observed_sections& copy,
                     const std::vector<std::uint64_t>& pids, snapshot& now) {
    queue::observed_ring seen;
    if (auto failed = file.survey(copy, seen)) return failed;
    now.surveyed = seen.looked_at;
    now.complete = now.complete && seen.all;
    if (!layout::has_mutex(now.shape)) {
        now.head = seen.slots.head;
        now.tail = seen.slots.tail;
        now.overdue = seen.slots.overdue;
        std::vector<ring::parked> parked;
        ring::survey_parking(copy.parking_view(), parked);
        for (const auto& each : parked) now.parked.push_back({each.position, each.bytes, each.deliveries});
    }
    for (const auto& each : seen.in_hand) {
        now.in_hand.push_back({each.writing ? role::producer : role::consumer,
                               each.owner < pids.size() ? pids[each.owner] : 0, each.position});
    }
    for (const auto& each : now.in_hand) {
        auto& oldest = each.role == role::producer ? now.claimed : now.taken;
        if (!oldest || static_cast<std::int64_t>(each.position - oldest->position) < 0) oldest = each;
    }
    return {};
}

// Of an mpmc queue: an end is one only where nobody of that role is left.
void look_at_ends(queue::observed_sections& copy, snapshot& now) {
    const auto gone = [&](role one, const layout::stream_line& line, stream_state& stream) {
        for (const auto& each : now.roster) {
            if (each.role == one) stream.ended = 0;  // others have left, and no stream has ended by that
        }
        // 1 + the generation at the last recovery: still so, nobody has come since.
        stream.abandoned = stream.ended != 0 && load_relaxed(line.died) == load_relaxed(line.generation) + 1;
    };
    gone(role::producer, copy.words().producers, now.producers);
    gone(role::consumer, copy.words().consumers, now.consumers);
}

// Of a lock-free spsc queue: what either side has in its hands.
void look_at_pair(const layout::queue_words& words, snapshot& now) {
    for (const auto& each : now.roster) {
        if (each.role == role::producer) {
            if (load_relaxed(words.producer.claim_open) != 0)
                now.claimed = held_work{role::producer, each.pid, now.tail};
        } else {
            const std::uint64_t taken = load_relaxed(words.consumer.taken);
            if (static_cast<std::int64_t>(taken - now.head) > 0)
                now.taken = held_work{role::consumer, each.pid, now.head};
        }
    }
    for (const auto& each : {now.claimed, now.taken}) {
        if (each) now.in_hand.push_back(*each);
    }
}

}  // namespace

observer::observer(const std::filesystem::path& path) {
    error_ = queue::observed_file::open(path, file_);
    if (error_) raise(error_);
}

observer::observer(const std::filesystem::path& path, std::error_code& code) {
    error_ = queue::observed_file::open(path, file_);
    code = error_.code;
}

observer::observer(observer&&) noexcept = default;
observer& observer::operator=(observer&&) noexcept = default;
observer::~observer() = default;

snapshot observer::look() const {
    snapshot now;
    if (auto failed = look_at_all(now)) raise(std::move(failed));
    return now;
}

snapshot observer::look(std::error_code& code) const {
    snapshot now;
    code = look_at_all(now).code;
    return now;
}

failure observer::look_at_all(snapshot& now) const {
    const layout::header& header = file_->header();
    queue::observed_sections copy(header);
    if (auto failed = file_->read(copy)) return failed;
    const layout::queue_words& words = copy.words();
    now.path = file_->path();
    now.format_version = header.version;
    now.shape = layout::shape_of(header);
    now.file_bytes = header.file_bytes;
    now.uuid = header.uuid;
    now.counters = queue::count(words, copy.parking_view());
    now.head = load_relaxed(words.consumer.head);
    now.tail = load_relaxed(words.producer.tail);
    if (layout::has_mutex(now.shape)) {
        const ring::mutex_books books = ring::read_books(*copy.view().mutual);
        now.head = books.head;
        now.tail = books.tail;
    }
    now.depth = now.counters.sent - now.counters.received - now.counters.parked;
    now.producers = stream_seen(words.producers, words.producers_event);
    now.consumers = stream_seen(words.consumers, words.consumers_event);
    now.needs_fences = ((load_relaxed(words.producers_event.word) | load_relaxed(words.consumers_event.word)) &
                        layout::event_needs_fence) != 0;
    std::vector<std::uint64_t> pids;
    if (auto failed = look_at_roster(*file_, copy, now, pids)) return failed;
    if (file_->is_mpmc()) look_at_ends(copy, now);
    if (layout::has_tallies(now.shape)) return look_at_ring(*file_, copy, pids, now);
    look_at_pair(words, now);
    return {};
}

snapshot inspect(const std::filesystem::path& path) { return observer(path).look(); }

void remove(const std::filesystem::path& path) {
    if (auto failed = queue::queue_file::remove(path)) raise(std::move(failed));
}

void remove(const std::filesystem::path& path, std::error_code& code) { code = queue::queue_file::remove(path).code; }

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
