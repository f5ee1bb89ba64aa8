// fuzz_place.hpp: where the fuzz targets put their file.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace noria::hostile {

// In the directory that NORIA_FUZZ_DIRECTORY names, which belongs to whoever started the target; without one, in
// memory.
inline const std::filesystem::path& fuzz_place() {
    static const std::filesystem::path place = [] {
        const char* directory = std::getenv("NORIA_FUZZ_DIRECTORY");
        return std::filesystem::path(directory != nullptr ? directory : "/dev/shm") /
               ("noria-fuzz-" + std::to_string(getpid()));
    }();
    return place;
}

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
