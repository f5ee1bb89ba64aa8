// ring_view_test.cpp: what a consumer's death makes of its line, for every order of head, taken and seen.
#include "noria/ring/ring_view.hpp"
#include "unit/ring/heap_ring.hpp"

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

BOOST_AUTO_TEST_CASE(a_mark_of_long_ago_says_nothing_of_positions_far_beyond_it) {
    for (const std::uint64_t at :
         {std::uint64_t{1} << 62, (std::uint64_t{1} << 63) + 8, UINT64_MAX - (std::uint64_t{1} << 41)}) {
        const redelivery found = after(at, at + 1, 0);
        BOOST_TEST(found.seen == at + 1);
        BOOST_TEST(found.redelivered == 6U);
    }
}

// The same for readers of either ring: nothing was ever put back, and `seen` stays 0 in the file.
template <class Pair>
void expect_marks_far_beyond(const noria::layout::shape& shape) {
    for (const std::uint64_t at : {std::uint64_t{1} << 62, (std::uint64_t{1} << 63) + 8}) {
        Pair ring(shape, at);
        ring.memory.consumer().seen = 0;
        BOOST_REQUIRE(ring.reader.attach(ring.memory.view()));
        noria::unit::push(ring.writer, 1);
        noria::unit::push(ring.writer, 2);
        noria::ring::sight found{};
        BOOST_REQUIRE(noria::unit::first_message(ring.reader, found) != nullptr);
        BOOST_TEST(!ring.reader.seen_before());
        ring.reader.hold();
        noria::unit::recover_consumer(ring.memory);  // it has died with the message in hand
        BOOST_REQUIRE(ring.reader.attach(ring.memory.view()));
        BOOST_TEST(ring.reader.seen_before());
        BOOST_TEST(noria::unit::pop_number(ring.reader).value() == 1U);
        BOOST_REQUIRE(noria::unit::first_message(ring.reader, found) != nullptr);
        BOOST_TEST(!ring.reader.seen_before());
        ring.reader.put_back();
        BOOST_TEST(ring.reader.seen_before());
    }
}

BOOST_AUTO_TEST_CASE(a_reader_far_beyond_the_last_mark_knows_what_was_seen) {
    expect_marks_far_beyond<noria::unit::fixed_pair>(noria::unit::fixed_shape(8, 4));
    expect_marks_far_beyond<noria::unit::record_pair>(noria::unit::bytes_shape(256));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
