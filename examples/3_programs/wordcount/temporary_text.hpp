// temporary_text.hpp: text in memory for another process to read, like a file without a name.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace wordcount {

// Unlike a pipe it can be read again, and never makes its writer wait.
class temporary_text {
public:
    temporary_text(const char* name, std::string_view text) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {
        if (descriptor_ < 0) fail();
        while (!text.empty()) {
            const ssize_t written = write(descriptor_, text.data(), text.size());
            if (written < 0) fail();
            text.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    ~temporary_text() { close(descriptor_); }
    temporary_text(const temporary_text&) = delete;
    temporary_text& operator=(const temporary_text&) = delete;

    // What a child gets as its standard input; all who have it share the place where they read.
    [[nodiscard]] int descriptor() const { return descriptor_; }

private:
    [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category(), "memory file"); }

    int descriptor_;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
