// still_world.cpp: the functions of libc by which the outside world comes into an attach or a wait.
#include "crash/still_world.hpp"

#include "noria/os/process.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace {

bool still = false;
timespec now{};
char stat_copy[32];  // a path by which the fixed text is opened

// What a verb allocates: paths, texts, an endpoint; megabytes are beyond any need.
alignas(4096) std::byte heap[std::size_t{1} << 22];
std::size_t heap_used = 0;

void* count_up(std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t begin = (heap_used + alignment - 1) & ~(alignment - 1);
    if (bytes > sizeof heap - begin) return nullptr;
    heap_used = begin + bytes;
    return heap + begin;
}

}  // namespace

// glibc's own, under the names that it gives to those who replace malloc().
extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* __libc_realloc(void*, std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);
extern "C" void __libc_free(void*);

namespace noria::crash {

void prepare_still_world() {
    static constexpr char text[] =
        "4711 (victim) R 1 4711 4711 0 -1 4194304 100 0 0 0 1 1 0 0 20 0 1 0 123456 3000000 500 18446744073709551615\n";
    const int file = memfd_create("stat", MFD_CLOEXEC);
    if (file < 0 || write(file, text, sizeof text - 1) != static_cast<ssize_t>(sizeof text - 1))
        throw std::runtime_error("crash: no memory file");
    (void)os::processors();  // looked up once: a child must not come by that only if this process has not
    std::snprintf(stat_copy, sizeof stat_copy, "/proc/self/fd/%d", file);
}

void hold_world_still() noexcept {
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    now.tv_nsec = 0;
    still = true;
}

}  // namespace noria::crash

extern "C" int clock_gettime(clockid_t which, timespec* time) noexcept {
    if (!still) return static_cast<int>(syscall(SYS_clock_gettime, which, time));
    now.tv_nsec += 11'000'000;
    if (now.tv_nsec >= 1'000'000'000) {
        now.tv_nsec -= 1'000'000'000;
        ++now.tv_sec;
    }
    *time = now;
    return 0;
}

extern "C" void* malloc(std::size_t bytes) noexcept {
    return still ? count_up(bytes, alignof(std::max_align_t)) : __libc_malloc(bytes);
}
extern "C" void* calloc(std::size_t count, std::size_t bytes) noexcept {
    return still ? count_up(count * bytes, alignof(std::max_align_t))
                 : __libc_calloc(count, bytes);  // zeros, once used
}
extern "C" void* realloc(void* old, std::size_t bytes) noexcept {
    if (!still) return __libc_realloc(old, bytes);
    void* const fresh = count_up(bytes, alignof(std::max_align_t));
    if (fresh != nullptr && old != nullptr)
        std::memcpy(fresh, old, bytes);  // more than it was, perhaps: all is readable
    return fresh;
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
    return still ? count_up(bytes, alignment) : __libc_memalign(alignment, bytes);
}
extern "C" int posix_memalign(void** to, std::size_t alignment, std::size_t bytes) noexcept {
    *to = aligned_alloc(alignment, bytes);
    return *to != nullptr ? 0 : ENOMEM;
}
extern "C" void free(void* memory) noexcept {
    if (!still) __libc_free(memory);
}

extern "C" int open(const char* path, int flags, ...) {
    std::va_list rest;
    va_start(rest, flags);
    const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (still && std::strcmp(path, "/proc/self/stat") == 0) path = stat_copy;
    return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

// SPDX-License-Identifier: BSL-1.0
