// 1_consumer.cpp: prints the ticks of the producer until it is done, or dies.
#include "ticks.hpp"

#include <cstdio>

int main(int argc, char** argv) try {
    ticks::consumer in{argc > 1 ? argv[1] : "/dev/shm/noria-ticks"};  // waits for the file, at most five seconds
    while (const auto tick = in.pop()) {                              // waits while empty; false: the stream has ended
        std::printf("%2lld s  %.2f\n", static_cast<long long>(tick->time_ns / 1'000'000'000), tick->price);
    }
    if (in.ended() == noria::end::finished) return 0;
    std::puts("The producer died.");
    return 1;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
