// inputs.cpp: which files a run reads, and how they become blocks.
#include "inputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace wordcount {

namespace {

input measure_one(const std::string& file) {
    if (access(file.c_str(), R_OK) != 0) throw std::runtime_error(file + ": " + std::strerror(errno));
    if (std::filesystem::is_directory(file)) throw std::runtime_error(file + ": a directory; name the files in it");
    if (!std::filesystem::is_regular_file(file)) throw std::runtime_error(file + ": not a regular file");
    const std::uint64_t bytes = std::filesystem::file_size(file);
    if (bytes == 0 && std::ifstream(file).get() != EOF)
        throw std::runtime_error(file + ": has no size, like all of /proc and /sys; take a copy");
    return {file, bytes};
}

}  // namespace

std::vector<std::string> files_below(const std::filesystem::path& folder) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.symlink_status().type() == std::filesystem::file_type::regular) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

std::vector<input> measure(const std::vector<std::string>& files) {
    std::vector<input> inputs;
    for (const auto& file : files) inputs.push_back(measure_one(file));
    return inputs;
}

std::string write_list(const std::vector<input>& inputs) {
    std::string list;
    for (const auto& each : inputs) list.append(std::to_string(each.bytes) + ' ' + each.path).push_back('\0');
    return list;
}

std::vector<input> read_list(std::istream& list) {
    std::vector<input> inputs;
    for (input next; list >> next.bytes && list.get() == ' ' && std::getline(list, next.path, '\0');)
        inputs.push_back(next);
    if (!list.eof()) throw std::runtime_error("not a list of sizes and files: wordcount starts this program");
    return inputs;
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
