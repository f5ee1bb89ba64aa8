// fixed_ring.cpp: the slow paths of the fixed ring: taking over, looking at the other side, checking, repairing.
#include "noria/ring/fixed_ring.hpp"

#include <algorithm>

namespace noria::inline v1::ring {

namespace {

struct slots {
    std::byte* begin;
    std::uint64_t slot_bytes;
    std::uint64_t capacity;
    std::uint64_t message_bytes;

    explicit slots(const ring_view& view) noexcept
        : begin(view.records), slot_bytes(layout::place(view.shape).slot_bytes), capacity(view.shape.capacity),
          message_bytes(view.shape.message_bytes) {}

    [[nodiscard]] std::byte* at(std::uint64_t position) const noexcept {
        return begin + (position & (capacity - 1)) * slot_bytes;
    }
    [[nodiscard]] std::uint64_t word_at(std::uint64_t position) const noexcept {
        return load_acquire(*reinterpret_cast<std::uint64_t*>(at(position)));  // F2: what else a slot's word can be
    }
    [[nodiscard]] bool holds(std::uint64_t position) const noexcept {
        return word_at(position) == layout::record_word(message_bytes, position);
    }
};

// F1 for a tail against a head that may have moved on meanwhile.
bool is_possible(std::uint64_t head, std::uint64_t tail, std::uint64_t capacity) noexcept {
    return tail - head <= capacity;
}

// The first position from the stored tail on that holds no message. The stored tail lags by what a dead writer
// published and did not count, which is one message; the bound keeps a hostile ring from holding us.
std::uint64_t find_tail(const slots& ring, std::uint64_t stored) noexcept {
    std::uint64_t tail = stored;
    while (tail - stored < ring.capacity && ring.holds(tail)) ++tail;
    return tail;
}

}  // namespace

void fixed_slots::attach_slots(const ring_view& view) noexcept {
    begin_ = view.records;
    mask_ = view.shape.capacity - 1;
    const layout::slot_place slot = layout::fixed_slot(view.shape.message_bytes, view.shape.message_align);
    stride_ = {slot.slot_bytes, slot.payload_offset, view.shape.message_bytes};
}

bool fixed_writer::attach(const ring_view& view) noexcept {
    if (!repair_fixed(view)) return false;
    attach_slots(view);
    producer_ = view.producer;
    consumer_ = view.consumer;
    tail_ = limit_ = load_relaxed(producer_->tail);
    high_water_ = load_relaxed(producer_->high_water);
    return true;
}

sight fixed_writer::look(std::uint64_t /*bytes*/) noexcept {
    const std::uint64_t head = load_acquire(consumer_->head);  // [S3] acquire <- [S4] in release: the reader's leave
    const std::uint64_t depth = tail_ - head;
    if (depth > capacity()) return sight::corrupt;  // F1
    if (depth > high_water_) {
        high_water_ = depth;
        store_relaxed(producer_->high_water, depth);  // read by people: stale is harmless
    }
    // It looks again after an eighth of the ring at most, so the high-water mark is never further off than that.
    limit_ = tail_ + std::min(capacity() - depth, std::max<std::uint64_t>(capacity() / 8, 1));
    return limit_ == tail_ ? sight::nothing : sight::ready;
}

std::uint64_t fixed_writer::depth() noexcept {
    const std::uint64_t depth = tail_ - load_relaxed(consumer_->head);  // a figure: it is old when it is read
    if (depth <= capacity() && depth > high_water_) {
        high_water_ = depth;
        store_relaxed(producer_->high_water, depth);
    }
    return std::min(depth, capacity());
}

bool fixed_reader::attach(const ring_view& view) noexcept {
    attach_slots(view);
    consumer_ = view.consumer;
    producer_ = view.producer;
    head_ = load_relaxed(consumer_->head);  // ours since we hold the role's lock
    seen_ = load_relaxed(consumer_->seen);
    store_relaxed(consumer_->taken, head_);  // W2: this consumer holds nothing
    // The producer's tail may lag behind head by the message that a dead producer did not count, and by no more.
    return is_possible(head_, load_relaxed(producer_->tail) + 1, capacity() + 1);
}

void fixed_reader::put_back() noexcept {
    if (!seen_before()) {
        seen_ = head_ + 1;
        store_relaxed(consumer_->seen, seen_);  // W3; read after this process's death only
    }
    compiler_fence();  // a death between the two must not leave the message neither seen nor taken
    store_relaxed(consumer_->taken, head_);
    compiler_fence();  // and the count may lag, but not lead: recovery counts what is taken
    store_relaxed(consumer_->redelivered, load_relaxed(consumer_->redelivered) + 1);  // ours alone to write
}

sight fixed_reader::look() noexcept {
    // F2; the message itself is read after take()'s own look
    const std::uint64_t word = load_acquire(stride().word_of(room_of(head_, stride())));
    if (word == stride().word(head_)) return sight::ready;
    return word == 0 || word == stride().word(head_ - capacity()) ? sight::nothing : sight::corrupt;  // F2
}

std::uint64_t fixed_reader::depth() const noexcept {
    const std::uint64_t depth = load_relaxed(producer_->tail) - head_;  // a figure: it is old when it is read
    return static_cast<std::int64_t>(depth) < 0 ? 0 : std::min(depth, capacity());
}

const char* check_fixed(const ring_view& view) noexcept {
    const slots ring(view);
    const std::uint64_t head = load_relaxed(view.consumer->head);  // nobody works on the ring
    const std::uint64_t tail = find_tail(ring, load_relaxed(view.producer->tail));
    if (!is_possible(head, tail, ring.capacity)) return "head and tail are further apart than the capacity (F1)";
    for (std::uint64_t position = head; position != tail; ++position) {
        if (!ring.holds(position)) return "a slot between head and tail does not hold its message (F2)";
    }
    for (std::uint64_t position = tail; position != head + ring.capacity; ++position) {
        const std::uint64_t word = ring.word_at(position);
        if (word != 0 && word != layout::record_word(ring.message_bytes, position - ring.capacity)) {
            return "a free slot's word is not of the turn before (F2)";
        }
    }
    return nullptr;
}

bool repair_fixed(const ring_view& view) noexcept {
    const slots ring(view);
    const std::uint64_t tail = find_tail(ring, load_relaxed(view.producer->tail));
    // A head that grows meanwhile stays within; the leave to overwrite is taken by look(), not here.
    if (!is_possible(load_relaxed(view.consumer->head), tail, ring.capacity)) return false;
    store_relaxed(view.producer->tail, tail);
    store_relaxed(view.producer->claim_open, std::uint64_t{0});
    return true;
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
