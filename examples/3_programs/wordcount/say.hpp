// say.hpp: a line of text to people, on standard error, where a line of progress may stand.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

namespace wordcount {

// On a terminal: back to the first column, and nothing left of what stood in this line.
inline const char* fresh_line() { return isatty(STDERR_FILENO) != 0 ? "\r\x1b[K" : ""; }

inline void say(std::string_view who, std::string_view text) {
    fmt::print(stderr, "{}{}: {}\n", fresh_line(), who, text);
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
