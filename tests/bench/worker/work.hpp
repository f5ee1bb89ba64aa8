// work.hpp: main() of every adapter: `--list` says what it is; otherwise it does one round's work for the driver.
//     program --list                       one line for each adapter: name, abilities, set-up
//     program CONTROL WORKER [WORKER...]   be these workers of the round that the control page describes
#pragma once

#include "bench/worker/echo.hpp"
#include "bench/worker/stream.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <pthread.h>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace bench {

inline void pin_to(int processor) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(processor), &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

inline place place_of(const control& all, bool first) {
    return {.path = all.path,
            .capacity = all.capacity,
            .first = first,
            .producers = all.producers,
            .consumers = all.consumers,
            .endpoints = all.endpoints,
            .asleep = all.asleep != 0,
            .crowded = all.crowded != 0};
}

// The floor, by the very two workers that are first of their roles, before and after; the others sleep.
inline void take_floor(control& all, meeting& others, unsigned self, int which) {
    const bool leader = self == 0;
    const bool partner = self == (all.what == kind::echo ? 1 : all.producers);
    for (const bool two_lines : {true, false}) {
        others.arrive();
        double* const found = two_lines ? all.two_lines_ns : all.one_line_ns;
        if (leader)
            found[which] = ping_pong(all, true, two_lines);
        else if (partner)
            (void)ping_pong(all, false, two_lines);
        others.arrive();
    }
}

// Each worker makes the queue that it sends into.
template <class Adapter, std::size_t Bytes>
void do_echo(control& all, meeting& others, unsigned self) {
    place there = place_of(all, self == 0);
    place back = place_of(all, self == 1);
    there.path += ".there";
    back.path += ".back";
    std::optional<typename Adapter::template sender<Bytes>> out;
    std::optional<typename Adapter::template receiver<Bytes>> in;
    if (self == 0) out.emplace(there);
    others.arrive();
    if (self == 1) {
        in.emplace(there);
        out.emplace(back);
    }
    others.arrive();
    if (self == 0) in.emplace(back);
    others.arrive();
    take_floor(all, others, self, 0);
    if (self == 0)
        call<Adapter, Bytes>(all, *out, *in);
    else
        answer<Adapter, Bytes>(all, *out, *in);
    take_floor(all, others, self, 1);
}

// The first consumer makes the queue; then the others come.
template <class Adapter, std::size_t Bytes>
void do_stream(control& all, meeting& others, unsigned self) {
    const bool first = self == all.producers;
    std::optional<typename Adapter::template sender<Bytes>> out;
    std::optional<typename Adapter::template receiver<Bytes>> in;
    if (first) in.emplace(place_of(all, true));
    others.arrive();
    if (self < all.producers)
        out.emplace(place_of(all, false));
    else if (!first)
        in.emplace(place_of(all, false));
    others.arrive();
    take_floor(all, others, self, 0);
    if (out)
        send_stream<Adapter, Bytes>(all, self, *out);
    else
        receive_stream<Adapter, Bytes>(all, self, *in);
    take_floor(all, others, self, 1);
}

template <class Adapter>
void be(control& all, unsigned self) {
    pin_to(all.processor[self]);
    meeting others(all, all.what == kind::echo ? 2 : all.producers + all.consumers);
    const auto with = [&]<std::size_t Bytes>() {
        if (all.bytes != Bytes) return false;
        if (all.what == kind::echo)
            do_echo<Adapter, Bytes>(all, others, self);
        else
            do_stream<Adapter, Bytes>(all, others, self);
        return true;
    };
    (void)(with.template operator()<8>() || with.template operator()<64>() || with.template operator()<256>() ||
           with.template operator()<1024>() || with.template operator()<4096>() || with.template operator()<65536>() ||
           with.template operator()<1048576>());
}

template <class Adapter>
void try_to_be(control& all, unsigned self) noexcept {
    try {
        be<Adapter>(all, self);
    } catch (const std::exception& thrown) {
        std::snprintf(all.of[self].complaint, sizeof all.of[self].complaint, "%s", thrown.what());
        std::_Exit(1);
    }
}

template <class Adapter>
constexpr bool can_batch = requires(typename Adapter::template sender<8>& out) {
    out.send_some(1U, [](std::byte*, unsigned) {});
};

template <class Adapter>
void describe() {
    const abilities can = Adapter::can;
    std::printf("%s\t%u\t%u\t%zu\t%s%s%s%s%s\t%s\t%s\n", std::string(Adapter::name).c_str(), can.producers,
                can.consumers, can.largest, can.sleeps ? "sleeps " : "", can.threads ? "threads " : "",
                can.survives ? "survives " : "", can.in_place ? "in_place " : "", can_batch<Adapter> ? "batches " : "",
                std::string(can.daemon).c_str(), std::string(Adapter::setup).c_str());
}

template <class... Adapters>
int work(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--list") {
        (describe<Adapters>(), ...);
        return 0;
    }
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s --list | CONTROL WORKER...; ./tests/bench/run starts it\n", argv[0]);
        return 2;
    }
    const int file = open(argv[1], O_RDWR | O_CLOEXEC);
    void* const mapped =
        file < 0 ? MAP_FAILED
                 : mmap(nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (mapped == MAP_FAILED) {
        std::perror(argv[1]);
        return 1;
    }
    auto& all = *static_cast<control*>(mapped);
    std::vector<std::thread> threads;
    for (int i = 2; i < argc; ++i) {
        threads.emplace_back([&all, self = static_cast<unsigned>(std::atoi(argv[i]))] {
            (void)((Adapters::name == all.adapter && (try_to_be<Adapters>(all, self), true)) || ...);
        });
    }
    for (auto& each : threads) each.join();
    return 0;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
