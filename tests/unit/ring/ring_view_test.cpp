// ring_view_test.cpp: what a consumer's death makes of its line, for every order of head, taken and seen.
#include "noria/ring/ring_view.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>

using noria::layout::consumer_line;
using noria::ring::redelivery;
using noria::ring::redelivery_after;

namespace {

redelivery after(std::uint64_t head, std::uint64_t taken, std::uint64_t seen, std::uint64_t redelivered = 5) {
    consumer_line line{};
    line.head = head;
    line.taken = taken;
    line.seen = seen;
    line.redelivered = redelivered;
    return redelivery_after(line);
}

constexpr std::uint64_t bases[] = {100, 0, (std::uint64_t{1} << 32) - 1, (std::uint64_t{1} << 63) - 1, UINT64_MAX - 1};

}  // namespace

BOOST_AUTO_TEST_SUITE(ring_view)

BOOST_AUTO_TEST_CASE(who_held_nothing_leaves_the_line_as_it_is) {
    for (const std::uint64_t at : bases) {
        for (const std::uint64_t taken : {at, at - 1, at - 8}) {  // nothing taken; or taken, and released since
            for (const std::uint64_t seen : {at - 8, at, at + 8}) {
                const redelivery found = after(at, taken, seen);
                BOOST_TEST(found.seen == seen);
                BOOST_TEST(found.redelivered == 5U);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(who_held_a_message_leaves_it_marked_and_counted) {
    for (const std::uint64_t at : bases) {
        for (const std::uint64_t seen : {at - 8, at}) {
            const redelivery found = after(at, at + 1, seen);
            BOOST_TEST(found.seen == at + 1);
            BOOST_TEST(found.redelivered == 6U);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_mark_that_reaches_further_stays) {
    for (const std::uint64_t at : bases) {
        for (const std::uint64_t seen : {at + 1, at + 8}) {
            const redelivery found = after(at, at + 1, seen);
            BOOST_TEST(found.seen == seen);
            BOOST_TEST(found.redelivered == 6U);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
