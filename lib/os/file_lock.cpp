// file_lock.cpp: fcntl's F_OFD_ commands.
#include "noria/os/file_lock.hpp"

#include <fcntl.h>

#include <cerrno>
#include <limits>

namespace noria::inline v1::os {

namespace {

struct flock range(short type, std::uint64_t offset, std::uint64_t bytes) noexcept {
    struct flock lock {};  // l_pid must be 0 for open-file-description locks
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(offset);
    lock.l_len = static_cast<off_t>(bytes);
    return lock;
}

}  // namespace

int try_lock(int file, std::uint64_t offset, std::uint64_t bytes) noexcept {
    struct flock lock = range(F_WRLCK, offset, bytes);
    while (fcntl(file, F_OFD_SETLK, &lock) != 0) {
        if (errno == EINTR) continue;
        return errno == EACCES ? EAGAIN : errno;
    }
    return 0;
}

void unlock(int file, std::uint64_t offset, std::uint64_t bytes) noexcept {
    struct flock lock = range(F_UNLCK, offset, bytes);
    while (fcntl(file, F_OFD_SETLK, &lock) != 0 && errno == EINTR) {
    }
}

int find_lock(int file, std::uint64_t offset, std::uint64_t bytes, std::optional<lock_seen>& found) noexcept {
    found.reset();
    struct flock lock = range(F_WRLCK, offset, bytes);  // conflicts with every lock of others
    while (fcntl(file, F_OFD_GETLK, &lock) != 0) {
        if (errno != EINTR) return errno;
    }
    if (lock.l_type == F_UNLCK) return 0;
    constexpr auto end = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    const auto first = static_cast<std::uint64_t>(lock.l_start);
    found = lock_seen{.offset = first,
                      .bytes = lock.l_len == 0 ? end - first + 1 : static_cast<std::uint64_t>(lock.l_len),
                      .writes = lock.l_type == F_WRLCK,
                      .of_process = lock.l_pid != -1,  // of an open file the kernel says -1
                      .pid = lock.l_pid > 0 ? static_cast<std::uint64_t>(lock.l_pid) : 0};
    return 0;
}

lock_report ask_lock(int file, std::uint64_t offset, std::uint64_t bytes) noexcept {
    std::optional<lock_seen> lock;
    if (find_lock(file, offset, bytes, lock) != 0) return {};
    if (!lock) return {.owner = lock_owner::none};
    if (lock->writes && !lock->of_process) return {.owner = lock_owner::endpoint};
    return {.owner = lock_owner::foreign, .lock = *lock};
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
