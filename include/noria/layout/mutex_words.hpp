// mutex_words.hpp: the shared words of a queue under a robust mutex: who has it, and how the ring stands, twice.
//
// Of the two pages, pages[turn % 2] is the truth. Who has the mutex writes the other one, and then turns: one store, by
// which all that a step changes has changed. Positions count slots in the fixed form and bytes in the bytes form; they
// start at 0 and wrap at 2^64.
// Written by    whoever has the mutex; after an owner's death, whoever recovers from it, in the dead one's name.
// Invariants    X1  head <= next <= tail <= head + capacity. Records stand from head to tail without a gap.
//               X2  The word of the record at `record` is `word`, even if a death has kept it from being stored: the next
//                   to have the mutex stores it. A `record` outside of [head, tail) means none.
//               X3  From next on nothing is held. Before next, `returned` records are ready: they were put back.
//               X4  The record at head is not free.
#pragma once

#include "noria/core/cache_line.hpp"

#include <cstddef>
#include <cstdint>

namespace noria::inline v1::layout {

struct mutex_line {
    std::uint32_t owner;  // a futex word: 1 + the index of the roster entry that has the mutex, or 0; mutex_contended
    std::uint32_t reserved_word;
    std::uint64_t turn;  // steps so far
    std::uint8_t reserved[112];
};
constexpr std::uint32_t mutex_contended = std::uint32_t{1} << 31;  // somebody may sleep on the word

struct mutex_page {
    std::uint64_t tail;         // behind the last record
    std::uint64_t head;         // of the first record
    std::uint64_t next;         // of the first record that nobody was ever given
    std::uint64_t used;         // what claims, messages and leases take of the ring
    std::uint64_t returned;     // X3
    std::uint64_t sent;         // messages committed
    std::uint64_t received;     // messages released
    std::uint64_t redelivered;  // messages put back: their holder died or threw
    std::uint64_t given_back;   // claims destroyed uncommitted
    std::uint64_t skipped;      // mpmc: claims that died with their owner
    std::uint64_t high_water;   // the largest depth there was, in messages
    std::uint64_t repairs;      // how often an owner of the mutex was found dead
    std::uint64_t record;       // X2
    std::uint64_t word;         // X2
    std::uint64_t reserved[2];
};

struct mutex_words {
    mutex_line line;
    mutex_page pages[2];
};

static_assert(sizeof(mutex_line) == line_separation_bytes && sizeof(mutex_page) == line_separation_bytes,
              "the mutex and the pages stand on lines of their own");
static_assert(offsetof(mutex_line, turn) == 8 && offsetof(mutex_words, pages) == 128 && sizeof(mutex_words) == 384,
              "FORMAT_MUTEX.md, the mutex's words");
static_assert(offsetof(mutex_page, head) == 8 && offsetof(mutex_page, next) == 16 && offsetof(mutex_page, used) == 24 &&
                  offsetof(mutex_page, returned) == 32 && offsetof(mutex_page, sent) == 40 &&
                  offsetof(mutex_page, received) == 48 && offsetof(mutex_page, redelivered) == 56 &&
                  offsetof(mutex_page, given_back) == 64 && offsetof(mutex_page, skipped) == 72 &&
                  offsetof(mutex_page, high_water) == 80 && offsetof(mutex_page, repairs) == 88 &&
                  offsetof(mutex_page, record) == 96 && offsetof(mutex_page, word) == 104,
              "FORMAT_MUTEX.md, a page");

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
