// mapped_file.hpp: a file in memory, once per process, and never in a forked child.
//
// Endpoints of one process that have the same file share one mapping: the second attaches without new page faults, and
// both see one address. A large one begins where a huge page may begin, so that there can be some.
// In a fork's child the mapping is gone (MADV_DONTFORK), and its addresses are reserved without access, so that nothing the
// child maps later can be hit by what it still believes to own. What the child has mapped there already stays untouched.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/os/file.hpp"
#include "noria/os/process.hpp"
#include "noria/os/truncation_guard.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace noria::inline v1::os {

class NORIA_API mapped_file final : public fork_sensitive {
public:
    // The whole file, shared with the other endpoints of this process. It is mapped through a descriptor of its own, so
    // that no endpoint's locks hang on it. Returns 0, ESTALE if the name stands for another file now, or another errno.
    static int share(const std::filesystem::path& path, const file_identity& identity, std::uint64_t bytes,
                     std::shared_ptr<mapped_file>& mapping);

    // The file's beginning, for this caller alone. A mapping keeps its open file, and with it the open file's locks,
    // even if somebody closes the descriptor (close_range in a daemon's start-up): so an endpoint maps one page of its
    // own. Returns 0 or an errno.
    static int map(const descriptor& file, access mode, std::uint64_t bytes, std::shared_ptr<mapped_file>& mapping);

    ~mapped_file() override;

    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    // Puts the mapping under the truncation guard, should it ever be on; once, later calls do nothing. Not for a mapping
    // that only keeps locks: nobody touches it, and replaced it would drop them. Returns 0 or ENOMEM.
    int guard(const loss_marks& marks) noexcept;

    // Whether the guard has found the file truncated: what is mapped here is memory of this process's own, and no file.
    [[nodiscard]] bool lost() const noexcept { return watched_ != nullptr && os::lost(*watched_); }

    // Asks the kernel to put huge pages in the place of what is mapped: whole ones of 2 MiB. It may say no, or to some.
    void use_huge_pages() noexcept;

    // Brings every page in, so that the hot path never faults. Once per mapping; later calls do nothing.
    void populate() noexcept;

    // Brings every page in, and keeps it in as long as the mapping is there. Returns 0 or an errno.
    [[nodiscard]] int lock() noexcept;

    void forked() noexcept override;

private:
    struct region;  // Boost.Interprocess's mapped_region
    mapped_file(std::unique_ptr<region> mapped, access mode) noexcept;

    std::unique_ptr<region> region_;
    std::byte* data_ = nullptr;
    std::uint64_t bytes_ = 0;
    file_identity identity_;
    access mode_;
    watched* watched_ = nullptr;
    std::uint32_t populated_ = 0;
    bool inherited_ = false;      // the kernel refused to keep the mapping out of forks
    bool is_forks_copy_ = false;  // this object was copied by a fork: its mapping is the parent's
};

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
