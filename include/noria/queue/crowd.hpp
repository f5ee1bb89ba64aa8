// crowd.hpp: the roster of an mpmc queue: many endpoints of both roles, each in any entry that is free.
//
// An endpoint holds one lock for life: its entry's byte. Whoever else gets that lock while the record is alive has the
// proof of death and the sole right to recover the entry: its claims become holes, what it held is ready again.
//
// Order of an attach   entry lock, recover the last inhabitant if its record is still alive, fill in the record, state = alive,
//                      raise the generation.
// Order of a leave     raise `ended`, state = free, rouse, unlock. A recovery raises `ended` for the dead.
// End of a stream      as of an spsc queue (endpoint.hpp): nobody alive, `ended` read, nothing in the ring, still nobody alive,
//                      `ended` unchanged: its number. Whoever came and left meanwhile has raised it. `died` is 1 + the
//                      generation at the last recovery: still so, nobody has come since, and the end is abandoned.
// Cost                 The kernel's list of locks is linear: asking about one of n takes some 1.4 us times n/64. So a survey
//                      asks about whom it is stuck behind, and about a few others in rotation: in a large roster the death
//                      of an idle endpoint is found later. An attach asks about all, if at most 64 are on record as alive; of
//                      more, about 16 in rotation; and about all again before it finds the roster full.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/queue/roster.hpp"

#include <cstdint>

namespace noria::inline v1::queue {

// Takes an entry. errc::roster_full if each has a living holder; `passing`: somebody comes or goes, try again.
NORIA_API failure join_crowd(queue_file& file, role wanted, bool& passing);

// The record is filled in: makes it alive. The generation is returned.
NORIA_API std::uint64_t show_in_crowd(queue_file& file, role taken) noexcept;

NORIA_API void leave_crowd(queue_file& file, role held) noexcept;

// Whether an endpoint of that role is alive. `probe`: asks the kernel about some of all, and recovers the dead.
NORIA_API presence crowd_has(queue_file& file, role asked, bool probe) noexcept;

// Whether more endpoints are alive, of both roles, than the machine has processors.
NORIA_API bool outnumbers_processors(const queue_file& file) noexcept;

// Of a queue of either kind: whether an entry's record is alive; and the recovery from its inhabitant's death, for who holds
// its lock. False: the ring's mutex was not to be had; nothing is lost, and somebody tries again.
NORIA_API bool is_alive(const queue_file& file, std::uint64_t index) noexcept;
NORIA_API bool recover_inhabitant(queue_file& file, std::uint64_t dead) noexcept;

// Asks the kernel about that entry's endpoint, and recovers it if it is dead.
enum class fate {
    lives,      // or its entry is free, or another endpoint is just recovering it
    recovered,  // it was dead, and is recovered now
    blocked,    // it cannot be asked about, or is dead and cannot be recovered: entry_locks knows why
};
NORIA_API fate bury(queue_file& file, std::uint64_t index) noexcept;

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
