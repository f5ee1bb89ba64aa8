// value_kinds_test.cpp: the values that a type states, and so which types of one size are told apart.
//
// Each type stands beside the codes that FORMAT.md gives it. The same file is compiled by both compilers and in several
// language modes (tests/install/headers), so that all of them agree.
#include "noria/core/value_kinds.hpp"

#include "noria/core/shareable.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

namespace {

template <class T>
constexpr bool states(std::initializer_list<unsigned> codes) {
    constexpr noria::value_codes found = noria::codes_of_values<T>();
    if (found.count != codes.size()) return false;
    std::size_t at = 0;
    for (const unsigned each : codes) {
        if (found.code[at++] != each) return false;
    }
    return true;
}

template <class One, class Other>
constexpr bool differ = sizeof(One) == sizeof(Other) &&
                        alignof(One) == alignof(Other) && noria::type_tag<One>() != noria::type_tag<Other>();

struct order {
    std::int32_t volume;
    float price;
};
struct order_swapped {
    float price;
    std::int32_t volume;
};
struct order_of_integers {
    std::int32_t volume;
    std::int32_t price;
};
enum class side : std::int32_t { buy, sell };
struct order_of_sides {
    side which;
    float price;
};
struct nested {
    order first;
    bool flag;
    order_swapped more[2];
};
struct job {
    std::uint64_t number;
    char file[4];
    std::array<std::uint8_t, 3> colour;
};
struct derived : order {
    double more;
};
union either {
    std::int32_t number;
    float price;
};
struct with_unnamed_union {
    int kind;
    union {
        std::int32_t number;
        double price;
    };
    double after;
};
struct with_bits {
    unsigned a : 3;
    bool b : 1;
    int c : 4;
};
struct with_constants {
    const int a;
    volatile float b;
    std::int16_t c = 5;
};
class made_by_constructor {
public:
    explicit made_by_constructor(int number) : number_(number) {}
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};
struct holds_classes {
    std::chrono::nanoseconds time;
    made_by_constructor one;
    std::optional<int> perhaps;
    std::variant<int, float> which;
    std::bitset<70> flags;
    std::complex<double> wave;
    float last;
};
struct takes_all {
    template <class U>
    takes_all(U&&) noexcept {}
    int number = 0;
};
struct holds_one_that_takes_all {
    std::int16_t first;
    takes_all all;
    float last;
};
struct letters {
    char a;
    char8_t b;
    std::byte c;
    signed char d;
    unsigned char e;
    bool f;
    wchar_t g;
    char16_t h;
    char32_t i;
};
struct pointers {
    int* to;
    void (*function)();
    float last;
};
struct thirty_three {
    std::int16_t many[31];
    float last_seen;
    double unseen;
};
struct thirty_three_otherwise {
    std::int16_t many[31];
    float last_seen;
    std::uint64_t unseen;
};
struct huge {
    char text[12 << 20];
};
struct nothing {};
struct begins_with_nothing {
    nothing none;
    int number;
};
struct refers {
    int& to;
};

static_assert(states<float>({0x52}) && states<double>({0x53}) && states<std::int32_t>({0x32}));
static_assert(states<std::uint64_t>({0x43}) && states<bool>({0x20}) && states<char>({0x10}) && states<side>({0x62}));
static_assert(states<long>({0x33}) && states<long long>({0x33}), "int64_t is the one or the other");
static_assert(states<order>({0x32, 0x52}) && states<order_swapped>({0x52, 0x32}));
static_assert(states<std::array<float, 3>>({0x52, 0x52, 0x52}));
static_assert(states<nested>({0x32, 0x52, 0x20, 0x52, 0x32, 0x52, 0x32}));
static_assert(states<job>({0x43, 0x10, 0x10, 0x10, 0x10, 0x40, 0x40, 0x40}));
static_assert(states<derived>({0x32, 0x52, 0x53}));
static_assert(states<either>({0x70}) && states<with_unnamed_union>({0x32, 0x70, 0x53}));
static_assert(states<with_bits>({0x42, 0x20, 0x32}) && states<with_constants>({0x32, 0x52, 0x31}));
static_assert(states<made_by_constructor>({0x80}) && states<std::optional<int>>({0x80}));
static_assert(states<holds_classes>({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x52}));
static_assert(states<holds_one_that_takes_all>({0x31, 0x80, 0x52}));
static_assert(states<letters>({0x10, 0x10, 0x10, 0x30, 0x40, 0x20, 0x32, 0x41, 0x42}), "where wchar_t is signed");
static_assert(states<pointers>({0x90, 0x90, 0x52}));
static_assert(states<nothing>({}) && states<begins_with_nothing>({}) && states<refers>({}));
static_assert(noria::codes_of_values<huge>().count == noria::values_at_most);
static_assert(noria::codes_of_values<thirty_three>().code[31] == 0x52);

// What was accepted before there were kinds, and gave wrong values.
static_assert(differ<float, std::int32_t> && differ<double, std::uint64_t> && differ<std::int32_t, std::uint32_t>);
static_assert(differ<order, order_swapped> && differ<order, order_of_integers> && differ<order, order_of_sides>);
static_assert(differ<std::array<float, 2>, std::array<std::int32_t, 2>> && differ<bool, char> && differ<side, int>);
// What is not told apart, as FORMAT.md says: what stands behind the last value that is asked.
static_assert(!differ<thirty_three, thirty_three_otherwise>);

}  // namespace

#ifndef NORIA_NO_BOOST
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(value_kinds)

BOOST_AUTO_TEST_CASE(types_of_one_size_are_told_apart_by_the_kinds_of_their_values) {
    // The compiler has proved all of the above; this runs one of them.
    BOOST_TEST(noria::type_tag<order>() != noria::type_tag<order_swapped>());
}

BOOST_AUTO_TEST_SUITE_END()
#endif

// SPDX-License-Identifier: BSL-1.0
