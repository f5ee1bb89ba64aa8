// zeromq.cpp: ZeroMQ, a PAIR of sockets over ipc://.
// Debian: libzmq3-dev
// Link: -lzmq
#include "bench/worker/work.hpp"

#include <stdexcept>
#include <zmq.h>

namespace {

class channel {
public:
    explicit channel(const bench::place& at) : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_PAIR)) {
        const std::string address = "ipc://" + at.path;
        if ((at.first ? zmq_bind : zmq_connect)(socket_, address.c_str()) != 0)
            throw std::runtime_error(zmq_strerror(errno));
    }
    void* socket() const { return socket_; }

private:
    void* context_;  // ends with the process, when all has been received
    void* socket_;
};

struct zeromq {
    static constexpr std::string_view name = "ZeroMQ";
    static constexpr std::string_view setup =
        "PAIR, ipc://, default high-water marks; without waiting; asleep: zmq_recv";
    static constexpr bench::abilities can{.sleeps = true};

    template <std::size_t Bytes>
    struct sender : channel {
        using channel::channel;
        bool send(auto&& write) {
            zmq_msg_t message;
            zmq_msg_init_size(&message, Bytes);
            write(static_cast<std::byte*>(zmq_msg_data(&message)));
            if (zmq_msg_send(&message, socket(), ZMQ_DONTWAIT) >= 0) return true;
            zmq_msg_close(&message);
            return false;
        }
    };
    template <std::size_t Bytes>
    struct receiver : channel {
        int flags;
        explicit receiver(const bench::place& at) : channel(at), flags(at.asleep ? 0 : ZMQ_DONTWAIT) {}
        bool receive(auto&& read) {
            zmq_msg_t message;
            zmq_msg_init(&message);
            const bool there = zmq_msg_recv(&message, socket(), flags) >= 0;
            if (there) read(static_cast<const std::byte*>(zmq_msg_data(&message)));
            zmq_msg_close(&message);
            return there;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<zeromq>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
