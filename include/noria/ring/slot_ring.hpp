// slot_ring.hpp: many writers, many readers, slots of one size; no locks, no fences, no system calls.
//
//      slot i:  [ word | bytes: length | message ]      position p stands in slot p mod capacity, in lap p div capacity
//
//      writers:  (lap, free) --CAS--> (lap, claimed, me) --store--> (lap, ready)        give back --store--> (lap+1, free)
//      readers:  (lap, ready) --CAS--> (lap, held, me) --store--> (lap+1, free)         put back --store--> (lap, ready)
//
// A claim and the record of its owner are one compare-and-swap of the slot's word: there is no moment at which a position is
// taken and nobody knows by whom. Each endpoint walks by itself, from a private position; the shared tail and head are
// hints for newcomers, and never believed.
//
// Invariants  L1  Positions are claimed without a gap: by writers in front of the true tail, by readers (what was given back
//                 or skipped counts as read) in front of the true head. No endpoint's position is beyond them.
//             L2  A slot's lap only grows; it grows when its message is released, given back or skipped. So while a
//                 message is in the ring, the true tail is at most `capacity` beyond it.
//             L3  (ready) of a position behind a reader is a message that was put back: `returned` was raised after it.
//             L4  Where there is a parking, a message that `deliveries_max` holders died of goes there instead (parking.hpp); if
//                 that is full it is put back all the same.
// Orders      [S1] acquire in reader::take <- [S2] release in writer::commit, [S5] in put_back: a message, before its word
//             [S3] acquire in writer::claim <- [S4] release in reader::release: our reads, before the leave to overwrite
//             [S6] acquire in reader::look_behind <- [S7] in raise_returned: what is ready, before the raise
//             [S15] acquire in attach <- [S16] release in move_hint: the words that were passed, before the hint
//             [S8] acquire in look and drained <- [S2], [S4], [S5]: looks at the ring, before looks at the roster
// Crash       Dead with a claim or a lease: the word says whose it was; release_dead() makes a hole of the claim and
//             readies the message again. No store of the dead one can come later (roster.hpp), so [S2] and [S4] are
//             plain stores. Counters are exact: see layout/tally_line.hpp.
// Delay       A slow but living claimant delays those behind it: obstacle() names it. It is never passed over.
// Source      Vyukov's bounded queue, with the owner in the word and without the shared tail and head.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/cache_line.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/ring/ring_view.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace noria::inline v1::ring {

// A position in the ring, and where that is.
class slot_cursor {
public:
    NORIA_API void attach(const ring_view& view, std::uint64_t position) noexcept;
    NORIA_API void go_to(std::uint64_t position) noexcept;
    void step() noexcept {
        position_ += 1;
        slot_ += slot_bytes_;
        if (slot_ == end_) [[unlikely]] {
            slot_ = begin_;
            lap_ += layout::lap_step;
        }
    }
    // A compare-and-swap waits for its line, and all else waits for it. So lines are asked for ahead: a writer's by one slot,
    // or line of slots, behind the next; a reader's by two, for what writers do there is done.
    void fetch(std::uint64_t ahead) const noexcept { fetch_for_writing(slot_ + ahead * fetch_bytes_); }
    // On to behind that lap of this slot; never backwards, and at least one step.
    NORIA_API void go_behind(std::int64_t laps) noexcept;

    [[nodiscard]] std::byte* slot() const noexcept { return slot_; }
    [[nodiscard]] std::uint64_t& word() const noexcept { return *reinterpret_cast<std::uint64_t*>(slot_); }
    [[nodiscard]] std::uint64_t lap() const noexcept { return lap_; }  // as bits of a word
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    [[nodiscard]] std::uint64_t capacity() const noexcept { return mask_ + 1; }
    [[nodiscard]] std::uint64_t slot_bytes() const noexcept { return slot_bytes_; }

    // What a tally notes of a position: laps modulo 2^45.
    [[nodiscard]] std::uint64_t note() const noexcept { return position_ & note_mask_; }
    [[nodiscard]] std::uint64_t note_of(const std::byte* slot, std::uint64_t word) const noexcept {
        return layout::lap_of(word) << shift_ | static_cast<std::uint64_t>(slot - begin_) / slot_bytes_;
    }

private:
    std::byte* slot_ = nullptr;
    std::uint64_t lap_ = 0;
    std::uint64_t position_ = 0;
    std::uint64_t slot_bytes_ = 0;
    std::uint64_t fetch_bytes_ = 0;  // of a slot, at least of a line
    std::byte* begin_ = nullptr;
    std::byte* end_ = nullptr;
    std::uint64_t mask_ = 0;
    std::uint64_t note_mask_ = 0;
    unsigned shift_ = 0;
};

constexpr std::uint64_t hint_interval = 32;  // positions between two stores of a hint; a power of two

class slot_writer {
public:
    static constexpr bool contended = true;  // others may be quicker than we are

    NORIA_API bool attach(const ring_view& view) noexcept;

    // A slot of our own, or null: look() then, and try again. Lock-free.
    [[nodiscard]] std::byte* claim(std::uint64_t /*bytes*/) noexcept {
        const std::uint64_t open = at_.lap();
        // [S3] acquire <- [S4] in release, by the exchange: their reads of the slot, before our writes.
        if (load_relaxed(at_.word()) != open || !compare_exchange(at_.word(), open, open | mine_)) return nullptr;
        return at_.slot() + payload_offset_;
    }

    // Publishes what stands in the claimed slot. Wait-free.
    void commit(std::uint64_t bytes) noexcept {
        if (of_bytes_) store_relaxed(*reinterpret_cast<std::uint64_t*>(at_.slot() + 8), bytes);
        store_relaxed(tally_->committing[sent_ & 1], at_.note());
        compiler_fence();
        store_relaxed(tally_->sent, ++sent_);
        // [S2] release -> [S1] in take, [S8] in look: the message, before its word; and the count.
        store_release(at_.word(), layout::slot_word(at_.lap(), layout::slot_phase::ready));
        move_on();
    }

    // Makes a hole of the claimed slot: readers pass it. Wait-free.
    NORIA_API void give_back() noexcept;

    // Walks to where claim() may succeed. `ready`: it may; somebody else may be quicker.
    NORIA_API sight look(std::uint64_t bytes) noexcept;

    // Who keeps the slot that the last look() found in our way: 1 + the index of a roster entry; 0: nobody.
    [[nodiscard]] std::uint64_t obstacle() const noexcept { return obstacle_; }
    // Whether that, and not the number of messages, is why there is no room.
    [[nodiscard]] NORIA_API bool stalled() const noexcept;

    [[nodiscard]] std::uint64_t position() const noexcept { return at_.position(); }
    [[nodiscard]] std::uint64_t messages() const noexcept { return sent_; }
    [[nodiscard]] NORIA_API std::uint64_t depth() noexcept;  // messages committed and not released
    [[nodiscard]] layout::tally_line& line() const noexcept { return *tally_; }
    [[nodiscard]] std::uint64_t message_bytes_max() const noexcept { return message_bytes_; }

private:
    void move_on() noexcept {
        at_.step();
        at_.fetch(1);
        if ((at_.position() & (hint_interval - 1)) == 0) [[unlikely]]
            move_hint();
    }
    NORIA_API void move_hint() noexcept;

    slot_cursor at_;
    std::uint64_t mine_ = 0;  // claimed, by us
    std::uint64_t sent_ = 0;
    layout::tally_line* tally_ = nullptr;
    std::uint64_t payload_offset_ = 0;
    bool of_bytes_ = false;
    std::uint64_t obstacle_ = 0;
    std::uint64_t full_at_ = 0;         // 1 + the position at which look() found no room last
    std::uint64_t depth_interval_ = 0;  // positions between two looks at the depth; a power of two
    std::uint64_t message_bytes_ = 0;
    std::uint64_t given_back_ = 0;
    layout::producer_line* producer_ = nullptr;
    ring_view view_;
};

class slot_reader {
public:
    static constexpr bool contended = true;    // others may be quicker than we are
    static constexpr bool many_leases = true;  // any number of messages is in our hands

    NORIA_API bool attach(const ring_view& view) noexcept;

    // A message of our own, or null: look() then, and try again. Lock-free. Ours until release() or put_back().
    // A message longer than accept() allows stays where it is.
    [[nodiscard]] const std::byte* take() noexcept {
        // [S1] acquire <- [S2] in commit: the length, which is read before the exchange.
        const std::uint64_t word = load_acquire(at_.word());
        if ((word & ~deliveries_bits) != (at_.lap() | ready_bits) || load_relaxed(*returned_) != returned_seen_)
            return nullptr;
        std::uint64_t bytes = message_bytes_;
        if (of_bytes_) {
            bytes = load_relaxed(*reinterpret_cast<const std::uint64_t*>(at_.slot() + 8));
            if (bytes > accepted_bytes_) [[unlikely]]
                return leave_too_long(word, bytes);
        }
        // [S1] acquire <- [S2] in commit, [S5] in put_back, by the exchange: a reader that sees the word sees the message. No word
        // comes twice with another message: so the length is of this one.
        if (!compare_exchange(at_.word(), word, word + mine_)) return nullptr;
        taken_slot_ = at_.slot();
        taken_word_ = word + mine_;
        taken_note_ = at_.note();
        taken_bytes_ = bytes;
        at_.step();
        at_.fetch(2);
        if ((at_.position() & (hint_interval - 1)) == 0) [[unlikely]]
            move_hint();
        return taken_slot_ + payload_offset_;
    }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return taken_bytes_; }

    // From now on take() leaves longer messages in the queue, and their order with it: to take one and to put it back would
    // let others pass it. `left_too_long`: the last take() did so; taken_bytes() says how long it is.
    void accept(std::uint64_t bytes) noexcept {
        accepted_bytes_ = bytes < message_bytes_ ? bytes : message_bytes_;
        left_too_long_ = false;
    }
    [[nodiscard]] bool left_too_long() const noexcept { return left_too_long_; }
    [[nodiscard]] unsigned deliveries() const noexcept {
        return static_cast<unsigned>(layout::deliveries_of(taken_word_)) + 1;
    }

    // That it is handed out is in its word already.
    void hold() noexcept {}

    // Gives the slot of a message that was taken back to the writers. Wait-free. False: somebody has scribbled on its word.
    bool release(const std::byte* message) noexcept {
        std::byte* const slot = const_cast<std::byte*>(message) - payload_offset_;
        std::uint64_t& word = *reinterpret_cast<std::uint64_t*>(slot);
        const std::uint64_t held = load_relaxed(word);  // ours alone to change
        if ((held & owned_bits) != (ready_bits + mine_)) [[unlikely]]
            return release_parked(message);
        free(word, held, slot == taken_slot_ && held == taken_word_ ? taken_note_ : at_.note_of(slot, held));
        return true;
    }
    // The same of the message that was taken last, if nothing was done since.
    void release_taken() noexcept { free(*reinterpret_cast<std::uint64_t*>(taken_slot_), taken_word_, taken_note_); }

    // A parked message, ours until release(); or null: there is none that nobody reads.
    [[nodiscard]] NORIA_API const std::byte* take_parked() noexcept;

    // How many places there are for such, and the owner of one: 1 + the index of a roster entry, or 0.
    [[nodiscard]] std::uint64_t parking_places() const noexcept { return view_.shape.parking; }
    [[nodiscard]] NORIA_API std::uint64_t parked_by(std::uint64_t place) const noexcept;

    // Makes a message that was taken ready again. Its next delivery says that it is not the first, if this one `counts`; or
    // it was the last (L4).
    NORIA_API bool put_back(const std::byte* message, bool counts) noexcept;
    NORIA_API bool put_all_back() noexcept;  // true: it cannot fail

    // Walks to where take() may succeed. `ready`: it may; somebody else may be quicker.
    NORIA_API sight look() noexcept;

    // `ready`: no message is in the ring, in a claim, or in the hands of another reader. `nothing`: one is; `holder` names
    // its entry, as obstacle() does.
    [[nodiscard]] NORIA_API sight drained(std::uint64_t& holder) const noexcept;

    [[nodiscard]] std::uint64_t obstacle() const noexcept { return obstacle_; }
    [[nodiscard]] bool stalled() const noexcept { return obstacle_ != 0; }
    [[nodiscard]] std::uint64_t position() const noexcept { return received_; }  // what was drained is what counts
    [[nodiscard]] std::uint64_t messages() const noexcept { return received_; }
    [[nodiscard]] NORIA_API std::uint64_t depth() const noexcept;
    [[nodiscard]] layout::tally_line& line() const noexcept { return *tally_; }

private:
    static constexpr std::uint64_t deliveries_bits = layout::deliveries_mask << layout::deliveries_shift;
    static constexpr std::uint64_t ready_bits = layout::slot_word(0, layout::slot_phase::ready);
    static constexpr std::uint64_t owned_bits = layout::phase_mask << layout::phase_shift | layout::owner_mask;

    void free(std::uint64_t& word, std::uint64_t held, std::uint64_t note) noexcept {
        store_relaxed(tally_->releasing[received_ & 1], note);
        compiler_fence();
        store_relaxed(tally_->received, ++received_);
        // [S4] release -> [S3] in claim, [S8] in look: our reads, before the leave to overwrite; and the count.
        store_release(word, layout::slot_word(held + layout::lap_step, layout::slot_phase::free));
    }
    bool look_behind() noexcept;
    // [S16] release -> [S15] in attach: the words that we have passed, before the hint. Stale is harmless.
    void move_hint() noexcept { store_release(consumer_->head, at_.position()); }
    NORIA_API const std::byte* leave_too_long(std::uint64_t word, std::uint64_t bytes) noexcept;
    NORIA_API bool release_parked(const std::byte* message) noexcept;

    slot_cursor at_;
    std::uint64_t mine_ = 0;  // what makes a ready word a held one, of ours
    const std::uint64_t* returned_ = nullptr;
    std::uint64_t returned_seen_ = 0;
    std::uint64_t received_ = 0;
    layout::tally_line* tally_ = nullptr;
    std::uint64_t payload_offset_ = 0;
    std::byte* taken_slot_ = nullptr;  // of the message that was taken last
    std::uint64_t taken_word_ = 0;
    std::uint64_t taken_note_ = 0;
    std::uint64_t taken_bytes_ = 0;
    std::uint64_t message_bytes_ = 0;
    std::uint64_t accepted_bytes_ = 0;  // the longest message that take() takes
    bool left_too_long_ = false;
    bool of_bytes_ = false;
    bool lied_ = false;  // a message's length contradicts the header
    std::uint64_t obstacle_ = 0;
    layout::consumer_line* consumer_ = nullptr;
    ring_view view_;
};

// A copy of a tally, each word read once.
[[nodiscard]] NORIA_API layout::tally_line tally_now(const layout::tally_line& of) noexcept;

// What a dead entry's tally must say, and how much it has in its hands: absolute values, from slots that cannot change.
NORIA_API layout::tally_line tally_after(const ring_view& view, std::uint64_t dead) noexcept;

// Makes holes of a dead entry's claims and readies what it held, or parks it (L4). Repeatable. Safe beside living endpoints, for whoever
// has the proof of death. `returned` must be raised afterwards.
NORIA_API void release_dead(const ring_view& view, std::uint64_t dead) noexcept;

// Tells readers that something behind them may be ready again (L3).
NORIA_API void raise_returned(const ring_view& view) noexcept;

// Where the ring stands, reckoned from its slots, and what is in somebody's hands; for observers. Positions are exact up
// to laps of 2^45, as far as slots were looked at.
struct slots_seen {
    std::uint64_t tail = 0;  // one behind the last position that was claimed
    std::uint64_t head = 0;  // the first position that no reader has claimed, released or passed; or tail
    std::uint64_t overdue = 0;
    std::uint64_t looked_at = 0;  // slots
    bool all = true;              // of the ring; else those near both hints, or as far as they could be read
};
struct hand {
    bool writing = false;     // a claim; else a lease
    std::uint64_t owner = 0;  // the index of a roster entry
    std::uint64_t position = 0;
};
// Where the words of slots or records come from: the ring's bytes from that offset on, as many as are at hand, and good until the
// next call. Fewer than a word's: they cannot be read.
using word_source = std::function<std::span<const std::byte>(std::uint64_t offset)>;
[[nodiscard]] inline word_source words_in(const ring_view& view) {
    return [ring = std::span<const std::byte>(view.records, layout::place(view.shape).ring_bytes)](
               std::uint64_t offset) { return ring.subspan(offset); };
}

// `overdue`: messages that ought to be parked, but the parking was full. Of a ring with more than `most` slots, a power of
// two from 8 on, those that stand around its two hints are looked at.
NORIA_API slots_seen survey_slots(const ring_view& view, std::vector<hand>& in_hand);
NORIA_API slots_seen survey_slots(const ring_view& view, const word_source& bytes_at, std::uint64_t most,
                                  std::vector<hand>& in_hand);

// Says what contradicts the invariants, or null. Exact on a ring that nobody works on.
NORIA_API const char* check_slots(const ring_view& view) noexcept;

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
