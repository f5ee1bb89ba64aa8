// 2_in_place_consumer.cpp: reads ticks where they are, and lets each go when it has done its work.
//
// pop() releases a message before you see it: die at work, and it is lost with you. take() holds it meanwhile: die, and
// your successor gets it, and is told that somebody had it before.
#include "ticks.hpp"

#include <cstdio>

int main(int argc, char** argv) try {
    ticks::consumer in{argc > 1 ? argv[1] : "/dev/shm/noria-ticks-in-place"};
    while (const auto tick = in.take()) {  // a lease: the room is the producer's again when it goes
        std::printf("%.2f%s\n", tick->price, tick.deliveries() > 1 ? "  (perhaps done already, by one who died)" : "");
    }
    return in.ended() == noria::end::finished ? 0 : 1;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
