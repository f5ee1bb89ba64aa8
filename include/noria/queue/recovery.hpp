// recovery.hpp: what must be done after a death, as a pure plan and a short, repeatable application of it.
//
// Precondition   the caller holds the lock on the dead one's entry while its record is alive: the proof of death. From
//                then on no store of the dead one can come, and nobody else recovers it or takes its place.
// Restartable    The plan is written to the entry's journal as absolute targets, and one store makes it valid; applying
//                it twice is applying it once; the store that frees the record comes last. A recoverer that dies at any
//                line leaves the record alive, and the next one goes on from the journal.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/queue/roster.hpp"
#include "noria/ring/ring_view.hpp"

#include <cstdint>

namespace noria::inline v1::queue {

// Absolute targets; what a dead producer left in the ring is found by the ring's own repair.
struct repairs {
    std::uint64_t seen = 0;         // consumer_line::seen
    std::uint64_t redelivered = 0;  // consumer_line::redelivered
    std::uint64_t deaths = 0;       // stream_line::deaths of the dead one's role
};

NORIA_API repairs plan(const layout::queue_words& words, role dead) noexcept;

// Says on the dead one's record that this process recovers it, until the next inhabitant fills the record in.
NORIA_API void name_recoverer(layout::roster_entry& dead) noexcept;

// False: the ring's mutex was not to be had; nothing is lost, and somebody tries again.
NORIA_API bool recover(queue_file& file, role dead) noexcept;

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
