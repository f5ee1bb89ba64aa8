// bits_test.cpp: rounding, powers of two and the hash, held against known values.
#include "noria/core/bits.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>

BOOST_AUTO_TEST_SUITE(bits)

BOOST_AUTO_TEST_CASE(round_up_returns_the_least_multiple_not_below) {
    for (std::uint64_t step = 1; step <= 4096; step *= 2) {
        for (std::uint64_t value = 0; value < 3 * step; ++value) {
            std::uint64_t least = 0;
            while (least < value) least += step;
            BOOST_REQUIRE_EQUAL(noria::round_up(value, step), least);
        }
    }
}

BOOST_AUTO_TEST_CASE(round_up_is_right_at_the_end_of_the_range) {
    constexpr std::uint64_t last = UINT64_MAX - 7;  // the largest multiple of 8
    BOOST_TEST(noria::round_up(last, 8) == last);
    BOOST_TEST(noria::round_up(last - 1, 8) == last);
    BOOST_TEST(noria::round_up(UINT64_MAX, 1) == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(is_power_of_two_is_true_for_these_64_numbers_only) {
    BOOST_TEST(!noria::is_power_of_two(0));
    BOOST_TEST(!noria::is_power_of_two(UINT64_MAX));
    for (int bit = 0; bit < 64; ++bit) {
        const std::uint64_t power = std::uint64_t{1} << bit;
        BOOST_TEST(noria::is_power_of_two(power));
        if (power > 2) BOOST_TEST(!noria::is_power_of_two(power - 1));
        if (power > 1) BOOST_TEST(!noria::is_power_of_two(power + 1));
    }
}

// The reference values are those of the FNV authors' own test vectors.
BOOST_AUTO_TEST_CASE(fnv1a_gives_the_published_values) {
    BOOST_TEST(noria::fnv1a("") == 0xcbf29ce484222325U);
    BOOST_TEST(noria::fnv1a("a") == 0xaf63dc4c8601ec8cU);
    BOOST_TEST(noria::fnv1a("foobar") == 0x85944171f73967e8U);
}

BOOST_AUTO_TEST_CASE(fnv1a_of_a_text_in_two_parts_is_that_of_the_whole) {
    BOOST_TEST(noria::fnv1a("bar", noria::fnv1a("foo")) == noria::fnv1a("foobar"));
}

BOOST_AUTO_TEST_CASE(fnv1a_of_a_number_is_that_of_its_little_endian_bytes) {
    const std::string_view bytes("\x08\x07\x06\x05\x04\x03\x02\x81", 8);
    BOOST_TEST(noria::fnv1a(std::uint64_t{0x8102030405060708}, noria::fnv1a_basis) == noria::fnv1a(bytes));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
