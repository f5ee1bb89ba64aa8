// reference_mpmc.cpp: Vyukov's bounded queue as the textbooks have it: a ticket from a shared index, a sequence in each cell.
#include "bench/worker/shared_memory.hpp"
#include "bench/worker/work.hpp"

#include <atomic>

namespace {

// Cells on lines of their own, except that of 8 bytes: packed and apart, both are measured.
template <std::size_t Bytes, std::size_t Align>
struct ring {
    struct alignas(Align) cell {
        std::atomic<std::uint64_t> sequence;
        std::byte message[Bytes];
    };

    explicit ring(std::uint64_t cells) : mask(cells - 1) {
        for (std::uint64_t i = 0; i < cells; ++i) of[i].sequence.store(i, std::memory_order_relaxed);
    }
    std::uint64_t mask;
    alignas(128) std::atomic<std::uint64_t> tail{0};
    alignas(128) std::atomic<std::uint64_t> head{0};
    alignas(128) cell of[bench::capacity_for(Bytes)];

    // The cell whose sequence is `ahead` in front of the index, its index taken; or null.
    cell* take(std::atomic<std::uint64_t>& index, std::uint64_t ahead, std::uint64_t& position) {
        position = index.load(std::memory_order_relaxed);
        for (;;) {
            cell& here = of[position & mask];
            const auto turn =
                static_cast<std::int64_t>(here.sequence.load(std::memory_order_acquire) - position - ahead);
            if (turn < 0) return nullptr;
            if (turn == 0) {
                if (index.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) return &here;
            } else {
                position = index.load(std::memory_order_relaxed);
            }
        }
    }
};

template <std::size_t Align>
struct vyukov {
    static constexpr bench::abilities can{.producers = 16, .consumers = 16, .in_place = true};

    template <std::size_t Bytes>
    struct sender {
        explicit sender(const bench::place& at) : all(bench::map_object<ring<Bytes, Align>>(at, at.capacity)) {}
        bool send(auto&& write) {
            std::uint64_t position = 0;
            auto* const cell = all.take(all.tail, 0, position);
            if (cell == nullptr) return false;
            write(cell->message);
            cell->sequence.store(position + 1, std::memory_order_release);
            return true;
        }
        ring<Bytes, Align>& all;
    };
    template <std::size_t Bytes>
    struct receiver {
        explicit receiver(const bench::place& at) : all(bench::map_object<ring<Bytes, Align>>(at, at.capacity)) {}
        bool receive(auto&& read) {
            std::uint64_t position = 0;
            auto* const cell = all.take(all.head, 1, position);
            if (cell == nullptr) return false;
            read(cell->message);
            cell->sequence.store(position + all.mask + 1, std::memory_order_release);
            return true;
        }
        ring<Bytes, Align>& all;
    };
};

struct packed : vyukov<8> {
    static constexpr std::string_view name = "reference: Vyukov";
    static constexpr std::string_view setup = "in place; cells one after the other";
};
struct apart : vyukov<64> {
    static constexpr std::string_view name = "reference: Vyukov, padded";
    static constexpr std::string_view setup = "in place; each cell on lines of its own";
};

}  // namespace

int main(int argc, char** argv) { return bench::work<packed, apart>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
