// hexdump.cpp: sixteen bytes to a line.
#include "hexdump.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace noria::docs {

std::string hexdump(const std::string& bytes) {
    std::string text;
    for (std::size_t offset = 0; offset < bytes.size(); offset += 16) {
        const std::string line = bytes.substr(offset, 16);
        if (std::ranges::all_of(line, [](char each) { return each == '\0'; })) continue;
        text += fmt::format("{:08x} ", offset);
        for (std::size_t i = 0; i < line.size(); ++i) {
            text += fmt::format("{}{:02x}", i == 8 ? "  " : " ", static_cast<unsigned char>(line[i]));
        }
        text += "  |";
        for (const char each : line) text += each >= ' ' && each <= '~' ? each : '.';
        text += "|\n";
    }
    return text + fmt::format("{:08x}\n", bytes.size());
}

}  // namespace noria::docs

// SPDX-License-Identifier: BSL-1.0
