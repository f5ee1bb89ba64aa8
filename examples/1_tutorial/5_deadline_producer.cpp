// 5_deadline_producer.cpp: sends what it can in a tenth of a second, and says what it could not.
#include "ticks.hpp"

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) try {
    ticks::producer out{argc > 1 ? argv[1] : "/dev/shm/noria-ticks-in-time", {.capacity = 4}};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    for (int i = 0; i < 10; ++i) {
        if (out.push_until({.time_ns = i, .price = 100 + 0.25 * i}, deadline)) continue;
        if (out.why() != noria::outcome::timed_out) return 1;
        std::printf("The queue stayed full until the deadline: %d of 10 sent.\n", i);
        break;
    }
    return 0;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
