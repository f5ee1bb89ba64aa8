// file.cpp: the system calls of opening and of birth.
#include "noria/os/file.hpp"

#include "noria/os/file_lock.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>

namespace noria::inline v1::os {

namespace {

// The locks stand at offsets of 2^62, and files have up to 2^41 bytes.
static_assert(sizeof(off_t) == 8,
              "noria needs 64-bit file offsets: on a 32-bit target compile with -D_FILE_OFFSET_BITS=64");

constexpr std::string_view temporary_suffix = ".noria-birth";

struct known_file_system {
    long magic;
    const char* name;
    file_system_fitness fitness;
};

// Source: statfs(2) and linux/magic.h, and the sources of those that are not in them. What is not listed is taken to be a local file system with a page cache.
constexpr known_file_system known_file_systems[] = {
    {0x6969, "nfs", file_system_fitness::unfit},
    {0x517B, "smb", file_system_fitness::unfit},
    {0xFE534D42, "smb2", file_system_fitness::unfit},
    {0xFF534D42, "cifs", file_system_fitness::unfit},
    {0x01021997, "9p", file_system_fitness::unfit},
    {0x65735546, "fuse", file_system_fitness::unfit},
    {0x00C36400, "ceph", file_system_fitness::unfit},
    {0x5346414F, "afs", file_system_fitness::unfit},
    {0x47504653, "gpfs", file_system_fitness::unfit},
    {0x0BD00BD0, "lustre", file_system_fitness::unfit},
    {0x01161970, "gfs2", file_system_fitness::unfit},
    {0x7461636F, "ocfs2", file_system_fitness::unfit},
    {0x786F4256, "vboxsf", file_system_fitness::unfit},
    {0x19830326, "beegfs", file_system_fitness::unfit},
    {0x20030528, "orangefs", file_system_fitness::unfit},
    {0x9FA0, "proc", file_system_fitness::unfit},
    {0x62656572, "sysfs", file_system_fitness::unfit},
    {0x9123683E, "btrfs", file_system_fitness::copies_on_write},
    {0x2FC12FC1, "zfs", file_system_fitness::copies_on_write},
    {0xCA451A4E, "bcachefs", file_system_fitness::copies_on_write},
    {0x3434, "nilfs", file_system_fitness::copies_on_write},
};

// Blocks every signal of this thread, so that no handler interrupts an allocation over and over, and swallows the
// SIGXFSZ that the kernel sends for a file above RLIMIT_FSIZE; the error code says it too.
class signals_held {
public:
    signals_held() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before_);
        sigset_t pending;
        sigpending(&pending);
        xfsz_was_pending_ = sigismember(&pending, SIGXFSZ) == 1;
    }
    ~signals_held() {
        if (!xfsz_was_pending_) {
            sigset_t xfsz;
            sigemptyset(&xfsz);
            sigaddset(&xfsz, SIGXFSZ);
            constexpr timespec at_once{};
            while (sigtimedwait(&xfsz, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    signals_held(const signals_held&) = delete;
    signals_held& operator=(const signals_held&) = delete;

private:
    sigset_t before_;
    bool xfsz_was_pending_ = false;
};

int write_all(int file, std::span<const std::byte> data, std::uint64_t offset) noexcept {
    while (!data.empty()) {
        const ssize_t written = pwrite(file, data.data(), data.size(), static_cast<off_t>(offset));
        if (written < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        if (written == 0) return ENOSPC;
        data = data.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return 0;
}

// For file systems without fallocate: zeros, really written.
int write_zeros(int file, std::uint64_t offset, std::uint64_t bytes) noexcept {
    static constexpr std::array<std::byte, 65536> zeros{};
    for (std::uint64_t done = 0; done < bytes; done += zeros.size()) {
        const auto part = std::span(zeros).first(std::min<std::uint64_t>(zeros.size(), bytes - done));
        if (const int error = write_all(file, part, offset + done); error != 0) return error;
    }
    return 0;
}

int allocate(int file, std::uint64_t bytes) noexcept {
    // In parts, so that signals wait no longer than one of them takes: milliseconds.
    constexpr std::uint64_t part_bytes = std::uint64_t{16} << 20;
    for (std::uint64_t done = 0; done < bytes; done += part_bytes) {
        const std::uint64_t part = std::min(part_bytes, bytes - done);
        const signals_held held;
        int error = 0;
        do {
            error = posix_fallocate(file, static_cast<off_t>(done), static_cast<off_t>(part));
        } while (error == EINTR);
        if (error == EOPNOTSUPP || error == EINVAL || error == ENOSYS) error = write_zeros(file, done, part);
        if (error != 0) return error;
    }
    return 0;
}

// Whether so many bytes are surely more than what is free there. A tmpfs may be given more than the machine has, and
// then the kernel kills processes instead of refusing: it counts as no larger than memory and swap.
bool is_larger_than_free(std::uint64_t bytes, int directory) noexcept {
    struct statfs status {};
    if (fstatfs(directory, &status) != 0) return false;
    const auto block = static_cast<std::uint64_t>(status.f_bsize);
    // A file system that states no size has none to compare with.
    if (status.f_blocks != 0 && block != 0 && bytes / block > static_cast<std::uint64_t>(status.f_bfree)) return true;
    constexpr std::uint32_t tmpfs = 0x01021994;
    struct sysinfo machine {};
    if (static_cast<std::uint32_t>(status.f_type) != tmpfs || sysinfo(&machine) != 0) return false;
    return bytes / machine.mem_unit > std::uint64_t{machine.totalram} + machine.totalswap;
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// A file of the temporary name of our queue whose lock is free was left by a creator that is dead: remove it.
void remove_stillborn(int directory, const std::string& prefix, std::uint64_t lock_offset) noexcept {
    const int listing = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (listing < 0) return;
    DIR* entries = fdopendir(listing);
    if (entries == nullptr) {
        close(listing);
        return;
    }
    while (const dirent* entry = readdir(entries)) {
        const std::string_view name = entry->d_name;
        if (!name.starts_with(prefix) || !name.ends_with(temporary_suffix)) continue;
        const descriptor old(openat(directory, entry->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (old.is_open() && try_lock(old.get(), lock_offset) == 0) unlinkat(directory, entry->d_name, 0);
    }
    closedir(entries);
}

int open_unnamed(int directory, descriptor& file) noexcept {
    file.reset(openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    return file.is_open() ? 0 : errno;
}

// Another creator that finds the file before we have its lock takes it for stillborn. Then it has the lock, or we get the
// lock of a file without a name: EAGAIN, under another name.
int open_temporary(int directory, const std::string& name, std::uint64_t lock_offset, descriptor& file) noexcept {
    file.reset(openat(directory, name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return errno;
    if (const int error = try_lock(file.get(), lock_offset); error != 0) return error;
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return errno;
    return status.st_nlink != 0 ? 0 : EAGAIN;
}

// Everything between having a file and naming it.
birth fill(int file, const birth_wish& wish, std::span<const std::byte> contents) {
    birth born{.error = 0, .step = birth_step::mode, .where = {}};
    if (fchmod(file, wish.mode) != 0) {
        born.error = errno;
        return born;
    }
    born.step = birth_step::allocation;
    born.error = allocate(file, wish.file_bytes);
    if (born.error != 0) return born;
    born.step = birth_step::contents;
    born.error = write_all(file, contents, 0);
    return born;
}

// Links an unnamed file. Both ways are tried: the first needs a capability, the second needs /proc.
int link_unnamed(int file, int directory, const char* name) noexcept {
    if (linkat(file, "", directory, name, AT_EMPTY_PATH) == 0) return 0;
    if (errno == EEXIST) return EEXIST;
    std::array<char, 32> by_number{};
    std::snprintf(by_number.data(), by_number.size(), "/proc/self/fd/%d", file);
    return linkat(AT_FDCWD, by_number.data(), directory, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

birth create_renamed(int directory, const std::string& name, const birth_wish& wish,
                     std::span<const std::byte> contents) {
    const std::string prefix = "." + name + ".";
    remove_stillborn(directory, prefix, wish.lock_offset);
    std::string temporary;
    descriptor file;
    int error = 0;
    do {
        std::uint64_t draw = 0;
        (void)!getrandom(&draw, sizeof draw, 0);
        temporary = fmt::format("{}{:016x}{}", prefix, draw, temporary_suffix);
        error = open_temporary(directory, temporary, wish.lock_offset, file);
    } while (error == EAGAIN);
    if (error != 0) return {.error = error, .step = birth_step::file, .where = {}};
    birth born = fill(file.get(), wish, contents);
    if (born.error == 0) {
        born.step = birth_step::name;
        if (renameat2(directory, temporary.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0) return born;
        born.error = errno;
    }
    unlinkat(directory, temporary.c_str(), 0);
    return born;
}

}  // namespace

void descriptor::reset(int number) noexcept {
    if (number_ >= 0) close(number_);
    number_ = number;
}

file_identity identity_of(const struct stat& status) noexcept { return {status.st_dev, status.st_ino}; }

int open_regular(const std::filesystem::path& path, access mode, descriptor& file, struct stat& status) {
    // Looked at before it is opened, since opening a device can do things; and again after, since the name may have
    // come to stand for another file in between.
    if (lstat(path.c_str(), &status) != 0) return errno;
    if (S_ISLNK(status.st_mode)) return ELOOP;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (!S_ISREG(status.st_mode)) return ENXIO;
    const int how = (mode == access::read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    file.reset(open(path.c_str(), how));
    if (!file.is_open()) return errno;
    if (fstat(file.get(), &status) != 0) return errno;
    return S_ISREG(status.st_mode) ? 0 : ENXIO;
}

bool names(const std::filesystem::path& path, const file_identity& file) noexcept {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && identity_of(status) == file;
}

file_system file_system_of(int file) {
    struct statfs status {};
    if (fstatfs(file, &status) != 0) return {};
    // f_type is signed and as wide as a long; the magic numbers have 32 bits.
    const auto magic = static_cast<long>(static_cast<std::uint32_t>(status.f_type));
    for (const auto& known : known_file_systems) {
        if (known.magic == magic) return {known.fitness, known.name};
    }
    return {};
}

birth create_whole(const std::filesystem::path& path, const birth_wish& wish, std::span<const std::byte> contents) {
    const std::string name = path.filename().string();
    const descriptor directory(open(directory_of(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory.is_open()) return {.error = errno, .step = birth_step::directory, .where = {}};
    if (name.empty() || name == "." || name == "..") return {.error = EISDIR, .step = birth_step::name, .where = {}};
    const file_system where = file_system_of(directory.get());
    if (where.fitness == file_system_fitness::unfit ||
        (where.fitness == file_system_fitness::copies_on_write && !wish.copy_on_write)) {
        return {.error = EOPNOTSUPP, .step = birth_step::file, .where = where};
    }
    // Allocation would say so too, but only after it has taken all there is: of a tmpfs, the machine's memory.
    if (is_larger_than_free(wish.file_bytes, directory.get())) {
        return {.error = ENOSPC, .step = birth_step::allocation, .where = where};
    }

    descriptor file;
    if (const int error = open_unnamed(directory.get(), file); error != 0) {
        const bool unknown = error == EOPNOTSUPP || error == EISDIR || error == EINVAL;
        if (unknown) return create_renamed(directory.get(), name, wish, contents);
        return {.error = error, .step = birth_step::file, .where = {}};
    }
    birth born = fill(file.get(), wish, contents);
    if (born.error != 0) return born;
    born.step = birth_step::name;
    born.error = link_unnamed(file.get(), directory.get(), name.c_str());
    if (born.error == ENOENT) {  // no capability and no /proc
        file.reset();
        return create_renamed(directory.get(), name, wish, contents);
    }
    return born;
}

int fill_holes(int file) noexcept {
    struct stat status {};
    constexpr off_t block_bytes = 512;  // of st_blocks, whatever the file system's are
    if (fstat(file, &status) != 0 || status.st_blocks >= status.st_size / block_bytes) return 0;
    // fallocate itself, and not posix_fallocate: where there is none, the latter writes.
    while (fallocate(file, 0, 0, status.st_size) != 0) {
        if (errno == EINTR) continue;
        return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
    }
    return 0;
}

std::int64_t read_start(int file, std::span<std::byte> buffer) noexcept {
    std::size_t have = 0;
    while (have < buffer.size()) {
        const ssize_t got = pread(file, buffer.data() + have, buffer.size() - have, static_cast<off_t>(have));
        if (got < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    return static_cast<std::int64_t>(have);
}

std::string words_for(int error_number) { return std::generic_category().message(error_number); }

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
