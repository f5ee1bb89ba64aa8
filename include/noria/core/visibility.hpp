// visibility.hpp: which names a shared build of the library exports.
#pragma once

#if defined(NORIA_SHARED) && defined(__GNUC__)
#define NORIA_API __attribute__((visibility("default")))
#else
#define NORIA_API
#endif

// SPDX-License-Identifier: BSL-1.0
