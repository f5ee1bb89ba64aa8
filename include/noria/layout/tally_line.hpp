// tally_line.hpp: the figures of one roster entry of an mpmc queue, over all who ever had it; a queue's are their sums.
//
// Written by    whoever holds the entry: its inhabitant, or who recovers from its death. They never go back to zero.
// Exact         A commit, a giving back and a release note their position, then count, then store the slot's word. Of the
//               two places for notes, the count says which is meant: note[(count - 1) % 2] is the last counted one's. A
//               slot that is still its owner's after the owner's death, though counted, was not done: one is taken off.
#pragma once

#include "noria/core/cache_line.hpp"

#include <cstddef>
#include <cstdint>

namespace noria::inline v1::layout {

struct tally_line {
    std::uint64_t sent;             // messages committed
    std::uint64_t committing[2];    // positions
    std::uint64_t given_back;       // claims destroyed uncommitted
    std::uint64_t giving_back[2];   // positions
    std::uint64_t received;         // messages released
    std::uint64_t releasing[2];     // positions
    std::uint64_t skipped;          // claims that died with their owner
    std::uint64_t refused;          // pushes and claims that returned without room
    std::uint64_t redelivered;      // messages put back, or parked: their holder died or threw
    std::uint64_t high_water;       // the largest depth seen
    std::uint64_t tenure;           // under a mutex: odd from before its holder takes that until after it has left it
    std::uint64_t producer_deaths;  // inhabitants of the entry that died
    std::uint64_t consumer_deaths;
};
static_assert(sizeof(tally_line) == line_separation_bytes, "one writer to a line");
static_assert(offsetof(tally_line, committing) == 8 && offsetof(tally_line, given_back) == 24 &&
                  offsetof(tally_line, giving_back) == 32 && offsetof(tally_line, received) == 48 &&
                  offsetof(tally_line, releasing) == 56 && offsetof(tally_line, skipped) == 72 &&
                  offsetof(tally_line, refused) == 80 && offsetof(tally_line, redelivered) == 88 &&
                  offsetof(tally_line, high_water) == 96 && offsetof(tally_line, tenure) == 104 &&
                  offsetof(tally_line, producer_deaths) == 112 && offsetof(tally_line, consumer_deaths) == 120,
              "FORMAT_MPMC.md, the tally line");

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
