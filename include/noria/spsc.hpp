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
// ring/fixed_ring.hpp, in ring/record_ring.hpp for noria::bytes, and in ring/mutex_ring.hpp for both in
// noria::spsc<tick, noria::coordination::robust_mutex>, which can send batches of all or none.
#pragma once

#if __cplusplus < 202002L
#error "noria needs C++20: compile with -std=c++20 or later (CMake: target_compile_features, cxx_std_20)"
#else

#include "noria/core/shareable.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/message.hpp"
#include "noria/options.hpp"
#include "noria/queue/consumer.hpp"
#include "noria/queue/mutex_ends.hpp"
#include "noria/queue/producer.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/ring/fixed_ring.hpp"
#include "noria/ring/record_ring.hpp"

#include <cstdint>
#include <filesystem>
#include <type_traits>

namespace noria::inline v1 {

// Messages of one trivially copyable type, or noria::bytes: of any size from 0 to the queue's message_bytes_max.
template <class T, coordination How = coordination_by_default>
struct spsc {
    static constexpr bool of_bytes = std::is_same_v<T, bytes>;
    static constexpr bool is_robust = How == coordination::robust_mutex;
    static_assert(of_bytes || assert_shareable<T>());
    using message = T;
    using writer = std::conditional_t<is_robust, queue::mutex_writer,
                                      std::conditional_t<of_bytes, ring::record_writer, ring::fixed_writer_of<T>>>;
    using reader = std::conditional_t<is_robust, queue::mutex_reader_of_one,
                                      std::conditional_t<of_bytes, ring::record_reader, ring::fixed_reader_of<T>>>;
    using producer = queue::producer<spsc>;
    using consumer = queue::consumer<spsc>;

    static constexpr layout::shape shape() noexcept { return layout::bare_shape<T>(layout::queue_kind::spsc, How); }

    // The size of the file that these options make, in bytes. Throws noria::error, errc::invalid_options.
    static std::uint64_t required_bytes(const options& wishes) { return queue::required_bytes(wishes, shape()); }
};

}  // namespace noria::inline v1

#endif  // C++20

// SPDX-License-Identifier: BSL-1.0
