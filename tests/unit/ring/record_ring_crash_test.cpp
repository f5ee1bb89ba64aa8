// record_ring_crash_test.cpp: a side that dies between any two of its stores is followed by a successor that goes on.
//
// What a killed process leaves is a prefix of its stores in program order: each case here is made by doing the whole
// and taking back the last stores by hand.
#include "noria/ring/record_ring.hpp"

#include "heap_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

namespace layout = noria::layout;
using noria::ring::record_reader;
using noria::ring::record_writer;
using noria::ring::sight;
using namespace noria::unit;

namespace {

constexpr std::uint64_t capacity = 128;
constexpr std::uint64_t numbers[] = {0, (std::uint64_t{1} << 32) - 1, UINT64_MAX - 1};

std::string message_of(std::uint64_t size) { return std::string(size, static_cast<char>('a' + size % 26)); }

// Where a writer can be killed, in the order of its stores.
enum class writer_death { cleared_next, published, counted, done };
constexpr writer_death writer_deaths[] = {writer_death::cleared_next, writer_death::published, writer_death::counted,
                                          writer_death::done};

// Pushes a message of that size, and is killed there. False: no room.
bool push_and_die(record_pair& ring, std::uint64_t size, writer_death where) {
    sight found{};
    std::byte* const room = room_for(ring.writer, size, found);
    if (room == nullptr) return false;
    const layout::producer_line before = ring.memory.producer();
    const std::uint64_t offset = ring.writer.position() % capacity;
    std::memset(room, message_of(size)[0], size);
    ring.writer.commit(size);
    if (where < writer_death::done) ring.memory.producer().tail = before.tail;
    if (where < writer_death::counted) ring.memory.producer().messages = before.messages;
    if (where < writer_death::published) ring.memory.word_at(offset) = 0;
    return true;
}

// Calls f(ring) for rings that begin at each offset and each number.
template <class F>
void for_each_ring(F f) {
    for (const std::uint64_t number : numbers) {
        for (std::uint64_t offset = 0; offset < capacity; offset += 8) {
            BOOST_TEST_CONTEXT("offset " << offset << ", number " << number) f(offset, number);
        }
    }
}

void expect(record_reader& reader, const std::string& message) {
    const auto got = pop(reader);
    BOOST_REQUIRE(got.has_value());
    BOOST_REQUIRE_EQUAL(*got, message);
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(sight)
BOOST_AUTO_TEST_SUITE(record_ring_crash)

// Goal: dead before the record's word: nothing was sent; after: the message was. The successor continues in either
// case, whether the reader has taken the message before it came or not. Method: every offset, size, and place to die.
BOOST_AUTO_TEST_CASE(a_writer_dead_at_any_store_of_a_commit_is_succeeded) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        for (const std::uint64_t size : {0U, 1U, 8U, 40U, 100U}) {
            for (const writer_death where : writer_deaths) {
                for (const bool read_first : {false, true}) {
                    record_pair ring(bytes_shape(capacity), offset, number);
                    if (!push_and_die(ring, size, where)) continue;
                    const bool sent = where >= writer_death::published;
                    BOOST_REQUIRE(check_records(ring.memory.view()) == nullptr);
                    if (read_first && sent) expect(ring.reader, message_of(size));
                    record_writer successor;
                    BOOST_REQUIRE(successor.attach(ring.memory.view()));
                    BOOST_REQUIRE_EQUAL(successor.messages(), number + (sent ? 1 : 0));
                    BOOST_REQUIRE_EQUAL(ring.memory.producer().messages, number + (sent ? 1 : 0));
                    BOOST_REQUIRE_EQUAL(ring.memory.producer().tail, successor.position());
                    BOOST_REQUIRE(check_records(ring.memory.view()) == nullptr);
                    if (!read_first && sent) expect(ring.reader, message_of(size));
                    BOOST_REQUIRE(!pop(ring.reader).has_value());
                    for (std::uint64_t next = 0; next < 40; ++next) {
                        BOOST_REQUIRE(push(successor, message_of(next)) == sight::ready);
                        expect(ring.reader, message_of(next));
                    }
                }
            }
        }
    });
}

// Goal: the same for the stores of a skip: the word at the ring's start, the skip's word, the tail.
BOOST_AUTO_TEST_CASE(a_writer_dead_at_any_store_of_a_skip_is_succeeded) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        const std::uint64_t left = capacity - offset;
        if (offset == 0 || left > capacity - 16) return;
        for (const bool published : {false, true}) {
            for (const bool read_first : {false, true}) {
                record_pair ring(bytes_shape(capacity), offset, number);
                BOOST_REQUIRE(ring.writer.look(left) == sight::moved);
                ring.memory.producer().tail = offset;
                if (!published) ring.memory.word_at(offset) = 0;
                BOOST_REQUIRE(check_records(ring.memory.view()) == nullptr);
                if (read_first) {
                    BOOST_REQUIRE(!pop(ring.reader).has_value());
                    BOOST_REQUIRE_EQUAL(ring.reader.position(), published ? capacity : offset);
                }
                record_writer successor;
                BOOST_REQUIRE(successor.attach(ring.memory.view()));
                BOOST_REQUIRE_EQUAL(successor.position(), published ? capacity : offset);
                BOOST_REQUIRE_EQUAL(successor.messages(), number);
                for (std::uint64_t next = 0; next < 40; ++next) {
                    BOOST_REQUIRE(push(successor, message_of(next)) == sight::ready);
                    expect(ring.reader, message_of(next));
                }
            }
        }
    });
}

// Goal: whatever bytes a killed writer left behind the tail, in a message it had not finished, mislead nobody. Method:
// the room of an open claim is filled with words that look like records and skips, and it dies.
BOOST_AUTO_TEST_CASE(an_unfinished_message_that_looks_like_records_misleads_nobody) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        record_pair ring(bytes_shape(capacity), offset, number);
        sight found{};
        std::byte* const room = room_for(ring.writer, 48, found);
        BOOST_REQUIRE(room != nullptr);
        const std::uint64_t first = ring.writer.position();
        for (std::uint64_t i = 0; i < 6; ++i) {
            const std::uint64_t word =
                i % 2 == 0 ? layout::record_word(8, number + i) : layout::skip_word(8, number + i);
            std::memcpy(room + 8 * i, &word, 8);
        }
        BOOST_REQUIRE(!pop(ring.reader).has_value());
        record_writer successor;
        BOOST_REQUIRE(successor.attach(ring.memory.view()));
        BOOST_REQUIRE_EQUAL(successor.position(), first);
        // Shorter messages than the unfinished one: their words are cleared ahead, over what it left.
        for (std::uint64_t next = 0; next < 40; ++next) {
            BOOST_REQUIRE(push(successor, message_of(next % 24)) == sight::ready);
            expect(ring.reader, message_of(next % 24));
            BOOST_REQUIRE(!pop(ring.reader).has_value());
        }
    });
}

BOOST_AUTO_TEST_CASE(repairing_twice_is_repairing_once) {
    record_pair ring(bytes_shape(capacity));
    BOOST_REQUIRE(push_and_die(ring, 10, writer_death::published));
    ring.memory.producer().claim_open = 1;
    for (int times = 0; times < 2; ++times) {
        BOOST_TEST(repair_records(ring.memory.view()));
        BOOST_TEST(ring.memory.producer().tail == 24U);
        BOOST_TEST(ring.memory.producer().messages == 1U);
        BOOST_TEST(ring.memory.producer().claim_open == 0U);
    }
}

// Goal: a reader killed between storing its head and its count is followed by one that reads on, with the right count;
// whatever stands at head: a record, a skip, or nothing. Method: every offset; the count is taken back by one.
BOOST_AUTO_TEST_CASE(a_reader_dead_between_head_and_count_is_succeeded) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        for (const int then : {0, 1, 2}) {  // nothing, a record, a skip and a record
            record_pair ring(bytes_shape(capacity), offset, number);
            BOOST_REQUIRE(push(ring.writer, message_of(8)) == sight::ready);
            const std::uint64_t left = capacity - ring.writer.position() % capacity;
            if (then == 1) BOOST_REQUIRE(push(ring.writer, message_of(9)) == sight::ready);
            if (then == 2 && (left > capacity - 32 || ring.writer.look(left) != sight::moved)) continue;
            expect(ring.reader, message_of(8));
            ring.memory.consumer().messages -= 1;
            record_reader successor;
            BOOST_REQUIRE(successor.attach(ring.memory.view()));
            if (then == 1) expect(successor, message_of(9));
            BOOST_REQUIRE(!pop(successor).has_value());
            BOOST_REQUIRE(push(ring.writer, message_of(11)) == sight::ready);
            expect(successor, message_of(11));
            BOOST_REQUIRE_EQUAL(successor.messages(), number + (then == 1 ? 3U : 2U));
            BOOST_REQUIRE_EQUAL(ring.memory.consumer().messages, successor.messages());
        }
    });
}

// Goal: the same when nothing in the file tells: the writer, too, was between its word and its count when the successor
// attached, and the reader had taken that very message. Only the next record can tell. Method: both counts taken back;
// then the writer goes on.
BOOST_AUTO_TEST_CASE(a_count_that_nothing_tells_is_mended_by_the_next_record) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        for (const bool skip_comes_next : {false, true}) {
            record_pair ring(bytes_shape(capacity), offset, number);
            BOOST_REQUIRE(push(ring.writer, message_of(8)) == sight::ready);
            expect(ring.reader, message_of(8));
            ring.memory.consumer().messages -= 1;
            ring.memory.producer().messages -= 1;
            record_reader successor;
            BOOST_REQUIRE(successor.attach(ring.memory.view()));
            ring.memory.producer().messages += 1;  // the writer, alive, stores it now
            const std::uint64_t left = capacity - ring.writer.position() % capacity;
            if (skip_comes_next && (left > capacity - 16 || ring.writer.look(left) != sight::moved)) continue;
            for (std::uint64_t next = 0; next < 5; ++next) {
                BOOST_REQUIRE(push(ring.writer, message_of(next)) == sight::ready);
                expect(successor, message_of(next));
            }
            BOOST_REQUIRE_EQUAL(successor.messages(), number + 6);
        }
    });
}

// Goal: what the next record has told is in the file at once; or the successor's own death between head and count would leave
// the count two behind, which no record tells any more.
BOOST_AUTO_TEST_CASE(a_count_that_was_mended_survives_a_second_death_between_head_and_count) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        record_pair ring(bytes_shape(capacity), offset, number);
        BOOST_REQUIRE(push(ring.writer, message_of(8)) == sight::ready);
        expect(ring.reader, message_of(8));
        ring.memory.consumer().messages -= 1;
        ring.memory.producer().messages -= 1;
        record_reader successor;
        BOOST_REQUIRE(successor.attach(ring.memory.view()));
        ring.memory.producer().messages += 1;
        BOOST_REQUIRE(push(ring.writer, message_of(9)) == sight::ready);
        sight found{};
        BOOST_REQUIRE(first_message(successor, found) != nullptr);
        const std::uint64_t before_release = ring.memory.consumer().messages;
        expect(successor, message_of(9));
        ring.memory.consumer().messages = before_release;
        record_reader heir;
        BOOST_REQUIRE(heir.attach(ring.memory.view()));
        for (std::uint64_t next = 0; next < 3; ++next) {
            BOOST_REQUIRE(push(ring.writer, message_of(next)) == sight::ready);
            expect(heir, message_of(next));
        }
        BOOST_REQUIRE_EQUAL(heir.messages(), number + 5);
        BOOST_REQUIRE_EQUAL(ring.memory.consumer().messages, number + 5);
    });
}

// Goal: the same in the other direction: the processor shows the writer's count before its word, which nothing orders,
// to a successor that attaches to the empty ring. Method: the count is one too high while it attaches.
BOOST_AUTO_TEST_CASE(a_count_that_is_seen_before_its_record_is_mended_by_that_record) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        record_pair ring(bytes_shape(capacity), offset, number);
        ring.memory.producer().messages += 1;
        record_reader successor;
        BOOST_REQUIRE(successor.attach(ring.memory.view()));
        BOOST_REQUIRE(!pop(successor).has_value());
        for (std::uint64_t next = 0; next < 5; ++next) {
            BOOST_REQUIRE(push(ring.writer, message_of(next)) == sight::ready);
            expect(successor, message_of(next));
        }
        BOOST_REQUIRE_EQUAL(successor.messages(), number + 5);
        BOOST_REQUIRE_EQUAL(ring.memory.consumer().messages, number + 5);
    });
}

BOOST_AUTO_TEST_CASE(a_reader_dead_with_a_record_in_hand_leaves_it_marked) {
    for_each_ring([](std::uint64_t offset, std::uint64_t number) {
        record_pair ring(bytes_shape(capacity), offset, number);
        for (const std::uint64_t size : {8U, 9U}) BOOST_REQUIRE(push(ring.writer, message_of(size)) == sight::ready);
        for (std::uint64_t deaths = 0; deaths < 3; ++deaths) {
            record_reader reader;
            BOOST_REQUIRE(reader.attach(ring.memory.view()));
            sight found{};
            BOOST_REQUIRE(first_message(reader, found) != nullptr);
            BOOST_REQUIRE_EQUAL(reader.seen_before(), deaths > 0);
            reader.hold();
            recover_consumer(ring.memory);
            BOOST_REQUIRE_EQUAL(ring.memory.consumer().redelivered, deaths + 1);
        }
        record_reader last;
        BOOST_REQUIRE(last.attach(ring.memory.view()));
        BOOST_REQUIRE(last.seen_before());
        expect(last, message_of(8));
        BOOST_REQUIRE(!last.seen_before());
        expect(last, message_of(9));
    });
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
