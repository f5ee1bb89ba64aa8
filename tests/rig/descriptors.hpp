// descriptors.hpp: closing what another part of the program has opened, as a program does that knows nothing of it.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace noria::rig {

// Closes each descriptor of this process that stands for the file of that name, and no other.
inline void close_descriptors_of(const std::filesystem::path& path) {
    int closed = 0;
    for (int number = 3; number < 256; ++number) {
        std::error_code none;
        const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(number), none);
        if (link == path && close(number) == 0) ++closed;
    }
    if (closed == 0) throw std::runtime_error("rig: no descriptor stands for " + path.string());
}

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
