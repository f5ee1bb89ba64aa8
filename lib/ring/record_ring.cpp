// record_ring.cpp: the slow paths of the record ring: taking over, looking at the other side, checking, repairing.
#include "noria/ring/record_ring.hpp"

#include "noria/core/bits.hpp"

#include <algorithm>

namespace noria::inline v1::ring {

namespace {

using layout::record_header_bytes;

std::uint64_t& word_in(const ring_view& view, std::uint64_t position) noexcept {
    return *reinterpret_cast<std::uint64_t*>(view.records + (position & (view.shape.capacity - 1)));
}

// Whether a nonzero word is one that a writer can have put at that position; if so, `size` is what it occupies.
bool plausible(const ring_view& view, std::uint64_t position, std::uint64_t word, std::uint64_t& size) noexcept {
    const std::uint64_t left = view.shape.capacity - (position & (view.shape.capacity - 1));
    const std::uint64_t length = layout::record_length(word);
    size = layout::record_bytes(length);
    if ((word & layout::record_present) == 0 || size > left) return false;
    return layout::is_skip(word) ? size == left : length <= view.shape.message_bytes;
}

struct extent {
    std::uint64_t tail = 0;
    std::uint64_t messages = 0;
    bool sound = false;
};

// Walks from a record boundary to the word 0 (R2), counting messages by their sequence.
extent walk(const ring_view& view, std::uint64_t from, std::uint64_t messages) noexcept {
    extent found{.tail = from, .messages = messages, .sound = false};
    while (found.tail - from < view.shape.capacity) {
        const std::uint64_t word = load_acquire(word_in(view, found.tail));  // R2: 0, or a record that was published
        if (word == 0) {
            found.sound = true;
            return found;
        }
        std::uint64_t size = 0;
        if (!plausible(view, found.tail, word, size)) return found;
        const auto ahead = static_cast<std::uint32_t>((word >> 32) - found.messages);
        if (ahead > 1 && ahead != UINT32_MAX) return found;  // the count may be off by the one a death left uncounted
        found.messages += static_cast<std::uint64_t>(static_cast<std::int32_t>(ahead));
        if (!layout::is_skip(word)) found.messages += 1;
        found.tail += size;
    }
    return found;  // no 0 in a whole turn: not a ring of ours
}

bool aligned(std::uint64_t position) noexcept { return position % layout::record_alignment == 0; }

// R1 for what can be known without walking.
bool within(std::uint64_t head, std::uint64_t tail, std::uint64_t capacity) noexcept {
    return aligned(head) && aligned(tail) && tail - head <= capacity - record_header_bytes;
}

}  // namespace

bool record_writer::attach(const ring_view& view) noexcept {
    if (!repair_records(view)) return false;
    producer_ = view.producer;
    consumer_ = view.consumer;
    ring_ = view.records;
    capacity_ = view.shape.capacity;
    tail_ = limit_ = load_relaxed(producer_->tail);
    offset_ = tail_ & (capacity_ - 1);
    messages_ = load_relaxed(producer_->messages);
    message_bytes_ = view.shape.message_bytes;
    high_water_ = load_relaxed(producer_->high_water);
    return true;
}

sight record_writer::look(std::uint64_t bytes) noexcept {
    // [S3] acquire <- [S4] in release, [S7] acquire <- [S8] in reader::look: the reader's leave to overwrite
    const std::uint64_t head = load_acquire(consumer_->head);
    if (!within(head, tail_, capacity_)) return sight::corrupt;
    (void)depth();
    const std::uint64_t need = layout::record_bytes(bytes);
    const std::uint64_t room = capacity_ - (tail_ - head);
    const std::uint64_t left = capacity_ - offset_;
    if (need > left) {
        if (left + record_header_bytes > room) return sight::nothing;
        store_relaxed(word_at(0), std::uint64_t{0});  // R2; ordered before the skip's word by [S6]
        // [S6] release -> [S5] in reader::look: the 0 at the ring's start, before the skip that leads there.
        store_release(word_at(offset_), layout::skip_word(left - record_header_bytes, messages_));
        compiler_fence();  // as in commit()
        offset_ = 0;
        tail_ += left;
        limit_ = tail_;
        store_relaxed(producer_->tail, tail_);  // stale is harmless: a hint for the successor's scan
        return sight::moved;
    }
    // It looks again after an eighth of the ring at most, so the high-water mark is never further off than that.
    const std::uint64_t allowed = std::min(room, std::max(capacity_ / 8, need + record_header_bytes));
    limit_ = tail_ + allowed;
    granted_ = allowed;
    return need + record_header_bytes <= allowed ? sight::ready : sight::nothing;
}

std::uint64_t record_writer::depth() noexcept {
    // The reader stores its count after its head, so what is read here may be one too many; never less than the truth.
    const std::uint64_t depth = messages_ - load_relaxed(consumer_->messages);
    if (static_cast<std::int64_t>(depth) < 0 || depth > capacity_ / record_header_bytes) return 0;
    if (depth > high_water_) {
        high_water_ = depth;
        store_relaxed(producer_->high_water, depth);  // read by people: stale is harmless
    }
    return depth;
}

bool record_reader::attach(const ring_view& view) noexcept {
    consumer_ = view.consumer;
    producer_ = view.producer;
    ring_ = view.records;
    capacity_ = view.shape.capacity;
    message_bytes_ = view.shape.message_bytes;
    head_ = load_relaxed(consumer_->head);  // ours since we hold the role's lock
    attached_at_ = head_;
    offset_ = head_ & (capacity_ - 1);
    seen_ = load_relaxed(consumer_->seen);
    if (!is_in_reach(seen_, head_)) seen_ = head_;
    store_relaxed(consumer_->taken, head_);  // W2: this consumer holds nothing
    if (!aligned(head_)) return false;
    // A consumer that died between storing its head and its count has left the count one behind. What stands at head
    // carries its number; where nothing stands there, as many were released as were sent.
    const std::uint64_t counted = load_relaxed(consumer_->messages);
    const std::uint64_t sent = load_relaxed(producer_->messages);
    const std::uint64_t word = load_acquire(word_at(offset_));  // R2; only the number in it is used here
    const std::uint64_t behind = word != 0 ? static_cast<std::uint32_t>((word >> 32) - counted) : sent - counted;
    messages_ = counted + (behind == 1 ? 1 : 0);
    store_relaxed(consumer_->messages, messages_);
    return true;
}

void record_reader::put_back() noexcept {
    if (!seen_before()) {
        seen_ = head_ + layout::record_bytes(length_);
        store_relaxed(consumer_->seen, seen_);  // W3; read after this process's death only
    }
    compiler_fence();  // a death between the two must not leave the message neither seen nor taken
    store_relaxed(consumer_->taken, head_);
    compiler_fence();  // and the count may lag, but not lead: recovery counts what is taken
    store_relaxed(consumer_->redelivered, load_relaxed(consumer_->redelivered) + 1);  // ours alone to write
}

sight record_reader::look() noexcept {
    // [S5] acquire <- [S6] in writer::look: whoever sees the skip sees the 0 that it leads to.
    const std::uint64_t word = load_acquire(word_at(offset_));
    if (word == 0) return sight::nothing;
    if (is_next_record(word)) return sight::ready;
    if (head_ == attached_at_) {
        // attach() can be off by one: the predecessor dead between head and count, the ring empty, and the writer stopped
        // between its own word and count; or the writer's count seen before its word, which no order forbids. The first
        // record tells.
        const std::uint64_t counted = messages_;
        for (const std::uint64_t number : {counted + 1, counted - 1}) {
            messages_ = number;
            if (is_next_record(word) || word == layout::skip_word(capacity_ - offset_ - record_header_bytes, number)) {
                attached_at_ = head_ - 1;  // once
                // The file's count, too: it may lag by one; left so, one more death would make it two.
                store_relaxed(consumer_->messages, messages_);
                return sight::moved;
            }
        }
        messages_ = counted;
    }
    const std::uint64_t left = capacity_ - offset_;
    if (word != layout::skip_word(left - record_header_bytes, messages_)) return sight::corrupt;
    head_ += left;
    offset_ = 0;
    store_release(consumer_->head, head_);  // [S8] release -> [S7] in writer::look: the leave to overwrite the skip
    return sight::moved;
}

std::uint64_t record_reader::depth() const noexcept {
    const std::uint64_t depth = load_relaxed(producer_->messages) - messages_;  // a figure: it is old when it is read
    return static_cast<std::int64_t>(depth) < 0 ? 0 : std::min(depth, capacity_ / record_header_bytes);
}

const char* check_records(const ring_view& view) noexcept {
    const std::uint64_t head = load_relaxed(view.consumer->head);  // nobody works on the ring
    const std::uint64_t stored = load_relaxed(view.producer->tail);
    if (!aligned(stored)) return "the tail is no multiple of 8 (R1)";  // nor would the walk stay inside the ring
    const extent beyond = walk(view, stored, load_relaxed(view.producer->messages));
    if (!beyond.sound) return "no word 0 behind the tail (R2)";
    if (!within(head, beyond.tail, view.shape.capacity)) return "head and tail are impossible together (R1)";
    if (stored - head <= view.shape.capacity && head != stored) {
        const extent all = walk(view, head, load_relaxed(view.consumer->messages));
        if (!all.sound || all.tail != beyond.tail) return "the records from head on do not lead to the tail (R1)";
        if (all.messages != beyond.messages) return "the records between head and tail are not as many as were counted";
    }
    return nullptr;
}

bool repair_records(const ring_view& view) noexcept {
    const std::uint64_t stored = load_relaxed(view.producer->tail);
    if (!aligned(stored)) return false;
    // The walk begins at the stored tail, not at head: what the dead writer published there stays in place even when
    // the reader has passed it, since only a writer overwrites.
    const extent found = walk(view, stored, load_relaxed(view.producer->messages));
    // A head that grows meanwhile stays within; the leave to overwrite is taken by look(), not here.
    if (!found.sound || !within(load_relaxed(view.consumer->head), found.tail, view.shape.capacity)) return false;
    store_relaxed(view.producer->messages, found.messages);
    compiler_fence();
    store_relaxed(view.producer->tail, found.tail);
    store_relaxed(view.producer->claim_open, std::uint64_t{0});
    return true;
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
