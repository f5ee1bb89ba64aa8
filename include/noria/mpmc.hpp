// mpmc.hpp: a queue with many producers and many consumers, in one file: each message to one consumer, whoever is killed.
//
//     // jobs.hpp
//     struct job { std::uint64_t number; char file[56]; };
//     using jobs = noria::mpmc<job>;
//
//     jobs::producer out{"/dev/shm/jobs", {.capacity = 1024}};      // creates the file if it is missing
//     if (!out.push({.number = 1, .file = "a.txt"})) ...            // waits while full; false: see out.why()
//
//     jobs::consumer in{"/dev/shm/jobs"};                           // waits for the file to appear
//     while (auto next = in.take()) use(next->number);              // given to another worker if this one dies
//
// The verbs, with what each promises, are in queue/producer.hpp and queue/consumer.hpp; the algorithm is in
// ring/slot_ring.hpp. Order: FIFO for each producer, and claims in the order of the queue; what a dead consumer held comes
// again, later than its place, and says so. A slow but living endpoint that is next delays those behind it: why() says
// `stalled`, and inspect() names it. In noria::mpmc<job, noria::coordination::robust_mutex> (ring/mutex_ring.hpp) batches are
// sent as all or none, and noria::bytes may be as large as the ring.
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
#include "noria/ring/slot_ring.hpp"

#include <cstdint>
#include <type_traits>

namespace noria::inline v1 {

// Messages of one trivially copyable type, or noria::bytes: of any size from 0 to the queue's message_bytes_max.
template <class T, coordination How = coordination_by_default>
struct mpmc {
    static constexpr bool of_bytes = std::is_same_v<T, bytes>;
    static constexpr bool is_robust = How == coordination::robust_mutex;
    static_assert(of_bytes || assert_shareable<T>());
    using message = T;
    using writer = std::conditional_t<is_robust, queue::mutex_writer, ring::slot_writer>;
    using reader = std::conditional_t<is_robust, queue::mutex_reader_of_many, ring::slot_reader>;
    using producer = queue::producer<mpmc>;
    using consumer = queue::consumer<mpmc>;

    static constexpr layout::shape shape() noexcept { return layout::bare_shape<T>(layout::queue_kind::mpmc, How); }

    // The size of the file that these options make, in bytes. Throws noria::error, errc::invalid_options.
    static std::uint64_t required_bytes(const options& wishes) { return queue::required_bytes(wishes, shape()); }
};

}  // namespace noria::inline v1

#endif  // C++20

// SPDX-License-Identifier: BSL-1.0
