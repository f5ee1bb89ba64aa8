// mutex_ends.hpp: the two ends of a ring under a mutex, with the verbs that the endpoints ask of a writer and a reader.
//
// Each verb takes the mutex, makes one step (ring/mutex_ring.hpp) and leaves. Messages are written and read without it.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/queue/mutex_gate.hpp"
#include "noria/ring/mutex_ring.hpp"

#include <chrono>
#include <cstdint>

namespace noria::inline v1::queue {

class NORIA_API mutex_writer {
public:
    static constexpr bool contended = true;  // others may be quicker than we are
    static constexpr bool has_mutex = true;

    // False: the words contradict each other.
    bool attach(queue_file& file, std::chrono::nanoseconds spin) noexcept;

    // A record of our own, or null: look() then, and try again. Waits: for the mutex, briefly.
    [[nodiscard]] std::byte* claim(std::uint64_t bytes) noexcept { return claim_all({.one = bytes}); }
    // Publishes what was claimed. Waits: for the mutex. False: the file lies.
    bool commit(std::uint64_t bytes) noexcept;
    bool give_back() noexcept;
    ring::sight look(std::uint64_t bytes) noexcept { return look_for({.one = bytes}); }

    // The same for several messages at once: all of them or none.
    [[nodiscard]] bool could_fit(const ring::lengths& wanted) const noexcept { return ring_.could_fit(wanted); }
    [[nodiscard]] std::byte* claim_all(const ring::lengths& wanted) noexcept;
    // Where the next of them goes; in their order, from the second on.
    [[nodiscard]] std::byte* next_of(const ring::lengths& all, std::uint64_t which) noexcept;
    bool commit_all(const ring::lengths& all) noexcept;
    ring::sight look_for(const ring::lengths& wanted) noexcept;

    [[nodiscard]] std::uint64_t obstacle() const noexcept { return obstacle_; }
    [[nodiscard]] bool stalled() const noexcept { return stalled_; }
    [[nodiscard]] std::uint64_t position() const noexcept { return sent_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return sent_; }
    [[nodiscard]] std::uint64_t depth() const noexcept;
    [[nodiscard]] layout::tally_line& line() const noexcept { return *tally_; }
    [[nodiscard]] std::uint64_t message_bytes_max() const noexcept { return ring_.message_bytes_max(); }

private:
    mutex_gate gate_;
    ring::mutex_ring ring_;
    std::uint64_t claimed_ = 0;  // position of our claim
    std::uint64_t placed_ = 0;   // of the last message that was written into it
    std::uint64_t sent_ = 0;
    std::uint64_t obstacle_ = 0;
    bool stalled_ = false;
    layout::tally_line* tally_ = nullptr;
    const layout::mutex_words* words_ = nullptr;
};

class NORIA_API mutex_reader {
public:
    static constexpr bool contended = true;  // others may be quicker than we are
    static constexpr bool has_mutex = true;

    bool attach(queue_file& file, std::chrono::nanoseconds spin) noexcept;

    // A message of our own, or null: look() then, and try again. Waits: for the mutex, briefly.
    [[nodiscard]] const std::byte* take() noexcept;
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return layout::mutex_record_length(taken_); }
    // As the lock-free reader's: take() leaves longer messages in the queue.
    void accept(std::uint64_t bytes) noexcept {
        accepted_bytes_ = bytes;
        left_too_long_ = false;
    }
    [[nodiscard]] bool left_too_long() const noexcept { return left_too_long_; }
    [[nodiscard]] unsigned deliveries() const noexcept {
        return static_cast<unsigned>(layout::deliveries_of(taken_)) + 1;
    }
    // That it is handed out is in its word already.
    void hold() noexcept {}
    // Waits: for the mutex. False: the file lies.
    bool release(const std::byte* message) noexcept;
    bool put_back(const std::byte* message, bool counts) noexcept;
    // False: the file lies, and nothing was put back.
    bool put_all_back() noexcept;
    ring::sight look() noexcept;

    // As the lock-free reader's; `busy`: the mutex was not to be had, nothing is known.
    [[nodiscard]] ring::sight drained(std::uint64_t& holder) noexcept;
    [[nodiscard]] std::uint64_t obstacle() const noexcept { return obstacle_; }
    [[nodiscard]] bool stalled() const noexcept { return stalled_; }
    [[nodiscard]] std::uint64_t position() const noexcept { return received_; }  // what was drained is what counts
    [[nodiscard]] std::uint64_t messages() const noexcept { return received_; }
    [[nodiscard]] std::uint64_t depth() const noexcept;
    [[nodiscard]] layout::tally_line& line() const noexcept { return *tally_; }

private:
    mutex_gate gate_;
    ring::mutex_ring ring_;
    std::uint64_t taken_ = 0;  // the word of the message that was taken, or left, last
    std::uint64_t accepted_bytes_ = UINT64_MAX;
    bool left_too_long_ = false;
    std::uint64_t received_ = 0;
    std::uint64_t obstacle_ = 0;
    bool stalled_ = false;
    layout::tally_line* tally_ = nullptr;
    const layout::mutex_words* words_ = nullptr;
};

// Of an spsc queue: one lease at a time; of an mpmc queue: any number.
class mutex_reader_of_one : public mutex_reader {
public:
    static constexpr bool many_leases = false;
};
class mutex_reader_of_many : public mutex_reader {
public:
    static constexpr bool many_leases = true;
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
