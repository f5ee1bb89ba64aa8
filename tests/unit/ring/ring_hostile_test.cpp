// ring_hostile_test.cpp: words that no side of ours wrote are reported as corrupt, and lead nobody outside the ring.
//
// The memory is a heap block of exactly the ring's size: the address sanitizer sees what the checks here might not.
#include "heap_ring.hpp"
#include "rig/seed.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <random>
#include <vector>

namespace layout = noria::layout;
using noria::ring::sight;
using namespace noria::unit;

namespace {

// Each way a fixed slot's word can be wrong; F2 allows two values.
std::vector<std::uint64_t> wrong_words(std::uint64_t size, std::uint64_t number) {
    const std::uint64_t right = layout::record_word(size, number);
    std::vector<std::uint64_t> wrong{1,
                                     UINT64_MAX,
                                     right ^ layout::record_present,
                                     layout::skip_word(size, number),
                                     layout::record_word(size + 1, number),
                                     layout::record_word(size, number + 1),
                                     layout::record_word(size, number - 1),
                                     layout::record_word(layout::record_length_mask, number)};
    for (int bit = 0; bit < 64; ++bit) wrong.push_back(right ^ (std::uint64_t{1} << bit));
    return wrong;
}

// Whatever a reader says, it says it at once, and hands out nothing but bytes of the ring.
template <class Reader>
void drain(Reader& reader, const heap_ring& memory) {
    for (int i = 0; i < 40; ++i) {
        sight found{};
        const std::byte* const message = first_message(reader, found);
        if (message == nullptr) return;
        BOOST_REQUIRE(memory.contains(message, reader.taken_bytes()));
        volatile unsigned sum = 0;
        for (std::uint64_t at = 0; at < reader.taken_bytes(); ++at) sum = sum + std::to_integer<unsigned>(message[at]);
        (void)reader.seen_before();
        (void)reader.depth();
        if (i % 3 == 0) {
            reader.hold();
            reader.put_back();
        } else {
            reader.release();
        }
    }
}

template <class Writer>
void fill(Writer& writer, const heap_ring& memory, std::uint64_t size) {
    for (int i = 0; i < 40; ++i) {
        sight found{};
        std::byte* const room = room_for(writer, size, found);
        (void)writer.depth();
        if (room == nullptr) return;
        BOOST_REQUIRE(memory.contains(room, size));
        if (size != 0) std::memset(room, 0x5a, size);
        writer.commit(size);
    }
}

// A word near enough to a right one to get past the first checks.
std::uint64_t scribble(std::mt19937_64& random, std::uint64_t near_to, std::uint64_t capacity) {
    switch (random() % 6) {
        case 0: return 0;
        case 1: return random();
        case 2: return near_to ^ (std::uint64_t{1} << (random() % 64));
        case 3: return layout::record_word(random() % (2 * capacity), random() % 4);
        case 4: return layout::skip_word(random() % (2 * capacity), random() % 4);
        default: return near_to + 8 * (random() % 64) - 128;
    }
}

template <class Pair>
void scribble_over(Pair& ring, std::mt19937_64& random, std::uint64_t capacity) {
    auto& producer = ring.memory.producer();
    auto& consumer = ring.memory.consumer();
    std::uint64_t* const words[] = {&producer.tail,    &producer.messages,   &producer.claim_open, &producer.high_water,
                                    &producer.refused, &consumer.head,       &consumer.messages,   &consumer.taken,
                                    &consumer.seen,    &consumer.redelivered};
    for (int strokes = 1 + static_cast<int>(random() % 4); strokes > 0; --strokes) {
        if (random() % 2 == 0) {
            std::uint64_t* const word = words[random() % std::size(words)];
            *word = scribble(random, *word, capacity);
        } else {
            std::uint64_t& word = ring.memory.word_at(random() % (ring.memory.records().size() / 8) * 8);
            word = scribble(random, word, capacity);
        }
    }
}

// Goal: no contents of ring and lines make a side read or write outside, or loop. Method: a ring at work is scribbled
// on; both sides that knew it go on, new ones take over, check and repair look at it; all of it bounded.
template <class Pair, class Writer, class Reader, class Check, class Repair>
void survive(const layout::shape& shape, std::uint64_t size_max, Check check, Repair repair, std::mt19937_64& random,
             int rounds) {
    for (int round = 0; round < rounds; ++round) {
        Pair ring(shape, 8 * (random() % 16), random() % 4);
        const auto size = [&] {
            return shape.form == layout::message_form::fixed ? size_max : random() % (size_max + 1);
        };
        for (int i = 0; i < 8; ++i) {
            fill(ring.writer, ring.memory, size());
            if (random() % 2 == 0) drain(ring.reader, ring.memory);
        }
        for (int i = 0; i < 4; ++i) {
            scribble_over(ring, random, shape.capacity);
            fill(ring.writer, ring.memory, size());
            drain(ring.reader, ring.memory);
            (void)check(ring.memory.view());
            if (random() % 2 == 0) (void)repair(ring.memory.view());
            recover_consumer(ring.memory);
            Writer writer;
            if (writer.attach(ring.memory.view())) fill(writer, ring.memory, size());
            Reader reader;
            if (reader.attach(ring.memory.view())) drain(reader, ring.memory);
        }
    }
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(sight)
BOOST_AUTO_TEST_SUITE(ring_hostile)

BOOST_AUTO_TEST_CASE(a_fixed_readers_wrong_word_is_corrupt_and_never_a_message) {
    for (const std::uint64_t wrong : wrong_words(64, 5)) {
        fixed_pair ring(fixed_shape(64, 4), 5);
        ring.memory.word_at(1 * 72) = wrong;  // of slot 5 mod 4
        BOOST_TEST(ring.reader.take() == nullptr);
        const bool allowed = wrong == layout::record_word(64, 1);  // the turn before: nothing there yet
        BOOST_TEST(ring.reader.look() == (allowed ? sight::nothing : sight::corrupt), "word " << std::hex << wrong);
        BOOST_TEST((check_fixed(ring.memory.view()) == nullptr) == allowed);
    }
}

BOOST_AUTO_TEST_CASE(a_wrong_word_of_a_shared_slot_is_corrupt_and_never_a_message) {
    for (const std::uint64_t wrong : wrong_words(8, 5)) {
        fixed_pair ring(fixed_shape(8, 4), 5);
        ring.memory.word_at(0) = wrong;  // of the slot of messages 0 to 6
        const bool before = wrong == layout::record_word(8, 4);
        const bool there = wrong == layout::record_word(8, 6);  // and then 5 is there as well
        BOOST_TEST((ring.reader.take() != nullptr) == there, "word " << std::hex << wrong);
        const sight expected = there ? sight::ready : before ? sight::nothing : sight::corrupt;
        BOOST_TEST(ring.reader.look() == expected, "word " << std::hex << wrong);
        BOOST_TEST((check_fixed(ring.memory.view()) == nullptr) == (before || there));
    }
}

BOOST_AUTO_TEST_CASE(a_record_readers_wrong_word_is_corrupt_and_never_a_message) {
    for (const std::uint64_t wrong : wrong_words(8, 5)) {
        record_pair ring(bytes_shape(64, 8), 0, 5);
        ring.memory.word_at(0) = wrong;
        const bool shorter = layout::record_length(wrong) < 8 && wrong == layout::record_word(wrong & 7, 5);
        const bool next = wrong == layout::record_word(8, 6);  // a first word may mend the count by one
        const bool before = wrong == layout::record_word(8, 4);
        if (shorter || next || before) continue;
        BOOST_TEST(ring.reader.take() == nullptr);
        BOOST_TEST(ring.reader.look() == sight::corrupt, "word " << std::hex << wrong);
    }
}

BOOST_AUTO_TEST_CASE(a_records_length_beyond_the_rings_end_is_corrupt) {
    for (std::uint64_t offset = 0; offset < 128; offset += 8) {
        const std::uint64_t left = 128 - offset;
        for (std::uint64_t length = left > 16 ? left - 16 : 0; length <= 2 * 128; ++length) {
            record_pair ring(bytes_shape(128), offset, 5);
            ring.memory.word_at(offset) = layout::record_word(length, 5);
            const bool fits = length <= 112 && layout::record_bytes(length) <= left;
            BOOST_REQUIRE_EQUAL(ring.reader.take() != nullptr, fits);
            BOOST_REQUIRE((ring.reader.look() == (fits ? sight::ready : sight::corrupt)));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_skip_that_does_not_lead_to_the_rings_start_is_corrupt) {
    for (std::uint64_t length = 0; length < 256; ++length) {
        record_pair ring(bytes_shape(128), 40, 5);
        ring.memory.word_at(40) = layout::skip_word(length, 5);
        BOOST_REQUIRE((ring.reader.look() == (length == 128 - 40 - 8 ? sight::moved : sight::corrupt)));
    }
}

BOOST_AUTO_TEST_CASE(a_head_outside_of_what_was_sent_is_corrupt_to_a_writer) {
    const auto seen_with_head = [](std::uint64_t head) {
        fixed_pair ring(fixed_shape(8, 4), 100);
        push(ring.writer, 1);  // tail 101
        ring.memory.consumer().head = head;
        return ring.writer.look(8);
    };
    BOOST_TEST((seen_with_head(97) == sight::nothing));
    BOOST_TEST((seen_with_head(98) == sight::ready));
    BOOST_TEST((seen_with_head(101) == sight::ready));
    for (const std::uint64_t head : {std::uint64_t{96}, std::uint64_t{102}, std::uint64_t{0}, UINT64_MAX}) {
        BOOST_TEST((seen_with_head(head) == sight::corrupt), "head " << head);
    }
    const auto seen_with_byte_head = [](std::uint64_t head) {
        record_pair ring(bytes_shape(64), 640, 5);
        push(ring.writer, std::string("12345678"));  // tail 656
        ring.memory.consumer().head = head;
        return ring.writer.look(0);
    };
    BOOST_TEST((seen_with_byte_head(600) == sight::nothing));  // 656 - 56
    BOOST_TEST((seen_with_byte_head(608) == sight::ready));
    BOOST_TEST((seen_with_byte_head(656) == sight::ready));
    for (const std::uint64_t head : {592U, 664U, 641U, 0U, 655U}) {
        BOOST_TEST((seen_with_byte_head(head) == sight::corrupt), "head " << head);
    }
}

BOOST_AUTO_TEST_CASE(head_and_tail_that_contradict_each_other_keep_both_sides_from_attaching) {
    // A tail may lag by as many messages as share a slot.
    for (const std::uint64_t head : {std::uint64_t{95}, std::uint64_t{108}, std::uint64_t{0}, UINT64_MAX}) {
        const heap_ring memory(fixed_shape(8, 4));
        memory.producer().tail = 100;
        memory.consumer().head = head;
        BOOST_TEST(!noria::ring::fixed_reader{}.attach(memory.view()), "head " << head);
    }
    for (const std::uint64_t head : {std::uint64_t{95}, std::uint64_t{102}, std::uint64_t{0}, UINT64_MAX}) {
        const heap_ring memory(fixed_shape(64, 4));
        memory.producer().tail = 100;
        memory.consumer().head = head;
        BOOST_TEST(!noria::ring::fixed_writer{}.attach(memory.view()), "head " << head);
        BOOST_TEST(!noria::ring::fixed_reader{}.attach(memory.view()), "head " << head);
        BOOST_TEST(check_fixed(memory.view()) != nullptr);
    }
    for (const std::uint64_t head : {std::uint64_t{576}, std::uint64_t{648}, std::uint64_t{633}, UINT64_MAX}) {
        const heap_ring memory(bytes_shape(64));
        memory.producer().tail = 640;
        memory.consumer().head = head;
        BOOST_TEST(!noria::ring::record_writer{}.attach(memory.view()), "head " << head);
        BOOST_TEST(check_records(memory.view()) != nullptr);
    }
}

BOOST_AUTO_TEST_CASE(positions_between_records_are_corrupt_and_are_not_read_from) {
    for (const std::uint64_t odd : {1U, 4U, 7U, 63U}) {
        const heap_ring memory(bytes_shape(64));
        memory.producer().tail = odd;
        BOOST_TEST(check_records(memory.view()) != nullptr);
        BOOST_TEST(!repair_records(memory.view()));
        BOOST_TEST(!noria::ring::record_writer{}.attach(memory.view()));
        memory.producer().tail = 0;
        memory.consumer().head = odd;
        BOOST_TEST(check_records(memory.view()) != nullptr);
        BOOST_TEST(!noria::ring::record_reader{}.attach(memory.view()));
    }
}

BOOST_AUTO_TEST_CASE(a_record_ring_without_a_word_zero_is_corrupt_and_ends_every_walk) {
    const heap_ring memory(bytes_shape(256));
    for (std::uint64_t offset = 0; offset < 256; offset += 8) {
        memory.word_at(offset) = layout::record_word(0, offset / 8);
    }
    BOOST_TEST(!noria::ring::record_writer{}.attach(memory.view()));
    BOOST_TEST(!repair_records(memory.view()));
    BOOST_TEST(check_records(memory.view()) != nullptr);
}

BOOST_AUTO_TEST_CASE(a_fixed_ring_full_of_right_words_is_repaired_within_one_turn) {
    const heap_ring memory(fixed_shape(64, 4));
    for (std::uint64_t p = 0; p < 4; ++p) memory.word_at(72 * p) = layout::record_word(64, p);
    BOOST_TEST(repair_fixed(memory.view()));  // four messages whose tail was lost: they are there
    BOOST_TEST(memory.producer().tail == 4U);
    const heap_ring shared(fixed_shape(8, 4));
    shared.word_at(0) = layout::record_word(8, 6);  // more than the ring may hold
    BOOST_TEST(repair_fixed(shared.view()));
    BOOST_TEST(shared.producer().tail == 4U);
    BOOST_TEST(check_fixed(shared.view()) != nullptr);
}

BOOST_AUTO_TEST_CASE(scribbled_fixed_rings_lead_nobody_outside) {
    std::mt19937_64 random(noria::rig::seed());
    for (const std::uint64_t capacity : {1U, 2U, 16U}) {
        survive<fixed_pair, noria::ring::fixed_writer, noria::ring::fixed_reader>(
            fixed_shape(24, capacity), 24, noria::ring::check_fixed, noria::ring::repair_fixed, random, 3000);
    }
}

BOOST_AUTO_TEST_CASE(scribbled_record_rings_lead_nobody_outside) {
    std::mt19937_64 random(noria::rig::seed());
    for (const std::uint64_t capacity : {64U, 256U}) {
        survive<record_pair, noria::ring::record_writer, noria::ring::record_reader>(
            bytes_shape(capacity), capacity - 16, noria::ring::check_records, noria::ring::repair_records, random,
            4000);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
