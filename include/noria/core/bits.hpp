// bits.hpp: powers of two, rounding, and the one hash of the library.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace noria::inline v1 {

// The least multiple of `step` that is not below `value`; `step` is a power of two and the sum does not overflow.
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t step) noexcept {
    return (value + step - 1) & ~(step - 1);
}

constexpr bool is_power_of_two(std::uint64_t value) noexcept { return std::has_single_bit(value); }

// Source: FNV-1a, 64 bits (Fowler, Noll, Vo 1991). It tags types; it is no defence against an adversary.
constexpr std::uint64_t fnv1a_basis = 0xcbf29ce484222325;
constexpr std::uint64_t fnv1a_byte(std::uint8_t byte, std::uint64_t hash) noexcept {
    return (hash ^ byte) * 0x100000001b3;
}
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = fnv1a_basis) noexcept {
    for (const char c : text) hash = fnv1a_byte(static_cast<std::uint8_t>(c), hash);
    return hash;
}
constexpr std::uint64_t fnv1a(std::uint64_t number, std::uint64_t hash) noexcept {
    for (int byte = 0; byte < 8; ++byte) hash = fnv1a_byte(static_cast<std::uint8_t>(number >> (8 * byte)), hash);
    return hash;
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
