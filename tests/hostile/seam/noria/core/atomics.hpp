// atomics.hpp: the library's atomic accesses as the fuzzers see them: in front of each load, somebody may scribble.
//
// It stands before the genuine header in the include path of the fuzz build, and passes everything on.
#pragma once

#include <cstddef>

namespace noria::hostile {
// The word is about to be read.
void before_load(const void* word, std::size_t bytes) noexcept;
}  // namespace noria::hostile

#define load_relaxed genuine_load_relaxed
#define load_acquire genuine_load_acquire
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgnu-include-next"
#include_next "noria/core/atomics.hpp"
#pragma clang diagnostic pop
#undef load_relaxed
#undef load_acquire

namespace noria::inline v1 {

template <class Word>
[[nodiscard]] inline Word load_relaxed(const Word& word) noexcept {
    hostile::before_load(&word, sizeof word);
    return genuine_load_relaxed(word);
}

template <class Word>
[[nodiscard]] inline Word load_acquire(const Word& word) noexcept {
    hostile::before_load(&word, sizeof word);
    return genuine_load_acquire(word);
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
