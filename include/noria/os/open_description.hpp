// open_description.hpp: one open file description with its locks, and how it is known again whatever its number has become.
//
// A program may close descriptors that it does not know (close_range in a daemon's start-up). Then the number may be given to
// another file, or to the same file opened once more by another endpoint. Neither the number nor the inode tells the two
// apart. So each question, lock, unlock and close first checks which description the number stands for.
//
// Identity   Each description has a file offset of its own, which the library uses for nothing else: it reads with pread.
//            Here the offset is a number drawn for this description. A descriptor stands for this description exactly if
//            it has this inode and this offset.
// Lifetime   A mapping of the file's first page keeps the description, and so its locks, when the descriptor is closed.
//            On a stacked file system (overlayfs) it does not: the mapping belongs to the file below. See keeps_locks().
// Threads    As its owner: one at a time. A descriptor that another thread of the program closes between the look and the
//            call is beyond help; so are descriptors that are closed in the middle of any verb.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/os/descriptor.hpp"
#include "noria/os/file.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/os/mapped_file.hpp"

#include <cstdint>
#include <memory>

namespace noria::inline v1::os {

class NORIA_API open_description {
public:
    open_description() = default;
    open_description(open_description&& other) noexcept;
    open_description& operator=(open_description&& other) noexcept;
    ~open_description() { close(); }

    // Takes a descriptor that was just opened, and that no other code has seen. Returns 0 or an errno.
    int adopt(descriptor file, const file_identity& identity) noexcept;

    // Maps the first page, so that the description outlives its descriptor. Returns 0 or an errno.
    int anchor(std::uint64_t page_bytes);

    // The descriptor's number if it still stands for this description, else -1. Async-signal-safe.
    [[nodiscard]] int number() const noexcept;

    // As the functions of file_lock.hpp; EBADF and `unknown` if the program has closed the descriptor.
    [[nodiscard]] int try_lock(std::uint64_t offset, std::uint64_t bytes = 1) const noexcept;
    void unlock(std::uint64_t offset, std::uint64_t bytes = 1) const noexcept;
    [[nodiscard]] lock_report ask_lock(std::uint64_t offset, std::uint64_t bytes = 1) const noexcept;

    // Closes the descriptor if it still stands for this description, and unmaps the page. With both go all locks.
    void close() noexcept;

    // In the child of a fork: closes the child's copy of the descriptor. The mapping takes care of itself.
    void forked() noexcept;

private:
    descriptor descriptor_;
    file_identity identity_;
    std::int64_t token_ = 0;  // the description's offset
    std::shared_ptr<mapped_file> anchor_;
};

// Whether a mapping keeps a description's locks on the file system of that file. It is tried, with a lock on a byte that is
// drawn from `bytes` bytes at `offset`; per process once for each device and kind of file system. `asker` stands for the
// same file. Returns 0 or an errno.
NORIA_API int keeps_locks(const std::filesystem::path& path, const file_identity& identity,
                          const open_description& asker, std::uint64_t page_bytes, std::uint64_t offset,
                          std::uint64_t bytes, bool& keeps);

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
