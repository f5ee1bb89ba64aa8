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
// The empty asm is there since gcc takes a function that only fetches for one without effect, and leaves out its calls.
inline void fetch_for_writing(const std::byte* address) noexcept {
#if defined(__x86_64__)
    // The builtin would fetch a line that others may keep, unless -mprfchw. Processors that do not know it do nothing.
    asm volatile("prefetchw %0" : : "m"(*address));
#else
    __builtin_prefetch(address, 1);
    asm volatile("");
#endif
}

// The same, to read it.
inline void fetch_for_reading(const std::byte* address) noexcept {
    __builtin_prefetch(address, 0);
    asm volatile("");
}

// So far ahead of themselves the ends of a stream ask for lines, where what they write and read is about a line at a time. Of
// larger things the processor itself fetches what follows. (Measured: tests/bench/README.md.)
constexpr std::size_t writer_fetches = 4 * line_bytes;
constexpr std::size_t reader_fetches = 8 * line_bytes;
constexpr bool is_about_a_line(std::uint64_t bytes) noexcept { return bytes <= 2 * line_bytes; }

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
