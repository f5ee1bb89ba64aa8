// posix_mq.cpp: POSIX message queues, which the kernel keeps.
#include "bench/worker/work.hpp"

#include <cerrno>
#include <memory>
#include <mqueue.h>
#include <system_error>

namespace {

// The kernel allows 10 messages of 8 KiB to whoever has not been given more.
mqd_t open_queue(const bench::place& at, std::size_t bytes, int direction) {
    const std::string name = "/" + at.path.substr(at.path.find_last_of('/') + 1);
    mq_attr shape{};
    shape.mq_maxmsg = 10;
    shape.mq_msgsize = static_cast<long>(bytes);
    const int flags = direction | O_CLOEXEC | (at.asleep ? 0 : O_NONBLOCK);
    if (at.first) mq_unlink(name.c_str());
    const mqd_t queue = mq_open(name.c_str(), flags | (at.first ? O_CREAT : 0), 0600, &shape);
    if (queue < 0) throw std::system_error(errno, std::generic_category(), "mq_open");
    if (!at.first) mq_unlink(name.c_str());  // two workers: both are here
    return queue;
}

struct posix_mq {
    static constexpr std::string_view name = "POSIX mq";
    static constexpr std::string_view setup =
        "10 messages, as the kernel allows everybody; O_NONBLOCK, asleep: mq_receive";
    static constexpr bench::abilities can{.largest = 4096, .sleeps = true};

    template <std::size_t Bytes>
    struct sender {
        mqd_t all;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};
        explicit sender(const bench::place& at) : all(open_queue(at, Bytes, O_WRONLY)) {}
        bool send(auto&& write) {
            write(own->bytes);
            return mq_send(all, reinterpret_cast<const char*>(own->bytes), Bytes, 0) == 0;
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        mqd_t all;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};
        explicit receiver(const bench::place& at) : all(open_queue(at, Bytes, O_RDONLY)) {}
        bool receive(auto&& read) {
            if (mq_receive(all, reinterpret_cast<char*>(own->bytes), Bytes, nullptr) < 0) return false;
            read(own->bytes);
            return true;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<posix_mq>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
