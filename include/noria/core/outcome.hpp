// outcome.hpp: how a verb went, and how a stream ended; small values, never errors.
#pragma once

#include "noria/core/visibility.hpp"

#include <cstdint>
#include <string_view>

namespace noria::inline v1 {

// What why() answers: how the endpoint's last verb went.
enum class outcome : std::uint8_t {
    ok,                // the verb did what it is named for
    full,              // no room now (try_push and its kin)
    empty,             // no message now (try_pop and its kin)
    stalled,           // mpmc: a living endpoint has the next slot (inspect() names it), or others were quicker
    timed_out,         // the deadline passed first; stalled() says whether another endpoint was in the way
    interrupted,       // interrupt() was called; stalled() likewise
    ended,             // nobody is left at the other end; ended() says how they went
    too_large,         // the message exceeds the queue's message_bytes_max; nothing was sent
    buffer_too_small,  // the message does not fit the buffer of pop(buffer); it stays first in the queue
    busy,              // an spsc endpoint has a claim or lease open and cannot begin another
    forked,            // this is a fork's copy of an endpoint; it belongs to the parent
    closed,            // the endpoint was never opened, or has lost its lock (see error_text())
    corrupt,           // the file holds what no writer of this format writes; the endpoint is dead
    recovery_blocked,  // a peer may be dead, but cannot be asked about or recovered (see error_text()); may pass
};

// What ended() answers: how the stream that was last reported as ended came to its end.
enum class end : std::uint8_t {
    none,       // no end has been reported to this endpoint
    finished,   // the last peer closed its endpoint
    abandoned,  // a peer died and none has taken its place
};

NORIA_API std::string_view name(outcome value) noexcept;
NORIA_API std::string_view name(end value) noexcept;

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
