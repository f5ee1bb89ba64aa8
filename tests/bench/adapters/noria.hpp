// noria.hpp: what Noria's adapters share: messages copied or in place, typed or bytes, of one and of many, under a mutex or not.
// Each kind is a program of its own: in one unit of all, the compiler no longer inlines what is hot.
#pragma once

#include "bench/worker/work.hpp"

#include <noria/noria.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <span>

namespace noria_bench {

using namespace std::chrono_literals;

inline noria::options wishes(const bench::place& at, std::size_t bytes, bool of_bytes, bool many) {
    noria::options all;
    if (!of_bytes || many) all.capacity = at.capacity;
    if (of_bytes) all.message_bytes_max = bytes;
    if (of_bytes && !many) all.capacity_bytes = std::bit_ceil(at.capacity * (bytes + 16));
    if (many && at.endpoints != 0) all.endpoints = at.endpoints;
    all.waiting.spin = at.asleep ? 0ns : 1s;  // as the others do: nobody sleeps where they do not
    return all;
}

using noria::coordination;
template <class T>
using spsc = noria::spsc<T, coordination::lock_free>;
template <class T>
using mpmc = noria::mpmc<T, coordination::lock_free>;
template <class T>
using spsc_mutex = noria::spsc<T, coordination::robust_mutex>;
template <class T>
using mpmc_mutex = noria::mpmc<T, coordination::robust_mutex>;

// How long a receive waits: so that it can be told that the round is over.
inline constexpr auto patience = 1ms;

// The messages are written and read in the queue itself: claim and take.
template <template <class> class Queue, bool OfBytes, bool Many>
struct in_place {
    template <std::size_t Bytes>
    using queue = Queue<std::conditional_t<OfBytes, noria::bytes, bench::message<Bytes>>>;

    template <std::size_t Bytes>
    struct sender {
        typename queue<Bytes>::producer out;
        explicit sender(const bench::place& at) : out(at.path, wishes(at, Bytes, OfBytes, Many)) {}
        bool send(auto&& write) {
            if constexpr (OfBytes) {
                auto room = out.claim(Bytes);
                if (room) write(room.data());
                return room.commit();
            } else {
                auto room = out.claim();
                if (room) write(room->bytes);
                return room.commit();
            }
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        typename queue<Bytes>::consumer in;
        explicit receiver(const bench::place& at) : in(at.path, wishes(at, Bytes, OfBytes, Many)) {}
        bool receive(auto&& read) {
            const auto message = in.take_for(patience);
            if (!message) return false;
            if constexpr (OfBytes)
                read(message.data());
            else
                read(message->bytes);
            return true;
        }
    };
};

struct as_wished {
    static noria::options also(noria::options wished) { return wished; }
};

// push and pop: each message is copied in and out. Batches: push_some and consume_some. Wish::also: what else is set.
template <template <class> class Queue, bool OfBytes, bool Many, class Wish = as_wished>
struct copied {
    template <std::size_t Bytes>
    using queue = typename in_place<Queue, OfBytes, Many>::template queue<Bytes>;
    static constexpr std::size_t batch_max = 64;

    template <std::size_t Bytes>
    struct sender {
        typename queue<Bytes>::producer out;
        std::unique_ptr<bench::message<Bytes>[]> own { new bench::message<Bytes>[ batch_max ] };
        explicit sender(const bench::place& at) : out(at.path, Wish::also(wishes(at, Bytes, OfBytes, Many))) {}
        bool send(auto&& write) {
            if constexpr (OfBytes) {
                write(own[0].bytes);
                return out.push({own[0].bytes, Bytes});
            } else if constexpr (Bytes <= 1024) {
                bench::message<Bytes> here;
                write(here.bytes);
                return out.push(here);
            } else {
                write(own[0].bytes);
                return out.push(own[0]);
            }
        }
        unsigned send_some(unsigned most, auto&& write) requires(!OfBytes) {
            for (unsigned i = 0; i < most; ++i) write(own[i].bytes, i);
            return static_cast<unsigned>(out.push_some(std::span<const bench::message<Bytes>>(own.get(), most)));
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        typename queue<Bytes>::consumer in;
        explicit receiver(const bench::place& at) : in(at.path, Wish::also(wishes(at, Bytes, OfBytes, Many))) {}
        bool receive(auto&& read) {
            // What is too large to be returned is held in place.
            const auto message = [this] {
                if constexpr (!OfBytes && Bytes > noria::popped_bytes_limit)
                    return in.take_for(patience);
                else
                    return in.pop_for(patience);
            }();
            if (!message) return false;
            if constexpr (OfBytes)
                read(message->data());
            else
                read(message->bytes);
            return true;
        }
        unsigned receive_some(unsigned most, auto&& read) requires(!OfBytes) {
            return static_cast<unsigned>(in.consume_some_for(
                [&](const bench::message<Bytes>& message) { read(message.bytes); }, most, patience));
        }
    };
};

inline constexpr bench::abilities alone{.sleeps = true, .waits = true, .survives = true};
inline constexpr bench::abilities crowd{
    .producers = 16, .consumers = 16, .sleeps = true, .waits = true, .survives = true};

}  // namespace noria_bench

// SPDX-License-Identifier: BSL-1.0
