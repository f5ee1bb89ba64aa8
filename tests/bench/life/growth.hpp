// growth.hpp: creating, attaching and detaching, also as rings and rosters grow; and many queues in one process.
#pragma once

#include "bench/life/figures.hpp"
#include "rig/workspace.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench::life {

// `of` is what has grown, for the case's name.
template <class Queue>
void attach_and_create(named<Queue> queue, const noria::options& options, const std::string& of = {}) {
    const bool large = options.capacity.value_or(slots) > 65536;
    const noria::rig::workspace folder;
    const auto path = folder / "queue";
    tell("create" + of, queue.name, median_of(large ? 3 : 11, [&] {
             std::optional<typename Queue::producer> made;
             const double time = ns_of([&] { made.emplace(Queue::producer::create(path, options)); });
             made.reset();
             noria::remove(path);
             return time;
         }));
    typename Queue::consumer in{path, options};
    std::vector<double> gone;
    tell("attach" + of, queue.name, median_of(31, [&] {
             std::optional<typename Queue::producer> out;
             const double time = ns_of([&] { out.emplace(path, options); });
             gone.push_back(ns_of([&] { out.reset(); }));
             return time;
         }));
    tell("detach" + of, queue.name, median(gone));
}

template <class Queue>
void attach_to_rings(named<Queue> queue) {
    for (const std::uint64_t capacity : {64U, 65536U, 1048576U})
        attach_and_create(queue, {.capacity = capacity}, ", ring of " + std::to_string(capacity));
}

template <class Queue>
void attach_to_rosters(named<Queue> queue) {
    for (const std::uint64_t endpoints : {4U, 512U, 4095U})
        attach_and_create(queue, {.capacity = slots, .endpoints = endpoints},
                          ", roster of " + std::to_string(endpoints));
}

// From the first of so many endpoints of one queue to the last, all of which stay.
template <class Queue>
void attach_crowd(named<Queue> queue, std::size_t endpoints) {
    rlimit descriptors{};
    getrlimit(RLIMIT_NOFILE, &descriptors);
    const rlim_t needed = endpoints + 1000;  // one each
    if (descriptors.rlim_max < needed) return;
    descriptors.rlim_cur = std::max(descriptors.rlim_cur, needed);
    setrlimit(RLIMIT_NOFILE, &descriptors);
    tell("attach " + std::to_string(endpoints) + " endpoints", queue.name, median_of(3, [&] {
             const noria::rig::workspace folder;
             const noria::options crowd{.capacity = slots, .endpoints = 4095};
             std::vector<typename Queue::consumer> all;
             all.reserve(endpoints);
             return ns_of([&] {
                 while (all.size() < endpoints) all.emplace_back(folder / "queue", crowd);
             });
         }));
}

// A message in and out, of so many queues of one process in turn.
template <class Queue>
void many_queues(named<Queue> queue, std::size_t count) {
    const noria::rig::workspace folder;
    const noria::options small{.capacity = 64};
    std::vector<typename Queue::producer> out;
    std::vector<typename Queue::consumer> in;
    for (std::size_t i = 0; i < count; ++i) {
        const auto path = folder / std::to_string(i);
        in.emplace_back(path, small);
        out.emplace_back(path, small);
    }
    constexpr std::size_t messages = 20'000;
    tell("push and pop, one thread, " + std::to_string(count) + " queues", queue.name, median_of(5, [&] {
             return ns_of([&] {
                        for (std::size_t i = 0; i < messages; ++i) {
                            if (!out[i % count].push({}) || !in[i % count].pop())
                                throw std::runtime_error("a message of many queues did not come");
                        }
                    }) /
                    messages;
         }));
}

inline void growth(bool quick) {
    const auto each_of = [](auto&& f) {
        f(spsc);
        f(mpmc);
        f(spsc_mutex);
        f(mpmc_mutex);
    };
    each_of([](auto queue) { attach_and_create(queue, wishes); });
    for (const std::size_t count : {1U, 4U, 16U, 64U, 256U}) each_of([&](auto queue) { many_queues(queue, count); });
    attach_crowd(mpmc, 1000);
    attach_crowd(mpmc_mutex, 1000);
    if (quick) return;
    for (const std::size_t endpoints : {2000U, 4000U}) {
        attach_crowd(mpmc, endpoints);
        attach_crowd(mpmc_mutex, endpoints);
    }
    each_of([](auto queue) { attach_to_rings(queue); });
    attach_to_rosters(mpmc);
    attach_to_rosters(mpmc_mutex);
}

}  // namespace bench::life

// SPDX-License-Identifier: BSL-1.0
