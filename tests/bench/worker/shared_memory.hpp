// shared_memory.hpp: an object in a mapped file, for adapters of queues that are plain memory.
#pragma once

#include "bench/adapter.hpp"

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace bench {

// The bytes of the place's file, all of them present; whoever is first makes it. Never unmapped: the process ends.
inline std::byte* map_bytes(const place& at, std::size_t bytes) {
    const int file = open(at.path.c_str(), O_RDWR | O_CLOEXEC | (at.first ? O_CREAT | O_EXCL : 0), 0600);
    const auto raise = [&] { throw std::system_error(errno, std::generic_category(), at.path); };
    if (file < 0) raise();
    if (at.first && (errno = posix_fallocate(file, 0, static_cast<off_t>(bytes))) != 0) raise();
    void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (mapped == MAP_FAILED) raise();
    close(file);
    return static_cast<std::byte*>(mapped);
}

// A T there, constructed by whoever is first.
template <class T, class... Arguments>
T& map_object(const place& at, Arguments... arguments) {
    std::byte* const bytes = map_bytes(at, sizeof(T));
    return at.first ? *new (bytes) T(arguments...) : *std::launder(reinterpret_cast<T*>(bytes));
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
