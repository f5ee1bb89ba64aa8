// membarrier.hpp: a full memory barrier on every processor that runs a registered process, paid by the one who asks.
#pragma once

#include "noria/core/visibility.hpp"

namespace noria::inline v1::os {

// Makes this process one that barriers reach. False: the kernel or a seccomp filter has no such call. The first call of
// a process with several threads may take tens of milliseconds; later ones are quick.
NORIA_API bool register_for_barriers() noexcept;

// After it, every store that a registered process executed before is visible, and every load it executes later sees
// ours. False: not to be had.
NORIA_API bool barrier_everywhere() noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
