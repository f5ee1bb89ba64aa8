// message.hpp: what travels: noria::bytes, a view of a message of any size; popped, one copied out; and copying one in.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/shareable.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace noria::inline v1 {

// Types of which an array is what its bytes are.
template <class T>
constexpr bool is_character = std::is_same_v<T, char> || std::is_same_v<T, char8_t>;
template <class T>
constexpr bool is_byte_like = is_character<T> || std::is_same_v<T, std::byte> || std::is_same_v<T, unsigned char> ||
                              std::is_same_v<T, signed char>;
template <class T>
concept byte_like = is_byte_like<T>;

// Text that does not say where it ends: a pointer to it; or an array of characters, where the message may be all of it, or what
// stands before the first zero.
template <class T, class Pointer = std::decay_t<T>, class Pointee = std::remove_cv_t<std::remove_pointer_t<Pointer>>>
constexpr bool is_text_of_unknown_end = std::is_null_pointer_v<Pointer>;
template <class T, class Pointer, class Pointee>
    requires std::is_pointer_v<Pointer>
constexpr bool is_text_of_unknown_end<T, Pointer, Pointee> =
    std::is_array_v<std::remove_reference_t<T>> ? is_character<Pointee> : is_byte_like<Pointee>;
template <class T>
concept text_of_unknown_end = is_text_of_unknown_end<T>;

// What stands in one piece and knows its size: std::string, std::vector<std::byte>, std::array<char, 6>, std::byte[6] and so on.
template <class T>
concept range_of_bytes = !is_text_of_unknown_end<const T&> && requires(const T& range) {
    requires is_byte_like<std::remove_cv_t<std::remove_pointer_t<decltype(std::data(range))>>>;
    std::size_t{std::size(range)};
};

// The bytes of one message, wherever they are. As a queue's message type, `spsc<bytes>`, it stands for messages of any
// size from 0 to the queue's message_bytes_max. It owns nothing: it is valid as long as what it looks at.
class bytes {
public:
    constexpr bytes() noexcept = default;
    constexpr bytes(const std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <byte_like T>
    constexpr bytes(const T* data, std::size_t size) noexcept : data_(data), size_(size) {}
    constexpr bytes(std::span<const std::byte> view) noexcept : data_(view.data()), size_(view.size()) {}
    constexpr bytes(std::string_view text) noexcept : data_(text.data()), size_(text.size()) {}
    template <class T>
        requires range_of_bytes<T>
    constexpr bytes(const T& range) noexcept : data_(std::data(range)), size_(std::size(range)) {}
    // A literal, without the zero at its end; one with a zero inside does not compile: say std::string_view(text, size).
    template <std::size_t N>
    consteval bytes(const char (&text)[N]) noexcept : data_(text), size_(N - 1) {
        for (std::size_t i = 0; i < N; ++i) {
            if ((text[i] == '\0') != (i == N - 1)) this_array_of_char_is_no_text_say_string_view_or_span();
        }
    }
    template <text_of_unknown_end T>
    // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): it takes pointers and arrays alone
    bytes(T&&) = delete;  // noria: where does it end? Say std::string_view(text), or noria::bytes(data, size)

    [[nodiscard]] const std::byte* data() const noexcept { return static_cast<const std::byte*>(data_); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::span<const std::byte> span() const noexcept { return {data(), size_}; }
    [[nodiscard]] std::string_view text() const noexcept { return {static_cast<const char*>(data_), size_}; }
    [[nodiscard]] const std::byte* begin() const noexcept { return data(); }
    [[nodiscard]] const std::byte* end() const noexcept { return data() + size_; }
    operator std::span<const std::byte>() const noexcept { return span(); }

private:
    static void this_array_of_char_is_no_text_say_string_view_or_span();  // never defined: it ends a compilation

    // Of void: a constant expression cannot make the address of a std::byte from that of a literal's char.
    const void* data_ = nullptr;
    std::size_t size_ = 0;
};

// Of a typed message that pop returns by value: 64 KiB. It lies on the caller's stack, and the smallest usual stack of a thread
// has 128 KiB (musl). Larger messages are read in place: take(), consume_some().
constexpr std::size_t popped_bytes_limit = std::size_t{1} << 16;

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
    const T* operator->() const noexcept { return std::addressof(**this); }
    [[nodiscard]] unsigned deliveries() const noexcept { return static_cast<unsigned>(deliveries_); }
    void forget() noexcept { deliveries_ = 0; }  // from now on there is no message

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
