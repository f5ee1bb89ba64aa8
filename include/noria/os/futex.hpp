// futex.hpp: sleeping on a word of shared memory, and waking who sleeps on it.
#pragma once

#include "noria/core/visibility.hpp"

#include <chrono>
#include <cstdint>

namespace noria::inline v1::os {

using monotonic = std::chrono::steady_clock;  // CLOCK_MONOTONIC on Linux

// Sleeps while the word has that value, at most until then (time_point::max(): without limit). Returns early for any
// reason, signals included: the caller looks for itself. The futex is shared: keyed by the file, not by the address.
NORIA_API void futex_wait(std::uint32_t& word, std::uint32_t value, monotonic::time_point until) noexcept;

// Async-signal-safe.
NORIA_API void futex_wake_all(std::uint32_t& word) noexcept;
NORIA_API void futex_wake_one(std::uint32_t& word) noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
