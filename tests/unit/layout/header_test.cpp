// header_test.cpp: a header is accepted only whole, unchanged, of this version, and where its own shape puts things.
#include "noria/layout/header.hpp"

#include "noria/core/bits.hpp"
#include "noria/core/shareable.hpp"

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace layout = noria::layout;
using noria::errc;

namespace {

constexpr std::array<std::uint8_t, 16> some_uuid{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

layout::shape some_shape() {
    return {.message_align = 8, .message_bytes = 16, .type_tag = 0x1122334455667788, .capacity = 4096};
}

layout::header some_header() { return make_header(some_shape(), some_uuid); }

// What somebody can write who knows how to compute a checksum.
layout::header forged(const std::function<void(layout::header&)>& change) {
    layout::header page = some_header();
    change(page);
    page.checksum = checksum_of(page);
    return page;
}

bool is_refused_as(errc expected, const layout::header& page, const std::string& part) {
    const auto found = examine(page, page.file_bytes);
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST_MESSAGE(found->text);
    // Finding, and what to do after the semicolon.
    return found->code == expected && found->text.find(part) != std::string::npos &&
           found->text.starts_with("found ") && found->text.find("; ") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(header)

BOOST_AUTO_TEST_CASE(a_header_just_made_is_accepted_for_every_mpmc_shape) {
    for (const auto form : {layout::message_form::fixed, layout::message_form::bytes}) {
        for (const std::uint64_t endpoints : {2U, 3U, 64U, 4095U}) {
            for (std::uint64_t capacity = 1; capacity <= layout::capacity_max; capacity *= 2) {
                layout::shape shape = some_shape();
                shape.kind = layout::queue_kind::mpmc;
                shape.form = form;
                shape.capacity = capacity;
                shape.endpoints = endpoints;
                const layout::header page = make_header(shape, some_uuid);
                BOOST_TEST(!examine(page, page.file_bytes).has_value());
                BOOST_TEST((shape_of(page) == shape));
                // What is behind the sections that spsc has too is whole lines and pages.
                BOOST_TEST(page.tally_offset % 128 == 0U);
                BOOST_TEST(page.ring_offset >= page.tally_offset + 128 * endpoints);
                BOOST_TEST(page.slot_bytes % (form == layout::message_form::fixed ? shape.message_align : 16) == 0U);
                BOOST_TEST(page.slot_bytes >= 8 + shape.message_bytes);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_header_just_made_is_accepted_for_every_shape) {
    for (const auto form : {layout::message_form::fixed, layout::message_form::bytes}) {
        for (std::uint64_t capacity = 64; capacity <= layout::capacity_max; capacity *= 2) {
            layout::shape shape = some_shape();
            shape.form = form;
            shape.capacity = capacity;
            const layout::header page = make_header(shape, some_uuid);
            BOOST_TEST(!examine(page, page.file_bytes).has_value());
            BOOST_TEST((shape_of(page) == shape));
            BOOST_TEST((page.uuid == some_uuid));
            BOOST_TEST(page.file_bytes == place(shape).file_bytes);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_header_begins_with_these_bytes) {
    const layout::header page = some_header();
    const unsigned char expected[] = {'N', 'O', 'R', 'I', 'A', '\r', '\n', 0x1a, 4, 3, 2, 1, 3, 0, 0, 0, 0, 0x10, 0, 0};
    BOOST_TEST(std::memcmp(&page, expected, sizeof expected) == 0);
}

// The sum of the nine digits is what the catalogues of CRCs give as CRC-32C's check value.
BOOST_AUTO_TEST_CASE(the_checksum_is_the_crc_32c_of_the_page_with_its_own_field_zero) {
    const auto crc_32c = [](const void* data, std::size_t size) {
        std::uint32_t crc = 0xffffffff;
        for (std::size_t i = 0; i < size; ++i) {
            crc ^= static_cast<const unsigned char*>(data)[i];
            for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
        }
        return ~crc;
    };
    BOOST_REQUIRE_EQUAL(crc_32c("123456789", 9), 0xe3069283U);
    layout::header page = some_header();
    const std::uint32_t stored = page.checksum;
    BOOST_TEST(checksum_of(page) == stored);  // whatever the field holds
    page.checksum = 0;
    BOOST_TEST(crc_32c(&page, sizeof page) == stored);
}

// Goal: no change of a header is overlooked. Method: each of the 4096 bytes in turn, each of its bits flipped, and the
// whole byte; the code is that of the field it stands in.
BOOST_AUTO_TEST_CASE(a_header_with_any_one_byte_changed_is_refused) {
    const layout::header page = some_header();
    for (std::size_t at = 0; at < sizeof page; ++at) {
        for (const unsigned flip : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U, 255U}) {
            layout::header damaged = page;
            reinterpret_cast<unsigned char*>(&damaged)[at] ^= static_cast<unsigned char>(flip);
            const auto found = examine(damaged, page.file_bytes);
            BOOST_REQUIRE_MESSAGE(found.has_value(), "byte " << at << " xor " << flip << " was accepted");
            errc expected = errc::corrupt;
            if (at < 8) expected = errc::not_a_queue;
            if (at >= 12 && at < 16) expected = errc::other_version;
            BOOST_REQUIRE_MESSAGE(found->code == expected, "byte " << at << ": " << found->text);
            BOOST_REQUIRE(!found->text.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(another_version_is_refused_by_name_before_its_checksum_is_believed) {
    layout::header page = some_header();
    for (const std::uint32_t version : {0U, 1U, noria::format_version - 1, noria::format_version + 1, 77U}) {
        page.version = version;  // another format may sum up otherwise: the checksum is wrong here on purpose
        BOOST_TEST(is_refused_as(errc::other_version, page, "found format " + std::to_string(version) + ", expected"));
    }
}

BOOST_AUTO_TEST_CASE(the_other_byte_order_is_refused_by_name) {
    const auto swap = [](auto& field) { field = static_cast<std::decay_t<decltype(field)>>(__builtin_bswap32(field)); };
    layout::header page = some_header();
    swap(page.byte_order);
    swap(page.version);
    BOOST_TEST(is_refused_as(errc::other_byte_order, page, "other byte order"));
    page.byte_order = 0x01020305;
    BOOST_TEST(is_refused_as(errc::corrupt, page, "byte order mark 0x01020305"));
}

BOOST_AUTO_TEST_CASE(a_page_that_is_no_queue_is_refused_as_such) {
    layout::header page{};
    BOOST_TEST(is_refused_as(errc::not_a_queue, page, "noria queue"));
    std::memset(static_cast<void*>(&page), 'a', sizeof page);
    BOOST_TEST(is_refused_as(errc::not_a_queue, page, "noria queue"));
}

BOOST_AUTO_TEST_CASE(a_file_of_another_size_than_its_header_says_is_corrupt) {
    const layout::header page = some_header();
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{4096}, page.file_bytes - 1, page.file_bytes + 1,
                                     page.file_bytes + 4096, UINT64_MAX}) {
        const auto found = examine(page, size);
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST((found->code == errc::corrupt));
        BOOST_TEST(found->text.find("found " + std::to_string(size) + " bytes, expected the " +
                                    std::to_string(page.file_bytes)) != std::string::npos);
    }
}

// Goal: a header with a right checksum and wrong contents leads nobody outside the file. Method: each field in turn is
// given values that point elsewhere; the sum is computed anew.
BOOST_AUTO_TEST_CASE(a_forged_header_whose_sections_are_elsewhere_is_corrupt) {
    using field = std::uint64_t layout::header::*;
    for (const field each : {&layout::header::slot_bytes, &layout::header::tally_offset, &layout::header::roster_offset,
                             &layout::header::words_offset, &layout::header::ring_offset, &layout::header::ring_bytes,
                             &layout::header::file_bytes, &layout::header::parking_offset}) {
        const std::uint64_t right = some_header().*each;
        for (const std::uint64_t wrong : {std::uint64_t{0}, right - 1, right + 1, right + 8, right + 4096, right * 2,
                                          UINT64_MAX - 4095, UINT64_MAX}) {
            if (wrong == right) continue;
            BOOST_TEST(
                is_refused_as(errc::corrupt, forged([&](auto& page) { page.*each = wrong; }), "layout of FORMAT.md"));
        }
    }
    for (const auto word :
         {&layout::header::header_bytes, &layout::header::publication, &layout::header::reserved_word}) {
        BOOST_TEST(is_refused_as(errc::corrupt, forged([&](auto& page) { page.*word += 1; }), "layout of FORMAT.md"));
    }
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, sizeof(layout::header::reserved) - 1}) {
        BOOST_TEST(
            is_refused_as(errc::corrupt, forged([&](auto& page) { page.reserved[at] = 1; }), "layout of FORMAT.md"));
    }
}

BOOST_AUTO_TEST_CASE(a_forged_header_of_an_impossible_shape_is_corrupt_and_says_why) {
    const auto with = [](auto member, auto value) {
        return forged([&](layout::header& page) { page.*member = value; });
    };
    for (const std::uint64_t endpoints : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4096}, UINT64_MAX}) {
        BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::roster_length, endpoints), "endpoints is"));
        const auto crowd = forged([&](layout::header& page) {
            page.kind = static_cast<std::uint32_t>(layout::queue_kind::mpmc);
            page.roster_length = endpoints;
        });
        BOOST_TEST(is_refused_as(errc::corrupt, crowd, "endpoints is"));
    }
    for (const std::uint64_t capacity : {std::uint64_t{0}, std::uint64_t{3}, layout::capacity_max * 2, UINT64_MAX}) {
        BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::capacity, capacity), "capacity is"));
    }
    BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::message_bytes, UINT64_MAX), "message_bytes_max is"));
    for (const std::uint32_t align : {0U, 3U, 128U}) {
        BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::message_align, align), "message alignment is"));
    }
    BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::deliveries_max, std::uint64_t{1}), "spsc queue"));
    BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::parking, std::uint64_t{1}), "spsc queue"));
    const auto parking = [](std::uint64_t deliveries_max, std::uint64_t places) {
        return forged([&](layout::header& page) {
            page.kind = static_cast<std::uint32_t>(layout::queue_kind::mpmc);
            page.deliveries_max = deliveries_max;
            page.parking = places;
        });
    };
    BOOST_TEST(is_refused_as(errc::corrupt, parking(8, 1), "deliveries_max is 8"));
    BOOST_TEST(is_refused_as(errc::corrupt, parking(UINT64_MAX, UINT64_MAX), "deliveries_max is"));
    BOOST_TEST(is_refused_as(errc::corrupt, parking(1, UINT64_MAX), "parking is"));
    BOOST_TEST(is_refused_as(errc::corrupt, parking(1, 0), "expected both or neither"));
    BOOST_TEST(is_refused_as(errc::corrupt, parking(0, 1), "expected both or neither"));
    // A shape that is possible, but not the one for which the sections were placed.
    BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::capacity, std::uint64_t{8192}), "sections"));
    BOOST_TEST(is_refused_as(errc::corrupt, with(&layout::header::message_bytes, std::uint64_t{4096}), "sections"));
}

BOOST_AUTO_TEST_CASE(a_kind_coordination_or_form_that_nobody_knows_is_of_another_kind) {
    for (const auto word : {&layout::header::kind, &layout::header::coordinated, &layout::header::form}) {
        for (const std::uint32_t unknown : {0U, 3U, UINT32_MAX}) {
            BOOST_TEST(is_refused_as(errc::other_kind, forged([&](auto& page) { page.*word = unknown; }),
                                     std::to_string(unknown)));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_header_does_not_depend_on_its_uuid_but_for_uuid_and_checksum) {
    layout::header one = make_header(some_shape(), some_uuid);
    layout::header other = make_header(some_shape(), {});
    BOOST_TEST(one.checksum != other.checksum);
    one.uuid = {};
    one.checksum = other.checksum;
    BOOST_TEST(std::memcmp(&one, &other, sizeof one) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
