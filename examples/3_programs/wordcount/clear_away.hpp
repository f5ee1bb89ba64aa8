// clear_away.hpp: a queue that nobody needs any more leaves no file.
#pragma once

#include <noria/inspect.hpp>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

namespace wordcount {

// For a role that has closed its end. The other one may still be about to leave, and nobody removes a queue that is in
// use: so it tries for a second. If the other stays, that one removes the file when it leaves.
inline void clear_away(const std::filesystem::path& queue) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    std::error_code code;
    do {
        noria::remove(queue, code);
        if (code != noria::errc::in_use) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (std::chrono::steady_clock::now() < deadline);
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
