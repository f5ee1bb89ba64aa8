// futex.cpp: the futex system call, shared, on absolute monotonic deadlines.
#include "noria/os/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

namespace noria::inline v1::os {

namespace {

// Where time_t had 32 bits, deadlines would wrap in 2038, and the kernel would read a timespec of another length.
static_assert(sizeof(time_t) == 8, "noria needs 64-bit times: on a 32-bit target compile with -D_TIME_BITS=64");
#ifdef SYS_futex_time64  // on 32-bit targets alone: there SYS_futex takes the old timespec
constexpr long futex_call = SYS_futex_time64;
#else
constexpr long futex_call = SYS_futex;
#endif

}  // namespace

void futex_wait(std::uint32_t& word, std::uint32_t value, monotonic::time_point until) noexcept {
    timespec deadline{};
    const timespec* limit = nullptr;
    if (until != monotonic::time_point::max()) {
        const auto since = until.time_since_epoch();
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
        if (seconds.count() < 0) return;  // before the clock began: that was long ago
        deadline.tv_sec = static_cast<time_t>(seconds.count());
        deadline.tv_nsec = static_cast<long>(std::chrono::nanoseconds(since - seconds).count());
        limit = &deadline;
    }
    const int errno_before = errno;
    syscall(futex_call, &word, FUTEX_WAIT_BITSET, value, limit, nullptr, FUTEX_BITSET_MATCH_ANY);
    errno = errno_before;
}

namespace {

void wake(std::uint32_t& word, int most) noexcept {
    const int errno_before = errno;  // interrupt() may be called from a signal handler
    syscall(futex_call, &word, FUTEX_WAKE, most, nullptr, nullptr, 0);
    errno = errno_before;
}

}  // namespace

void futex_wake_all(std::uint32_t& word) noexcept { wake(word, INT_MAX); }
void futex_wake_one(std::uint32_t& word) noexcept { wake(word, 1); }

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
