// mapped_text.hpp: the text of one file, mapped read-only.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wordcount {

// Throws std::runtime_error, which names the file and says why, if it cannot be mapped. A file that somebody truncates
// meanwhile is a SIGBUS to whoever reads on.
class mapped_text {
public:
    explicit mapped_text(const std::string& path) {
        // Without O_NONBLOCK a FIFO would keep us waiting for its writer.
        const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        const std::string problem = file < 0 ? std::strerror(errno) : map(file);
        if (file >= 0) close(file);  // the mapping does without
        if (!problem.empty()) throw std::runtime_error(path + ": " + problem);
    }
    ~mapped_text() {
        if (size_ != 0) munmap(data_, size_);
    }
    mapped_text(const mapped_text&) = delete;
    mapped_text& operator=(const mapped_text&) = delete;

    [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(data_), size_}; }

private:
    // Empty, or what stands in the way.
    std::string map(int file) {
        struct stat about = {};
        if (fstat(file, &about) != 0) return std::strerror(errno);
        if (!S_ISREG(about.st_mode)) return "not a regular file";
        if (about.st_size == 0) {
            char first = 0;
            return read(file, &first, 1) == 0 ? "" : "cannot be mapped, like all of /proc and /sys: take a copy";
        }
        const auto size = static_cast<std::size_t>(about.st_size);
        void* const data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
        if (data == MAP_FAILED) return std::strerror(errno);
        data_ = data;
        size_ = size;
        return "";
    }

    void* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
