// inputs.hpp: which files a run reads, and how they become blocks.
#pragma once

#include "blocks.hpp"

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace wordcount {

// A file and its size when the run began: what decides which block has which number must not change meanwhile.
struct input {
    std::string path;
    std::uint64_t bytes = 0;

    [[nodiscard]] std::uint64_t blocks() const { return (bytes + block_bytes - 1) / block_bytes; }
};

// Every regular file below the folder, in the order of their names; symbolic links are not followed.
// Throws std::filesystem::filesystem_error.
std::vector<std::string> files_below(const std::filesystem::path& folder);

// Throws std::runtime_error, which names the first file that is none or cannot be read: before the work, and not amid it.
std::vector<input> measure(const std::vector<std::string>& files);

// How they are passed on: for each its size, a space, its name, a NUL.
std::string write_list(const std::vector<input>& inputs);
std::vector<input> read_list(std::istream& list);

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
