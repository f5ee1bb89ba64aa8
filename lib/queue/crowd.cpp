// crowd.cpp: coming to, going from and looking over the roster of an mpmc queue, and burying its dead.
#include "noria/queue/crowd.hpp"

#include "noria/core/atomics.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/os/futex.hpp"
#include "noria/os/process.hpp"
#include "noria/queue/mutex_gate.hpp"
#include "noria/queue/recovery.hpp"
#include "noria/ring/slot_ring.hpp"
#include "noria/sync/event_count.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace noria::inline v1::queue {

namespace {

constexpr std::uint64_t suspects_at_a_time = 16;

// Who attaches asks about everybody, if no more than so many are alive: as many as a roster has by default.
constexpr std::uint64_t asked_about_all_up_to = 64;

// Another in each process and at each moment.
std::uint64_t random_start() noexcept {
    const auto now = static_cast<std::uint64_t>(os::monotonic::now().time_since_epoch().count());
    return (now * 0x9E3779B97F4A7C15U) >> 32U;  // Fibonacci hashing: neighbouring moments lie far apart
}

std::uint64_t entry_lock(std::uint64_t index) noexcept { return layout::lock_base + index; }

// Of either role: any of them may wait for what has just become true.
void rouse_all(const queue_file& file) noexcept {
    sync::event_count(file.words().consumers_event).rouse();
    sync::event_count(file.words().producers_event).rouse();
}

// Precondition: we hold the lock of the entry, whose record is alive. Restartable: the targets are absolute, a valid journal
// is believed, and the store that frees the record comes last. Under a mutex all figures but the deaths are the ring's own.
bool recover_entry(queue_file& file, std::uint64_t dead) noexcept {
    layout::roster_entry& entry = file.entry(dead);
    name_recoverer(entry);
    const ring::ring_view view = file.view();
    const bool under_mutex = layout::has_mutex(view.shape);
    if (under_mutex && !recover_under_mutex(file, dead)) return false;
    layout::tally_line& tally = view.tallies[dead];
    const bool producer = load_relaxed(entry.role) == layout::role_producer;
    if (load_acquire(entry.journal_valid) !=
        1) {  // E2: valid, it was made by a recoverer that died, whose lock we have
        const layout::tally_line all = under_mutex ? ring::tally_now(tally) : ring::tally_after(view, dead);
        store_relaxed(entry.journal_redelivered, all.redelivered);
        store_relaxed(entry.journal_deaths, (producer ? all.producer_deaths : all.consumer_deaths) + 1);
        store_relaxed(entry.journal_sent, all.sent);
        store_relaxed(entry.journal_received, all.received);
        store_relaxed(entry.journal_given_back, all.given_back);
        store_relaxed(entry.journal_skipped, all.skipped);
        store_release(entry.journal_valid, std::uint32_t{1});  // E2; a death before this line has planned nothing
        compiler_fence();                                      // ... nor has it begun to apply
    }
    if (!under_mutex) {
        ring::release_dead(view, dead);
        ring::raise_returned(view);  // also for what it put back itself, and died before it said so
    }
    store_relaxed(tally.sent, load_relaxed(entry.journal_sent));
    store_relaxed(tally.received, load_relaxed(entry.journal_received));
    store_relaxed(tally.given_back, load_relaxed(entry.journal_given_back));
    store_relaxed(tally.skipped, load_relaxed(entry.journal_skipped));
    store_relaxed(tally.redelivered, load_relaxed(entry.journal_redelivered));
    store_relaxed(producer ? tally.producer_deaths : tally.consumer_deaths, load_relaxed(entry.journal_deaths));
    layout::stream_line& stream = stream_of(file.words(), producer ? role::producer : role::consumer);
    // A death is made up for by whoever comes later. Relaxed: a stale generation is one before somebody came.
    const std::uint64_t generation = load_relaxed(stream.generation) + 1;  // 0: nobody has died
    // Whoever is quicker with an older generation has read that before we read ours, and has the lock of another entry: once
    // each. Where it fails more often than there are entries, somebody scribbles on the word.
    for (std::uint64_t tries = file.header().roster_length; tries != 0; --tries) {
        const std::uint64_t last = load_relaxed(stream.died);
        // [S1] an exchange -> [S2] in died_last; it fails where others recover others of the same role.
        if (static_cast<std::int64_t>(generation - last) <= 0 || compare_exchange(stream.died, last, generation)) break;
    }
    (void)fetch_add(stream.ended, std::uint64_t{1});  // [S8] an exchange -> [S6] in endpoint::survey: as in leave_crowd
    // Before the record is free: later nobody would make up for the dead one's bell. After it: the end is news.
    rouse_all(file);
    store_release(entry.state, layout::entry_free);  // [S9] release -> [S4] in is_alive: all of this, before it is done
    rouse_all(file);
    return true;
}

// Takes that entry, if nobody lives there. 0, EAGAIN, or what keeps locks from working here.
int try_entry(queue_file& file, std::uint64_t index) noexcept {
    entry_locks& locks = file.locks();
    if (const int error = locks.take(entry_lock(index)); error != 0) return error;
    file.settle_at(index);
    // E1, and we hold its lock: a dead one's.
    if (is_alive(file, index) && !recover_entry(file, index)) {
        locks.give_up(entry_lock(index));
        return EAGAIN;
    }
    return 0;
}

// Of this process's next attach to a crowd: in turn within a process. Where it begins is left to chance (0: not begun), since
// most processes attach once.
constinit std::uint64_t next_to_ask_about = 0;

// Asks the kernel about the entries on record as alive, and recovers the dead. True: about all of them. Each question takes time in proportion
// to how many are attached, so an attach that asked about all of many would take time by the square of it. Beyond the bound
// it asks about some, in rotation. Then a death may be found only after a newcomer has attached, and it counts as one after
// its coming: at the end of the stream the other role is told `abandoned`, where `finished` would have been right.
bool bury_before_joining(queue_file& file) noexcept {
    const std::uint64_t length = file.header().roster_length;
    std::uint64_t alive = 0;
    for (std::uint64_t i = 0; i < length; ++i) alive += is_alive(file, i) ? 1 : 0;
    const bool all = alive <= asked_about_all_up_to;
    std::uint64_t index = 0;
    if (!all) {
        const std::uint64_t begun = load_relaxed(next_to_ask_about);
        index = (begun != 0 ? begun : random_start()) % length;
    }
    std::uint64_t questions = all ? length : suspects_at_a_time;
    for (std::uint64_t n = 0; n < length && questions != 0; ++n) {
        if (is_alive(file, index)) {  // nobody is there: that is no question to the kernel
            (void)bury(file, index);
            --questions;
        }
        index = index + 1 < length ? index + 1 : 0;
    }
    if (!all) store_relaxed(next_to_ask_about, index + length);
    return all;
}

// Tries each free entry once. 0: one is ours. EAGAIN: none; `passing`: some are in the hands of an endpoint that
// comes, goes, or recovers. Or what keeps locks from working here.
int take_free_entry(queue_file& file, bool& passing) noexcept {
    passing = false;
    const std::uint64_t length = file.header().roster_length;
    std::uint64_t first = 0;
    while (first < length && is_alive(file, first)) ++first;
    if (first == length) return EAGAIN;
    // Many newcomers at once would try the same entries in the same order, so each goes on elsewhere after the first.
    const std::uint64_t others = length - 1;
    const std::uint64_t shift = length > asked_about_all_up_to ? random_start() % others : 0;
    for (std::uint64_t n = 0; n < length; ++n) {
        const std::uint64_t index = n == 0 ? first : (first + 1 + (n - 1 + shift) % others) % length;
        if (is_alive(file, index)) continue;
        const int error = try_entry(file, index);
        if (error != EAGAIN) return error;
        passing = true;
    }
    return EAGAIN;
}

// If a lock that no endpoint takes is on an entry that is free, or whose endpoint is dead: that lock is in our way.
failure foreign_lock_in_roster(queue_file& file) {
    std::uint64_t questions = asked_about_all_up_to;
    for (std::uint64_t i = 0; i < file.header().roster_length && questions != 0; ++i) {
        if (is_alive(file, i) && !file.locks().is_blocked(i)) continue;
        const os::lock_report lock = file.locks().ask(entry_lock(i));
        if (lock.owner == os::lock_owner::foreign)
            return refuse_foreign_lock(file.path(), errc::foreign_lock, lock.lock,
                                       fmt::format("entry {} of the roster", i));
        --questions;
    }
    return {};
}

}  // namespace

bool is_alive(const queue_file& file, std::uint64_t index) noexcept {
    // [S4] acquire <- [S3] in show_in_crowd, [S7] in leave_crowd, [S9] in bury: the record, or all that it did.
    return load_acquire(file.entry(index).state) == layout::entry_alive;
}

bool recover_inhabitant(queue_file& file, std::uint64_t dead) noexcept {
    if (file.is_mpmc()) return recover_entry(file, dead);
    return recover(file, dead == entry_of(role::producer) ? role::producer : role::consumer);
}

failure join_crowd(queue_file& file, role /*wanted*/, bool& passing) {
    // The dead first: who comes to replace one must find its end recorded, or it would be told as one after its own coming.
    const bool asked_about_all = bury_before_joining(file);
    int error = take_free_entry(file, passing);
    if (error == EAGAIN && !asked_about_all) {
        for (std::uint64_t i = 0; i < file.header().roster_length; ++i) (void)bury(file, i);
        error = take_free_entry(file, passing);
    }
    if (error == 0) return {};
    if (error != EAGAIN) return refuse_lock(file, error);
    if (auto failed = foreign_lock_in_roster(file)) return failed;
    if (passing) {
        return refuse(
            file.path(), errc::role_taken,
            "found each free entry of the roster in the hands of a process that is just attaching, leaving or "
            "recovering it, expected one free; try again");
    }
    return refuse(file.path(), errc::roster_full,
                  fmt::format("found {} endpoints attached, expected fewer; stop one, or make the queue with a larger "
                              "number of endpoints",
                              file.header().roster_length));
}

std::uint64_t show_in_crowd(queue_file& file, role taken) noexcept {
    layout::roster_entry& entry = file.entry(file.self());
    layout::stream_line& stream = stream_of(file.words(), taken);
    store_release(entry.state, layout::entry_alive);  // [S3] release -> [S4] in is_alive: the record, before alive
    // After alive: a death before this has been made up for by nobody.
    const std::uint64_t generation = fetch_add(stream.generation, std::uint64_t{1}) + 1;
    store_relaxed(entry.incarnation, generation);
    // Producers may wait for a consumer; consumers who wait for others' messages to be released, for a producer.
    sync::event_count(file.words().producers_event).ring();
    return generation;
}

void leave_crowd(queue_file& file, role held) noexcept {
    // [S5] an exchange -> [S6] in endpoint::survey: all that we sent, before the end that comes after it.
    (void)fetch_add(stream_of(file.words(), held).ended, std::uint64_t{1});
    store_release(file.entry(file.self()).state,
                  layout::entry_free);  // [S7] release -> [S4] in is_alive: all that we did, before nobody is there
    rouse_all(file);                    // we are on the roster no more
}

presence crowd_has(queue_file& file, role asked, bool probe) noexcept {
    const std::uint64_t length = file.header().roster_length;
    for (std::uint64_t n = 0, asked_about = 0; probe && n < length && asked_about < suspects_at_a_time; ++n) {
        const std::uint64_t suspect = file.next_suspect();
        if (is_alive(file, suspect)) ++asked_about;  // a free entry needs no question to the kernel
        (void)bury(file, suspect);
    }
    auto found = presence::none;
    for (std::uint64_t i = 0, asked_again = 0; i < length; ++i) {
        if (load_relaxed(file.entry(i).role) != static_cast<std::uint32_t>(asked)) continue;
        // Another process may have recovered it since, and another endpoint may be there now.
        if (probe && file.locks().is_blocked(i) && asked_again++ < suspects_at_a_time) (void)bury(file, i);
        if (!is_alive(file, i)) continue;
        if (!file.locks().is_blocked(i)) return presence::some;
        found = presence::blocked;
    }
    return found;
}

bool outnumbers_processors(const queue_file& file) noexcept {
    const std::uint64_t length = file.header().roster_length;
    std::uint64_t alive = 0;
    for (std::uint64_t i = 0; i < length && alive <= os::processors(); ++i) alive += is_alive(file, i) ? 1 : 0;
    return alive > os::processors();
}

fate bury(queue_file& file, std::uint64_t index) noexcept {
    if (!is_alive(file, index)) {
        file.locks().record_is_free(index);
        return fate::lives;
    }
    if (index == file.self()) return fate::lives;  // our own lock would not keep us away
    switch (file.locks().seek_proof(index)) {
        case entry_locks::proof::lives: return fate::lives;
        case entry_locks::proof::blocked: return fate::blocked;
        case entry_locks::proof::dead: break;
    }
    // E1, and the lock is ours: an endpoint on record as alive now is dead.
    const bool dead = is_alive(file, index) && recover_inhabitant(file, index);
    file.locks().give_up(entry_lock(index));
    return dead ? fate::recovered : fate::lives;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
