// figures.hpp: what the measurements of Noria alone have in common: the queues, clocks, medians, and the line that is printed.
#pragma once

#include <noria/noria.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bench::life {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

struct message {
    std::uint64_t words[8];
};

// A queue and its name in the tables.
template <class Queue>
struct named {
    using type = Queue;
    const char* name;
};
using noria::coordination;
constexpr named<noria::spsc<message, coordination::lock_free>> spsc{"noria::spsc"};
constexpr named<noria::mpmc<message, coordination::lock_free>> mpmc{"noria::mpmc"};
constexpr named<noria::spsc<message, coordination::robust_mutex>> spsc_mutex{"noria::spsc robust_mutex"};
constexpr named<noria::mpmc<message, coordination::robust_mutex>> mpmc_mutex{"noria::mpmc robust_mutex"};

constexpr std::uint64_t slots = 4096;
const noria::options wishes{.capacity = slots};

// A line for the driver: case, queue, nanoseconds (or what the case's name says), between tabs.
inline void tell(const std::string& what, const char* queue, double figure) {
    std::printf("%s\t%s\t%.3f\n", what.c_str(), queue, figure);
    static_cast<void>(std::fflush(stdout));
}

inline double ns_between(clock_type::time_point from, clock_type::time_point to) {
    return std::chrono::duration<double, std::nano>(to - from).count();
}

template <class F>
double ns_of(F&& body) {
    const auto begun = clock_type::now();
    body();
    return ns_between(begun, clock_type::now());
}

inline double median(std::vector<double> all) {
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
    return all[all.size() / 2];
}

// The median of some tries.
template <class F>
double median_of(int tries, F&& one) {
    std::vector<double> all;
    for (int i = 0; i < tries; ++i) all.push_back(one());
    return median(std::move(all));
}

}  // namespace bench::life

// SPDX-License-Identifier: BSL-1.0
