// file.cpp: the system calls of opening and of birth.
#include "noria/os/file.hpp"

#include "noria/os/file_lock.hpp"
#include "noria/os/memory_limit.hpp"
#include "noria/os/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

namespace noria::inline v1::os {

namespace {

// The locks stand at offsets of 2^62, and files have up to 2^41 bytes.
static_assert(sizeof(off_t) == 8,
              "noria needs 64-bit file offsets: on a 32-bit target compile with -D_FILE_OFFSET_BITS=64");

constexpr std::string_view temporary_suffix = ".noria-birth";
constexpr std::string_view removal_suffix = ".noria-removal";  // .<inode>.<random>.noria-removal, both hexadecimal
constexpr std::uint64_t entries_at_most = 10000;  // looked at for leftovers, some milliseconds; chosen by feel

struct known_file_system {
    long magic;
    const char* name;
    file_system_fitness fitness;
};

// Source: statfs(2), linux/magic.h, and the file systems' own sources. A file system that is not listed is taken for a local
// one with a page cache.
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

// Where a file system has no fallocate.
enum class otherwise { write_zeros, leave_it };

// Gives that part of a file all its bytes; those that are there stay as they are. In parts, so that signals wait no longer
// than one of them takes: milliseconds. fallocate itself, and not posix_fallocate, which writes where there is none.
int allocate(int file, std::uint64_t begin, std::uint64_t end, otherwise fallback) noexcept {
    constexpr std::uint64_t part_bytes = std::uint64_t{16} << 20;
    for (std::uint64_t done = begin; done < end; done += part_bytes) {
        const std::uint64_t part = std::min(part_bytes, end - done);
        const signals_held held;
        int error = 0;
        do {
            error = fallocate(file, 0, static_cast<off_t>(done), static_cast<off_t>(part)) == 0 ? 0 : errno;
        } while (error == EINTR);
        if (error == EOPNOTSUPP || error == EINVAL || error == ENOSYS) {
            if (fallback == otherwise::leave_it) return 0;
            error = write_zeros(file, done, part);
        }
        if (error != 0) return error;
    }
    return 0;
}

// Whether so many bytes are surely more than what may be had there. A tmpfs may be given more than the machine has, or more
// than this process's control groups allow, and then the kernel kills processes instead of refusing. So it counts as no
// larger than memory and swap of the machine; `group_limit` is set if the groups allow less.
bool is_larger_than_free(std::uint64_t bytes, int where, std::uint64_t& group_limit) {
    struct statfs status {};
    if (fstatfs(where, &status) != 0) return false;
    const auto block = static_cast<std::uint64_t>(status.f_bsize);
    // A file system that states no size has none to compare with.
    if (status.f_blocks != 0 && block != 0 && bytes / block > static_cast<std::uint64_t>(status.f_bfree)) return true;
    constexpr std::uint32_t tmpfs = 0x01021994;
    constexpr std::uint64_t too_little_to_ask = 4U << 20;  // a group with less could not run this process
    if (static_cast<std::uint32_t>(status.f_type) != tmpfs || bytes < too_little_to_ask) return false;
    if (const std::uint64_t allowed = memory_limit(); bytes > allowed) {
        group_limit = allowed;
        return true;
    }
    struct sysinfo machine {};
    return sysinfo(&machine) == 0 && bytes / machine.mem_unit > std::uint64_t{machine.totalram} + machine.totalswap;
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Whether it can name a file in its directory.
bool is_a_name(const std::string& name) noexcept { return !name.empty() && name != "." && name != ".."; }

// Calls f(name) for each entry of the directory.
template <class F>
void for_each_entry(int directory, F f) noexcept {
    std::uint64_t left = entries_at_most;
    descriptor listing = open_at(directory, ".", O_RDONLY | O_DIRECTORY);
    if (!listing.is_open()) return;
    DIR* entries = fdopendir(listing.get());
    if (entries == nullptr) return;
    listing.release();  // the stream's now
    for (const dirent* entry = nullptr; left != 0 && (entry = readdir(entries)) != nullptr; --left) f(entry->d_name);
    closedir(entries);
}

// A file of the temporary name of our queue whose lock is free was left by a creator that is dead: remove it.
void remove_stillborn(int directory, const std::string& prefix, std::uint64_t lock_offset) noexcept {
    for_each_entry(directory, [&](const char* entry) {
        const std::string_view name = entry;
        if (!name.starts_with(prefix) || !name.ends_with(temporary_suffix)) return;
        const descriptor old = open_at(directory, entry, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
        if (old.is_open() && try_lock(old.get(), lock_offset) == 0) unlinkat(directory, entry, 0);
    });
}

// A file whose private name tells its own inode was to be removed: the process has died, or is just removing it. (A file
// that was displaced by mistake has another inode than its private name tells, and stays.)
void remove_leftovers(int directory) noexcept {
    for_each_entry(directory, [&](const char* entry) {
        const std::string_view name = entry;
        if (!name.starts_with('.') || !name.ends_with(removal_suffix)) return;
        char* end = nullptr;
        const std::uint64_t inode = std::strtoull(entry + 1, &end, 16);
        struct stat status {};
        if (end == entry + 1 || *end != '.') return;
        if (fstatat(directory, entry, &status, AT_SYMLINK_NOFOLLOW) != 0 || status.st_ino != inode) return;
        unlinkat(directory, entry, 0);
    });
}

// A file that is being made. A child of a fork closes its copy of the descriptor at once: otherwise the child would keep the
// lock of a temporary name, and the file would seem to have a living creator.
class unborn final : public fork_sensitive {
public:
    unborn() = default;
    ~unborn() override { close(); }

    [[nodiscard]] int get() const noexcept { return file_.get(); }

    // Opens the file under this name in the directory. Returns 0 or an errno.
    int open(int directory, const char* name, int how) noexcept {
        const no_fork until_enlisted;
        delist();
        file_ = open_at(directory, name, how | O_RDWR, 0600);
        const int error = file_.is_open() ? 0 : errno;
        enlist();
        return error;
    }
    void close() noexcept {
        const no_fork until_closed;
        delist();
        file_.reset();
    }
    void forked() noexcept override { file_.reset(); }

private:
    descriptor file_;
};

int open_unnamed(int directory, unborn& file) noexcept { return file.open(directory, ".", O_TMPFILE); }

// Another creator that finds the file before we have its lock takes it for stillborn. Then it has the lock, or we get the
// lock of a file without a name: EAGAIN, under another name.
int open_temporary(int directory, const std::string& name, std::uint64_t lock_offset, unborn& file) noexcept {
    if (const int error = file.open(directory, name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW); error != 0) return error;
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
    born.error = allocate(file, 0, wish.file_bytes, otherwise::write_zeros);
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
    unborn file;
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

file_identity identity_of(const struct stat& status) noexcept { return {status.st_dev, status.st_ino}; }

int make_absolute(const std::filesystem::path& path, std::filesystem::path& absolute) {
    std::error_code code;
    absolute = path.empty() ? path : std::filesystem::absolute(path, code);
    return code.value();
}

int locate(const std::filesystem::path& path, located& where) {
    if (path.empty()) return ENOENT;
    where.name = path.filename().string();
    where.directory = open_at(AT_FDCWD, directory_of(path).c_str(), O_PATH | O_DIRECTORY);
    return where.directory.is_open() ? 0 : errno;
}

int open_regular(const located& where, access mode, descriptor& file, struct stat& status) noexcept {
    const char* const name = is_a_name(where.name) ? where.name.c_str() : ".";
    // Looked at before it is opened, since opening a device can do things; and again after, since the name may have
    // come to stand for another file in between.
    if (fstatat(where.directory.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    if (S_ISLNK(status.st_mode)) return ELOOP;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (!S_ISREG(status.st_mode)) return ENXIO;
    const int how = (mode == access::read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    file = open_at(where.directory.get(), name, how);
    if (!file.is_open()) return errno;
    if (fstat(file.get(), &status) != 0) return errno;
    return S_ISREG(status.st_mode) ? 0 : ENXIO;
}

int open_regular(const std::filesystem::path& path, access mode, descriptor& file, struct stat& status) {
    located where;
    if (const int error = locate(path, where); error != 0) return error;
    return open_regular(where, mode, file, status);
}

bool names(const std::filesystem::path& path, const file_identity& file) noexcept {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && identity_of(status) == file;
}

bool is_open_to_all(const located& where) noexcept {
    struct stat status {};
    // Where it cannot be asked, the cautious answer.
    if (fstat(where.directory.get(), &status) != 0) return true;
    return (status.st_mode & S_ISVTX) != 0 && (status.st_mode & S_IWOTH) != 0;
}

int remove_exactly(const located& where, const file_identity& file, std::string& displaced) {
    const int directory = where.directory.get();
    const auto is_there = [&](const std::string& name) {
        struct stat status {};
        return fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && identity_of(status) == file;
    };
    remove_leftovers(directory);
    if (!is_there(where.name)) return ENOENT;
    std::string aside;
    int error = EEXIST;
    // A stranger cannot take the name first: it is drawn.
    for (int tries = 0; error == EEXIST && tries < 8; ++tries) {
        std::uint64_t drawn = 0;
        (void)!getrandom(&drawn, sizeof drawn, 0);
        aside = fmt::format(".{:x}.{:x}{}", file.inode, drawn, removal_suffix);
        const bool renamed = renameat2(directory, where.name.c_str(), directory, aside.c_str(), RENAME_NOREPLACE) == 0;
        error = renamed ? 0 : errno;
    }
    // Some file systems do not know such a rename: there the name is removed at once.
    if (error == EINVAL || error == ENOSYS) return unlinkat(directory, where.name.c_str(), 0) == 0 ? 0 : errno;
    if (error != 0) return error;
    if (is_there(aside)) return unlinkat(directory, aside.c_str(), 0) == 0 || errno == ENOENT ? 0 : errno;
    // Another file had taken the name between the look and the rename: it gets the name back.
    if (renameat2(directory, aside.c_str(), directory, where.name.c_str(), RENAME_NOREPLACE) == 0) return ENOENT;
    if (errno == ENOENT) return 0;  // another process has removed it as a leftover: it was our file
    displaced = aside;
    return EEXIST;
}

file_system file_system_of(int file) {
    struct statfs status {};
    if (fstatfs(file, &status) != 0) return {};
    // f_type is signed and as wide as a long; the magic numbers have 32 bits.
    const auto magic = static_cast<long>(static_cast<std::uint32_t>(status.f_type));
    for (const auto& known : known_file_systems) {
        if (known.magic == magic) return {known.fitness, known.name, static_cast<std::uint64_t>(magic)};
    }
    return {.fitness = file_system_fitness::fit, .name = {}, .magic = static_cast<std::uint64_t>(magic)};
}

birth create_whole(const std::filesystem::path& path, const birth_wish& wish, std::span<const std::byte> contents) {
    located at;
    if (const int error = locate(path, at); error != 0)
        return {.error = error, .step = birth_step::directory, .where = {}};
    const auto& [directory, name] = at;
    if (!is_a_name(name)) return {.error = EISDIR, .step = birth_step::name, .where = {}};
    const file_system where = file_system_of(directory.get());
    if (where.fitness == file_system_fitness::unfit ||
        (where.fitness == file_system_fitness::copies_on_write && !wish.copy_on_write)) {
        return {.error = EOPNOTSUPP, .step = birth_step::file, .where = where};
    }
    // Allocation would say so too, but only after it has taken all there is: of a tmpfs, the machine's memory.
    if (std::uint64_t group_limit = 0; is_larger_than_free(wish.file_bytes, directory.get(), group_limit)) {
        return {.error = ENOSPC, .step = birth_step::allocation, .where = where, .group_limit = group_limit};
    }

    remove_leftovers(directory.get());
    unborn file;
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
        file.close();
        return create_renamed(directory.get(), name, wish, contents);
    }
    return born;
}

int fill_holes(int file, std::uint64_t& group_limit) {
    struct stat status {};
    constexpr off_t block_bytes = 512;  // of st_blocks, whatever the file system's are
    group_limit = 0;
    if (fstat(file, &status) != 0 || status.st_blocks >= status.st_size / block_bytes) return 0;
    const auto missing = static_cast<std::uint64_t>(status.st_size - status.st_blocks * block_bytes);
    if (is_larger_than_free(missing, file, group_limit)) return ENOSPC;
    // All of it, since a page that is allocated and was never written to is a hole to SEEK_HOLE, too.
    return allocate(file, 0, static_cast<std::uint64_t>(status.st_size), otherwise::leave_it);
}

bool has_no_inode(const std::filesystem::path& path) {
    struct statvfs status {};
    return statvfs(directory_of(path).c_str(), &status) == 0 && status.f_files != 0 && status.f_favail == 0;
}

std::int64_t read_start(int file, std::span<std::byte> buffer) noexcept { return read_at(file, 0, buffer); }

std::int64_t read_at(int file, std::uint64_t offset, std::span<std::byte> buffer) noexcept {
    std::size_t have = 0;
    while (have < buffer.size()) {
        const ssize_t got = pread(file, buffer.data() + have, buffer.size() - have, static_cast<off_t>(offset + have));
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
