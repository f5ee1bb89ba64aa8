// heap_ring.hpp: an spsc ring in heap memory of exactly its size, where a sanitizer sees each step over its edge.
#pragma once

#include "noria/layout/geometry.hpp"
#include "noria/layout/record.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/ring/fixed_ring.hpp"
#include "noria/ring/record_ring.hpp"
#include "noria/ring/ring_view.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>

namespace noria::unit {

inline layout::shape fixed_shape(std::uint64_t message_bytes, std::uint64_t capacity, std::uint32_t align = 8) {
    return {.form = layout::message_form::fixed,
            .message_align = align,
            .message_bytes = message_bytes,
            .type_tag = 0,
            .capacity = capacity};
}

// The alignments for which messages of 8 bytes share a slot's word, seven of them, and for which each has its own.
constexpr std::uint32_t alignments[] = {8, 16};

inline layout::shape bytes_shape(std::uint64_t capacity_bytes, std::uint64_t message_bytes_max = 0) {
    return {.form = layout::message_form::bytes,
            .message_align = 8,
            .message_bytes = message_bytes_max != 0 ? message_bytes_max : capacity_bytes - 16,
            .type_tag = 0,
            .capacity = capacity_bytes};
}

// The ring and its two lines, each in a block of its own.
class heap_ring {
public:
    explicit heap_ring(const layout::shape& shape)
        : producer_(new layout::producer_line{}), consumer_(new layout::consumer_line{}),
          size_(layout::place(shape).ring_bytes),
          records_(static_cast<std::byte*>(::operator new (size_, std::align_val_t{128}))), shape_(shape) {
        std::memset(records_.get(), 0, size_);
    }

    [[nodiscard]] ring::ring_view view() const noexcept {
        return {.producer = producer_.get(), .consumer = consumer_.get(), .records = records_.get(), .shape = shape_};
    }
    [[nodiscard]] layout::producer_line& producer() const noexcept { return *producer_; }
    [[nodiscard]] layout::consumer_line& consumer() const noexcept { return *consumer_; }
    [[nodiscard]] std::span<std::byte> records() const noexcept { return {records_.get(), size_}; }
    [[nodiscard]] std::uint64_t& word_at(std::uint64_t offset) const noexcept {
        return *reinterpret_cast<std::uint64_t*>(records_.get() + offset);
    }
    [[nodiscard]] bool contains(const std::byte* data, std::uint64_t bytes) const noexcept {
        return data >= records_.get() && bytes <= size_ &&
               static_cast<std::uint64_t>(data - records_.get()) <= size_ - bytes;
    }

    // An empty ring as it is after so long a life: so many positions passed and messages sent.
    void begin_at(std::uint64_t position, std::uint64_t messages) const noexcept {
        producer_->tail = consumer_->head = consumer_->taken = consumer_->seen = position;
        if (shape_.form == layout::message_form::bytes) {
            producer_->messages = consumer_->messages = messages;
        } else if (const ring::slot_plan plan(shape_.message_bytes, shape_.message_align);
                   position % plan.messages != 0) {
            const std::uint64_t slots = layout::stream_slots(shape_.capacity, plan.messages);
            word_at(position / plan.messages % slots * plan.slot_bytes) = plan.word(position - 1);
        }
    }

private:
    struct release {
        void operator()(std::byte* block) const noexcept { ::operator delete (block, std::align_val_t{128}); }
    };
    std::unique_ptr<layout::producer_line> producer_;
    std::unique_ptr<layout::consumer_line> consumer_;
    std::uint64_t size_;
    std::unique_ptr<std::byte, release> records_;
    layout::shape shape_;
};

// What an endpoint does on its slow path, without waiting: looks until there is room, none, or something is wrong.
template <class Writer>
std::byte* room_for(Writer& writer, std::uint64_t bytes, ring::sight& found) {
    found = ring::sight::ready;
    if (std::byte* const room = writer.claim(bytes)) return room;
    for (int round = 0; round < 3; ++round) {
        found = writer.look(bytes);
        if (found == ring::sight::ready) return writer.claim(bytes);
        if (found != ring::sight::moved) return nullptr;
    }
    found = ring::sight::corrupt;
    return nullptr;
}

template <class Writer>
ring::sight push(Writer& writer, const void* message, std::uint64_t bytes) {
    ring::sight found{};
    std::byte* const room = room_for(writer, bytes, found);
    if (room == nullptr) return found;
    if (bytes != 0) std::memcpy(room, message, bytes);
    writer.commit(bytes);
    return ring::sight::ready;
}

template <class Writer>
ring::sight push(Writer& writer, const std::string& message) {
    return push(writer, message.data(), message.size());
}
template <class Writer>
ring::sight push(Writer& writer, std::uint64_t message) {
    return push(writer, &message, sizeof message);
}

template <class Reader>
const std::byte* first_message(Reader& reader, ring::sight& found) {
    found = ring::sight::ready;
    if (const std::byte* const message = reader.take()) return message;
    for (int round = 0; round < 3; ++round) {
        found = reader.look();
        if (found == ring::sight::ready) return reader.take();
        if (found != ring::sight::moved) return nullptr;
    }
    found = ring::sight::corrupt;
    return nullptr;
}

// The first message, released; nothing if there is none.
template <class Reader>
std::optional<std::string> pop(Reader& reader) {
    ring::sight found{};
    const std::byte* const message = first_message(reader, found);
    if (message == nullptr) return std::nullopt;
    std::string copy(reader.taken_bytes(), '\0');
    if (!copy.empty()) std::memcpy(copy.data(), message, copy.size());
    reader.release();
    return copy;
}

template <class Reader>
std::optional<std::uint64_t> pop_number(Reader& reader) {
    const auto message = pop(reader);
    if (!message || message->size() != sizeof(std::uint64_t)) return std::nullopt;
    std::uint64_t number = 0;
    std::memcpy(&number, message->data(), sizeof number);
    return number;
}

// What a recovery stores after a consumer's death (queue/recovery.cpp does the same through the journal).
inline void recover_consumer(const heap_ring& memory) noexcept {
    const ring::redelivery again = ring::redelivery_after(memory.consumer());
    memory.consumer().seen = again.seen;
    memory.consumer().redelivered = again.redelivered;
    memory.consumer().taken = memory.consumer().head;
}

// Two endpoints on one ring, as they are after attaching.
template <class Writer, class Reader>
struct pair {
    heap_ring memory;
    Writer writer;
    Reader reader;
    bool attached;

    explicit pair(const layout::shape& shape, std::uint64_t position = 0, std::uint64_t messages = 0) : memory(shape) {
        memory.begin_at(position, messages);
        attached = writer.attach(memory.view()) && reader.attach(memory.view());
    }
};
using fixed_pair = pair<ring::fixed_writer, ring::fixed_reader>;
using record_pair = pair<ring::record_writer, ring::record_reader>;

}  // namespace noria::unit

// SPDX-License-Identifier: BSL-1.0
