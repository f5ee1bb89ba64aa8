// fixed_ring_crash_test.cpp: a side that dies between any two of its stores is followed by a successor that goes on.
//
// What a killed process leaves is a prefix of its stores in program order: each case here is made by doing the whole
// and taking back the last stores by hand.
#include "noria/ring/fixed_ring.hpp"

#include "heap_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>

using noria::ring::sight;
using namespace noria::unit;

namespace {

constexpr std::uint64_t capacities[] = {1, 2, 4};
constexpr std::uint64_t starts[] = {0, 3, (std::uint64_t{1} << 32) - 2, UINT64_MAX - 100};

// Pushes and pops a number, so that `before` messages lie in a ring that begins at `start` and has turned already.
std::uint64_t fill(fixed_pair& ring, std::uint64_t turned, std::uint64_t before) {
    std::uint64_t next = 100;
    for (std::uint64_t i = 0; i < turned; ++i) {
        BOOST_REQUIRE(push(ring.writer, next++) == sight::ready);
        BOOST_REQUIRE(pop_number(ring.reader).has_value());
    }
    for (std::uint64_t i = 0; i < before; ++i) BOOST_REQUIRE(push(ring.writer, next++) == sight::ready);
    return next;
}

// Calls f(shape, start, turned, before) for rings of all kinds with room for one more message.
template <class F>
void for_each_ring_with_room(F f) {
    for (const std::uint32_t align : alignments) {
        for (const std::uint64_t capacity : capacities) {
            for (const std::uint64_t start : starts) {
                for (std::uint64_t turned = 0; turned <= 2 * capacity; ++turned) {
                    for (std::uint64_t before = 0; before < capacity; ++before) {
                        f(fixed_shape(8, capacity, align), start, turned, before);
                    }
                }
            }
        }
    }
}

void expect_numbers(noria::ring::fixed_reader& reader, std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t number = first; number < end; ++number) {
        const auto got = pop_number(reader);
        BOOST_REQUIRE(got.has_value());
        BOOST_REQUIRE_EQUAL(*got, number);
    }
    BOOST_REQUIRE(!pop_number(reader).has_value());
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(sight)
BOOST_AUTO_TEST_SUITE(fixed_ring_crash)

BOOST_AUTO_TEST_CASE(a_writer_dead_before_the_word_has_sent_nothing) {
    for_each_ring_with_room(
        [](const noria::layout::shape& shape, std::uint64_t start, std::uint64_t turned, std::uint64_t before) {
            fixed_pair ring(shape, start);
            const std::uint64_t next = fill(ring, turned, before);
            sight found{};
            std::byte* const room = room_for(ring.writer, 8, found);
            std::memset(room, 0xee, 8);  // the message half written, and then it is killed
            noria::ring::fixed_writer successor;
            BOOST_REQUIRE(successor.attach(ring.memory.view()));
            BOOST_REQUIRE_EQUAL(successor.messages(), start + turned + before);
            BOOST_REQUIRE(push(successor, next) == sight::ready);
            expect_numbers(ring.reader, next - before, next + 1);
        });
}

// Goal: a message whose word is stored is there, though the tail does not say so yet. Method: the tail is taken back;
// the reader has taken the message before the successor comes, or not.
BOOST_AUTO_TEST_CASE(a_writer_dead_between_word_and_tail_has_sent_its_message) {
    for_each_ring_with_room(
        [](const noria::layout::shape& shape, std::uint64_t start, std::uint64_t turned, std::uint64_t before) {
            for (const bool read_first : {false, true}) {
                fixed_pair ring(shape, start);
                std::uint64_t next = fill(ring, turned, before);
                BOOST_REQUIRE(push(ring.writer, next++) == sight::ready);
                ring.memory.producer().tail -= 1;
                ring.memory.producer().claim_open = 1;
                BOOST_REQUIRE(check_fixed(ring.memory.view()) == nullptr);
                if (read_first) expect_numbers(ring.reader, next - before - 1, next);
                noria::ring::fixed_writer successor;
                BOOST_REQUIRE(successor.attach(ring.memory.view()));
                BOOST_REQUIRE_EQUAL(ring.memory.producer().tail, start + turned + before + 1);
                BOOST_REQUIRE_EQUAL(ring.memory.producer().claim_open, 0U);
                BOOST_REQUIRE(check_fixed(ring.memory.view()) == nullptr);
                if (!read_first) expect_numbers(ring.reader, next - before - 1, next);
                for (std::uint64_t i = 0; i < shape.capacity; ++i)
                    BOOST_REQUIRE(push(successor, next + i) == sight::ready);
                BOOST_REQUIRE(push(successor, 0) == sight::nothing);
                expect_numbers(ring.reader, next, next + shape.capacity);
            }
        });
}

BOOST_AUTO_TEST_CASE(a_reader_that_attaches_before_the_tail_is_mended_finds_the_message) {
    for_each_ring_with_room(
        [](const noria::layout::shape& shape, std::uint64_t start, std::uint64_t turned, std::uint64_t before) {
            for (const bool read_first : {false, true}) {
                fixed_pair ring(shape, start);
                std::uint64_t next = fill(ring, turned, before);
                BOOST_REQUIRE(push(ring.writer, next++) == sight::ready);
                ring.memory.producer().tail -= 1;
                if (read_first) expect_numbers(ring.reader, next - before - 1, next);
                noria::ring::fixed_reader successor;
                BOOST_REQUIRE(successor.attach(ring.memory.view()));
                expect_numbers(successor, read_first ? next : next - before - 1, next);
                BOOST_REQUIRE_EQUAL(successor.depth(), 0U);
            }
        });
}

// Goal: messages of a batch that share a word are there together, though the tail says so of none. Method: the tail is taken
// back to the last slot's beginning, behind every length of batch in every place of a slot.
BOOST_AUTO_TEST_CASE(a_writer_dead_between_a_slot_s_word_and_the_tail_has_sent_the_whole_slot) {
    constexpr std::uint64_t capacity = 32;
    constexpr std::uint64_t in_slot = noria::ring::plan_of<std::uint64_t>.messages;
    static_assert(in_slot == 7);
    for (std::uint64_t start = 0; start < 2 * in_slot; ++start) {
        for (std::uint64_t batch = 1; batch <= 3 * in_slot; ++batch) {
            pair<noria::ring::fixed_writer_of<std::uint64_t>, noria::ring::fixed_reader> ring(fixed_shape(8, capacity),
                                                                                              start);
            std::uint64_t sent = 0;
            while (sent < batch) {
                BOOST_REQUIRE(ring.writer.look(8) == sight::ready);
                sent += ring.writer.commit_some(batch - sent, [first = sent](std::byte* room, std::uint64_t i) {
                    const std::uint64_t number = first + i;
                    std::memcpy(room, &number, sizeof number);
                });
            }
            const std::uint64_t end = start + batch;
            const std::uint64_t of_last = std::min(batch, (end - 1) % in_slot + 1);
            ring.memory.producer().tail = end - of_last;
            BOOST_REQUIRE(check_fixed(ring.memory.view()) == nullptr);
            expect_numbers(ring.reader, 0, batch);
            noria::ring::fixed_reader reader;
            BOOST_REQUIRE(reader.attach(ring.memory.view()));
            noria::ring::fixed_writer writer;
            BOOST_REQUIRE(writer.attach(ring.memory.view()));
            BOOST_REQUIRE_EQUAL(writer.messages(), end);
            for (std::uint64_t i = 0; i < capacity; ++i) BOOST_REQUIRE(push(writer, i) == sight::ready);
            BOOST_REQUIRE(push(writer, 0) == sight::nothing);
            expect_numbers(reader, 0, capacity);
        }
    }
}

BOOST_AUTO_TEST_CASE(repairing_twice_is_repairing_once) {
    fixed_pair ring(fixed_shape(8, 4));
    push(ring.writer, 1);
    ring.memory.producer().tail = 0;
    BOOST_TEST(repair_fixed(ring.memory.view()));
    BOOST_TEST(ring.memory.producer().tail == 1U);
    BOOST_TEST(repair_fixed(ring.memory.view()));
    BOOST_TEST(ring.memory.producer().tail == 1U);
}

BOOST_AUTO_TEST_CASE(a_reader_dead_in_a_pop_leaves_the_message_unmarked) {
    fixed_pair ring(fixed_shape(8, 2));
    push(ring.writer, 7);
    BOOST_TEST(ring.reader.take() != nullptr);  // copies it, and is killed before the release
    recover_consumer(ring.memory);
    noria::ring::fixed_reader successor;
    BOOST_REQUIRE(successor.attach(ring.memory.view()));
    BOOST_TEST(!successor.seen_before());  // nobody was given it
    BOOST_TEST(ring.memory.consumer().redelivered == 0U);
    BOOST_TEST(pop_number(successor).value() == 7U);
}

// Goal: a message that was handed out and not released is delivered again and says so, however often its holders die;
// the next one does not. Method: from each position, three readers in turn take it in place and are gone.
BOOST_AUTO_TEST_CASE(a_reader_dead_with_a_message_in_hand_leaves_it_marked) {
    for (const std::uint64_t start : starts) {
        fixed_pair ring(fixed_shape(8, 2), start);
        push(ring.writer, 7);
        push(ring.writer, 8);
        for (std::uint64_t deaths = 0; deaths < 3; ++deaths) {
            noria::ring::fixed_reader reader;
            BOOST_REQUIRE(reader.attach(ring.memory.view()));
            BOOST_TEST(reader.seen_before() == (deaths > 0));
            BOOST_REQUIRE(reader.take() != nullptr);
            reader.hold();
            recover_consumer(ring.memory);
            BOOST_TEST(ring.memory.consumer().redelivered == deaths + 1);
        }
        noria::ring::fixed_reader last;
        BOOST_REQUIRE(last.attach(ring.memory.view()));
        BOOST_TEST(last.seen_before());
        BOOST_TEST(pop_number(last).value() == 7U);
        BOOST_TEST(!last.seen_before());
        BOOST_TEST(pop_number(last).value() == 8U);
        BOOST_TEST(ring.memory.consumer().redelivered == 3U);
    }
}

BOOST_AUTO_TEST_CASE(a_reader_dead_after_the_release_has_received_the_message) {
    fixed_pair ring(fixed_shape(8, 2));
    push(ring.writer, 7);
    BOOST_REQUIRE(ring.reader.take() != nullptr);
    ring.reader.hold();
    ring.reader.release();
    recover_consumer(ring.memory);
    noria::ring::fixed_reader successor;
    BOOST_REQUIRE(successor.attach(ring.memory.view()));
    BOOST_TEST(!pop_number(successor).has_value());
    BOOST_TEST(ring.memory.consumer().redelivered == 0U);
    BOOST_TEST(!successor.seen_before());
}

BOOST_AUTO_TEST_CASE(a_mark_outlives_a_death_that_held_nothing) {
    fixed_pair ring(fixed_shape(8, 2));
    push(ring.writer, 7);
    BOOST_REQUIRE(ring.reader.take() != nullptr);
    ring.reader.hold();
    recover_consumer(ring.memory);
    noria::ring::fixed_reader second;
    BOOST_REQUIRE(second.attach(ring.memory.view()));
    recover_consumer(ring.memory);  // dead at once
    BOOST_TEST(ring.memory.consumer().redelivered == 1U);
    noria::ring::fixed_reader third;
    BOOST_REQUIRE(third.attach(ring.memory.view()));
    BOOST_TEST(third.seen_before());
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
