// endpoint.cpp: attaching, waiting, and the end of streams.
#include "noria/queue/endpoint.hpp"

#include "noria/os/membarrier.hpp"
#include "noria/queue/crowd.hpp"
#include "noria/sync/backoff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <thread>
#include <utility>

namespace noria::inline v1::queue {

namespace {

using clock = os::monotonic;

// now + time, without overflow; a negative time is none.
clock::time_point later(clock::time_point now, std::chrono::nanoseconds time) noexcept {
    if (time.count() <= 0) return now;
    return time > clock::time_point::max() - now ? clock::time_point::max() : now + time;
}

// How often the kernel is asked whether the other side lives, at the most.
constexpr auto probe_interval = std::chrono::milliseconds(10);

// How soon somebody behind a claim asks whether its owner lives, and how often at the most: the kernel's answer takes a
// microsecond and more, and who tries over and over would ask each time.
constexpr auto first_question = std::chrono::microseconds(200);
constexpr auto last_question = std::chrono::milliseconds(1);  // ... and how often at the least, if it sleeps

// How often who spins looks for ends and deaths, which stand in no ring: never, where one spins for as long as is usual.
constexpr auto survey_interval = std::chrono::milliseconds(1);

// Between two tries of an opening that waits for a file or a role.
constexpr auto retry_interval = std::chrono::milliseconds(1);

constexpr auto wait_for_passing = std::chrono::seconds(1);
constexpr auto wait_for_file_default = std::chrono::seconds(5);  // of constructors that do not create

failure removed_each_time(const std::filesystem::path& path, std::uint64_t made) {
    return refuse(
        path, errc::not_found,
        fmt::format("found the file removed each time before this call could attach, which had created it {} {}, "
                    "expected it to stay; stop the program that removes it, or use another path",
                    made, made == 1 ? "time" : "times"));
}

}  // namespace

clock::time_point limit::deadline() const noexcept {
    switch (kind_) {
        case kind::at_once: return clock::time_point::min();
        case kind::never: return clock::time_point::max();
        case kind::until: return clock::time_point(std::chrono::nanoseconds(ns_));
        case kind::after: return later(clock::now(), std::chrono::nanoseconds(ns_));
    }
    return clock::time_point::min();
}

bool endpoint::attach(role wanted, opening how, const std::filesystem::path& name, const options& wishes,
                      const layout::shape& bare) {
    std::filesystem::path path;
    if (auto failed = queue_file::make_absolute(name, path)) return settle(std::move(failed));
    role_ = wanted;
    waiting_ = wishes.waiting;
    await_successor_ = wishes.await_successor;
    const bool may_create =
        how == opening::create ||
        (how == opening::open_or_create && (wanted == role::producer || wishes.capacity || wishes.capacity_bytes));
    const std::chrono::nanoseconds patience =
        wishes.wait_for_file.value_or(how == opening::open ? std::chrono::nanoseconds(0) : wait_for_file_default);
    const auto file_deadline = later(clock::now(), patience);
    // Who is only passing through the role is waited for in any case, a stopped one not for ever.
    const auto role_deadline = later(clock::now(), wishes.wait_for_role);
    const auto passing_deadline = std::max(role_deadline, clock::now() + wait_for_passing);
    bool create_now = how == opening::create;
    // Another program may remove the name each time. So every round but the first obeys the deadline: a creation takes as
    // long as its allocation, and gets no less.
    std::uint64_t created = 0;
    bool tried_to_create = false;
    for (;;) {
        if (create_now) {
            failure failed = queue_file::create(path, wishes, bare, made_);
            tried_to_create = true;
            created_ = !failed;
            if (created_) ++created;
            if (failed && (failed.code != errc::exists || how == opening::create)) return settle(std::move(failed));
        }
        bool passing = false;
        failure failed;
        try {
            failed = try_attach(wishes, bare, path, passing);
        } catch (...) {  // std::bad_alloc: as when it is told by a value
            if (created_) queue_file::take_back(path, made_, attached_);
            throw;
        }
        if (failed.code == errc::not_found) {
            // Not there yet; or, if we made it, somebody removed it at once.
            create_now = may_create;
            if (may_create && !tried_to_create) continue;
            if (clock::now() >= file_deadline)
                return settle(created != 0 ? removed_each_time(path, created) : std::move(failed));
            if (may_create) continue;
        } else if ((failed.code != errc::role_taken && failed.code != errc::roster_full &&
                    failed.code != errc::foreign_lock) ||
                   clock::now() >= (passing ? passing_deadline : role_deadline)) {
            // Or the file would be in the way of the next try.
            if (failed && created_) queue_file::take_back(path, made_, attached_);
            return settle(std::move(failed));
        }
        create_now = false;
        std::this_thread::sleep_for(retry_interval);
    }
}

failure endpoint::try_attach(const options& wishes, const layout::shape& bare, const std::filesystem::path& path,
                             bool& passing) {
    const os::no_cancel whole;  // it opens, reads and closes within noexcept calls
    std::unique_ptr<queue_file> file;
    if (auto failed = queue_file::open(path, wishes, bare, file)) return failed;
    if (auto failed = take_role(*file, role_, passing)) return failed;
    // With the locks, nobody can remove the file any more; but it may have been removed before we had them.
    if (!file->linked())
        return refuse(path, errc::not_found,
                      "found the file removed while opening it, expected it to stay; "
                      "try again");
    if (!take_over(*file)) {
        if (file->truncated()) return file->truncation();
        return refuse(path, errc::corrupt,
                      "found ring positions that contradict each other, expected those of FORMAT.md; "
                      "restore or remove the file");
    }
    layout::queue_words& words = file->words();
    own_event_ = sync::event_count(event_of(words, role_));
    others_event_ = sync::event_count(event_of(words, other(role_)));
    // Where a mapping keeps no locks, another process may recover from this endpoint while it lives: then each verb that
    // publishes or releases must look, and the word that asks for fences leads it there (ring_and_look).
    if (!os::register_for_barriers() || !file->locks().outlive_descriptor()) {
        own_event_.require_fences();
        others_event_.require_fences();
    }
    const os::no_fork until_enlisted;
    // Peers that were gone before we came are no news to a producer: recover the dead before looking.
    (void)inhabited(*file, other(role_), true);
    ended_at_attach_ = load_relaxed(stream_of(words, other(role_)).ended);  // one that comes a moment later is news
    position_at_attach_ = position();
    (void)move_in(*file, role_, position(), messages());
    ++attached_;
    file->locks().record_is_alive(file->entry(file->self()));
    if (file->truncated()) return file->truncation();
    file_ = std::move(file);
    enlist();
    block(0);
    store_relaxed(reachable_, 1U);
    return {};
}

bool endpoint::settle(failure found) noexcept {
    error_ = std::move(found);
    if (error_) {
        block(closed_bit);
        created_ = false;
        file_.reset();
    }
    set_why(error_ ? outcome::closed : outcome::ok);
    return !error_;
}

endpoint::~endpoint() = default;

// Called by the destructor of the derived class, while its ring still exists.
void endpoint::detach(bool holds) noexcept {
    const os::no_cancel whole;
    const os::no_fork until_gone;
    delist();
    store_relaxed(reachable_, 0U);
    // A corrupt file is left like any other: the record is ours, and the locks. But where words still name us, or a verb ended in
    // the middle, only the locks go, as in a death: the recovery puts back what we could not. Words that name a free record
    // could never be repaired.
    const bool named = (blocked() & blocked_bit) != 0 || ((blocked() & corrupt_bit) != 0 && (holds || left_in_hand_));
    // The record may be an heir's by now, unless our locks stand, or can be taken again.
    const bool ours = file_ != nullptr && (blocked() & forked_bit) == 0 && file_->locks().hold_on();
    if (ours && !named) move_out(*file_, role_);
    file_.reset();
    block(closed_bit);
}

ring::sight endpoint::look_through() noexcept {
    // A ring moves on by itself at most once before it finds something or nothing: a skip leads to the ring's start.
    // A hostile ring may go on for ever; each round is a bounded step, and after three it is corrupt.
    for (int round = 0; round < 3; ++round) {
        const ring::sight found = look();
        if (file_->truncated()) return ring::sight::corrupt;  // what was seen may be zeros of our own
        if (found != ring::sight::moved) return found;
        others_event_.bell();
    }
    return ring::sight::corrupt;
}

// The truncation guard is a handler that runs in the middle of any thread's instructions, so it writes nothing that belongs
// to an endpoint: `standing_` is read and written by the endpoint's thread without atomics, and a bit set between its load and
// its store would be lost; and set in another thread's endpoint, it would be a race. Instead the handler leaves a mark where
// each verb that publishes or releases looks anyway, in the word of the bell, which leads here, out of the hot path; and
// the endpoint's own thread sets the bit.
bool endpoint::ring_and_look() noexcept {
    others_event_.ring();  // its fence stands between the mark and what the mark is for (G4)
    // Where a mapping keeps no locks, the word always leads here: see try_attach.
    const bool lost = !file_->locks().outlive_descriptor() && file_->locks().look_for_loss();
    if (!lost && !file_->truncated()) return true;
    set_why(die());
    return false;
}

bool endpoint::probe_is_due(clock::time_point now) noexcept {
    if (now - probed_ < probe_interval) return false;
    probed_ = now;
    return true;
}

bool endpoint::question_is_due() noexcept {
    const clock::time_point now = clock::now();
    if (now - asked_ < first_question) return false;
    asked_ = now;
    return true;
}

// Whether a word that was just seen names a free entry: no program of this format leaves one. `again` looks at the ring once
// more, and says which name it finds then. Five looks, and no more:
//     e1 = how many have left or died; the record is free; the word names it; the record is free; e2 = how many.
// Suppose that an endpoint X had written that word. It was alive before, and an endpoint that leaves or is recovered frees its words
// before its record. Had X gone before the first look at the record, the word could not name it any more. So X came after that
// look. By its word, seen, the second look finds X alive, or gone; if gone, X raised the number first, after e1: e2 is another.
// So with e1 = e2 no X has written it, not even one that came, took the same slot and left between the looks.
template <class Again>
bool endpoint::names_nobody(std::uint64_t name, const Again& again) noexcept {
    if (name == 0) return false;
    if (name > file_->header().roster_length) return true;
    const layout::queue_words& words = file_->words();
    const auto departures = [&words] {
        // [S6] acquire <- [S5] in move_out and leave_crowd, [S8] in recover and recover_entry: of either role; in spsc numbers
        return std::pair(load_acquire(words.producers.ended), load_acquire(words.consumers.ended));
    };
    const auto before = departures();
    return !is_alive(*file_, name - 1) && again() == name && !is_alive(*file_, name - 1) && departures() == before;
}

bool endpoint::parking_lies(std::uint64_t places) noexcept {
    for (std::uint64_t i = 0; i < places; ++i) {
        if (names_nobody(parked_by(i), [&] { return parked_by(i); })) return true;
    }
    return false;
}

// Behind a claim or a lease of somebody who has died, recovers it and looks again: as often as there are endpoints.
ring::sight endpoint::look_past_the_dead() noexcept {
    ring::sight found = look_through();
    for (std::uint64_t i = 0; i < file_->header().roster_length; ++i) {
        if (found != ring::sight::nothing || obstacle() == 0) break;
        if (obstacle() > file_->header().roster_length) return ring::sight::corrupt;
        if (!question_is_due()) break;
        const fate owner = bury(*file_, obstacle() - 1);
        if (owner == fate::blocked) break;
        if (owner == fate::lives) {
            const auto again = [&] {
                found = look_through();
                return found == ring::sight::nothing ? obstacle() : 0;
            };
            return names_nobody(obstacle(), again) ? ring::sight::corrupt : found;
        }
        asked_ = {};  // where one has died there may be more
        found = look_through();
    }
    return found;
}

// The ring has nothing, and no producer is there: whether another consumer has a message, which may come back. `ready`: none has.
ring::sight endpoint::look_for_others_messages(std::uint64_t& holder) noexcept {
    holder = 0;
    ring::sight found = drained(holder);
    const auto again = [&] {
        holder = 0;
        found = drained(holder);
        return found == ring::sight::nothing ? holder : 0;
    };
    if (found == ring::sight::nothing && names_nobody(holder, again)) return ring::sight::corrupt;
    return found;
}

// One look at everything that can end a wait but interruption and time: the ring and the other side's end. Invariant:
// an end is reported only if there was a moment when no record of the other role was alive, the ring had nothing, and that
// end was the last. (Empty, then closed, without the second look, would lose the last message.)
outcome endpoint::survey(bool probe) noexcept {
    awaits_release_ = false;
    probe = probe || file_->locks().any_blocked();  // what was in the way may be gone
    ring::sight found = look_past_the_dead();
    shut_out_ = found == ring::sight::busy;
    if (found == ring::sight::ready) return outcome::ok;
    if (found == ring::sight::corrupt) return die();
    if (shut_out_) return nothing_behind(obstacle());

    layout::stream_line& peers = stream_of(file_->words(), other(role_));
    if (probe) (void)file_->locks().hold_on();
    if (file_->locks().lost()) return die();
    const presence others = inhabited(*file_, other(role_), probe);
    if (obstacle() != 0 && file_->locks().is_blocked(obstacle() - 1)) return nothing_behind(obstacle());
    if (others == presence::blocked) return nothing_behind(blocked_peer());
    if (others == presence::some || await_successor_) return nothing();
    const std::uint64_t number = load_acquire(
        peers.ended);  // [S6] acquire <- [S5] in move_out and leave_crowd, [S8] in recover and recover_entry: the end
    if (number == 0 || number == told_) return nothing();  // nobody ever came, or we have been told

    found = look_through();
    shut_out_ = found == ring::sight::busy;
    if (found == ring::sight::ready) return outcome::ok;
    if (found == ring::sight::corrupt) return die();
    if (shut_out_) return nothing_behind(obstacle());
    if (role_ == role::consumer) {
        std::uint64_t holder = 0;
        const ring::sight others_messages = look_for_others_messages(holder);
        if (others_messages == ring::sight::corrupt) return die();
        shut_out_ = others_messages == ring::sight::busy;  // of the mutex; leaving it rings no word
        awaits_release_ =
            others_messages == ring::sight::nothing;  // of a message: no producer is there to sleep on that word
        if (others_messages != ring::sight::ready) return nothing_behind(holder);
    }
    // How it ended is read between two looks at the record. Before the first, whoever left that number is gone and, if it
    // died, buried. Who came later, sent, and died, is alive by its record at the second, or has left a number of its own.
    const bool gone = inhabited(*file_, other(role_), false) == presence::none;
    const bool death = died_last(*file_, other(role_), number);
    if (!gone || inhabited(*file_, other(role_), false) != presence::none) return nothing();
    if (load_acquire(peers.ended) != number) return nothing();  // [S6] acquire <- [S5], [S8]: as above
    return hear_end(number, death) ? outcome::ended : nothing();
}

// Whether that end is news to this endpoint: it came after our attach; or, for a consumer, we drained that stream, or
// nobody has heard of it yet.
bool endpoint::hear_end(std::uint64_t number, bool death) noexcept {
    layout::stream_line& peers = stream_of(file_->words(), other(role_));
    bool news = number != ended_at_attach_;
    if (role_ == role::consumer)
        news = news || position() != position_at_attach_ || load_relaxed(peers.heard) != number;
    if (!news) return false;
    told_ = number;
    ended_ = death ? end::abandoned : end::finished;
    store_relaxed(peers.heard, number);  // written by one endpoint at a time; a later newcomer reads it after our locks
    return true;
}

bool endpoint::wait(limit how_long) noexcept {
    const auto answer = [this](outcome how) {
        held_up_ = blocked() == 0 && (stalled() || shut_out_);
        // The words behind an answer may have been zeros of our own, too.
        set_why(blocked() == 0 && file_->truncated() ? die() : how);
        return why() == outcome::ok;
    };
    if (blocked() != 0) {
        if ((blocked() & forked_bit) != 0) return answer(outcome::forked);
        if ((blocked() & closed_bit) != 0) return answer(outcome::closed);
        if ((blocked() & blocked_bit) != 0) return answer(outcome::recovery_blocked);
        return answer((blocked() & corrupt_bit) != 0 ? outcome::corrupt : outcome::busy);
    }
    const os::no_cancel whole;
    clock::time_point now = clock::now();
    const clock::time_point begun = now;
    const bool probe = probe_is_due(now);
    outcome found = survey(probe);
    if (probe) crowded_ = outnumbers_processors(*file_);
    if (found != nothing()) return answer(found);
    if (!how_long.waits()) return answer(stalled() || shut_out_ ? outcome::stalled : found);

    const clock::time_point deadline = how_long.deadline();
    sync::backoff spin(std::min<std::chrono::nanoseconds>(waiting_.spin, deadline - std::min(deadline, now)), crowded_);
    clock::time_point surveyed = now;
    while (found == nothing() && load_relaxed(interrupted_) == 0 && spin.pause()) {
        if (spin.now() - surveyed >= survey_interval) {
            surveyed = spin.now();
            found = survey(probe_is_due(surveyed));
        } else if (look_through() != ring::sight::nothing) {
            found = survey(false);
        }
    }
    const sync::event_count* event = nullptr;
    for (std::uint32_t armed = 0;; found = survey(false)) {
        if (found != nothing()) return answer(found);
        if (interrupted()) return answer(outcome::interrupted);
        now = clock::now();
        if (deadline <= now) return answer(outcome::timed_out);
        const bool elsewhere = awaits_release_;
        const sync::event_count* const where = elsewhere ? &others_event_ : &own_event_;
        armed = where->arm(std::exchange(event, where) == where ? armed : 0);
        found = survey(probe_is_due(now));  // the second look: whoever rang before we armed has left something to see
        if (found != nothing()) return answer(found);
        if (interrupted()) return answer(outcome::interrupted);
        if (elsewhere != awaits_release_) continue;
        event->sleep(armed, std::min(deadline, later(now, slice_of(waiting_.slice, now - begun))));
    }
}

// Nobody rings when somebody dies: whoever is stuck behind a claim asks after its owner soon, then less often. Nor
// does anybody when he leaves the ring's mutex: who was shut out looks again as soon.
std::chrono::nanoseconds endpoint::slice_of(std::chrono::nanoseconds longest,
                                            std::chrono::nanoseconds waited) const noexcept {
    // Does a foreign lock go, or is a descriptor free again: that, too, is told by nothing but a look.
    if (file_->locks().any_blocked()) longest = std::min<std::chrono::nanoseconds>(longest, probe_interval);
    if (obstacle() == 0 && !shut_out_) return longest;
    return std::min(longest, std::clamp<std::chrono::nanoseconds>(waited / 8, first_question, last_question));
}

bool endpoint::interrupted() noexcept { return load_relaxed(interrupted_) != 0 && exchange(interrupted_, 0U) != 0; }

bool endpoint::may_race_on(limit how_long, unsigned& races) noexcept {
    if (++races < races_at_most) return true;
    races = 0;
    held_up_ = true;
    if (!how_long.waits()) {
        set_why(outcome::stalled);
    } else if (interrupted()) {
        set_why(outcome::interrupted);
    } else if (how_long.deadline() <= clock::now()) {
        set_why(outcome::timed_out);
    } else {
        return true;
    }
    return false;
}

bool endpoint::glance() noexcept {
    if (blocked() != 0) return false;
    const ring::sight found = look_through();
    if (found == ring::sight::corrupt) set_why(die());
    return found == ring::sight::ready;
}

void endpoint::interrupt() noexcept {
    (void)exchange(interrupted_, 1U);  // a full fence: whoever arms later sees it, whoever armed before is rung
    if (load_relaxed(reachable_) == 0) return;
    own_event_.ring();
    others_event_.ring();  // a consumer may wait for the last release
}

void endpoint::forked() noexcept {
    standing_ |= forked_bit;
    store_relaxed(reachable_, 0U);
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
