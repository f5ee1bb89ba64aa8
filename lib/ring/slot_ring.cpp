// slot_ring.cpp: the walks, giving back, putting back, and what a death leaves to be done.
#include "noria/ring/slot_ring.hpp"

#include "noria/ring/parking.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>

namespace noria::inline v1::ring {

namespace {

using layout::slot_phase;

std::uint64_t& word_at(const ring_view& view, std::uint64_t slot_bytes, std::uint64_t index) noexcept {
    return *reinterpret_cast<std::uint64_t*>(view.records + index * slot_bytes);
}

// Steps of one walk. An honest one needs two turns of the ring at the most, unless the others are quicker than it all the
// time; then, as on bytes that somebody scribbles on, it sees nothing now and is asked again.
std::uint64_t steps_at_most(const slot_cursor& at) noexcept { return 2 * at.capacity() + 64; }

// What passes between the two sums makes the depth seem less, never more than it ever was.
std::uint64_t depth_of(const ring_view& view) noexcept {
    const std::span<const layout::tally_line> tallies(view.tallies, view.shape.endpoints);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    for (const layout::tally_line& each : tallies) sent += load_relaxed(each.sent);
    compiler_fence();
    for (const layout::tally_line& each : tallies) received += load_relaxed(each.received);
    received += count_parked(view).parked;
    return sent - std::min(sent, received);
}

// Makes the message ready again that an entry holds in this slot, or parks it (L4). `counts`: its holder died or threw.
void free_from_hand(const ring_view& view, std::uint64_t entry, std::uint64_t& word, std::uint64_t note,
                    bool counts) noexcept {
    const std::uint64_t held = load_relaxed(word);
    const std::uint64_t deliveries = std::min(layout::deliveries_of(held) + (counts ? 1 : 0), layout::deliveries_mask);
    if (counts && view.shape.deliveries_max != 0 && deliveries >= view.shape.deliveries_max &&
        park(view, entry, note, deliveries)) {
        return;
    }
    // [S5] release -> [S1] in take, [S8] in look: our reads, and the message, before its word.
    store_release(word, layout::slot_word(held, slot_phase::ready, deliveries));
}

// The slots that a survey looks at, by their indices modulo the capacity: all, or a window around each hint, or, if those
// would overlap, one of both lengths around both.
struct span_of_slots {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};
std::array<span_of_slots, 2> spans_of(const ring_view& view, std::uint64_t most) noexcept {
    const std::uint64_t capacity = view.shape.capacity;
    if (capacity <= most) return {{{0, capacity}, {0, 0}}};
    const std::uint64_t window = most / 2;
    const std::uint64_t mask = capacity - 1;
    const std::uint64_t tail = (load_relaxed(view.producer->tail) - window / 2) & mask;
    const std::uint64_t head = (load_relaxed(view.consumer->head) - window / 2) & mask;
    const auto around_both = [&](std::uint64_t first, std::uint64_t apart) {
        return std::array<span_of_slots, 2>{{{first - (window - apart) / 2, most}, {0, 0}}};
    };
    if (const std::uint64_t apart = (head - tail) & mask; apart < window) return around_both(tail, apart);
    if (const std::uint64_t apart = (tail - head) & mask; apart < window) return around_both(head, apart);
    return {{{tail, window}, {head, window}}};
}

}  // namespace

void slot_cursor::attach(const ring_view& view, std::uint64_t position) noexcept {
    const layout::geometry where = layout::place(view.shape);
    slot_bytes_ = where.slot_bytes;
    fetch_bytes_ = std::max<std::uint64_t>(slot_bytes_, line_bytes);
    begin_ = view.records;
    end_ = begin_ + where.ring_bytes;
    mask_ = view.shape.capacity - 1;
    shift_ = static_cast<unsigned>(std::countr_zero(view.shape.capacity));
    constexpr unsigned lap_bits = 64 - layout::lap_shift;
    note_mask_ = shift_ + lap_bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (shift_ + lap_bits)) - 1;
    go_to(position);
}

void slot_cursor::go_to(std::uint64_t position) noexcept {
    position_ = position;
    lap_ = (position >> shift_) << layout::lap_shift;
    slot_ = begin_ + (position & mask_) * slot_bytes_;
}

void slot_cursor::go_behind(std::int64_t laps) noexcept {
    if (laps <= 0) return step();
    go_to(position_ + static_cast<std::uint64_t>(laps) * capacity() + 1);
}

bool slot_writer::attach(const ring_view& view) noexcept {
    view_ = view;
    tally_ = &view.tallies[view.self];
    producer_ = view.producer;
    sent_ = load_relaxed(tally_->sent);
    given_back_ = load_relaxed(tally_->given_back);
    mine_ = layout::slot_word(0, slot_phase::claimed, 0, view.self + 1);
    of_bytes_ = view.shape.form == layout::message_form::bytes;
    payload_offset_ = layout::place(view.shape).payload_offset;
    message_bytes_ = view.shape.message_bytes;
    // The depth is a sum over the roster: to be looked at so seldom that it costs next to nothing.
    depth_interval_ = std::bit_ceil(std::max(view.shape.capacity / 8, 4 * view.shape.endpoints));
    at_.attach(view, load_acquire(producer_->tail));  // [S15] acquire <- [S16] in move_hint: the words behind it
    return look(0) != sight::corrupt;
}

// Each position is some writer's: so somebody stores the hint, and looks at the depth, every so many positions.
void slot_writer::move_hint() noexcept {
    // [S16] release -> [S15] in attach: the words that we have passed, before the hint. Stale is harmless.
    store_release(producer_->tail, at_.position());
    if ((at_.position() & (depth_interval_ - 1)) == 0) (void)depth();
}

void slot_writer::give_back() noexcept {
    store_relaxed(tally_->giving_back[given_back_ & 1], at_.note());
    compiler_fence();
    store_relaxed(tally_->given_back, ++given_back_);
    // [S2] release -> [S1] in take, [S8] in look: the count, before the hole.
    store_release(at_.word(), layout::slot_word(at_.lap() + layout::lap_step, slot_phase::free));
    move_on();
}

sight slot_writer::look(std::uint64_t /*bytes*/) noexcept {
    obstacle_ = 0;
    for (std::uint64_t steps = steps_at_most(at_); steps != 0; --steps) {
        const std::uint64_t word = load_acquire(at_.word());  // [S8] acquire <- [S2], [S4], [S5]
        if (layout::is_impossible(word)) return sight::corrupt;
        const bool is_free = layout::phase_of(word) == slot_phase::free;
        const std::int64_t ahead = layout::laps_ahead(word, at_.lap());
        if (ahead == 0 && is_free) return sight::ready;
        if (ahead < 0) {
            // L1, L2: its message of the last lap is there, or being written or read.
            if (ahead != -1 || is_free) return sight::corrupt;
            obstacle_ = layout::owner_of(word);
            // Once for each position, for the high-water mark: the tallies are lines that others are writing.
            if (full_at_ != at_.position() + 1) (void)depth();
            full_at_ = at_.position() + 1;
            return sight::nothing;
        }
        // Somebody had this position. A slot that is free in a later lap tells less than one that is not.
        at_.go_behind(is_free ? ahead - 1 : ahead);
    }
    return sight::nothing;
}

bool slot_writer::stalled() const noexcept { return obstacle_ != 0 && depth_of(view_) < at_.capacity(); }

std::uint64_t slot_writer::depth() noexcept {
    const std::uint64_t now = depth_of(view_);
    if (now > load_relaxed(tally_->high_water)) store_relaxed(tally_->high_water, now);
    return now;
}

bool slot_reader::attach(const ring_view& view) noexcept {
    view_ = view;
    tally_ = &view.tallies[view.self];
    consumer_ = view.consumer;
    returned_ = view.returned;
    returned_seen_ = load_relaxed(*returned_) - 1;  // L3: what was put back before we came is looked for once
    received_ = load_relaxed(tally_->received);
    mine_ = layout::slot_word(0, slot_phase::held, 0, view.self + 1) - ready_bits;
    of_bytes_ = view.shape.form == layout::message_form::bytes;
    payload_offset_ = layout::place(view.shape).payload_offset;
    message_bytes_ = view.shape.message_bytes;
    accept(message_bytes_);
    at_.attach(view, load_acquire(consumer_->head));  // [S15] acquire <- [S16] in move_hint: the words behind it
    return look() != sight::corrupt;
}

// Back to the first message that was put back behind us, if there is one. False: the words contradict L2.
bool slot_reader::look_behind() noexcept {
    returned_seen_ =
        load_acquire(*returned_);  // [S6] acquire <- [S7] in raise_returned: what is ready, before the raise
    const auto here = static_cast<std::int64_t>(at_.position() & (at_.capacity() - 1));
    const auto laps = static_cast<std::int64_t>(at_.capacity());
    std::int64_t first = 0;
    for (std::int64_t i = 0; i < laps; ++i) {
        const std::uint64_t word = load_relaxed(word_at(view_, at_.slot_bytes(), static_cast<std::uint64_t>(i)));
        if (layout::phase_of(word) != slot_phase::ready) continue;
        const std::int64_t ahead = layout::laps_ahead(word, at_.lap());
        if (ahead < -2) return false;
        if (ahead <= 0) first = std::min(first, ahead * laps + i - here);
    }
    if (first < -laps) return false;
    at_.go_to(at_.position() + static_cast<std::uint64_t>(first));
    return true;
}

sight slot_reader::look() noexcept {
    obstacle_ = 0;
    if (lied_) return sight::corrupt;
    if (load_relaxed(*returned_) != returned_seen_ && !look_behind()) return sight::corrupt;
    for (std::uint64_t steps = steps_at_most(at_); steps != 0; --steps) {
        const std::uint64_t word = load_acquire(at_.word());  // [S8] acquire <- [S2], [S4], [S5]
        if (layout::is_impossible(word)) return sight::corrupt;
        const slot_phase phase = layout::phase_of(word);
        const std::int64_t ahead = layout::laps_ahead(word, at_.lap());
        if (ahead == 0) {
            if (phase == slot_phase::ready) return sight::ready;
            if (phase != slot_phase::held) {
                obstacle_ = layout::owner_of(word);
                return sight::nothing;
            }
        }
        if (ahead < 0) {
            // Nobody has claimed this position yet. The last lap's message is read by somebody, or was put back.
            if (ahead != -1 || phase == slot_phase::free || phase == slot_phase::claimed) return sight::corrupt;
            return sight::nothing;
        }
        // Somebody had this position, or it is a hole. All up to two laps before the slot's have been dealt with (L2).
        at_.go_behind(ahead - 2);
    }
    return sight::nothing;
}

// The length says more than take() may take. Honest writers store no length above the maximum, in no lap; any other is only
// of this message if the word is still the same, which the exchange says: a writer of another length has changed it before.
const std::byte* slot_reader::leave_too_long(std::uint64_t word, std::uint64_t bytes) noexcept {
    if (bytes > message_bytes_) {
        lied_ = true;
    } else if (compare_exchange(at_.word(), word, word)) {
        left_too_long_ = true;
        taken_bytes_ = bytes;
    }
    return nullptr;
}

const std::byte* slot_reader::take_parked() noexcept {
    const layout::parking_place* const place = retrieve(view_, view_.self);
    if (place == nullptr) return nullptr;
    taken_slot_ = nullptr;  // it has no place in the ring
    taken_word_ = load_relaxed(place->word);
    taken_bytes_ = std::min(load_relaxed(place->bytes), message_bytes_);
    return message_in(*place);
}

std::uint64_t slot_reader::parked_by(std::uint64_t place) const noexcept { return holder_of(view_, place); }

bool slot_reader::release_parked(const std::byte* message) noexcept { return vacate(view_, view_.self, message); }

bool slot_reader::put_back(const std::byte* message, bool counts) noexcept {
    std::byte* const slot = const_cast<std::byte*>(message) - payload_offset_;
    std::uint64_t& word = *reinterpret_cast<std::uint64_t*>(slot);
    const std::uint64_t held = load_relaxed(word);  // ours alone to change
    if ((held & owned_bits) != ready_bits + mine_) return false;
    free_from_hand(view_, view_.self, word, at_.note_of(slot, held), counts);
    if (counts) store_relaxed(tally_->redelivered, load_relaxed(tally_->redelivered) + 1);
    raise_returned(view_);
    return true;
}

bool slot_reader::put_all_back() noexcept {
    store_relaxed(tally_->redelivered, tally_after(view_, view_.self).redelivered);
    release_dead(view_, view_.self);
    raise_returned(view_);
    return true;
}

sight slot_reader::drained(std::uint64_t& holder) const noexcept {
    for (std::uint64_t i = 0; i < at_.capacity(); ++i) {
        const std::uint64_t word =
            load_acquire(word_at(view_, at_.slot_bytes(), i));  // [S8] acquire <- [S2], [S4], [S5]
        switch (layout::phase_of(word)) {
            case slot_phase::free: break;
            case slot_phase::held:
                if (layout::owner_of(word) == view_.self + 1) break;
                [[fallthrough]];
            default: holder = layout::owner_of(word); return sight::nothing;
        }
    }
    return sight::ready;
}

std::uint64_t slot_reader::depth() const noexcept { return depth_of(view_); }

// Relaxed throughout: the caller holds the lock of that entry.
layout::tally_line tally_now(const layout::tally_line& of) noexcept {
    return {.sent = load_relaxed(of.sent),
            .committing = {load_relaxed(of.committing[0]), load_relaxed(of.committing[1])},
            .given_back = load_relaxed(of.given_back),
            .giving_back = {load_relaxed(of.giving_back[0]), load_relaxed(of.giving_back[1])},
            .received = load_relaxed(of.received),
            .releasing = {load_relaxed(of.releasing[0]), load_relaxed(of.releasing[1])},
            .skipped = load_relaxed(of.skipped),
            .refused = load_relaxed(of.refused),
            .redelivered = load_relaxed(of.redelivered),
            .high_water = load_relaxed(of.high_water),
            .tenure = load_relaxed(of.tenure),
            .producer_deaths = load_relaxed(of.producer_deaths),
            .consumer_deaths = load_relaxed(of.consumer_deaths)};
}

layout::tally_line tally_after(const ring_view& view, std::uint64_t dead) noexcept {
    const layout::tally_line noted = tally_now(view.tallies[dead]);
    layout::tally_line all = noted;
    slot_cursor at;
    at.attach(view, 0);
    const auto undone = [](std::uint64_t& counted, const std::uint64_t(&notes)[2], std::uint64_t note) {
        if (counted != 0 && notes[(counted - 1) & 1] == note) --counted;
    };
    for (std::uint64_t i = 0; i < at.capacity(); ++i, at.step()) {
        const std::uint64_t word = load_relaxed(at.word());
        if (layout::owner_of(word) != dead + 1) continue;
        const std::uint64_t note = at.note_of(at.slot(), word);
        if (layout::phase_of(word) == slot_phase::claimed) {
            undone(all.sent, noted.committing, note);
            undone(all.given_back, noted.giving_back, note);
            ++all.skipped;
        } else if (layout::phase_of(word) == slot_phase::held) {
            undone(all.received, noted.releasing, note);
            ++all.redelivered;
        }
    }
    return all;
}

void release_dead(const ring_view& view, std::uint64_t dead) noexcept {
    settle(view, dead);
    slot_cursor at;
    at.attach(view, 0);
    for (std::uint64_t i = 0; i < at.capacity(); ++i, at.step()) {
        const std::uint64_t word = load_relaxed(at.word());  // of a dead owner: nobody else changes it
        if (layout::owner_of(word) != dead + 1) continue;
        if (layout::phase_of(word) == slot_phase::claimed) {
            // [S2] release -> [S1] in take, [S8] in look: all that recovery has noted, before the hole.
            store_release(at.word(), layout::slot_word(word + layout::lap_step, slot_phase::free));
        } else if (layout::phase_of(word) == slot_phase::held) {
            free_from_hand(view, dead, at.word(), at.note_of(at.slot(), word), true);
        }
    }
}

void raise_returned(const ring_view& view) noexcept {
    // [S7] an exchange -> [S6] in look_behind: what was made ready, before the raise. Never a load and a store: of two who
    // raise at once, one could hide the other's.
    (void)fetch_add(*view.returned, std::uint64_t{1});
}

slots_seen survey_slots(const ring_view& view, std::vector<hand>& in_hand) {
    return survey_slots(view, words_in(view), layout::capacity_max, in_hand);
}

slots_seen survey_slots(const ring_view& view, const word_source& bytes_at, std::uint64_t most,
                        std::vector<hand>& in_hand) {
    const std::uint64_t capacity = view.shape.capacity;
    const std::uint64_t slot_bytes = layout::place(view.shape).slot_bytes;
    const auto shift = static_cast<unsigned>(std::countr_zero(capacity));
    const std::uint64_t deliveries_max = view.shape.deliveries_max;
    slots_seen all;
    std::vector<std::uint64_t> unread;
    bool begun = false;
    const auto look_at = [&](std::uint64_t index, std::uint64_t word) {
        const slot_phase phase = layout::phase_of(word);
        const std::uint64_t position = layout::lap_of(word) << shift | index;
        if (phase == slot_phase::claimed || phase == slot_phase::held)
            in_hand.push_back({phase == slot_phase::claimed, layout::owner_of(word) - 1, position});
        if (phase == slot_phase::claimed || phase == slot_phase::ready) unread.push_back(position);
        if (deliveries_max != 0 && layout::deliveries_of(word) >= deliveries_max) ++all.overdue;
        // A free slot was claimed a lap ago.
        const std::uint64_t behind = phase == slot_phase::free ? position - capacity + 1 : position + 1;
        // Positions are compared by their difference: from that of the first slot on, not from 0.
        if (!begun || static_cast<std::int64_t>(behind - all.tail) > 0) all.tail = behind;
        begun = true;
    };
    for (const auto& each : spans_of(view, most)) {
        for (std::uint64_t done = 0; done < each.count;) {
            const std::uint64_t first = (each.first + done) & (capacity - 1);
            const auto bytes = bytes_at(first * slot_bytes);
            if (bytes.size() < sizeof(std::uint64_t)) break;
            // Relaxed: an observer decides nothing by them.
            const std::uint64_t end = std::min(capacity, first + each.count - done);
            const std::uint64_t at_hand = (bytes.size() - sizeof(std::uint64_t)) / slot_bytes + 1;
            const std::uint64_t count = std::min(end - first, at_hand);
            for (std::uint64_t i = 0; i < count; ++i)
                look_at(first + i,
                        load_relaxed(*reinterpret_cast<const std::uint64_t*>(bytes.data() + i * slot_bytes)));
            done += count;
            all.looked_at += count;
        }
    }
    all.all = all.looked_at == capacity;
    all.head = all.tail;
    for (const std::uint64_t each : unread) {
        if (static_cast<std::int64_t>(each - all.head) < 0) all.head = each;
    }
    return all;
}

const char* check_slots(const ring_view& view) noexcept {
    slot_cursor at;
    at.attach(view, 0);
    // Of each slot the last position that was claimed, relative to the first slot's lap: all of them within one turn (L1).
    const std::uint64_t origin = load_relaxed(at.word());
    const auto laps = static_cast<std::int64_t>(at.capacity());
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    std::int64_t most = std::numeric_limits<std::int64_t>::min();
    for (std::int64_t i = 0; i < laps; ++i, at.step()) {
        const std::uint64_t word = load_relaxed(at.word());
        if (layout::is_impossible(word)) return "a slot's word says what nobody writes";
        const bool is_free = layout::phase_of(word) == slot_phase::free;
        const std::int64_t ahead = layout::laps_ahead(word, origin) - (is_free ? 1 : 0);
        if (ahead > 2 || ahead < -2) return "a slot is more than a lap away from the others";
        least = std::min(least, ahead * laps + i);
        most = std::max(most, ahead * laps + i);
    }
    if (most - least != laps - 1) return "positions were claimed with a gap";
    return nullptr;
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
