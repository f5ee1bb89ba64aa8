// 2_in_place_producer.cpp: writes ticks where the consumer will read them, and nowhere else before.
#include "ticks.hpp"

#include <cstdio>

int main(int argc, char** argv) try {
    ticks::producer out{argc > 1 ? argv[1] : "/dev/shm/noria-ticks-in-place"};
    for (int i = 0; i < 10; ++i) {
        auto tick = out.claim();  // room for one message; waits while the queue is full
        if (!tick) {
            std::puts("The consumer is gone.");
            return 1;
        }
        tick->time_ns = i * 1'000'000'000LL;
        tick->price = 100 + 0.25 * i;
        if (i % 2 == 0) tick.commit();  // sent: from here on it survives us
    }                                   // not committed: given back, and nobody ever sees it
    return 0;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
