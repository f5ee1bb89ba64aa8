// round.hpp: one round: its worker processes started, watched, and what they found.
#pragma once

#include "bench/driver/machine.hpp"
#include "bench/worker/control.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bench {

// A queue that some program measures.
struct contender {
    std::string name;
    std::string program;
    std::string setup;
    std::string abilities;  // words: sleeps, threads, survives, in_place, batches
    std::string daemon;
    unsigned producers = 1;
    unsigned consumers = 1;
    std::size_t largest = 0;

    [[nodiscard]] bool can(const std::string& what) const { return abilities.find(what) != std::string::npos; }
};

// What is measured of it.
struct bench_case {
    std::string family;  // throughput, batches, latency, asleep, crowd, ring, roster
    std::string name;    // of the case; unique
    kind what = kind::stream;
    std::size_t bytes = 8;
    unsigned batch = 1;
    unsigned producers = 1;
    unsigned consumers = 1;
    bool asleep = false;
    std::uint64_t capacity = 0;   // 0: by the message's size
    std::uint64_t endpoints = 0;  // 0: as the queue likes
    bool ours_only = false;
};

struct measured {
    std::string case_name;
    std::string contender;
    std::string pair;     // the kind of the processors' pair
    std::string group{};  // near, far: by the floor, given when all rounds are there
    int number = 0;
    bool dropped = false;   // the floor moved
    std::string failure{};  // why there is no figure
    bool hung = false;      // that is why
    double figure = 0;      // ns per message, or the median round trip
    double two_lines_ns = 0;
    double one_line_ns = 0;
    std::vector<double> floors{};             // two lines, before and after; one line, before and after
    std::map<std::string, double> details{};  // p50, p99, ... or messages, mean
    std::uint64_t disorder = 0;               // messages out of their producer's order
};

// Measures once. The time is what the workers send for.
measured measure(const bench_case& what, const contender& who, const pair& where, std::int64_t duration_ns);

// Makes away with what a round has left below the path.
std::string scratch_path();
void clean_scratch();

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
