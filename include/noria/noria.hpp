// noria.hpp: everything.
#pragma once

#if __cplusplus < 202002L
#error "noria needs C++20: compile with -std=c++20 or later (CMake: target_compile_features, cxx_std_20)"
#else

#include "noria/guard.hpp"
#include "noria/inspect.hpp"
#include "noria/message.hpp"
#include "noria/mpmc.hpp"
#include "noria/options.hpp"
#include "noria/spsc.hpp"
#include "noria/version.hpp"

#endif  // C++20

// SPDX-License-Identifier: BSL-1.0
