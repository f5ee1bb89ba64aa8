// geometry.cpp: the arithmetic of sections, and what makes a shape impossible.
#include "noria/layout/geometry.hpp"

#include "noria/core/bits.hpp"
#include "noria/core/shareable.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/layout/parking_place.hpp"
#include "noria/layout/record.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/layout/tally_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace noria::inline v1::layout {

namespace {

std::string capacity_objection(const char* option, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value < least || value > most) {
        return fmt::format("{} is {}, expected a power of two from {} to {}; choose one of these", option, value, least,
                           most);
    }
    if (!is_power_of_two(value)) {
        return fmt::format("{} is {}, expected a power of two; the next one is {}", option, value,
                           std::bit_ceil(value));
    }
    return {};
}

std::string parking_objection(const shape& wanted) {
    if (wanted.kind != queue_kind::mpmc) {
        return wanted.deliveries_max == 0 && wanted.parking == 0 ? std::string()
                                                                 : "deliveries_max or parking is set in an spsc queue, "
                                                                   "expected neither; leave them unset, or use mpmc";
    }
    if (has_mutex(wanted)) {
        return wanted.deliveries_max == 0 && wanted.parking == 0 ? std::string()
                                                                 : "deliveries_max or parking is set under a mutex, "
                                                                   "expected neither; leave them unset";
    }
    if (wanted.deliveries_max > deliveries_limit) {
        return fmt::format("deliveries_max is {}, expected 1 to {}; choose after how many deaths a message is parked",
                           wanted.deliveries_max, deliveries_limit);
    }
    if (wanted.parking > parking_limit) {
        return fmt::format("parking is {}, expected 1 to {}; choose for how many messages there is room",
                           wanted.parking, parking_limit);
    }
    if ((wanted.deliveries_max == 0) != (wanted.parking == 0)) {
        return fmt::format("deliveries_max is {} and parking is {}, expected both or neither; set deliveries_max alone",
                           wanted.deliveries_max, wanted.parking);
    }
    return {};
}

}  // namespace

std::string objection(const shape& wanted) {
    if (!is_power_of_two(wanted.message_align) || wanted.message_align > 64) {
        return fmt::format("message alignment is {}, expected a power of two up to 64", wanted.message_align);
    }
    if (wanted.message_bytes > message_bytes_limit) {
        return fmt::format("message_bytes_max is {}, expected at most {}; send larger things in parts",
                           wanted.message_bytes, message_bytes_limit);
    }
    if (wanted.kind == queue_kind::mpmc) {
        if (wanted.endpoints < 2 || wanted.endpoints > endpoints_limit) {
            return fmt::format("endpoints is {}, expected 2 to {}; choose how many may be attached at a time",
                               wanted.endpoints, endpoints_limit);
        }
        if (wanted.form == message_form::bytes && wanted.message_bytes == 0) {
            return fmt::format("message_bytes_max is 0, expected 1 to {}; choose the size of the largest message",
                               message_bytes_limit);
        }
    } else if (wanted.endpoints != 2) {
        return fmt::format("endpoints is {}, expected 2 in an spsc queue; leave it unset", wanted.endpoints);
    }
    if (auto text = parking_objection(wanted); !text.empty()) return text;
    if (counts_messages(wanted)) return capacity_objection("capacity", wanted.capacity, 1, capacity_max);
    if (auto text = capacity_objection("capacity_bytes", wanted.capacity, capacity_bytes_min, capacity_bytes_max);
        !text.empty()) {
        return text;
    }
    // One record of the maximum and the zero word behind it must fit into the empty ring.
    const std::uint64_t most = wanted.capacity - 2 * record_header_bytes;
    if (wanted.message_bytes == 0 || wanted.message_bytes > most) {
        return fmt::format("message_bytes_max is {}, expected 1 to {} in a ring of {} bytes; enlarge capacity_bytes",
                           wanted.message_bytes, std::min<std::uint64_t>(most, message_bytes_limit), wanted.capacity);
    }
    return {};
}

geometry place(const shape& wanted) noexcept {
    geometry where;
    std::uint64_t slots = wanted.capacity;
    if (wanted.form == message_form::fixed) {
        const bool is_stream = wanted.kind == queue_kind::spsc && !has_mutex(wanted);
        const slot_place slot = (is_stream ? stream_slot : fixed_slot)(wanted.message_bytes, wanted.message_align);
        where.payload_offset = slot.payload_offset;
        where.slot_bytes = slot.slot_bytes;
        slots = stream_slots(wanted.capacity, slot.messages);
    } else if (counts_messages(wanted)) {
        where.payload_offset = slot_header_bytes;
        where.slot_bytes = round_up(slot_header_bytes + wanted.message_bytes, slot_header_bytes);
    } else {
        where.payload_offset = record_header_bytes;
    }
    where.ring_bytes = counts_messages(wanted) ? where.slot_bytes * slots : wanted.capacity;
    where.roster_length = wanted.endpoints;
    where.roster_offset = page_bytes;
    where.words_offset = where.roster_offset + where.roster_length * sizeof(roster_entry);
    std::uint64_t end = where.words_offset + sizeof(queue_words);
    if (has_mutex(wanted)) {
        where.mutex_offset = end;
        end += sizeof(mutex_words);
    }
    if (has_tallies(wanted)) {
        where.tally_offset = end;
        end += where.roster_length * sizeof(tally_line);
    }
    where.ring_offset = round_up(end, page_bytes);
    end = where.ring_offset + where.ring_bytes;
    if (wanted.parking != 0) {
        where.parking_offset = round_up(end, parking_unit);
        where.parking_place_bytes = sizeof(parking_place) + round_up(wanted.message_bytes, parking_unit);
        end = where.parking_offset + where.parking_place_bytes * wanted.parking;
    }
    where.file_bytes = round_up(end, page_bytes);
    return where;
}

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
