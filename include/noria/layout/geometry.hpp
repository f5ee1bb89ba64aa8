// geometry.hpp: from what a queue is to where everything stands in its file.
#pragma once

#include "noria/core/bits.hpp"
#include "noria/core/cache_line.hpp"
#include "noria/core/coordination.hpp"
#include "noria/core/shareable.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/record.hpp"

#include <cstdint>
#include <string>
#include <type_traits>

namespace noria::inline v1::layout {

enum class queue_kind : std::uint32_t { spsc = 1, mpmc = 2 };
using noria::coordination;
enum class message_form : std::uint32_t { fixed = 1, bytes = 2 };

// What a queue is. Everything else in the header follows from it.
struct shape {
    queue_kind kind = queue_kind::spsc;
    coordination coordinated = coordination::lock_free;
    message_form form = message_form::fixed;
    std::uint32_t message_align = 8;
    std::uint64_t message_bytes = 0;  // fixed form: of each message; bytes form: the maximum
    std::uint64_t type_tag = 0;
    std::uint64_t capacity = 0;        // messages; of a ring of records of any size: bytes
    std::uint64_t endpoints = 2;       // attached at a time, at the most; spsc: the producer and the consumer
    std::uint64_t deliveries_max = 0;  // mpmc: a message is parked when so many holders died of it; 0: never
    std::uint64_t parking = 0;         // places for such messages
    friend bool operator==(const shape&, const shape&) = default;
};

constexpr std::uint64_t capacity_max = std::uint64_t{1} << 31;        // messages
constexpr std::uint64_t capacity_bytes_min = 64;                      // one line
constexpr std::uint64_t capacity_bytes_max = std::uint64_t{1} << 40;  // 1 TiB
constexpr std::uint64_t page_bytes = 4096;                            // of the format, whatever the machine's is
constexpr std::uint64_t deliveries_limit = 7;                         // what a slot's word can count
constexpr std::uint64_t parking_unit = 64;                            // parking places begin at multiples of it

// What the message type says of a shape; the rest comes from the options.
template <class T>
constexpr shape bare_shape(queue_kind kind, coordination coordinated) noexcept {
    shape bare{.kind = kind, .coordinated = coordinated};
    if (kind == queue_kind::mpmc) bare.endpoints = 0;
    if constexpr (std::is_same_v<T, bytes>) {
        bare.form = message_form::bytes;
        bare.type_tag = bytes_type_tag();
    } else {
        bare.message_align = alignof(T);
        bare.message_bytes = sizeof(T);
        bare.type_tag = type_tag<T>();
    }
    return bare;
}

constexpr bool has_mutex(const shape& of) noexcept { return of.coordinated == coordination::robust_mutex; }
constexpr bool has_tallies(const shape& of) noexcept { return of.kind == queue_kind::mpmc || has_mutex(of); }

// Whether the ring is one of slots of one size, counted in messages. Of the bytes form, only the lock-free mpmc ring is.
constexpr bool counts_messages(const shape& of) noexcept {
    return of.form == message_form::fixed || (of.kind == queue_kind::mpmc && !has_mutex(of));
}

// Where messages of one size stand: a slot is a word, and behind it one message or several, as aligned as they want.
struct slot_place {
    std::uint64_t payload_offset = 0;  // from the slot's start to its first message
    std::uint64_t slot_bytes = 0;      // from one slot to the next
    std::uint64_t messages = 1;        // in each slot
    std::uint64_t message_stride = 0;  // from one message of a slot to the next
};
// One message to a slot: mpmc, and under a mutex. Slots stand close: apart, each on a line of its own, they cost up to
// five times as much (lib/README.md).
constexpr slot_place fixed_slot(std::uint64_t message_bytes, std::uint64_t message_align) noexcept {
    const std::uint64_t align = message_align > record_alignment ? message_align : record_alignment;
    return {.payload_offset = align, .slot_bytes = round_up(align + message_bytes, align)};
}
// spsc: where two messages or more fit into a line beside one word, a slot is that line, and the word is theirs together.
constexpr slot_place stream_slot(std::uint64_t message_bytes, std::uint64_t message_align) noexcept {
    const std::uint64_t stride = round_up(message_bytes, message_align);
    const std::uint64_t room = line_bytes - record_header_bytes;
    const bool shares = message_align <= record_alignment && stride != 0 && stride <= room / 2;  // 0: says a file
    if (!shares) return fixed_slot(message_bytes, message_align);
    return {.payload_offset = record_header_bytes,
            .slot_bytes = line_bytes,
            .messages = room / stride,
            .message_stride = stride};
}
// How many slots an spsc ring has: enough for the writer never to begin a slot in which the reader still is.
constexpr std::uint64_t stream_slots(std::uint64_t capacity, std::uint64_t messages) noexcept {
    return (capacity + 2 * (messages - 1)) / messages;
}

// Where the sections stand: header page | roster | ring words | under a mutex: its words | mpmc, and under a mutex:
// tallies | ring | mpmc: parking; the ring begins on a page.
struct geometry {
    std::uint64_t payload_offset = 0;  // from a slot's start to its first message
    std::uint64_t slot_bytes = 0;      // from one slot to the next; of records of any size: 0
    std::uint64_t roster_length = 0;   // entries
    std::uint64_t roster_offset = 0;
    std::uint64_t words_offset = 0;
    std::uint64_t mutex_offset = 0;  // under a mutex; else 0
    std::uint64_t tally_offset = 0;  // mpmc, and under a mutex; else 0
    std::uint64_t ring_offset = 0;
    std::uint64_t ring_bytes = 0;
    std::uint64_t parking_offset = 0;       // 0: there is none
    std::uint64_t parking_place_bytes = 0;  // from one place to the next
    std::uint64_t file_bytes = 0;
};

// Says what is wrong with a shape, or nothing: an empty text.
NORIA_API std::string objection(const shape& wanted);

// Where everything stands in the file of a shape without objection.
NORIA_API geometry place(const shape& wanted) noexcept;

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
