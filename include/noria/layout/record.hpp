// record.hpp: the 64-bit word in front of each spsc message: its length, its sequence, and that it is there at all.
//
//      63              32 31 30 29                    0
//     [ sequence         |P |S | length in bytes        ]     P: present   S: a skip, the unused end of the ring
//
// The word is written by one store after the message itself, and read by one load: it is the message's publication.
// The sequence is the low half of the message's number, so the header left over from the ring's last turn is told from
// a new one, and a scribbled one from both. P makes the word of an empty message differ from 0.
#pragma once

#include "noria/core/bits.hpp"

#include <cstdint>

namespace noria::inline v1::layout {

constexpr std::uint64_t record_header_bytes = 8;
constexpr std::uint64_t record_alignment = 8;
constexpr std::uint64_t record_present = std::uint64_t{1} << 31;
constexpr std::uint64_t record_skip = std::uint64_t{1} << 30;
constexpr std::uint64_t record_length_mask = record_skip - 1;
constexpr std::uint64_t record_sequence_step = std::uint64_t{1} << 32;

constexpr std::uint64_t record_word(std::uint64_t length_bytes, std::uint64_t message_number) noexcept {
    return (message_number << 32) | record_present | length_bytes;
}
constexpr std::uint64_t skip_word(std::uint64_t length_bytes, std::uint64_t message_number) noexcept {
    return record_word(length_bytes, message_number) | record_skip;
}
constexpr std::uint64_t record_length(std::uint64_t word) noexcept { return word & record_length_mask; }
constexpr bool is_skip(std::uint64_t word) noexcept { return (word & record_skip) != 0; }

// What a record of the bytes form takes in the ring, its header included.
constexpr std::uint64_t record_bytes(std::uint64_t length_bytes) noexcept {
    return record_header_bytes + round_up(length_bytes, record_alignment);
}

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
