// shareable_test.cpp: which types may travel and which are refused, decided by the compiler; and the types' tags.
#include "noria/core/shareable.hpp"

#include "noria/core/message.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <complex>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct tick {
    std::int64_t time_ns;
    double price;
};
enum class side : std::uint8_t { buy, sell };
struct nothing {};
struct with_array {
    char text[40];
    tick ticks[3];
};
struct alignas(64) aligned_64 {
    std::uint8_t bytes[64];
};
struct alignas(128) aligned_128 {
    std::uint8_t bytes[128];
};
union either {
    std::uint64_t number;
    char text[8];
};
struct with_private {
    explicit with_private(int value) : value_(value) {}
    [[nodiscard]] int value() const { return value_; }

private:
    int value_;
};
struct largest {
    std::byte bytes[noria::message_bytes_limit];
};
struct too_large {
    std::byte bytes[noria::message_bytes_limit + 1];
};
struct copies_itself {
    copies_itself(const copies_itself& other) : value(other.value) {}
    int value;
};
struct destroys_itself {
    ~destroys_itself() { value = 0; }
    int value;
};
struct with_string {
    std::string text;
};
struct polymorphic {
    virtual ~polymorphic() = default;
    int value;
};

// What travels.
static_assert(noria::shareable<tick> && noria::shareable<side> && noria::shareable<nothing>);
static_assert(noria::shareable<int> && noria::shareable<bool> && noria::shareable<double> &&
              noria::shareable<std::byte>);
static_assert(noria::shareable<with_array> && noria::shareable<std::array<tick, 4>>);
static_assert(noria::shareable<either> && noria::shareable<with_private> && noria::shareable<std::complex<double>>);
static_assert(noria::shareable<std::optional<int>>);
static_assert(noria::shareable<aligned_64>, "64 is the largest alignment");
static_assert(noria::shareable<largest>, "2^30 - 1 bytes is the largest size");

// What holds an address.
static_assert(!noria::shareable<int*> && !noria::shareable<const char*> && !noria::shareable<void*>);
static_assert(!noria::shareable<tick*> && !noria::shareable<int**> && !noria::shareable<void (*)()>);
static_assert(!noria::shareable<int tick::*> && !noria::shareable<void (tick::*)()> &&
              !noria::shareable<std::nullptr_t>);
static_assert(!noria::shareable<int&> && !noria::shareable<const tick&> && !noria::shareable<tick&&>);
static_assert(!noria::shareable<std::string_view> && !noria::shareable<std::wstring_view> &&
              !noria::shareable<std::u8string_view>);
static_assert(!noria::shareable<std::span<int>> && !noria::shareable<std::span<const std::byte, 8>>);
static_assert(!noria::shareable<std::reference_wrapper<int>> && !noria::shareable<std::reference_wrapper<const tick>>);
static_assert(!noria::shareable<noria::bytes>, "spsc<bytes> is another form of queue, not a type of message");

// What is no plain value.
static_assert(!noria::shareable<int[4]> && !noria::shareable<char[]> && !noria::shareable<int* [2]>);
static_assert(!noria::shareable<void> && !noria::shareable<int()>);
static_assert(!noria::shareable<const tick> && !noria::shareable<volatile int> &&
              !noria::shareable<const volatile int>);
static_assert(!noria::shareable<std::string> && !noria::shareable<std::vector<int>> &&
              !noria::shareable<std::unique_ptr<int>> && !noria::shareable<std::shared_ptr<int>>);
static_assert(!noria::shareable<copies_itself> && !noria::shareable<destroys_itself>);
static_assert(!noria::shareable<with_string> && !noria::shareable<polymorphic> &&
              !noria::shareable<std::function<void()>>);
static_assert(!noria::shareable<aligned_128>, "a slot is aligned to 64 bytes");
static_assert(!noria::shareable<too_large>, "a record's length has 30 bits");

struct same_as_tick {
    std::int64_t count;
    double value;
};
struct tick_of_24 {
    std::int64_t time_ns;
    double price;
    double volume;
};
struct alignas(16) tick_aligned_16 {
    std::int64_t time_ns;
    double price;
};
struct tick_named {
    static constexpr std::string_view noria_name = "exchange.tick";
    std::int64_t time_ns;
    double price;
};
struct tick_named_alike {
    static constexpr const char* noria_name = "exchange.tick";
    std::int64_t time_ns;
    double price;
};
struct tick_named_otherwise {
    static constexpr std::string_view noria_name = "exchange.tick/2";
    std::int64_t time_ns;
    double price;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(shareable)

BOOST_AUTO_TEST_CASE(types_are_told_apart_by_size_alignment_and_name) {
    const std::set<std::uint64_t> tags{
        noria::type_tag<tick>(),       noria::type_tag<tick_of_24>(),           noria::type_tag<tick_aligned_16>(),
        noria::type_tag<tick_named>(), noria::type_tag<tick_named_otherwise>(), noria::bytes_type_tag()};
    BOOST_TEST(tags.size() == 6U);
}

BOOST_AUTO_TEST_CASE(types_alike_in_size_alignment_and_name_have_one_tag) {
    BOOST_TEST(noria::type_tag<tick>() == noria::type_tag<same_as_tick>());
    BOOST_TEST(noria::type_tag<tick_named>() == noria::type_tag<tick_named_alike>());
}

// The tags stand in files: a change of one of these numbers makes every existing file one of another type.
BOOST_AUTO_TEST_CASE(tags_are_those_of_the_format) {
    const auto number = [](std::uint64_t value, std::uint64_t hash) { return noria::fnv1a(value, hash); };
    std::uint64_t tag = number(2, number(8, number(16, noria::fnv1a("noria message"))));
    for (const std::uint8_t code : {std::uint8_t{0x33}, std::uint8_t{0x53}}) tag = noria::fnv1a_byte(code, tag);
    BOOST_TEST(noria::type_tag<tick>() == tag);
    BOOST_TEST(noria::type_tag<tick_named>() == noria::fnv1a("exchange.tick", tag));
    BOOST_TEST(noria::bytes_type_tag() == noria::fnv1a("noria bytes"));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
