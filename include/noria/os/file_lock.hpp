// file_lock.hpp: open-file-description locks, by which the kernel itself says which endpoints live.
//
// Such a lock belongs to the open file, not to the process or a PID: it goes when the last descriptor and the last
// mapping of that open file go, that is at death, exec or detach, and never before; it means the same in every PID
// namespace, and a stopped process keeps it. (Classic record locks vanish when the process closes any descriptor of the
// file; flock is per file, not per byte.)
//
// An endpoint holds write locks, and nothing else. A program that may only read the file cannot hold a write lock, but it
// can hold a read lock on any byte. Such a lock proves nothing about an endpoint; it does keep others from locking the byte.
#pragma once

#include "noria/core/visibility.hpp"

#include <cstdint>

namespace noria::inline v1::os {

// Takes a write lock on the bytes. Never waits. Returns 0, EAGAIN if another open file has a lock on one of them, or
// another errno.
NORIA_API int try_lock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

NORIA_API void unlock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

enum class lock_owner {
    none,      // no other open file has a lock there
    endpoint,  // a write lock of an open file: as endpoints have it
    foreign,   // a lock that no endpoint takes: a read lock, or a classic record lock
    unknown,   // the kernel does not answer
};
struct lock_report {
    lock_owner owner = lock_owner::unknown;
    bool reads = false;        // foreign: a read lock
    std::uint64_t pid = 0;     // foreign: the process that has a classic record lock; 0: not known
    std::uint64_t offset = 0;  // foreign: where that lock begins
};

// Whether another open file has a lock on one of the bytes, and which kind. Works through a read-only descriptor. Of several
// locks on several bytes, one is told.
NORIA_API lock_report ask_lock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
