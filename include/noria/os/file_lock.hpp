// file_lock.hpp: open-file-description locks, by which the kernel itself says who lives.
//
// Such a lock belongs to the open file, not to the process or a PID: it goes when the last descriptor and the last
// mapping of that open file go, that is at death, exec or detach, and never before; it means the same in every PID
// namespace, and a stopped process keeps it. (Classic record locks vanish when the process closes any descriptor of the
// file; flock is per file, not per byte.)
#pragma once

#include "noria/core/visibility.hpp"

#include <cstdint>

namespace noria::inline v1::os {

// Takes a write lock on the bytes. Never waits. Returns 0, EAGAIN if somebody holds one of them, or another errno.
NORIA_API int try_lock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

NORIA_API void unlock(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

// Whether another open file holds a lock on one of the bytes. Works through a read-only descriptor. Where the kernel
// cannot be asked, the answer is yes: nobody is dead without proof.
NORIA_API bool is_locked(int file, std::uint64_t offset, std::uint64_t bytes = 1) noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
