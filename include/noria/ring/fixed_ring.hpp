// fixed_ring.hpp: one writer, one reader, messages of one size; no locks, no fences, no system calls.
//
//      slot:  [ word | (gap) | message ]                  or, where two messages or more fit into a line beside it,
//             [ word | message | message | ... ]          one line, and a word for all of them: the last that is there
//
//      head (reader writes)          tail (writer writes, for size() and for its successor; the reader never needs it)
//            v                            v
//   [p-N] [p] [p+1] [p+2] ...  [t-2] [t-1] [t-N] [t-N+1]
//
// With k messages to a slot and S slots, message p stands in slot (p / k) mod S, as the (p mod k)-th; exactly `capacity`
// fit. A turn is k S messages, and at least capacity + k - 1: so the writer never begins a slot in which the reader is.
//
// Invariants  F1  head <= tail <= head + capacity; both only grow.
//             F2  the word of a slot is record_word(size, p) for the last message p that is there; before its first
//                 message it is that of the turn before, in which it was filled, or 0. So no word is ever cleared.
// Orders      [S1] acquire in reader::first_in <- [S2] release in publish_slot       messages, before their word
//             [S3] acquire in writer::look <- [S4] release in reader::release        the leave to overwrite
// Crash       Writer dead before [S2]: nothing happened; its successor writes the same room. After: the messages are
//             there, whole; if the tail was not stored yet, the successor's scan finds them by F2.
//             Reader dead before [S4]: the message is read again by its successor, which is told so if `hold` was
//             called (consumer_line::taken). After: it is gone.
// Source      FastForward (Giacomoni 2008): the data's own word is the flag. Sequence per slot: Vyukov's bounded queue.
//             One word for a line: what is measured is lines moved from core to core (lib/README.md).
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/cache_line.hpp"
#include "noria/layout/geometry.hpp"
#include "noria/layout/record.hpp"
#include "noria/ring/ring_view.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace noria::inline v1::ring {

// Where messages stand in their slot, and how large they are. Where their type is known, the compiler knows all of it.
struct slot_plan : layout::slot_place {
    std::uint64_t message_bytes = 0;

    constexpr slot_plan() noexcept = default;
    constexpr slot_plan(std::uint64_t bytes, std::uint64_t align) noexcept
        : slot_place(layout::stream_slot(bytes, align)), message_bytes(bytes) {}

    // The word of the slot that a message stands in. A slot of several is a line.
    [[nodiscard]] std::uint64_t& word_of(std::byte* room) const noexcept {
        const std::uint64_t into_slot =
            messages == 1 ? payload_offset : reinterpret_cast<std::uintptr_t>(room) % line_bytes;
        return *reinterpret_cast<std::uint64_t*>(room - into_slot);
    }
    [[nodiscard]] constexpr std::uint64_t word(std::uint64_t position) const noexcept {
        return layout::record_word(message_bytes, position);
    }
    [[nodiscard]] constexpr bool is_small() const noexcept { return is_about_a_line(slot_bytes); }
    // How far beyond message p the word's message is; of a word that is not of this ring, more than can be.
    [[nodiscard]] constexpr std::uint64_t lead(std::uint64_t word_found, std::uint64_t position) const noexcept {
        return std::rotl(word_found - word(position), 32);
    }
    // F2: whether it is the word of a slot that message p has yet to come into.
    [[nodiscard]] constexpr bool is_word_before(std::uint64_t word_found, std::uint64_t position,
                                                std::uint64_t turn) const noexcept {
        if (position % messages != 0) return word_found == word(position - 1);
        return word_found == 0 || word_found == word(position + messages - 1 - turn);
    }
};

// Where an end of the ring is: what both ends share.
class fixed_place {
public:
    void stand_at(const ring_view& view, std::uint64_t position) noexcept;
    [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return position_; }
    [[nodiscard]] std::uint64_t turn() const noexcept { return turn_; }
    [[nodiscard]] std::byte* room() const noexcept {
        if (room_ == nullptr) __builtin_unreachable();  // only who is attached asks
        return room_;
    }
    [[nodiscard]] const slot_plan& plan() const noexcept { return plan_; }

    // So many messages follow the first in its slot.
    [[nodiscard]] std::uint64_t behind(const slot_plan& plan) const noexcept {
        return plan.messages == 1 ? 0 : last_ - position_;
    }
    // Goes on to the next message, or by several, none of them beyond the last of the slot.
    [[gnu::always_inline]] void advance(const slot_plan& plan, std::uint64_t by = 1) noexcept {
        if (behind(plan) >= by) {
            room_ += by * plan.message_stride;
        } else {
            room_ += plan.slot_bytes - (plan.messages - by) * plan.message_stride;
            if (plan.messages != 1) last_ += plan.messages;
            if (room_ == end_) room_ = first_;
        }
        position_ += by;
    }

    [[nodiscard]] fixed_place place() const noexcept { return *this; }
    // Stands where the other place does, in the same ring.
    void go_to(const fixed_place& other, const slot_plan& plan) noexcept {
        position_ = other.position_;
        room_ = other.room_;
        if (plan.messages != 1) last_ = other.last_;
    }

private:
    std::uint64_t position_ = 0;
    std::byte* room_ = nullptr;  // of the message at the position
    std::uint64_t last_ = 0;     // the last position of the same slot, where slots have several
    std::byte* end_ = nullptr;   // what would be the first room of a slot behind the ring
    std::byte* first_ = nullptr;
    std::uint64_t capacity_ = 0;
    std::uint64_t turn_ = 0;
    slot_plan plan_;
};

class fixed_writer : protected fixed_place {
public:
    static constexpr bool contended = false;  // what look() has found stays ours to take
    using fixed_place::messages;
    using fixed_place::position;

    // Takes over from whoever wrote before. False: the words contradict F1.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // Where the next message goes, or null: look() first. Wait-free.
    [[nodiscard, gnu::always_inline]] std::byte* claim(std::uint64_t /*bytes*/) noexcept {
        return position() == limit_ ? nullptr : room();
    }

    // Publishes what stands in the claimed room. Wait-free.
    void commit(std::uint64_t /*bytes*/) noexcept { publish(plan()); }

    // Looks how far the reader is. `ready`: claim() will succeed.
    NORIA_API sight look(std::uint64_t bytes) noexcept;

    // Whether it found little room when it looked: it treads on the reader's heels, and each look costs the reader a line.
    // Then it stands back first, for about as long as a reader in haste needs for a part of the ring.
    [[nodiscard]] bool is_close_behind() const noexcept { return granted_ < capacity() / 8; }
    [[nodiscard]] std::uint64_t pauses_behind() const noexcept {
        return std::clamp<std::uint64_t>(capacity() / 42, 1, 96);
    }
    [[nodiscard]] NORIA_API std::uint64_t depth() noexcept;  // messages published and not released
    [[nodiscard]] layout::producer_line& line() const noexcept { return *producer_; }

protected:
    [[gnu::always_inline]] void publish(const slot_plan& plan) noexcept { publish_slot(*this, 1, plan, *producer_); }

    // As many of `most` messages as may go without another look, those of a slot published together; write(room, i) writes
    // the i-th. Nothing that a store might change is read again, so that the loop lives in registers.
    template <class Write>
    std::uint64_t publish_some(std::uint64_t most, Write&& write, const slot_plan& plan) noexcept {
        fixed_place here = place();
        layout::producer_line& line = *producer_;
        const std::uint64_t count = std::min(most, limit_ - here.position());
        for (std::uint64_t i = 0; i < count;) {
            const std::uint64_t in_slot = plan.messages == 1 ? 1 : std::min(count - i, here.behind(plan) + 1);
            std::byte* room = here.room();
            for (const std::uint64_t end = i + in_slot; i < end; room += plan.message_stride) write(room, i++);
            publish_slot(here, in_slot, plan, line);
        }
        go_to(here, plan);
        return count;
    }

private:
    // Publishes so many messages that stand in one slot, and goes on.
    [[gnu::always_inline]] static void publish_slot(fixed_place& here, std::uint64_t count, const slot_plan& plan,
                                                    layout::producer_line& line) noexcept {
        // [S2] release -> [S1] in first_in: the messages, before their word
        store_release(plan.word_of(here.room()), plan.word(here.position() + count - 1));
        if (here.behind(plan) < count && plan.is_small()) fetch_for_writing(here.room() + writer_fetches);
        const std::uint64_t tail = here.position() + count;
        here.advance(plan, count);
        compiler_fence();                // a tail that is stored without its word would be a lie after death
        store_relaxed(line.tail, tail);  // stale is harmless: for size() and for the successor's scan
    }

    std::uint64_t limit_ = 0;             // up to here it may write without looking again
    std::uint64_t granted_ = UINT64_MAX;  // so many messages, when it looked last
    layout::producer_line* producer_ = nullptr;
    layout::consumer_line* consumer_ = nullptr;
    std::uint64_t high_water_ = 0;
};

class fixed_reader : protected fixed_place {
public:
    static constexpr bool contended = false;    // what look() has found stays ours to take
    static constexpr bool many_leases = false;  // one message is in our hands at a time
    using fixed_place::messages;
    using fixed_place::position;

    // Takes over from whoever read before. False: the words contradict F1.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // The first message, or null: look() first. Wait-free. It stays first until release().
    [[nodiscard]] const std::byte* take() noexcept { return first_in(plan()); }
    [[nodiscard]] std::uint64_t taken_bytes() const noexcept { return plan().message_bytes; }

    // Records, before the message is handed out, that it was. A plain store: death keeps program order.
    void hold() noexcept {
        store_relaxed(consumer_->taken, position() + 1);  // stale is harmless: read after this process's death only
        compiler_fence();
    }

    // Gives the room of the taken message back to the writer. Wait-free.
    void release() noexcept { release_first(plan()); }

    // Keeps the held message first in the ring and lets its next delivery say that it is not the first.
    NORIA_API void put_back() noexcept;

    // Tells "not there yet" from "never was a word of this ring".
    NORIA_API sight look() noexcept;

    [[nodiscard]] bool seen_before() const noexcept { return static_cast<std::int64_t>(seen_ - position()) > 0; }
    [[nodiscard]] NORIA_API std::uint64_t depth() const noexcept;

protected:
    [[nodiscard, gnu::always_inline]] const std::byte* first_in(const slot_plan& plan) noexcept {
        if (plan.messages != 1 && position() != there_) return room();
        // [S1] acquire <- [S2] in publish_slot: whoever sees the word sees the messages.
        const std::uint64_t lead = plan.lead(load_acquire(plan.word_of(room())), position());
        if (lead > behind(plan)) return nullptr;
        if (plan.messages != 1) there_ = position() + lead + 1;
        // A slot that is full: the writer is further on, and does not need the lines ahead just now.
        if (plan.is_small() && lead + 1 == plan.messages) fetch_for_reading(room() + reader_fetches);
        return room();
    }
    [[gnu::always_inline]] void release_first(const slot_plan& plan) noexcept {
        advance(plan);
        // [S4] release -> [S3] in look: our reads, before the leave to overwrite
        store_release(consumer_->head, position());
    }

    // Shows so many messages at the most, as many as are there: each is held, show(room, deliveries) is called, it is
    // released, and told() is called. False: one of the two said that this is the end. If show() throws, its message is held.
    // Where we are is kept in registers, and stored in time for whoever asks meanwhile.
    template <class Show, class Told>
    bool show_some(std::uint64_t most, Show&& show, Told&& told, const slot_plan& plan) {
        fixed_place here = place();
        layout::consumer_line& line = *consumer_;
        const std::uint64_t seen = seen_;
        const std::uint64_t end = here.position() + most;
        while (here.position() != end && first_in(plan) != nullptr) {
            const std::uint64_t found = plan.messages == 1 ? 1 : there_ - here.position();
            for (std::uint64_t left = std::min(found, end - here.position()); left != 0; --left) {
                store_relaxed(line.taken, here.position() + 1);  // as in hold()
                compiler_fence();
                const bool again = static_cast<std::int64_t>(seen - here.position()) > 0;
                if (!show(static_cast<const std::byte*>(here.room()), again ? 2U : 1U)) return false;
                here.advance(plan);
                go_to(here, plan);
                store_release(line.head, here.position());  // [S4] release -> [S3] in look, as in release_first
                if (!told()) return false;
            }
        }
        return true;
    }

private:
    std::uint64_t there_ = 0;  // up to here a slot's word has said that messages are there; where slots have several
    std::uint64_t seen_ = 0;
    layout::consumer_line* consumer_ = nullptr;
    const layout::producer_line* producer_ = nullptr;
};

// The same for messages of one type: the compiler knows the plan.
template <class T>
constexpr slot_plan plan_of{sizeof(T), alignof(T)};

template <class T>
class fixed_writer_of : public fixed_writer {
public:
    [[gnu::always_inline]] void commit(std::uint64_t /*bytes*/) noexcept { publish(plan_of<T>); }
    template <class Write>
    std::uint64_t commit_some(std::uint64_t most, Write&& write) noexcept {
        return publish_some(most, write, plan_of<T>);
    }
};

template <class T>
class fixed_reader_of : public fixed_reader {
public:
    [[nodiscard, gnu::always_inline]] const std::byte* take() noexcept { return first_in(plan_of<T>); }
    [[nodiscard]] static constexpr std::uint64_t taken_bytes() noexcept { return sizeof(T); }
    [[gnu::always_inline]] void release() noexcept { release_first(plan_of<T>); }
    template <class Show, class Told>
    bool show_some(std::uint64_t most, Show&& show, Told&& told) {
        return fixed_reader::show_some(most, show, told, plan_of<T>);
    }
};

// Says what contradicts F1 or F2, or null. Exact on a ring that nobody works on.
NORIA_API const char* check_fixed(const ring_view& view) noexcept;

// Makes a dead writer's line say what it published. Safe beside a living reader. False: corrupt.
NORIA_API bool repair_fixed(const ring_view& view) noexcept;

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
