// slot_ring_test.cpp: laps, holes, what is put back, deaths between any two stores, and words that nobody writes.
#include "heap_slots.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <set>

using namespace noria;
using namespace noria::unit;
using layout::slot_phase;
using layout::slot_word;

namespace {

constexpr std::uint64_t last_lap = (std::uint64_t{1} << 45) - 1;

struct quartet {
    heap_slots memory;
    std::array<ring::slot_writer, 2> writer;
    std::array<ring::slot_reader, 2> reader;
    bool attached = true;

    explicit quartet(const layout::shape& shape, std::uint64_t lap = 0) : memory(shape) {
        memory.begin_at_lap(lap);
        for (std::uint64_t i = 0; i < 2; ++i) {
            attached = attached && writer[i].attach(memory.view(i));
            attached = attached && reader[i].attach(memory.view(2 + i));
        }
    }
    [[nodiscard]] const char* unsound() { return ring::check_slots(memory.view()); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(slot_ring)

BOOST_AUTO_TEST_CASE(words_say_what_was_put_into_them) {
    for (const std::uint64_t lap : {std::uint64_t{0}, std::uint64_t{1}, last_lap}) {
        for (const auto phase : {slot_phase::free, slot_phase::claimed, slot_phase::ready, slot_phase::held}) {
            const std::uint64_t owner =
                phase == slot_phase::claimed || phase == slot_phase::held ? layout::endpoints_limit : 0;
            const std::uint64_t deliveries = phase == slot_phase::ready || phase == slot_phase::held ? 7 : 0;
            const std::uint64_t word = slot_word(lap << layout::lap_shift, phase, deliveries, owner);
            BOOST_TEST(layout::lap_of(word) == lap);
            BOOST_TEST((layout::phase_of(word) == phase));
            BOOST_TEST(layout::deliveries_of(word) == deliveries);
            BOOST_TEST(layout::owner_of(word) == owner);
            BOOST_TEST(!layout::is_impossible(word));
        }
    }
    BOOST_TEST(layout::laps_ahead(0, last_lap << layout::lap_shift) == 1);
    BOOST_TEST(layout::laps_ahead(last_lap << layout::lap_shift, 0) == -1);
    for (std::uint64_t phase = 4; phase < 16; ++phase) BOOST_TEST(layout::is_impossible(phase << layout::phase_shift));
    BOOST_TEST(layout::is_impossible(slot_word(0, slot_phase::free, 0, 1)));
    BOOST_TEST(layout::is_impossible(slot_word(0, slot_phase::claimed, 0, 0)));
    BOOST_TEST(layout::is_impossible(slot_word(0, slot_phase::ready, 0, 1)));
    BOOST_TEST(layout::is_impossible(slot_word(0, slot_phase::held, 0, 0)));
}

BOOST_AUTO_TEST_CASE(laps_wrap_and_nothing_notices) {
    for (const std::uint64_t capacity : {1U, 2U, 8U}) {
        quartet queue(slots_shape(capacity), last_lap - 2);
        BOOST_REQUIRE(queue.attached);
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        for (int lap = 0; lap < 6; ++lap) {
            while (push(queue.writer[sent % 2], sent)) ++sent;
            BOOST_REQUIRE(sent - received == capacity);
            BOOST_TEST(queue.unsound() == nullptr);
            while (received != sent) {
                BOOST_REQUIRE(pop(queue.reader[received % 2]) == received);
                ++received;
            }
            BOOST_TEST(pop(queue.reader[0]) == none);
            BOOST_TEST(queue.unsound() == nullptr);
        }
        BOOST_TEST(queue.writer[0].depth() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(who_comes_with_an_old_hint_or_wakes_after_many_laps_catches_up) {
    quartet queue(slots_shape(4));
    for (std::uint64_t n = 0; n < 1000; ++n) {
        BOOST_REQUIRE(push(queue.writer[0], n));
        BOOST_REQUIRE(pop(queue.reader[0]) == n);
    }
    queue.memory.producer().tail = queue.memory.consumer().head = 0;
    ring::slot_writer late_writer;
    ring::slot_reader late_reader;
    BOOST_REQUIRE(late_writer.attach(queue.memory.view(1)));
    BOOST_REQUIRE(late_reader.attach(queue.memory.view(3)));
    BOOST_TEST(push(late_writer, 1000));
    BOOST_TEST(push(queue.writer[1], 1001));  // asleep since the first lap
    BOOST_TEST(pop(queue.reader[1]) == 1000U);
    BOOST_TEST(pop(late_reader) == 1001U);
}

// Goal: deaths leave nothing but a hole or a message to deliver again, and exact figures. Method: each entry does its deed up
// to one of its stores; then it is recovered, twice, as if the first recoverer had died too.
BOOST_AUTO_TEST_CASE(a_claim_that_dies_is_skipped_wherever_it_stood) {
    for (const int stores : {0, 1, 2}) {
        for (const bool giving_back : {false, true}) {
            quartet queue(slots_shape(2));
            BOOST_REQUIRE(push(queue.writer[0], 7));
            BOOST_REQUIRE(claim(queue.writer[0]) != nullptr);
            layout::tally_line& tally = queue.memory.tally(0);
            // What commit() and give_back() store in front of the slot's word.
            if (stores > 0) (giving_back ? tally.giving_back[0] : tally.committing[1]) = 1;
            if (stores > 1) ++(giving_back ? tally.given_back : tally.sent);
            queue.memory.recover(0);
            BOOST_TEST(tally.sent == 1U);
            BOOST_TEST(tally.given_back == 0U);
            BOOST_TEST(tally.skipped == 1U);
            const layout::tally_line once = tally;
            ring::release_dead(queue.memory.view(), 0);
            BOOST_TEST(std::memcmp(&once, &tally, sizeof once) == 0);
            BOOST_TEST(pop(queue.reader[0]) == 7U);
            BOOST_TEST(pop(queue.reader[0]) == none);
            for (std::uint64_t n = 0; n < 5; ++n) {
                BOOST_REQUIRE(push(queue.writer[1], n));
                BOOST_REQUIRE(pop(queue.reader[1]) == n);
            }
            BOOST_TEST(queue.unsound() == nullptr);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_dies_in_a_reader_s_hands_comes_again_wherever_it_stood) {
    for (const int stores : {0, 1, 2}) {
        quartet queue(slots_shape(4));
        for (std::uint64_t n = 0; n < 4; ++n) BOOST_REQUIRE(push(queue.writer[0], n));
        BOOST_REQUIRE(pop(queue.reader[0]) == 0U);
        BOOST_REQUIRE(number_in(take(queue.reader[0])) == 1U);
        BOOST_REQUIRE(number_in(take(queue.reader[0])) == 2U);
        layout::tally_line& tally = queue.memory.tally(2);
        if (stores > 0) tally.releasing[1] = 1;
        if (stores > 1) ++tally.received;
        BOOST_REQUIRE(pop(queue.reader[1]) == 3U);  // who has passed them
        queue.memory.recover(2);
        BOOST_TEST(tally.received == 1U);
        BOOST_TEST(tally.redelivered == 2U);
        for (std::uint64_t n = 1; n < 3; ++n) {
            const std::byte* const message = take(queue.reader[1]);
            BOOST_REQUIRE(message != nullptr);
            BOOST_TEST(number_in(message) == n);
            BOOST_TEST(queue.reader[1].deliveries() == 2U);
            BOOST_TEST(queue.reader[1].release(message));
        }
        BOOST_TEST(pop(queue.reader[1]) == none);
        BOOST_TEST(is_drained(queue.reader[1]));
        BOOST_TEST(queue.unsound() == nullptr);
        BOOST_TEST(queue.reader[1].depth() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(what_a_reader_that_goes_puts_back_is_found_by_those_that_have_passed_it) {
    quartet queue(slots_shape(4));
    for (std::uint64_t n = 0; n < 4; ++n) BOOST_REQUIRE(push(queue.writer[0], n));
    BOOST_REQUIRE(number_in(take(queue.reader[0])) == 0U);
    BOOST_REQUIRE(number_in(take(queue.reader[0])) == 1U);
    BOOST_REQUIRE(pop(queue.reader[1]) == 2U);
    BOOST_REQUIRE(pop(queue.reader[1]) == 3U);
    BOOST_REQUIRE(pop(queue.reader[1]) == none);
    queue.reader[0].put_all_back();
    BOOST_TEST(queue.memory.tally(2).redelivered == 2U);
    for (std::uint64_t n = 0; n < 2; ++n) {
        const std::byte* const message = take(queue.reader[1]);
        BOOST_REQUIRE(message != nullptr);
        BOOST_TEST(number_in(message) == n);
        BOOST_TEST(queue.reader[1].deliveries() == 2U);
        BOOST_TEST(queue.reader[1].release(message));
    }
    BOOST_TEST(queue.unsound() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_ring_is_full_or_stalled_by_the_number_of_its_messages) {
    quartet queue(slots_shape(2));
    for (std::uint64_t n = 0; n < 2; ++n) BOOST_REQUIRE(push(queue.writer[0], n));
    BOOST_REQUIRE(number_in(take(queue.reader[0])) == 0U);
    BOOST_TEST((queue.writer[0].look(8) == ring::sight::nothing));
    BOOST_TEST(queue.writer[0].obstacle() == 3U);  // the reader that has the oldest message
    BOOST_TEST(!queue.writer[0].stalled());        // the other one would be in the way as well
    BOOST_REQUIRE(pop(queue.reader[1]) == 1U);
    BOOST_TEST((queue.writer[0].look(8) == ring::sight::nothing));
    BOOST_TEST(queue.writer[0].obstacle() == 3U);
    BOOST_TEST(queue.writer[0].stalled());
}

BOOST_AUTO_TEST_CASE(deliveries_are_counted_up_to_eight) {
    quartet queue(slots_shape(2));
    BOOST_REQUIRE(push(queue.writer[0], 5));
    for (unsigned n = 1; n < 20; ++n) {
        const std::byte* const message = take(queue.reader[n % 2]);
        BOOST_REQUIRE(message != nullptr);
        BOOST_TEST(queue.reader[n % 2].deliveries() == std::min(n, 8U));
        BOOST_TEST(queue.reader[n % 2].put_back(message, true));
    }
    BOOST_TEST(queue.memory.tally(2).redelivered + queue.memory.tally(3).redelivered == 19U);
}

// Goal: any order of claims, commits, holes, leases, releases, returns and deaths keeps the invariants. Method: a random walk
// against a set of the numbers that are in the queue.
BOOST_AUTO_TEST_CASE(random_deeds_and_deaths_keep_the_books) {
    std::mt19937_64 random(4711);
    for (const std::uint64_t capacity : {1U, 2U, 4U, 16U}) {
        quartet queue(slots_shape(capacity), last_lap);
        std::set<std::uint64_t> inside;
        std::array<std::byte*, 2> room{};
        std::array<std::vector<const std::byte*>, 2> leases;
        std::uint64_t next = 0;
        for (int step = 0; step < 30000; ++step) {
            const std::size_t i = random() % 2;
            switch (random() % 8) {
                case 0:
                case 1:
                    if (room[i] == nullptr) room[i] = claim(queue.writer[i]);
                    break;
                case 2:
                    if (room[i] == nullptr) break;
                    std::memcpy(room[i], &next, sizeof next);
                    inside.insert(next++);
                    queue.writer[i].commit(8);
                    room[i] = nullptr;
                    break;
                case 3:
                    if (room[i] == nullptr || random() % 3 != 0) break;
                    queue.writer[i].give_back();
                    room[i] = nullptr;
                    break;
                case 4:
                case 5:
                    if (const std::byte* const message = take(queue.reader[i])) leases[i].push_back(message);
                    break;
                case 6: {
                    if (leases[i].empty()) break;
                    const std::size_t which = random() % leases[i].size();
                    const std::byte* const message = leases[i][which];
                    leases[i].erase(leases[i].begin() + static_cast<std::ptrdiff_t>(which));
                    if (random() % 4 == 0) {
                        BOOST_REQUIRE(queue.reader[i].put_back(message, true));
                        break;
                    }
                    BOOST_REQUIRE(inside.erase(number_in(message)) == 1U);
                    BOOST_REQUIRE(queue.reader[i].release(message));
                    break;
                }
                default:
                    if (random() % 8 != 0) break;
                    if (random() % 2 == 0) {
                        room[i] = nullptr;
                        queue.memory.recover(i);
                        BOOST_REQUIRE(queue.writer[i].attach(queue.memory.view(i)));
                    } else {
                        leases[i].clear();
                        queue.memory.recover(2 + i);
                        BOOST_REQUIRE(queue.reader[i].attach(queue.memory.view(2 + i)));
                    }
            }
            BOOST_REQUIRE(queue.unsound() == nullptr);
            BOOST_REQUIRE(queue.writer[0].depth() == inside.size());
        }
        for (std::size_t i = 0; i < 2; ++i) {
            if (room[i] != nullptr) queue.writer[i].give_back();
            for (const auto* each : leases[i]) BOOST_REQUIRE(queue.reader[i].put_back(each, true));
        }
        while (!inside.empty()) {
            const std::uint64_t number = pop(queue.reader[inside.size() % 2]);
            BOOST_REQUIRE(inside.erase(number) == 1U);
        }
        BOOST_TEST(is_drained(queue.reader[0]));
        std::uint64_t claims = 0;
        for (std::uint64_t e = 0; e < 4; ++e) {
            const layout::tally_line& each = queue.memory.tally(e);
            claims += each.sent + each.given_back + each.skipped;
        }
        std::vector<ring::hand> in_hand;
        const std::uint64_t tail = ring::survey_slots(queue.memory.view(), in_hand).tail;
        BOOST_TEST(in_hand.empty());
        const std::uint64_t mask = capacity < (1U << 19) ? (std::uint64_t{1} << 45) * capacity - 1 : ~std::uint64_t{0};
        BOOST_TEST(claims == ((tail - last_lap * capacity) & mask));
    }
}

BOOST_AUTO_TEST_CASE(an_observer_finds_the_tail_beyond_half_of_all_positions) {
    constexpr std::uint64_t capacity = std::uint64_t{1} << 19;  // as many as make positions of 64 bits
    for (const std::uint64_t lap : {std::uint64_t{3}, (std::uint64_t{1} << 44) - 1, (std::uint64_t{1} << 44) + 1}) {
        quartet queue(slots_shape(capacity), lap);
        std::vector<ring::hand> in_hand;
        BOOST_TEST(ring::survey_slots(queue.memory.view(), in_hand).tail == lap * capacity);
        BOOST_REQUIRE(push(queue.writer[0], 1));
        BOOST_REQUIRE(push(queue.writer[1], 2));
        BOOST_REQUIRE(take(queue.reader[0]) != nullptr);
        const ring::slots_seen seen = ring::survey_slots(queue.memory.view(), in_hand);
        BOOST_TEST(seen.tail == lap * capacity + 2);
        BOOST_TEST(seen.head == lap * capacity + 1);
        BOOST_TEST(in_hand.size() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_message_longer_than_is_accepted_stays_where_it_is) {
    quartet queue(slots_shape(4, 4, layout::message_form::bytes));
    BOOST_REQUIRE(push(queue.writer[0], 1));
    const std::uint64_t before = queue.memory.word(0);
    queue.reader[0].accept(7);
    BOOST_TEST((queue.reader[0].look() == ring::sight::ready));
    BOOST_TEST(queue.reader[0].take() == nullptr);
    BOOST_TEST(queue.reader[0].left_too_long());
    BOOST_TEST(queue.reader[0].taken_bytes() == 8U);
    BOOST_TEST(queue.memory.word(0) == before);
    queue.reader[0].accept(8);
    BOOST_TEST(!queue.reader[0].left_too_long());
    BOOST_TEST(pop(queue.reader[0]) == 1U);
}

// Goal: whatever stands in the words, every call returns, nothing outside the ring is touched, and what no writer leaves is
// corrupt. (Run under the address sanitizer.)
BOOST_AUTO_TEST_CASE(arbitrary_words_end_every_walk) {
    std::mt19937_64 random(99);
    for (int round = 0; round < 3000; ++round) {
        const std::uint64_t capacity = std::uint64_t{1} << (random() % 4);
        heap_slots memory(
            slots_shape(capacity, 4, random() % 2 == 0 ? layout::message_form::fixed : layout::message_form::bytes));
        memory.producer().tail = random() % 2 == 0 ? random() : random() % 9;
        memory.consumer().head = random() % 2 == 0 ? random() : random() % 9;
        const auto any_word = [&] {
            return random() % 4 == 0 ? random()
                                     : slot_word((random() % 4) << layout::lap_shift,
                                                 static_cast<slot_phase>(random() % 4), random() % 8, random() % 6);
        };
        for (std::uint64_t i = 0; i < capacity; ++i) {
            memory.word(i) = any_word();
            memory.word(i * 8 + 1 < capacity * 8 ? i : 0) = any_word();
        }
        ring::slot_writer writer;
        ring::slot_reader reader;
        (void)writer.attach(memory.view(0));
        (void)reader.attach(memory.view(1));
        for (int n = 0; n < 20; ++n) {
            memory.word(random() % capacity) = any_word();
            if (std::byte* const room = claim(writer)) {
                std::memset(room, 1, 8);
                writer.commit(8);
            }
            if (const std::byte* const message = take(reader)) {
                BOOST_TEST(reader.taken_bytes() <= 8U);
                if (random() % 2 == 0) memory.word(random() % capacity) = any_word();
                (void)(random() % 2 == 0 ? reader.release(message) : reader.put_back(message, true));
            }
        }
        (void)is_drained(reader);
        (void)ring::check_slots(memory.view());
        std::vector<ring::hand> in_hand;
        (void)ring::survey_slots(memory.view(), in_hand);
        memory.recover(0);
        memory.recover(1);
    }
}

BOOST_AUTO_TEST_CASE(check_finds_what_contradicts_the_invariants) {
    quartet queue(slots_shape(4));
    for (std::uint64_t n = 0; n < 6; ++n) {
        BOOST_REQUIRE(push(queue.writer[0], n));
        BOOST_REQUIRE(pop(queue.reader[0]) == n);
    }
    BOOST_TEST(queue.unsound() == nullptr);
    for (std::uint64_t i = 0; i < 4; ++i) {
        const std::uint64_t right = queue.memory.word(i);
        for (const std::uint64_t wrong : {right + layout::lap_step * 2, right - layout::lap_step * 2, right + 1,
                                          right | (std::uint64_t{9} << layout::phase_shift)}) {
            queue.memory.word(i) = wrong;
            BOOST_TEST(queue.unsound() != nullptr);
        }
        queue.memory.word(i) = right;
    }
    BOOST_TEST(queue.unsound() == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
