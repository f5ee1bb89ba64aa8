// robust_mutex.hpp: one word in the file by which one endpoint at a time has the ring, whoever is killed with it in hand.
//
// [contended:1 | 0 | owner]: the owner is 1 + the index of its roster entry, 0: nobody. The exchange that takes the mutex
// says who took it: there is no moment at which it is taken and nobody knows by whom.
//   Take      0 -> me. Else spin; then set `contended` and sleep while the word stays; and after each slice ask whether
//             its owner lives. How to ask, and how a dead one is recovered, is the caller's matter.
//   Leave     exchange with 0; if it was contended, wake one.
//
// Invariants  M1  The word names whoever is between its two exchanges, or whoever died there. Only that one takes its name
//                 away; or, with the proof of its death, who recovers from it: in its name, and before its record is free.
//             M2  While somebody sleeps, the word is contended, or somebody who was woken will make it so: by taking it, by
//                 sleeping again, or before it goes away.
// Loops       The word may change under us for ever, with us never taking it: so many times in a row it is no mutex.
// Orders      [S1] an exchange in try_take <- [S2] an exchange in leave: all that the last one did, before we do anything
// Crash       An owner: the word names it, and the next to have slept for a slice asks about it. A waiter: `contended` stays,
//             and the next to leave makes one vain system call. One that was woken and died, or was stopped, before it took
//             the mutex: the others are not woken, and look for themselves when their slice is over; so do those who
//             sleep when somebody is killed between the exchange in leave and the wake-up.
// Why ours    A robust pthread mutex knows its owner by a thread's id, and ids are equal in two PID namespaces: there, a
//             waiter that is killed frees the lock of a holder that lives (tests/process/mutex_test.cpp).
// Source      Drepper, Futexes are tricky (2011): the third mutex.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/os/futex.hpp"

#include <chrono>
#include <cstdint>

namespace noria::inline v1::sync {

class robust_mutex {
public:
    // What is known of an owner.
    enum class fate {
        lives,    // as far as can be known
        buried,   // it has been recovered from: the word names it no more
        nobody,   // no endpoint has that name: the word lies
        blocked,  // for at least a second it could not be asked about or recovered
    };
    enum class answer { taken, busy, corrupt, blocked };

    // Asks about the owner that the word names.
    struct question {
        void* context;
        fate (*ask)(void* context, std::uint32_t owner);
    };

    robust_mutex() = default;
    explicit robust_mutex(layout::mutex_line& line) noexcept : word_(&line.owner) {}

    // 1 + the index of the roster entry that has it, or 0.
    [[nodiscard]] std::uint32_t owner() const noexcept {
        return load_relaxed(*word_) & ~layout::mutex_contended;  // stale is harmless: asked about, or shown to people
    }

    // Never waits.
    [[nodiscard]] bool try_take(std::uint32_t me) const noexcept {
        return compare_exchange(*word_, 0U, me);  // [S1] an exchange <- [S2] in leave
    }

    // Waits: at most until then, after spinning for so long.
    [[nodiscard]] NORIA_API answer take(std::uint32_t me, std::chrono::nanoseconds spin,
                                        os::monotonic::time_point until, question about) const noexcept;

    // False: the word did not name us; it does not name anybody now.
    NORIA_API bool leave(std::uint32_t me) const noexcept;

private:
    std::uint32_t* word_ = nullptr;
};

}  // namespace noria::inline v1::sync

// SPDX-License-Identifier: BSL-1.0
