// backoff.hpp: how a waiting endpoint spins before it sleeps.
//
// First it looks as often as it can, for about one round trip between cores: who answers at once is heard at once. Then
// it looks every half microsecond: a reader that keeps reading the line being written slows the writer down (measured:
// backing off doubles the throughput of every ring). When the budget is spent, it is time to sleep.
//
// In a crowd that has more endpoints than the machine has processors, somebody whom we wait for may be waiting for ours:
// there each look is followed by an offer of the processor. (Elsewhere an offer costs a slice of whoever takes it.)
#pragma once

#include "noria/core/cache_line.hpp"
#include "noria/os/futex.hpp"

#include <chrono>
#include <thread>

namespace noria::inline v1::sync {

class backoff {
public:
    explicit backoff(std::chrono::nanoseconds budget, bool crowded = false) noexcept
        : budget_(budget), crowded_(crowded) {}

    // Waits a moment. False: the budget is spent.
    bool pause() noexcept {
        if (budget_ <= std::chrono::nanoseconds::zero()) return false;
        if (rounds_ < eager_rounds) {
            ++rounds_;
            pause_processor();
            return true;
        }
        now_ = os::monotonic::now();
        if (rounds_ == eager_rounds) {
            ++rounds_;
            begun_ = now_;
        }
        if (now_ - begun_ >= budget_) return false;
        if (crowded_) {
            std::this_thread::yield();
        } else {
            stand_back(24);  // 0.43 us, with the clock's 26 ns about half a microsecond
        }
        return true;
    }

    // The time before the last pause; long ago, before the clock was first needed.
    [[nodiscard]] os::monotonic::time_point now() const noexcept { return now_; }

private:
    static constexpr int eager_rounds = 16;  // 16 x (about 18 ns of pause + a look): one round trip, 150 to 570 ns

    std::chrono::nanoseconds budget_;
    os::monotonic::time_point begun_;
    os::monotonic::time_point now_;
    int rounds_ = 0;
    bool crowded_;
};

}  // namespace noria::inline v1::sync

// SPDX-License-Identifier: BSL-1.0
