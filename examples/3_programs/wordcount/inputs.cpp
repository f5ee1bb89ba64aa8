// inputs.cpp: which files a run reads.
#include "inputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace wordcount {

std::vector<std::string> files_below(const std::filesystem::path& folder) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.symlink_status().type() == std::filesystem::file_type::regular) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

void require_readable(const std::vector<std::string>& files) {
    for (const auto& file : files) {
        if (access(file.c_str(), R_OK) != 0) throw std::runtime_error(file + ": " + std::strerror(errno));
        if (std::filesystem::is_directory(file)) throw std::runtime_error(file + ": a directory; name the files in it");
        if (!std::filesystem::is_regular_file(file)) throw std::runtime_error(file + ": not a regular file");
    }
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
