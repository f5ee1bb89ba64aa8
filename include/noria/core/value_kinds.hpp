// value_kinds.hpp: the kinds of the values that a message type consists of, found out by the compiler, for the type's tag.
//
// Method   An aggregate is asked, by expressions that are never evaluated, which initialisers it accepts. A probe converts to
//          whatever a requirement allows, so each value of the aggregate is asked bit by bit for the code of its kind. The
//          probe refuses aggregates: by the rules of brace elision the compiler then goes on to the aggregate's own values,
//          and to the elements of arrays. All of this is overload resolution: a type that cannot be asked is not an error.
// Limits   The first values_at_most values. A class that is no aggregate (private members, constructors) is one value, and so
//          is a union. Empty members and references end the search: such a type states no values.
// Source   The counting of initialisers is that of Boost.PFR.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace noria::inline v1 {

// FORMAT.md, "Type tag": these numbers are in the tag.
enum class value_kind : std::uint8_t {
    text_or_byte = 1,  // char, char8_t, std::byte
    boolean = 2,
    signed_integer = 3,
    unsigned_integer = 4,
    floating = 5,  // float, double, long double
    enumeration = 6,
    whole_union = 7,
    whole_class = 8,
    other = 9,  // pointers, integers and floating point beyond the standard's, vectors of a compiler's own
};

constexpr std::size_t values_at_most = 32;  // what costs a compiler some 20 ms; chosen by feel

template <class T>
constexpr bool is_taken_apart = std::is_class_v<T>&& std::is_aggregate_v<T>;

// The kind in the upper four bits; of a scalar, the logarithm of its size in the lower four. The standard's own types are
// listed, since std::is_integral and std::is_floating_point say of others what the language mode (gnu++, c++) says.
template <class T>
consteval std::uint8_t value_code() {
    using value = std::remove_cv_t<T>;
    constexpr auto is_one_of = []<class... Of>() { return (std::is_same_v<value, Of> || ...); };
    constexpr auto code = [](value_kind kind) {
        unsigned log = 0;
        while ((std::size_t{1} << log) < sizeof(value)) ++log;
        return static_cast<std::uint8_t>(static_cast<unsigned>(kind) << 4 | log);
    };
    if (is_one_of.template operator()<std::byte, char, char8_t>()) return code(value_kind::text_or_byte);
    if (is_one_of.template operator()<bool>()) return code(value_kind::boolean);
    if (is_one_of.template operator()<float, double, long double>()) return code(value_kind::floating);
    if (is_one_of.template operator()<signed char, short, int, long, long long>())
        return code(value_kind::signed_integer);
    if (is_one_of.template
        operator()<unsigned char, unsigned short, unsigned, unsigned long, unsigned long long, char16_t, char32_t>())
        return code(value_kind::unsigned_integer);
    if (is_one_of.template operator()<wchar_t>())
        return code(std::is_signed_v<wchar_t> ? value_kind::signed_integer : value_kind::unsigned_integer);
    if (std::is_enum_v<value>) return code(value_kind::enumeration);
    if (std::is_union_v<value>) return static_cast<unsigned>(value_kind::whole_union) << 4;
    if (std::is_class_v<value>) return static_cast<unsigned>(value_kind::whole_class) << 4;
    return static_cast<unsigned>(value_kind::other) << 4;
}

constexpr unsigned every_value = 8;  // instead of the number of a bit
constexpr unsigned classes_alone = 9;
constexpr unsigned unions_alone = 10;

template <class U, unsigned Bit>
concept answers_probe = !is_taken_apart<U> &&
                        (Bit == every_value || (Bit == classes_alone && std::is_class_v<U>) ||
                         (Bit == unions_alone && std::is_union_v<U>) || (Bit < 8 && (value_code<U>() >> Bit & 1) != 0));

// Converts to each type that answers; is never defined.
template <unsigned Bit>
struct value_probe {
    template <class U>
        requires answers_probe<U, Bit>
    operator U() const noexcept;
};

// Whether the aggregate accepts so many initialisers, if one of them converts to what has this bit alone.
template <class T, unsigned Bit, std::size_t... Before, std::size_t... Behind>
consteval bool accepts_value(std::index_sequence<Before...>, std::index_sequence<Behind...>) {
    return requires {
        T{(static_cast<void>(Before), value_probe<every_value>{})..., value_probe<Bit>{},
          (static_cast<void>(Behind), value_probe<every_value>{})...};
    };
}

template <class T, std::size_t Most = values_at_most>
consteval std::size_t count_of_values() {
    if constexpr (Most == 0)
        return 0;
    else if constexpr (accepts_value<T, every_value>(std::make_index_sequence<Most - 1>{}, std::index_sequence<>{}))
        return Most;
    else
        return count_of_values<T, Most - 1>();
}

struct value_codes {
    std::size_t count = 0;
    std::array<std::uint8_t, values_at_most> code{};
};

using bits_of_code = std::make_integer_sequence<unsigned, 8>;
template <class T, std::size_t At, std::size_t Count, unsigned... Bit>
consteval std::uint8_t value_code_at(std::integer_sequence<unsigned, Bit...>) {
    constexpr std::make_index_sequence<At> before;
    constexpr std::make_index_sequence<Count - At - 1> behind;
    // First: what a probe for a bit converts to may also make a class, or a union's first member, and both would answer.
    if (accepts_value<T, classes_alone>(before, behind)) return static_cast<unsigned>(value_kind::whole_class) << 4;
    if (accepts_value<T, unions_alone>(before, behind)) return static_cast<unsigned>(value_kind::whole_union) << 4;
    const unsigned found = ((accepts_value<T, Bit>(before, behind) ? 1U << Bit : 0U) | ...);
    const unsigned kind = found >> 4;
    const bool is_known = kind >= 1 && kind <= static_cast<unsigned>(value_kind::other);
    return static_cast<std::uint8_t>(is_known ? found : static_cast<unsigned>(value_kind::other) << 4);
}

template <class T>
consteval value_codes codes_of_values() {
    value_codes all;
    if constexpr (!is_taken_apart<T>) {
        all.count = 1;
        all.code[0] = value_code<T>();
    } else {
        all.count = count_of_values<T>();
        [&all]<std::size_t... At>(std::index_sequence<At...>) {
            ((all.code[At] = value_code_at<T, At, sizeof...(At)>(bits_of_code{})), ...);
        }
        (std::make_index_sequence<count_of_values<T>()>{});
    }
    return all;
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
