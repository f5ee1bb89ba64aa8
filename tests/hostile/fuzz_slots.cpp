// fuzz_slots.cpp: the input is a program of two writers and two readers of slots, with words scribbled in its midst.
//
// Goal and method as in fuzz_ring.cpp, for the ring of mpmc: in guarded memory there stand the lines, the count of returns, the
// tallies and the slots. Readers hold several messages at a time, and release them in any order. A walk that does not come
// to its end is told by its loads; a verb that asks again after each is endpoint.cpp's affair (fuzz_endpoints.cpp).
#include "ambush.hpp"
#include "guarded_memory.hpp"
#include "queues.hpp"
#include "tape.hpp"
#include "unit/ring/heap_slots.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace {

using namespace noria::hostile;
namespace layout = noria::layout;
namespace ring = noria::ring;

constexpr std::uint64_t entries = 5;  // two writers, two readers, and one that is nobody's

struct arena {
    explicit arena(const layout::shape& what)
        : shape(what), lines(sizeof(layout::producer_line) + sizeof(layout::consumer_line)), returned(8),
          tallies(entries * sizeof(layout::tally_line)), slots(layout::place(what).ring_bytes) {}

    layout::shape shape;
    guarded_memory lines;
    guarded_memory returned;
    guarded_memory tallies;
    guarded_memory slots;

    [[nodiscard]] ring::ring_view view(std::uint64_t self = 0) const noexcept {
        return {.producer = reinterpret_cast<layout::producer_line*>(lines.data()),
                .consumer = reinterpret_cast<layout::consumer_line*>(lines.data() + sizeof(layout::producer_line)),
                .records = slots.data(),
                .shape = shape,
                .returned = reinterpret_cast<std::uint64_t*>(returned.data()),
                .tallies = reinterpret_cast<layout::tally_line*>(tallies.data()),
                .self = self};
    }
    // Every second time the word of a slot, or a message's length; else the count of returns, a hint, a tally's word.
    [[nodiscard]] std::byte* word(std::uint64_t number) const noexcept {
        const std::uint64_t which = number / 2;
        const std::uint64_t slot_bytes = slots.bytes() / shape.capacity;
        if (number % 2 == 0) return slots.data() + which / 2 % shape.capacity * slot_bytes + which % 2 * 8;
        switch (which % 4) {
            case 0: return returned.data();
            case 1: return lines.data();
            case 2: return lines.data() + sizeof(layout::producer_line);
            default: return tallies.data() + which / 4 * 8 % tallies.bytes();
        }
    }
    void begin_at_lap(std::uint64_t lap) const noexcept {
        for (const guarded_memory* each : {&lines, &returned, &tallies, &slots})
            std::memset(each->data(), 0, each->bytes());
        const std::uint64_t slot_bytes = slots.bytes() / shape.capacity;
        const std::uint64_t word = lap << layout::lap_shift;
        for (std::uint64_t i = 0; i < shape.capacity; ++i)
            std::memcpy(slots.data() + i * slot_bytes, &word, sizeof word);
        view().producer->tail = view().consumer->head = lap * shape.capacity;
    }
};

// The arena of the input that runs.
const arena* present = nullptr;

bool is_hostile(const void* word) {
    return present->lines.contains(word) || present->returned.contains(word) || present->tallies.contains(word) ||
           present->slots.contains(word);
}
void write_word(const void* word, std::size_t bytes, std::uint64_t value) {
    std::memcpy(const_cast<void*>(word), &value, bytes);
}

class players {
public:
    explicit players(const arena& where) : arena_(where) {
        for (std::size_t i = 0; i < 2; ++i) {
            attach_writer(i);
            attach_reader(i);
        }
    }
    void attach_writer(std::size_t i) {
        ring::slot_writer fresh;
        writers_[i].reset();
        claims_[i] = nullptr;
        if (fresh.attach(arena_.view(i))) writers_[i] = fresh;
    }
    void attach_reader(std::size_t i) {
        ring::slot_reader fresh;
        readers_[i].reset();
        leases_[i].clear();
        if (fresh.attach(arena_.view(2 + i))) readers_[i] = fresh;
    }

    void claim(std::size_t i, std::uint64_t size) {
        auto& writer = writers_[i];
        if (!writer || claims_[i] != nullptr) return;
        std::byte* room = writer->claim(size);
        if (room == nullptr && writer->look(size) == ring::sight::ready) room = writer->claim(size);
        if (room == nullptr) return;
        demand(inside(room, arena_.shape.message_bytes), "a claim lies in the ring");
        std::memset(room, 0x5a, arena_.shape.message_bytes);
        claims_[i] = room;
    }
    void finish(std::size_t i, std::uint64_t size, bool commit) {
        if (claims_[i] == nullptr) return;
        claims_[i] = nullptr;
        if (commit)
            writers_[i]->commit(size % (arena_.shape.message_bytes + 1));
        else
            writers_[i]->give_back();
    }
    void take(std::size_t i) {
        auto& reader = readers_[i];
        if (!reader || leases_[i].size() > 4) return;
        const std::byte* message = reader->take();
        if (message == nullptr && reader->look() == ring::sight::ready) message = reader->take();
        if (message == nullptr) return;
        demand(inside(message, reader->taken_bytes()), "a message lies in the ring");
        demand(reader->taken_bytes() <= arena_.shape.message_bytes, "no message is longer than the longest");
        demand(reader->deliveries() >= 1, "a delivery is the first at least");
        (void)sum_of({message, reader->taken_bytes()});
        leases_[i].push_back(message);
    }
    void let_go(std::size_t i, std::uint64_t which, bool released, bool counts) {
        if (leases_[i].empty()) return;
        const auto chosen = leases_[i].begin() + static_cast<std::ptrdiff_t>(which % leases_[i].size());
        (void)(released ? readers_[i]->release(*chosen) : readers_[i]->put_back(*chosen, counts));
        leases_[i].erase(chosen);
    }
    void put_all_back(std::size_t i) {
        if (readers_[i]) readers_[i]->put_all_back();
        leases_[i].clear();
    }
    void look(std::size_t i) {
        if (writers_[i]) {
            (void)writers_[i]->look(0);
            (void)writers_[i]->depth();
            (void)writers_[i]->stalled();
        }
        if (readers_[i]) {
            (void)readers_[i]->look();
            (void)readers_[i]->depth();
            std::uint64_t holder = 0;
            (void)readers_[i]->drained(holder);
        }
    }
    // What whoever has the proof of that entry's death does.
    void recover(std::uint64_t dead) const {
        arena_.view().tallies[dead] = ring::tally_after(arena_.view(), dead);
        ring::release_dead(arena_.view(), dead);
        ring::raise_returned(arena_.view());
    }
    void survey() const {
        std::vector<ring::hand> in_hand;
        (void)ring::survey_slots(arena_.view(), in_hand);
        demand(in_hand.size() <= arena_.shape.capacity, "no more is in hand than there are slots");
        (void)ring::check_slots(arena_.view());
    }

private:
    [[nodiscard]] bool inside(const std::byte* data, std::uint64_t bytes) const noexcept {
        const auto offset = static_cast<std::uint64_t>(data - arena_.slots.data());
        return offset <= arena_.slots.bytes() && bytes <= arena_.slots.bytes() - offset;
    }

    const arena& arena_;
    std::array<std::optional<ring::slot_writer>, 2> writers_;
    std::array<std::optional<ring::slot_reader>, 2> readers_;
    std::array<std::byte*, 2> claims_{};
    std::array<std::vector<const std::byte*>, 2> leases_;
};

// A number of one, two or eight bytes, as the input likes.
std::uint64_t draw(tape& input) {
    static constexpr std::array<int, 4> widths{0, 1, 2, 8};
    return input.number(widths[input.byte() % widths.size()]);
}

void scribble(const arena& where, tape& input) {
    std::byte* const word = where.word(input.number(2));
    std::uint64_t value = 0;
    std::memcpy(&value, word, sizeof value);
    const unsigned stroke = input.byte();
    value = struck(stroke, value, where.shape.capacity, draw(input));
    std::memcpy(word, &value, sizeof value);
}

void lay_trap(tape& input) {
    const std::uint32_t loads = input.byte();
    const unsigned stroke = input.byte();
    lay({.loads = loads, .stroke = stroke, .draw = draw(input), .back = (stroke & 0x80) != 0});
}

void play(const arena& where, tape& input) {
    players all(where);
    while (!input.over()) {
        begin_verb();
        const std::uint8_t step = input.byte();
        const std::size_t who = step / 16 % 2;
        switch (step % 16) {
            case 0:
            case 1: all.claim(who, input.byte()); break;
            case 2:
            case 3: all.finish(who, input.byte(), true); break;
            case 4: all.finish(who, 0, false); break;
            case 5:
            case 6: all.take(who); break;
            case 7: all.let_go(who, input.byte(), true, true); break;
            case 8: all.let_go(who, input.byte(), false, who == 0); break;
            case 9: all.put_all_back(who); break;
            case 10: all.look(who); break;
            case 11: all.survey(); break;
            case 12: all.recover(input.byte() % entries); break;
            case 13:
                if (input.byte() % 2 == 0)
                    all.attach_writer(who);
                else
                    all.attach_reader(who);
                break;
            case 14: scribble(where, input); break;
            default: lay_trap(input); break;
        }
    }
}

layout::shape slots(std::uint64_t capacity, layout::message_form form, std::uint64_t message_bytes) {
    layout::shape made = noria::unit::slots_shape(capacity, entries, form);
    made.message_bytes = message_bytes;
    return made;
}

const auto& arenas() {
    using enum layout::message_form;
    static const std::array<std::unique_ptr<arena>, 6> all = [] {
        const layout::shape shapes[] = {slots(1, fixed, 24), slots(2, fixed, 56), slots(4, fixed, 8),
                                        slots(1, bytes, 40), slots(2, bytes, 48), slots(16, bytes, 100)};
        std::array<std::unique_ptr<arena>, 6> made;
        std::ranges::transform(shapes, made.begin(), [](const auto& shape) { return std::make_unique<arena>(shape); });
        return made;
    }();
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::uint64_t laps = std::uint64_t{1} << (64 - layout::lap_shift);
    static constexpr std::array<std::uint64_t, 4> beginnings{0, 5, laps / 2 - 1, laps - 1};
    tape input(data, size);
    const std::uint8_t first = input.byte();
    present = arenas()[first % arenas().size()].get();
    present->begin_at_lap(beginnings[first / 8 % beginnings.size()]);
    settle({.hostile = is_hostile, .write = write_word, .capacity = present->shape.capacity});
    play(*present, input);
    settle({});
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
