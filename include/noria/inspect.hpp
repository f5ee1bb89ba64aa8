// inspect.hpp: looking at a queue file from outside, changing nothing, and removing it.
//
//     for (const auto& who : noria::inspect("/dev/shm/ticks").roster) ...
//
// An observer opens the file for reading, takes no lock, changes no byte, and slows no endpoint; a file of mode 0444 will do. It maps
// nothing: a look is a bounded number of read calls, whatever the file says, and however sparse or truncated it is. Its
// figures are read one after the other while the queue works: each is true at some moment of the call, and all together
// are exact when nobody works. They come from a file that anybody with write access may have scribbled on.
#pragma once

#if __cplusplus < 202002L
#error "noria needs C++20: compile with -std=c++20 or later (CMake: target_compile_features, cxx_std_20)"
#else

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/queue/counters.hpp"
#include "noria/queue/roster.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace noria::inline v1 {

namespace queue {
class observed_file;
}
using queue::role;

// One record of the roster.
struct inhabitant {
    noria::role role = noria::role::producer;
    bool alive = false;             // the kernel says so; false: dead, and not recovered yet
    std::uint64_t recoverer = 0;    // pid of the process that recovers the dead one now, in its own PID namespace; or 0
    std::uint64_t incarnation = 0;  // the number of this attach among all of its role
    std::uint64_t pid = 0;          // in its own PID namespace: for people, never a proof
    std::uint64_t start_time = 0;   // ticks since boot; 0: not known
    std::string program;            // printable: what is no text there, is \xNN here
    std::uint64_t messages = 0;     // sent or received by this incarnation
    // False: more than 1,024 are attached, and this look has asked the kernel about others. Then `alive` is the record's word.
    bool asked = true;
};

// A lock that no endpoint takes, on bytes whose locks tell who lives. It may keep programs from attaching, and makes a dead
// endpoint look alive if it is a write lock. A program that may read the file can take a read lock.
struct foreign_lock {
    std::uint64_t first =
        0;  // byte, from layout::lock_base on: the index of a roster entry, if it is below their number
    std::uint64_t bytes = 0;
    bool exclusive = false;  // a write lock
    std::uint64_t pid = 0;   // of the process that holds it; 0: not known, as of all locks of open files
};

// What is in somebody's hands: an open claim, or a message under a lease.
struct held_work {
    noria::role role = noria::role::producer;
    std::uint64_t pid = 0;
    std::uint64_t position = 0;  // where it stands in the stream: in messages, or for noria::bytes in bytes
};

// A message that was parked, since so many of its holders died or threw; a consumer's try_take_parked() gets it out.
struct parked_message {
    std::uint64_t position = 0;    // where it stood in the stream
    std::uint64_t bytes = 0;       // its size
    std::uint64_t deliveries = 0;  // how often it was handed out
};

// The comings and goings of one role.
struct stream_state {
    std::uint64_t attaches = 0;
    std::uint64_t ended = 0;     // the last end: spsc: whose leaving it was; mpmc: how many left, 0 while one stays
    bool abandoned = false;      // that end was a death
    std::uint64_t told = 0;      // the last end that the other role has heard of
    bool sleeper_armed = false;  // somebody of this role may sleep: the next who rings makes a system call
};

struct snapshot {
    std::filesystem::path path;
    std::uint32_t format_version = 0;
    layout::shape shape;  // kind, form, message size and alignment, type tag, capacity
    std::uint64_t file_bytes = 0;
    std::array<std::uint8_t, 16> uuid{};
    std::vector<inhabitant> roster;  // those who are attached, and the dead not recovered yet
    std::uint64_t depth =
        0;  // messages committed, and neither released nor parked; of bytes, one is counted until its room is free
    std::uint64_t head = 0;  // positions: in messages, or for noria::bytes in bytes
    std::uint64_t tail = 0;
    std::optional<held_work> claimed;  // mpmc: the oldest of them
    std::optional<held_work> taken;
    std::vector<held_work> in_hand;  // all of them
    std::vector<parked_message> parked;
    std::uint64_t overdue = 0;  // messages in the queue that ought to be parked, but the parking was full
    stream_state producers;
    stream_state consumers;
    noria::counters counters;
    std::vector<foreign_lock> foreign_locks;  // at most 64
    // Slots of a lock-free mpmc ring, or records of a ring under a mutex, that this look has read: 65,536 at the most.
    std::uint64_t surveyed = 0;
    // False: there are more of them, or more than 1,024 endpoints. Then `in_hand`, `claimed`, `taken` and `overdue` may lack
    // some, and head and tail are what the slots around the queue's own hints say.
    bool complete = true;
    bool needs_fences = false;  // some process could take no part in membarrier: publishers fence
};

// Observes one file for as long as it lives: one descriptor, any number of looks.
class NORIA_API observer {
public:
    // Throws noria::error, or sets the code: not_found, symbolic_link, not_a_regular_file, not_a_queue, other_version,
    // other_byte_order, other_kind, corrupt, no_permission, descriptor_limit, out_of_memory, unsupported_file_system.
    explicit observer(const std::filesystem::path& path);
    observer(const std::filesystem::path& path, std::error_code& code);
    observer(observer&&) noexcept;
    observer& operator=(observer&&) noexcept;
    ~observer();

    [[nodiscard]] bool is_open() const noexcept { return file_ != nullptr; }
    [[nodiscard]] const std::string& error_text() const noexcept { return error_.text; }

    // Throws noria::error, or sets the code: corrupt, where the file was truncated. Where the program has closed the observer's
    // descriptor, and the name stands for that file no more: not_found. What the system refuses: as when opening.
    [[nodiscard]] NORIA_ABI_DOOR snapshot look() const;
    [[nodiscard]] NORIA_ABI_DOOR snapshot look(std::error_code& code) const;

private:
    failure look_at_all(snapshot& now) const;

    std::unique_ptr<queue::observed_file> file_;
    failure error_;
};

[[nodiscard]] NORIA_API NORIA_ABI_DOOR snapshot inspect(const std::filesystem::path& path);

// Removes a queue's file, if nobody is attached; errc::in_use otherwise. Only a queue file is ever removed. Whoever opens
// at the same moment either keeps the file from being removed or does not find it.
NORIA_API void remove(const std::filesystem::path& path);
NORIA_API void remove(const std::filesystem::path& path, std::error_code& code);

}  // namespace noria::inline v1

#endif  // C++20

// SPDX-License-Identifier: BSL-1.0
