// seeded_fault.cpp: a ring of one slot with the mistakes that the sanitizers are there for.
//
// Goal: to know that they look. Method: the flag is written and read relaxed, so that nothing orders the message behind it
// (for the thread sanitizer), and a slot is read that the ring does not have (for the address sanitizer).
#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>

namespace {

struct slot {
    long message = 0;
    std::atomic<bool> full = false;
};

}  // namespace

int main(int argc, char**) {
    const auto ring = std::make_unique<slot[]>(1);
    std::thread producer{[&first = ring[0]] {
        first.message = 42;
        first.full.store(true, std::memory_order_relaxed);
    }};
    while (!ring[0].full.load(std::memory_order_relaxed)) std::this_thread::yield();
    std::printf("received %ld\n", ring[0].message);
    producer.join();
    // One argument, the program's name: a compiler cannot know that this is the slot behind the last.
    const auto behind = static_cast<std::size_t>(argc);
    std::printf("received %ld\n", ring[behind].message);
}
// SPDX-License-Identifier: BSL-1.0
