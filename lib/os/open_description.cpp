// open_description.cpp: giving a description its offset, knowing it again, and trying what a mapping keeps.
#include "noria/os/open_description.hpp"

#include "noria/core/atomics.hpp"
#include "noria/os/process.hpp"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace noria::inline v1::os {

namespace {

// Offsets of 40 bits are within what every file system that this library accepts allows; those with a smaller limit, such as
// vfat, get 30 bits. They are counted, so that the descriptions of a process differ, and begin at random, so that those of
// two processes hardly meet. 0 and small offsets are left to descriptors of the program's own.
constexpr std::uint64_t wide_mask = (std::uint64_t{1} << 40) - 1;
constexpr std::uint64_t narrow_mask = (std::uint64_t{1} << 30) - 1;
constexpr std::uint64_t smallest_offset = std::uint64_t{1} << 20;

constexpr std::uint64_t overlayfs_magic = 0x794C7630;  // linux/magic.h

std::uint64_t draw() noexcept {
    std::uint64_t drawn = 0;
    (void)!getrandom(&drawn, sizeof drawn, 0);  // short only before the kernel's pool is ready: then it is 0
    return drawn;
}

std::uint64_t next_token() noexcept {
    static std::uint64_t last = draw();
    return fetch_add(last, std::uint64_t{1});
}

// What was tried before.
struct trial {
    std::uint64_t device = 0;
    std::uint64_t magic = 0;
    bool keeps = false;
};
constexpr std::size_t trials_max = 16;  // more file systems at once are tried again

}  // namespace

open_description::open_description(open_description&& other) noexcept { *this = std::move(other); }

open_description& open_description::operator=(open_description&& other) noexcept {
    if (this == &other) return *this;
    close();
    descriptor_ = std::move(other.descriptor_);
    identity_ = other.identity_;
    token_ = other.token_;
    anchor_ = std::move(other.anchor_);
    return *this;
}

int open_description::adopt(descriptor file, const file_identity& identity) noexcept {
    close();
    const std::uint64_t drawn = next_token();
    for (const std::uint64_t mask : {wide_mask, narrow_mask}) {
        token_ = static_cast<std::int64_t>(smallest_offset + drawn % (mask - smallest_offset));
        if (lseek(file.get(), token_, SEEK_SET) != token_) continue;
        identity_ = identity;
        descriptor_ = std::move(file);
        return 0;
    }
    return errno;
}

int open_description::anchor(std::uint64_t page_bytes) {
    return mapped_file::map(descriptor_, access::read_only, page_bytes, anchor_);
}

int open_description::number() const noexcept {
    struct stat status {};
    const int number = descriptor_.get();
    const int errno_before = errno;
    const bool ours = number >= 0 && fstat(number, &status) == 0 && identity_of(status) == identity_ &&
                      lseek(number, 0, SEEK_CUR) == token_;
    errno = errno_before;
    return ours ? number : -1;
}

int open_description::try_lock(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    return os::try_lock(number(), offset, bytes);  // of -1: EBADF
}

void open_description::unlock(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    os::unlock(number(), offset, bytes);
}

lock_report open_description::ask_lock(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    return os::ask_lock(number(), offset, bytes);
}

void open_description::close() noexcept {
    if (number() < 0) descriptor_.release();  // the number is another description's by now
    descriptor_.reset();
    anchor_.reset();
}

void open_description::forked() noexcept {
    if (number() < 0) descriptor_.release();
    descriptor_.reset();
}

int keeps_locks(const std::filesystem::path& path, const file_identity& identity, const open_description& asker,
                std::uint64_t page_bytes, std::uint64_t offset, std::uint64_t bytes, bool& keeps) {
    const no_fork whole;  // the table is one thread's at a time, and no child inherits what is tried
    static std::array<trial, trials_max> known;
    static std::size_t tried = 0;
    const std::uint64_t magic = file_system_of(asker.number()).magic;
    for (std::size_t i = 0; i < tried && i < known.size(); ++i) {
        if (known[i].device != identity.device || known[i].magic != magic) continue;
        keeps = known[i].keeps;
        return 0;
    }
    descriptor file;
    struct stat status {};
    if (const int error = open_regular(path, access::read_write, file, status); error != 0) return error;
    if (identity_of(status) != identity) return ENOENT;  // another file has the name by now
    const std::uint64_t tried_byte = offset + draw() % bytes;
    // Another endpoint may try the same byte at this moment, or a stranger may have locked all. Then it is not known this time,
    // and taken from the one stacked file system that is known.
    keeps = magic != overlayfs_magic;
    if (os::try_lock(file.get(), tried_byte) != 0) return 0;
    std::shared_ptr<mapped_file> mapping;
    if (const int error = mapped_file::map(file, access::read_only, page_bytes, mapping); error != 0) return error;
    file.reset();
    keeps = asker.ask_lock(tried_byte).owner == lock_owner::endpoint;
    known[tried++ % known.size()] = {.device = identity.device, .magic = magic, .keeps = keeps};
    return 0;
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
