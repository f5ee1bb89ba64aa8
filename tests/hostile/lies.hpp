// lies.hpp: the words of a queue's file, and for each a value that another state of the queue could have: a plausible lie.
#pragma once

#include "live_file.hpp"
#include "noria/layout/header.hpp"
#include "noria/layout/mutex_record.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/layout/parking_place.hpp"
#include "noria/layout/record.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/layout/tally_line.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace noria::hostile {

// What a word counts, or says.
enum class telling {
    position,  // of messages, or bytes
    count,
    flag,          // 0 or 1
    role,          // 1 or 2
    event,         // armed, epoch, fence
    owner,         // of the mutex
    length,        // of a message, in bytes
    slot,          // lap, deliveries, phase, owner
    stream_slot,   // spsc: a message's number
    record,        // length, flags, number
    mutex_record,  // length, deliveries, phase, owner
};

struct word_place {
    std::uint64_t offset = 0;
    telling what = telling::count;
    bool narrow = false;  // 32 bits
};

// All words of such a file, of which each room has about the same chance to be drawn, however many words it has.
class lies {
public:
    explicit lies(const layout::shape& shape) : shape_(shape), where_(layout::place(shape)) {
        add_roster();
        add_words();
        if (where_.mutex_offset != 0) add_mutex();
        if (where_.tally_offset != 0) add_tallies();
        add_ring();
        if (where_.parking_offset != 0) add_parking();
    }

    // Changes one field of one word, as if its writer had come further, or not so far, or were another one.
    void tell_one(const live_file& file, std::mt19937_64& draw) const {
        // The ring is every second one's matter. Where a record may begin anywhere, one that stands there is looked for.
        const auto& room = draw() % 2 == 0 ? ring_ : rooms_[draw() % rooms_.size()];
        word_place at = room[draw() % room.size()];
        for (int tries = 0; tries < 32 && at.what >= telling::record && file.get(at.offset) == 0; ++tries)
            at = room[draw() % room.size()];
        if (at.narrow)
            file.set(at.offset, static_cast<std::uint32_t>(lie(at.what, file.get<std::uint32_t>(at.offset), draw)));
        else
            file.set(at.offset, lie(at.what, file.get(at.offset), draw));
    }

    [[nodiscard]] std::uint64_t lie(telling what, std::uint64_t word, std::mt19937_64& draw) const {
        switch (what) {
            case telling::position: return word + near(draw) * (draw() % 4 == 0 ? unit() : 1);
            case telling::count: return word + near(draw);
            case telling::flag: return word ^ 1;
            case telling::role: return 1 + draw() % 2;
            case telling::event: return event(word, draw);
            case telling::owner:
                return (draw() % (shape_.endpoints + 1)) | (draw() % 2 == 0 ? layout::mutex_contended : 0);
            case telling::length: return length(draw);
            case telling::slot: return slot(word, draw);
            case telling::stream_slot: return word + near(draw);
            case telling::record: return record(word, draw);
            case telling::mutex_record: return mutex_record(word, draw);
        }
        return word;
    }

private:
    // A step or a few, forwards or backwards, or a lap of the ring.
    [[nodiscard]] std::uint64_t near(std::mt19937_64& draw) const {
        const std::uint64_t steps[] = {1, 1, 1, 2, 3, 8, shape_.capacity, shape_.capacity + 1, 2 * shape_.capacity};
        const std::uint64_t step = steps[draw() % std::size(steps)];
        return draw() % 2 == 0 ? step : ~step + 1;
    }
    [[nodiscard]] std::uint64_t unit() const noexcept { return layout::counts_messages(shape_) ? 1 : 8; }
    [[nodiscard]] std::uint64_t length(std::mt19937_64& draw) const {
        const std::uint64_t most = shape_.message_bytes;
        const std::uint64_t some[] = {0, 1, 8, most / 2, most - 1, most, most + 1, most + 8, draw() % (most + 1)};
        return some[draw() % std::size(some)];
    }
    static std::uint64_t event(std::uint64_t word, std::mt19937_64& draw) {
        switch (draw() % 3) {
            case 0: return word ^ layout::event_armed;
            case 1: return word + 2;
            default: return word ^ layout::event_needs_fence;
        }
    }
    [[nodiscard]] std::uint64_t slot(std::uint64_t word, std::mt19937_64& draw) const {
        using layout::slot_phase;
        std::uint64_t lap = word;
        std::uint64_t deliveries = layout::deliveries_of(word);
        auto phase = layout::phase_of(word);
        std::uint64_t owner = layout::owner_of(word);
        switch (draw() % 5) {
            case 0: lap += layout::lap_step; break;
            case 1: lap -= layout::lap_step; break;
            case 2: deliveries = draw() % 8; break;
            case 3: owner = 1 + draw() % shape_.endpoints; break;
            default: phase = static_cast<slot_phase>(draw() % 4);
        }
        // What the rest of the word must be beside such a phase, so that no reader can tell it from the word alone.
        const bool owned = phase == slot_phase::claimed || phase == slot_phase::held;
        if (!owned) owner = 0;
        if (owned && owner == 0) owner = 1 + draw() % shape_.endpoints;
        if (phase == slot_phase::free || phase == slot_phase::claimed) deliveries = 0;
        return layout::slot_word(lap, phase, deliveries, owner);
    }
    [[nodiscard]] std::uint64_t record(std::uint64_t word, std::mt19937_64& draw) const {
        switch (draw() % 4) {
            case 0: return (word & ~layout::record_length_mask) | length(draw);
            case 1: return word + layout::record_sequence_step;
            case 2: return word ^ layout::record_skip;
            default: return draw() % 2 == 0 ? 0 : word - layout::record_sequence_step;
        }
    }
    [[nodiscard]] std::uint64_t mutex_record(std::uint64_t word, std::mt19937_64& draw) const {
        constexpr std::uint64_t below_the_length = layout::lap_step - 1;
        if (draw() % 3 == 0) return length(draw) << layout::lap_shift | (word & below_the_length);
        return (word & ~below_the_length) | (slot(word, draw) & below_the_length);
    }

    void add(std::uint64_t offset, telling what, bool narrow = false) {
        rooms_.back().push_back({offset, what, narrow});
    }

    void add_roster() {
        using entry = layout::roster_entry;
        rooms_.emplace_back();
        for (std::uint64_t i = 0; i < where_.roster_length; ++i) {
            const std::uint64_t at = where_.roster_offset + i * sizeof(entry);
            add(at + offsetof(entry, state), telling::flag, true);
            add(at + offsetof(entry, role), telling::role, true);
            add(at + offsetof(entry, journal_valid), telling::flag);
            for (const std::size_t each :
                 {offsetof(entry, incarnation), offsetof(entry, pid), offsetof(entry, first_message),
                  offsetof(entry, journal_redelivered), offsetof(entry, journal_deaths), offsetof(entry, journal_sent),
                  offsetof(entry, journal_received), offsetof(entry, journal_given_back),
                  offsetof(entry, journal_skipped)})
                add(at + each, telling::count);
            add(at + offsetof(entry, first_position), telling::position);
            add(at + offsetof(entry, journal_seen), telling::position);
        }
    }
    void add_words() {
        using words = layout::queue_words;
        rooms_.emplace_back();
        const std::uint64_t producer = where_.words_offset;
        const std::uint64_t consumer = producer + offsetof(words, consumer);
        add(producer + offsetof(layout::producer_line, tail), telling::position);
        add(producer + offsetof(layout::producer_line, claim_open), telling::flag);
        add(producer + offsetof(layout::producer_line, messages), telling::count);
        add(producer + offsetof(layout::producer_line, high_water), telling::count);
        add(consumer + offsetof(layout::consumer_line, head), telling::position);
        add(consumer + offsetof(layout::consumer_line, taken), telling::position);
        add(consumer + offsetof(layout::consumer_line, seen), telling::position);
        add(consumer + offsetof(layout::consumer_line, messages), telling::count);
        for (const std::size_t each : {offsetof(words, consumers_event), offsetof(words, producers_event)}) {
            add(producer + each, telling::event, true);
            add(producer + each + offsetof(layout::event_line, returned), telling::count);
        }
        for (const std::size_t each : {offsetof(words, producers), offsetof(words, consumers)}) {
            for (const std::size_t word : {0U, 8U, 16U, 24U, 32U}) add(producer + each + word, telling::count);
        }
    }
    void add_mutex() {
        rooms_.emplace_back();
        add(where_.mutex_offset, telling::owner, true);
        add(where_.mutex_offset + offsetof(layout::mutex_line, turn), telling::count);
        for (std::uint64_t page = 0; page < 2; ++page) {
            using fields = layout::mutex_page;
            const std::uint64_t at =
                where_.mutex_offset + offsetof(layout::mutex_words, pages) + page * sizeof(layout::mutex_page);
            for (const std::size_t each : {offsetof(fields, tail), offsetof(fields, head), offsetof(fields, next),
                                           offsetof(fields, used), offsetof(fields, record)})
                add(at + each, telling::position);
            for (const std::size_t each :
                 {offsetof(fields, returned), offsetof(fields, sent), offsetof(fields, received)})
                add(at + each, telling::count);
            add(at + offsetof(fields, word), telling::mutex_record);
        }
    }
    void add_tallies() {
        rooms_.emplace_back();
        for (std::uint64_t i = 0; i < where_.roster_length; ++i) {
            for (std::size_t word = 0; word < sizeof(layout::tally_line); word += 8)
                add(where_.tally_offset + i * sizeof(layout::tally_line) + word, telling::count);
        }
    }
    void add_ring() {
        const auto add = [&](std::uint64_t offset, telling what) { ring_.push_back({offset, what, false}); };
        const bool mutex = layout::has_mutex(shape_);
        const bool crowd = shape_.kind == layout::queue_kind::mpmc;
        if (where_.slot_bytes == 0) {  // a record may begin at each of them
            for (std::uint64_t at = 0; at < where_.ring_bytes; at += layout::record_alignment)
                add(where_.ring_offset + at, mutex ? telling::mutex_record : telling::record);
            return;
        }
        for (std::uint64_t at = 0; at < where_.ring_bytes; at += where_.slot_bytes) {
            add(where_.ring_offset + at, mutex ? telling::mutex_record : crowd ? telling::slot : telling::stream_slot);
            if (crowd && !mutex && shape_.form == layout::message_form::bytes)
                add(where_.ring_offset + at + 8, telling::length);
        }
    }
    void add_parking() {
        rooms_.emplace_back();
        for (std::uint64_t i = 0; i < shape_.parking; ++i) {
            const std::uint64_t at = where_.parking_offset + i * where_.parking_place_bytes;
            add(at + offsetof(layout::parking_place, word), telling::slot);
            add(at + offsetof(layout::parking_place, bytes), telling::length);
            add(at + offsetof(layout::parking_place, position), telling::position);
        }
    }

    layout::shape shape_;
    layout::geometry where_;
    std::vector<std::vector<word_place>> rooms_;
    std::vector<word_place> ring_;
};

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
