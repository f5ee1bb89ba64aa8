// limits.cpp: what the machine itself allows: lines streamed one way, and a futex's wake-up there and back.
#include "bench/worker/shared_memory.hpp"
#include "bench/worker/work.hpp"

#include <atomic>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>

namespace {

// Lines one way. Each message has its number in its first line, and the reader polls that; the writer hears of the reader's
// progress four times a turn. Nothing else moves between the processors.
struct lines {
    static constexpr std::string_view name = "limit: lines";
    static constexpr std::string_view setup = "whole lines one way, number in the first, in place; no index is shared";
    static constexpr bench::abilities can{.in_place = true};

    template <std::size_t Bytes>
    struct ring {
        struct alignas(Bytes == 8 ? 16 : 64) slot {
            std::atomic<std::uint64_t> number;
            std::byte message[Bytes];
        };
        alignas(128) std::atomic<std::uint64_t> head;
        alignas(128) slot of[bench::capacity_for(Bytes)];
    };
    template <std::size_t Bytes>
    struct sender {
        explicit sender(const bench::place& at) : all(bench::map_object<ring<Bytes>>(at)), mask(at.capacity - 1) {}
        bool send(auto&& write) {
            if (tail == limit) {
                limit = all.head.load(std::memory_order_acquire) + mask + 1;
                if (tail == limit) return false;
            }
            auto& slot = all.of[tail & mask];
            write(slot.message);
            slot.number.store(++tail, std::memory_order_release);
            return true;
        }
        ring<Bytes>& all;
        std::uint64_t mask;
        std::uint64_t tail = 0;
        std::uint64_t limit = 0;
    };
    template <std::size_t Bytes>
    struct receiver {
        explicit receiver(const bench::place& at) : all(bench::map_object<ring<Bytes>>(at)), mask(at.capacity - 1) {}
        bool receive(auto&& read) {
            const auto& slot = all.of[head & mask];
            if (slot.number.load(std::memory_order_acquire) != head + 1) return false;
            read(slot.message);
            if ((++head & (mask >> 2)) == 0) all.head.store(head, std::memory_order_release);
            return true;
        }
        ring<Bytes>& all;
        std::uint64_t mask;
        std::uint64_t head = 0;
    };
};

// One message under a futex that is always waited for and always woken.
struct futex {
    static constexpr std::string_view name = "limit: futex";
    static constexpr std::string_view setup = "one cell, FUTEX_WAIT and FUTEX_WAKE for every message";
    static constexpr bench::abilities can{.largest = 8, .sleeps = true};

    struct cell {
        alignas(128) std::atomic<std::uint32_t> full;
        std::byte message[8];
    };
    static void call(std::atomic<std::uint32_t>& word, int what, std::uint32_t value) noexcept {
        syscall(SYS_futex, &word, what, value, nullptr, nullptr, 0);
    }
    template <std::size_t Bytes>
    struct sender {
        explicit sender(const bench::place& at) : all(bench::map_object<cell>(at)) {}
        bool send(auto&& write) {
            if (all.full.load(std::memory_order_acquire) != 0) return false;
            write(all.message);
            all.full.store(1, std::memory_order_release);
            call(all.full, FUTEX_WAKE, INT_MAX);
            return true;
        }
        cell& all;
    };
    template <std::size_t Bytes>
    struct receiver {
        explicit receiver(const bench::place& at) : all(bench::map_object<cell>(at)), asleep(at.asleep) {}
        bool receive(auto&& read) {
            if (all.full.load(std::memory_order_acquire) == 0) {
                if (asleep) call(all.full, FUTEX_WAIT, 0);
                return false;
            }
            read(all.message);
            all.full.store(0, std::memory_order_release);
            return true;
        }
        cell& all;
        bool asleep;
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<lines, futex>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
