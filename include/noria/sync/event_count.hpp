// event_count.hpp: how one process sleeps until another has done something, at no cost to the other while nobody sleeps.
//
// One word: odd = armed. [armed:1 | epoch:30 | needs fence:1]
//   Sleeper   v = arm(): word |= 1; a barrier on every processor; look again for what it waits for; sleep while word == v.
//   Waker     do it (a store); bell(): compiler fence; if the word is odd, word = v + 1 and wake all.
//
// Invariants  C1  A sleeper looks after its barrier; a waker looks at the word after its store. Of the two looks, one
//                 sees the other's store: either the sleeper sees what was done, or the waker sees the word armed.
//             C2  Whoever makes the word even wakes all who sleep on it; whoever finds it even may sleep on nothing.
//             C3  A word that is still what its sleeper armed needs no second barrier: whoever stored before the first is
//                 seen by the looks since, whoever looks at the word after it sees it armed, and nobody made it even since.
// Orders      The waker has no fence. The sleeper's membarrier makes every registered process execute one, between the
//             waker's store and its load, wherever it is. Where some process cannot register, or a sleeper may not ask,
//             the word's highest bit tells publishers to execute the fence themselves.
// Crash       Sleeper dead at any line: the word stays armed; the next waker makes one vain system call. Waker dead
//             between store and wake: nobody is told; therefore sleepers sleep in slices and look for themselves. It may
//             even have made the word even, so that later wakers pass by: therefore whoever recovers from its death
//             rouses, whatever the word says. Who is on no roster rouses too, for nobody would recover from his death:
//             rousing leaves the word armed, and if its wake does not come, the next waker's does.
// Source      Event count (Reed, Kanodia 1979), the asymmetric fence of liburcu; epoch and flag in one word, since in two
//             words a wake-up can be lost without any death.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/os/futex.hpp"

#include <cstdint>

namespace noria::inline v1::sync {

class event_count {
public:
    event_count() = default;
    explicit event_count(layout::event_line& line) noexcept : word_(&line.word) {}

    // After each store that somebody may wait for. Wait-free; a system call only if somebody sleeps.
    void bell() const noexcept {
        if (asks()) [[unlikely]]
            ring();
    }

    // Whether that store must be followed by ring().
    [[nodiscard, gnu::always_inline]] bool asks() const noexcept {
        compiler_fence();                                // C1: the processor's part is the sleeper's membarrier
        const std::uint32_t now = load_relaxed(*word_);  // stale is harmless by C1
        return (now & (layout::event_armed | layout::event_needs_fence)) != 0;
    }

    // Fences if need be, and wakes who sleeps. Async-signal-safe.
    NORIA_API void ring() const noexcept;

    // Wakes whoever sleeps or is about to, whatever the word says, and leaves it armed: see Crash.
    NORIA_API void rouse() const noexcept;

    // Announces that the caller is about to sleep. Look again after it; then sleep(), or not. `earlier`: what this caller's
    // last arm() of this very word in this wait has returned.
    [[nodiscard]] NORIA_API std::uint32_t arm(std::uint32_t earlier = 0) const noexcept;

    // Sleeps until the word changes, a signal comes, or then.
    void sleep(std::uint32_t armed, os::monotonic::time_point until) const noexcept {
        os::futex_wait(*word_, armed, until);
    }

    // From now on publishers fence for themselves: some process can take no part in membarrier.
    void require_fences() const noexcept { (void)fetch_or(*word_, layout::event_needs_fence); }

private:
    std::uint32_t* word_ = nullptr;
};

}  // namespace noria::inline v1::sync

// SPDX-License-Identifier: BSL-1.0
