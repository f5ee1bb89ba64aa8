// options.hpp: what can be said at opening; the words themselves stand in core/options.hpp.
#pragma once

#if __cplusplus < 202002L
#error "noria needs C++20: compile with -std=c++20 or later (CMake: target_compile_features, cxx_std_20)"
#else

#include "noria/core/options.hpp"

#endif  // C++20

// SPDX-License-Identifier: BSL-1.0
