// progress.hpp: how far the work is: one line that changes on a terminal, a line each second elsewhere.
#pragma once

#include "say.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace wordcount {

// Work done so far.
struct amount {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
};

class progress {
public:
    explicit progress(std::uint64_t files_total) : files_total_(files_total) {}

    // Shows the work done and the speed since the last time, if it is time for that. Asks the clock: call it now and then.
    void show(const amount& done) {
        const auto now = clock::now();
        if (now - shown_at_ < interval_) return;
        print(done, done.bytes - shown_.bytes, done.messages - shown_.messages, now - shown_at_, end_);
        shown_ = done;
        shown_at_ = now;
    }

    // Shows all the work and its mean speed.
    void finish(const amount& done) const { print(done, done.bytes, done.messages, clock::now() - started_, "\n"); }

private:
    using clock = std::chrono::steady_clock;

    void print(const amount& done, std::uint64_t bytes, std::uint64_t messages, clock::duration time,
               const char* end) const {
        const double seconds = std::chrono::duration<double>(time).count() + 1e-9;
        fmt::print(stderr, "{}{} of {} files, {:.1f} MB: {:.1f} MB/s, {:.0f} messages/s{}", fresh_line(), done.files,
                   files_total_, static_cast<double>(done.bytes) / 1e6, static_cast<double>(bytes) / 1e6 / seconds,
                   static_cast<double>(messages) / seconds, end);
    }

    const std::uint64_t files_total_;
    const bool on_terminal_ = isatty(STDERR_FILENO) != 0;
    const char* const end_ = on_terminal_ ? "" : "\n";
    const clock::duration interval_ = std::chrono::milliseconds(on_terminal_ ? 100 : 1000);
    const clock::time_point started_ = clock::now();
    clock::time_point shown_at_ = started_;
    amount shown_;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
