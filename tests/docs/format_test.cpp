// format_test.cpp: FORMAT.md, and each page beside it, says of each field and constant what the compiler says.
//
// Each struct's fields are listed here once by name; offset and size come from the compiler, the table from the
// document. The rows must be these fields, all of them and no others, and must leave no byte of the struct out.
#include "markdown.hpp"

#include "noria/core/shareable.hpp"
#include "noria/core/value_kinds.hpp"
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
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
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
         FIELD(roster_entry, journal_seen), FIELD(roster_entry, journal_redelivered),
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

BOOST_AUTO_TEST_CASE(each_version_that_a_sentence_names_is_the_present_one) {
    static const std::regex named{R"(\b([Ff]ormat:?|version)\s+(\d+)\b)"};
    const std::string& text = format_text();
    int found = 0;
    for (auto each = std::sregex_iterator(text.begin(), text.end(), named); each != std::sregex_iterator(); ++each) {
        ++found;
        BOOST_TEST((*each)[2].str() == std::to_string(noria::format_version), each->str());
    }
    BOOST_TEST(found >= 4);
}

BOOST_AUTO_TEST_CASE(each_number_that_a_sentence_names_is_that_of_the_code) {
    // Method: the words as the page has them, with the numbers as the code has them.
    const layout::geometry where = layout::place({.message_bytes = 8, .capacity = 4});
    const auto log2 = [](std::uint64_t power) {
        unsigned log = 0;
        while (std::uint64_t{1} << log < power) ++log;
        return log;
    };
    const auto entry = sizeof(layout::roster_entry);
    const auto line = sizeof(layout::producer_line);
    const auto words = sizeof(layout::queue_words);
    for (const std::string& each : {
             fmt::format("header page      {} bytes", sizeof(layout::header)),
             fmt::format("    {}         roster           {} entries of {} bytes", where.roster_offset,
                         where.roster_length, entry),
             fmt::format("    {}         ring words       {} bytes: six lines of {}", where.words_offset, words, line),
             fmt::format("    {}         (zero)           up to the next page", where.words_offset + words),
             fmt::format("    {}         ring             ring_bytes bytes", where.ring_offset),
             fmt::format("up to file_bytes, a multiple of {}", layout::page_bytes),
             fmt::format("0x{:08x} as the creator's machine writes it", layout::byte_order_mark),
             fmt::format("| `header_bytes` | {} |", sizeof(layout::header)),
             fmt::format("| `kind` | {}: spsc. {}: mpmc |", static_cast<unsigned>(layout::queue_kind::spsc),
                         static_cast<unsigned>(layout::queue_kind::mpmc)),
             fmt::format("Fixed form: messages, 1 to 2^{}. Bytes form: bytes of ring, {} to 2^{}",
                         log2(layout::capacity_max), layout::capacity_bytes_min, log2(layout::capacity_bytes_max)),
             fmt::format("| `roster_length` | entries: {}. mpmc: 2 to {} |", where.roster_length,
                         layout::endpoints_limit),
             fmt::format("| `roster_offset` | {} |", where.roster_offset),
             fmt::format("| `words_offset` | {}. mpmc", where.words_offset),
             fmt::format("| `ring_offset` | {}. mpmc", where.ring_offset),
             fmt::format("is parked, 1 to {}; or 0", layout::deliveries_limit),
             fmt::format("places in the parking, 1 to {}; or 0", layout::parking_limit),
             fmt::format("at most the first {} values", noria::values_at_most),
             fmt::format("everything behind the {}nd value", noria::values_at_most),
             fmt::format("k = {} / m messages to a slot", noria::line_bytes - layout::record_header_bytes),
             fmt::format("and slot_bytes = {};", noria::line_bytes),
         }) {
        BOOST_TEST(format_text().find(each) != std::string::npos, "FORMAT.md does not say '" << each << "'");
    }
}

BOOST_AUTO_TEST_CASE(the_kinds_of_values_are_as_described) {
    enum class colour { red };
    union either {
        int number;
        float price;
    };
    struct closed {
        explicit closed(int number) : inside(number) {}
        int inside;
    };
    const std::vector<std::pair<unsigned, std::string_view>> expected{
        {noria::value_code<char>(), "char"},
        {noria::value_code<bool>(), "bool"},
        {noria::value_code<signed char>(), "signed integers"},
        {noria::value_code<unsigned char>(), "unsigned integers"},
        {noria::value_code<float>(), "float"},
        {noria::value_code<colour>(), "enumerations"},
        {noria::value_code<either>(), "unions"},
        {noria::value_code<closed>(), "classes"},
        {noria::value_code<int*>(), "all else"}};
    const auto rows = noria::docs::table_below(format_text(), "Type tag");
    BOOST_REQUIRE_EQUAL(rows.size(), expected.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        BOOST_TEST(rows[i].at(0) == std::to_string(expected[i].first >> 4));
        BOOST_TEST(rows[i].at(1).starts_with(expected[i].second), rows[i].at(1));
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
