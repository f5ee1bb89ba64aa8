// signals.hpp: SIGINT, SIGTERM, SIGHUP, and a child's end, interrupt the wait of an endpoint.
#pragma once

#include <signal.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace wordcount {

// One at a time, for an endpoint that outlives it and is not moved. A verb that need not wait is not interrupted: so who has
// waited, or has not, looks at both.
template <class Endpoint>
class signals {
public:
    explicit signals(Endpoint& endpoint) {
        endpoint_ = &endpoint;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            sigaction(numbers[i], nullptr, &before_[i]);
            // nohup, or a job in the background: as our parent wants it. Of our children we must know.
            if (before_[i].sa_handler == SIG_IGN && numbers[i] != SIGCHLD) continue;
            struct sigaction action = {};
            action.sa_handler = &handle;
            action.sa_flags = SA_NOCLDSTOP | SA_RESTART;  // it is not by EINTR that a wait ends
            sigaction(numbers[i], &action, nullptr);
        }
    }
    ~signals() {
        for (std::size_t i = 0; i < numbers.size(); ++i) sigaction(numbers[i], &before_[i], nullptr);
        endpoint_ = nullptr;
    }
    signals(const signals&) = delete;
    signals& operator=(const signals&) = delete;

    // The number of the signal that asks us to end, or 0.
    [[nodiscard]] static int caught() { return caught_; }
    // Whether a child has ended since the last time.
    [[nodiscard]] static bool child_ended() { return child_ended_.load() && child_ended_.exchange(false); }

private:
    static constexpr std::array<int, 4> numbers{SIGINT, SIGTERM, SIGHUP, SIGCHLD};

    static void handle(int signal) {
        if (signal == SIGCHLD)
            child_ended_ = true;
        else
            caught_ = signal;
        if (Endpoint* const endpoint = endpoint_) endpoint->interrupt();
    }

    std::array<struct sigaction, numbers.size()> before_ = {};
    static inline std::atomic<Endpoint*> endpoint_ = nullptr;
    static inline std::atomic<int> caught_ = 0;
    static inline std::atomic<bool> child_ended_ = false;
    static_assert(std::atomic<Endpoint*>::is_always_lock_free, "a signal handler takes no lock");
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
