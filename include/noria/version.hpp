// version.hpp: the library's version and, apart from it, the version of the bytes in the file.
#pragma once

#if __cplusplus < 202002L
#error "noria needs C++20: compile with -std=c++20 or later (CMake: target_compile_features, cxx_std_20)"
#else

#include "noria/layout/header.hpp"

#define NORIA_VERSION_MAJOR 0
#define NORIA_VERSION_MINOR 1
#define NORIA_VERSION_PATCH 0
#define NORIA_VERSION_STRING "0.1.0"

namespace noria::inline v1 {

// major * 10000 + minor * 100 + patch. noria::format_version is the format's; see layout/header.hpp.
constexpr int library_version = NORIA_VERSION_MAJOR * 10000 + NORIA_VERSION_MINOR * 100 + NORIA_VERSION_PATCH;

}  // namespace noria::inline v1

#endif  // C++20

// SPDX-License-Identifier: BSL-1.0
