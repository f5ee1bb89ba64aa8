// options.hpp: what can be said when a queue is opened or created; what is left unset is taken from the file.
#pragma once

#include "noria/core/coordination.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace noria::inline v1 {

// How an endpoint waits. It spins, looking, for `spin` (where more endpoints are attached than the machine has processors,
// it offers the processor after each look); then it sleeps in the kernel until it is rung, looking for
// itself every `slice`, since a peer killed at the wrong instruction cannot ring any more.
struct waiting {
    std::chrono::nanoseconds spin = std::chrono::microseconds(20);   // about what a sleep and a wake-up cost; 0: none
    std::chrono::nanoseconds slice = std::chrono::milliseconds(50);  // nanoseconds::max(): no slices, for tests
};

// Every member has an initialiser, so that naming only some of them draws no warning.
struct options {
    // The geometry. Set and different from the file's: errc::other_geometry, naming both.
    // Messages, 1 to 2^31, a power of two; unset at creation: 4096, or as many as 16 MiB hold, but at least 4.
    std::optional<std::uint64_t> capacity{};
    // Rings of bytes, 64 to 2^40, a power of two; unset: 1 MiB: of noria::bytes in spsc, and in mpmc under a mutex.
    std::optional<std::uint64_t> capacity_bytes{};
    // noria::bytes there: 1 to capacity_bytes - 16; unset: a quarter of it. In a lock-free mpmc: unset: 1024.
    std::optional<std::uint64_t> message_bytes_max{};
    std::optional<std::uint64_t> endpoints{};  // mpmc: attached at a time, 2 to 4095; unset at creation: 64
    // mpmc: a message that so many holders died of, or threw, 1 to 7, is parked (try_take_parked()) and not given to a
    // further one; unset at creation: never. And for how many there is room, 1 to 65536; unset: 64. Beyond, they go on.
    std::optional<std::uint64_t> deliveries_max{};
    std::optional<std::uint64_t> parking{};

    // The file.
    // Of a created file, whatever the umask. A user with permission to read the file, but not to write it, can still lock
    // bytes of it, and so keep others from attaching and from recovering the dead (errc::foreign_lock).
    std::uint32_t mode = 0600;
    // Open a file that belongs to another user (neither this process's own nor root), though it stands in a sticky directory
    // that every user may write to, such as /dev/shm or /tmp. Its owner can truncate it, which ends this process by SIGBUS.
    bool foreign_owner = false;
    bool copy_on_write = false;  // accept btrfs, zfs and their like, where a full disk may still mean SIGBUS later
    // Memory; each is of the mapping, which all endpoints of a process share.
    bool prefault = true;  // bring every page in when opening, so that the hot path never faults
    // Ask for pages of 2 MiB, of which a large ring keeps more in the processor's reach (TLB). A wish: Linux grants it from
    // 6.1 on, on tmpfs, while 2 MiB of memory are to be had in one piece. Opening takes longer: each page is copied.
    bool huge_pages = false;
    // Keep every page in memory (mlock): never swapped out, never dropped. Above RLIMIT_MEMLOCK: errc::out_of_memory.
    bool lock_in_memory = false;

    // How long to wait for a file that does not exist, where the call does not create one. Unset: 5 s for a constructor,
    // not at all for open(). It also bounds the tries of a creating call whose file another program removes each
    // time (then errc::not_found).
    std::optional<std::chrono::nanoseconds> wait_for_file{};

    // How long to wait for a role that another endpoint holds, or for a place in an mpmc queue whose roster is full. The default
    // bridges the kernel's time to tear down a killed holder of up to about 1 GB; what lives longer is errc::role_taken, or
    // errc::roster_full.
    std::chrono::nanoseconds wait_for_role = std::chrono::milliseconds(250);

    // Wait through the deaths and closings of peers: no call reports `ended`. For supervised programs that restart.
    bool await_successor = false;

    noria::waiting waiting = {};
};

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
