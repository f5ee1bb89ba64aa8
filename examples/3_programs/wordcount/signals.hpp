// signals.hpp: SIGINT, SIGTERM and SIGHUP let a role end in order: its endpoint's wait returns `interrupted`.
#pragma once

#include <signal.h>

#include <atomic>
#include <initializer_list>

namespace wordcount {

// One at a time, for an endpoint that outlives it and is not moved. A verb that need not wait is not interrupted: a loop
// that may never wait looks at caught().
template <class Endpoint>
class signals {
public:
    explicit signals(Endpoint& endpoint) {
        endpoint_ = &endpoint;
        for (const int each : {SIGINT, SIGTERM, SIGHUP}) {
            struct sigaction action = {};
            sigaction(each, nullptr, &action);
            if (action.sa_handler == SIG_IGN) continue;  // nohup, or a job in the background: as our parent wants it
            action.sa_handler = &handle;
            sigaction(each, &action, nullptr);
        }
    }
    ~signals() { endpoint_ = nullptr; }
    signals(const signals&) = delete;
    signals& operator=(const signals&) = delete;

    // The number of the signal, or 0.
    [[nodiscard]] static int caught() { return caught_; }

private:
    static void handle(int signal) {
        caught_ = signal;
        if (Endpoint* const endpoint = endpoint_) endpoint->interrupt();
    }

    static inline std::atomic<Endpoint*> endpoint_ = nullptr;
    static inline std::atomic<int> caught_ = 0;
    static_assert(std::atomic<Endpoint*>::is_always_lock_free, "a signal handler takes no lock");
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
