// shareable.hpp: which types may travel between processes, and the tag by which two programs know they mean the same.
#pragma once

#include "noria/core/bits.hpp"
#include "noria/core/value_kinds.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>

namespace noria::inline v1 {

class bytes;

// Types that are trivially copyable and yet hold an address, which means nothing in another process.
template <class T>
struct holds_an_address : std::bool_constant<std::is_pointer_v<T> || std::is_member_pointer_v<T> ||
                                             std::is_null_pointer_v<T> || std::is_reference_v<T>> {};
template <class C, class Traits>
struct holds_an_address<std::basic_string_view<C, Traits>> : std::true_type {};
template <class T, std::size_t Extent>
struct holds_an_address<std::span<T, Extent>> : std::true_type {};
template <class T>
struct holds_an_address<std::reference_wrapper<T>> : std::true_type {};
template <class T, std::size_t N>
struct holds_an_address<T[N]> : holds_an_address<T> {};

// The largest message: its length has 30 bits in a record's header.
constexpr std::size_t message_bytes_limit = (std::size_t{1} << 30) - 1;

// A type whose bytes are its value: it means the same in every process that maps it. A pointer inside a struct cannot
// be seen from here; keep them out yourself.
template <class T>
concept shareable = std::is_object_v<T> && std::is_trivially_copyable_v<T> && !std::is_const_v<T> &&
                    !std::is_volatile_v<T> && !std::is_array_v<T> && !holds_an_address<T>::value &&
                    !std::is_same_v<T, bytes> && alignof(T) <= 64 && sizeof(T) <= message_bytes_limit;

// Says, one by one, why a type is refused: the compiler's message is the documentation.
template <class T>
constexpr bool assert_shareable() {
    static_assert(!std::is_pointer_v<T>, "noria: a pointer means nothing in another process; send what it points to");
    static_assert(!std::is_reference_v<T>, "noria: a reference means nothing in another process; send the value");
    static_assert(!holds_an_address<T>::value || std::is_pointer_v<T> || std::is_reference_v<T>,
                  "noria: string_view, span and their like hold an address; send noria::bytes or an array in a struct");
    static_assert(!std::is_array_v<T>, "noria: send a struct that holds the array, or std::array");
    static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                  "noria: name the message type without const, volatile");
    static_assert(
        std::is_reference_v<T> || std::is_trivially_copyable_v<T>,
        "noria: a message is copied as bytes; its type must be trivially copyable (no std::string, no vector)");
    static_assert(std::is_reference_v<T> || alignof(T) <= 64, "noria: messages are aligned to at most 64 bytes");
    static_assert(std::is_reference_v<T> || sizeof(T) <= message_bytes_limit, "noria: a message has below 2^30 bytes");
    return shareable<T>;
}

template <class T>
concept named_message = requires {
    std::string_view{T::noria_name};
};

// Two programs are kept apart at open if their message types differ in size, alignment, the kinds of their values
// (value_kinds.hpp) or noria_name (`static constexpr std::string_view noria_name`). What the values mean, the compiler cannot
// know: a type whose meaning changes needs another noria_name. typeid takes no part: its text differs between compilers.
template <shareable T>
consteval std::uint64_t type_tag() {
    std::uint64_t hash = fnv1a(alignof(T), fnv1a(sizeof(T), fnv1a("noria message")));
    constexpr value_codes values = codes_of_values<T>();
    hash = fnv1a(values.count, hash);
    for (std::size_t i = 0; i < values.count; ++i) hash = fnv1a_byte(values.code[i], hash);
    if constexpr (named_message<T>) hash = fnv1a(std::string_view{T::noria_name}, hash);
    return hash;
}
consteval std::uint64_t bytes_type_tag() { return fnv1a("noria bytes"); }

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
