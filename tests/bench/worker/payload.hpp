// payload.hpp: what is in a message: its number, in every word of it, so that each word is written and read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

// [ producer:16 | sequence:48 ]
constexpr unsigned sequence_bits = 48;
constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << sequence_bits) - 1;
constexpr std::uint64_t last_call = ~std::uint64_t{0};  // ends an echo

template <std::size_t Bytes>
inline void fill(std::byte* room, std::uint64_t number) noexcept {
    static_assert(Bytes % 8 == 0);
    for (std::size_t i = 0; i < Bytes / 8; ++i) {
        const std::uint64_t word = number + i;
        std::memcpy(room + i * 8, &word, 8);
    }
}

// The message's number; `sound` is cleared unless the sum of its words is what it should be.
template <std::size_t Bytes>
inline std::uint64_t check(const std::byte* message, bool& sound) noexcept {
    constexpr std::uint64_t words = Bytes / 8;
    std::uint64_t number = 0;
    std::memcpy(&number, message, 8);
    if constexpr (words > 1) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < words; ++i) {
            std::uint64_t word = 0;
            std::memcpy(&word, message + i * 8, 8);
            sum += word;
        }
        sound &= sum == number * words + words * (words - 1) / 2;
    }
    return number;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
