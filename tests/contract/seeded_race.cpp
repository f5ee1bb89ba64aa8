// seeded_race.cpp: a producer that skips the release of a commit, for the thread sanitizer to find.
//
// Goal: to know that the sanitizer watches the queue's own memory through both endpoints, so that a clean run of the laws
// means something. Method: two threads share a queue as it is meant; but the producer goes on writing into a message that
// it has committed, as if its commit ordered nothing. The test passes only if the sanitizer reports the race.
#include "queues.hpp"

#include <atomic>
#include <cstdio>
#include <thread>

int main() {
    using namespace noria::contract;
    using ticker = typed<noria::spsc<block<64, 8>>>;
    pair_of<ticker> queue(4);
    std::atomic<bool> written{false};
    std::thread sender([&] {
        auto claim = queue.out.claim();
        auto& message = *claim;
        ticker::write(claim, 1);
        claim.commit();
        // It is the consumer's by now. The first byte of a word: the sanitizer remembers only the last few accesses to each.
        message.content[16] = std::byte{0};
        written.store(true, std::memory_order_relaxed);
    });
    while (!written.load(std::memory_order_relaxed)) std::this_thread::yield();
    const auto lease = queue.in.take();
    const auto number = ticker::number(*lease);
    sender.join();
    std::printf("received %llu\n", static_cast<unsigned long long>(number));
}

// SPDX-License-Identifier: BSL-1.0
