// parking.cpp: moving messages from their slots to the parking, and out of it.
#include "noria/ring/parking.hpp"

#include "noria/core/atomics.hpp"
#include "noria/layout/slot_word.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace noria::inline v1::ring {

namespace {

using layout::parking_place;
using layout::slot_phase;
using layout::slot_word;

// The section, for a loop over its places.
class places {
public:
    explicit places(const ring_view& view) noexcept
        : begin_(view.parking), bytes_(layout::place(view.shape).parking_place_bytes), count_(view.shape.parking) {}
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] parking_place& operator[](std::uint64_t index) const noexcept {
        return *reinterpret_cast<parking_place*>(begin_ + index * bytes_);
    }

private:
    std::byte* begin_;
    std::uint64_t bytes_;
    std::uint64_t count_;
};

std::uint64_t* slot_of(const ring_view& view, std::uint64_t position) noexcept {
    const std::uint64_t index = position & (view.shape.capacity - 1);
    return reinterpret_cast<std::uint64_t*>(view.records + index * layout::place(view.shape).slot_bytes);
}

// Precondition: the place is (ready, entry), and we hold the entry's lock (P1).
void hand_over(const ring_view& view, std::uint64_t entry, parking_place& place, std::uint64_t word) noexcept {
    const std::uint64_t position = load_relaxed(place.position);
    std::uint64_t& slot = *slot_of(view, position);
    const std::uint64_t held = load_relaxed(slot);  // if it is the entry's, ours to change
    const auto shift = static_cast<unsigned>(std::countr_zero(view.shape.capacity));
    const bool in_slot = layout::phase_of(held) == slot_phase::held && layout::owner_of(held) == entry + 1 &&
                         layout::lap_of(held) == position >> shift;
    // [S4] release -> [S3] in claim, [S8] in look (slot_ring.hpp): our copying, before the leave to overwrite.
    if (in_slot) store_release(slot, slot_word(held + layout::lap_step, slot_phase::free));
    // [S10] release -> [S9] in retrieve: the copy, before the place is anybody's (P2).
    store_release(place.word, slot_word(word, slot_phase::ready, layout::deliveries_of(word)));
}

}  // namespace

bool park(const ring_view& view, std::uint64_t entry, std::uint64_t position, std::uint64_t deliveries) noexcept {
    const bool of_bytes = view.shape.form == layout::message_form::bytes;
    const auto* const slot = reinterpret_cast<const std::byte*>(slot_of(view, position));
    const places all(view);
    for (std::uint64_t i = 0; i < all.count(); ++i) {
        parking_place& place = all[i];
        const std::uint64_t word = load_relaxed(place.word);
        // [S11] acquire <- [S12] in vacate, by the exchange: their reads of the place, before our writes.
        if (layout::phase_of(word) != slot_phase::free ||
            !compare_exchange(place.word, word, slot_word(word, slot_phase::claimed, 0, entry + 1))) {
            continue;
        }
        std::uint64_t bytes = view.shape.message_bytes;
        if (of_bytes) bytes = std::min(bytes, load_relaxed(*reinterpret_cast<const std::uint64_t*>(slot + 8)));
        std::memcpy(&place + 1, slot + layout::place(view.shape).payload_offset, bytes);
        store_relaxed(place.bytes, bytes);
        store_relaxed(place.position, position);
        const std::uint64_t copied = slot_word(word, slot_phase::ready, deliveries, entry + 1);
        // [S13] release -> [S14] in settle: the copy, before the word that says it is whole (P2).
        store_release(place.word, copied);
        compiler_fence();
        hand_over(view, entry, place, copied);
        return true;
    }
    return false;
}

void settle(const ring_view& view, std::uint64_t entry) noexcept {
    const places all(view);
    for (std::uint64_t i = 0; i < all.count(); ++i) {
        parking_place& place = all[i];
        // [S14] acquire <- [S13] in park: the copy that we hand over. Nobody else changes an entry's place (P1).
        const std::uint64_t word = load_acquire(place.word);
        if (layout::owner_of(word) != entry + 1) continue;
        switch (layout::phase_of(word)) {
            case slot_phase::claimed: store_relaxed(place.word, slot_word(word, slot_phase::free)); break;
            case slot_phase::ready: hand_over(view, entry, place, word); break;
            case slot_phase::retrieved: {
                const std::uint64_t deliveries = std::min(layout::deliveries_of(word) + 1, layout::deliveries_mask);
                // [S10] release -> [S9] in retrieve: the copy, that we may be the first to have seen whole.
                store_release(place.word, slot_word(word, slot_phase::ready, deliveries));
                break;
            }
            default: break;
        }
    }
}

parking_place* retrieve(const ring_view& view, std::uint64_t entry) noexcept {
    const places all(view);
    for (std::uint64_t i = 0; i < all.count(); ++i) {
        parking_place& place = all[i];
        const std::uint64_t word = load_relaxed(place.word);
        if (layout::phase_of(word) != slot_phase::ready || layout::owner_of(word) != 0) continue;
        const std::uint64_t ours = slot_word(word, slot_phase::retrieved, layout::deliveries_of(word), entry + 1);
        // [S9] acquire <- [S10] in hand_over and settle, by the exchange: whoever sees the word sees the copy.
        if (compare_exchange(place.word, word, ours)) return &place;
    }
    return nullptr;
}

bool vacate(const ring_view& view, std::uint64_t entry, const std::byte* message) noexcept {
    const places all(view);
    for (std::uint64_t i = 0; i < all.count(); ++i) {
        parking_place& place = all[i];
        if (message_in(place) != message) continue;
        const std::uint64_t word = load_relaxed(place.word);  // ours alone to change
        if (layout::phase_of(word) != slot_phase::retrieved || layout::owner_of(word) != entry + 1) return false;
        // [S12] release -> [S11] in park: our reads, before the leave to overwrite. It is counted by the lap.
        store_release(place.word, slot_word(word + layout::lap_step, slot_phase::free));
        return true;
    }
    return false;
}

std::uint64_t holder_of(const ring_view& view, std::uint64_t place) noexcept {
    // [S14] acquire <- [S13] in park: the word, before a look at the record of the entry that it names.
    return layout::owner_of(load_acquire(places(view)[place].word));
}

parking_figures count_parked(const ring_view& view) noexcept {
    parking_figures sum;
    const places all(view);
    for (std::uint64_t i = 0; i < all.count(); ++i) {
        const std::uint64_t word = load_relaxed(all[i].word);
        const slot_phase phase = layout::phase_of(word);
        sum.retrieved += layout::lap_of(word);
        sum.parked += layout::lap_of(word) + (phase == slot_phase::ready || phase == slot_phase::retrieved ? 1 : 0);
    }
    return sum;
}

void survey_parking(const ring_view& view, std::vector<parked>& all) {
    const places section(view);
    for (std::uint64_t i = 0; i < section.count(); ++i) {
        const parking_place& place = section[i];
        const std::uint64_t word = load_relaxed(place.word);
        const slot_phase phase = layout::phase_of(word);
        if (phase != slot_phase::ready && phase != slot_phase::retrieved) continue;
        all.push_back({load_relaxed(place.position), load_relaxed(place.bytes), layout::deliveries_of(word)});
    }
}

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
