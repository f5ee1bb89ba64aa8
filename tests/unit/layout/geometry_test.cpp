// geometry_test.cpp: exact places for shapes of all sizes, and which shapes are refused in which words.
#include "noria/layout/geometry.hpp"

#include "noria/core/bits.hpp"
#include "noria/core/shareable.hpp"
#include "noria/layout/header.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/layout/parking_place.hpp"
#include "noria/layout/record.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/layout/tally_line.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

namespace layout = noria::layout;

namespace {

layout::shape fixed(std::uint64_t message_bytes, std::uint32_t align, std::uint64_t capacity) {
    return {.form = layout::message_form::fixed,
            .message_align = align,
            .message_bytes = message_bytes,
            .type_tag = 7,
            .capacity = capacity};
}

layout::shape bytes(std::uint64_t message_bytes_max, std::uint64_t capacity_bytes) {
    return {.form = layout::message_form::bytes,
            .message_align = 8,
            .message_bytes = message_bytes_max,
            .type_tag = 7,
            .capacity = capacity_bytes};
}

bool says(const layout::shape& refused, const std::string& part) {
    const std::string text = objection(refused);
    BOOST_TEST_MESSAGE(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(geometry)

BOOST_AUTO_TEST_CASE(sections_of_every_file_stand_where_format_2_says) {
    for (const auto& shape : {fixed(16, 8, 4096), fixed(1, 1, 1), bytes(100, 256)}) {
        const layout::geometry where = place(shape);
        BOOST_TEST(where.roster_length == 2U);
        BOOST_TEST(where.roster_offset == 4096U);
        BOOST_TEST(where.words_offset == 4096U + 2 * 128);
        BOOST_TEST(where.ring_offset == 8192U);
    }
}

BOOST_AUTO_TEST_CASE(slots_of_fixed_messages_have_exact_sizes) {
    struct expectation {
        std::uint64_t message_bytes;
        std::uint32_t align;
        std::uint64_t payload_offset;
        std::uint64_t slot_bytes;
    };
    // A slot is the word, a gap up to the message's alignment, the message, and a gap up to the next word's alignment.
    constexpr expectation table[] = {
        {1, 1, 8, 16},      {7, 1, 8, 16},      {8, 1, 8, 16},      {9, 1, 8, 24},    {2, 2, 8, 16},
        {4, 4, 8, 16},      {8, 8, 8, 16},      {16, 8, 8, 24},     {24, 8, 8, 32},   {16, 16, 16, 32},
        {32, 16, 16, 48},   {48, 16, 16, 64},   {32, 32, 32, 64},   {64, 32, 32, 96}, {64, 64, 64, 128},
        {128, 64, 64, 192}, {1000, 8, 8, 1008}, {1001, 1, 8, 1016},
    };
    for (const auto& each : table) {
        BOOST_TEST_CONTEXT("messages of " << each.message_bytes << " bytes, alignment " << each.align) {
            layout::shape shape = fixed(each.message_bytes, each.align, 4);
            shape.coordinated = noria::coordination::robust_mutex;
            const layout::geometry where = place(shape);
            BOOST_TEST(where.payload_offset == each.payload_offset);
            BOOST_TEST(where.slot_bytes == each.slot_bytes);
            BOOST_TEST(where.ring_bytes == 4 * each.slot_bytes);
            BOOST_TEST(where.file_bytes == noria::round_up(where.ring_offset + 4 * each.slot_bytes, 4096));
            if (each.align <= 8 && each.message_bytes <= 28) continue;
            const layout::geometry alone = place(fixed(each.message_bytes, each.align, 4));
            BOOST_TEST(alone.payload_offset == each.payload_offset);
            BOOST_TEST(alone.slot_bytes == each.slot_bytes);
            BOOST_TEST(alone.ring_bytes == 4 * each.slot_bytes);
        }
    }
}

BOOST_AUTO_TEST_CASE(small_messages_of_a_stream_share_lines) {
    struct expectation {
        std::uint64_t message_bytes;
        std::uint32_t align;
        std::uint64_t messages;
        std::uint64_t slots_for_64;
    };
    constexpr expectation table[] = {
        {1, 1, 56, 3},  {3, 1, 18, 5},  {4, 4, 14, 6},  {8, 8, 7, 10},  {12, 4, 4, 17},
        {16, 8, 3, 22}, {18, 2, 3, 22}, {20, 4, 2, 33}, {24, 8, 2, 33}, {28, 4, 2, 33},
    };
    for (const auto& each : table) {
        BOOST_TEST_CONTEXT("messages of " << each.message_bytes << " bytes, alignment " << each.align) {
            const layout::geometry where = place(fixed(each.message_bytes, each.align, 64));
            BOOST_TEST(layout::stream_slot(each.message_bytes, each.align).messages == each.messages);
            BOOST_TEST(where.payload_offset == 8U);
            BOOST_TEST(where.slot_bytes == 64U);
            BOOST_TEST(where.ring_bytes == 64 * each.slots_for_64);
        }
    }
    // What a hostile header may say, and what overflows.
    BOOST_TEST(layout::stream_slot(0, 8).messages == 1U);
    BOOST_TEST(layout::stream_slot(~std::uint64_t{0}, 8).messages == 1U);
    BOOST_TEST(layout::stream_slot(std::uint64_t{1} << 63, 8).messages == 1U);
    for (std::uint64_t messages = 1; messages <= 56; ++messages) {
        for (std::uint64_t capacity = 1; capacity <= 4096; capacity *= 2) {
            const std::uint64_t turn = messages * layout::stream_slots(capacity, messages);
            BOOST_TEST(turn >= capacity + messages - 1);
            BOOST_TEST(turn < capacity + 2 * messages - 1);
        }
    }
}

BOOST_AUTO_TEST_CASE(files_end_with_the_page_in_which_the_ring_ends) {
    BOOST_TEST(place(fixed(8, 8, 1)).file_bytes == 8192U + 4096);
    BOOST_TEST(place(fixed(56, 8, 64)).file_bytes == 8192U + 4096);  // 64 x 64 bytes: the page to its last byte
    BOOST_TEST(place(fixed(56, 8, 128)).file_bytes == 8192U + 8192);
    BOOST_TEST(place(fixed(16, 8, 4096)).file_bytes == 8192U + 90112);  // 1367 lines
    BOOST_TEST(place(bytes(48, 64)).file_bytes == 8192U + 4096);
    BOOST_TEST(place(bytes(100, std::uint64_t{1} << 20)).file_bytes == 8192U + (1U << 20));
}

// Goal: no section of any kind of file lies over another one, or outside. Method: the end of each is computed here from its
// number of members; what a file has not is not there.
BOOST_AUTO_TEST_CASE(sections_of_every_kind_of_file_stand_behind_each_other_and_in_the_file) {
    unsigned kinds = 0;
    for (const auto kind : {layout::queue_kind::spsc, layout::queue_kind::mpmc}) {
        for (const auto how : {noria::coordination::lock_free, noria::coordination::robust_mutex}) {
            for (const auto form : {layout::message_form::fixed, layout::message_form::bytes}) {
                for (const std::uint64_t message_bytes : {1U, 8U, 100U, 4096U}) {
                    for (const std::uint64_t parking : {0U, 1U, 64U, 100U}) {
                        layout::shape shape{.kind = kind, .coordinated = how, .form = form};
                        shape.message_bytes = message_bytes;
                        shape.capacity = 1U << 14;
                        shape.endpoints = kind == layout::queue_kind::mpmc ? 77 : 2;
                        shape.parking = parking;
                        shape.deliveries_max = parking != 0 ? 2 : 0;
                        if (!objection(shape).empty()) continue;
                        ++kinds;
                        const layout::geometry where = place(shape);
                        std::uint64_t end = sizeof(layout::header);
                        const auto follows = [&](std::uint64_t offset, std::uint64_t bytes, bool there) {
                            BOOST_TEST((there ? offset >= end : offset == 0));
                            if (there) end = offset + bytes;
                        };
                        follows(where.roster_offset, shape.endpoints * sizeof(layout::roster_entry), true);
                        follows(where.words_offset, sizeof(layout::queue_words), true);
                        follows(where.mutex_offset, sizeof(layout::mutex_words), layout::has_mutex(shape));
                        follows(where.tally_offset, shape.endpoints * sizeof(layout::tally_line),
                                layout::has_tallies(shape));
                        follows(where.ring_offset, where.ring_bytes, true);
                        follows(where.parking_offset, parking * where.parking_place_bytes, parking != 0);
                        BOOST_TEST(where.file_bytes >= end);
                        BOOST_TEST(where.file_bytes < end + layout::page_bytes);
                        if (parking != 0)
                            BOOST_TEST(where.parking_place_bytes >= sizeof(layout::parking_place) + message_bytes);
                        if (layout::counts_messages(shape))
                            BOOST_TEST(where.ring_bytes >= shape.capacity * message_bytes);
                    }
                }
            }
        }
    }
    BOOST_TEST(kinds == 8 * 4 + 2 * 4 * 3U);  // only a lock-free mpmc queue has a parking
}

BOOST_AUTO_TEST_CASE(the_largest_shapes_have_places_without_overflow) {
    const layout::geometry many = place(fixed(32, 8, layout::capacity_max));
    BOOST_TEST(many.ring_bytes == 40 * (std::uint64_t{1} << 31));
    BOOST_TEST(many.file_bytes == 8192 + 40 * (std::uint64_t{1} << 31));
    // 2^31 slots of 64 + 2^30 bytes: the message of 2^30 - 1 bytes rounded up to its alignment.
    const layout::geometry most = place(fixed(noria::message_bytes_limit, 64, layout::capacity_max));
    BOOST_TEST(most.slot_bytes == (std::uint64_t{1} << 30) + 64);
    BOOST_TEST(most.file_bytes == 8192 + (std::uint64_t{1} << 31) * most.slot_bytes);
    BOOST_TEST(most.file_bytes < std::uint64_t{1} << 62, "the locks' offsets lie beyond every file");
    const layout::geometry wide = place(bytes(noria::message_bytes_limit, layout::capacity_bytes_max));
    BOOST_TEST(wide.file_bytes == 8192 + (std::uint64_t{1} << 40));
}

BOOST_AUTO_TEST_CASE(bytes_form_has_no_slots) {
    const layout::geometry where = place(bytes(100, 256));
    BOOST_TEST(where.slot_bytes == 0U);
    BOOST_TEST(where.payload_offset == layout::record_header_bytes);
    BOOST_TEST(where.ring_bytes == 256U);
}

BOOST_AUTO_TEST_CASE(capacities_from_1_to_2_to_the_31_that_are_powers_of_two_are_accepted) {
    for (std::uint64_t capacity = 1; capacity <= layout::capacity_max; capacity *= 2) {
        BOOST_TEST(objection(fixed(8, 8, capacity)) == "");
    }
    for (std::uint64_t capacity = 64; capacity <= layout::capacity_bytes_max; capacity *= 2) {
        BOOST_TEST(objection(bytes(1, capacity)) == "");
    }
}

BOOST_AUTO_TEST_CASE(other_capacities_are_refused_naming_what_would_do) {
    BOOST_TEST(objection(fixed(8, 8, 0)) ==
               "capacity is 0, expected a power of two from 1 to 2147483648; choose one of these");
    BOOST_TEST(objection(fixed(8, 8, 3)) == "capacity is 3, expected a power of two; the next one is 4");
    BOOST_TEST(says(fixed(8, 8, 4095), "the next one is 4096"));
    BOOST_TEST(says(fixed(8, 8, 4097), "the next one is 8192"));
    BOOST_TEST(says(fixed(8, 8, layout::capacity_max - 1), "the next one is 2147483648"));
    BOOST_TEST(
        says(fixed(8, 8, layout::capacity_max + 1), "capacity is 2147483649, expected a power of two from 1 to"));
    BOOST_TEST(says(fixed(8, 8, layout::capacity_max * 2), "from 1 to 2147483648"));
    BOOST_TEST(says(fixed(8, 8, UINT64_MAX), "from 1 to 2147483648"));
}

BOOST_AUTO_TEST_CASE(other_capacities_in_bytes_are_refused_naming_what_would_do) {
    BOOST_TEST(says(bytes(1, 0), "capacity_bytes is 0, expected a power of two from 64 to 1099511627776"));
    BOOST_TEST(says(bytes(1, 32), "from 64 to"));
    BOOST_TEST(says(bytes(1, 63), "from 64 to"));
    BOOST_TEST(says(bytes(1, 65), "the next one is 128"));
    BOOST_TEST(says(bytes(1, layout::capacity_bytes_max - 1), "the next one is 1099511627776"));
    BOOST_TEST(says(bytes(1, layout::capacity_bytes_max + 1), "from 64 to"));
}

BOOST_AUTO_TEST_CASE(messages_of_bytes_are_accepted_from_1_to_what_fits_an_empty_ring) {
    for (const std::uint64_t capacity : {64U, 128U, 4096U}) {
        BOOST_TEST(says(bytes(0, capacity), "message_bytes_max is 0, expected 1 to " + std::to_string(capacity - 16)));
        BOOST_TEST(objection(bytes(1, capacity)) == "");
        BOOST_TEST(objection(bytes(capacity - 16, capacity)) == "");
        BOOST_TEST(says(bytes(capacity - 15, capacity), "expected 1 to " + std::to_string(capacity - 16)));
        BOOST_TEST(says(bytes(capacity - 15, capacity), "enlarge capacity_bytes"));
    }
}

BOOST_AUTO_TEST_CASE(messages_of_2_to_the_30_bytes_are_refused_in_both_forms) {
    constexpr std::uint64_t limit = noria::message_bytes_limit;
    BOOST_TEST(objection(bytes(limit, std::uint64_t{1} << 31)) == "");
    BOOST_TEST(says(bytes(limit + 1, std::uint64_t{1} << 31), "send larger things in parts"));
    BOOST_TEST(objection(fixed(limit, 8, 1)) == "");
    BOOST_TEST(says(fixed(limit + 1, 8, 1), "expected at most 1073741823"));
    BOOST_TEST(says(fixed(UINT64_MAX, 8, 1), "expected at most 1073741823"));
}

BOOST_AUTO_TEST_CASE(alignments_other_than_powers_of_two_up_to_64_are_refused) {
    for (std::uint32_t align = 1; align <= 64; align *= 2) BOOST_TEST(objection(fixed(64, align, 1)) == "");
    for (const std::uint32_t align : {0U, 3U, 63U, 65U, 128U, UINT32_MAX}) {
        BOOST_TEST(says(fixed(64, align, 1), "message alignment is " + std::to_string(align)));
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
