// fixed_ring_test.cpp: messages of one size arrive whole and in order, exactly `capacity` fit, at every position.
#include "noria/ring/fixed_ring.hpp"

#include "heap_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

using noria::ring::sight;
using namespace noria::unit;

namespace {

constexpr std::uint64_t capacities[] = {1, 2, 4, 8, 64};

// Where counters of 32 bits wrap, and where signed ones do; and the last that there are, which no ring lives to see.
constexpr std::uint64_t positions[] = {
    0, 1, (std::uint64_t{1} << 31) - 3, (std::uint64_t{1} << 32) - 3, (std::uint64_t{1} << 63) - 3, UINT64_MAX - 1000};

void fill_and_drain(std::uint32_t align, std::uint64_t capacity, std::uint64_t start) {
    BOOST_TEST_CONTEXT("alignment " << align << ", capacity " << capacity << ", from position " << start) {
        fixed_pair ring(fixed_shape(8, capacity, align), start);
        BOOST_REQUIRE(ring.attached);
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        for (int round = 0; round < 10; ++round) {
            for (std::uint64_t i = 0; i < capacity; ++i) {
                BOOST_REQUIRE(push(ring.writer, sent++) == sight::ready);
                BOOST_REQUIRE_EQUAL(ring.writer.depth(), i + 1);
                BOOST_REQUIRE_EQUAL(ring.reader.depth(), i + 1);
            }
            BOOST_REQUIRE(push(ring.writer, 999) == sight::nothing);
            BOOST_REQUIRE(ring.writer.claim(8) == nullptr);
            BOOST_REQUIRE(check_fixed(ring.memory.view()) == nullptr);
            for (std::uint64_t i = 0; i < capacity; ++i) {
                BOOST_REQUIRE(!ring.reader.seen_before());
                BOOST_REQUIRE_EQUAL(pop_number(ring.reader).value(), received++);
                BOOST_REQUIRE_EQUAL(ring.reader.depth(), capacity - 1 - i);
            }
            BOOST_REQUIRE(!pop_number(ring.reader).has_value());
            BOOST_REQUIRE(check_fixed(ring.memory.view()) == nullptr);
        }
        BOOST_TEST(ring.writer.position() == start + 10 * capacity);
        BOOST_TEST(ring.reader.position() == start + 10 * capacity);
        BOOST_TEST(ring.memory.producer().tail == start + 10 * capacity);
        BOOST_TEST(ring.memory.consumer().head == start + 10 * capacity);
        BOOST_TEST(ring.memory.producer().high_water == capacity);
    }
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(sight)
BOOST_AUTO_TEST_SUITE(fixed_ring)

BOOST_AUTO_TEST_CASE(a_new_ring_is_empty_and_has_room) {
    fixed_pair ring(fixed_shape(8, 4));
    BOOST_REQUIRE(ring.attached);
    BOOST_TEST(ring.reader.take() == nullptr);
    BOOST_TEST(ring.reader.look() == sight::nothing);
    BOOST_TEST(ring.writer.look(8) == sight::ready);
    BOOST_TEST(ring.writer.depth() == 0U);
    BOOST_TEST(ring.reader.depth() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_pushed_is_popped_once) {
    fixed_pair ring(fixed_shape(8, 4));
    BOOST_TEST(push(ring.writer, 42) == sight::ready);
    BOOST_TEST(ring.reader.taken_bytes() == 8U);
    BOOST_TEST(pop_number(ring.reader).value() == 42U);
    BOOST_TEST(!pop_number(ring.reader).has_value());
}

// Goal: total order and the exact limit, wherever the positions stand. Method: ten rounds of filling and draining from
// each position; at each step both depths are known; one message more than the capacity is refused, and harms nothing.
BOOST_AUTO_TEST_CASE(exactly_capacity_messages_fit_and_come_out_in_order_at_every_position) {
    for (const std::uint32_t align : alignments) {
        for (const std::uint64_t capacity : capacities) {
            for (const std::uint64_t start : positions) fill_and_drain(align, capacity, start);
        }
    }
}

BOOST_AUTO_TEST_CASE(each_room_is_aligned_and_holds_the_whole_message_apart_from_its_neighbours) {
    for (std::uint32_t align = 1; align <= 64; align *= 2) {
        for (std::uint64_t bytes = align; bytes <= 3 * 64; bytes += align) {
            fixed_pair ring(fixed_shape(bytes, 4, align));
            for (std::uint64_t i = 0; i < 4; ++i) {
                sight found{};
                std::byte* const room = room_for(ring.writer, bytes, found);
                BOOST_REQUIRE(room != nullptr);
                BOOST_REQUIRE_EQUAL(reinterpret_cast<std::uintptr_t>(room) % align, 0U);
                BOOST_REQUIRE(ring.memory.contains(room, bytes));
                std::memset(room, static_cast<int>('a' + i), bytes);
                ring.writer.commit(bytes);
            }
            for (char letter = 'a'; letter < 'e'; ++letter) {
                BOOST_REQUIRE_EQUAL(pop(ring.reader).value(), std::string(bytes, letter));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_claim_that_is_not_committed_is_invisible_and_its_room_is_claimed_again) {
    fixed_pair ring(fixed_shape(8, 1));
    sight found{};
    std::byte* const first = room_for(ring.writer, 8, found);
    std::memset(first, 0xff, 8);
    BOOST_TEST(ring.reader.look() == sight::nothing);
    BOOST_TEST(ring.writer.claim(8) == first);
    BOOST_TEST(push(ring.writer, 5) == sight::ready);
    BOOST_TEST(pop_number(ring.reader).value() == 5U);
}

BOOST_AUTO_TEST_CASE(a_taken_message_stays_first_until_it_is_released) {
    fixed_pair ring(fixed_shape(8, 1));
    push(ring.writer, 1);
    sight found{};
    const std::byte* const message = first_message(ring.reader, found);
    ring.reader.hold();
    BOOST_TEST(ring.memory.consumer().taken == 1U);
    BOOST_TEST(ring.memory.consumer().head == 0U);
    BOOST_TEST(push(ring.writer, 2) == sight::nothing);  // its room is not free
    BOOST_TEST(ring.reader.take() == message);
    ring.reader.release();
    BOOST_TEST(push(ring.writer, 2) == sight::ready);
    BOOST_TEST(pop_number(ring.reader).value() == 2U);
}

BOOST_AUTO_TEST_CASE(a_message_put_back_comes_again_and_says_so) {
    fixed_pair ring(fixed_shape(8, 4));
    for (const std::uint64_t each : {1U, 2U}) push(ring.writer, each);
    for (std::uint64_t times = 1; times <= 3; ++times) {
        sight found{};
        BOOST_REQUIRE(first_message(ring.reader, found) != nullptr);
        BOOST_TEST(ring.reader.seen_before() == (times > 1));
        ring.reader.hold();
        ring.reader.put_back();
        BOOST_TEST(ring.memory.consumer().redelivered == times);
        BOOST_TEST(ring.memory.consumer().taken == ring.memory.consumer().head);
    }
    BOOST_TEST(ring.reader.seen_before());
    BOOST_TEST(pop_number(ring.reader).value() == 1U);
    BOOST_TEST(!ring.reader.seen_before());  // the second message was never handed out
    BOOST_TEST(pop_number(ring.reader).value() == 2U);
}

// The mark may lag by what was pushed since the writer last looked: an eighth of the ring.
BOOST_AUTO_TEST_CASE(the_high_water_mark_is_at_most_an_eighth_below_the_largest_depth) {
    fixed_pair ring(fixed_shape(8, 64));
    for (std::uint64_t depth = 1; depth <= 64; ++depth) {
        push(ring.writer, depth);
        BOOST_TEST(ring.memory.producer().high_water + 8 >= depth);
        BOOST_TEST(ring.memory.producer().high_water <= depth);
    }
    BOOST_TEST(push(ring.writer, 65) == sight::nothing);
    BOOST_TEST(ring.memory.producer().high_water == 64U);  // a full ring is always noticed
    for (int i = 0; i < 64; ++i) pop_number(ring.reader);
    BOOST_TEST(ring.writer.depth() == 0U);
    BOOST_TEST(ring.memory.producer().high_water == 64U);  // and the mark never sinks
}

BOOST_AUTO_TEST_CASE(a_message_of_one_byte_and_one_of_a_megabyte_travel) {
    for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{1} << 20}) {
        fixed_pair ring(fixed_shape(bytes, 2, 1));
        const std::string message(bytes, 'x');
        BOOST_TEST(push(ring.writer, message) == sight::ready);
        BOOST_TEST((pop(ring.reader).value() == message));
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
