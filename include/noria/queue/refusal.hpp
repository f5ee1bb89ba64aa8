// refusal.hpp: the texts of refusals: the file, what was found, what was expected, what to do.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/os/file_lock.hpp"

#include <filesystem>
#include <string_view>

namespace noria::inline v1::queue {

// A failure whose text begins with the file's name.
NORIA_API failure refuse(const std::filesystem::path& path, errc code, std::string_view text);

// What an errno of opening or making a file means; `doing` says what was not possible.
NORIA_API failure refuse_errno(const std::filesystem::path& path, int error, std::string_view doing);

// For a lock that no endpoint takes; `where` names what it is on.
NORIA_API failure refuse_foreign_lock(const std::filesystem::path& path, errc code, const os::lock_seen& lock,
                                      std::string_view where);

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
