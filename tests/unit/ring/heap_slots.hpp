// heap_slots.hpp: a ring of slots in heap memory of exactly its size, and endpoints on it.
#pragma once

#include "noria/layout/geometry.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/ring/slot_ring.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace noria::unit {

inline layout::shape slots_shape(std::uint64_t capacity, std::uint64_t endpoints = 4,
                                 layout::message_form form = layout::message_form::fixed) {
    return {.kind = layout::queue_kind::mpmc,
            .form = form,
            .message_align = 8,
            .message_bytes = 8,
            .type_tag = 0,
            .capacity = capacity,
            .endpoints = endpoints};
}

class heap_slots {
public:
    explicit heap_slots(const layout::shape& shape)
        : tallies_(shape.endpoints), parking_(shape.parking * layout::place(shape).parking_place_bytes / 64),
          shape_(shape), slot_bytes_(layout::place(shape).slot_bytes), size_(layout::place(shape).ring_bytes),
          slots_(static_cast<std::byte*>(::operator new (size_, std::align_val_t{128}))) {
        std::memset(slots_.get(), 0, size_);
    }

    // As the endpoint with that roster entry sees it.
    [[nodiscard]] ring::ring_view view(std::uint64_t self = 0) noexcept {
        return {.producer = &producer_,
                .consumer = &consumer_,
                .records = slots_.get(),
                .shape = shape_,
                .returned = &returned_,
                .tallies = tallies_.data(),
                .parking = reinterpret_cast<std::byte*>(parking_.data()),
                .self = self};
    }
    [[nodiscard]] std::uint64_t& word(std::uint64_t index) const noexcept {
        return *reinterpret_cast<std::uint64_t*>(slots_.get() + index * slot_bytes_);
    }
    [[nodiscard]] layout::tally_line& tally(std::uint64_t entry) noexcept { return tallies_[entry]; }
    [[nodiscard]] layout::producer_line& producer() noexcept { return producer_; }
    [[nodiscard]] layout::consumer_line& consumer() noexcept { return consumer_; }
    [[nodiscard]] std::uint64_t capacity() const noexcept { return shape_.capacity; }

    // An empty ring as it is when its next position is the first of that lap.
    void begin_at_lap(std::uint64_t lap) noexcept {
        for (std::uint64_t i = 0; i < shape_.capacity; ++i) word(i) = lap << layout::lap_shift;
        producer_.tail = consumer_.head = lap * shape_.capacity;
    }

    // What whoever has the proof of that entry's death does (queue/crowd.cpp does the same through the journal).
    void recover(std::uint64_t dead) noexcept {
        tallies_[dead] = ring::tally_after(view(), dead);
        ring::release_dead(view(), dead);
        ring::raise_returned(view());
    }

private:
    struct release {
        void operator()(std::byte* block) const noexcept { ::operator delete (block, std::align_val_t{128}); }
    };
    layout::producer_line producer_{};
    layout::consumer_line consumer_{};
    std::uint64_t returned_ = 0;
    struct alignas(64) line {
        std::uint64_t words[8];
    };
    std::vector<layout::tally_line> tallies_;
    std::vector<line> parking_;
    layout::shape shape_;
    std::uint64_t slot_bytes_;
    std::uint64_t size_;
    std::unique_ptr<std::byte, release> slots_;
};

// What an endpoint does on its slow path, without waiting.
inline std::byte* claim(ring::slot_writer& writer) {
    for (;;) {
        if (std::byte* const room = writer.claim(8)) return room;
        if (writer.look(8) != ring::sight::ready) return nullptr;
    }
}
inline bool push(ring::slot_writer& writer, std::uint64_t number) {
    std::byte* const room = claim(writer);
    if (room == nullptr) return false;
    std::memcpy(room, &number, sizeof number);
    writer.commit(sizeof number);
    return true;
}
inline bool is_drained(const ring::slot_reader& reader) {
    std::uint64_t holder = 0;
    return reader.drained(holder) == ring::sight::ready;
}
inline const std::byte* take(ring::slot_reader& reader) {
    for (;;) {
        if (const std::byte* const message = reader.take()) return message;
        if (reader.look() != ring::sight::ready) return nullptr;
    }
}
inline std::uint64_t number_in(const std::byte* message) {
    std::uint64_t number = 0;
    std::memcpy(&number, message, sizeof number);
    return number;
}
constexpr std::uint64_t none = ~std::uint64_t{0};
inline std::uint64_t pop(ring::slot_reader& reader) {
    const std::byte* const message = take(reader);
    if (message == nullptr) return none;
    const std::uint64_t number = number_in(message);
    return reader.release(message) ? number : none;
}

}  // namespace noria::unit

// SPDX-License-Identifier: BSL-1.0
