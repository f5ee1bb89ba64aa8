// race_checkers.hpp: telling valgrind's helgrind and drd that the words and messages of a queue are no data races.
//
// These tools know locks and threads, and no order of atomic accesses: each message that passes between two threads would be
// hundreds of false reports. So each mapping is taken out of their sight. That costs some instructions for each mapping, and
// nothing later. A library that was compiled without valgrind's headers says nothing to them.
#pragma once

#include "noria/core/visibility.hpp"

#include <cstddef>
#include <cstdint>

namespace noria::inline v1::os {

NORIA_API void hide_from_race_checkers(std::byte* data, std::uint64_t bytes) noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
