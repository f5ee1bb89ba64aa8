// raw_figures.hpp: the figures of a queue as its file says them, word by word: no minimum, no maximum, none of the library's code.
//
// The library shows figures that must not surprise people: never more received than sent, for example. A test that asks whether a
// word is right must not look through that. Exact on a queue that no endpoint works on.
#pragma once

#include "noria/layout/header.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/layout/parking_place.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/slot_word.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/queue/counters.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace noria::rig {

class raw_file {
public:
    explicit raw_file(const std::filesystem::path& path) : file_(path, std::ios::binary) { at(0, header_); }

    // high_water and what it is made of are left 0: it is a maximum by its nature.
    [[nodiscard]] counters figures() {
        layout::queue_words words{};
        at(header_.words_offset, words);
        counters now;
        now.producer_deaths = words.producers.deaths;
        now.consumer_deaths = words.consumers.deaths;
        const bool under_mutex = header_.coordinated == static_cast<std::uint32_t>(layout::coordination::robust_mutex);
        if (under_mutex) {
            add_page(now);
        } else if (header_.tally_offset == 0) {
            const bool fixed = header_.form == static_cast<std::uint32_t>(layout::message_form::fixed);
            now.sent = fixed ? words.producer.tail : words.producer.messages;
            now.received = fixed ? words.consumer.head : words.consumer.messages;
            now.redelivered = words.consumer.redelivered;
            now.given_back = words.producer.given_back;
            now.refused = words.producer.refused;
        }
        for (std::uint64_t i = 0; header_.tally_offset != 0 && i < header_.roster_length; ++i)
            add_tally(now, i, under_mutex);
        for (std::uint64_t i = 0; i < header_.parking; ++i) add_place(now, i);
        return now;
    }

private:
    template <class T>
    void at(std::uint64_t offset, T& what) {
        file_.seekg(static_cast<std::streamoff>(offset));
        if (!file_.read(reinterpret_cast<char*>(&what), sizeof what))
            throw std::runtime_error("rig: the file is short");
    }
    void add_page(counters& now) {
        layout::mutex_words mutual{};
        at(header_.words_offset + sizeof(layout::queue_words), mutual);
        const layout::mutex_page& page = mutual.pages[mutual.line.turn & 1];
        now.sent = page.sent;
        now.received = page.received;
        now.redelivered = page.redelivered;
        now.given_back = page.given_back;
        now.skipped = page.skipped;
        now.mutex_repairs = page.repairs;
    }
    void add_tally(counters& now, std::uint64_t entry, bool under_mutex) {
        layout::tally_line each{};
        at(header_.tally_offset + entry * sizeof each, each);
        now.refused += each.refused;
        now.producer_deaths += each.producer_deaths;
        now.consumer_deaths += each.consumer_deaths;
        if (under_mutex) return;  // the page says it; a tally may lag there
        now.sent += each.sent;
        now.received += each.received;
        now.redelivered += each.redelivered;
        now.given_back += each.given_back;
        now.skipped += each.skipped;
    }
    void add_place(counters& now, std::uint64_t index) {
        constexpr std::uint64_t unit = layout::parking_unit;
        const std::uint64_t bytes = unit + (header_.message_bytes + unit - 1) / unit * unit;
        layout::parking_place place{};
        at((header_.parking_offset + unit - 1) / unit * unit + index * bytes, place);
        const auto phase = layout::phase_of(place.word);
        now.retrieved += layout::lap_of(place.word);
        now.parked += layout::lap_of(place.word);
        if (phase == layout::slot_phase::ready || phase == layout::slot_phase::retrieved) ++now.parked;
    }

    std::ifstream file_;
    layout::header header_{};
};

[[nodiscard]] inline counters raw_figures(const std::filesystem::path& path) { return raw_file(path).figures(); }

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
