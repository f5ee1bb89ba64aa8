// fixed_ring.hpp: one writer, one reader, messages of one size; no locks, no fences, no system calls.
//
//      slot i:  [ word | (gap) | message ]      message p stands in slot p mod capacity; exactly `capacity` fit
//
//      head (reader writes)          tail (writer writes, for size() and for its successor; the reader never needs it)
//            v                            v
//   [p-N] [p] [p+1] [p+2] ...  [t-2] [t-1] [t-N] [t-N+1]
//
// Invariants  F1  head <= tail <= head + capacity; both only grow.
//             F2  the word of slot p mod capacity is record_word(size, p) exactly while message p is there; before
//                 that it is the word of p - capacity, or 0 in the ring's first turn. So no word is ever cleared.
// Orders      [S1] acquire in reader::take <- [S2] release in writer::commit    a message, before its word
//             [S3] acquire in writer::look <- [S4] release in reader::release   the leave to overwrite
// Crash       Writer dead before [S2]: nothing happened; its successor writes the same slot. After: the message is
//             there, whole; if the tail was not stored yet, the successor's scan finds it by F2.
//             Reader dead before [S4]: the message is read again by its successor, which is told so if `hold` was
//             called (consumer_line::taken). After: it is gone.
// Source      FastForward (Giacomoni 2008): the data's own word is the flag. Sequence per slot: Vyukov's bounded queue.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/layout/record.hpp"
#include "noria/ring/ring_view.hpp"

#include <cstdint>

namespace noria::inline v1::ring {

class fixed_writer {
public:
    static constexpr bool contended = false;  // what look() has found stays ours to take

    // Takes over from whoever wrote before. False: the words contradict F1.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // Where the next message goes, or null: look() first. Wait-free.
    [[nodiscard]] std::byte* claim(std::uint64_t /*bytes*/) noexcept {
        return tail_ == limit_ ? nullptr : slot_ + payload_offset_;
    }

    // Publishes what stands in the claimed slot. Wait-free.
    void commit(std::uint64_t /*bytes*/) noexcept {
        store_release(word_of(slot_), word_);  // [S2] release -> [S1] in take: the message, before its word
        compiler_fence();                      // a tail that is stored without its word would be a lie after death
        tail_ += 1;
        word_ += layout::record_sequence_step;
        slot_ += slot_bytes_;
        if (slot_ == end_) slot_ = begin_;
        store_relaxed(producer_->tail, tail_);  // stale is harmless: a hint for size() and for the successor's scan
    }

    // Looks how far the reader is. `ready`: claim() will succeed.
    NORIA_API sight look(std::uint64_t bytes) noexcept;

    [[nodiscard]] std::uint64_t position() const noexcept { return tail_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return tail_; }
    [[nodiscard]] NORIA_API std::uint64_t depth() noexcept;  // messages published and not released
    [[nodiscard]] layout::producer_line& line() const noexcept { return *producer_; }

private:
    static std::uint64_t& word_of(std::byte* slot) noexcept { return *reinterpret_cast<std::uint64_t*>(slot); }

    std::uint64_t tail_ = 0;
    std::uint64_t limit_ = 0;  // up to here it may write without looking again
    std::uint64_t word_ = 0;   // record_word(size, tail_)
    std::byte* slot_ = nullptr;
    std::byte* begin_ = nullptr;
    std::byte* end_ = nullptr;
    std::uint64_t slot_bytes_ = 0;
    std::uint64_t payload_offset_ = 0;
    layout::producer_line* producer_ = nullptr;
    layout::consumer_line* consumer_ = nullptr;
    std::uint64_t capacity_ = 0;
    std::uint64_t high_water_ = 0;
};

class fixed_reader {
public:
    static constexpr bool contended = false;    // what look() has found stays ours to take
    static constexpr bool many_leases = false;  // one message is in our hands at a time

    // Takes over from whoever read before. False: the words contradict F1.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // The first message, or null: look() first. Wait-free. It stays first until release().
    [[nodiscard]] const std::byte* take() noexcept {
        // [S1] acquire <- [S2] in commit: whoever sees the word sees the message.
        return load_acquire(word_of(slot_)) == word_ ? slot_ + payload_offset_ : nullptr;
    }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return layout::record_length(word_); }

    // Records, before the message is handed out, that it was. A plain store: death keeps program order.
    void hold() noexcept {
        store_relaxed(consumer_->taken, head_ + 1);  // stale is harmless: read after this process's death only
        compiler_fence();
    }

    // Gives the slot of the taken message back to the writer. Wait-free.
    void release() noexcept {
        head_ += 1;
        word_ += layout::record_sequence_step;
        slot_ += slot_bytes_;
        if (slot_ == end_) slot_ = begin_;
        store_release(consumer_->head,
                      head_);  // [S4] release -> [S3] in look: our reads, before the leave to overwrite
    }

    // Keeps the held message first in the ring and lets its next delivery say that it is not the first.
    NORIA_API void put_back() noexcept;

    // Tells "not there yet" from "never was a word of this ring".
    NORIA_API sight look() noexcept;

    [[nodiscard]] bool seen_before() const noexcept { return static_cast<std::int64_t>(seen_ - head_) > 0; }
    [[nodiscard]] std::uint64_t position() const noexcept { return head_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return head_; }
    [[nodiscard]] NORIA_API std::uint64_t depth() const noexcept;

private:
    static std::uint64_t& word_of(std::byte* slot) noexcept { return *reinterpret_cast<std::uint64_t*>(slot); }

    std::uint64_t head_ = 0;
    std::uint64_t word_ = 0;  // record_word(size, head_): what the slot will hold when message head_ is there
    std::byte* slot_ = nullptr;
    std::byte* begin_ = nullptr;
    std::byte* end_ = nullptr;
    std::uint64_t slot_bytes_ = 0;
    std::uint64_t payload_offset_ = 0;
    std::uint64_t seen_ = 0;
    layout::consumer_line* consumer_ = nullptr;
    const layout::producer_line* producer_ = nullptr;
    std::uint64_t capacity_ = 0;
};

// Says what contradicts F1 or F2, or null. Exact on a ring that nobody works on.
NORIA_API const char* check_fixed(const ring_view& view) noexcept;

// Makes a dead writer's line say what it published. Safe beside a living reader. False: corrupt.
NORIA_API bool repair_fixed(const ring_view& view) noexcept;

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
