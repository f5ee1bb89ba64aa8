// process.hpp: who this process is, for people to read, and what must not live on in its forks.
#pragma once

#include "noria/core/visibility.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace noria::inline v1::os {

struct process_identity {
    std::uint64_t pid = 0;         // in this process's own PID namespace
    std::uint64_t start_time = 0;  // ticks since boot; 0 where /proc is missing
    std::array<char, 16> program{};
};
NORIA_API process_identity this_process() noexcept;
NORIA_API std::uint32_t process_id() noexcept;  // the pid alone

// How many processors were online when the library was loaded; at least 1.
NORIA_API unsigned processors() noexcept;

// While one exists, no fork happens in any other thread: between open and MADV_DONTFORK a fork would inherit both the
// descriptor and the mapping, and keep a dead parent's locks. Recursive.
class NORIA_API no_fork {
public:
    no_fork() noexcept;
    ~no_fork();
    no_fork(const no_fork&) = delete;
    no_fork& operator=(const no_fork&) = delete;
};

// Something of this process that a fork's child must not have. Enlisted objects are told in the child, before fork
// returns there, and are enlisted there no more. Enlist and delist within a no_fork.
class NORIA_API fork_sensitive {
public:
    fork_sensitive(const fork_sensitive&) = delete;
    fork_sensitive& operator=(const fork_sensitive&) = delete;

    // Runs in the child, where only async-signal-safe calls are allowed.
    virtual void forked() noexcept = 0;

protected:
    fork_sensitive() = default;
    virtual ~fork_sensitive();
    void enlist() noexcept;
    void delist() noexcept;

private:
    friend struct fork_roll;
    fork_sensitive* next_ = nullptr;
    fork_sensitive* previous_ = nullptr;
    bool enlisted_ = false;
};

// While one exists, this thread is not cancelled: a cancellation inside a noexcept verb would end the process.
class NORIA_API no_cancel {
public:
    no_cancel() noexcept;
    ~no_cancel();
    no_cancel(const no_cancel&) = delete;
    no_cancel& operator=(const no_cancel&) = delete;

private:
    int before_ = 0;
};

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
