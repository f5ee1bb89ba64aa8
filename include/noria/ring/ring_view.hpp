// ring_view.hpp: the memory that a ring lives in, wherever it comes from: a mapping, a heap buffer, a fuzzer.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/tally_line.hpp"

#include <cstddef>

namespace noria::inline v1::ring {

struct ring_view {
    layout::producer_line* producer = nullptr;
    layout::consumer_line* consumer = nullptr;
    std::byte* records = nullptr;  // the ring, place(shape).ring_bytes long, aligned to 64
    layout::shape shape;
    // of slots and under a mutex alone
    std::uint64_t* returned = nullptr;      // event_line::returned
    layout::tally_line* tallies = nullptr;  // one for each roster entry
    std::byte* parking = nullptr;           // place(shape).parking_place_bytes for each of shape.parking places
    std::uint64_t self = 0;                 // the index of the endpoint's own entry
    layout::mutex_words* mutual = nullptr;  // under a mutex alone
};

// What a side finds when it looks beyond what it knows.
enum class sight {
    ready,    // there is room, or a message
    nothing,  // full, or empty
    moved,    // the side itself moved on (a skip published or passed): tell the peer, then look again
    busy,     // the ring's mutex is in somebody's hands: nothing is known
    corrupt,  // the words contradict the invariants
};

// What a consumer's death leaves to be stored: absolute values, so that storing them again changes nothing.
struct redelivery {
    std::uint64_t seen = 0;
    std::uint64_t redelivered = 0;
};

// W3: whether `seen` is of a message that may be in the ring, which begins at head. An older one says nothing any more; by
// its signed difference it would seem to be ahead of positions that are 2^63 beyond it.
constexpr bool is_in_reach(std::uint64_t seen, std::uint64_t head) noexcept {
    return seen - head <= layout::capacity_bytes_max;
}

// How a dead consumer's words must be changed: what it held will be delivered again and is counted (W2, W3).
constexpr redelivery redelivery_after(const layout::consumer_line& dead) noexcept {
    const bool held = static_cast<std::int64_t>(dead.taken - dead.head) > 0;
    const bool known = is_in_reach(dead.seen, dead.head) && dead.seen - dead.head >= dead.taken - dead.head;
    if (!held) return {dead.seen, dead.redelivered};
    return {known ? dead.seen : dead.taken, dead.redelivered + 1};
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
