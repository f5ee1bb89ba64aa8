// visibility.hpp: which names a shared build of the library exports, and which builds of library and program fit together.
//
// Containers of the standard library cross from the library to its users: snapshot holds vectors. _GLIBCXX_DEBUG changes their
// layout. So a program and a library that differ in it do not link: the names of one are unknown to the other, and say why. Of
// the other flags that change a layout, _GLIBCXX_USE_CXX11_ABI has the same effect by the names of strings and paths;
// -fshort-enums changes no enumeration of ours, since each is scoped or states its type; and -fpack-struct does not compile.
// NDEBUG, and NORIA_ROBUST_MUTEX, which chooses between types, change no layout.
#pragma once

#include <cstddef>

// NORIA_ABI: for all names. NORIA_ABI_DOOR: for those that every user of the library names, so that the usual names stay short.
#ifdef _GLIBCXX_DEBUG
#define NORIA_ABI __attribute__((abi_tag("needs_a_noria_built_with_GLIBCXX_DEBUG")))
#define NORIA_ABI_DOOR
#else
#define NORIA_ABI
#define NORIA_ABI_DOOR __attribute__((abi_tag("needs_a_noria_built_without_GLIBCXX_DEBUG")))
#endif

#if defined(NORIA_SHARED) && defined(__GNUC__)
#define NORIA_API __attribute__((visibility("default"))) NORIA_ABI
#else
#define NORIA_API NORIA_ABI
#endif

namespace noria::inline v1 {

struct as_laid_out_by_the_platform {
    char first;
    void* second;
};
static_assert(offsetof(as_laid_out_by_the_platform, second) == sizeof(void*),
              "noria: -fpack-struct (or #pragma pack) moves the members of noria's classes; compile without it");

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
