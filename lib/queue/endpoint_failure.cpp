// endpoint_failure.cpp: how an endpoint comes to its end before its time, and what it says of it.
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

// The endpoint is dead from now on: its ring lies, or its lock was lost, or, with the ring in the middle of a verb, a dead
// owner of the mutex cannot be recovered.
outcome endpoint::die() noexcept {
    const entry_locks& locks = file_->locks();
    outcome cause = outcome::corrupt;
    if (locks.lost())
        cause = outcome::closed;
    else if (!file_->truncated() && locks.blocked_for_long())
        cause = outcome::recovery_blocked;
    standing_ |= cause == outcome::closed ? closed_bit : cause == outcome::corrupt ? corrupt_bit : blocked_bit;
    try {
        if (cause == outcome::closed)
            error_ = locks.loss();
        else if (cause == outcome::recovery_blocked)
            error_ = locks.blockage();
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

void endpoint::found_corrupt(bool in_hand) noexcept {
    left_in_hand_ = left_in_hand_ || in_hand;
    set_why(die());
}

// What a verb answers that finds nothing, and may not wait, or may wait on: a peer that cannot be asked about or recovered
// is told when it has been so for long.
outcome endpoint::nothing_yet() noexcept {
    entry_locks& locks = file_->locks();
    if (locks.lost()) return die();
    if (!locks.blocked_for_long()) return nothing();
    try {
        error_ = locks.blockage();
    } catch (...) {
        error_.code = errc::recovery_blocked;
    }
    return outcome::recovery_blocked;
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
