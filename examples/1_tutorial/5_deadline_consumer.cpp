// 5_deadline_consumer.cpp: prints ticks, and notices when none has come for half a second.
#include "ticks.hpp"

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) try {
    ticks::consumer in{argc > 1 ? argv[1] : "/dev/shm/noria-ticks-in-time"};
    while (true) {
        if (const auto tick = in.pop_for(std::chrono::milliseconds(500))) {
            std::printf("%.2f\n", tick->price);
        } else if (in.why() == noria::outcome::timed_out) {
            std::puts("No tick for half a second.");  // the producer lives, and is silent
        } else {
            return in.ended() == noria::end::finished ? 0 : 1;
        }
        std::fflush(stdout);
    }
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
