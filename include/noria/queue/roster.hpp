// roster.hpp: who inhabits a queue file: taking a role, seeing who is alive, leaving.
//
// A role's holder holds two locks for life: the role's byte, which makes it single, and its entry's byte, which makes
// its record's word good. Only the entry's byte is ever taken by somebody else, and only after the kernel dropped it:
// whoever then gets it has the proof of death and the sole right to recover the entry.
//
// Order of an attach   role lock, entry lock, recover the predecessor if its record is still alive, fill in the record,
//                      raise the generation, state = alive.
// Order of a leave     ended = our generation, state = free, ring, unlock.
// Crash                In an attach, before alive: nothing happened but a number unused. In a leave, before free: it
//                      counts as a death. Later: as a leave; the locks go with the process.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/queue/queue_file.hpp"

#include <cstdint>

namespace noria::inline v1::queue {

enum class role : std::uint32_t { producer = layout::role_producer, consumer = layout::role_consumer };

constexpr role other(role one) noexcept { return one == role::producer ? role::consumer : role::producer; }

// In an spsc file each role has an entry of its own; in an mpmc file see crowd.hpp.
constexpr std::uint64_t entry_of(role one) noexcept { return static_cast<std::uint64_t>(one) - 1; }

NORIA_API layout::stream_line& stream_of(layout::queue_words& words, role one) noexcept;
NORIA_API layout::event_line& event_of(layout::queue_words& words, role one) noexcept;  // the one that role sleeps on

// Takes both locks and recovers a dead predecessor. errc::role_taken, naming the holder, if somebody has them; `passing`
// if that is somebody who is just attaching, leaving, recovering the predecessor or removing the file: then try again.
// mpmc: takes any entry; errc::roster_full if all have living holders.
NORIA_API failure take_role(queue_file& file, role wanted, bool& passing);

// What to say when the kernel refuses a lock for another reason than that somebody has it.
NORIA_API failure refuse_lock(const queue_file& file, int error);

// Fills in the record and makes it alive: from now on this endpoint counts. Its generation is returned.
NORIA_API std::uint64_t move_in(queue_file& file, role taken, std::uint64_t position, std::uint64_t messages) noexcept;

// Ends the stream, frees the record, wakes the other side, drops the locks.
NORIA_API void move_out(queue_file& file, role held) noexcept;

// Whether the end of that number is a death that nobody has come to make up for.
NORIA_API bool died_last(const queue_file& file, role asked, std::uint64_t number) noexcept;

// Whether a record of that role is alive. `probe`: asks the kernel, and recovers a dead one.
enum class presence {
    none,     // no record of that role is alive
    some,     // a record is alive, and no question has shown its endpoint dead or blocked
    blocked,  // records are alive, but their endpoints cannot be asked about, or are dead and cannot be recovered
};
NORIA_API presence inhabited(queue_file& file, role asked, bool probe) noexcept;

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
