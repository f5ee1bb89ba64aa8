// ambush.hpp: scribbling between any two reads of shared memory, as the fuzzer's input says.
//
// The library reads shared words through core/atomics.hpp only, and the fuzz build has its own (seam/): before each
// load of hostile memory, what was laid here is done. So a word that is checked and then read again is found by an
// input, every time, and without a second thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace noria::hostile {

// A stroke (queues.hpp) over the word that is about to be read, so many loads from now.
struct trap {
    std::uint32_t loads = 0;
    unsigned stroke = 0;
    std::uint64_t draw = 0;
    bool back = false;   // put right again before the load after it
    bool again = false;  // and over and over, at the same distance: a scribbler that never rests
    std::uint32_t distance = 0;
};

// Whose words are shared, how one is written, and what the ring's capacity is.
struct terrain {
    bool (*hostile)(const void* word) = nullptr;
    void (*write)(const void* word, std::size_t bytes, std::uint64_t value) = nullptr;
    std::uint64_t capacity = 0;
};

// Forgets all traps. With a terrain of nulls, loads are nobody's business.
void settle(const terrain& where) noexcept;
void lay(const trap& one) noexcept;
void disarm() noexcept;

// From here on the loads are counted anew: too many, and the program aborts, for the verb does not come to an end.
void begin_verb() noexcept;

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
