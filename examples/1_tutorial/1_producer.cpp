// 1_producer.cpp: sends ten ticks to whoever consumes them.
//
// Start it before the consumer or after it, or kill either of them: what was pushed waits in the file.
#include "ticks.hpp"

#include <cstdio>

int main(int argc, char** argv) try {
    ticks::producer out{argc > 1 ? argv[1] : "/dev/shm/noria-ticks", {.capacity = 4096}};  // creates a missing file
    for (int i = 0; i < 10; ++i) {
        if (!out.push({.time_ns = i * 1'000'000'000LL, .price = 100 + 0.25 * i})) {  // waits while the queue is full
            std::puts("The consumer is gone.");
            return 1;
        }
    }
    return 0;  // leaving the scope ends the stream
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
