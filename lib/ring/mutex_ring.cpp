// mutex_ring.cpp: the steps, each of which turns the page once.
#include "noria/ring/mutex_ring.hpp"

#include "noria/layout/record.hpp"

#include <algorithm>

namespace noria::inline v1::ring {

namespace {

using layout::mutex_record;
using layout::mutex_record_length;
using layout::slot_phase;

bool behind(std::uint64_t left, std::uint64_t right) noexcept { return static_cast<std::int64_t>(left - right) < 0; }

// What a page has, and the copy of it.
struct same_word {
    std::uint64_t mutex_books::*copy;
    std::uint64_t layout::mutex_page::*page;
};
constexpr same_word all_words[] = {
    {&mutex_books::tail, &layout::mutex_page::tail},
    {&mutex_books::head, &layout::mutex_page::head},
    {&mutex_books::next, &layout::mutex_page::next},
    {&mutex_books::used, &layout::mutex_page::used},
    {&mutex_books::returned, &layout::mutex_page::returned},
    {&mutex_books::sent, &layout::mutex_page::sent},
    {&mutex_books::received, &layout::mutex_page::received},
    {&mutex_books::redelivered, &layout::mutex_page::redelivered},
    {&mutex_books::given_back, &layout::mutex_page::given_back},
    {&mutex_books::skipped, &layout::mutex_page::skipped},
    {&mutex_books::high_water, &layout::mutex_page::high_water},
    {&mutex_books::repairs, &layout::mutex_page::repairs},
    {&mutex_books::record, &layout::mutex_page::record},
    {&mutex_books::word, &layout::mutex_page::word},
};

mutex_books copy_of(const layout::mutex_page& page) noexcept {
    mutex_books all;
    for (const auto& each : all_words)
        all.*each.copy =
            load_acquire(page.*each.page);  // [S3] acquire <- [S4] in write_to: the turn before a later page
    return all;
}

void write_to(layout::mutex_page& page, const mutex_books& all) noexcept {
    for (const auto& each : all_words)
        store_release(page.*each.page, all.*each.copy);  // [S4] release -> [S3] in copy_of: the turn to the other page
}

}  // namespace

mutex_books read_books(const layout::mutex_words& words) noexcept {
    constexpr int tries = 1000;  // chosen by feel: a page is read in some 20 ns, and a step takes at least 50
    mutex_books copy;
    for (int i = 0; i < tries; ++i) {
        const std::uint64_t turn = load_acquire(words.line.turn);  // [S1] acquire <- [S2] in step: the page that counts
        copy = copy_of(words.pages[turn & 1]);
        // Relaxed: by [S3], who has read a word of a later page sees that it has turned.
        if (load_relaxed(words.line.turn) == turn) break;
    }
    return copy;
}

bool mutex_ring::attach(const ring_view& view) noexcept {
    const layout::geometry where = layout::place(view.shape);
    words_ = view.mutual;
    records_ = view.records;
    of_bytes_ = view.shape.form == layout::message_form::bytes;
    many_ = view.shape.kind == layout::queue_kind::mpmc;
    mask_ = view.shape.capacity - 1;
    unit_bytes_ = of_bytes_ ? 1 : where.slot_bytes;
    payload_offset_ = where.payload_offset;
    message_bytes_ = view.shape.message_bytes;
    now_ = read_books(*words_);
    return is_sound();
}

// X1, for what can be known without looking at records.
bool mutex_ring::is_sound() const noexcept {
    const std::uint64_t length = now_.tail - now_.head;
    if (length > mask_ + 1 || now_.next - now_.head > length || now_.used > length || now_.returned > length)
        return false;
    return !of_bytes_ || (now_.tail | now_.head | now_.next) % layout::record_alignment == 0;
}

std::uint64_t mutex_ring::stride_of(std::uint64_t length) const noexcept {
    if (of_bytes_) return layout::record_bytes(length);
    return length == message_bytes_ ? 1 : (payload_offset_ + length) / unit_bytes_;
}

// The record at a position that stands in front of `limit`. False: no program of this format wrote that.
bool mutex_ring::read(std::uint64_t position, std::uint64_t limit, record& found) const noexcept {
    // X2: its word may not have been stored yet. Relaxed: nobody else has the mutex.
    found.word = position == now_.record ? now_.word : load_relaxed(word_at(position));
    return parse(position, limit, found);
}

// What the word of a record says of its stride; false as above.
bool mutex_ring::parse(std::uint64_t position, std::uint64_t limit, record& found) const noexcept {
    const std::uint64_t length = mutex_record_length(found.word);
    found.stride = stride_of(length);
    const slot_phase phase = layout::phase_of(found.word);
    if (layout::is_impossible(found.word) || phase > slot_phase::held || found.stride == 0 ||
        found.stride > limit - position)
        return false;
    if (phase == slot_phase::free || phase == slot_phase::claimed) return true;
    if (!of_bytes_) return length == message_bytes_;
    return length <= message_bytes_ && (position & mask_) + found.stride <= mask_ + 1;
}

bool mutex_ring::read_own(std::uint64_t position, slot_phase phase, std::uint64_t owner, record& found) const noexcept {
    return holds_a_record(position) && read(position, now_.tail, found) && layout::phase_of(found.word) == phase &&
           layout::owner_of(found.word) == owner;
}

bool mutex_ring::begin() noexcept {
    now_ = copy_of(words_->pages[load_relaxed(words_->line.turn) & 1]);  // relaxed: nobody else has the mutex
    obstacle_ = 0;
    stalled_ = false;
    if (!is_sound()) return false;
    return settle();
}

// X2: what a death may have kept from being stored. Of a living predecessor it is there already.
bool mutex_ring::settle() noexcept {
    if (!holds_a_record(now_.record)) return true;
    if (of_bytes_ && now_.record % layout::record_alignment != 0) return false;
    if (load_relaxed(word_at(now_.record)) != now_.word) store_relaxed(word_at(now_.record), now_.word);
    return true;
}

// All that now_ says becomes true, by one store.
void mutex_ring::step() noexcept {
    const std::uint64_t turn = load_relaxed(words_->line.turn) + 1;
    write_to(words_->pages[turn & 1], now_);
    store_release(words_->line.turn, turn);  // [S2] release -> [S1] in read_books: the page, before the turn to it
    compiler_fence();                        // a death in between leaves it to the next one (X2)
    (void)settle();
}

// The first record that somebody needs is the first in the ring.
bool mutex_ring::pass_free() noexcept {
    record at{};
    while (now_.head != now_.tail) {
        if (!read(now_.head, now_.tail, at)) return false;
        if (layout::phase_of(at.word) != slot_phase::free) break;
        now_.head += at.stride;
        if (behind(now_.next, now_.head)) now_.next = now_.head;
    }
    return true;
}

// What is left of the ring in front of a message that does not fit there.
std::uint64_t mutex_ring::padding_before(std::uint64_t position, std::uint64_t length) const noexcept {
    const std::uint64_t left = mask_ + 1 - (position & mask_);
    return of_bytes_ && layout::record_bytes(length) > left ? left : 0;
}

mutex_ring::place mutex_ring::place_of(const lengths& wanted, std::uint64_t from) const noexcept {
    if (!of_bytes_) return {from, from + std::min(wanted.count, mask_ + 2)};
    const std::uint64_t first = from + padding_before(from, wanted[0]);
    std::uint64_t end = first;
    for (std::uint64_t i = 0; i < wanted.count; ++i) {
        const std::uint64_t length = wanted[i];
        end += padding_before(end, length) + layout::record_bytes(length);
        if (end - from > 2 * (mask_ + 1)) break;  // too much in any case; no sum overflows
    }
    return {first, end};
}

bool mutex_ring::could_fit(const lengths& wanted) const noexcept {
    const place all = place_of(wanted, 0);
    return all.end <= mask_ + 1;
}

sight mutex_ring::claim(const lengths& wanted, std::uint64_t owner, std::uint64_t& position, bool keep) noexcept {
    const std::uint64_t capacity = mask_ + 1;
    place all = place_of(wanted, now_.tail);
    if (now_.head == now_.tail && (all.first != now_.tail || all.end - now_.head > capacity)) {
        // Nothing is in the ring, and its end is in the way. No free record is put there: the first one never is (X4).
        now_.head = now_.next = now_.tail = (now_.tail + mask_) & ~mask_;
        all = place_of(wanted, now_.tail);
    }
    if (all.end - now_.head > capacity) {
        record first{};
        if (now_.head != now_.tail && !read(now_.head, now_.tail, first)) return sight::corrupt;
        obstacle_ = layout::owner_of(first.word);
        stalled_ = many_ && obstacle_ != 0 && now_.used + (all.end - all.first) <= capacity;
        return sight::nothing;
    }
    if (!keep) return sight::ready;
    if (all.first != now_.tail)
        store_relaxed(word_at(now_.tail),
                      mutex_record(all.first - now_.tail - layout::record_header_bytes, slot_phase::free));
    std::uint64_t length = wanted[0];
    if (wanted.count != 1) length = (all.end - all.first) * unit_bytes_ - payload_offset_;
    position = all.first;
    now_.tail = all.end;
    now_.used += all.end - all.first;
    set(position, mutex_record(length, slot_phase::claimed, 0, owner));
    step();
    return sight::ready;
}

bool mutex_ring::commit(std::uint64_t position, std::uint64_t bytes, std::uint64_t owner) noexcept {
    record claimed{};
    if (!read_own(position, slot_phase::claimed, owner, claimed)) return false;
    const std::uint64_t stride = stride_of(bytes);
    if (stride > claimed.stride) return false;
    if (const std::uint64_t rest = claimed.stride - stride; rest != 0) {
        now_.used -= rest;
        if (position + claimed.stride == now_.tail)
            now_.tail = position + stride;
        else  // inside of what is still our claim
            store_relaxed(word_at(position + stride),
                          mutex_record(rest - layout::record_header_bytes, slot_phase::free));
    }
    now_.sent += 1;
    now_.high_water = std::max(now_.high_water, now_.sent - now_.received);
    set(position, mutex_record(bytes, slot_phase::ready));
    step();
    return true;
}

bool mutex_ring::commit_all(std::uint64_t position, const lengths& sent, std::uint64_t owner) noexcept {
    record claimed{};
    if (!read_own(position, slot_phase::claimed, owner, claimed)) return false;
    std::uint64_t used = 0;
    for (std::uint64_t i = 0; i < sent.count; ++i) used += stride_of(sent[i]);
    if (used > claimed.stride) return false;
    now_.used -= claimed.stride - used;
    now_.sent += sent.count;
    now_.high_water = std::max(now_.high_water, now_.sent - now_.received);
    set(position, mutex_record(sent[0], slot_phase::ready));
    step();
    return true;
}

std::uint64_t mutex_ring::place_next(const lengths& all, std::uint64_t which, std::uint64_t before) noexcept {
    if (which == 0) return before;
    const std::uint64_t length = all[which];
    std::uint64_t position = before + stride_of(all[which - 1]);
    if (const std::uint64_t padding = padding_before(position, length); padding != 0) {
        store_relaxed(word_at(position), mutex_record(padding - layout::record_header_bytes, slot_phase::free));
        position += padding;
    }
    store_relaxed(word_at(position),
                  mutex_record(length, slot_phase::ready));  // behind our claim's word: nobody reads it
    return position;
}

// A claim that comes to nothing leaves no trace if it is the last record, and a free one if not. False: corrupt.
bool mutex_ring::unclaim(std::uint64_t position, const record& claimed) noexcept {
    now_.used -= claimed.stride;
    if (position + claimed.stride == now_.tail) {
        now_.tail = position;  // X3: next is not beyond a claim
        set_none();
    } else {
        set(position, mutex_record(mutex_record_length(claimed.word), slot_phase::free));
    }
    return pass_free();
}

bool mutex_ring::give_back(std::uint64_t position, std::uint64_t owner) noexcept {
    record claimed{};
    if (!read_own(position, slot_phase::claimed, owner, claimed)) return false;
    now_.given_back += 1;
    if (!unclaim(position, claimed)) return false;
    step();
    return true;
}

// The first message that is ready: one that was put back, or the first at next.
sight mutex_ring::find_ready(std::uint64_t& position, record& found) noexcept {
    if (now_.returned != 0) {
        for (position = now_.head; position != now_.next; position += found.stride) {
            if (!read(position, now_.next, found)) return sight::corrupt;
            if (layout::phase_of(found.word) == slot_phase::ready) return sight::ready;
        }
        return sight::corrupt;  // X3
    }
    for (position = now_.next; position != now_.tail; position += found.stride) {
        if (!read(position, now_.tail, found)) return sight::corrupt;
        switch (layout::phase_of(found.word)) {
            case slot_phase::free: break;
            case slot_phase::ready: return sight::ready;
            case slot_phase::claimed:
                obstacle_ = layout::owner_of(found.word);
                stalled_ = many_;
                return sight::nothing;
            default: return sight::corrupt;  // X3
        }
    }
    return sight::nothing;
}

sight mutex_ring::take(std::uint64_t owner, std::uint64_t& position, std::uint64_t& word, bool keep,
                       std::uint64_t most) noexcept {
    record found{};
    std::uint64_t at = 0;
    if (const sight seen = find_ready(at, found); seen != sight::ready || !keep) return seen;
    if (mutex_record_length(found.word) > most) {
        word = found.word;
        return sight::nothing;
    }
    if (behind(at, now_.next))
        now_.returned -= 1;
    else
        now_.next = at + found.stride;
    position = at;
    word = mutex_record(mutex_record_length(found.word), slot_phase::held, layout::deliveries_of(found.word), owner);
    set(at, word);
    step();
    return sight::ready;
}

bool mutex_ring::release(std::uint64_t position, std::uint64_t owner) noexcept {
    record held{};
    if (!read_own(position, slot_phase::held, owner, held)) return false;
    now_.used -= held.stride;
    now_.received += 1;
    set(position, mutex_record(mutex_record_length(held.word), slot_phase::free));
    if (!pass_free()) return false;
    step();
    return true;
}

bool mutex_ring::put_back(std::uint64_t position, std::uint64_t owner, bool counts) noexcept {
    record held{};
    if (!read_own(position, slot_phase::held, owner, held)) return false;
    const std::uint64_t deliveries =
        std::min(layout::deliveries_of(held.word) + (counts ? 1 : 0), layout::deliveries_mask);
    now_.returned += 1;
    now_.redelivered += counts ? 1 : 0;
    set(position, mutex_record(mutex_record_length(held.word), slot_phase::ready, deliveries));
    step();
    return true;
}

sight mutex_ring::drained_but_for(std::uint64_t owner, std::uint64_t& holder) noexcept {
    record at{};
    for (std::uint64_t position = now_.head; position != now_.tail; position += at.stride) {
        if (!read(position, now_.tail, at)) return sight::corrupt;
        const slot_phase phase = layout::phase_of(at.word);
        if (phase != slot_phase::free && !(phase == slot_phase::held && layout::owner_of(at.word) == owner)) {
            holder = layout::owner_of(at.word);
            return sight::nothing;
        }
    }
    return sight::ready;
}

bool mutex_ring::release_of(std::uint64_t owner) noexcept {
    record at{};
    std::uint64_t position = now_.head;
    while (holds_a_record(position)) {
        if (!read(position, now_.tail, at)) return false;
        const std::uint64_t following = position + at.stride;
        if (layout::owner_of(at.word) == owner) {
            if (layout::phase_of(at.word) == slot_phase::held) {
                if (!put_back(position, owner, true)) return false;
            } else {
                // An spsc queue's claim leaves no trace: it is always the last record.
                if (many_) now_.skipped += 1;
                if (!unclaim(position, at)) return false;
                step();
            }
        }
        position = behind(following, now_.head) ? now_.head : following;
    }
    return true;
}

void mutex_ring::count_repair() noexcept {
    now_.repairs += 1;
    set_none();
    step();
}

std::uint64_t mutex_ring::position_of(const std::byte* message) const noexcept {
    const auto offset = static_cast<std::uint64_t>(message - records_) - payload_offset_;
    const std::uint64_t index = of_bytes_ ? offset : offset / unit_bytes_;
    return now_.head + ((index - now_.head) & mask_);
}

std::uint64_t mutex_ring::survey(const mutex_books& seen, const word_source& bytes_at, std::uint64_t most,
                                 std::vector<hand>& in_hand, std::uint64_t& count) const {
    mutex_ring copy = *this;
    copy.now_ = seen;
    std::uint64_t position = seen.head;
    if (!copy.is_sound()) return position;
    for (count = 0; position != seen.tail && count < most; ++count) {
        record at{.word = seen.word, .stride = 0};
        if (position != seen.record) {  // X2
            const auto bytes = bytes_at((position & mask_) * unit_bytes_);
            if (bytes.size() < sizeof at.word) break;
            at.word = load_relaxed(*reinterpret_cast<const std::uint64_t*>(bytes.data()));
        }
        if (!copy.parse(position, seen.tail, at)) break;
        const std::uint64_t owner = layout::owner_of(at.word);
        if (owner != 0) in_hand.push_back({layout::phase_of(at.word) == slot_phase::claimed, owner - 1, position});
        position += at.stride;
    }
    return position;
}

const char* mutex_ring::complaint() noexcept {
    now_ = copy_of(words_->pages[load_relaxed(words_->line.turn) & 1]);
    if (!is_sound()) return "the positions contradict each other (X1)";
    std::uint64_t used = 0;
    std::uint64_t returned = 0;
    bool met_next = now_.next == now_.tail;
    record at{};
    for (std::uint64_t position = now_.head; position != now_.tail; position += at.stride) {
        if (!read(position, now_.tail, at)) return "a record's word says what nobody writes (X1)";
        met_next = met_next || position == now_.next;
        const slot_phase phase = layout::phase_of(at.word);
        if (phase != slot_phase::free) used += at.stride;
        if (phase == slot_phase::free && position == now_.head) return "the first record is free (X4)";
        if (!behind(position, now_.next) && phase == slot_phase::held) return "a record behind next is held (X3)";
        if (behind(position, now_.next)) {
            if (phase == slot_phase::claimed) return "a claim stands in front of next (X3)";
            if (phase == slot_phase::ready) ++returned;
        }
    }
    if (!met_next) return "next is no record's (X1)";
    if (used != now_.used) return "more or less is used than is noted";
    return returned == now_.returned ? nullptr : "more or fewer records were put back than are noted (X3)";
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
