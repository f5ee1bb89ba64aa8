// counted.cpp: the hot paths, one after the other, for callgrind to count: with nobody asleep, and never out of line.
//
// Every count begins behind a look at the other side, which is good for an eighth of the ring: what follows has no clock, no
// system call and no chance in it, and is the same in every run.
#include <noria/noria.hpp>

#include <valgrind/callgrind.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

namespace {

constexpr std::uint64_t capacity = 4096;
constexpr unsigned batch = 64;
constexpr unsigned messages = 7 * batch;  // in less than an eighth of the ring

template <std::size_t Bytes>
struct alignas(8) message {
    std::byte bytes[Bytes];
};

template <class T>
const std::array<T, batch> some{};

std::filesystem::path folder;
volatile std::byte sink;

void must(bool done) {
    if (done) return;
    static_cast<void>(std::fputs("counted: a verb found no room or no message\n", stderr));
    std::exit(1);
}

template <class Body>
[[gnu::noinline]] void count(const std::string& name, const Body& body) {
    CALLGRIND_ZERO_STATS;
    CALLGRIND_TOGGLE_COLLECT;
    body();
    CALLGRIND_TOGGLE_COLLECT;
    CALLGRIND_DUMP_STATS_AT(name.c_str());
}

// Sends and receives so many at each call.
template <class Queue, class Send, class Receive>
void run(const std::string& name, const noria::options& wishes, unsigned at_each, Send send, Receive receive) {
    const std::filesystem::path path = folder / "queue";
    {
        typename Queue::consumer in{path, wishes};
        typename Queue::producer out{path, wishes};
        // Until the producer has just looked, with all functions found by the loader.
        for (std::uint64_t i = 0; i <= capacity / 8; i += at_each) {
            send(out);
            receive(in);
        }
        count(name + ": send", [&] {
            for (unsigned i = 0; i < messages; i += at_each) send(out);
        });
        count(name + ": receive", [&] {
            for (unsigned i = 0; i < messages; i += at_each) receive(in);
        });
    }
    noria::remove(path);
}

template <class Queue, std::size_t Bytes>
void run_typed(const std::string& queue) {
    using type = message<Bytes>;
    const noria::options wishes{.capacity = capacity};
    const std::string name = queue + " of " + std::to_string(Bytes) + " B, ";
    run<Queue>(
        name + "push and pop", wishes, 1, [](auto& out) { must(out.push(some<type>[0])); },
        [](auto& in) {
            const auto got = in.pop();
            must(static_cast<bool>(got));
            sink = got->bytes[0];
        });
    run<Queue>(
        name + "claim and take", wishes, 1,
        [](auto& out) {
            auto room = out.claim();
            must(static_cast<bool>(room));
            *room = some<type>[0];
            room.commit();
        },
        [](auto& in) {
            const auto got = in.take();
            must(static_cast<bool>(got));
            sink = got->bytes[0];
        });
    run<Queue>(
        name + "batches of 64", wishes, batch,
        [](auto& out) { must(out.push_some(std::span<const type>(some<type>)) == batch); },
        [](auto& in) { must(in.consume_some([](const type& got) { sink = got.bytes[0]; }, batch) == batch); });
}

// The message is not copied: how memcpy does that is the machine's affair.
template <class Queue>
void run_bytes(const std::string& name, const noria::options& wishes) {
    run<Queue>(
        name + ", claim and take", wishes, 1,
        [](auto& out) {
            auto room = out.claim(64);
            must(static_cast<bool>(room));
            *room.data() = std::byte{1};
            room.commit();
        },
        [](auto& in) {
            const auto got = in.take();
            must(static_cast<bool>(got));
            sink = *got.data();
        });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        static_cast<void>(std::fprintf(stderr, "usage: %s FOLDER; tests/bench/instructions/run starts it\n", argv[0]));
        return 2;
    }
    folder = argv[1];
    run_typed<noria::spsc<message<8>>, 8>("spsc");
    run_typed<noria::spsc<message<64>>, 64>("spsc");
    run_typed<noria::mpmc<message<8>>, 8>("mpmc");
    run_typed<noria::mpmc<message<64>>, 64>("mpmc");
    run_bytes<noria::spsc<noria::bytes>>("spsc of bytes", {.capacity_bytes = 1 << 20, .message_bytes_max = 64});
    run_bytes<noria::mpmc<noria::bytes>>("mpmc of bytes", {.capacity = capacity, .message_bytes_max = 64});
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
