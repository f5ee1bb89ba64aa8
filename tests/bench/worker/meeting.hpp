// meeting.hpp: how workers wait for each other, pause, and measure the floor: the raw ping-pong of a cache line.
#pragma once

#include "bench/worker/control.hpp"

#include <algorithm>
#include <chrono>
#include <sched.h>
#include <thread>
#include <vector>

namespace bench {

inline void pause_processor() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// How everybody waits whose queue has no way of its own: look at once for about a round trip, then every half microsecond,
// for a reader at the writer's heels slows both down. Where workers share processors, let the others run.
class patience {
public:
    explicit patience(bool crowded) noexcept : crowded_(crowded) {}
    void pause() noexcept {
        if (rounds_ < eager_rounds) {
            ++rounds_;
            pause_processor();
        } else if (crowded_) {
            sched_yield();
        } else {
            for (int i = 0; i < 24; ++i) pause_processor();
        }
    }
    void renew() noexcept { rounds_ = 0; }

private:
    static constexpr int eager_rounds = 16;
    bool crowded_;
    int rounds_ = 0;
};

// Waits until all have come as often as this worker. Asleep, so as to disturb nobody who measures.
class meeting {
public:
    meeting(control& all, unsigned workers) noexcept : all_(all), workers_(workers) {}
    void arrive() {
        expected_ += workers_;
        all_.arrived.value.fetch_add(1);
        while (all_.arrived.value.load() < expected_) std::this_thread::sleep_for(std::chrono::microseconds(30));
    }

private:
    control& all_;
    std::uint64_t workers_;
    std::uint64_t expected_ = 0;
};

// One worker's part of a ping-pong over one line or two; the leader returns the median round trip in nanoseconds. Groups of
// 16 are timed, so that the clock weighs nothing.
inline double ping_pong(control& all, bool leader, bool two_lines) {
    constexpr std::uint64_t group = 16;
    constexpr std::uint64_t groups = 128;
    std::atomic<std::uint64_t>& there = all.ping.value;
    std::atomic<std::uint64_t>& back = two_lines ? all.pong.value : all.ping.value;
    const auto await = [](const std::atomic<std::uint64_t>& line, std::uint64_t value) {
        while (line.load(std::memory_order_acquire) != value) pause_processor();
    };
    std::vector<double> times;
    std::int64_t begun = now_ns();
    for (std::uint64_t i = 0; i < group * groups; ++i) {
        const std::uint64_t call = 2 * i + 1;
        if (leader) {
            there.store(call, std::memory_order_release);
            await(back, call + 1);
            if ((i + 1) % group == 0) {
                const std::int64_t now = now_ns();
                times.push_back(static_cast<double>(now - begun) / group);
                begun = now;
            }
        } else {
            await(there, call);
            back.store(call + 1, std::memory_order_release);
        }
    }
    if (!leader) return 0;
    all.ping.value = all.pong.value = 0;
    std::nth_element(times.begin(), times.begin() + groups / 2, times.end());
    return times[groups / 2];
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
