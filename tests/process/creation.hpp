// creation.hpp: the ways in which a queue file can be born, each to be had at will, by a filter on system calls.
#pragma once

#include "process/scene.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <iterator>
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
    constexpr auto number = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    constexpr auto flags = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t));
    constexpr std::uint32_t tmpfile_alone = O_TMPFILE & ~O_DIRECTORY;
    sock_filter without_link[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOENT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_filter without_tmpfile[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags),  // the low half, where the bytes' order is little-endian
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, tmpfile_alone, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{};
    if (how == birth_by::rename_for_want_of_link) {
        program = {.len = std::size(without_link), .filter = without_link};
    } else {
        program = {.len = std::size(without_tmpfile), .filter = without_tmpfile};
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

inline void go_by(birth_by how) { insist(restrict_to(how), "the kernel filters system calls"); }

// Why that way of birth cannot be had here; empty: it can.
inline std::string objection_to(birth_by how) {
    rig::child trial([&] { return restrict_to(how) ? 0 : 1; });
    return trial.wait() == well ? std::string() : std::string("the kernel refuses seccomp filters");
}

}  // namespace scene

// SPDX-License-Identifier: BSL-1.0
