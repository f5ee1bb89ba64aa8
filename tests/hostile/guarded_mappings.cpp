// guarded_mappings.cpp: mmap and munmap as the library calls them.
#include "guarded_mappings.hpp"

#include <sys/mman.h>
#include <sys/types.h>

#include <cerrno>

extern "C" {
void* __real_mmap(void* at, std::size_t bytes, int protection, int flags, int file, off_t offset);
int __real_munmap(void* at, std::size_t bytes);
void* __wrap_mmap(void* at, std::size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void* at, std::size_t bytes);
}

namespace noria::hostile {

std::array<mapping, mapping_places> mappings;
void (*on_mapped)(const mapping& fresh) = nullptr;
void (*on_unmapping)(const mapping& old) = nullptr;

namespace {

// Below all that Linux places by itself, and above what the address sanitizer keeps for its shadow, on 47 bits and
// more.
constexpr std::uintptr_t range_begin = 0x5000'0000'0000;
constexpr std::size_t place_bytes = std::size_t{64} << 20;  // a mapping in the middle, 16 MiB of nothing on either side
constexpr std::size_t file_bytes_max = place_bytes / 2;
constexpr int closed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

std::array<bool, mapping_places> reserved;

std::byte* place(std::size_t index) noexcept {
    // The address of no object: it is a range of the address space that we claim.
    return reinterpret_cast<std::byte*>(range_begin + index * place_bytes);
}

bool reserve(std::size_t index) noexcept {
    if (reserved[index]) return true;
    void* const at = place(index);
    reserved[index] = __real_mmap(at, place_bytes, PROT_NONE, closed | MAP_FIXED_NOREPLACE, -1, 0) == at;
    return reserved[index];
}

}  // namespace

const mapping* mapping_of(const void* address) noexcept {
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    if (number < range_begin || number >= range_begin + mapping_places * place_bytes) return nullptr;
    const mapping& found = mappings[(number - range_begin) / place_bytes];
    const std::uintptr_t offset = number - reinterpret_cast<std::uintptr_t>(found.data);
    return offset < found.bytes ? &found : nullptr;
}

}  // namespace noria::hostile

void* __wrap_mmap(void* at, std::size_t bytes, int protection, int flags, int file, off_t offset) {
    using namespace noria::hostile;
    if (at != nullptr || file < 0 || bytes > file_bytes_max) {
        return __real_mmap(at, bytes, protection, flags, file, offset);
    }
    for (std::size_t index = 0; index < mapping_places; ++index) {
        if (mappings[index].bytes != 0 || !reserve(index)) continue;
        void* const middle = place(index) + place_bytes / 4;
        void* const made = __real_mmap(middle, bytes, protection, flags | MAP_FIXED, file, offset);
        if (made == MAP_FAILED) return made;
        mappings[index] = {static_cast<std::byte*>(made), bytes};
        if (on_mapped != nullptr) on_mapped(mappings[index]);
        return made;
    }
    errno = ENOMEM;
    return MAP_FAILED;
}

int __wrap_munmap(void* at, std::size_t bytes) {
    using namespace noria::hostile;
    for (mapping& each : mappings) {
        if (each.bytes == 0 || each.data != at) continue;
        if (on_unmapping != nullptr) on_unmapping(each);
        each = {};
        return __real_mmap(at, bytes, PROT_NONE, closed | MAP_FIXED, -1, 0) == at ? 0 : -1;
    }
    return __real_munmap(at, bytes);
}

// SPDX-License-Identifier: BSL-1.0
