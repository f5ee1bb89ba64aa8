// header.hpp: the file's first page: what the queue is, checksummed, constant once the file has a name.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/geometry.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace noria::inline v1 {

// The version of the bytes in the file. A library reads and writes exactly one; it moves whenever a byte does.
constexpr std::uint32_t format_version = 3;

namespace layout {

constexpr std::array<char, 8> file_magic{'N', 'O', 'R', 'I', 'A', '\r', '\n', '\x1a'};
constexpr std::uint32_t byte_order_mark = 0x01020304;
constexpr std::uint32_t published_by_record_header = 1;  // the reader polls the message's own word
constexpr std::uint32_t published_by_page = 2;           // under a mutex: its page says what the ring holds

struct header {
    std::array<char, 8> magic;    // file_magic
    std::uint32_t byte_order;     // byte_order_mark, as the creator's machine writes it
    std::uint32_t version;        // format_version
    std::uint32_t header_bytes;   // sizeof(header)
    std::uint32_t checksum;       // CRC-32C of the page, this field taken as 0
    std::uint32_t kind;           // queue_kind
    std::uint32_t coordinated;    // coordination
    std::uint32_t form;           // message_form
    std::uint32_t publication;    // published_by_...
    std::uint32_t message_align;  // of the messages' type, a power of two, 1 to 64; bytes form: 8
    std::uint32_t reserved_word;  // zero
    std::uint64_t message_bytes;  // fixed form: of each message; bytes form: the maximum
    std::uint64_t type_tag;       // type_tag<T>() or bytes_type_tag()
    std::uint64_t capacity;       // messages, or bytes of a ring of records of any size; a power of two
    std::uint64_t slot_bytes;     // from one slot to the next; of records of any size: 0
    std::uint64_t roster_length;  // entries; spsc: 2, the producer's and the consumer's
    std::uint64_t roster_offset;  // of the first roster_entry, from the file's start
    std::uint64_t words_offset;   // of the queue_words
    std::uint64_t ring_offset;    // of the ring
    std::uint64_t ring_bytes;
    std::uint64_t file_bytes;                 // the size of the file
    std::array<std::uint8_t, 16> uuid;        // of this queue: drawn at its birth
    std::uint64_t tally_offset;               // of the first tally_line: mpmc, and under a mutex; else 0
    std::uint64_t deliveries_max;             // mpmc: holders that may die of a message before it is parked; 0: any
    std::uint64_t parking;                    // mpmc: places for such messages
    std::uint64_t parking_offset;             // mpmc: of the first parking_place; 0: there is none
    std::array<std::uint8_t, 3920> reserved;  // zero
};
static_assert(sizeof(header) == page_bytes, "the header is a page, so that it can be mapped by itself, read-only");
static_assert(offsetof(header, byte_order) == 8 && offsetof(header, version) == 12 &&
                  offsetof(header, header_bytes) == 16 && offsetof(header, checksum) == 20 &&
                  offsetof(header, kind) == 24 && offsetof(header, coordinated) == 28 && offsetof(header, form) == 32 &&
                  offsetof(header, publication) == 36 && offsetof(header, message_align) == 40 &&
                  offsetof(header, message_bytes) == 48 && offsetof(header, type_tag) == 56 &&
                  offsetof(header, capacity) == 64 && offsetof(header, slot_bytes) == 72 &&
                  offsetof(header, roster_length) == 80 && offsetof(header, roster_offset) == 88 &&
                  offsetof(header, words_offset) == 96 && offsetof(header, ring_offset) == 104 &&
                  offsetof(header, ring_bytes) == 112 && offsetof(header, file_bytes) == 120 &&
                  offsetof(header, uuid) == 128 && offsetof(header, tally_offset) == 144 &&
                  offsetof(header, deliveries_max) == 152 && offsetof(header, parking) == 160 &&
                  offsetof(header, parking_offset) == 168 && offsetof(header, reserved) == 176,
              "FORMAT.md, the header page");

// What is wrong with a file, in words that follow its name: "found ..., expected ...; do ...".
struct finding {
    errc code;
    std::string text;
};

NORIA_API header make_header(const shape& wanted, const std::array<std::uint8_t, 16>& uuid) noexcept;
NORIA_API std::uint32_t checksum_of(const header& page) noexcept;

// Is this page, found at the start of a file of that size, the header of a queue that this library can use? Every
// field is taken as a hostile claim: nothing is used before it has been held against what it must be.
NORIA_API std::optional<finding> examine(const header& page, std::uint64_t file_bytes);

// The shape that an examined header states.
NORIA_API shape shape_of(const header& page) noexcept;

}  // namespace layout
}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
