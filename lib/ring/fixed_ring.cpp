// fixed_ring.cpp: the slow paths of the fixed ring: taking over, looking at the other side, checking, repairing.
#include "noria/ring/fixed_ring.hpp"

#include <algorithm>

namespace noria::inline v1::ring {

namespace {

// The ring by its positions, for who comes anew.
struct fixed_slots {
    std::byte* begin;
    std::uint64_t capacity;
    slot_plan plan;
    std::uint64_t count;

    explicit fixed_slots(const ring_view& view) noexcept
        : begin(view.records), capacity(view.shape.capacity), plan(view.shape.message_bytes, view.shape.message_align),
          count(layout::stream_slots(capacity, plan.messages)) {}

    [[nodiscard]] std::uint64_t turn() const noexcept { return count * plan.messages; }
    [[nodiscard]] std::uint64_t first_of_slot(std::uint64_t position) const noexcept {
        return position - position % plan.messages;
    }
    [[nodiscard]] std::byte* slot_of(std::uint64_t position) const noexcept {
        return begin + position / plan.messages % count * plan.slot_bytes;
    }
    [[nodiscard]] std::byte* room_of(std::uint64_t position) const noexcept {
        return slot_of(position) + plan.payload_offset + position % plan.messages * plan.message_stride;
    }
    [[nodiscard]] std::uint64_t word_at(std::uint64_t position) const noexcept {
        // F2: what else a slot's word can be
        return load_acquire(*reinterpret_cast<std::uint64_t*>(slot_of(position)));
    }
    [[nodiscard]] bool holds(std::uint64_t position) const noexcept {
        return plan.lead(word_at(position), position) < plan.messages - position % plan.messages;
    }
};

// F1 for a tail against a head that may have moved on meanwhile.
bool is_possible(std::uint64_t head, std::uint64_t tail, std::uint64_t capacity) noexcept {
    return tail - head <= capacity;
}

// The first position from the stored tail on that holds no message. The stored tail lags by what a dead writer
// published and did not count, which is a slot's messages at the most; the bound keeps a hostile ring from holding us.
std::uint64_t find_tail(const fixed_slots& ring, std::uint64_t stored) noexcept {
    std::uint64_t tail = stored;
    while (tail - stored < ring.capacity && ring.holds(tail)) ++tail;
    return tail;
}

}  // namespace

void fixed_place::stand_at(const ring_view& view, std::uint64_t position) noexcept {
    const fixed_slots ring(view);
    position_ = position;
    room_ = ring.room_of(position);
    last_ = ring.first_of_slot(position) + ring.plan.messages - 1;
    first_ = ring.room_of(0);
    end_ = first_ + ring.count * ring.plan.slot_bytes;
    capacity_ = ring.capacity;
    turn_ = ring.turn();
    plan_ = ring.plan;
}

bool fixed_writer::attach(const ring_view& view) noexcept {
    if (!repair_fixed(view)) return false;
    producer_ = view.producer;
    consumer_ = view.consumer;
    limit_ = load_relaxed(producer_->tail);
    stand_at(view, limit_);
    high_water_ = load_relaxed(producer_->high_water);
    return true;
}

sight fixed_writer::look(std::uint64_t /*bytes*/) noexcept {
    const std::uint64_t head = load_acquire(consumer_->head);  // [S3] acquire <- [S4] in release: the reader's leave
    const std::uint64_t depth = position() - head;
    if (depth > capacity()) return sight::corrupt;  // F1
    if (depth > high_water_) {
        high_water_ = depth;
        store_relaxed(producer_->high_water, depth);  // read by people: stale is harmless
    }
    // It looks again after an eighth of the ring at most, so the high-water mark is never further off than that.
    limit_ = position() + std::min(capacity() - depth, std::max<std::uint64_t>(capacity() / 8, 1));
    granted_ = limit_ - position();
    return limit_ == position() ? sight::nothing : sight::ready;
}

std::uint64_t fixed_writer::depth() noexcept {
    const std::uint64_t depth = position() - load_relaxed(consumer_->head);  // a figure: it is old when it is read
    if (depth <= capacity() && depth > high_water_) {
        high_water_ = depth;
        store_relaxed(producer_->high_water, depth);
    }
    return std::min(depth, capacity());
}

bool fixed_reader::attach(const ring_view& view) noexcept {
    consumer_ = view.consumer;
    producer_ = view.producer;
    stand_at(view, load_relaxed(consumer_->head));  // ours since we hold the role's lock
    there_ = position();
    seen_ = load_relaxed(consumer_->seen);
    if (!is_in_reach(seen_, position())) seen_ = position();
    store_relaxed(consumer_->taken, position());  // W2: this consumer holds nothing
    // The producer's tail may lag behind head by the messages of a slot that a dead producer did not count, no more.
    const std::uint64_t lag = plan().messages;
    return is_possible(position(), load_relaxed(producer_->tail) + lag, capacity() + lag);
}

void fixed_reader::put_back() noexcept {
    if (!seen_before()) {
        seen_ = position() + 1;
        store_relaxed(consumer_->seen, seen_);  // W3; read after this process's death only
    }
    compiler_fence();  // a death between the two must not leave the message neither seen nor taken
    store_relaxed(consumer_->taken, position());
    compiler_fence();  // and the count may lag, but not lead: recovery counts what is taken
    store_relaxed(consumer_->redelivered, load_relaxed(consumer_->redelivered) + 1);  // ours alone to write
}

sight fixed_reader::look() noexcept {
    const std::uint64_t word = load_acquire(plan().word_of(room()));  // F2; messages are read after take()'s own look
    if (plan().lead(word, position()) <= behind(plan())) return sight::ready;
    return plan().is_word_before(word, position(), turn()) ? sight::nothing : sight::corrupt;  // F2
}

std::uint64_t fixed_reader::depth() const noexcept {
    const std::uint64_t depth = load_relaxed(producer_->tail) - position();  // a figure: it is old when it is read
    return static_cast<std::int64_t>(depth) < 0 ? 0 : std::min(depth, capacity());
}

const char* check_fixed(const ring_view& view) noexcept {
    const fixed_slots ring(view);
    const std::uint64_t head = load_relaxed(view.consumer->head);  // nobody works on the ring
    const std::uint64_t tail = find_tail(ring, load_relaxed(view.producer->tail));
    if (!is_possible(head, tail, ring.capacity)) return "head and tail are further apart than the capacity (F1)";
    for (std::uint64_t position = head; position != tail; ++position) {
        if (!ring.holds(position)) return "a slot between head and tail does not hold its message (F2)";
    }
    // What comes after the tail, as far as the slot that the reader is in, which is the last of the turn.
    const std::uint64_t end = ring.first_of_slot(head) + ring.turn();
    for (std::uint64_t position = tail; static_cast<std::int64_t>(end - position) > 0;
         position = ring.first_of_slot(position) + ring.plan.messages) {
        if (!ring.plan.is_word_before(ring.word_at(position), position, ring.turn())) {
            return "the word of a slot with room is neither of the message before nor of the turn before (F2)";
        }
    }
    return nullptr;
}

bool repair_fixed(const ring_view& view) noexcept {
    const fixed_slots ring(view);
    const std::uint64_t tail = find_tail(ring, load_relaxed(view.producer->tail));
    // A head that grows meanwhile stays within; the leave to overwrite is taken by look(), not here.
    if (!is_possible(load_relaxed(view.consumer->head), tail, ring.capacity)) return false;
    store_relaxed(view.producer->tail, tail);
    store_relaxed(view.producer->claim_open, std::uint64_t{0});
    return true;
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
