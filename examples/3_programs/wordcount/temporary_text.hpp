// temporary_text.hpp: text in memory that one process writes and another reads, like a file without a name.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace wordcount {

// Unlike a pipe it never makes its writer wait, and it goes with its last descriptor, whoever is killed.
class temporary_text {
public:
    explicit temporary_text(const char* name) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {
        if (descriptor_ < 0) fail();
    }
    ~temporary_text() { close(descriptor_); }
    temporary_text(const temporary_text&) = delete;
    temporary_text& operator=(const temporary_text&) = delete;

    // What a child gets as its standard input or output; both sides share the place where they read and write.
    [[nodiscard]] int descriptor() const { return descriptor_; }

    // To be read from the beginning by whoever gets the descriptor.
    void fill(std::string_view text) {
        while (!text.empty()) {
            const ssize_t written = write(descriptor_, text.data(), text.size());
            if (written < 0) fail();
            text.remove_prefix(static_cast<std::size_t>(written));
        }
        rewind();
    }

    // All that was written.
    [[nodiscard]] std::string text() {
        std::string all(static_cast<std::size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
        rewind();
        for (std::size_t done = 0; done < all.size();) {
            const ssize_t got = read(descriptor_, all.data() + done, all.size() - done);
            if (got <= 0) fail();
            done += static_cast<std::size_t>(got);
        }
        return all;
    }

private:
    void rewind() const { lseek(descriptor_, 0, SEEK_SET); }
    [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category(), "memory file"); }

    int descriptor_;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
