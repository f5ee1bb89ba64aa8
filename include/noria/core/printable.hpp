// printable.hpp: text from outside, such as a program's name in a queue file or a path, made safe for a terminal or a log.
#pragma once

#include "noria/core/visibility.hpp"

#include <string>
#include <string_view>

namespace noria::inline v1 {

// The same text, but each byte of the following as \xNN: control characters (C0, DEL and C1), what is not UTF-8, and the
// characters that end a line or turn the direction of writing. A reader of the result sees one line, in its own order.
[[nodiscard]] NORIA_API std::string printable(std::string_view text);

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
