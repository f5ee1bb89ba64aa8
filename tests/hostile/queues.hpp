// queues.hpp: the queues that the hostile tests are about: each is one line in `queues`; and the words of their files.
#pragma once

#include "noria/noria.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace noria::hostile {

// Its slot takes 48 bytes: a ring whose slots and lines do not go together.
struct parcel {
    std::array<std::uint64_t, 5> content;
};
// Three of them share a line, and its word.
struct small_parcel {
    std::array<std::uint64_t, 2> content;
};
using parcels = noria::spsc<small_parcel>;
using letters = noria::spsc<noria::bytes>;

// The same for many endpoints.
using crates = noria::mpmc<parcel>;
using sacks = noria::mpmc<noria::bytes>;

// All of them under a mutex: one ring, of records.
constexpr auto mutex = coordination::robust_mutex;
using mutex_parcels = noria::spsc<parcel, mutex>;
using mutex_letters = noria::spsc<noria::bytes, mutex>;
using mutex_crates = noria::mpmc<parcel, mutex>;
using mutex_sacks = noria::mpmc<noria::bytes, mutex>;

// To try another queue in every hostile test, add it here.
using queues = std::tuple<parcels, letters, crates, sacks, mutex_parcels, mutex_letters, mutex_crates, mutex_sacks>;

// Calls act.template operator()<Queue>() for each of them.
template <class Act>
void for_each_queue(Act act) {
    [&]<class... Queue>(std::type_identity<std::tuple<Queue...>>) {
        (act.template operator()<Queue>(), ...);
    }(std::type_identity<queues>{});
}

// What the tests ask of a queue, whatever its message type is.
template <class Queue>
struct subject {
    using queue = Queue;
    using producer = typename Queue::producer;
    using consumer = typename Queue::consumer;
    using message = typename Queue::message;
    static constexpr bool of_bytes = std::is_same_v<message, bytes>;
    static constexpr std::size_t letter_bytes_max = 112;
    static constexpr bool of_crowd = Queue::shape().kind == layout::queue_kind::mpmc;
    static constexpr bool under_mutex = Queue::is_robust;
    static constexpr bool of_records = of_bytes && (under_mutex || !of_crowd);  // its ring is counted in bytes
    static constexpr bool parks = of_crowd && of_bytes && !under_mutex;
    static constexpr const char* name = !under_mutex ? (of_crowd   ? (of_bytes ? "sacks" : "crates")
                                                        : of_bytes ? "letters"
                                                                   : "parcels")
                                        : of_crowd   ? (of_bytes ? "mutex_sacks" : "mutex_crates")
                                        : of_bytes   ? "mutex_letters"
                                                     : "mutex_parcels";

    // Small, so that every place of the ring is soon reached; whoever waits, does not spin.
    static options wishes() {
        options small;
        if (of_records)
            small.capacity_bytes = 256;
        else
            small.capacity = 4;
        if (of_bytes) small.message_bytes_max = letter_bytes_max;
        if (of_crowd) small.endpoints = 3;  // so that one entry is nobody's
        if (parks) {
            small.deliveries_max = 2;
            small.parking = 1;
        }
        small.wait_for_role = std::chrono::nanoseconds(0);
        small.wait_for_file = std::chrono::nanoseconds(0);
        small.waiting.spin = std::chrono::nanoseconds(0);
        return small;
    }
    // The same, asking for nothing in particular.
    static options any() {
        options open = wishes();
        open.capacity.reset();
        open.capacity_bytes.reset();
        open.message_bytes_max.reset();
        open.endpoints.reset();
        open.deliveries_max.reset();
        open.parking.reset();
        return open;
    }
    static layout::shape shape() {
        layout::shape made = Queue::shape();
        const options small = wishes();
        made.capacity = of_records ? *small.capacity_bytes : *small.capacity;
        if (of_crowd) made.endpoints = *small.endpoints;
        made.deliveries_max = small.deliveries_max.value_or(0);
        made.parking = small.parking.value_or(0);
        if (of_bytes) made.message_bytes = letter_bytes_max;
        return made;
    }

    static constexpr std::array<std::byte, letter_bytes_max> filling{};
    // A message; of so many bytes, if messages may differ in that.
    static auto sample(std::size_t size) {
        if constexpr (of_bytes) {
            return bytes(filling.data(), size % (letter_bytes_max + 1));
        } else {
            message all;
            all.content.fill(size);
            return all;
        }
    }
    static auto try_claim(producer& out, std::size_t size) {
        if constexpr (of_bytes)
            return out.try_claim(size);
        else
            return out.try_claim();
    }
    static auto try_take_parked(consumer& in) {
        if constexpr (of_crowd && !under_mutex)
            return in.try_take_parked();
        else
            return typename consumer::lease_type();
    }
    // What a claim, a lease or a popped message refers to.
    template <class Held>
    static auto content(Held& held) {
        if constexpr (of_bytes)
            return std::span((*held).data(), (*held).size());
        else
            return std::as_bytes(std::span((*held).content));
    }
};

// Reads each byte: whatever a library hands out is readable.
inline std::uint64_t sum_of(std::span<const std::byte> message) noexcept {
    std::uint64_t sum = 0;
    for (const std::byte& each : message) sum += *const_cast<const volatile std::byte*>(&each) == std::byte{} ? 1 : 2;
    return sum;
}

// Where the roster, the words and the tallies end.
inline std::uint64_t words_end(const layout::geometry& where) noexcept {
    if (where.tally_offset == 0) return where.words_offset + sizeof(layout::queue_words);
    return where.tally_offset + where.roster_length * sizeof(layout::tally_line);
}

// Where the ring ends, or the parking behind it.
inline std::uint64_t ring_end(const layout::geometry& where, const layout::shape& shape) noexcept {
    return where.ring_offset + where.ring_bytes + where.parking_place_bytes * shape.parking;
}

// Where the words that endpoints read begin, and where the ring or the parking ends. All between is hostile ground.
inline std::pair<std::uint64_t, std::uint64_t> ground(const layout::shape& shape) noexcept {
    const layout::geometry where = layout::place(shape);
    return {where.roster_offset, ring_end(where, shape)};
}

// A word as a peer gone mad, or a wicked one, would leave it: near to right, far off, or with one bit wrong.
constexpr unsigned strokes = 32;
constexpr std::uint64_t struck(unsigned stroke, std::uint64_t word, std::uint64_t capacity,
                               std::uint64_t draw = 5) noexcept {
    constexpr std::uint64_t one = 1;
    switch (stroke % strokes) {
        case 0: return 0;
        case 1: return ~std::uint64_t{0};
        case 2: return word + 1;
        case 3: return word - 1;
        case 4: return word + 8;
        case 5: return word - 8;
        case 6: return word + capacity;
        case 7: return word - capacity;
        // A skip from the ring's start to its start: who passes it for ever never gets on.
        case 8: return (word >> 32 << 32) | layout::skip_word(capacity - layout::record_header_bytes, 0);
        case 9: return word ^ one << 63;
        case 10: return word + (one << 32);  // the next number, in a record's word
        case 11: return word ^ layout::record_present;
        case 12: return word ^ layout::record_skip;
        case 13: return word | layout::record_length_mask;
        case 14: return word ^ one << (draw % 64);
        case 16: return word + layout::lap_step;  // of a slot's word: another lap, phase or owner
        case 17: return word - layout::lap_step;
        case 18: return word ^ one << layout::phase_shift;
        case 19: return word ^ one << (layout::phase_shift + 1);
        case 20: return (word & ~layout::owner_mask) | (draw & layout::owner_mask);
        default: return draw;
    }
}

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
