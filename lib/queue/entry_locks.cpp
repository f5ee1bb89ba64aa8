// entry_locks.cpp: asking the kernel, taking the locks again, and what is said when neither is possible.
#include "noria/queue/entry_locks.hpp"

#include "noria/core/atomics.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/queue/refusal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace noria::inline v1::queue {

namespace {

// A foreign lock may be there for a moment only, and a descriptor may be free again. Chosen by feel; it decides nothing about
// life and death.
constexpr auto long_enough = std::chrono::seconds(1);

std::uint64_t byte_of(std::uint64_t entry) noexcept { return layout::lock_base + entry; }

}  // namespace

int entry_locks::adopt(os::descriptor file, const std::filesystem::path& path, const os::file_identity& identity) {
    path_ = path;
    identity_ = identity;
    return own_.adopt(std::move(file), identity);
}

int entry_locks::keep() {
    if (const int error = own_.anchor(layout::page_bytes); error != 0) return error;
    return os::keeps_locks(path_, identity_, own_, layout::page_bytes, layout::trial_lock_base,
                           layout::trial_lock_bytes, outlive_descriptor_);
}

void entry_locks::settle_at(std::uint64_t entry, std::uint64_t role_byte) noexcept {
    entry_ = entry;
    role_byte_ = role_byte;
}

void entry_locks::record_is_alive(const layout::roster_entry& record) noexcept {
    record_ = &record;
    incarnation_ = load_relaxed(record.incarnation);
}

// The description to ask through; null: there is none, and unasked_ says why.
os::open_description* entry_locks::asker() noexcept {
    if (lost_) return nullptr;
    if (own_.number() >= 0) return &own_;
    if (second_.number() >= 0) return &second_;
    const os::no_fork until_kept;
    second_.close();
    unasked_ = 0;
    try {
        os::descriptor file;
        struct stat status {};
        unasked_ = os::open_regular(path_, os::access::read_write, file, status);
        if (unasked_ == 0 && os::identity_of(status) != identity_) unasked_ = ENOENT;
        if (unasked_ == 0) unasked_ = second_.adopt(std::move(file), identity_);
        // A description that recovers a dead endpoint must not lose that lock in the middle, either.
        if (unasked_ == 0) unasked_ = second_.anchor(layout::page_bytes);
    } catch (...) {
        unasked_ = ENOMEM;
    }
    if (unasked_ != 0) {
        second_.close();
        return nullptr;
    }
    if (outlive_descriptor_) return &second_;
    if (!take_again(second_)) {
        lost_ = true;
        second_.close();
        return nullptr;
    }
    own_ = std::move(second_);
    return &own_;
}

// The locks went with the descriptor. They may be taken again only if no process has begun to recover from this endpoint: its
// record is alive and its own, no recovery has left a trace in it, and none is under way, for it would have the lock.
bool entry_locks::take_again(os::open_description& second) noexcept {
    if (record_ == nullptr) return false;
    if (second.try_lock(byte_of(entry_)) != 0) return false;
    if (role_byte_ != 0 && second.try_lock(role_byte_) != 0) return false;
    return load_acquire(record_->state) == layout::entry_alive && load_relaxed(record_->incarnation) == incarnation_ &&
           load_relaxed(record_->recoverer) == 0 && load_relaxed(record_->journal_valid) == 0;
}

bool entry_locks::look_for_loss() noexcept {
    // Relaxed: a record that is still being recovered is seen a little later.
    lost_ = lost_ || (record_ != nullptr && (load_relaxed(record_->state) != layout::entry_alive ||
                                             load_relaxed(record_->incarnation) != incarnation_));
    return lost_;
}

void entry_locks::give_up(std::uint64_t byte, std::uint64_t bytes) noexcept {
    if (os::open_description* const through = asker(); through != nullptr) through->unlock(byte, bytes);
}

os::lock_report entry_locks::ask(std::uint64_t byte, std::uint64_t bytes) noexcept {
    os::open_description* const through = asker();
    return through != nullptr ? through->ask_lock(byte, bytes) : os::lock_report{};
}

entry_locks::proof entry_locks::seek_proof(std::uint64_t entry) noexcept {
    os::open_description* const through = asker();
    // A foreign lock is not the endpoint's: behind it the endpoint is dead, and its lock is not to be had.
    const os::lock_report seen = through != nullptr ? through->ask_lock(byte_of(entry)) : os::lock_report{};
    proof found = proof::blocked;
    switch (seen.owner) {
        case os::lock_owner::endpoint: found = proof::lives; break;
        case os::lock_owner::foreign: foreign_ = seen.lock; break;
        case os::lock_owner::unknown:
            if (through != nullptr) unasked_ = EBADF;
            break;
        case os::lock_owner::none: {
            const int error = through->try_lock(byte_of(entry));
            if (error == 0) found = proof::dead;
            // Another lock came in between: which kind, the next question tells.
            if (error == EAGAIN) found = proof::lives;
            if (error != 0 && error != EAGAIN) unasked_ = error;
            break;
        }
    }
    if (found != proof::blocked || seen.owner == os::lock_owner::foreign) unasked_ = 0;
    note(entry, found == proof::blocked);
    return found;
}

void entry_locks::note(std::uint64_t entry, bool blocked) noexcept {
    if (blocked_.test(entry) != blocked) {
        blocked_.set(entry, blocked);
        if (blocked && blocked_count_ == 0) blocked_since_ = os::monotonic::now();
        blocked_count_ += blocked ? 1 : -std::uint64_t{1};
    }
    if (blocked) blocked_entry_ = entry;
}

bool entry_locks::blocked_for_long() const noexcept {
    return blocked_count_ != 0 && os::monotonic::now() - blocked_since_ >= long_enough;
}

failure entry_locks::blockage() const {
    if (unasked_ != 0) {
        return refuse(
            path_, errc::recovery_blocked,
            fmt::format("found no way to ask the kernel whether the peers live (errno {}: {}), expected that "
                        "the file can be opened again under this name, since the program has closed the "
                        "descriptor of its endpoint; close descriptors before you open the queue, or keep its "
                        "name, the root directory and the user as they were",
                        unasked_, os::words_for(unasked_)));
    }
    return refuse_foreign_lock(path_, errc::recovery_blocked, foreign_,
                               fmt::format("entry {} of the roster, whose endpoint is dead and cannot be recovered "
                                           "meanwhile",
                                           blocked_entry_));
}

failure entry_locks::loss() const {
    return refuse(
        path_, errc::lock_lost,
        "found that another process has recovered from this endpoint, whose lock the kernel dropped when the "
        "program closed its descriptor: on this file system (overlayfs, for one) a mapping does not keep it. "
        "Expected the descriptor to stay open; close descriptors before you open the queue, then open it again");
}

void entry_locks::close() noexcept {
    own_.unlock(layout::lock_base, layout::lock_range_bytes);
    second_.close();
    own_.close();
}

void entry_locks::forked() noexcept {
    own_.forked();
    second_.forked();
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
