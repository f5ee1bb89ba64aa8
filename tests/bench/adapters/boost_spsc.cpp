// boost_spsc.cpp: boost::lockfree::spsc_queue with its storage inside, in a shared mapping.
// Debian: libboost-dev
#include "bench/worker/shared_memory.hpp"
#include "bench/worker/work.hpp"

#include <boost/lockfree/spsc_queue.hpp>
#include <memory>

namespace {

struct boost_spsc {
    static constexpr std::string_view name = "boost::lockfree::spsc_queue";
    static constexpr std::string_view setup =
        "fixed capacity; push copies, consume_one reads in place; batches: push(T*, n)";
    static constexpr bench::abilities can{};

    template <std::size_t Bytes>
    using queue =
        boost::lockfree::spsc_queue<bench::message<Bytes>, boost::lockfree::capacity<bench::capacity_for(Bytes)>>;

    template <std::size_t Bytes>
    struct sender {
        queue<Bytes>& all;
        std::unique_ptr<bench::message<Bytes>[]> own { new bench::message<Bytes>[ 64 ] };
        bool waiting = false;  // with a message that found no room

        explicit sender(const bench::place& at) : all(bench::map_object<queue<Bytes>>(at)) {}
        bool send(auto&& write) {
            if constexpr (Bytes <= 1024) {
                bench::message<Bytes> here;
                write(here.bytes);
                return all.push(here);
            } else {
                if (!waiting) write(own[0].bytes);
                return !(waiting = !all.push(own[0]));
            }
        }
        unsigned send_some(unsigned most, auto&& write) {
            for (unsigned i = 0; i < most; ++i) write(own[i].bytes, i);
            return static_cast<unsigned>(all.push(own.get(), most));
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        queue<Bytes>& all;
        std::unique_ptr<bench::message<Bytes>[]> own { new bench::message<Bytes>[ 64 ] };

        explicit receiver(const bench::place& at) : all(bench::map_object<queue<Bytes>>(at)) {}
        bool receive(auto&& read) {
            return all.consume_one([&](const bench::message<Bytes>& message) { read(message.bytes); });
        }
        unsigned receive_some(unsigned most, auto&& read) {
            const auto there = static_cast<unsigned>(all.pop(own.get(), most));
            for (unsigned i = 0; i < there; ++i) read(own[i].bytes);
            return there;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<boost_spsc>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
