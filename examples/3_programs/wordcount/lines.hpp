// lines.hpp: what reader and counter agree on: the queue, and what the first byte of each message says.
//
//     begin   one, first: what stands before it is left from a run that was killed
//     line    a line without its newline, or the last part of one: its last word ends with it
//     part    of a line too long for one message: the next message goes on with it, perhaps amid a word
//     end     one, last: everything was sent; a stream that is over without it was cut short
//
// Empty lines have no word, and are not sent. The end of a file ends its last line, with a newline or without.
#pragma once

#include <noria/spsc.hpp>

#include <cstddef>

namespace wordcount {

using lines = noria::spsc<noria::bytes>;

enum class mark : unsigned char { begin = 'B', line = 'L', part = 'P', end = 'E' };

// A page: of 2.8 million lines below /usr/include/boost only 1,100 are longer.
constexpr std::size_t message_bytes_max = 4096;
constexpr std::size_t text_bytes_max = message_bytes_max - sizeof(mark);

// Whoever comes first, reader or counter, creates the queue; so both say how large it is. It fits the caches of two
// cores, and holds enough for each to work on while the other is not scheduled.
inline noria::options line_queue() { return {.capacity_bytes = 1U << 20U, .message_bytes_max = message_bytes_max}; }

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
