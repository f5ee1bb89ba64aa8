// cache_line.hpp: how far apart words of different writers stand, fetching one, and the spinning processor's courtesy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace noria::inline v1 {

// Two 64-byte lines: Intel's adjacent-line prefetcher fetches lines in pairs, so neighbours 64 bytes apart still
// disturb each other (source: folly/lang/Align.h). It is part of the file format and therefore a constant.
constexpr std::size_t line_separation_bytes = 128;
constexpr std::size_t line_bytes = 64;

// Asks for the line of that address, to write to it soon. It is no access: no address is wrong, and nothing is waited for.
inline void fetch_for_writing(const std::byte* address) noexcept {
#if defined(__x86_64__)
    // The builtin would fetch a line that others may keep, unless -mprfchw. Processors that do not know it do nothing.
    asm volatile("prefetchw %0" : : "m"(*address));
#else
    __builtin_prefetch(address, 1);
#endif
}

// The same, to read it.
inline void fetch_for_reading(const std::byte* address) noexcept { __builtin_prefetch(address, 0); }

// Tells the processor that this is a spin loop: it saves power and lets a sibling thread run.
inline void pause_processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
}

// So many pauses of some 18 ns, for who must not look again too soon, since each look costs another processor a line.
inline void stand_back(std::uint64_t pauses) noexcept {
    for (std::uint64_t i = 0; i < pauses; ++i) pause_processor();
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
