// refusal.cpp: the texts of refusals.
#include "noria/queue/refusal.hpp"

#include <fmt/format.h>

#include <string>

namespace noria::inline v1::queue {

failure refuse(const std::filesystem::path& path, errc code, std::string_view text) {
    return {code, fmt::format("'{}': {}", path.string(), text)};
}

failure refuse_foreign_lock(const std::filesystem::path& path, errc code, const os::lock_report& lock,
                            std::string_view where) {
    const std::string owner = lock.pid != 0 ? fmt::format("process {}", lock.pid) : "a process that is not an endpoint";
    return refuse(
        path, code,
        fmt::format("found a {} lock of {} on {}, expected locks of endpoints only; find the program (lslocks "
                    "or /proc/locks names it) and end it, and let no user read the file that you do not trust "
                    "(mode 0600)",
                    lock.reads ? "read" : "write", owner, where));
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
