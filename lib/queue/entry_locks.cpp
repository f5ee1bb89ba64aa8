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
    role_ = load_relaxed(record.role);
}

// The descriptor to ask through; -1: there is none, and unasked_ or lost_ says why.
int entry_locks::asker() noexcept {
    if (lost_) return -1;
    if (const int own = own_.number(); own >= 0) return own;
    if (const int second = second_.number(); second >= 0) return second;
    int error = reopen();
    if (error == 0 && !outlive_descriptor_) error = take_again();
    if (error == 0) {
        unasked_ = 0;
        return outlive_descriptor_ ? second_.number() : own_.number();
    }
    second_.close();
    if (unasked_ == 0) unasked_since_ = os::monotonic::now();
    unasked_ = error;
    return -1;
}

// Opens the file again, as the second description. Returns 0 or an errno.
int entry_locks::reopen() noexcept {
    const os::no_fork until_kept;
    second_.close();
    try {
        os::descriptor file;
        struct stat status {};
        if (const int error = os::open_regular(path_, os::access::read_write, file, status); error != 0) return error;
        if (os::identity_of(status) != identity_) return ENOENT;
        if (const int error = second_.adopt(std::move(file), identity_); error != 0) return error;
        // A description that recovers a dead endpoint must not lose that lock in the middle, either.
        return second_.anchor(layout::page_bytes);
    } catch (...) {
        return ENOMEM;
    }
}

// The locks went with the descriptor. They may be taken again only if no process has begun to recover from this endpoint: its
// record is alive and its own, no recovery has left a trace in it, and none is under way, for it would have the lock. The
// record is looked at once more with the lock in hand. Returns 0 or an errno; `lost_`: never again.
int entry_locks::take_again() noexcept {
    own_.close();  // if it has kept a lock after all, that lock would be in our way
    if (!record_is_ours()) lost_ = true;
    for (const std::uint64_t byte : {byte_of(entry_), role_byte_}) {
        if (lost_ || byte == 0) break;
        const int error = second_.try_lock(byte);
        if (error == 0) continue;
        // A lock as endpoints have it is that of a process that recovers from us, or of an heir.
        lost_ = error == EAGAIN && second_.ask_lock(byte).owner == os::lock_owner::endpoint;
        if (!lost_) return error;
    }
    if (lost_ || !record_is_ours()) {
        lost_ = true;
        return ESTALE;
    }
    own_ = std::move(second_);
    return 0;
}

bool entry_locks::record_is_ours() const noexcept {
    return record_ != nullptr && load_acquire(record_->state) == layout::entry_alive &&  // E1
           load_relaxed(record_->role) == role_ && load_relaxed(record_->incarnation) == incarnation_ &&
           load_relaxed(record_->recoverer) == 0 && load_relaxed(record_->journal_valid) == 0;
}

bool entry_locks::look_for_loss() noexcept {
    lost_ = lost_ || (record_ != nullptr && !record_is_ours());
    return lost_;
}

void entry_locks::give_up(std::uint64_t byte, std::uint64_t bytes) noexcept {
    if (const int through = asker(); through >= 0) os::unlock(through, byte, bytes);
}

os::lock_report entry_locks::ask(std::uint64_t byte, std::uint64_t bytes) noexcept {
    return os::ask_lock(asker(), byte, bytes);
}

entry_locks::proof entry_locks::seek_proof(std::uint64_t entry) noexcept {
    const int through = asker();
    if (through < 0) return proof::blocked;  // all entries are
    const os::lock_report seen = os::ask_lock(through, byte_of(entry));
    int error = EBADF;
    if (seen.owner == os::lock_owner::none) {
        error = os::try_lock(through, byte_of(entry));
        // EAGAIN: another lock came in between. The next question tells which kind it is.
        if (error == 0 || error == EAGAIN) {
            note_answer(entry);
            return error == 0 ? proof::dead : proof::lives;
        }
    } else if (seen.owner == os::lock_owner::endpoint) {
        note_answer(entry);
        return proof::lives;
    } else if (seen.owner == os::lock_owner::foreign) {
        error = 0;  // not the endpoint's: behind it the endpoint is dead, and its lock is not to be had
    }
    note_blocked(entry, error, seen.lock);
    return proof::blocked;
}

const entry_locks::blocked* entry_locks::find(std::uint64_t entry) const noexcept {
    for (std::uint64_t i = 0; i < reasons_count_; ++i) {
        if (reasons_[i].entry == entry) return &reasons_[i];
    }
    return nullptr;
}

void entry_locks::note_answer(std::uint64_t entry) noexcept {
    if (!blocked_.test(entry)) return;
    blocked_.reset(entry);
    --blocked_count_;
    for (std::uint64_t i = 0; i < reasons_count_; ++i) {
        if (reasons_[i].entry == entry) reasons_[i] = reasons_[--reasons_count_];
    }
}

void entry_locks::note_blocked(std::uint64_t entry, int error, const os::lock_seen& lock) noexcept {
    const blocked* const before = find(entry);
    if (before == nullptr && !blocked_.test(entry) && reasons_count_ < reasons_.size())
        reasons_[reasons_count_++] = {.entry = entry, .since = os::monotonic::now(), .error = error, .lock = lock};
    if (before != nullptr) {
        reasons_[static_cast<std::size_t>(before - reasons_.data())].error = error;
        reasons_[static_cast<std::size_t>(before - reasons_.data())].lock = lock;
    }
    if (blocked_.test(entry)) return;
    blocked_.set(entry);
    ++blocked_count_;
}

bool entry_locks::is_blocked_for_long(std::uint64_t entry) const noexcept {
    if (unasked_ != 0 && os::monotonic::now() - unasked_since_ >= long_enough) return true;
    if (!blocked_.test(entry)) return false;
    const blocked* const reason = find(entry);
    return reason == nullptr || os::monotonic::now() - reason->since >= long_enough;
}

failure entry_locks::blockage(std::uint64_t entry) const {
    const blocked* const reason = find(entry);
    if (unasked_ != 0) {
        return refuse(path_, errc::recovery_blocked,
                      fmt::format("found no way to ask the kernel whether the peers live (errno {}: {}), expected that "
                                  "the file can be opened again under this name. The program has closed the descriptor "
                                  "of its endpoint; close descriptors before you open the queue, or keep its name, the "
                                  "root directory and the user as they were",
                                  unasked_, os::words_for(unasked_)));
    }
    if (reason != nullptr && reason->error != 0) {
        return refuse(
            path_, errc::recovery_blocked,
            fmt::format("found that the kernel does not say whether the endpoint of entry {} lives (errno {}: "
                        "{}), expected an answer; does the file system keep open-file-description locks?",
                        entry, reason->error, os::words_for(reason->error)));
    }
    return refuse_foreign_lock(path_, errc::recovery_blocked, reason != nullptr ? reason->lock : os::lock_seen{},
                               fmt::format("entry {} of the roster, whose endpoint is dead and cannot be recovered "
                                           "meanwhile",
                                           entry));
}

failure entry_locks::loss() const {
    return refuse(
        path_, errc::lock_lost,
        "found that another process has recovered from this endpoint, whose lock the kernel dropped when the "
        "program closed its descriptor: on this file system (overlayfs, for one) a mapping does not keep it, "
        "expected the descriptor to stay open; close descriptors before you open the queue, then open it again");
}

void entry_locks::close() noexcept {
    // Not only closed: a child of vfork, or of a raw clone, may have the open file, too.
    if (const int own = own_.number(); own >= 0) os::unlock(own, layout::lock_base, layout::lock_range_bytes);
    second_.close();
    own_.close();
}

void entry_locks::forked() noexcept {
    own_.forked();
    second_.forked();
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
