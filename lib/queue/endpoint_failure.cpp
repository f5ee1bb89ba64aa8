// endpoint_failure.cpp: how an endpoint comes to its end before its time, and what it says of it.
#include "noria/queue/crowd.hpp"
#include "noria/queue/endpoint.hpp"
#include "noria/queue/refusal.hpp"

#include <optional>
#include <utility>

namespace noria::inline v1::queue {

void endpoint::refuse_for_memory() noexcept {
    failure failed;
    try {
        failed = refuse(file_->path(), errc::out_of_memory,
                        "found no memory for a buffer of message_bytes_max, expected "
                        "enough; create the queue with a smaller maximum");
    } catch (...) {
        failed.code = errc::out_of_memory;
    }
    // Nobody may be attached when the file is taken back: so we leave first.
    std::optional<std::filesystem::path> ours;
    try {
        if (created_) ours = file_->path();
    } catch (...) {  // no memory for the path: the file stays
    }
    detach();
    if (ours) queue_file::take_back(*ours, made_, attached_);
    (void)settle(std::move(failed));
}

// The endpoint is dead from now on. Causes: its lock was lost; in the middle of a verb it gave up waiting for a dead owner of the
// mutex that cannot be recovered; or the ring is corrupt.
outcome endpoint::die() noexcept {
    entry_locks& locks = file_->locks();
    outcome cause = outcome::corrupt;
    if (!locks.outlive_descriptor() && locks.look_for_loss())
        cause = outcome::closed;
    else if (locks.has_given_up() && !file_->truncated())
        cause = outcome::recovery_blocked;
    standing_ |= cause == outcome::closed ? closed_bit : cause == outcome::corrupt ? corrupt_bit : blocked_bit;
    try {
        if (cause == outcome::closed)
            error_ = locks.loss();
        else if (cause == outcome::recovery_blocked)
            error_ = locks.reason_to_give_up();
        else if (file_->truncated())
            error_ = file_->truncation();
        else
            error_ =
                refuse(file_->path(), errc::corrupt,
                       "found a ring that no writer of this format leaves, expected the one of FORMAT.md; stop its "
                       "users and remove the file");
    } catch (...) {  // without memory for the words
        error_.code = cause == outcome::closed    ? errc::lock_lost
                      : cause == outcome::corrupt ? errc::corrupt
                                                  : errc::recovery_blocked;
    }
    return cause;
}

bool endpoint::still_holds_locks() noexcept {
    return file_ == nullptr || (blocked() & forked_bit) != 0 || file_->locks().hold_on();
}

void endpoint::found_corrupt(bool in_hand) noexcept {
    left_in_hand_ = left_in_hand_ || in_hand;
    set_why(die());
}

// The answer of a verb that found nothing, behind the endpoint of that name (1 + its entry; 0: none). recovery_blocked if that
// endpoint has been blocked for a second.
outcome endpoint::nothing_behind(std::uint64_t name) noexcept {
    const entry_locks& locks = file_->locks();
    if (name == 0 || name > file_->header().roster_length || !locks.is_blocked_for_long(name - 1)) return nothing();
    try {
        error_ = locks.blockage(name - 1);
    } catch (...) {
        error_.code = errc::recovery_blocked;
    }
    return outcome::recovery_blocked;
}

// One of the other role's endpoints, if each that is alive on record has been blocked for a second; or 0.
std::uint64_t endpoint::blocked_peer() const noexcept {
    std::uint64_t found = 0;
    for (std::uint64_t i = 0; i < file_->header().roster_length; ++i) {
        if (!is_alive(*file_, i) || load_relaxed(file_->entry(i).role) != static_cast<std::uint32_t>(other(role_)))
            continue;
        if (!file_->locks().is_blocked_for_long(i)) return 0;
        found = i + 1;
    }
    return found;
}

const failure& endpoint::last_error() const noexcept {
    static const failure none;
    // What was told of a blocked recovery may have passed.
    if (error_.code == errc::recovery_blocked && usable() && why() != outcome::recovery_blocked) return none;
    if ((blocked() & forked_bit) != 0 && error_.code != errc::forked) {
        try {
            error_ =
                refuse(file_->path(), errc::forked,
                       "found a fork's copy of an endpoint, expected the parent's; open the queue in this process, "
                       "after the fork (and after daemon())");
        } catch (...) {
            error_.code = errc::forked;
        }
    }
    return error_;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
