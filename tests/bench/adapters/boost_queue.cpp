// boost_queue.cpp: boost::lockfree::queue, fixed size, whose nodes are indices: it works in a shared mapping.
// Debian: libboost-dev
#include "bench/worker/shared_memory.hpp"
#include "bench/worker/work.hpp"

#include <boost/lockfree/queue.hpp>
#include <memory>

namespace {

struct boost_queue {
    static constexpr std::string_view name = "boost::lockfree::queue";
    static constexpr std::string_view setup = "fixed_sized, capacity; bounded_push and pop copy";
    static constexpr bench::abilities can{.producers = 16, .consumers = 16};

    template <std::size_t Bytes>
    using queue = boost::lockfree::queue<bench::message<Bytes>, boost::lockfree::capacity<bench::capacity_for(Bytes)>,
                                         boost::lockfree::fixed_sized<true>>;
    template <std::size_t Bytes>
    struct sender {
        queue<Bytes>& all;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};
        bool waiting = false;  // with a message that found no room

        explicit sender(const bench::place& at) : all(bench::map_object<queue<Bytes>>(at)) {}
        bool send(auto&& write) {
            if (!waiting) write(own->bytes);
            return !(waiting = !all.bounded_push(*own));
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        queue<Bytes>& all;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};

        explicit receiver(const bench::place& at) : all(bench::map_object<queue<Bytes>>(at)) {}
        bool receive(auto&& read) {
            if (!all.pop(*own)) return false;
            read(own->bytes);
            return true;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<boost_queue>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
