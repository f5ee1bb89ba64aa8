// parking_place.hpp: where an mpmc queue with deliveries_max keeps a message that too many of its holders died of.
//
//     free --CAS--> claimed, e --copy--> ready, e --the message's slot is freed--> ready --CAS--> retrieved, c --> free, lap + 1
//
// Written by    whoever holds the lock of entry e: its inhabitant, or who recovers from its death; then by the consumer c.
// The word      is a slot's (slot_word.hpp), its lap the number of messages that were taken out of this place: so figures are
//               read from the words, and a death can leave none wrong.
#pragma once

#include <cstddef>
#include <cstdint>

namespace noria::inline v1::layout {

struct parking_place {
    std::uint64_t word;
    std::uint64_t bytes;     // of the message
    std::uint64_t position;  // where it stood, modulo 2^45 laps
    std::uint64_t reserved[5];
};
static_assert(sizeof(parking_place) == 64, "the message behind it is aligned as any can be");
static_assert(offsetof(parking_place, bytes) == 8 && offsetof(parking_place, position) == 16 &&
                  offsetof(parking_place, reserved) == 24,
              "FORMAT_MPMC.md, the parking place");

constexpr std::uint64_t parking_limit = 65536;  // places

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
