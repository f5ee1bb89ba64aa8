// truncation_guard.hpp: how a mapping outlives the loss of its file's pages, if the process has asked for that.
//
// Touching a page that the file has lost raises SIGBUS in the thread that touches it. The guard is a handler of SIGBUS.
// Does the address lie in a watched mapping, it puts memory of this process's own in that mapping's place, notes the loss,
// and returns: the instruction is executed again and finds zeros. Every other SIGBUS goes to the handler that was there
// before. Mappings are watched whether the guard is on or not, which costs a search for a free place when mapping.
//
// The whole mapping is replaced, and not the lost pages alone: a queue that has lost a page is dead, and must not go on
// publishing in the pages that it still shares, nor fault again at every page and every further truncation. And only in
// memory that is nobody else's can marks be left for those who never touch a lost page: see loss_marks.
//
//      watched mapping:  { state | begin, bytes, mode, marks | lost }        state: [live:1 | handlers reading:31]
//
// Invariants  G1  begin, bytes, mode and marks change only while the state is 0; and only one thread changes a list, or
//                 makes a state live: whoever has the no_fork.
//             G2  a handler reads them only between pinning (state + 1, if live) and unpinning (state - 1). Who unmaps
//                 first takes `live` away, and then waits until the state is 0: nothing is replaced that is not mapped.
//             G3  lists of places are never freed, so a handler may walk them at any moment.
//             G4  `lost` is set before a zero or a mark can be seen: who looks for it after them (behind a fence, for a
//                 mark) finds it.
// Orders      [S1] acquire in pin <- [S2] release in watch      a place's fields, before it is live
//             [S3] acquire in unwatch <- [S4] release in unpin  a handler's work, before the memory is unmapped
//             [S5] acquire in rescue <- [S6] release in watch   a list, before it can be reached
// Signals     No lock, no allocation; mmap, mremap, mprotect and sigaction are bare system calls. All signals are blocked
//             meanwhile, so that nobody jumps out of a pinned place. Two threads may replace the same mapping at once:
//             each makes the same of it, so nobody waits for anybody.
// Source      systemd-journald maps an anonymous page over the lost one; what is passed on by which rule: sigaction(2).
#pragma once

#include "noria/os/file.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace noria::inline v1::os {

// What the memory that takes a lost mapping's place holds, all else being zero: this value in the words at these offsets
// (0: none). It is there at the instant when the zeros are.
struct loss_marks {
    std::array<std::uint64_t, 2> offsets{};
    std::uint32_t value = 0;
};

struct watched;  // a place in the list of those whom the guard protects; lives for ever

// Null: no memory. Call these two within a no_fork: watch() after mapping, unwatch() before unmapping.
watched* watch(std::byte* begin, std::uint64_t bytes, access mode, const loss_marks& marks) noexcept;
void unwatch(watched& mapping) noexcept;

// In a fork's child, where nobody is left to be waited for. Async-signal-safe.
void forget(watched& mapping) noexcept;

// Whether the mapping's file lost pages, and the memory there is this process's own.
[[nodiscard]] bool lost(const watched& mapping) noexcept;

// Puts the handler over whatever handles SIGBUS now; does nothing if it is in place already. Returns 0, EBUSY if somebody
// keeps the signal to himself (a sanitizer told so), EAGAIN if the handler was covered by others too often, or an errno.
int install_truncation_guard() noexcept;

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
