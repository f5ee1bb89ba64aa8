// echo.hpp: the case of round trips: one message there, one back, each timed; two queues, one for each way.
#pragma once

#include "bench/adapter.hpp"
#include "bench/worker/meeting.hpp"
#include "bench/worker/payload.hpp"

namespace bench {

constexpr std::uint64_t warm_up_trips = 20;
constexpr std::uint32_t trips_min =
    1000;  // on a machine so busy that its time is up before that: up to ten times as long

template <class Adapter, std::size_t Bytes>
void send_one(typename Adapter::template sender<Bytes>& out, std::uint64_t number) {
    while (!out.send([number](std::byte* room) { fill<Bytes>(room, number); })) pause_processor();
}

template <class Adapter, std::size_t Bytes>
std::uint64_t await_one(typename Adapter::template receiver<Bytes>& in, std::uint64_t& errors) {
    std::uint64_t number = 0;
    bool sound = true;
    while (!in.receive([&](const std::byte* message) { number = check<Bytes>(message, sound); })) {
        if (!Adapter::can.waits) pause_processor();
    }
    errors += sound ? 0 : 1;
    return number;
}

// Each trip contains one look at the clock, which is no part of it: the floor's trips are timed in groups.
inline std::int64_t cost_of_clock_ns() noexcept {
    constexpr int looks = 1000;
    std::int64_t least = 1'000'000;
    for (int repeat = 0; repeat < 10; ++repeat) {
        const std::int64_t begun = now_ns();
        for (int i = 1; i < looks; ++i) (void)now_ns();
        least = std::min(least, (now_ns() - begun) / looks);
    }
    return least;
}

template <class Adapter, std::size_t Bytes>
void call(control& all, typename Adapter::template sender<Bytes>& out, typename Adapter::template receiver<Bytes>& in) {
    report& mine = all.of[0];
    mine.begun_ns = now_ns();
    const std::int64_t clock_ns = cost_of_clock_ns();
    std::int64_t last = mine.begun_ns;
    std::uint64_t trips = 0;
    const auto time_is_up = [&] {
        const std::int64_t time = last - mine.begun_ns;
        return time >= (all.sample_count < trips_min ? 10 : 1) * all.duration_ns || all.sample_count == samples_max;
    };
    while (!time_is_up()) {
        send_one<Adapter, Bytes>(out, trips);
        mine.errors += await_one<Adapter, Bytes>(in, mine.errors) == trips ? 0 : 1;
        const std::int64_t now = now_ns();  // once a trip: the end of one is the beginning of the next
        if (++trips > warm_up_trips)
            all.sample[all.sample_count++] =
                static_cast<std::uint32_t>(std::max<std::int64_t>(now - last - clock_ns, 0));
        last = now;
    }
    send_one<Adapter, Bytes>(out, last_call);
    mine.ended_ns = last;
    mine.messages = trips;
}

template <class Adapter, std::size_t Bytes>
void answer(control& all, typename Adapter::template sender<Bytes>& out,
            typename Adapter::template receiver<Bytes>& in) {
    report& mine = all.of[1];
    for (;;) {
        const std::uint64_t number = await_one<Adapter, Bytes>(in, mine.errors);
        if (number == last_call) break;
        send_one<Adapter, Bytes>(out, number);
        ++mine.messages;
    }
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
