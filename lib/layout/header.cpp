// header.cpp: how the header page is made, summed and examined.
#include "noria/layout/header.hpp"

#include "noria/core/bits.hpp"

#include <boost/crc.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace noria::inline v1::layout {

header make_header(const shape& wanted, const std::array<std::uint8_t, 16>& uuid) noexcept {
    const geometry where = place(wanted);
    header page{};
    page.magic = file_magic;
    page.byte_order = byte_order_mark;
    page.version = format_version;
    page.header_bytes = sizeof(header);
    page.kind = static_cast<std::uint32_t>(wanted.kind);
    page.coordinated = static_cast<std::uint32_t>(wanted.coordinated);
    page.form = static_cast<std::uint32_t>(wanted.form);
    page.publication = has_mutex(wanted) ? published_by_page : published_by_record_header;
    page.message_align = wanted.message_align;
    page.message_bytes = wanted.message_bytes;
    page.type_tag = wanted.type_tag;
    page.capacity = wanted.capacity;
    page.slot_bytes = where.slot_bytes;
    page.roster_length = where.roster_length;
    page.roster_offset = where.roster_offset;
    page.words_offset = where.words_offset;
    page.tally_offset = where.tally_offset;
    page.ring_offset = where.ring_offset;
    page.ring_bytes = where.ring_bytes;
    page.deliveries_max = wanted.deliveries_max;
    page.parking = wanted.parking;
    page.parking_offset = where.parking_offset;
    page.file_bytes = where.file_bytes;
    page.uuid = uuid;
    page.checksum = checksum_of(page);
    return page;
}

std::uint32_t checksum_of(const header& page) noexcept {
    // CRC-32C (Castagnoli), as iSCSI and ext4 use it: it finds every change of up to 32 bits in a row.
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
    header copy = page;
    copy.checksum = 0;
    crc.process_bytes(&copy, sizeof copy);
    return crc.checksum();
}

shape shape_of(const header& page) noexcept {
    return {.kind = static_cast<queue_kind>(page.kind),
            .coordinated = static_cast<coordination>(page.coordinated),
            .form = static_cast<message_form>(page.form),
            .message_align = page.message_align,
            .message_bytes = page.message_bytes,
            .type_tag = page.type_tag,
            .capacity = page.capacity,
            .endpoints = page.roster_length,
            .deliveries_max = page.deliveries_max,
            .parking = page.parking};
}

std::optional<finding> examine(const header& page, std::uint64_t file_bytes) {
    if (page.magic != file_magic) {
        return finding{errc::not_a_queue,
                       "found a file that does not begin as a queue does, expected a noria queue; "
                       "check the path, the file was left as it is"};
    }
    if (page.byte_order != byte_order_mark) {
        if (page.byte_order == __builtin_bswap32(byte_order_mark)) {
            return finding{errc::other_byte_order,
                           "found a queue of a machine of the other byte order, expected this "
                           "machine's; open it there"};
        }
        return finding{errc::corrupt,
                       fmt::format("found byte order mark {:#010x}, expected {:#010x}; restore or remove "
                                   "the file",
                                   page.byte_order, byte_order_mark)};
    }
    if (page.version != format_version) {
        return finding{errc::other_version,
                       fmt::format("found format {}, expected {}, which this library reads; rebuild "
                                   "the older program, or remove the file",
                                   page.version, format_version)};
    }
    if (const std::uint32_t sum = checksum_of(page); page.checksum != sum) {
        return finding{errc::corrupt, fmt::format("found header checksum {:#010x}, expected {:#010x}; the header was "
                                                  "damaged: restore or remove the file",
                                                  page.checksum, sum)};
    }
    // The sum is right, but anybody can compute a sum: the header must also be the one that its shape makes.
    const shape stated = shape_of(page);
    const bool known =
        (stated.kind == queue_kind::spsc || stated.kind == queue_kind::mpmc) &&
        (stated.coordinated == coordination::lock_free || stated.coordinated == coordination::robust_mutex) &&
        (stated.form == message_form::fixed || stated.form == message_form::bytes);
    if (!known) {
        return finding{errc::other_kind, fmt::format("found kind {}, coordination {}, form {}, expected some that this "
                                                     "library knows; use the library that made it",
                                                     page.kind, page.coordinated, page.form)};
    }
    if (auto text = objection(stated); !text.empty()) {
        return finding{errc::corrupt, fmt::format("found a header whose {}; restore or remove the file", text)};
    }
    const header made = make_header(stated, page.uuid);
    if (std::memcmp(&made, &page, sizeof made) != 0) {
        return finding{errc::corrupt,
                       "found a header whose sections are not where its own shape puts them, expected "
                       "the layout of FORMAT.md; restore or remove the file"};
    }
    if (file_bytes != page.file_bytes) {
        return finding{errc::corrupt, fmt::format("found {} bytes, expected the {} that its header states; the file "
                                                  "was truncated or grown: restore or remove it",
                                                  file_bytes, page.file_bytes)};
    }
    return std::nullopt;
}

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
