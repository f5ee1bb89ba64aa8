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
// Orders      [S1] acquire in reader::first_in <- [S2] release in writer::publish_at   a message, before its word
//             [S3] acquire in writer::look <- [S4] release in reader::release          the leave to overwrite
// Crash       Writer dead before [S2]: nothing happened; its successor writes the same slot. After: the message is
//             there, whole; if the tail was not stored yet, the successor's scan finds it by F2.
//             Reader dead before [S4]: the message is read again by its successor, which is told so if `hold` was
//             called (consumer_line::taken). After: it is gone.
// Source      FastForward (Giacomoni 2008): the data's own word is the flag. Sequence per slot: Vyukov's bounded queue.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/layout/record.hpp"
#include "noria/ring/ring_view.hpp"

#include <algorithm>
#include <cstdint>

namespace noria::inline v1::ring {

// How slots stand, and what their words are but for the sequence. Where the message's type is known, the compiler knows.
struct slot_stride {
    std::uint64_t slot_bytes = 0;
    std::uint64_t payload_offset = 0;
    std::uint64_t message_bytes = 0;

    [[nodiscard]] std::uint64_t& word_of(std::byte* room) const noexcept {
        return *reinterpret_cast<std::uint64_t*>(room - payload_offset);
    }
    [[nodiscard]] constexpr std::uint64_t word(std::uint64_t position) const noexcept {
        return layout::record_word(message_bytes, position);
    }
};

// What both ends share: where the slots are. A position is all that moves.
class fixed_slots {
public:
    void attach_slots(const ring_view& view) noexcept;
    [[nodiscard]] std::byte* room_of(std::uint64_t position, const slot_stride& stride) const noexcept {
        return begin_ + (position & mask_) * stride.slot_bytes + stride.payload_offset;
    }
    [[nodiscard]] std::uint64_t capacity() const noexcept { return mask_ + 1; }
    [[nodiscard]] fixed_slots copy() const noexcept { return *this; }
    [[nodiscard]] const slot_stride& stride() const noexcept { return stride_; }

private:
    std::byte* begin_ = nullptr;
    std::uint64_t mask_ = 0;
    slot_stride stride_;
};

class fixed_writer : protected fixed_slots {
public:
    static constexpr bool contended = false;  // what look() has found stays ours to take

    // Takes over from whoever wrote before. False: the words contradict F1.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // Where the next message goes, or null: look() first. Wait-free.
    [[nodiscard]] std::byte* claim(std::uint64_t /*bytes*/) noexcept { return next_room(stride()); }

    // Publishes what stands in the claimed slot. Wait-free.
    void commit(std::uint64_t /*bytes*/) noexcept { publish(room_of(tail_, stride()), stride()); }

    // Looks how far the reader is. `ready`: claim() will succeed.
    NORIA_API sight look(std::uint64_t bytes) noexcept;

    [[nodiscard]] std::uint64_t position() const noexcept { return tail_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return tail_; }
    [[nodiscard]] NORIA_API std::uint64_t depth() noexcept;  // messages published and not released
    [[nodiscard]] layout::producer_line& line() const noexcept { return *producer_; }

protected:
    [[nodiscard]] std::byte* next_room(const slot_stride& stride) const noexcept {
        return tail_ == limit_ ? nullptr : room_of(tail_, stride);
    }
    void publish(std::byte* room, const slot_stride& stride) noexcept {
        publish_at(room, tail_, stride, *producer_);
        tail_ += 1;
    }
    // As many of `most` messages as may go without another look, each committed by itself; write(room, i) writes the i-th.
    // Nothing that a store might change is read again, so that the loop lives in registers.
    template <class Write>
    std::uint64_t publish_some(std::uint64_t most, Write&& write, const slot_stride& stride) noexcept {
        const fixed_slots slots = copy();
        layout::producer_line& line = *producer_;
        const std::uint64_t first = tail_;
        const std::uint64_t count = std::min(most, limit_ - first);
        for (std::uint64_t i = 0; i < count; ++i) {
            std::byte* const room = slots.room_of(first + i, stride);
            write(room, i);
            publish_at(room, first + i, stride, line);
        }
        tail_ = first + count;
        return count;
    }

private:
    static void publish_at(std::byte* room, std::uint64_t position, const slot_stride& stride,
                           layout::producer_line& line) noexcept {
        // [S2] release -> [S1] in first_in: the message, before its word
        store_release(stride.word_of(room), stride.word(position));
        compiler_fence();                        // a tail that is stored without its word would be a lie after death
        store_relaxed(line.tail, position + 1);  // stale is harmless: for size() and for the successor's scan
    }

    std::uint64_t tail_ = 0;
    std::uint64_t limit_ = 0;  // up to here it may write without looking again
    layout::producer_line* producer_ = nullptr;
    layout::consumer_line* consumer_ = nullptr;
    std::uint64_t high_water_ = 0;
};

class fixed_reader : protected fixed_slots {
public:
    static constexpr bool contended = false;    // what look() has found stays ours to take
    static constexpr bool many_leases = false;  // one message is in our hands at a time

    // Takes over from whoever read before. False: the words contradict F1.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // The first message, or null: look() first. Wait-free. It stays first until release().
    [[nodiscard]] const std::byte* take() noexcept { return first_in(stride()); }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return stride().message_bytes; }

    // Records, before the message is handed out, that it was. A plain store: death keeps program order.
    void hold() noexcept {
        store_relaxed(consumer_->taken, head_ + 1);  // stale is harmless: read after this process's death only
        compiler_fence();
    }

    // Gives the slot of the taken message back to the writer. Wait-free.
    void release() noexcept {
        head_ += 1;
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

protected:
    [[nodiscard]] const std::byte* first_in(const slot_stride& stride) const noexcept {
        std::byte* const room = room_of(head_, stride);
        // [S1] acquire <- [S2] in publish_at: whoever sees the word sees the message.
        return load_acquire(stride.word_of(room)) == stride.word(head_) ? room : nullptr;
    }

private:
    std::uint64_t head_ = 0;
    std::uint64_t seen_ = 0;
    layout::consumer_line* consumer_ = nullptr;
    const layout::producer_line* producer_ = nullptr;
};

// The same for messages of one type: the compiler knows the stride.
template <class T>
constexpr slot_stride stride_of{layout::fixed_slot(sizeof(T), alignof(T)).slot_bytes,
                                layout::fixed_slot(sizeof(T), alignof(T)).payload_offset, sizeof(T)};

template <class T>
class fixed_writer_of : public fixed_writer {
public:
    [[nodiscard]] std::byte* claim(std::uint64_t /*bytes*/) noexcept { return next_room(stride_of<T>); }
    void commit_in(std::byte* room, std::uint64_t /*bytes*/) noexcept { publish(room, stride_of<T>); }
    template <class Write>
    std::uint64_t commit_some(std::uint64_t most, Write&& write) noexcept {
        return publish_some(most, write, stride_of<T>);
    }
};

template <class T>
class fixed_reader_of : public fixed_reader {
public:
    [[nodiscard]] const std::byte* take() noexcept { return first_in(stride_of<T>); }
    [[nodiscard]] static constexpr std::uint64_t taken_bytes() noexcept { return sizeof(T); }
    void release_taken() noexcept { release(); }
};

// Says what contradicts F1 or F2, or null. Exact on a ring that nobody works on.
NORIA_API const char* check_fixed(const ring_view& view) noexcept;

// Makes a dead writer's line say what it published. Safe beside a living reader. False: corrupt.
NORIA_API bool repair_fixed(const ring_view& view) noexcept;

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
