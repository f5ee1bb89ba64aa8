// record_ring.hpp: one writer, one reader, records of any size; no locks, no fences, no system calls.
//
//      head (reader writes)                     tail (writer writes, for its successor; the reader never needs it)
//            v                                        v
//   [free] [record......] [record..] [record...] ... [0]  [free]  |  record = { word, message, up to 7 bytes of gap }
//
// A record never wraps: where the ring's end is too near, a skip record fills it. The skip is published by itself, for
// otherwise a record longer than what is left in front of the reader would never fit, not even into an empty ring.
//
// Invariants  R1  head <= tail <= head + capacity - 8; both only grow, in multiples of 8, from record to record.
//             R2  the word at tail is 0: the reader stops there, and so does the scan of a new writer. The writer
//                 clears the word behind a record before it publishes the record, and never a word in front of tail + 8.
// Orders      [S1] acquire in reader::take <- [S2] release in writer::commit    a record and R2, before its word
//             [S3] acquire in writer::look <- [S4] release in reader::release   the leave to overwrite
//             [S5] acquire in reader::look <- [S6] release in writer::look      a skip record and R2
//             [S7] acquire in writer::look <- [S8] release in reader::look      the leave to overwrite a skip
// Crash       Writer dead before [S2]: nothing happened, whatever stands behind the word at tail. After: the record is
//             there, whole; if the tail was not stored yet, the successor's scan finds it.
//             Reader dead before [S4]: the record is read again by its successor, which is told so if `hold` was
//             called. After: it is gone; the count of messages may lag by it, and the next record's sequence mends that.
// Source      FastForward (Giacomoni 2008): the data's own word is the flag. Skip records: Agrona's ring buffers.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/cache_line.hpp"
#include "noria/layout/record.hpp"
#include "noria/ring/ring_view.hpp"

#include <algorithm>
#include <cstdint>

namespace noria::inline v1::ring {

class record_writer {
public:
    static constexpr bool contended = false;  // what look() has found stays ours to take

    // Takes over from whoever wrote before. False: the words contradict R1 or R2.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // Where a message of up to so many bytes goes, or null: look() first. Wait-free.
    [[nodiscard]] std::byte* claim(std::uint64_t bytes) noexcept {
        const std::uint64_t need = layout::record_bytes(bytes);
        if (need + layout::record_header_bytes > limit_ - tail_ || offset_ + need > capacity_) return nullptr;
        return ring_ + offset_ + layout::record_header_bytes;
    }

    // Publishes the claimed record, its message now so many bytes long (at most what was claimed). Wait-free.
    void commit(std::uint64_t bytes) noexcept {
        const std::uint64_t need = layout::record_bytes(bytes);
        const std::uint64_t next = (offset_ + need) & (capacity_ - 1);
        store_relaxed(word_at(next), std::uint64_t{0});  // R2; ordered before the record's word by [S2]
        // [S2] release -> [S1] in take: the record, before its word.
        store_release(word_at(offset_), layout::record_word(bytes, messages_));
        compiler_fence();  // after a death, count and tail may lag behind the word, never lead
        if (is_about_a_line(need)) fetch_for_writing(ring_ + next + writer_fetches);
        offset_ = next;
        tail_ += need;
        messages_ += 1;
        store_relaxed(producer_->messages, messages_);  // before the tail: where the tail is right, this is
        compiler_fence();
        store_relaxed(producer_->tail, tail_);  // stale is harmless: a hint for the successor's scan
    }

    // Looks how far the reader is, and publishes a skip where the record would wrap. `ready`: claim() will succeed.
    NORIA_API sight look(std::uint64_t bytes) noexcept;

    // Whether it found little room when it looked, and how long it stands back then: as in the fixed ring.
    [[nodiscard]] bool is_close_behind() const noexcept { return granted_ < capacity_ / 8; }
    [[nodiscard]] std::uint64_t pauses_behind() const noexcept {
        return std::clamp<std::uint64_t>(capacity_ / 2688, 1, 96);
    }

    [[nodiscard]] std::uint64_t position() const noexcept { return tail_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
    [[nodiscard]] NORIA_API std::uint64_t depth() noexcept;  // messages published and not released
    [[nodiscard]] layout::producer_line& line() const noexcept { return *producer_; }
    [[nodiscard]] std::uint64_t message_bytes_max() const noexcept { return message_bytes_; }

private:
    std::uint64_t& word_at(std::uint64_t offset) noexcept { return *reinterpret_cast<std::uint64_t*>(ring_ + offset); }

    std::uint64_t tail_ = 0;
    std::uint64_t limit_ = 0;   // up to here it may write without looking again
    std::uint64_t offset_ = 0;  // tail_ mod capacity_
    std::uint64_t capacity_ = 0;
    std::uint64_t granted_ = UINT64_MAX;  // so many bytes, when it looked last
    std::uint64_t messages_ = 0;
    std::uint64_t message_bytes_ = 0;
    std::byte* ring_ = nullptr;
    layout::producer_line* producer_ = nullptr;
    layout::consumer_line* consumer_ = nullptr;
    std::uint64_t high_water_ = 0;
};

class record_reader {
public:
    static constexpr bool contended = false;    // what look() has found stays ours to take
    static constexpr bool many_leases = false;  // one message is in our hands at a time

    // Takes over from whoever read before. False: the words contradict R1.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // The first message, or null: look() first. Wait-free. It stays first until release().
    [[nodiscard]] const std::byte* take() noexcept {
        // [S1] acquire <- [S2] in commit: whoever sees the word sees the record, and the 0 behind it.
        const std::uint64_t word = load_acquire(word_at(offset_));
        if (!is_next_record(word)) return nullptr;
        length_ = layout::record_length(word);  // checked above, and from here on our own copy
        return ring_ + offset_ + layout::record_header_bytes;
    }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return length_; }

    // Records, before the message is handed out, that it was. A plain store: death keeps program order.
    void hold() noexcept {
        store_relaxed(consumer_->taken, head_ + layout::record_bytes(length_));  // stale is harmless: for the successor
        compiler_fence();
    }

    // Gives the taken record's bytes back to the writer. Wait-free.
    void release() noexcept {
        const std::uint64_t passed = layout::record_bytes(length_);
        if (is_about_a_line(passed)) fetch_for_reading(ring_ + offset_ + reader_fetches);
        head_ += passed;
        offset_ = (offset_ + passed) & (capacity_ - 1);
        messages_ += 1;
        store_release(consumer_->head,
                      head_);  // [S4] release -> [S3] in look: our reads, before the leave to overwrite
        compiler_fence();      // after a death, the count may lag behind the head, never lead
        store_relaxed(consumer_->messages, messages_);  // stale is harmless: the next record's sequence says it too
    }

    // Keeps the held message first in the ring and lets its next delivery say that it is not the first.
    NORIA_API void put_back() noexcept;

    // Passes a skip record; tells "not there yet" from what no writer wrote.
    NORIA_API sight look() noexcept;

    [[nodiscard]] bool seen_before() const noexcept { return static_cast<std::int64_t>(seen_ - head_) > 0; }
    [[nodiscard]] std::uint64_t position() const noexcept { return head_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
    [[nodiscard]] NORIA_API std::uint64_t depth() const noexcept;
    [[nodiscard]] std::uint64_t message_bytes_max() const noexcept { return message_bytes_; }

private:
    // A present record of the next number that ends inside the ring and is no longer than messages may be.
    [[nodiscard]] bool is_next_record(std::uint64_t word) const noexcept {
        const std::uint64_t length = layout::record_length(word);
        return (word & ~layout::record_length_mask) == layout::record_word(0, messages_) && length <= message_bytes_ &&
               offset_ + layout::record_bytes(length) <= capacity_;
    }
    std::uint64_t& word_at(std::uint64_t offset) const noexcept {
        return *reinterpret_cast<std::uint64_t*>(ring_ + offset);
    }

    std::uint64_t head_ = 0;
    std::uint64_t offset_ = 0;  // head_ mod capacity_
    std::uint64_t length_ = 0;  // of the taken message
    std::uint64_t messages_ = 0;
    std::uint64_t capacity_ = 0;
    std::uint64_t message_bytes_ = 0;
    std::uint64_t seen_ = 0;
    std::uint64_t attached_at_ = 0;  // head_ at attach
    std::byte* ring_ = nullptr;
    layout::consumer_line* consumer_ = nullptr;
    const layout::producer_line* producer_ = nullptr;
};

// Says what contradicts R1 or R2, or null. Exact on a ring that nobody works on.
NORIA_API const char* check_records(const ring_view& view) noexcept;

// Makes a dead writer's line say what it published. Safe beside a living reader. False: corrupt.
NORIA_API bool repair_records(const ring_view& view) noexcept;

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
