// make_corpus.cpp: `make_corpus DIRECTORY` writes the seeds: pieces of real queue files, and programs of real work.
//
// To be run again when the file's format or a fuzz target's language has changed; what the fuzzers have found is kept
// beside.
#include "fuzz_place.hpp"
#include "live_file.hpp"
#include "queues.hpp"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace noria::hostile;
namespace layout = noria::layout;
using program = std::vector<std::uint8_t>;

void keep(const std::filesystem::path& where, const std::string& name, const program& input) {
    std::filesystem::create_directories(where);
    std::ofstream(where / (name + ".bin"), std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
}

void append(program& to, std::span<const std::byte> bytes) {
    for (const std::byte each : bytes) to.push_back(std::to_integer<std::uint8_t>(each));
}

// In fuzz_ring's language: that word of the ring becomes this. (Scribble; behind the 22 words of the lines; stroke 15, a
// draw, of eight bytes.)
void append_word(program& to, std::uint64_t number, std::uint64_t value) {
    number += 22;
    to.insert(to.end(), {14, static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 15, 3});
    append(to, std::as_bytes(std::span(&value, 1)));
}

// A file as fuzz_open unpacks it: header fields, roster and words, ring.
program packed(const std::vector<std::byte>& image, std::uint8_t flags) {
    layout::header page;
    std::memcpy(&page, image.data(), sizeof page);
    const std::span all(image);
    program input{flags};
    append(input, all.first(offsetof(layout::header, reserved)));
    append(input,
           all.subspan(page.roster_offset, words_end(layout::place(layout::shape_of(page))) - page.roster_offset));
    const layout::shape shape = layout::shape_of(page);
    append(input, all.subspan(page.ring_offset, ring_end(layout::place(shape), shape) - page.ring_offset));
    return input;
}

// Headers whose sum is right, and one of whose numbers is not: the file behind them is zeros.
template <class Queue>
void keep_liars(const std::filesystem::path& where, const std::vector<std::byte>& image, std::uint8_t flags) {
    layout::header page;
    std::memcpy(&page, image.data(), sizeof page);
    constexpr std::array<std::pair<const char*, std::uint64_t layout::header::*>, 7> numbers{
        {{"capacity", &layout::header::capacity},
         {"slot_bytes", &layout::header::slot_bytes},
         {"roster_offset", &layout::header::roster_offset},
         {"words_offset", &layout::header::words_offset},
         {"ring_offset", &layout::header::ring_offset},
         {"ring_bytes", &layout::header::ring_bytes},
         {"message_bytes", &layout::header::message_bytes}}};
    for (const auto& [name, number] : numbers) {
        layout::header lie = page;
        lie.*number = (lie.*number + 1) * 4096;
        program input{flags};
        append(input, std::as_bytes(std::span(&lie, 1)).first(offsetof(layout::header, reserved)));
        keep(where, std::string(subject<Queue>::name) + "_lying_about_" + name, input);
    }
}

template <class Queue>
void keep_files(const std::filesystem::path& where) {
    using of = subject<Queue>;
    const std::string name = of::name;
    std::filesystem::remove(fuzz_place());
    auto out = Queue::producer::create(fuzz_place(), of::wishes());
    const live_file file(fuzz_place());
    constexpr std::uint8_t as_it_is = 1 | 8;
    constexpr std::uint8_t put_right = 1 | 2 | 4 | 8;
    constexpr std::uint8_t summed = 1 | 4 | 8;
    auto in = Queue::consumer::open(fuzz_place(), of::any());
    for (std::size_t i = 0; i < 9; ++i) {
        (void)out.try_push(of::sample(30 * i));
        if (i > 1) (void)in.try_pop();
    }
    auto lease = in.try_take();
    auto claim = of::try_claim(out, 16);
    keep(where, name + "_at_work", packed(file.image(), as_it_is));
    keep(where, name + "_at_work_put_right", packed(file.image(), put_right));
    keep(where, name + "_at_work_summed", packed(file.image(), summed));
    claim.give_back();
    lease.release();
    while (out.try_push(of::sample(17))) {
    }
    keep(where, name + "_full", packed(file.image(), put_right));
    keep_liars<Queue>(where, file.image(), summed);
    std::filesystem::remove(fuzz_place());
}

void keep_files_of_others(const std::filesystem::path& where) {
    keep(where, "empty", {0});
    program short_one{0};
    append(short_one, std::as_bytes(std::span(layout::file_magic)));
    keep(where, "begins_well_and_ends", short_one);
}

// See fuzz_ring.cpp for the language: shape and position, messages, then operations with their operands.
void keep_ring_programs(const std::filesystem::path& where) {
    for (std::uint8_t shape = 0; shape < 8; ++shape) {
        program work{static_cast<std::uint8_t>(shape + 8 * (shape % 8)), shape};
        for (std::uint8_t i = 0; i < 12; ++i) {
            const auto size = static_cast<std::uint8_t>(i * 23);
            for (const std::uint8_t step :
                 {std::uint8_t{0}, size, std::uint8_t{3}, std::uint8_t{2}, size, std::uint8_t{0}, size}) {
                work.push_back(step);
            }
        }
        program calm = work;
        for (const int step : {8, 9, 6, 5, 10, 11, 12, 13, 3, 3, 7, 40, 9}) {
            calm.push_back(static_cast<std::uint8_t>(step));
        }
        keep(where, "calm_" + std::to_string(shape), calm);
        // Scribbles of every kind and traps at every near load, with the sides at work between.
        program wild = work;
        for (std::uint8_t i = 0; i < 16; ++i) {
            const auto back = static_cast<std::uint8_t>(i | (i % 2 != 0 ? 0x80 : 0));
            for (const std::uint8_t step :
                 {std::uint8_t{15}, static_cast<std::uint8_t>(i % 5), back, std::uint8_t{1}, i, std::uint8_t{11},
                  std::uint8_t{0}, std::uint8_t{20}, std::uint8_t{3}, std::uint8_t{14}, i, std::uint8_t{0}, i,
                  std::uint8_t{0}, std::uint8_t{13}, std::uint8_t{3}, std::uint8_t{0}, std::uint8_t{9}}) {
                wild.push_back(step);
            }
        }
        keep(where, "wild_" + std::to_string(shape), wild);
    }
}

// Rings in which nobody gets on who does not count his steps: a skip that leads to itself, and records of one number
// all round. Then everybody looks, walks and attaches.
void keep_endless_rings(const std::filesystem::path& where) {
    const std::initializer_list<std::uint8_t> all_look{10, 9, 11, 13, 7, 0, 3, 0, 0, 9};
    for (std::uint8_t shape = 4; shape < 8; ++shape) {
        const std::uint64_t capacity = shape == 4 ? 64 : shape == 5 ? 128 : shape == 6 ? 256 : 4096;
        program skip{shape, 0};
        append_word(skip, 0, layout::skip_word(capacity - 8, 0));
        skip.insert(skip.end(), all_look);
        keep(where, "endless_skip_" + std::to_string(shape), skip);
        if (capacity > 256) continue;
        program ring{shape, 0};
        for (std::uint64_t word = 0; word < capacity / 8; ++word) {
            append_word(ring, word, layout::record_word(0, ~std::uint64_t{0}));
        }
        ring.insert(ring.end(), all_look);
        keep(where, "endless_ring_" + std::to_string(shape), ring);
    }
}

// See fuzz_slots.cpp for the language: the shape and the first lap, then operations, of the second of two from 16 on.
void keep_slot_programs(const std::filesystem::path& where) {
    for (std::uint8_t shape = 0; shape < 6; ++shape) {
        program calm{static_cast<std::uint8_t>(shape + 8 * (shape % 4))};
        for (std::uint8_t i = 0; i < 10; ++i) {
            calm.insert(calm.end(), {0, i, 16, i, 2, i, 18, i, 5, 21, 7, 1, 23, 0, 10, 26});
            if (i % 3 == 2) calm.insert(calm.end(), {0, i, 4, 5, 8, 0, 24, 0, 9, 11, 12, i, 13, 0, 29, 1});
        }
        keep(where, "calm_" + std::to_string(shape), calm);
        // Scribbles of every kind on slots and counts, and traps at every near load, with all at work between.
        program wild = calm;
        for (std::uint8_t i = 0; i < 24; ++i) {
            const auto back = static_cast<std::uint8_t>(i | (i % 2 != 0 ? 0x80 : 0));
            wild.insert(wild.end(), {15,   static_cast<std::uint8_t>(i % 7),
                                     back, 1,
                                     i,    0,
                                     i,    2,
                                     i,    14,
                                     i,    0,
                                     i,    0,
                                     5,    21,
                                     7,    0,
                                     23,   1,
                                     10,   26,
                                     11,   12,
                                     i});
            if (i % 5 == 4) wild.insert(wild.end(), {13, 0, 13, 1, 29, 0, 29, 1});
        }
        keep(where, "wild_" + std::to_string(shape), wild);
    }
}

// See fuzz_endpoints.cpp: the queue, then verbs with their operands.
void keep_endpoint_programs(const std::filesystem::path& where) {
    for (std::uint8_t queue = 0; queue < std::tuple_size_v<queues>; ++queue) {
        const program work{queue, 0,  20, 12, 0,  100, 5,  30, 7,  17, 18, 5,  8,  6,  8, 4, 5,  16, 3, 2, 9,
                           3,     40, 14, 15, 19, 200, 10, 20, 24, 11, 12, 13, 12, 10, 0, 8, 21, 0,  1, 20};
        keep(where, "calm_" + std::to_string(queue), work);
        program deaths = work;
        deaths.insert(deaths.end(), {0,  10, 0,  12, 17, 23, 12, 17, 18, 5, 50, 22, 0,  9,  12, 12, 12,
                                     22, 23, 24, 15, 3,  5,  12, 25, 0,  1, 22, 25, 23, 12, 0,  5});
        keep(where, "deaths_" + std::to_string(queue), deaths);
        program wild = deaths;
        for (std::uint8_t i = 0; i < 20; ++i) {
            const auto word = static_cast<std::uint8_t>(i * 7);
            wild.insert(wild.end(),
                        {26, word, 0, i, 1, 0, 0, 0, 0, 30, 13, 29, i, word, 1, 0, 0, 0, 12, 0, 40, 17, 18});
            if (i % 4 == 3) wild.insert(wild.end(), {25, 11, 21, 10, 20});
        }
        keep(where, "wild_" + std::to_string(queue), wild);
        // Scribblers that never rest: a word is wrong at each so-manieth load and right in between, whatever it is.
        for (std::uint8_t distance = 0; distance < 6; ++distance) {
            program restless{queue};
            for (std::uint8_t first = 0; first <= distance; ++first) {
                for (const int verb : {0, 12, 4, 16, 5, 17, 3, 15}) {
                    restless.insert(restless.end(), {11, 21, 25, 0, 12, 0, 8, 29, first, 18 | 0xc0, distance, 0, 0, 0,
                                                     static_cast<std::uint8_t>(verb), 3});
                }
            }
            keep(where, "restless_" + std::to_string(queue) + "_" + std::to_string(distance), restless);
        }
        if (queue > 1) continue;
        // The ring's first word, the 128th of the ground, becomes a skip that leads to itself (0xc00000f8).
        keep(where, "endless_skip_" + std::to_string(queue),
             {queue, 26, 128, 0, 15, 0xf8, 0, 0, 0xc0, 12, 17, 14, 21, 20, 12, 11, 10, 0, 24});
    }
}

// A word that names one who lives and is elsewhere, oneself, a dead one, nobody, and nobody with sleepers: whoever has a
// message or a claim in hand must get rid of it, and the next must come in.
template <class Queue>
void keep_lies_of_owners(const std::filesystem::path& where, std::uint8_t queue) {
    if (!subject<Queue>::under_mutex) return;
    const layout::geometry at = layout::place(subject<Queue>::shape());
    const std::uint64_t word = (at.mutex_offset - at.roster_offset) / 8;
    const std::initializer_list<std::pair<const char*, std::uint32_t>> owners{
        {"producer", 1},
        {"consumer", 2},
        {"nobody", 3},
        {"far_off", 4096},
        {"sleepers_alone", layout::mutex_contended}};
    for (const auto& [name, owner] : owners) {
        for (const bool dead : {false, true}) {
            program lie{queue, 0, 8, 0, 40, 17, 5, 16};
            if (dead) lie.push_back(owner == 1 ? 22 : 23);
            lie.insert(lie.end(), {26, static_cast<std::uint8_t>(word), static_cast<std::uint8_t>(word >> 8), 15});
            append(lie, std::as_bytes(std::span(&owner, 1)));
            lie.insert(lie.end(), {18, 7, 12, 0, 8, 3, 8, 15, 24, 16, 3, 20, 10, 11, 21, 10, 20, 0, 8, 12});
            keep(where, std::string(subject<Queue>::name) + "_owned_by_" + name + (dead ? "_dead" : ""), lie);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: make_corpus DIRECTORY\n";
        return 2;
    }
    const std::filesystem::path corpus(argv[1]);
    for_each_queue([&]<class Queue>() { keep_files<Queue>(corpus / "fuzz_open"); });
    keep_files_of_others(corpus / "fuzz_open");
    keep_ring_programs(corpus / "fuzz_ring");
    keep_endless_rings(corpus / "fuzz_ring");
    keep_slot_programs(corpus / "fuzz_slots");
    keep_endpoint_programs(corpus / "fuzz_endpoints");
    std::uint8_t queue = 0;
    for_each_queue([&]<class Queue>() { keep_lies_of_owners<Queue>(corpus / "fuzz_endpoints", queue++); });
}

// SPDX-License-Identifier: BSL-1.0
