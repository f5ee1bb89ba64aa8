// format_test.cpp: FORMAT.md, and each page beside it, says of each field and constant what the compiler says.
//
// Each struct's fields are listed here once by name; offset and size come from the compiler, the table from the
// document. The rows must be these fields, all of them and no others, and must leave no byte of the struct out.
#include "markdown.hpp"

#include "noria/core/shareable.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/layout/header.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/layout/parking_place.hpp"
#include "noria/layout/record.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/layout/tally_line.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace layout = noria::layout;

namespace {

struct field {
    std::string name;
    std::uint64_t offset;
    std::uint64_t size;
};

#define FIELD(type, member) \
    field { #member, offsetof(layout::type, member), sizeof(layout::type::member) }

// FORMAT.md and the pages beside it that describe one kind each.
const std::string& format_text() {
    static const std::string text = [] {
        std::string all;
        for (const char* page : {"FORMAT.md", "FORMAT_MPMC.md", "FORMAT_MUTEX.md"})
            all += noria::docs::read_text(NORIA_LAYOUT "/" + std::string(page)) + "\n";
        return all;
    }();
    return text;
}

void expect_table(const std::string& heading, std::uint64_t size, const std::vector<field>& fields) {
    const auto rows = noria::docs::table_below(format_text(), heading);
    BOOST_TEST_CONTEXT("table " << heading) {
        BOOST_REQUIRE_EQUAL(rows.size(), fields.size());
        std::uint64_t end = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            BOOST_REQUIRE_EQUAL(rows[i].size(), 4U);
            BOOST_TEST(rows[i][0] == std::to_string(fields[i].offset), fields[i].name);
            BOOST_TEST(rows[i][1] == std::to_string(fields[i].size), fields[i].name);
            BOOST_TEST(rows[i][2] == fields[i].name);
            BOOST_TEST(!rows[i][3].empty(), fields[i].name << " means something");
            BOOST_TEST(fields[i].offset == end, "no byte between " << fields[i].name << " and the field before it");
            end = fields[i].offset + fields[i].size;
        }
        BOOST_TEST(end == size, "the last field ends with the struct");
    }
}

std::map<std::string, std::string> constants() {
    std::map<std::string, std::string> values;
    for (const auto& row : noria::docs::table_below(format_text(), "Constants")) values[row.at(0)] = row.at(1);
    return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(format)

BOOST_AUTO_TEST_CASE(the_header_page_is_as_described) {
    expect_table("Header page", sizeof(layout::header),
                 {FIELD(header, magic),         FIELD(header, byte_order),     FIELD(header, version),
                  FIELD(header, header_bytes),  FIELD(header, checksum),       FIELD(header, kind),
                  FIELD(header, coordinated),   FIELD(header, form),           FIELD(header, publication),
                  FIELD(header, message_align), FIELD(header, reserved_word),  FIELD(header, message_bytes),
                  FIELD(header, type_tag),      FIELD(header, capacity),       FIELD(header, slot_bytes),
                  FIELD(header, roster_length), FIELD(header, roster_offset),  FIELD(header, words_offset),
                  FIELD(header, ring_offset),   FIELD(header, ring_bytes),     FIELD(header, file_bytes),
                  FIELD(header, uuid),          FIELD(header, tally_offset),   FIELD(header, deliveries_max),
                  FIELD(header, parking),       FIELD(header, parking_offset), FIELD(header, reserved)});
}

BOOST_AUTO_TEST_CASE(a_roster_entry_is_as_described) {
    expect_table(
        "Roster entry", sizeof(layout::roster_entry),
        {FIELD(roster_entry, state), FIELD(roster_entry, role), FIELD(roster_entry, incarnation),
         FIELD(roster_entry, pid), FIELD(roster_entry, start_time), FIELD(roster_entry, first_position),
         FIELD(roster_entry, first_message), FIELD(roster_entry, program), FIELD(roster_entry, journal_valid),
         FIELD(roster_entry, recoverer), FIELD(roster_entry, journal_seen), FIELD(roster_entry, journal_redelivered),
         FIELD(roster_entry, journal_deaths), FIELD(roster_entry, journal_sent), FIELD(roster_entry, journal_received),
         FIELD(roster_entry, journal_given_back), FIELD(roster_entry, journal_skipped)});
}

BOOST_AUTO_TEST_CASE(the_ring_words_are_as_described) {
    expect_table("Ring words", sizeof(layout::queue_words),
                 {FIELD(queue_words, producer), FIELD(queue_words, consumer), FIELD(queue_words, consumers_event),
                  FIELD(queue_words, producers_event), FIELD(queue_words, producers), FIELD(queue_words, consumers)});
    expect_table("Producer line", sizeof(layout::producer_line),
                 {FIELD(producer_line, tail), FIELD(producer_line, messages), FIELD(producer_line, claim_open),
                  FIELD(producer_line, high_water), FIELD(producer_line, refused), FIELD(producer_line, given_back),
                  FIELD(producer_line, reserved)});
    expect_table("Consumer line", sizeof(layout::consumer_line),
                 {FIELD(consumer_line, head), FIELD(consumer_line, messages), FIELD(consumer_line, taken),
                  FIELD(consumer_line, seen), FIELD(consumer_line, redelivered), FIELD(consumer_line, reserved)});
    expect_table("Event line", sizeof(layout::event_line),
                 {FIELD(event_line, word), FIELD(event_line, reserved_word), FIELD(event_line, returned),
                  FIELD(event_line, reserved)});
    expect_table("Stream line", sizeof(layout::stream_line),
                 {FIELD(stream_line, generation), FIELD(stream_line, ended), FIELD(stream_line, died),
                  FIELD(stream_line, heard), FIELD(stream_line, deaths), FIELD(stream_line, reserved)});
}

BOOST_AUTO_TEST_CASE(a_tally_is_as_described) {
    expect_table("Tally line", sizeof(layout::tally_line),
                 {FIELD(tally_line, sent), FIELD(tally_line, committing), FIELD(tally_line, given_back),
                  FIELD(tally_line, giving_back), FIELD(tally_line, received), FIELD(tally_line, releasing),
                  FIELD(tally_line, skipped), FIELD(tally_line, refused), FIELD(tally_line, redelivered),
                  FIELD(tally_line, high_water), FIELD(tally_line, tenure), FIELD(tally_line, producer_deaths),
                  FIELD(tally_line, consumer_deaths)});
}

BOOST_AUTO_TEST_CASE(a_parking_place_is_as_described) {
    expect_table("Parking place", sizeof(layout::parking_place),
                 {FIELD(parking_place, word), FIELD(parking_place, bytes), FIELD(parking_place, position),
                  FIELD(parking_place, reserved)});
}

BOOST_AUTO_TEST_CASE(the_words_of_a_mutex_are_as_described) {
    expect_table("Mutex words", sizeof(layout::mutex_words), {FIELD(mutex_words, line), FIELD(mutex_words, pages)});
    expect_table("Mutex line", sizeof(layout::mutex_line),
                 {FIELD(mutex_line, owner), FIELD(mutex_line, reserved_word), FIELD(mutex_line, turn),
                  FIELD(mutex_line, reserved)});
    expect_table("Mutex page", sizeof(layout::mutex_page),
                 {FIELD(mutex_page, tail), FIELD(mutex_page, head), FIELD(mutex_page, next), FIELD(mutex_page, used),
                  FIELD(mutex_page, returned), FIELD(mutex_page, sent), FIELD(mutex_page, received),
                  FIELD(mutex_page, redelivered), FIELD(mutex_page, given_back), FIELD(mutex_page, skipped),
                  FIELD(mutex_page, high_water), FIELD(mutex_page, repairs), FIELD(mutex_page, record),
                  FIELD(mutex_page, word), FIELD(mutex_page, reserved)});
}

BOOST_AUTO_TEST_CASE(constants_are_as_described) {
    const auto hex = [](std::uint64_t value) {
        std::string text(18, '0');
        std::snprintf(text.data(), text.size() + 1, "0x%llx", static_cast<unsigned long long>(value));
        return std::string(text.c_str());
    };
    const auto number = [](auto value) { return std::to_string(static_cast<std::uint64_t>(value)); };
    std::string magic;
    for (const char each : layout::file_magic) {
        char text[4];
        std::snprintf(text, sizeof text, "%02x ", static_cast<unsigned>(static_cast<unsigned char>(each)));
        magic += text;
    }
    magic.pop_back();
    const std::map<std::string, std::string> expected{
        {"file_magic", magic},
        {"byte_order_mark", hex(layout::byte_order_mark)},
        {"format_version", number(noria::format_version)},
        {"page_bytes", number(layout::page_bytes)},
        {"queue_kind::spsc", number(layout::queue_kind::spsc)},
        {"queue_kind::mpmc", number(layout::queue_kind::mpmc)},
        {"coordination::lock_free", number(layout::coordination::lock_free)},
        {"coordination::robust_mutex", number(layout::coordination::robust_mutex)},
        {"message_form::fixed", number(layout::message_form::fixed)},
        {"message_form::bytes", number(layout::message_form::bytes)},
        {"published_by_record_header", number(layout::published_by_record_header)},
        {"published_by_page", number(layout::published_by_page)},
        {"capacity_max", number(layout::capacity_max)},
        {"capacity_bytes_min", number(layout::capacity_bytes_min)},
        {"capacity_bytes_max", number(layout::capacity_bytes_max)},
        {"message_bytes_limit", number(noria::message_bytes_limit)},
        {"entry_free", number(layout::entry_free)},
        {"entry_alive", number(layout::entry_alive)},
        {"role_producer", number(layout::role_producer)},
        {"role_consumer", number(layout::role_consumer)},
        {"lock_base", hex(layout::lock_base)},
        {"role_lock_base", hex(layout::role_lock_base)},
        {"birth_lock", hex(layout::birth_lock)},
        {"lock_range_bytes", number(layout::lock_range_bytes)},
        {"record_header_bytes", number(layout::record_header_bytes)},
        {"record_alignment", number(layout::record_alignment)},
        {"record_present", hex(layout::record_present)},
        {"record_skip", hex(layout::record_skip)},
        {"record_length_mask", hex(layout::record_length_mask)},
        {"parking_unit", number(layout::parking_unit)},
        {"slot_header_bytes", number(layout::slot_header_bytes)},
        {"endpoints_limit", number(layout::endpoints_limit)},
        {"deliveries_limit", number(layout::deliveries_limit)},
        {"parking_limit", number(layout::parking_limit)},
        {"slot_phase::retrieved", number(layout::slot_phase::retrieved)},
        {"slot_phase::free", number(layout::slot_phase::free)},
        {"slot_phase::claimed", number(layout::slot_phase::claimed)},
        {"slot_phase::ready", number(layout::slot_phase::ready)},
        {"slot_phase::held", number(layout::slot_phase::held)},
        {"event_armed", hex(layout::event_armed)},
        {"event_needs_fence", hex(layout::event_needs_fence)},
        {"mutex_contended", hex(layout::mutex_contended)},
        {"bytes_type_tag", hex(noria::bytes_type_tag())},
    };
    const auto found = constants();
    for (const auto& [name, value] : expected) {
        BOOST_REQUIRE_MESSAGE(found.contains(name), "FORMAT.md has no constant " << name);
        BOOST_TEST(found.at(name) == value, name << ": FORMAT.md says " << found.at(name) << ", it is " << value);
    }
    for (const auto& [name, value] : found) BOOST_TEST(expected.contains(name), "there is no constant " << name);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
