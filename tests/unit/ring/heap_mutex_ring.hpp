// heap_mutex_ring.hpp: a ring under a mutex in heap memory of exactly its size, which can be copied and put back.
#pragma once

#include "noria/layout/geometry.hpp"
#include "noria/ring/mutex_ring.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace noria::unit {

// `capacity`: messages of 8 bytes, or bytes.
inline layout::shape mutex_shape(layout::message_form form, std::uint64_t capacity,
                                 layout::queue_kind kind = layout::queue_kind::mpmc) {
    return {.kind = kind,
            .coordinated = coordination::robust_mutex,
            .form = form,
            .message_align = 8,
            .message_bytes = form == layout::message_form::fixed ? 8 : capacity - 16,
            .type_tag = 0,
            .capacity = capacity,
            .endpoints = 4};
}

class heap_mutex_ring {
public:
    explicit heap_mutex_ring(const layout::shape& shape, std::uint64_t position = 0)
        : shape_(shape), size_(layout::place(shape).ring_bytes),
          records_(static_cast<std::byte*>(::operator new (size_, std::align_val_t{128}))) {
        std::memset(records_.get(), 0, size_);
        auto& page = words.pages[0];
        page.head = page.next = page.tail = page.record = position;
        attached = ring.attach(view());
    }

    [[nodiscard]] ring::ring_view view() noexcept {
        ring::ring_view all;
        all.records = records_.get();
        all.shape = shape_;
        all.mutual = &words;
        return all;
    }
    [[nodiscard]] const layout::shape& shape() const noexcept { return shape_; }
    [[nodiscard]] std::byte* records() const noexcept { return records_.get(); }
    [[nodiscard]] std::uint64_t ring_bytes() const noexcept { return size_; }
    [[nodiscard]] layout::mutex_page& page() noexcept { return words.pages[words.line.turn & 1]; }
    [[nodiscard]] layout::mutex_page& other_page() noexcept { return words.pages[1 - (words.line.turn & 1)]; }
    [[nodiscard]] std::uint64_t& word(std::uint64_t position) const noexcept {
        const std::uint64_t unit = shape_.form == layout::message_form::fixed ? layout::place(shape_).slot_bytes : 1;
        return *reinterpret_cast<std::uint64_t*>(records_.get() + (position & (shape_.capacity - 1)) * unit);
    }

    // All that would be in the file.
    struct image {
        layout::mutex_words words;
        std::vector<std::byte> records;
    };
    [[nodiscard]] image save() const { return {words, {records_.get(), records_.get() + size_}}; }
    void restore(const image& from) noexcept {
        words = from.words;
        std::memcpy(records_.get(), from.records.data(), size_);
    }

    layout::mutex_words words{};
    ring::mutex_ring ring;
    bool attached = false;

private:
    struct release {
        void operator()(std::byte* block) const noexcept { ::operator delete (block, std::align_val_t{128}); }
    };
    layout::shape shape_;
    std::uint64_t size_;
    std::unique_ptr<std::byte, release> records_;
};

}  // namespace noria::unit

// SPDX-License-Identifier: BSL-1.0
