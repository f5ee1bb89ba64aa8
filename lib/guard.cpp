// guard.cpp: switching the truncation guard on.
#include "noria/guard.hpp"

#include "noria/core/error.hpp"
#include "noria/os/file.hpp"
#include "noria/os/truncation_guard.hpp"

#include <fmt/format.h>

namespace noria::inline v1 {

void guard_against_truncation() {
    const int error = os::install_truncation_guard();
    if (error == 0) return;
    raise({make_error_code(errc::system),
           fmt::format("SIGBUS: found no way to install a handler ({}, errno {}), expected one; tell the sanitizer or "
                       "runtime that keeps this signal to leave it",
                       os::words_for(error), error)});
}

void guard_against_truncation(std::error_code& code) noexcept {
    code = os::install_truncation_guard() == 0 ? std::error_code() : make_error_code(errc::system);
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
