// record_ring_test.cpp: records of every size arrive whole and in order, from every offset of the ring.
#include "noria/ring/record_ring.hpp"

#include "heap_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

namespace layout = noria::layout;
using noria::ring::sight;
using namespace noria::unit;

namespace {

constexpr std::uint64_t capacities[] = {64, 128, 256};

// Multiples of 8 near the wraps of 32-bit, signed and 64-bit counters.
constexpr std::uint64_t positions[] = {0, 8, (std::uint64_t{1} << 32) - 24, (std::uint64_t{1} << 63) - 24,
                                       UINT64_MAX - 23};
constexpr std::uint64_t numbers[] = {0, (std::uint64_t{1} << 32) - 3, UINT64_MAX - 2};

std::string message_of(std::uint64_t size, std::uint64_t number) {
    std::string text(size, '\0');
    for (std::uint64_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (number + i) % 26);
    return text;
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(sight)
BOOST_AUTO_TEST_SUITE(record_ring)

BOOST_AUTO_TEST_CASE(a_new_ring_is_empty_and_has_room) {
    record_pair ring(bytes_shape(64));
    BOOST_REQUIRE(ring.attached);
    BOOST_TEST(ring.reader.take() == nullptr);
    BOOST_TEST(ring.reader.look() == sight::nothing);
    BOOST_TEST(ring.writer.look(48) == sight::ready);
    BOOST_TEST(ring.writer.depth() == 0U);
    BOOST_TEST(ring.reader.depth() == 0U);
}

BOOST_AUTO_TEST_CASE(an_empty_message_is_a_message) {
    record_pair ring(bytes_shape(64));
    for (int i = 0; i < 40; ++i) {
        BOOST_REQUIRE(push(ring.writer, std::string()) == sight::ready);
        BOOST_TEST(ring.reader.depth() == 1U);
        const auto got = pop(ring.reader);
        BOOST_REQUIRE(got.has_value());
        BOOST_TEST(got->empty());
        BOOST_REQUIRE(!pop(ring.reader).has_value());
    }
}

// Goal: every size travels whole from every place, wherever the counters stand. Method: for each position, number and
// size, the ring begins there empty; messages of that size fill it and are drained, four rounds, in one of which a skip
// may be all that the writer finds room for.
BOOST_AUTO_TEST_CASE(messages_of_every_size_come_out_whole_and_in_order_from_every_position) {
    for (const std::uint64_t capacity : capacities) {
        for (const std::uint64_t start : positions) {
            for (const std::uint64_t number : numbers) {
                for (std::uint64_t size = 0; size <= capacity - 16; ++size) {
                    record_pair ring(bytes_shape(capacity), start, number);
                    BOOST_REQUIRE(ring.attached);
                    std::uint64_t sent = 0;
                    std::uint64_t received = 0;
                    for (int round = 0; round < 4; ++round) {
                        while (push(ring.writer, message_of(size, sent)) == sight::ready) ++sent;
                        BOOST_REQUIRE_EQUAL(ring.writer.depth(), sent - received);
                        BOOST_REQUIRE_EQUAL(ring.reader.depth(), sent - received);
                        BOOST_REQUIRE(check_records(ring.memory.view()) == nullptr);
                        while (const auto got = pop(ring.reader)) {
                            BOOST_REQUIRE_EQUAL(*got, message_of(size, received++));
                        }
                        BOOST_REQUIRE_EQUAL(received, sent);
                        BOOST_REQUIRE(ring.reader.look() == sight::nothing);
                        BOOST_REQUIRE(check_records(ring.memory.view()) == nullptr);
                    }
                    BOOST_REQUIRE_GE(sent, 2U);
                    BOOST_REQUIRE_EQUAL(ring.writer.messages(), number + sent);
                    BOOST_REQUIRE_EQUAL(ring.reader.messages(), number + sent);
                    BOOST_REQUIRE_EQUAL(ring.writer.position(), ring.reader.position());
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(as_many_records_fit_as_leave_eight_bytes_for_the_word_zero) {
    for (const std::uint64_t capacity : capacities) {
        record_pair ring(bytes_shape(capacity));
        std::uint64_t fitted = 0;
        while (push(ring.writer, std::string()) == sight::ready) ++fitted;
        BOOST_TEST(fitted == capacity / 8 - 1);
        BOOST_TEST(ring.writer.position() == capacity - 8);
        BOOST_TEST(ring.memory.word_at(capacity - 8) == 0U);  // R2
        BOOST_TEST(pop(ring.reader).has_value());
        BOOST_TEST(push(ring.writer, std::string()) == sight::ready);  // one out, one in
        BOOST_TEST(push(ring.writer, std::string()) == sight::nothing);
    }
}

// Goal: the largest message finds room in an empty ring wherever that begins. Method: from every offset: where the
// ring's end is nearer than the record is long, the writer publishes the skip by itself, and waits until the reader has
// passed.
BOOST_AUTO_TEST_CASE(the_largest_message_fits_an_empty_ring_from_every_offset) {
    for (const std::uint64_t capacity : capacities) {
        const std::uint64_t largest = capacity - 16;
        for (std::uint64_t offset = 0; offset < capacity; offset += 8) {
            BOOST_TEST_CONTEXT("capacity " << capacity << ", offset " << offset) {
                record_pair ring(bytes_shape(capacity), offset, 5);
                const std::string message = message_of(largest, offset);
                if (offset > 8) {
                    // The record and the 0 behind it do not fit before the end, nor beside the skip.
                    BOOST_REQUIRE(push(ring.writer, message) == sight::nothing);
                    BOOST_REQUIRE(ring.writer.position() == capacity);
                    BOOST_REQUIRE(ring.memory.word_at(offset) == layout::skip_word(capacity - offset - 8, 5));
                    BOOST_REQUIRE(ring.reader.take() == nullptr);  // a skip is no message
                    BOOST_REQUIRE(ring.reader.look() == sight::moved);
                    BOOST_REQUIRE(ring.reader.look() == sight::nothing);
                    BOOST_REQUIRE(ring.reader.position() == capacity);
                }
                BOOST_REQUIRE(push(ring.writer, message) == sight::ready);
                BOOST_REQUIRE(push(ring.writer, std::string()) == sight::nothing);  // full to the last byte
                BOOST_REQUIRE_EQUAL(pop(ring.reader).value(), message);
                BOOST_REQUIRE(!pop(ring.reader).has_value());
            }
        }
    }
}

// Goal: a skip of every length, from its bare word to all but one record, is published, passed, and counted as nothing.
BOOST_AUTO_TEST_CASE(skips_of_every_length_are_passed_and_are_no_messages) {
    constexpr std::uint64_t capacity = 256;
    for (std::uint64_t offset = 8; offset < capacity; offset += 8) {
        const std::uint64_t left = capacity - offset;
        if (left + 8 > capacity - 16) continue;  // no message is too long for what is left
        record_pair ring(bytes_shape(capacity), offset, 7);
        const std::string small = message_of(left, 1);  // its record needs 8 bytes more than there are
        const sight found = push(ring.writer, small);
        BOOST_TEST(ring.memory.word_at(offset) == layout::skip_word(left - 8, 7));
        if (found == sight::nothing) {
            BOOST_REQUIRE(ring.reader.look() == sight::moved);
            BOOST_REQUIRE(push(ring.writer, small) == sight::ready);
        }
        BOOST_TEST(ring.writer.messages() == 8U);
        BOOST_TEST(pop(ring.reader).value() == small);
        BOOST_TEST(ring.reader.messages() == 8U);
        BOOST_TEST(check_records(ring.memory.view()) == nullptr);
    }
}

BOOST_AUTO_TEST_CASE(what_is_committed_may_be_shorter_than_what_was_claimed) {
    for (std::uint64_t used = 0; used <= 40; ++used) {
        record_pair ring(bytes_shape(128));
        for (std::uint64_t i = 0; i < 20; ++i) {
            sight found{};
            std::byte* const room = room_for(ring.writer, 40, found);
            BOOST_REQUIRE(room != nullptr);
            std::memset(room, 'z', 40);  // all that was claimed may be written
            const std::string message = message_of(used, i);
            if (used != 0) std::memcpy(room, message.data(), used);
            ring.writer.commit(used);
            BOOST_REQUIRE_EQUAL(pop(ring.reader).value(), message);
            BOOST_REQUIRE(!pop(ring.reader).has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_claim_never_reaches_what_is_not_released) {
    record_pair ring(bytes_shape(64));
    const std::string first = message_of(16, 0);
    const std::string second = message_of(8, 1);
    push(ring.writer, first);
    push(ring.writer, second);
    sight found{};
    BOOST_TEST(room_for(ring.writer, 16, found) == nullptr);  // 40 bytes taken, the word 0: 8; 24 would fill all
    BOOST_TEST((found == sight::nothing));
    std::byte* const room = room_for(ring.writer, 8, found);
    BOOST_REQUIRE(room != nullptr);
    std::memset(room, 'z', 8);
    BOOST_TEST(pop(ring.reader).value() == first);
    BOOST_TEST(pop(ring.reader).value() == second);
}

BOOST_AUTO_TEST_CASE(a_taken_record_stays_first_until_it_is_released) {
    record_pair ring(bytes_shape(64));
    push(ring.writer, message_of(20, 0));
    sight found{};
    const std::byte* const message = first_message(ring.reader, found);
    BOOST_REQUIRE(message != nullptr);
    ring.reader.hold();
    BOOST_TEST(ring.memory.consumer().taken == 32U);
    BOOST_TEST(ring.memory.consumer().head == 0U);
    BOOST_TEST(push(ring.writer, message_of(20, 1)) == sight::nothing);
    BOOST_TEST(ring.reader.take() == message);
    ring.reader.release();
    BOOST_TEST(ring.memory.consumer().head == 32U);
    BOOST_TEST(push(ring.writer, message_of(20, 1)) == sight::ready);
}

BOOST_AUTO_TEST_CASE(a_record_put_back_comes_again_and_says_so) {
    record_pair ring(bytes_shape(128));
    for (const char* each : {"one", "two"}) push(ring.writer, std::string(each));
    for (std::uint64_t times = 1; times <= 3; ++times) {
        sight found{};
        BOOST_REQUIRE(first_message(ring.reader, found) != nullptr);
        BOOST_TEST(ring.reader.seen_before() == (times > 1));
        ring.reader.hold();
        ring.reader.put_back();
        BOOST_TEST(ring.memory.consumer().redelivered == times);
        BOOST_TEST(ring.memory.consumer().taken == 0U);
    }
    BOOST_TEST(pop(ring.reader).value() == "one");
    BOOST_TEST(!ring.reader.seen_before());
    BOOST_TEST(pop(ring.reader).value() == "two");
}

BOOST_AUTO_TEST_CASE(a_ring_for_small_messages_passes_none_that_is_larger) {
    record_pair ring(bytes_shape(256, 10));
    BOOST_TEST(ring.writer.message_bytes_max() == 10U);
    BOOST_TEST(push(ring.writer, message_of(10, 0)) == sight::ready);
    BOOST_TEST(pop(ring.reader).value() == message_of(10, 0));
    // The producer's verbs refuse larger ones; should one be there all the same, no reader believes it.
    ring.writer.commit(11);
    BOOST_TEST(ring.reader.look() == sight::corrupt);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
