// spsc.hpp: a queue with one producer and one consumer, in one file: each message once, in order, whoever is killed.
//
//     // ticks.hpp
//     struct tick { std::int64_t time_ns; double price; };
//     using ticks = noria::spsc<tick>;
//
//     ticks::producer out{"/dev/shm/ticks", {.capacity = 4096}};    // creates the file if it is missing
//     if (!out.push({.time_ns = 1, .price = 101.5})) ...            // waits while full; false: see out.why()
//
//     ticks::consumer in{"/dev/shm/ticks"};                         // waits for the file to appear
//     while (auto tick = in.pop()) use(tick->price);                // waits while empty; false: the stream has ended
//
// The verbs, with what each promises, are in queue/producer.hpp and queue/consumer.hpp; the ring's algorithm is in
// ring/fixed_ring.hpp, and in ring/record_ring.hpp for noria::bytes.
#pragma once

#include "noria/core/shareable.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/message.hpp"
#include "noria/options.hpp"
#include "noria/queue/consumer.hpp"
#include "noria/queue/producer.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/ring/fixed_ring.hpp"
#include "noria/ring/record_ring.hpp"

#include <cstdint>
#include <filesystem>

namespace noria::inline v1 {

// Messages of one trivially copyable type.
template <class T>
struct spsc {
    static_assert(assert_shareable<T>());
    using message = T;
    using writer = ring::fixed_writer;
    using reader = ring::fixed_reader;
    using producer = queue::producer<spsc>;
    using consumer = queue::consumer<spsc>;

    static constexpr layout::shape shape() noexcept {
        return {.kind = layout::queue_kind::spsc,
                .coordinated = layout::coordination::lock_free,
                .form = layout::message_form::fixed,
                .message_align = alignof(T),
                .message_bytes = sizeof(T),
                .type_tag = type_tag<T>(),
                .capacity = 0};
    }

    // The size of the file that these options make, in bytes. Throws noria::error, errc::invalid_options.
    static std::uint64_t required_bytes(const options& wishes) { return queue::required_bytes(wishes, shape()); }
};

// Messages of any size from 0 to the queue's message_bytes_max.
template <>
struct spsc<bytes> {
    using message = bytes;
    using writer = ring::record_writer;
    using reader = ring::record_reader;
    using producer = queue::producer<spsc>;
    using consumer = queue::consumer<spsc>;

    static constexpr layout::shape shape() noexcept {
        return {.kind = layout::queue_kind::spsc,
                .coordinated = layout::coordination::lock_free,
                .form = layout::message_form::bytes,
                .message_align = 8,
                .message_bytes = 0,
                .type_tag = bytes_type_tag(),
                .capacity = 0};
    }
    static std::uint64_t required_bytes(const options& wishes) { return queue::required_bytes(wishes, shape()); }
};

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
