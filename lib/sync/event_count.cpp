// event_count.cpp: arming and ringing.
#include "noria/sync/event_count.hpp"

#include "noria/os/membarrier.hpp"

namespace noria::inline v1::sync {

void event_count::ring() const noexcept {
    full_fence();  // C1, for publishers whom no membarrier reaches; the others are about to make a system call anyway
    const std::uint32_t now = load_relaxed(*word_);
    if ((now & layout::event_armed) == 0) return;
    // The epoch wraps below the highest bit, which stays as it is.
    const std::uint32_t fence = now & layout::event_needs_fence;
    const std::uint32_t next = ((now + 1) & ~layout::event_needs_fence) | fence;
    // C2: if the exchange fails, another waker has made it even and wakes, or a sleeper has set the highest bit: then
    // the word has changed under every sleeper of `now`, none of whom can fall asleep on it; one more look settles it.
    if (compare_exchange(*word_, now, next) || (load_relaxed(*word_) & layout::event_armed) != 0) {
        os::futex_wake_all(*word_);
    }
}

std::uint32_t event_count::arm() const noexcept {
    const std::uint32_t armed = fetch_or(*word_, layout::event_armed) | layout::event_armed;
    if (!os::barrier_everywhere()) require_fences();
    return armed;
}

}  // namespace noria::inline v1::sync

// SPDX-License-Identifier: BSL-1.0
