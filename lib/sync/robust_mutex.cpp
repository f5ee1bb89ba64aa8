// robust_mutex.cpp: waiting for the mutex, and leaving it.
#include "noria/sync/robust_mutex.hpp"

#include "noria/sync/backoff.hpp"

#include <algorithm>

namespace noria::inline v1::sync {

namespace {

using std::chrono::nanoseconds;

// Whoever has the mutex has it for some hundred nanoseconds: who waits for longer has reason to ask, then less and less.
constexpr nanoseconds first_question = std::chrono::microseconds(200);
constexpr nanoseconds longest_slice = std::chrono::milliseconds(50);

// Others may be quicker than we are, and die, but not so often in a row: the word was free, or its owner buried, and
// changed before our exchange. In an honest crowd that is less likely each time than that it is not.
constexpr unsigned lost_at_most = 4096;

}  // namespace

robust_mutex::answer robust_mutex::take(std::uint32_t me, nanoseconds spin, os::monotonic::time_point until,
                                        question about) const noexcept {
    backoff spinning(std::min(spin, first_question));  // who spins asks nobody, and looks at no time
    const auto begun = os::monotonic::now();
    auto asked = begun;
    std::uint32_t mine = me;
    for (unsigned lost = 0; lost < lost_at_most; ++lost) {
        std::uint32_t word = load_relaxed(*word_);  // the exchanges below decide
        if (word == 0) {
            if (try_take(mine)) return answer::taken;
            continue;
        }
        if (spinning.pause()) {
            lost = 0;  // for so long as we spin
            continue;
        }
        const auto now = os::monotonic::now();
        bool blocked = false;
        const nanoseconds slice = std::clamp<nanoseconds>((now - begun) / 8, first_question, longest_slice);
        if (now - asked >= slice) {
            const fate found = about.ask(about.context, word & ~layout::mutex_contended);
            if (found == fate::nobody) return answer::corrupt;
            blocked = found == fate::blocked;
            if (found == fate::buried) continue;
            asked = now;
        }
        // M2: a waiter that gives up marks the word, too, for it may have used up another waiter's wake-up.
        if ((word & layout::mutex_contended) == 0) {
            if (!compare_exchange(*word_, word, word | layout::mutex_contended)) continue;
            word |= layout::mutex_contended;
        }
        if (blocked) return answer::blocked;
        if (now >= until) return answer::busy;
        mine = me | layout::mutex_contended;  // M2: others may sleep, too
        os::futex_wait(*word_, word, std::min(until, now + slice));
        lost = 0;
    }
    return answer::corrupt;
}

bool robust_mutex::leave(std::uint32_t me) const noexcept {
    const std::uint32_t word = exchange(*word_, 0U);  // [S2] an exchange -> [S1] in try_take
    if ((word & layout::mutex_contended) != 0) os::futex_wake_one(*word_);
    return (word & ~layout::mutex_contended) == me;
}

}  // namespace noria::inline v1::sync

// SPDX-License-Identifier: BSL-1.0
