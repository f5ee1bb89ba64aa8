// guarded_mappings.hpp: every file that the program maps stands between pages that nobody may touch.
//
// Method: the program is linked with --wrap=mmap and --wrap=munmap, so that the library's own calls come here. Each
// file gets a place of its own in a reserved range of addresses, and that stays closed when the file is unmapped: a
// step over either end, or to where a mapping was, is a SIGSEGV. Nothing here is locked: the library maps under its own
// lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace noria::hostile {

struct mapping {
    std::byte* data = nullptr;
    std::size_t bytes = 0;  // 0: nothing is mapped in this place
};

constexpr std::size_t mapping_places = 32;
extern std::array<mapping, mapping_places> mappings;

// The mapping that the address lies in, or null.
[[nodiscard]] const mapping* mapping_of(const void* address) noexcept;

// Called with each new mapping and each one about to go, if set.
extern void (*on_mapped)(const mapping& fresh);
extern void (*on_unmapping)(const mapping& old);

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
