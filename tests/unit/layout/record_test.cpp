// record_test.cpp: the word in front of each message, bit by bit.
#include "noria/layout/record.hpp"

#include "noria/core/shareable.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <set>

namespace layout = noria::layout;

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(words_have_these_bits) {
    BOOST_TEST(layout::record_word(0, 0) == 0x00000000'80000000U);
    BOOST_TEST(layout::record_word(5, 1) == 0x00000001'80000005U);
    BOOST_TEST(layout::record_word(noria::message_bytes_limit, 0xffffffff) == 0xffffffff'bfffffffU);
    BOOST_TEST(layout::skip_word(0, 0) == 0x00000000'c0000000U);
    BOOST_TEST(layout::skip_word(48, 7) == 0x00000007'c0000030U);
}

BOOST_AUTO_TEST_CASE(length_and_kind_are_read_back_at_both_ends_of_their_range) {
    for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{noria::message_bytes_limit}}) {
        for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{0xffffffff}, UINT64_MAX}) {
            BOOST_TEST(layout::record_length(layout::record_word(length, number)) == length);
            BOOST_TEST(layout::record_length(layout::skip_word(length, number)) == length);
            BOOST_TEST(!layout::is_skip(layout::record_word(length, number)));
            BOOST_TEST(layout::is_skip(layout::skip_word(length, number)));
        }
    }
}

BOOST_AUTO_TEST_CASE(no_word_is_zero) {
    BOOST_TEST(layout::record_word(0, 0) != 0U);
    BOOST_TEST(layout::record_word(0, std::uint64_t{1} << 32) != 0U);
    BOOST_TEST(layout::skip_word(0, 0) != 0U);
}

BOOST_AUTO_TEST_CASE(the_sequence_is_the_low_half_of_the_number) {
    BOOST_TEST(layout::record_word(3, 0x1234567'00000009) == layout::record_word(3, 9));
    BOOST_TEST(layout::record_word(3, 9) + layout::record_sequence_step == layout::record_word(3, 10));
    BOOST_TEST(layout::record_word(3, 0xffffffff) + layout::record_sequence_step == layout::record_word(3, 0));
}

BOOST_AUTO_TEST_CASE(records_occupy_their_word_and_whole_eights) {
    BOOST_TEST(layout::record_bytes(0) == 8U);
    BOOST_TEST(layout::record_bytes(1) == 16U);
    BOOST_TEST(layout::record_bytes(8) == 16U);
    BOOST_TEST(layout::record_bytes(9) == 24U);
    BOOST_TEST(layout::record_bytes(noria::message_bytes_limit) == (std::uint64_t{1} << 30) + 8);
}

BOOST_AUTO_TEST_CASE(fields_of_a_word_do_not_overlap) {
    const std::set<std::uint64_t> parts{layout::record_length_mask, layout::record_skip, layout::record_present,
                                        ~std::uint64_t{0} << 32};
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts) {
        BOOST_TEST((sum & part) == 0U);
        sum |= part;
    }
    BOOST_TEST(sum == UINT64_MAX);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
