// waited_signals.hpp: the signals that wordcount waits for instead of being interrupted by them.
#pragma once

#include <signal.h>

#include <chrono>
#include <ctime>
#include <initializer_list>
#include <optional>

namespace wordcount {

// Blocked as long as this exists, so that whatever was begun can be cleared up; one that comes then takes effect later.
class waited_signals {
public:
    waited_signals() {
        signal(SIGCHLD, SIG_DFL);  // ignored, it would hide how our children went
        sigemptyset(&set_);
        sigaddset(&set_, SIGCHLD);
        for (const int each : {SIGINT, SIGTERM, SIGHUP}) {
            struct sigaction action = {};
            sigaction(each, nullptr, &action);
            if (action.sa_handler != SIG_IGN) sigaddset(&set_, each);  // nohup, or a job in the background
        }
        sigprocmask(SIG_BLOCK, &set_, &before_);
    }
    ~waited_signals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    waited_signals(const waited_signals&) = delete;
    waited_signals& operator=(const waited_signals&) = delete;

    // The number of the signal that came, or 0: it is time. Without a deadline it waits for ever.
    [[nodiscard]] int wait(std::optional<std::chrono::steady_clock::time_point> deadline) const {
        if (!deadline) {
            const int signal = sigwaitinfo(&set_, nullptr);
            return signal > 0 ? signal : 0;
        }
        const auto rest = std::chrono::nanoseconds(*deadline - std::chrono::steady_clock::now()).count();
        const auto ns = rest > 0 ? rest : 0;
        const std::timespec time{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
        const int signal = sigtimedwait(&set_, nullptr, &time);
        return signal > 0 ? signal : 0;
    }

    // What was blocked before, and is to be blocked in children.
    [[nodiscard]] const sigset_t& before() const { return before_; }

private:
    sigset_t set_ = {};
    sigset_t before_ = {};
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
