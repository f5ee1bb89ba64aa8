// roster_entry_test.cpp: the bytes whose locks say who lives lie beyond every file, and apart from each other.
#include "noria/layout/roster_entry.hpp"

#include "noria/core/shareable.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/layout/ring_words.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <set>

namespace layout = noria::layout;

namespace {

std::set<std::uint64_t> locked_bytes() {
    std::set<std::uint64_t> offsets{layout::role_lock_base + layout::role_producer,
                                    layout::role_lock_base + layout::role_consumer, layout::birth_lock};
    for (std::uint64_t entry = 0; entry < 4096; ++entry) offsets.insert(layout::lock_base + entry);
    return offsets;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(roster_entry)

BOOST_AUTO_TEST_CASE(locks_of_4096_entries_two_roles_and_a_birth_are_distinct) {
    BOOST_TEST(locked_bytes().size() == 4096U + 2 + 1);
}

BOOST_AUTO_TEST_CASE(all_locks_lie_in_the_range_that_remove_takes_and_below_the_largest_offset) {
    BOOST_TEST(*locked_bytes().begin() == layout::lock_base);
    BOOST_TEST(*locked_bytes().rbegin() < layout::lock_base + layout::lock_range_bytes);
    BOOST_TEST(layout::lock_base + layout::lock_range_bytes < std::uint64_t{1} << 63);
}

BOOST_AUTO_TEST_CASE(no_file_reaches_the_locks) {
    const layout::shape largest{.message_align = 64,
                                .message_bytes = noria::message_bytes_limit,
                                .type_tag = 0,
                                .capacity = layout::capacity_max};
    BOOST_REQUIRE_EQUAL(objection(largest), "");
    BOOST_TEST(place(largest).file_bytes < layout::lock_base);
}

BOOST_AUTO_TEST_CASE(roster_and_words_fit_between_the_header_and_the_ring) {
    const layout::geometry where =
        layout::place({.message_align = 8, .message_bytes = 8, .type_tag = 0, .capacity = 1});
    BOOST_TEST(where.roster_offset + where.roster_length * sizeof(layout::roster_entry) <= where.words_offset);
    BOOST_TEST(where.words_offset + sizeof(layout::queue_words) <= where.ring_offset);
    BOOST_TEST(where.words_offset % 128 == 0U);
    BOOST_TEST(where.roster_offset % 128 == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
