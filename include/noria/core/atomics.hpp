// atomics.hpp: every atomic access of the library, under names that say their order; no other file names one.
//
// The words live in shared memory as plain integers of explicit width, so that the file's structs stay readable and
// free of any library's types; std::atomic_ref makes each access atomic. This is also the seam where a test can put
// a scheduler of its own.
#pragma once

#include <atomic>
#include <cstdint>

namespace noria::inline v1 {

static_assert(
    std::atomic_ref<std::uint64_t>::is_always_lock_free && std::atomic_ref<std::uint32_t>::is_always_lock_free,
    "processes share words of 32 and of 64 bits, under a mutex, too: where the processor has no atomic access to "
    "them, std::atomic_ref takes a lock of its own process (lib/README.md, 64-bit atomics)");
static_assert(std::atomic_ref<std::uint64_t>::required_alignment == 8 &&
                  std::atomic_ref<std::uint32_t>::required_alignment == 4,
              "a word's alignment in the file is its size");

// A read through a read-only mapping is still a read: atomic_ref wants a non-const object, but only loads from it.
template <class Word>
[[nodiscard]] inline Word load_relaxed(const Word& word) noexcept {
    return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_relaxed);
}

template <class Word>
[[nodiscard]] inline Word load_acquire(const Word& word) noexcept {
    return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_acquire);
}

template <class Word>
inline void store_relaxed(Word& word, Word value) noexcept {
    std::atomic_ref<Word>(word).store(value, std::memory_order_relaxed);
}

template <class Word>
inline void store_release(Word& word, Word value) noexcept {
    std::atomic_ref<Word>(word).store(value, std::memory_order_release);
}

// The read-modify-writes are sequentially consistent: they stand on slow paths, where the strongest is cheap.
template <class Word>
inline Word fetch_or(Word& word, Word bits) noexcept {
    return std::atomic_ref<Word>(word).fetch_or(bits, std::memory_order_seq_cst);
}

template <class Word>
inline Word fetch_add(Word& word, Word by) noexcept {
    return std::atomic_ref<Word>(word).fetch_add(by, std::memory_order_seq_cst);
}

template <class Word>
inline Word exchange(Word& word, Word value) noexcept {
    return std::atomic_ref<Word>(word).exchange(value, std::memory_order_seq_cst);
}

template <class Word>
inline bool compare_exchange(Word& word, Word expected, Word desired) noexcept {
    return std::atomic_ref<Word>(word).compare_exchange_strong(expected, desired, std::memory_order_seq_cst);
}

// Keeps the compiler from moving memory accesses across; costs no instruction. It is what SIGKILL respects: the
// stores of a killed thread that took effect are a prefix of its program.
inline void compiler_fence() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

// Keeps the processor from moving a later load before an earlier store. ThreadSanitizer does not know fences, so
// there a sequentially consistent read-modify-write of a private word stands in for it.
inline void full_fence() noexcept {
#if defined(__SANITIZE_THREAD__)
    std::uint32_t word = 0;
    (void)exchange(word, 1U);
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    std::uint32_t word = 0;
    (void)exchange(word, 1U);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
