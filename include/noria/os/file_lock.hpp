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
#include <optional>

namespace noria::inline v1::os {

// Takes a write lock on the bytes. Never waits. Returns 0, EAGAIN if another open file has a lock on one of them, or
// another errno.
NORIA_API int try_lock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

NORIA_API void unlock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

// A lock of another open file, as the kernel shows it.
struct lock_seen {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    bool writes = false;      // a write lock; else a read lock
    bool of_process = false;  // a record lock of a process (F_SETLK), and not an open file's
    std::uint64_t pid = 0;    // of that process; 0: not known here
};

// One of the locks that other open files have on these bytes, of either kind, whichever the kernel finds first; or nothing.
// Works through a read-only descriptor. Returns 0, or the errno for which the kernel cannot be asked.
NORIA_API int find_lock(int file, std::uint64_t offset, std::uint64_t bytes, std::optional<lock_seen>& found) noexcept;

// The same, and what it means for an endpoint. Of several locks on several bytes, one is told.
enum class lock_owner {
    none,      // no other open file has a lock there
    endpoint,  // a write lock of an open file: as endpoints have it
    foreign,   // a lock that no endpoint takes: a read lock, or a record lock of a process
    unknown,   // the kernel does not answer
};
struct lock_report {
    lock_owner owner = lock_owner::unknown;
    lock_seen lock{};  // if it is foreign
};
NORIA_API lock_report ask_lock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
