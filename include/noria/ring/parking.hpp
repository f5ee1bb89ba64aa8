// parking.hpp: where messages go that too many of their holders died of, so that they kill no further worker.
//
// A message is parked by whoever may change its slot, in the name of the entry e that holds it: the inhabitant, whose own
// function threw, or who recovers from its death.
//
//     place:  free --CAS--> (claimed, e), copy, (ready, e)     slot:  (held, e) --> free, lap + 1     place:  (ready, nobody)
//
// Invariants  P1  A place that is an entry's is changed by whoever holds that entry's lock, and by nobody else; an entry has at
//                 most one that is (claimed) or (ready). So settle() finds what a death has left half done, and ends it.
//             P2  (ready, e): the copy is whole, and the slot may still be e's. (ready, nobody): the slot is not.
// Orders      [S9] acquire in retrieve <- [S10] release in settle: the copy, before the place is anybody's
//             [S11] acquire in park <- [S12] release in vacate: a reader's reads, before the leave to overwrite
//             [S14] acquire in settle, holder_of <- [S13] release in park: the copy, before the word that says it is whole
// Crash       Dead in (claimed): the place is free again, the message still in its slot, to be parked by the next recoverer.
//             In (ready, e): nothing is copied twice; what is left to be done is done. In (retrieved): it is parked again.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/layout/parking_place.hpp"
#include "noria/ring/ring_view.hpp"

#include <cstdint>
#include <vector>

namespace noria::inline v1::ring {

// Moves the message that `entry` holds in the slot of that position (modulo 2^45 laps) to a place, to which it has been
// delivered so often, and frees the slot. False: no place is free, and nothing has changed.
NORIA_API bool park(const ring_view& view, std::uint64_t entry, std::uint64_t position,
                    std::uint64_t deliveries) noexcept;

// Ends what `entry` has begun in any place: what it was parking is parked or still in its slot, what it retrieved is
// parked again. Repeatable.
NORIA_API void settle(const ring_view& view, std::uint64_t entry) noexcept;

// The first parked message that nobody reads, now in the hands of `entry`; or null.
[[nodiscard]] NORIA_API layout::parking_place* retrieve(const ring_view& view, std::uint64_t entry) noexcept;

// Takes a message that was retrieved out of its place. False: it is not in the hands of `entry`.
NORIA_API bool vacate(const ring_view& view, std::uint64_t entry, const std::byte* message) noexcept;

// The owner of a place, in any phase: 1 + the index of a roster entry, or 0.
[[nodiscard]] NORIA_API std::uint64_t holder_of(const ring_view& view, std::uint64_t place) noexcept;

// Messages that were parked, since the file was made, and those taken out since.
struct parking_figures {
    std::uint64_t parked = 0;
    std::uint64_t retrieved = 0;
};
[[nodiscard]] NORIA_API parking_figures count_parked(const ring_view& view) noexcept;

// What stands in the places now; for observers.
struct parked {
    std::uint64_t position = 0;
    std::uint64_t bytes = 0;
    std::uint64_t deliveries = 0;
};
NORIA_API void survey_parking(const ring_view& view, std::vector<parked>& all);

[[nodiscard]] inline const std::byte* message_in(const layout::parking_place& place) noexcept {
    return reinterpret_cast<const std::byte*>(&place + 1);
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
