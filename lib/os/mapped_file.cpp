// mapped_file.cpp: mappings by Boost.Interprocess; the one file that includes it.
#include "noria/os/mapped_file.hpp"

#include "noria/core/atomics.hpp"
#include "noria/core/bits.hpp"
#include "noria/os/race_checkers.hpp"

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>
#include <vector>

namespace noria::inline v1::os {

namespace {

namespace bip = boost::interprocess;

// Boost.Interprocess maps any MemoryMappable: here, a descriptor that we opened and locked ourselves.
struct mappable_descriptor {
    int number;
    bip::mode_t mode;

    [[nodiscard]] bip::mapping_handle_t get_mapping_handle() const {
        return bip::ipcdetail::mapping_handle_from_file_handle(number);
    }
    [[nodiscard]] bip::mode_t get_mode() const { return mode; }
};

constexpr std::uint64_t huge_page_bytes = 2U << 20;

// Where so many bytes may be mapped such that huge pages can stand for them: room that nobody has access to. Null: no huge
// page would fit, or there is no such room, and anywhere will do.
std::byte* room_for_huge_pages(std::uint64_t bytes) noexcept {
    if (bytes < huge_page_bytes) return nullptr;
    const std::uint64_t pages = round_up(bytes, static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    void* const room =
        mmap(nullptr, pages + huge_page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return nullptr;
    const std::uint64_t before = -reinterpret_cast<std::uintptr_t>(room) % huge_page_bytes;
    std::byte* const begin = static_cast<std::byte*>(room) + before;
    if (before != 0) (void)munmap(room, before);
    (void)munmap(begin + pages, huge_page_bytes - before);
    return begin;
}

// Makes the addresses inaccessible, but for those that are mapped. MADV_DONTFORK leaves a gap in a fork's child; an earlier fork
// handler of another library may already have mapped memory there. What it mapped stays as it is; the rest of the gap is
// found by halves. Async-signal-safe.
void close_gap(std::byte* begin, std::uint64_t bytes) noexcept {
    constexpr int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void* const made = mmap(begin, bytes, PROT_NONE, how, -1, 0);
    if (made == begin) return;
    // Before Linux 4.17 the flag is ignored, and the mapping may land elsewhere.
    if (made != MAP_FAILED) (void)munmap(made, bytes);
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    if (bytes <= page || (made == MAP_FAILED && errno != EEXIST)) return;
    const std::uint64_t half = round_up(bytes / 2, page);
    close_gap(begin, half);
    close_gap(begin + half, bytes - half);
}

// The mappings that endpoints of this process share. Never destroyed, as endpoints may outlive static objects.
std::vector<std::weak_ptr<mapped_file>>& shared_mappings() {
    static auto& table = *new std::vector<std::weak_ptr<mapped_file>>;
    return table;
}

}  // namespace

struct mapped_file::region {
    bip::mapped_region mapped;
};

mapped_file::mapped_file(std::unique_ptr<region> mapped, access mode) noexcept
    : region_(std::move(mapped)), data_(static_cast<std::byte*>(region_->mapped.get_address())),
      bytes_(region_->mapped.get_size()), mode_(mode) {}

int mapped_file::map(const descriptor& file, access mode, std::uint64_t bytes, std::shared_ptr<mapped_file>& mapping) {
    const no_fork until_enlisted;
    std::byte* room = nullptr;
    int error = 0;
    try {
        const auto how = mode == access::read_only ? bip::read_only : bip::read_write;
        auto mapped = std::make_unique<region>();
        room = room_for_huge_pages(bytes);
        mapped->mapped = bip::mapped_region(mappable_descriptor{file.get(), how}, how, 0, bytes, room,
                                            room != nullptr ? MAP_FIXED : bip::default_map_options);
        room = nullptr;  // the region's now, which gives it back
        mapping.reset(new mapped_file(std::move(mapped), mode));
    } catch (const bip::interprocess_exception& refusal) {
        error = refusal.get_native_error() != 0 ? refusal.get_native_error() : EINVAL;
    } catch (const std::bad_alloc&) {
        error = ENOMEM;
    }
    if (error != 0) {
        if (room != nullptr) (void)munmap(room, bytes);
        return error;
    }
    mapping->inherited_ = madvise(mapping->data_, mapping->bytes_, MADV_DONTFORK) != 0;
    hide_from_race_checkers(mapping->data_, mapping->bytes_);
    mapping->enlist();
    return 0;
}

int mapped_file::share(const std::filesystem::path& path, const file_identity& identity, std::uint64_t bytes,
                       std::shared_ptr<mapped_file>& mapping) {
    const no_fork until_enlisted;
    auto& table = shared_mappings();
    std::erase_if(table, [](const auto& each) { return each.expired(); });
    for (const auto& each : table) {
        mapping = each.lock();
        if (mapping && mapping->identity_ == identity && mapping->bytes_ == bytes && !mapping->lost()) return 0;
    }
    mapping.reset();
    descriptor file;
    struct stat status {};
    if (const int error = open_regular(path, access::read_write, file, status); error != 0) return error;
    if (identity_of(status) != identity) return ESTALE;
    if (const int error = map(file, access::read_write, bytes, mapping); error != 0) return error;
    mapping->identity_ = identity;
    table.push_back(mapping);
    return 0;
}

mapped_file::~mapped_file() {
    const no_fork until_unmapped;
    delist();
    if (watched_ != nullptr) unwatch(*watched_);
    if (is_forks_copy_) (void)region_.release();  // where it was, there may be memory of others
    region_.reset();
}

int mapped_file::guard(const loss_marks& marks) noexcept {
    const no_fork until_watched;
    if (watched_ == nullptr) watched_ = watch(data_, bytes_, mode_, marks);
    return watched_ != nullptr ? 0 : ENOMEM;
}

void mapped_file::use_huge_pages() noexcept {
    constexpr int collapse = 25;  // MADV_COLLAPSE, Linux 6.1: at once, and whatever the mount and the machine have set
    (void)madvise(data_, bytes_, MADV_HUGEPAGE);
    (void)madvise(data_, bytes_ / huge_page_bytes * huge_page_bytes, collapse);
}

int mapped_file::lock() noexcept { return mlock(data_, bytes_) == 0 ? 0 : errno; }

void mapped_file::populate() noexcept {
    if (exchange(populated_, 1U) != 0) return;
        // Linux 5.14; elsewhere a read of each page brings it in, which saves the later fault's disk access at least.
#ifdef MADV_POPULATE_WRITE
    if (madvise(data_, bytes_, MADV_POPULATE_WRITE) == 0) return;
#endif
    for (std::uint64_t offset = 0; offset < bytes_; offset += 4096) {
        (void)*reinterpret_cast<const volatile unsigned char*>(data_ + offset);
    }
}

void mapped_file::forked() noexcept {
    if (inherited_ || lost()) {
        // The child has a copy: of the mapping, which keeps the locks, or of the guard's memory. It is replaced.
        (void)mmap(data_, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    } else {
        close_gap(data_, round_up(bytes_, static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))));
    }
    if (watched_ != nullptr) forget(*std::exchange(watched_, nullptr));
    is_forks_copy_ = true;
    identity_ = {};  // an endpoint that the child opens for itself must not find this one
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
