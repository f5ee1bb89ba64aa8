// entry_locks.hpp: the locks of one endpoint: those it holds for life, and those by which it learns who else lives.
//
// An endpoint holds its locks through one open file description (os/open_description.hpp). If the program closes the
// descriptor, a second description is opened under the file's name, and asks in the first one's stead, whose locks a mapping
// keeps. On a stacked file system the mapping keeps none: then the second description takes them again, if no other
// process has recovered from this endpoint meanwhile; if one has, the endpoint is lost.
//
// A question may stay without an answer: the file cannot be opened again (chroot, another user, a lost name), or a foreign
// lock keeps a dead endpoint from being recovered. Such an entry is `blocked` until a question about it is answered. It is
// never taken for alive: a verb that would wait for it says so (outcome::recovery_blocked) when it has been blocked for long.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/os/futex.hpp"
#include "noria/os/open_description.hpp"

#include <bitset>
#include <cstdint>
#include <filesystem>

namespace noria::inline v1::queue {

class NORIA_API entry_locks {
public:
    enum class proof {
        lives,    // its lock is held, or just being taken by a newcomer or a recovering endpoint
        dead,     // its lock was free, and is ours now: give_up() it when the entry is recovered
        blocked,  // not to be found out, or dead and not to be recovered
    };

    // Takes the description of a file that was just opened, absolute path. Returns 0 or an errno.
    int adopt(os::descriptor file, const std::filesystem::path& path, const os::file_identity& identity);

    // The descriptor's number; -1 if the program has closed it.
    [[nodiscard]] int number() const noexcept { return own_.number(); }

    // For an endpoint: keeps the description alive by a mapping, and finds out whether it keeps the locks. Returns 0 or an errno.
    int keep();

    // Whether the endpoint's locks outlive its descriptor.
    [[nodiscard]] bool outlive_descriptor() const noexcept { return outlive_descriptor_; }

    // The locks of an attach: that of a byte. Returns 0, EAGAIN or another errno.
    [[nodiscard]] int take(std::uint64_t byte, std::uint64_t bytes = 1) noexcept { return own_.try_lock(byte, bytes); }
    void give_up(std::uint64_t byte, std::uint64_t bytes = 1) noexcept;
    [[nodiscard]] os::lock_report ask(std::uint64_t byte, std::uint64_t bytes = 1) noexcept;

    // From now on this is the endpoint's entry, and its role's byte is held or 0. Then: its record is alive.
    void settle_at(std::uint64_t entry, std::uint64_t role_byte) noexcept;
    void record_is_alive(const layout::roster_entry& record) noexcept;

    // Asks the kernel whether that entry's endpoint lives, and takes the entry's lock if it does not.
    [[nodiscard]] proof seek_proof(std::uint64_t entry) noexcept;

    // Whether the last question about that entry stayed without an answer; and whether one has been for long.
    [[nodiscard]] bool is_blocked(std::uint64_t entry) const noexcept { return blocked_.test(entry); }
    [[nodiscard]] bool any_blocked() const noexcept { return blocked_count_ != 0; }
    [[nodiscard]] bool blocked_for_long() const noexcept;
    // Why, for people. Throws std::bad_alloc.
    [[nodiscard]] failure blockage() const;

    // Where a mapping keeps no locks: takes them again if they went with the descriptor. To be called now and then.
    void hold_on() noexcept {
        if (!outlive_descriptor_) (void)asker();
    }

    // Whether another process has recovered from this endpoint, whose locks were lost with its descriptor: as far as was
    // noticed, and looking at the record, which then is free or another endpoint's.
    [[nodiscard]] bool lost() const noexcept { return lost_; }
    [[nodiscard]] bool look_for_loss() noexcept;
    [[nodiscard]] failure loss() const;

    void close() noexcept;
    void forked() noexcept;

private:
    [[nodiscard]] os::open_description* asker() noexcept;
    [[nodiscard]] bool take_again(os::open_description& second) noexcept;
    void note(std::uint64_t entry, bool blocked) noexcept;

    std::filesystem::path path_;
    os::file_identity identity_;
    os::open_description own_;                      // holds the endpoint's locks
    os::open_description second_;                   // asks, when the program has closed the first one's descriptor
    const layout::roster_entry* record_ = nullptr;  // once it is alive
    std::uint64_t incarnation_ = 0;
    std::uint64_t entry_ = 0;
    std::uint64_t role_byte_ = 0;
    bool outlive_descriptor_ = true;
    bool lost_ = false;

    std::bitset<layout::endpoints_limit + 1> blocked_;
    std::uint64_t blocked_count_ = 0;
    os::monotonic::time_point blocked_since_;
    std::uint64_t blocked_entry_ = 0;  // of the last one: for the text
    int unasked_ = 0;                  // an errno: why the kernel cannot be asked; 0: a foreign lock is in the way
    os::lock_seen foreign_;
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
