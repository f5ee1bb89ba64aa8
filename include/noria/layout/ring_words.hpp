// ring_words.hpp: the shared words of an spsc queue, one writer to a line: how far each side is, who sleeps, what ended.
//
// Positions count messages in the fixed form and bytes in the bytes form; they start at 0, only grow, and wrap at 2^64.
// Invariants    W1  head <= tail <= head + capacity, up to what a producer killed between publishing and storing its
//                   tail has left: then tail lags by what its last word published, until the next writer's scan.
//               W2  head <= taken means [head, taken) is handed out in a lease and not released.
//               W3  positions below seen were handed out before by a consumer that did not release them: their next
//                   delivery says so.
#pragma once

#include "noria/core/cache_line.hpp"

#include <cstddef>
#include <cstdint>

namespace noria::inline v1::layout {

// Written by the producer; by whoever recovers from its death; by nobody else.
struct producer_line {
    std::uint64_t tail;        // position after the last published record (W1)
    std::uint64_t messages;    // bytes form: messages published; in the fixed form tail says it and this stays 0
    std::uint64_t claim_open;  // 1 while a claim is open, else 0; means nothing once the producer is dead
    std::uint64_t high_water;  // the largest depth, in messages, that the producer saw when it looked
    std::uint64_t refused;     // pushes and claims that returned without room: full, timed out, interrupted, ended
    std::uint64_t given_back;  // claims destroyed uncommitted
    std::uint8_t reserved[80];
};

// Written by the consumer; by whoever recovers from its death; by nobody else.
struct consumer_line {
    std::uint64_t head;         // position of the first record not released
    std::uint64_t messages;     // bytes form: messages released; in the fixed form head says it and this stays 0
    std::uint64_t taken;        // end of what is handed out in a lease (W2)
    std::uint64_t seen;         // W3
    std::uint64_t redelivered;  // messages that were, or will be, delivered again
    std::uint8_t reserved[88];
};

// A futex word: bit 0: armed (somebody sleeps or is about to), bits 1-30: an epoch, bit 31: publishers must fence.
struct event_line {
    std::uint32_t word;
    std::uint32_t reserved_word;
    std::uint64_t returned;  // mpmc, in the producers' line: how often messages that had a holder were put back
    std::uint8_t reserved[112];
};
constexpr std::uint32_t event_armed = 1;
constexpr std::uint32_t event_needs_fence = std::uint32_t{1} << 31;

// The comings and goings of one role. A stream is what one line of inhabitants produces (or consumes) without a gap;
// its number is the generation at its end.
struct stream_line {
    std::uint64_t generation;  // attaches of this role so far; each newcomer raises it before it is alive
    std::uint64_t ended;       // generation at the last end; 0: never
    std::uint64_t died;        // generation at the last death; equal to ended: that end is abandoned
    std::uint64_t heard;       // the last end that somebody of the other role was told of
    std::uint64_t deaths;      // inhabitants of this role that died
    std::uint8_t reserved[88];
};

struct queue_words {
    producer_line producer;
    consumer_line consumer;
    event_line consumers_event;  // the consumer sleeps on it; rung by commit, by a producer's detach or death
    event_line producers_event;  // the producer sleeps on it; rung by release, by a consumer's coming, detach or death
    stream_line producers;
    stream_line consumers;
};

static_assert(sizeof(producer_line) == line_separation_bytes && sizeof(consumer_line) == line_separation_bytes &&
                  sizeof(event_line) == line_separation_bytes && sizeof(stream_line) == line_separation_bytes,
              "words of different writers stand on lines of their own");
static_assert(offsetof(producer_line, messages) == 8 && offsetof(producer_line, claim_open) == 16 &&
                  offsetof(producer_line, high_water) == 24 && offsetof(producer_line, refused) == 32 &&
                  offsetof(producer_line, given_back) == 40,
              "FORMAT.md, the producer's line");
static_assert(offsetof(consumer_line, messages) == 8 && offsetof(consumer_line, taken) == 16 &&
                  offsetof(consumer_line, seen) == 24 && offsetof(consumer_line, redelivered) == 32,
              "FORMAT.md, the consumer's line");
static_assert(offsetof(stream_line, ended) == 8 && offsetof(stream_line, died) == 16 &&
                  offsetof(stream_line, heard) == 24 && offsetof(stream_line, deaths) == 32,
              "FORMAT.md, the stream lines");
static_assert(offsetof(queue_words, consumer) == 128 && offsetof(queue_words, consumers_event) == 256 &&
                  offsetof(queue_words, producers_event) == 384 && offsetof(queue_words, producers) == 512 &&
                  offsetof(queue_words, consumers) == 640 && sizeof(queue_words) == 768,
              "FORMAT.md, the ring words");

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
