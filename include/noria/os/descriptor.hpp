// descriptor.hpp: owns a file descriptor, and the one way in which the library opens a file: never as a standard stream.
//
// A program may start with its standard streams closed. The kernel gives the lowest free number, so the next file opened
// would become standard output, and a log line would overwrite a queue. Therefore no descriptor of the library stays 0,
// 1 or 2, and none that can be written to is so even for a moment.
#pragma once

#include "noria/core/visibility.hpp"

namespace noria::inline v1::os {

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(other.release()) {}
    descriptor& operator=(descriptor&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~descriptor() { reset(); }

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
    int release() noexcept {
        const int number = number_;
        number_ = -1;
        return number;
    }
    NORIA_API void reset(int number = -1) noexcept;

private:
    int number_ = -1;
};

// As openat(2), close-on-exec, and above the standard streams. Not open: errno says why. `directory`: a descriptor, or
// AT_FDCWD.
NORIA_API descriptor open_at(int directory, const char* path, int how, unsigned mode = 0) noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
