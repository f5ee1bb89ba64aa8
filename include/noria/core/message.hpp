// message.hpp: what travels: noria::bytes, a view of a message of any size; popped, one copied out; and copying one in.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/shareable.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace noria::inline v1 {

// The bytes of one message, wherever they are. As a queue's message type, `spsc<bytes>`, it stands for messages of any
// size from 0 to the queue's message_bytes_max. It owns nothing: it is valid as long as what it looks at.
class bytes {
public:
    constexpr bytes() noexcept = default;
    constexpr bytes(const std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}
    constexpr bytes(std::span<const std::byte> view) noexcept : data_(view.data()), size_(view.size()) {}
    bytes(std::string_view text) noexcept
        : data_(reinterpret_cast<const std::byte*>(text.data())), size_(text.size()) {}
    bytes(const char* text) noexcept : bytes(std::string_view(text)) {}

    [[nodiscard]] constexpr const std::byte* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] constexpr std::span<const std::byte> span() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }
    [[nodiscard]] constexpr const std::byte* begin() const noexcept { return data_; }
    [[nodiscard]] constexpr const std::byte* end() const noexcept { return data_ + size_; }
    constexpr operator std::span<const std::byte>() const noexcept { return {data_, size_}; }

private:
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

// What pop returns: a message of its own, or nothing. Like std::optional<const T>, and it knows how often the message
// was handed out: deliveries() is 1, or more if an earlier holder died (or threw) before releasing it.
template <class T>
class popped {
public:
    popped() noexcept = default;
    popped(const std::byte* message, unsigned deliveries) noexcept : deliveries_(deliveries) {
        std::memcpy(storage_, message, sizeof(T));
    }

    explicit operator bool() const noexcept { return deliveries_ != 0; }
    const T& operator*() const noexcept { return *std::launder(reinterpret_cast<const T*>(storage_)); }
    const T* operator->() const noexcept { return &**this; }
    [[nodiscard]] unsigned deliveries() const noexcept { return static_cast<unsigned>(deliveries_); }

private:
    alignas(T) std::byte storage_[sizeof(T)];
    std::size_t deliveries_ = 0;  // a whole word, so that no half of one has to be kept
};

// A popped message of bytes lies in the buffer given to pop, or in the consumer's own, where the next pop overwrites it.
template <>
class popped<bytes> {
public:
    popped() noexcept = default;
    popped(bytes message, unsigned deliveries) noexcept : message_(message), deliveries_(deliveries) {}

    explicit operator bool() const noexcept { return deliveries_ != 0; }
    const bytes& operator*() const noexcept { return message_; }
    const bytes* operator->() const noexcept { return &message_; }
    // In bytes. After buffer_too_small: what the buffer must hold; the message is still first in the queue.
    [[nodiscard]] std::size_t size() const noexcept { return message_.size(); }
    [[nodiscard]] unsigned deliveries() const noexcept { return deliveries_; }

private:
    bytes message_;
    unsigned deliveries_ = 0;
};

// Copies a message into its room. A small one goes by words: it was written a moment ago, and a load that is wider than those
// stores would wait until they have left the processor (three times the time of a push of 64 bytes).
constexpr std::size_t copied_by_words = 128;  // at most

[[gnu::always_inline]] inline void copy_word(std::byte* room, const std::byte* from) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    // Relaxed: the ring's word publishes it; and a store that the compiler may not make part of a wider one.
    store_relaxed(*reinterpret_cast<std::uint64_t*>(room), word);
}
// Of known size.
template <std::size_t Bytes, std::size_t Align>
[[gnu::always_inline]] inline void copy_into_room(std::byte* room, const void* message) noexcept {
    constexpr std::size_t words = Align >= 8 && Bytes <= copied_by_words ? Bytes / 8 : 0;
    const auto* const from = static_cast<const std::byte*>(message);
    [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
        (copy_word(room + I * 8, from + I * 8), ...);
    }
    (std::make_index_sequence<words>{});
    if constexpr (words * 8 != Bytes) std::memcpy(room + words * 8, from + words * 8, Bytes - words * 8);
}
// Of any, into room that begins at a word.
inline void copy_into_room(std::byte* room, bytes message) noexcept {
    const std::size_t words = message.size() <= copied_by_words ? message.size() / 8 : 0;
    for (std::size_t i = 0; i < words; ++i) copy_word(room + i * 8, message.data() + i * 8);
    if (const std::size_t left = message.size() - words * 8; left != 0)
        std::memcpy(room + words * 8, message.data() + words * 8, left);
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
