// progress.hpp: how far the work is: one line that changes on a terminal, a line each second elsewhere.
#pragma once

#include "inputs.hpp"
#include "say.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace wordcount {

// Work done so far, and what came in its way.
struct amount {
    std::uint64_t bytes = 0;  // of text, each once
    std::uint64_t messages = 0;
    std::uint64_t killed_workers = 0;
    std::uint64_t killed_readers = 0;
    std::uint64_t redelivered = 0;  // blocks that come again: their worker was killed
    std::uint64_t repeats = 0;      // results that came again, and were dropped
    std::uint64_t skipped = 0;      // claims whose owner was killed before the commit
};

inline std::string incidents(const amount& done) {
    return fmt::format("killed: {} workers, {} readers; redelivered: {}, repeats dropped: {}, claims skipped: {}",
                       done.killed_workers, done.killed_readers, done.redelivered, done.repeats, done.skipped);
}

class progress {
public:
    explicit progress(const std::vector<input>& inputs) {
        for (const auto& each : inputs) bytes_total_ += each.bytes + (each.bytes != 0 ? 1 : 0);  // and a newline
    }

    // Whether it is time to show something. Asks the clock.
    [[nodiscard]] bool due() const { return clock::now() - shown_at_ >= interval_; }

    // Shows the work done, and the speed since the last time.
    void show(const amount& done) {
        const auto now = clock::now();
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
        fmt::print(stderr, "{}{:.1f} of {:.1f} MB: {:.1f} MB/s, {:.0f} messages/s; {}{}", fresh_line(),
                   static_cast<double>(done.bytes) / 1e6, static_cast<double>(bytes_total_) / 1e6,
                   static_cast<double>(bytes) / 1e6 / seconds, static_cast<double>(messages) / seconds, incidents(done),
                   end);
    }

    std::uint64_t bytes_total_ = 0;
    const bool on_terminal_ = isatty(STDERR_FILENO) != 0;
    const char* const end_ = on_terminal_ ? "" : "\n";
    const clock::duration interval_ = std::chrono::milliseconds(on_terminal_ ? 100 : 1000);
    const clock::time_point started_ = clock::now();
    clock::time_point shown_at_ = started_;
    amount shown_;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
