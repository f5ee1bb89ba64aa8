// printable.cpp: a decoder of UTF-8 that knows which characters are better not shown.
#include "noria/core/printable.hpp"

#include <cstddef>
#include <cstdint>

namespace noria::inline v1 {

namespace {

// How many bytes the character has that begins there; 0: they are not UTF-8 (also: too long a form, a surrogate).
std::size_t decode(std::string_view text, std::uint32_t& character) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at])); };
    const std::uint32_t first = byte(0);
    if (first < 0x80) {
        character = first;
        return 1;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    character = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
        character = character << 6 | (byte(i) & 0x3f);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    return character < least[length] || character > 0x10ffff || surrogate ? 0 : length;
}

bool may_be_shown(std::uint32_t character) noexcept {
    if (character < 0x20 || (character >= 0x7f && character <= 0x9f)) return false;
    const bool ends_a_line = character == 0x2028 || character == 0x2029;
    const bool turns = character == 0x061c || character == 0x200e || character == 0x200f ||
                       (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
    return !ends_a_line && !turns;
}

}  // namespace

std::string printable(std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        std::uint32_t character = 0;
        const std::size_t decoded = decode(text, character);
        const std::size_t length = decoded == 0 ? 1 : decoded;
        if (decoded != 0 && may_be_shown(character)) {
            shown += text.substr(0, length);
        } else {
            for (const char each : text.substr(0, length)) {
                const auto value = static_cast<unsigned char>(each);
                shown += "\\x";
                shown += digits[value >> 4];
                shown += digits[value & 15];
            }
        }
        text.remove_prefix(length);
    }
    return shown;
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
