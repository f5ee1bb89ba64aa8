// cases.cpp: the cases, written out.
#include "bench/driver/cases.hpp"

#include <fmt/format.h>

namespace bench {

namespace {

std::string size_word(std::size_t bytes) {
    if (bytes >= 1 << 20) return fmt::format("{} MiB", bytes >> 20);
    if (bytes >= 1 << 16) return fmt::format("{} KiB", bytes >> 10);
    return fmt::format("{} B", bytes);
}

}  // namespace

bool is_ours(const std::string& contender) { return contender.starts_with("noria::"); }
bool is_robust(const std::string& contender) { return contender.find("robust_mutex") != std::string::npos; }
bool is_limit(const std::string& contender) { return contender.starts_with("limit: "); }

std::vector<bench_case> cases(bool quick) {
    std::vector<bench_case> all;
    for (const std::size_t bytes : {8U, 64U, 256U, 1024U, 4096U, 65536U, 1048576U})
        all.push_back({.family = "throughput", .name = "one way, " + size_word(bytes), .bytes = bytes});
    for (const std::size_t bytes : {8U, 64U}) {
        for (const unsigned batch : {8U, 64U}) {
            if (quick && (batch == 8 || bytes == 64)) continue;
            all.push_back({.family = "batches",
                           .name = fmt::format("one way, {}, batches of {}", size_word(bytes), batch),
                           .bytes = bytes,
                           .batch = batch});
        }
    }
    for (const std::size_t bytes : {8U, 64U, 1024U}) {
        if (quick && bytes != 8) continue;
        all.push_back(
            {.family = "latency", .name = "round trip, " + size_word(bytes), .what = kind::echo, .bytes = bytes});
    }
    all.push_back({.family = "asleep", .name = "round trip asleep, 8 B", .what = kind::echo, .asleep = true});
    for (const auto& [producers, consumers] : {std::pair{1U, 1U}, {2U, 2U}, {4U, 4U}, {8U, 8U}, {1U, 8U}, {8U, 1U}}) {
        for (const std::size_t bytes : {8U, 64U}) {
            if (quick && bytes == 64 && producers + consumers > 2) continue;
            all.push_back({.family = "crowd",
                           .name = fmt::format("{}x{}, {}", producers, consumers, size_word(bytes)),
                           .bytes = bytes,
                           .producers = producers,
                           .consumers = consumers});
        }
    }
    if (quick) return all;
    for (std::uint64_t capacity = 64; capacity <= 1'048'576; capacity *= 4)
        all.push_back({.family = "ring",
                       .name = fmt::format("ring of {} slots, 8 B", capacity),
                       .capacity = capacity,
                       .ours_only = true});
    for (const std::uint64_t endpoints : {4U, 64U, 512U, 4095U})
        all.push_back({.family = "roster",
                       .name = fmt::format("roster of {}, 8 B", endpoints),
                       .endpoints = endpoints,
                       .ours_only = true});
    return all;
}

bool takes_part(const contender& who, const bench_case& what) {
    if (what.bytes > who.largest || what.producers > who.producers || what.consumers > who.consumers) return false;
    if (what.batch > 1 && !who.can("batches")) return false;
    if (what.asleep && !who.can("sleeps")) return false;
    if (what.ours_only && !is_ours(who.name)) return false;
    if (what.family == "crowd" && who.producers == 1) return false;
    const bool huge_pages = who.name.ends_with(" huge_pages");
    if (what.family == "ring") return huge_pages || who.name == "noria::spsc push" || who.name == "noria::mpmc push";
    if (huge_pages) return false;
    if (what.family == "roster") return who.name == "noria::mpmc push";
    return true;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
