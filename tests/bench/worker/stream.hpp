// stream.hpp: the case of one-way traffic: producers send for a while, consumers receive all of it and check each message.
#pragma once

#include "bench/adapter.hpp"
#include "bench/worker/meeting.hpp"
#include "bench/worker/payload.hpp"

#include <array>

namespace bench {

// Messages between two looks at the clock: some tens of microseconds, so that a preempted chunk is one of many.
template <std::size_t Bytes>
constexpr std::uint64_t chunk = Bytes <= 8       ? 8192
                                : Bytes <= 1024  ? 2048
                                : Bytes <= 4096  ? 512
                                : Bytes <= 65536 ? 64
                                                 : 8;

template <class Adapter, std::size_t Bytes>
void send_stream(control& all, unsigned self, typename Adapter::template sender<Bytes>& out) {
    report& mine = all.of[self];
    const std::uint64_t origin = std::uint64_t{self} << sequence_bits;
    patience idle(all.crowded != 0);
    std::uint64_t sent = 0;
    mine.begun_ns = now_ns();
    do {
        const std::uint64_t until = sent + chunk<Bytes>;
        while (sent < until) {
            unsigned done = 0;
            if constexpr (requires { out.send_some(1U, [](std::byte*, unsigned) {}); }) {
                if (all.batch > 1) {
                    const std::uint64_t from = origin + sent;
                    done =
                        out.send_some(all.batch, [from](std::byte* room, unsigned i) { fill<Bytes>(room, from + i); });
                }
            }
            if (all.batch == 1) {
                const std::uint64_t number = origin + sent;
                done = out.send([number](std::byte* room) { fill<Bytes>(room, number); }) ? 1 : 0;
            }
            sent += done;
            if (Adapter::can.waits) continue;
            if (done != 0)
                idle.renew();
            else
                idle.pause();
        }
    } while (now_ns() - mine.begun_ns < all.duration_ns);
    mine.messages = sent;
    mine.sum = sent * (sent - 1) / 2;
    all.sent.value.fetch_add(sent);
    all.senders_done.value.fetch_add(1);
}

// Counts and judges what one consumer receives.
template <std::size_t Bytes>
class checker {
public:
    explicit checker(control& all) noexcept : alone_(all.consumers == 1) {}
    void operator()(const std::byte* message) noexcept {
        bool sound = true;
        const std::uint64_t number = check<Bytes>(message, sound);
        const std::uint64_t sequence = number & sequence_mask;
        std::uint64_t& next = next_[(number >> sequence_bits) % workers_max];
        disorder += (alone_ ? sequence == next : sequence >= next) ? 0 : 1;  // the others' messages are missing here
        errors += sound ? 0 : 1;
        next = sequence + 1;
        sum += sequence;
    }
    std::uint64_t sum = 0;
    std::uint64_t errors = 0;
    std::uint64_t disorder = 0;

private:
    bool alone_;
    std::array<std::uint64_t, workers_max> next_{};
};

inline bool all_received(const control& all) noexcept {
    if (all.senders_done.value.load() != all.producers) return false;
    std::uint64_t received = 0;
    for (unsigned i = 0; i < all.consumers; ++i) received += all.received[i].value.load();
    return received == all.sent.value.load();
}

template <class Adapter, std::size_t Bytes>
void receive_stream(control& all, unsigned self, typename Adapter::template receiver<Bytes>& in) {
    report& mine = all.of[self];
    std::atomic<std::uint64_t>& published = all.received[self - all.producers].value;
    const bool samples = self == all.producers;
    checker<Bytes> judge(all);
    patience idle(all.crowded != 0);
    std::uint64_t received = 0;
    std::uint64_t next_look = chunk<Bytes>;
    std::int64_t looked = now_ns();
    mine.begun_ns = looked;
    for (;;) {
        unsigned done = 0;
        if constexpr (requires { in.receive_some(1U, [](const std::byte*) {}); }) {
            if (all.batch > 1) done = in.receive_some(all.batch, [&](const std::byte* message) { judge(message); });
        }
        if (all.batch == 1) done = in.receive([&](const std::byte* message) { judge(message); }) ? 1 : 0;
        if (done != 0) {
            idle.renew();
            received += done;
            if (received < next_look) continue;
            next_look = received + chunk<Bytes>;
            const std::int64_t now = now_ns();
            if (samples && all.sample_count < samples_max)
                all.sample[all.sample_count++] =
                    static_cast<std::uint32_t>(static_cast<std::uint64_t>(now - looked) * 64 / chunk<Bytes>);
            mine.ended_ns = looked = now;
            continue;
        }
        published.store(received);
        if (all_received(all)) break;
        if (!Adapter::can.waits) idle.pause();
    }
    mine.ended_ns = now_ns();
    mine.messages = received;
    mine.sum = judge.sum;
    mine.errors = judge.errors;
    mine.disorder = judge.disorder;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
