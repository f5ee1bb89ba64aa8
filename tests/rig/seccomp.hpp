// seccomp.hpp: takes system calls away from this process, as containers do; for children only, since it is for ever.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace noria::rig {

// One system call that is to fail with that errno; if `argument` is not negative, only where that argument has all
// these bits (of its lower half).
struct denial {
    long call = 0;
    int error = 0;
    int argument = -1;
    std::uint32_t bits = 0;
};

// From now on those calls fail in this process and its children. False: the kernel keeps no filters. Needs no
// privilege.
inline bool deny(const std::vector<denial>& calls) {
    constexpr auto load = BPF_LD | BPF_W | BPF_ABS;
    constexpr auto equal = BPF_JMP | BPF_JEQ | BPF_K;
    constexpr auto give = BPF_RET | BPF_K;
    std::vector<sock_filter> program;
    const auto add = [&](int code, std::uint32_t k, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
        program.push_back({static_cast<std::uint16_t>(code), if_true, if_false, k});
    };
    for (const denial& each : calls) {
        add(load, offsetof(seccomp_data, nr));
        if (each.argument < 0) {
            add(equal, static_cast<std::uint32_t>(each.call), 0, 1);
        } else {
            add(equal, static_cast<std::uint32_t>(each.call), 0, 4);
            add(load,
                static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * static_cast<std::size_t>(each.argument)));
            add(BPF_ALU | BPF_AND | BPF_K, each.bits);
            add(equal, each.bits, 0, 1);
        }
        add(give, SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(each.error) & SECCOMP_RET_DATA));
    }
    add(give, SECCOMP_RET_ALLOW);
    const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
