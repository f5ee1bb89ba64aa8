// adapter.hpp: what a queue must offer to be measured; README.md shows one from its first line to its last.
//
// An adapter is a struct with a name, a line on its set-up, what it can do, and two templates: sender<Bytes> and
// receiver<Bytes>, for messages of so many bytes. Its file ends with main(), which is bench::work<the adapter, ...>.
// Whoever works in place gives the callback the room in the queue itself; whoever copies gives it a buffer of its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

// Where and how one endpoint is to be made.
struct place {
    std::string path;            // of a file that only this queue uses, on tmpfs; it need not be used
    std::uint64_t capacity = 0;  // messages
    bool first = false;          // this endpoint is made before the others: it creates
    unsigned producers = 1;      // how many there will be
    unsigned consumers = 1;
    std::uint64_t endpoints = 0;  // how many could be; 0: as the queue likes
    bool asleep = false;          // whoever waits sleeps in the kernel at once
    bool crowded = false;         // more workers than processors
};

struct abilities {
    unsigned producers = 1;  // at most
    unsigned consumers = 1;
    std::size_t largest = std::size_t{1} << 20;  // message in bytes
    bool sleeps = false;                         // receive() can sleep in the kernel until a message is there
    bool waits = false;            // send() and receive() wait a while by themselves, in the queue's own way
    bool threads = false;          // not for processes: the workers are threads of one
    bool survives = false;         // the death of a process
    bool in_place = false;         // written and read in the queue itself
    std::string_view daemon = {};  // a program that must run meanwhile
};

// How many messages the driver's rings hold, by their size: 256 KiB of them, at most 4096 and at least 16; 4 of those of 1 MiB.
// For those whose rings are types.
constexpr std::uint64_t capacity_for(std::size_t bytes) {
    return bytes > 65536 ? 4 : std::clamp<std::uint64_t>(256 * 1024 / bytes, 16, 4096);
}

// The message type of queues that want one.
template <std::size_t Bytes>
struct alignas(8) message {
    std::byte bytes[Bytes];
};

// struct my_queue {
//     static constexpr std::string_view name = "mine";
//     static constexpr std::string_view setup = "ring of 64-byte cells, busy waiting";
//     static constexpr bench::abilities can{.producers = 16, .consumers = 16};
//
//     template <std::size_t Bytes>
//     struct sender {
//         explicit sender(const bench::place& at);
//         bool send(auto&& write);                          // write(std::byte* room) once, true: sent; false: full
//         unsigned send_some(unsigned most, auto&& write);  // optional, a batch: write(room, i) for i = 0, 1, ...; how many
//     };
//     template <std::size_t Bytes>
//     struct receiver {
//         explicit receiver(const bench::place& at);
//         bool receive(auto&& read);                        // read(const std::byte* message) once; false: empty
//         unsigned receive_some(unsigned most, auto&& read);  // optional: read(message) of each; how many
//     };
// };

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
