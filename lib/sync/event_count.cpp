// event_count.cpp: arming and ringing.
#include "noria/sync/event_count.hpp"

#include "noria/os/membarrier.hpp"

namespace noria::inline v1::sync {

namespace {

// The epoch wraps below the highest bit, which stays as it is.
std::uint32_t advanced(std::uint32_t word, std::uint32_t by) noexcept {
    return ((word + by) & ~layout::event_needs_fence) | (word & layout::event_needs_fence);
}

}  // namespace

void event_count::ring() const noexcept {
    full_fence();  // C1, for publishers whom no membarrier reaches; the others are about to make a system call anyway
    const std::uint32_t now = load_relaxed(*word_);
    if ((now & layout::event_armed) == 0) return;
    const std::uint32_t next = advanced(now, 1);
    // C2: if the exchange fails, another waker has made it even and wakes, or a sleeper has set the highest bit: then
    // the word has changed under every sleeper of `now`, none of whom can fall asleep on it; one more look settles it.
    if (compare_exchange(*word_, now, next) || (load_relaxed(*word_) & layout::event_armed) != 0) {
        os::futex_wake_all(*word_);
    }
}

void event_count::rouse() const noexcept {
    full_fence();  // C1, as above
    const std::uint32_t now = load_relaxed(*word_);
    // If the exchange fails, the word has changed under all who were about to sleep on it; those who sleep are woken.
    (void)compare_exchange(*word_, now, advanced(now | layout::event_armed, 2));
    os::futex_wake_all(*word_);
}

std::uint32_t event_count::arm(std::uint32_t earlier) const noexcept {
    if ((earlier & layout::event_armed) != 0 && load_relaxed(*word_) == earlier) return earlier;  // C3
    const std::uint32_t armed = fetch_or(*word_, layout::event_armed) | layout::event_armed;
    if (!os::barrier_everywhere()) require_fences();
    return armed;
}

}  // namespace noria::inline v1::sync

// SPDX-License-Identifier: BSL-1.0
