// message_test.cpp: bytes looks at what it is given and owns nothing; popped is a message of its own, or nothing.
#include "noria/core/message.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

struct tick {
    std::int64_t time_ns;
    double price;
};
struct alignas(64) wide {
    std::uint64_t value;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(message)

BOOST_AUTO_TEST_CASE(bytes_looks_at_what_it_is_given) {
    const std::string text("a message\0with a zero", 21);
    const noria::bytes from_text{std::string_view(text)};
    BOOST_TEST(static_cast<const void*>(from_text.data()) == static_cast<const void*>(text.data()));
    BOOST_TEST(from_text.text() == text);
    BOOST_TEST(noria::bytes("abc").size() == 3U);

    const std::vector<std::byte> data(17);
    const noria::bytes from_span{std::span(data)};
    BOOST_TEST((from_span.data() == data.data()));
    BOOST_TEST(from_span.span().size() == 17U);
    BOOST_TEST(from_span.end() - from_span.begin() == 17);
    const std::span<const std::byte> again = from_span;
    BOOST_TEST((again.data() == data.data()));
}

BOOST_AUTO_TEST_CASE(bytes_of_nothing_is_empty) {
    BOOST_TEST(noria::bytes{}.empty());
    BOOST_TEST(noria::bytes{}.text().empty());
    BOOST_TEST(noria::bytes("").empty());
    BOOST_TEST(!noria::bytes("a").empty());
}

BOOST_AUTO_TEST_CASE(bytes_of_what_knows_its_size_is_all_of_it) {
    // Each with a zero in the middle, and one at its end.
    const char letters[] = {'a', 0, 'b', 0};
    std::byte raw[4]{};
    unsigned char numbers[4]{};
    const std::string text(letters, 4);
    BOOST_TEST(noria::bytes(text).text() == text);
    BOOST_TEST(noria::bytes(std::string_view(text)).text() == text);
    BOOST_TEST(noria::bytes(letters, 4).text() == text);
    BOOST_TEST(noria::bytes(std::span(letters)).text() == text);
    BOOST_TEST(noria::bytes(std::to_array(letters)).size() == 4U);
    BOOST_TEST(noria::bytes(raw).size() == 4U);
    BOOST_TEST(noria::bytes(numbers).size() == 4U);
    BOOST_TEST(noria::bytes(std::vector<std::byte>(4)).size() == 4U);
    BOOST_TEST(noria::bytes(std::vector<char>(4)).size() == 4U);
    const noria::bytes literal = "ab";
    BOOST_TEST(literal.text() == "ab");
}

// Where does it end? Sent by the first zero, a binary message lost its rest.
BOOST_AUTO_TEST_CASE(bytes_is_not_made_of_what_does_not_say_where_it_ends) {
    static_assert(!std::is_constructible_v<noria::bytes, const char*> && !std::is_constructible_v<noria::bytes, char*>);
    static_assert(!std::is_constructible_v<noria::bytes, char(&)[6]>);
    static_assert(!std::is_constructible_v<noria::bytes, const std::byte*>);
    static_assert(!std::is_constructible_v<noria::bytes, std::nullptr_t>);
    static_assert(!std::is_constructible_v<noria::bytes, std::vector<int>>);
    BOOST_TEST((std::is_nothrow_convertible_v<const std::string&, noria::bytes>));
}

BOOST_AUTO_TEST_CASE(popped_by_default_is_nothing) {
    BOOST_TEST(!noria::popped<tick>{});
    BOOST_TEST(!noria::popped<noria::bytes>{});
    BOOST_TEST(noria::popped<tick>{}.deliveries() == 0U);
}

BOOST_AUTO_TEST_CASE(popped_keeps_a_copy_when_its_source_has_changed) {
    alignas(tick) std::array<std::byte, sizeof(tick)> source{};
    const tick sent{.time_ns = 42, .price = 101.5};
    std::memcpy(source.data(), &sent, sizeof sent);
    const noria::popped<tick> got(source.data(), 1);
    source.fill(std::byte{0xee});
    BOOST_REQUIRE(static_cast<bool>(got));
    BOOST_TEST(got->time_ns == 42);
    BOOST_TEST((*got).price == 101.5);
    BOOST_TEST(got.deliveries() == 1U);
    const noria::popped<tick> copy = got;
    BOOST_TEST(copy->price == 101.5);
}

BOOST_AUTO_TEST_CASE(popped_is_aligned_as_its_message) {
    static_assert(alignof(noria::popped<wide>) == 64);
    alignas(64) const std::array<std::byte, sizeof(wide)> source{};
    const noria::popped<wide> got(source.data(), 2);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(&*got) % 64 == 0U);
    BOOST_TEST(got.deliveries() == 2U);
}

BOOST_AUTO_TEST_CASE(popped_bytes_knows_the_size_even_of_what_did_not_fit) {
    const noria::popped<noria::bytes> refused(noria::bytes(nullptr, 100), 0);
    BOOST_TEST(!refused);
    BOOST_TEST(refused.size() == 100U);
    const noria::popped<noria::bytes> empty(noria::bytes(""), 1);  // an empty message is a message
    BOOST_TEST(static_cast<bool>(empty));
    BOOST_TEST(empty->empty());
}

BOOST_AUTO_TEST_CASE(messages_of_every_size_are_copied_whole_and_nothing_beside_them) {
    // Small ones go by words, and what is left behind the last whole word by itself; where rooms begin anywhere, as bytes.
    const auto copied = []<std::size_t... Before>(std::index_sequence<Before...>) {
        const auto one = []<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) {
            std::array<std::byte, 160> message{};
            for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::byte>(i + 1);
            alignas(8) std::array<std::byte, 160> room{};
            alignas(8) std::array<std::byte, 161> odd{};
            noria::copy_into_room<Bytes, 8>(room.data(), message.data());
            noria::copy_into_room<Bytes, 1>(odd.data() + 1, message.data());
            for (std::size_t i = 0; i < room.size(); ++i) {
                const std::byte expected = i < Bytes ? message[i] : std::byte{0};
                if (room[i] != expected || odd[i + 1] != expected) return false;
            }
            return odd[0] == std::byte{0};
        };
        return (one(std::integral_constant<std::size_t, Before + 1>{}) && ...);
    };
    BOOST_TEST(copied(std::make_index_sequence<140>{}));
}

BOOST_AUTO_TEST_CASE(bytes_of_every_size_are_copied_whole_from_anywhere_and_nothing_beside_them) {
    std::array<std::byte, 320> source{};
    for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<std::byte>(i % 251 + 1);
    for (std::size_t begin = 0; begin < 8; ++begin) {
        for (std::size_t size = 0; size <= 300; ++size) {
            alignas(8) std::array<std::byte, 320> room{};
            noria::copy_into_room(room.data(), noria::bytes(source.data() + begin, size));
            const auto rest = room.begin() + static_cast<std::ptrdiff_t>(size);
            BOOST_REQUIRE(std::equal(room.begin(), rest, source.begin() + static_cast<std::ptrdiff_t>(begin)));
            BOOST_REQUIRE(std::all_of(rest, room.end(), [](std::byte each) { return each == std::byte{0}; }));
        }
    }
    std::byte nowhere{1};
    noria::copy_into_room(&nowhere, noria::bytes());  // of no bytes, which point to nothing
    BOOST_TEST((nowhere == std::byte{1}));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
