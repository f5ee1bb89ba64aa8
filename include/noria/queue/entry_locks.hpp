// entry_locks.hpp: the locks of one endpoint: those it holds for life, and those by which it learns who else lives.
//
// An endpoint holds its locks through one open file description (os/open_description.hpp). If the program closes the
// descriptor, a second description is opened under the file's name. The second description asks the questions; a mapping
// keeps the first one's locks. On a stacked file system the mapping keeps none: then the second description takes them
// again, if no other process has recovered from this endpoint meanwhile; if one has, the endpoint is lost.
//
// A question may stay without an answer: the file cannot be opened again (chroot, another user, a lost name), or a foreign
// lock keeps a dead endpoint from being recovered. Such an entry is `blocked` until a question about it is answered, or its
// record is free. It is never taken for alive: a verb that would wait for it says so (outcome::recovery_blocked) when it has
// been blocked for long.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/os/futex.hpp"
#include "noria/os/open_description.hpp"

#include <array>
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
    // The entry's record is free: there is no question about it.
    void record_is_free(std::uint64_t entry) noexcept { note_answer(entry); }

    // Whether the last question about that entry had no answer; whether this has been so for at least a second.
    [[nodiscard]] bool is_blocked(std::uint64_t entry) const noexcept { return unasked_ != 0 || blocked_.test(entry); }
    [[nodiscard]] bool is_blocked_for_long(std::uint64_t entry) const noexcept;
    [[nodiscard]] bool any_blocked() const noexcept { return unasked_ != 0 || blocked_count_ != 0; }
    // Why, for people. Throws std::bad_alloc.
    [[nodiscard]] failure blockage(std::uint64_t entry) const;

    // In the middle of a verb, the endpoint gave up waiting for that entry: it is at its end.
    void give_up_on(std::uint64_t entry) noexcept { given_up_ = entry + 1; }
    [[nodiscard]] bool has_given_up() const noexcept { return given_up_ != 0; }
    [[nodiscard]] failure reason_to_give_up() const { return blockage(given_up_ - 1); }

    // Where a mapping keeps no locks: takes them again if they went with the descriptor. To be called now and then. False: the
    // endpoint has no locks now; it is lost, or they cannot be taken.
    bool hold_on() noexcept { return outlive_descriptor_ || asker() >= 0; }

    // Whether another process has recovered from this endpoint, whose locks were lost with its descriptor: what was noticed so
    // far; look_for_loss() also compares the record with this endpoint's.
    [[nodiscard]] bool lost() const noexcept { return lost_; }
    [[nodiscard]] bool look_for_loss() noexcept;
    [[nodiscard]] failure loss() const;

    void close() noexcept;
    void forked() noexcept;

private:
    struct blocked {
        std::uint64_t entry = 0;
        os::monotonic::time_point since;
        int error = 0;  // of the kernel; 0: a foreign lock is in the way
        os::lock_seen lock;
    };

    [[nodiscard]] int asker() noexcept;
    [[nodiscard]] int reopen() noexcept;
    [[nodiscard]] int take_again() noexcept;
    [[nodiscard]] bool record_is_ours() const noexcept;
    void note_answer(std::uint64_t entry) noexcept;
    void note_blocked(std::uint64_t entry, int error, const os::lock_seen& lock) noexcept;
    [[nodiscard]] const blocked* find(std::uint64_t entry) const noexcept;

    std::filesystem::path path_;
    os::file_identity identity_;
    os::open_description own_;                      // holds the endpoint's locks
    os::open_description second_;                   // asks, when the program has closed the first one's descriptor
    const layout::roster_entry* record_ = nullptr;  // once it is alive
    std::uint64_t incarnation_ = 0;
    std::uint32_t role_ = 0;
    std::uint64_t entry_ = 0;
    std::uint64_t role_byte_ = 0;
    bool outlive_descriptor_ = true;
    bool lost_ = false;

    int unasked_ = 0;  // an errno: why the kernel cannot be asked about any entry; 0: it can
    os::monotonic::time_point unasked_since_;
    std::bitset<layout::endpoints_limit + 1> blocked_;
    std::uint64_t blocked_count_ = 0;
    std::array<blocked, 16> reasons_;  // of some; more than that at a time are told of at once
    std::uint64_t reasons_count_ = 0;
    std::uint64_t given_up_ = 0;  // 1 + the entry
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
