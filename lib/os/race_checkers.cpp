// race_checkers.cpp: valgrind's client requests, which are no-operations outside of valgrind.
#include "noria/os/race_checkers.hpp"

#if __has_include(<valgrind/helgrind.h>) && __has_include(<valgrind/drd.h>)
#include <valgrind/drd.h>
#include <valgrind/helgrind.h>
#define NORIA_KNOWS_VALGRIND
#endif

namespace noria::inline v1::os {

void hide_from_race_checkers([[maybe_unused]] std::byte* data, [[maybe_unused]] std::uint64_t bytes) noexcept {
#ifdef NORIA_KNOWS_VALGRIND
    VALGRIND_HG_DISABLE_CHECKING(data, bytes);
    VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_START_SUPPRESSION, data, bytes, 0, 0, 0);
#endif
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
