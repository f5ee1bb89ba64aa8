// inputs.hpp: which files a run reads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wordcount {

// Every regular file below the folder, in the order of their names; symbolic links are not followed.
// Throws std::filesystem::filesystem_error.
std::vector<std::string> files_below(const std::filesystem::path& folder);

// Throws std::runtime_error, which names the first file that is none or cannot be read: before the work, and not amid it.
void require_readable(const std::vector<std::string>& files);

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
