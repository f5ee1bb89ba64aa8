// control.hpp: the page through which the driver tells its workers what to do, and they tell what they found.
//
// The driver fills the first part before any worker starts. Each worker writes its own `report`; the others' words are
// written by whoever their names say. Only the driver reads the samples, when all workers are gone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace bench {

constexpr unsigned workers_max = 32;
constexpr unsigned samples_max = 1U << 18;

enum class kind : std::uint32_t {
    stream,  // producers send for a while, consumers receive all of it
    echo,    // one message there, one back
};

struct alignas(128) word {
    std::atomic<std::uint64_t> value;
};

struct alignas(128) report {
    std::uint64_t messages;
    std::uint64_t sum;       // of the sequence numbers that were sent or received
    std::uint64_t errors;    // messages with a wrong checksum
    std::uint64_t disorder;  // messages that came before or after their producer's turn
    std::int64_t begun_ns;   // the first and the last message, on the monotonic clock
    std::int64_t ended_ns;
    char complaint[256];
};

struct control {
    // written by the driver
    char adapter[64];
    char path[128];
    kind what;
    std::uint32_t bytes;
    std::uint32_t batch;
    std::uint32_t producers;
    std::uint32_t consumers;
    std::uint32_t asleep;
    std::uint32_t crowded;
    std::uint64_t capacity;
    std::uint64_t endpoints;
    std::int64_t duration_ns;
    std::int32_t processor[workers_max];

    // how the workers meet
    word arrived;
    word ping;
    word pong;
    word senders_done;
    word sent;
    word received[workers_max];

    // found by the workers
    double two_lines_ns[2];  // a round trip of the floor, before and after
    double one_line_ns[2];
    report of[workers_max];
    std::uint32_t sample_count;         // of the first consumer, or of the echo's first worker
    std::uint32_t sample[samples_max];  // stream: ns per 64 messages and chunk; echo: ns of each round trip
};

inline std::int64_t now_ns() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
