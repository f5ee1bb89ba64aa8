// boost_message_queue.cpp: Boost.Interprocess's message_queue, a heap under one mutex.
// Debian: libboost-dev
#include "bench/worker/work.hpp"

#include <boost/date_time/posix_time/posix_time.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <memory>

namespace {

namespace interprocess = boost::interprocess;

// In /dev/shm under a name: who is first makes it, and the driver removes the file with the others of the round.
std::unique_ptr<interprocess::message_queue> open_queue(const bench::place& at, std::size_t bytes) {
    const std::string name = at.path.substr(std::string_view("/dev/shm/").size());
    if (!at.first) return std::make_unique<interprocess::message_queue>(interprocess::open_only, name.c_str());
    return std::make_unique<interprocess::message_queue>(interprocess::create_only, name.c_str(), at.capacity, bytes);
}

struct message_queue {
    static constexpr std::string_view name = "boost::interprocess::message_queue";
    static constexpr std::string_view setup = "try_send, try_receive; asleep: receive";
    static constexpr bench::abilities can{.producers = 16, .consumers = 16, .sleeps = true};

    template <std::size_t Bytes>
    struct sender {
        std::unique_ptr<interprocess::message_queue> all;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};
        bool waiting = false;  // with a message that found no room

        explicit sender(const bench::place& at) : all(open_queue(at, Bytes)) {}
        bool send(auto&& write) {
            if (!waiting) write(own->bytes);
            return !(waiting = !all->try_send(own->bytes, Bytes, 0));
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        std::unique_ptr<interprocess::message_queue> all;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};
        bool asleep;

        explicit receiver(const bench::place& at) : all(open_queue(at, Bytes)), asleep(at.asleep) {}
        bool receive(auto&& read) {
            std::size_t size = 0;
            unsigned priority = 0;
            if (asleep)
                all->receive(own->bytes, Bytes, size, priority);
            else if (!all->try_receive(own->bytes, Bytes, size, priority))
                return false;
            read(own->bytes);
            return true;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<message_queue>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
