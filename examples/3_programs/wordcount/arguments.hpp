// arguments.hpp: how the three programs read their arguments, and the statuses with which they exit.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>

namespace wordcount {

// After a signal that ends a program politely the status is 128 + its number, as in a shell.
enum exit_status : int { done = 0, failed = 1, misused = 2, signalled = 128 };

// Nothing: go on. Otherwise the status to leave with, after --help or bad usage.
inline std::optional<int> parse(CLI::App& program, int argc, char** argv) {
    try {
        program.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::ParseError& complaint) {
        return program.exit(complaint) == 0 ? done : misused;
    }
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
