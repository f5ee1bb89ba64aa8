// fuzz_open.cpp: the input is a file, and everybody tries to open it.
//
// Goal: whatever the bytes of a file, opening it works or is refused with words, and what was opened can be worked
// with, to any outcome. Method: the input's first byte says how far the file is put right, so that inputs get past one
// defence to the next; the other bytes are the file, written in memory (tmpfs). Then each kind of endpoint opens it and
// does a bounded number of things, and it is removed. Mappings stand between closed pages.
#include "ambush.hpp"
#include "fuzz_place.hpp"
#include "guarded_mappings.hpp"
#include "live_file.hpp"
#include "queues.hpp"
#include "tape.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace noria::hostile;
namespace layout = noria::layout;

constexpr std::uint64_t file_bytes_max = 64 << 10;

enum mending : unsigned {
    packed =
        1,  // the input leaves out the header's reserved bytes, and what is between the words (or tallies) and the ring
    sections = 2,   // the rest of the header follows from the shape that it states
    checksum = 4,   // the header's sum is right
    stretched = 8,  // the file is as long as its header says
};

// The header's fields, the roster with the words, the ring: each goes to its place.
std::vector<std::byte> unpacked(std::span<const std::byte> input) {
    constexpr std::size_t fields = offsetof(layout::header, reserved);
    std::uint32_t kind = 0;
    std::uint32_t coordinated = 0;
    if (input.size() >= fields) {
        std::memcpy(&kind, input.data() + offsetof(layout::header, kind), sizeof kind);
        std::memcpy(&coordinated, input.data() + offsetof(layout::header, coordinated), sizeof coordinated);
    }
    const bool crowd = kind == static_cast<std::uint32_t>(layout::queue_kind::mpmc);
    layout::shape shape = crowd ? subject<crates>::shape() : subject<parcels>::shape();
    if (coordinated == static_cast<std::uint32_t>(mutex)) shape.coordinated = mutex;
    const layout::geometry where = layout::place(shape);
    const std::size_t words = words_end(where) - where.roster_offset;
    std::vector<std::byte> file;
    for (const auto& [offset, most] : {std::pair<std::size_t, std::size_t>{0, fields},
                                       {where.roster_offset, words},
                                       {where.ring_offset, file_bytes_max - where.ring_offset}}) {
        const auto part = input.first(std::min(most, input.size()));
        if (part.empty()) break;
        file.resize(offset);
        file.insert(file.end(), part.begin(), part.end());
        input = input.subspan(part.size());
    }
    return file;
}

std::vector<std::byte> file_of(unsigned mended, std::span<const std::byte> input) {
    std::vector<std::byte> file((mended & packed) != 0 ? unpacked(input)
                                                       : std::vector<std::byte>(input.begin(), input.end()));
    if (file.size() < sizeof(layout::header)) {
        if ((mended & packed) == 0) return file;
        file.resize(sizeof(layout::header));
    }
    layout::header page;
    std::memcpy(&page, file.data(), sizeof page);
    if ((mended & sections) != 0) {
        const layout::shape stated = layout::shape_of(page);
        if (layout::objection(stated).empty()) page = layout::make_header(stated, page.uuid);
    }
    if ((mended & checksum) != 0) page.checksum = layout::checksum_of(page);
    std::memcpy(file.data(), &page, sizeof page);
    if ((mended & stretched) != 0 && page.file_bytes <= file_bytes_max && page.file_bytes >= sizeof page) {
        file.resize(page.file_bytes);
    }
    return file;
}

// A refusal has a code of ours, and words.
void demand_words(bool open, const std::error_code& code, const std::string& text) {
    demand(open == !code, "an endpoint is open, or has a code that says why not");
    if (open) return;
    demand(code.category() == noria::noria_category(), "a refusal is one of noria's");
    demand(text.find(fuzz_place().filename().string()) != std::string::npos, "a refusal names the file");
}

template <class Queue>
void produce(typename Queue::producer& out) {
    using of = subject<Queue>;
    for (std::size_t i = 0; i < 3; ++i) (void)out.try_push(of::sample(i * 20));
    if (auto claim = of::try_claim(out, 24)) (void)claim.commit();
    if (auto claim = of::try_claim(out, 8)) claim.give_back();
    (void)out.push_for(of::sample(0), std::chrono::nanoseconds(0));
    (void)out.counters();
    (void)out.size();
}

template <class Queue>
void consume(typename Queue::consumer& in) {
    using of = subject<Queue>;
    for (int i = 0; i < 3; ++i) {
        if (auto message = in.try_pop()) (void)sum_of(of::content(message));
    }
    if (auto lease = in.try_take()) (void)sum_of(of::content(lease));
    (void)in.try_consume_some([](const auto&, unsigned) {}, 8);
    (void)in.pop_for(std::chrono::nanoseconds(0));
    (void)in.counters();
    (void)in.size();
}

template <class Queue>
void open_as() {
    using of = subject<Queue>;
    const noria::options wishes = of::any();
    std::error_code code;
    {
        auto in = Queue::consumer::open(fuzz_place(), wishes, code);
        demand_words(in.is_open(), code, in.error_text());
        if (in.is_open()) consume<Queue>(in);
    }
    auto out = Queue::producer::open(fuzz_place(), wishes, code);
    demand_words(out.is_open(), code, out.error_text());
    if (!out.is_open()) return;
    produce<Queue>(out);
    auto in = Queue::consumer::open(fuzz_place(), wishes, code);
    demand_words(in.is_open(), code, in.error_text());
    if (in.is_open()) consume<Queue>(in);
    produce<Queue>(out);
    noria::remove(fuzz_place(), code);
    demand(code == noria::errc::in_use, "nobody removes a queue that is in use");
}

void observe() {
    std::error_code code;
    const noria::observer watcher(fuzz_place(), code);
    demand_words(watcher.is_open(), code, watcher.error_text());
    if (watcher.is_open()) (void)watcher.look();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tape flags(data, size);
    const unsigned mended = flags.byte();
    const auto input = std::as_bytes(std::span(data, size)).subspan(std::min<std::size_t>(size, 1));
    const std::vector<std::byte> file = file_of(mended, input);
    std::ofstream(fuzz_place(), std::ios::binary)
        .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
    settle({.hostile = [](const void* word) { return mapping_of(word) != nullptr; }, .write = nullptr, .capacity = 0});
    begin_verb();
    observe();
    for_each_queue([]<class Queue>() { open_as<Queue>(); });
    observe();
    std::error_code code;
    noria::remove(fuzz_place(), code);
    demand(!code || code.category() == noria::noria_category(), "a refusal is one of noria's");
    std::filesystem::remove(fuzz_place());
    settle({});
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
