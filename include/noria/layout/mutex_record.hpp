// mutex_record.hpp: the 64-bit word in front of each record of a queue under a mutex: its length, whose it is, its phase.
//
//      63           19 18      16 15    12 11        0
//     [ length in bytes | deliveries | phase  | owner    ]
//
// Below the length it is a slot's word (slot_word.hpp), in which `free` means that nobody needs the record any more: a
// message that was released, a claim that was given back, or the unused end of the ring.
#pragma once

#include "noria/layout/slot_word.hpp"

#include <cstdint>

namespace noria::inline v1::layout {

constexpr std::uint64_t mutex_record(std::uint64_t length_bytes, slot_phase phase, std::uint64_t deliveries = 0,
                                     std::uint64_t owner = 0) noexcept {
    return length_bytes << lap_shift | slot_word(0, phase, deliveries, owner);
}
constexpr std::uint64_t mutex_record_length(std::uint64_t word) noexcept { return word >> lap_shift; }

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
