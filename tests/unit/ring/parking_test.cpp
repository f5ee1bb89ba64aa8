// parking_test.cpp: messages that go to the parking, deaths between any two stores on the way, and who takes them out.
#include "noria/ring/parking.hpp"

#include "heap_slots.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace noria;
using namespace noria::unit;
using layout::slot_phase;
using layout::slot_word;

namespace {

constexpr std::uint64_t last_lap = (std::uint64_t{1} << 45) - 1;
constexpr std::uint64_t writer_entry = 0;
constexpr std::uint64_t reader_entry = 2;

layout::shape parked_shape(std::uint64_t capacity, std::uint64_t deliveries_max, std::uint64_t places,
                           layout::message_form form = layout::message_form::fixed, std::uint32_t align = 8) {
    layout::shape shape = slots_shape(capacity, 4, form);
    shape.message_align = align;
    shape.deliveries_max = deliveries_max;
    shape.parking = places;
    BOOST_REQUIRE_EQUAL(layout::objection(shape), "");
    return shape;
}

struct scene {
    heap_slots memory;
    ring::slot_writer writer;
    ring::slot_reader reader;

    explicit scene(const layout::shape& shape, std::uint64_t lap = 0) : memory(shape) {
        memory.begin_at_lap(lap);
        BOOST_REQUIRE(writer.attach(memory.view(writer_entry)));
        BOOST_REQUIRE(reader.attach(memory.view(reader_entry)));
    }
    layout::parking_place& place(std::uint64_t index) {
        const ring::ring_view view = memory.view();
        return *reinterpret_cast<layout::parking_place*>(view.parking +
                                                         index * layout::place(view.shape).parking_place_bytes);
    }
    // Takes the next message and dies of it; whoever recovers leaves it where it belongs. The next life begins.
    void die_of(std::uint64_t number) {
        const std::byte* const message = take(reader);
        BOOST_REQUIRE(message != nullptr);
        BOOST_REQUIRE(number_in(message) == number);
        memory.recover(reader_entry);
        BOOST_REQUIRE(reader.attach(memory.view(reader_entry)));
    }
    [[nodiscard]] std::uint64_t parked() { return ring::count_parked(memory.view()).parked; }
    [[nodiscard]] std::uint64_t retrieved() { return ring::count_parked(memory.view()).retrieved; }
};

// What a message looks like, and how often it was handed out, when it is taken out of the parking; it stays gone.
struct found {
    std::uint64_t number = none;
    unsigned deliveries = 0;
};
found take_out(ring::slot_reader& reader) {
    const std::byte* const message = reader.take_parked();
    if (message == nullptr) return {};
    const found what{number_in(message), reader.deliveries()};
    return reader.release(message) ? what : found{};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parking)

BOOST_AUTO_TEST_CASE(a_message_is_parked_by_the_death_that_makes_its_deliveries_too_many) {
    for (const auto form : {layout::message_form::fixed, layout::message_form::bytes}) {
        for (const std::uint32_t align : {8U, 16U, 64U}) {
            if (form == layout::message_form::bytes && align != 8) continue;
            for (const std::uint64_t most : {1U, 3U, 7U}) {
                scene one(parked_shape(4, most, 2, form, align), last_lap);
                for (std::uint64_t n = 0; n < 4; ++n) BOOST_REQUIRE(push(one.writer, n));
                for (std::uint64_t death = 1; death < most; ++death) {
                    one.die_of(0);
                    BOOST_TEST(one.parked() == 0U);
                }
                one.die_of(0);
                BOOST_TEST(one.parked() == 1U);
                BOOST_TEST(one.writer.depth() == 3U);
                for (std::uint64_t n = 1; n < 4; ++n) BOOST_TEST(pop(one.reader) == n);
                BOOST_TEST(is_drained(one.reader));
                // Its slot is free for another lap, beyond the wrap.
                for (std::uint64_t n = 4; n < 12; ++n) BOOST_TEST((push(one.writer, n) && pop(one.reader) == n));
                const found what = take_out(one.reader);
                BOOST_TEST(what.number == 0U);
                BOOST_TEST(what.deliveries == most + 1 - most / 8);
                BOOST_TEST(take_out(one.reader).number == none);
                BOOST_TEST(one.retrieved() == 1U);
                BOOST_TEST(one.reader.messages() == 11U);  // what was parked was received by nobody
                BOOST_TEST(ring::check_slots(one.memory.view()) == nullptr);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_full_parking_leaves_messages_in_the_ring_where_they_can_be_counted) {
    scene one(parked_shape(4, 1, 2));
    for (std::uint64_t n = 0; n < 3; ++n) BOOST_REQUIRE(push(one.writer, n));
    for (std::uint64_t n = 0; n < 3; ++n) one.die_of(n);
    BOOST_TEST(one.parked() == 2U);
    std::vector<ring::hand> hands;
    BOOST_TEST(ring::survey_slots(one.memory.view(), hands).overdue == 1U);
    one.die_of(2);
    const std::byte* const again = take(one.reader);
    BOOST_REQUIRE(again != nullptr);
    BOOST_TEST(one.reader.deliveries() == 3U);
    // Room again: the next death parks it.
    BOOST_TEST(take_out(one.reader).number == 0U);
    one.memory.recover(reader_entry);
    BOOST_TEST(one.parked() == 3U);
    BOOST_REQUIRE(one.reader.attach(one.memory.view(reader_entry)));
    BOOST_TEST(take_out(one.reader).number == 2U);
    BOOST_TEST(take_out(one.reader).number == 1U);
    hands.clear();
    BOOST_TEST(ring::survey_slots(one.memory.view(), hands).overdue == 0U);
}

// A recoverer, or who puts a message back itself, dies after any of the stores of park(); the next recoverer ends it.
BOOST_AUTO_TEST_CASE(a_death_between_any_two_stores_of_parking_is_made_good) {
    for (const std::uint64_t lap : {std::uint64_t{0}, std::uint64_t{5}, last_lap}) {
        for (int stores = 0; stores <= 4; ++stores) {
            BOOST_TEST_CONTEXT("dead after " << stores << " stores, lap " << lap) {
                scene one(parked_shape(2, 1, 2), lap);
                BOOST_REQUIRE(push(one.writer, 7));
                BOOST_REQUIRE(take(one.reader) != nullptr);
                layout::parking_place& place = one.place(0);
                const std::uint64_t held = one.memory.word(0);
                constexpr std::uint64_t mine = reader_entry + 1;
                if (stores > 0) place.word = slot_word(0, slot_phase::claimed, 0, mine);
                if (stores == 1) BOOST_TEST(one.parked() == 0U);  // it counts as parked when its copy is whole
                if (stores > 1) {
                    std::uint64_t seven = 7;
                    std::memcpy(&place + 1, &seven, sizeof seven);
                    place.bytes = 8;
                    place.position = lap * 2;
                    place.word = slot_word(0, slot_phase::ready, 1, mine);
                }
                if (stores > 2) one.memory.word(0) = slot_word(held + layout::lap_step, slot_phase::free);
                if (stores > 3) place.word = slot_word(0, slot_phase::ready, 1);
                // As often as one likes.
                for (int times = 0; times < 2; ++times) {
                    one.memory.recover(reader_entry);
                    BOOST_TEST(one.parked() == 1U);
                    BOOST_TEST((layout::phase_of(one.memory.word(0)) == slot_phase::free));
                    BOOST_TEST(ring::check_slots(one.memory.view()) == nullptr);
                }
                BOOST_REQUIRE(one.reader.attach(one.memory.view(reader_entry)));
                const found what = take_out(one.reader);
                BOOST_TEST(what.number == 7U);
                BOOST_TEST(what.deliveries == 2U);
                BOOST_TEST(take(one.reader) == nullptr);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(who_dies_with_a_parked_message_leaves_it_parked) {
    scene one(parked_shape(2, 2, 3));
    BOOST_REQUIRE(push(one.writer, 7));
    one.die_of(7);
    one.die_of(7);
    for (const unsigned deliveries : {3U, 4U, 5U, 6U, 7U, 8U, 8U}) {
        BOOST_REQUIRE(one.reader.take_parked() != nullptr);
        BOOST_TEST(one.reader.deliveries() == deliveries);
        BOOST_TEST(one.reader.take_parked() == nullptr);  // it is in somebody's hands
        one.memory.recover(reader_entry);
        BOOST_REQUIRE(one.reader.attach(one.memory.view(reader_entry)));
    }
    BOOST_TEST(one.parked() == 1U);
    BOOST_TEST(one.retrieved() == 0U);
}

BOOST_AUTO_TEST_CASE(a_place_that_somebody_else_fills_is_let_alone) {
    scene one(parked_shape(2, 1, 2));
    BOOST_REQUIRE(push(one.writer, 7));
    one.place(0).word = slot_word(0, slot_phase::claimed, 0, 2);
    one.die_of(7);
    BOOST_TEST(one.parked() == 1U);
    BOOST_TEST((layout::phase_of(one.place(0).word) == slot_phase::claimed));
    BOOST_TEST(layout::owner_of(one.place(0).word) == 2U);
    BOOST_TEST((layout::phase_of(one.place(1).word) == slot_phase::ready));
    BOOST_TEST(take_out(one.reader).number == 7U);
}

BOOST_AUTO_TEST_CASE(what_was_not_retrieved_cannot_be_let_go) {
    scene one(parked_shape(2, 1, 1));
    BOOST_REQUIRE(push(one.writer, 7));
    one.die_of(7);
    const std::byte* const message = one.reader.take_parked();
    BOOST_REQUIRE(message != nullptr);
    BOOST_TEST(!ring::vacate(one.memory.view(), 3, message));  // another's
    one.place(0).word ^= std::uint64_t{1} << layout::phase_shift;
    BOOST_TEST(!one.reader.release(message));  // a scribble: corrupt
}

// Whatever stands in the section: nothing outside it is touched (the heap block has exactly its size), every call returns.
BOOST_AUTO_TEST_CASE(arbitrary_places_harm_nobody) {
    std::uint64_t noise = 88172645463325252U;
    const auto next = [&] {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        return noise ^= noise << 17;
    };
    for (int round = 0; round < 3000; ++round) {
        scene one(parked_shape(2, 1, 2, round % 2 == 0 ? layout::message_form::fixed : layout::message_form::bytes));
        BOOST_REQUIRE(push(one.writer, 7));
        BOOST_REQUIRE(take(one.reader) != nullptr);
        for (std::uint64_t i = 0; i < 2; ++i) {
            layout::parking_place& place = one.place(i);
            place.word =
                round % 3 == 0 ? next() : slot_word(next(), static_cast<slot_phase>(next() % 5), next() % 8, 3);
            place.bytes = next();
            place.position = next();
        }
        one.memory.recover(reader_entry);
        (void)one.parked();
        std::vector<ring::parked> all;
        ring::survey_parking(one.memory.view(), all);
        BOOST_TEST(all.size() <= 2U);
        (void)one.reader.attach(one.memory.view(reader_entry));
        while (const std::byte* const message = one.reader.take_parked()) {
            BOOST_REQUIRE(one.reader.taken_bytes() <= 8U);
            (void)number_in(message);
            BOOST_REQUIRE(one.reader.release(message));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
