// fuzz_ring.cpp: the input is a program of ring operations, with words scribbled between and in the midst of them.
//
// Goal: no contents of ring and lines, and no change of them at any moment, make a side touch a byte outside, loop or
// trip over an assertion. Method: the ring and its two lines stand in guarded memory; the input chooses the ring, where
// its positions begin, and then one operation after the other. Whatever room or message a side hands out is written or
// read to its last byte.
#include "ambush.hpp"
#include "guarded_memory.hpp"
#include "queues.hpp"
#include "tape.hpp"
#include "unit/ring/heap_ring.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

namespace {

using namespace noria::hostile;
namespace layout = noria::layout;
namespace ring = noria::ring;
using noria::unit::bytes_shape;
using noria::unit::fixed_shape;

// The blocks of one ring, made once for each shape and cleared for each input.
struct arena {
    explicit arena(const layout::shape& what)
        : shape(what), producer(sizeof(layout::producer_line)), consumer(sizeof(layout::consumer_line)),
          records(layout::place(what).ring_bytes) {}

    layout::shape shape;
    guarded_memory producer;
    guarded_memory consumer;
    guarded_memory records;

    [[nodiscard]] ring::ring_view view() const noexcept {
        return {.producer = reinterpret_cast<layout::producer_line*>(producer.data()),
                .consumer = reinterpret_cast<layout::consumer_line*>(consumer.data()),
                .records = records.data(),
                .shape = shape};
    }
    // The words that the sides read: six of the producer's, five of the consumer's, then the ring's.
    [[nodiscard]] std::byte* word(std::uint64_t number) const noexcept {
        constexpr std::uint64_t lines = 11;
        number %= 2 * lines + records.bytes() / 8;  // the lines twice as often as any word of the ring
        if (number >= 2 * lines) return records.data() + (number - 2 * lines) * 8;
        number %= lines;
        return number < 6 ? producer.data() + number * 8 : consumer.data() + (number - 6) * 8;
    }
    void begin_at(std::uint64_t position, std::uint64_t messages) const noexcept {
        for (const guarded_memory* each : {&producer, &consumer, &records}) {
            std::memset(each->data(), 0, each->bytes());
        }
        const ring::ring_view all = view();
        all.producer->tail = all.consumer->head = all.consumer->taken = all.consumer->seen = position;
        if (shape.form == layout::message_form::bytes) all.producer->messages = all.consumer->messages = messages;
    }
};

// The arena of the input that runs.
const arena* present = nullptr;

bool is_hostile(const void* word) {
    return present->producer.contains(word) || present->consumer.contains(word) || present->records.contains(word);
}
void write_word(const void* word, std::size_t bytes, std::uint64_t value) {
    std::memcpy(const_cast<void*>(word), &value, bytes);
}

// Both sides of a ring and what the input lets them do. A side that could not attach does nothing until it could.
template <class Writer, class Reader>
class players {
public:
    explicit players(const arena& where) : arena_(where) {
        attach_writer();
        attach_reader();
    }

    void attach_writer() {
        Writer fresh;
        writer_.reset();
        if (fresh.attach(arena_.view())) writer_ = fresh;
    }
    void attach_reader() {
        Reader fresh;
        reader_.reset();
        if (fresh.attach(arena_.view())) reader_ = fresh;
    }
    void recover_consumer() const {
        const ring::ring_view all = arena_.view();
        const ring::redelivery again = ring::redelivery_after(*all.consumer);
        all.consumer->seen = again.seen;
        all.consumer->redelivered = again.redelivered;
        all.consumer->taken = all.consumer->head;
    }

    void write(std::uint64_t size, bool commit) {
        if (!writer_) return;
        size = fitting(size);
        ring::sight found{};
        std::byte* const room = noria::unit::room_for(*writer_, size, found);
        if (room == nullptr) return;
        demand(inside(room, size), "a claim lies in the ring");
        std::memset(room, 0x5a, size);
        if (commit) writer_->commit(arena_.shape.form == layout::message_form::fixed ? size : size - size / 3);
    }
    enum class fate { released, put_back, left };
    void read(fate how) {
        if (!reader_) return;
        ring::sight found{};
        const std::byte* const message = noria::unit::first_message(*reader_, found);
        if (message == nullptr) return;
        demand(inside(message, reader_->taken_bytes()), "a message lies in the ring");
        (void)sum_of({message, reader_->taken_bytes()});
        (void)reader_->seen_before();
        if (how == fate::released) return reader_->release();
        reader_->hold();
        if (how == fate::put_back) reader_->put_back();
    }
    void look(std::uint64_t size) {
        if (writer_) (void)writer_->look(fitting(size));
        if (reader_) (void)reader_->look();
    }
    void figures() {
        if (writer_) (void)writer_->depth();
        if (reader_) (void)reader_->depth();
    }

private:
    [[nodiscard]] std::uint64_t fitting(std::uint64_t size) const noexcept {
        const std::uint64_t most = arena_.shape.message_bytes;
        return arena_.shape.form == layout::message_form::fixed ? most : size % (most + 1);
    }
    [[nodiscard]] bool inside(const std::byte* data, std::uint64_t bytes) const noexcept {
        const auto offset = static_cast<std::uint64_t>(data - arena_.records.data());
        return offset <= arena_.records.bytes() && bytes <= arena_.records.bytes() - offset;
    }

    const arena& arena_;
    std::optional<Writer> writer_;
    std::optional<Reader> reader_;
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

template <class Writer, class Reader, class Check, class Repair>
void play(const arena& where, tape& input, Check check, Repair repair) {
    using sides = players<Writer, Reader>;
    sides both(where);
    while (!input.over()) {
        begin_verb();
        switch (input.byte() % 16) {
            case 0:
            case 1: both.write(input.byte(), true); break;
            case 2: both.write(input.byte(), false); break;
            case 3:
            case 4: both.read(sides::fate::released); break;
            case 5: both.read(sides::fate::put_back); break;
            case 6: both.read(sides::fate::left); break;
            case 7: both.look(input.byte()); break;
            case 8: both.figures(); break;
            case 9: (void)check(where.view()); break;
            case 10: (void)repair(where.view()); break;
            case 11: both.attach_writer(); break;
            case 12: both.recover_consumer(); [[fallthrough]];
            case 13: both.attach_reader(); break;
            case 14: scribble(where, input); break;
            default: lay_trap(input); break;
        }
    }
}

const auto& arenas() {
    static const std::array<std::unique_ptr<arena>, 8> all = [] {
        const layout::shape shapes[] = {fixed_shape(24, 1),     fixed_shape(24, 2),    fixed_shape(8, 16),
                                        fixed_shape(64, 4, 64), bytes_shape(64),       bytes_shape(128, 40),
                                        bytes_shape(256),       bytes_shape(4096, 600)};
        std::array<std::unique_ptr<arena>, 8> made;
        std::ranges::transform(shapes, made.begin(), [](const auto& shape) { return std::make_unique<arena>(shape); });
        return made;
    }();
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr std::array<std::uint64_t, 8> beginnings{0,
                                                             8,
                                                             40,
                                                             (std::uint64_t{1} << 32) - 8,
                                                             (std::uint64_t{1} << 32) - 16,
                                                             std::uint64_t{1} << 63,
                                                             ~std::uint64_t{0} - 7,
                                                             ~std::uint64_t{0} - 63};
    tape input(data, size);
    const std::uint8_t first = input.byte();
    const std::uint64_t position = beginnings[first / 8 % beginnings.size()];
    const std::uint64_t messages = beginnings[input.byte() % beginnings.size()];
    present = arenas()[first % arenas().size()].get();
    present->begin_at(position, messages);
    settle({.hostile = is_hostile, .write = write_word, .capacity = present->shape.capacity});
    if (present->shape.form == layout::message_form::fixed) {
        play<ring::fixed_writer, ring::fixed_reader>(*present, input, ring::check_fixed, ring::repair_fixed);
    } else {
        play<ring::record_writer, ring::record_reader>(*present, input, ring::check_records, ring::repair_records);
    }
    settle({});
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
