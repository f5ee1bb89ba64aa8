// creation.hpp: the ways in which a queue file can be born, each to be had at will, by a filter on system calls.
#pragma once

#include "process/scene.hpp"
#include "rig/seccomp.hpp"

#include <fcntl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

namespace scene {

enum class birth_by {
    link,                        // O_TMPFILE and linkat, as everywhere
    rename_for_want_of_link,     // linkat finds nothing: as without /proc and without the capability
    rename_for_want_of_tmpfile,  // O_TMPFILE is unknown to the file system
};

// From here on this process creates in that way; what it was born with stays. False: the kernel has no such filters.
inline bool restrict_to(birth_by how) {
    if (how == birth_by::link) return true;
    if (how == birth_by::rename_for_want_of_link) return rig::deny({{.call = SYS_linkat, .error = ENOENT}});
    return rig::deny({{.call = SYS_openat, .error = EOPNOTSUPP, .argument = 2, .bits = O_TMPFILE & ~O_DIRECTORY}});
}

inline void go_by(birth_by how) { insist(restrict_to(how), "the kernel filters system calls"); }

// Why that way of birth cannot be had here; empty: it can.
inline std::string objection_to(birth_by how) {
    rig::child trial([&] { return restrict_to(how) ? 0 : 1; });
    return trial.wait() == well ? std::string() : std::string("the kernel refuses seccomp filters");
}

}  // namespace scene

// SPDX-License-Identifier: BSL-1.0
