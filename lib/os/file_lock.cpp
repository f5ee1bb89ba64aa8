// file_lock.cpp: fcntl's F_OFD_ commands.
#include "noria/os/file_lock.hpp"

#include <fcntl.h>

#include <cerrno>

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

lock_report ask_lock(int file, std::uint64_t offset, std::uint64_t bytes) noexcept {
    struct flock lock = range(F_WRLCK, offset, bytes);
    while (fcntl(file, F_OFD_GETLK, &lock) != 0) {
        if (errno != EINTR) return {};
    }
    if (lock.l_type == F_UNLCK) return {.owner = lock_owner::none};
    constexpr pid_t of_an_open_file = -1;  // fcntl(2): what l_pid says of an open-file-description lock
    const bool reads = lock.l_type == F_RDLCK;
    if (!reads && lock.l_pid == of_an_open_file) return {.owner = lock_owner::endpoint};
    return {.owner = lock_owner::foreign,
            .reads = reads,
            .pid = lock.l_pid > 0 ? static_cast<std::uint64_t>(lock.l_pid) : 0,
            .offset = static_cast<std::uint64_t>(lock.l_start)};
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
