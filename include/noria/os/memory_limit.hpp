// memory_limit.hpp: how much memory the control groups of this process allow.
//
// A page of a tmpfs is memory of the group whose process touches it first. Above the limit of a group, the kernel refuses
// nothing: it kills a process of the group. So an allocation that is surely too large has to be refused beforehand.
//
// Source     cgroups(7), Documentation/admin-guide/cgroup-v2.rst (memory.max, memory.swap.max) and cgroup-v1/memory.rst
//            (memory.limit_in_bytes, memory.memsw.limit_in_bytes). A limit holds for all groups below it, so each group on
//            the way up counts, as far as this process's mounts show them.
#pragma once

#include "noria/core/visibility.hpp"

#include <cstdint>
#include <string_view>

namespace noria::inline v1::os {

constexpr std::uint64_t no_memory_limit = ~std::uint64_t{0};

// The least that any of the groups allows, memory and swap together. no_memory_limit: no group has a limit, or none is known.
// What is in use already is not subtracted: the kernel may take part of it back.
NORIA_API std::uint64_t memory_limit();

// The same, from the texts of /proc/self/cgroup and /proc/self/mountinfo and the swap space of the machine.
NORIA_API std::uint64_t memory_limit(std::string_view groups, std::string_view mounts, std::uint64_t swap_bytes);

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
