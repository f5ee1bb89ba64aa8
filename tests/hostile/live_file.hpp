// live_file.hpp: a queue's file as a scribbler sees it: bytes to be read and written while endpoints work in it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace noria::hostile {

// Reads and writes by system calls, which on Linux are coherent with everybody's mappings; and without a mapping of its
// own, which a forked child would inherit.
class live_file {
public:
    explicit live_file(const std::filesystem::path& path) : file_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {
        if (file_ < 0) throw std::runtime_error("hostile: no file " + path.string());
    }
    ~live_file() { close(file_); }
    live_file(const live_file&) = delete;
    live_file& operator=(const live_file&) = delete;

    template <class Word = std::uint64_t>
    [[nodiscard]] Word get(std::uint64_t offset) const {
        Word word = 0;
        check(pread(file_, &word, sizeof word, static_cast<off_t>(offset)), sizeof word);
        return word;
    }
    template <class Struct>
    [[nodiscard]] Struct get_struct(std::uint64_t offset) const {
        Struct all{};
        check(pread(file_, &all, sizeof all, static_cast<off_t>(offset)), sizeof all);
        return all;
    }
    template <class Word>
    void set(std::uint64_t offset, Word word) const {
        check(pwrite(file_, &word, sizeof word, static_cast<off_t>(offset)), sizeof word);
    }

    [[nodiscard]] std::uint64_t bytes() const {
        struct stat status {};
        check(fstat(file_, &status), 0);
        return static_cast<std::uint64_t>(status.st_size);
    }
    // All bytes, to be put back later: what a killed process leaves, and what was there before the scribbling.
    [[nodiscard]] std::vector<std::byte> image() const {
        std::vector<std::byte> all(bytes());
        check(pread(file_, all.data(), all.size(), 0), all.size());
        return all;
    }
    void restore(std::span<const std::byte> all) const { check(pwrite(file_, all.data(), all.size(), 0), all.size()); }

private:
    static void check(ssize_t did, std::size_t expected) {
        if (!std::in_range<std::size_t>(did) || static_cast<std::size_t>(did) != expected)
            throw std::runtime_error("hostile: the file cannot be read or written");
    }
    int file_;
};

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
