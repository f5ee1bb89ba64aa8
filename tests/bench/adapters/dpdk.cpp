// dpdk.cpp: DPDK's rte_ring with elements of the message's size, without its environment: single, RTS, HTS, and in bursts.
// Debian: libdpdk-dev
// Link: -I/usr/include/dpdk -I/usr/include/x86_64-linux-gnu/dpdk -include rte_config.h -w -lrte_ring -lrte_eal
#include "bench/worker/shared_memory.hpp"
#include "bench/worker/work.hpp"

#include <memory>
#include <rte_ring.h>
#include <rte_ring_elem.h>

namespace {

// Elements are copied in words of 4 bytes, whatever their size.
template <unsigned Flags>
struct ring_of {
    template <std::size_t Bytes>
    static rte_ring* make(const bench::place& at) {
        const auto slots = static_cast<unsigned>(at.capacity);
        const std::size_t bytes = sizeof(rte_ring) + std::size_t{slots} * Bytes;
        auto* const ring = reinterpret_cast<rte_ring*>(bench::map_bytes(at, (bytes + 127) / 128 * 128));
        if (at.first && rte_ring_init(ring, "bench", slots, Flags) != 0)
            throw std::runtime_error("rte_ring_init failed");
        return ring;
    }
    template <std::size_t Bytes>
    struct sender {
        rte_ring* all;
        std::unique_ptr<bench::message<Bytes>[]> own { new bench::message<Bytes>[ 64 ] };

        explicit sender(const bench::place& at) : all(make<Bytes>(at)) {}
        bool send(auto&& write) {
            write(own[0].bytes);
            return rte_ring_enqueue_elem(all, own.get(), Bytes) == 0;
        }
        unsigned send_some(unsigned most, auto&& write) {
            for (unsigned i = 0; i < most; ++i) write(own[i].bytes, i);
            return rte_ring_enqueue_burst_elem(all, own.get(), Bytes, most, nullptr);
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        rte_ring* all;
        std::unique_ptr<bench::message<Bytes>[]> own { new bench::message<Bytes>[ 64 ] };

        explicit receiver(const bench::place& at) : all(make<Bytes>(at)) {}
        bool receive(auto&& read) {
            if (rte_ring_dequeue_elem(all, own.get(), Bytes) != 0) return false;
            read(own[0].bytes);
            return true;
        }
        unsigned receive_some(unsigned most, auto&& read) {
            const unsigned there = rte_ring_dequeue_burst_elem(all, own.get(), Bytes, most, nullptr);
            for (unsigned i = 0; i < there; ++i) read(own[i].bytes);
            return there;
        }
    };
};

struct single : ring_of<RING_F_SP_ENQ | RING_F_SC_DEQ> {
    static constexpr std::string_view name = "rte_ring single";
    static constexpr std::string_view setup = "DPDK, SP/SC, elements of the message's size; batches: bursts";
    static constexpr bench::abilities can{.largest = 4096};
};
struct relaxed : ring_of<RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ> {
    static constexpr std::string_view name = "rte_ring RTS";
    static constexpr std::string_view setup = "DPDK, relaxed tail sync";
    static constexpr bench::abilities can{.producers = 16, .consumers = 16, .largest = 4096};
};
struct head_tail : ring_of<RING_F_MP_HTS_ENQ | RING_F_MC_HTS_DEQ> {
    static constexpr std::string_view name = "rte_ring HTS";
    static constexpr std::string_view setup = "DPDK, head/tail sync";
    static constexpr bench::abilities can{.producers = 16, .consumers = 16, .largest = 4096};
};

}  // namespace

int main(int argc, char** argv) { return bench::work<single, relaxed, head_tail>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
