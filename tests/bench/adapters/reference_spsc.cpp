// reference_spsc.cpp: the ring that a good engineer writes in an afternoon: two indices, each cached by the other side.
#include "bench/worker/shared_memory.hpp"
#include "bench/worker/work.hpp"

#include <atomic>

namespace {

template <std::size_t Bytes>
struct ring {
    alignas(128) std::atomic<std::uint64_t> tail;
    alignas(128) std::atomic<std::uint64_t> head;
    alignas(128) std::byte slot[Bytes * bench::capacity_for(Bytes)];
};

struct cached_indices {
    static constexpr std::string_view name = "reference: cached indices";
    static constexpr std::string_view setup = "in place; indices on lines of their own, each side caches the other's";
    static constexpr bench::abilities can{.in_place = true};

    template <std::size_t Bytes>
    struct sender {
        explicit sender(const bench::place& at) : all(bench::map_object<ring<Bytes>>(at)), mask(at.capacity - 1) {}
        bool send(auto&& write) {
            if (tail - head == mask + 1) {
                head = all.head.load(std::memory_order_acquire);
                if (tail - head == mask + 1) return false;
            }
            write(all.slot + (tail & mask) * Bytes);
            all.tail.store(++tail, std::memory_order_release);
            return true;
        }
        unsigned send_some(unsigned most, auto&& write) {
            if (mask + 1 - (tail - head) < most) head = all.head.load(std::memory_order_acquire);
            const auto room = static_cast<unsigned>(std::min<std::uint64_t>(most, mask + 1 - (tail - head)));
            for (unsigned i = 0; i < room; ++i) write(all.slot + ((tail + i) & mask) * Bytes, i);
            if (room != 0) all.tail.store(tail += room, std::memory_order_release);
            return room;
        }
        ring<Bytes>& all;
        std::uint64_t mask;
        std::uint64_t tail = 0;
        std::uint64_t head = 0;
    };
    template <std::size_t Bytes>
    struct receiver {
        explicit receiver(const bench::place& at) : all(bench::map_object<ring<Bytes>>(at)), mask(at.capacity - 1) {}
        bool receive(auto&& read) {
            if (head == tail) {
                tail = all.tail.load(std::memory_order_acquire);
                if (head == tail) return false;
            }
            read(all.slot + (head & mask) * Bytes);
            all.head.store(++head, std::memory_order_release);
            return true;
        }
        unsigned receive_some(unsigned most, auto&& read) {
            if (head == tail) tail = all.tail.load(std::memory_order_acquire);
            const auto there = static_cast<unsigned>(std::min<std::uint64_t>(most, tail - head));
            for (unsigned i = 0; i < there; ++i) read(all.slot + ((head + i) & mask) * Bytes);
            if (there != 0) all.head.store(head += there, std::memory_order_release);
            return there;
        }
        ring<Bytes>& all;
        std::uint64_t mask;
        std::uint64_t tail = 0;
        std::uint64_t head = 0;
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<cached_indices>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
