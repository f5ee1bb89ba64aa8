// slot_word.hpp: the 64-bit word in front of each mpmc message: whose turn it is, in which lap of the ring, and whose it is.
//
//      63            19 18      16 15    12 11        0
//     [ lap            | deliveries | phase  | owner    ]
//
// Position p stands in slot p mod capacity in lap p div capacity. One compare-and-swap of the word claims the position and
// says who did: there is no moment at which a position is taken and nobody knows by whom. Laps are compared modulo 2^45.
#pragma once

#include <cstdint>

namespace noria::inline v1::layout {

enum class slot_phase : std::uint64_t {
    free = 0,       // whoever comes first in this lap may claim it; owner and deliveries are 0
    claimed = 1,    // the owner, a producer, writes
    ready = 2,      // the message is there; owner is 0
    held = 3,       // the owner, a consumer, reads
    retrieved = 4,  // of a parking place alone: the owner, a consumer, reads what was parked there
};

constexpr std::uint32_t owner_bits = 12;
constexpr std::uint64_t owner_mask = (std::uint64_t{1} << owner_bits) - 1;
constexpr std::uint32_t phase_shift = owner_bits;
constexpr std::uint64_t phase_mask = 15;
constexpr std::uint32_t deliveries_shift = 16;
constexpr std::uint64_t deliveries_mask = 7;
constexpr std::uint32_t lap_shift = 19;
constexpr std::uint64_t lap_step = std::uint64_t{1} << lap_shift;

constexpr std::uint64_t slot_header_bytes = 16;  // bytes form: the word, and the message's length

constexpr std::uint64_t endpoints_limit = owner_mask;  // an owner is 1 + the index of its roster entry; 0 is nobody

// The word of a lap in that phase; `lap_bits` is a word of the lap, whatever else it says.
constexpr std::uint64_t slot_word(std::uint64_t lap_bits, slot_phase phase, std::uint64_t deliveries = 0,
                                  std::uint64_t owner = 0) noexcept {
    return (lap_bits & ~(lap_step - 1)) | deliveries << deliveries_shift |
           static_cast<std::uint64_t>(phase) << phase_shift | owner;
}
constexpr slot_phase phase_of(std::uint64_t word) noexcept {
    return static_cast<slot_phase>((word >> phase_shift) & phase_mask);
}
constexpr std::uint64_t owner_of(std::uint64_t word) noexcept { return word & owner_mask; }
constexpr std::uint64_t deliveries_of(std::uint64_t word) noexcept {
    return (word >> deliveries_shift) & deliveries_mask;
}
constexpr std::uint64_t lap_of(std::uint64_t word) noexcept { return word >> lap_shift; }

// How many laps `word` is ahead of `lap_bits`; negative: behind.
constexpr std::int64_t laps_ahead(std::uint64_t word, std::uint64_t lap_bits) noexcept {
    return static_cast<std::int64_t>((word & ~(lap_step - 1)) - (lap_bits & ~(lap_step - 1))) >> lap_shift;
}

// Whether a word says what no program of this format writes, in any lap.
constexpr bool is_impossible(std::uint64_t word) noexcept {
    switch (phase_of(word)) {
        case slot_phase::free: return owner_of(word) != 0 || deliveries_of(word) != 0;
        case slot_phase::claimed: return owner_of(word) == 0 || deliveries_of(word) != 0;
        case slot_phase::ready: return owner_of(word) != 0;
        case slot_phase::held: return owner_of(word) == 0;
        default: return true;
    }
}

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
