// coordination.hpp: how the endpoints of a queue keep out of each other's way, and which way a queue takes unasked.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace noria::inline v1 {

// Both are crash-safe, and a queue's file says which it is.
enum class coordination : std::uint32_t {
    // Rings without locks: the fastest. Here "lock-free" means no more than that. An mpmc producer that stands still between its
    // claim and its commit delays the messages behind that claim, and a consumer that stands still with a message keeps its slot:
    // why() says stalled. An spsc endpoint waits for messages and room alone, never for the other side's verb.
    lock_free = 1,
    // One mutex in the file: batches of all or none, many producers with messages of any size.
    robust_mutex = 2,
};

constexpr std::string_view name(coordination one) noexcept {
    return one == coordination::lock_free ? "lock_free" : "robust_mutex";
}

// NORIA_ROBUST_MUTEX comes from CMake's option of that name, and is a compile definition of the target noria.
#ifdef NORIA_ROBUST_MUTEX
constexpr bool robust_mutex_wanted = true;
#else
constexpr bool robust_mutex_wanted = false;
#endif
constexpr coordination coordination_by_default =
    robust_mutex_wanted || !std::atomic_ref<std::uint64_t>::is_always_lock_free ? coordination::robust_mutex
                                                                                : coordination::lock_free;

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
