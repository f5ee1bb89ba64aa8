// nng.cpp: nng, a pair of sockets over ipc://.
// Debian: libnng-dev libmbedtls-dev
// Link: -lnng
#include "bench/worker/work.hpp"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <stdexcept>

namespace {

class channel {
public:
    explicit channel(const bench::place& at) {
        const std::string address = "ipc://" + at.path;
        must(nng_pair0_open(&socket_));
        must(nng_socket_set_int(socket_, NNG_OPT_SENDBUF, 1000));
        must(nng_socket_set_int(socket_, NNG_OPT_RECVBUF, 1000));
        must(nng_socket_set_size(socket_, NNG_OPT_RECVMAXSZ, 0));
        must(at.first ? nng_listen(socket_, address.c_str(), nullptr, 0)
                      : nng_dial(socket_, address.c_str(), nullptr, 0));
    }
    nng_socket socket() const { return socket_; }

private:
    static void must(int code) {
        if (code != 0) throw std::runtime_error(nng_strerror(code));
    }
    nng_socket socket_{};
};

struct nng {
    static constexpr std::string_view name = "nng";
    static constexpr std::string_view setup =
        "pair0, ipc://, buffers of 1000 messages; without waiting; asleep: nng_recvmsg";
    static constexpr bench::abilities can{.sleeps = true};

    template <std::size_t Bytes>
    struct sender : channel {
        using channel::channel;
        bool send(auto&& write) {
            nng_msg* message = nullptr;
            nng_msg_alloc(&message, Bytes);
            write(static_cast<std::byte*>(nng_msg_body(message)));
            if (nng_sendmsg(socket(), message, NNG_FLAG_NONBLOCK) == 0) return true;
            nng_msg_free(message);
            return false;
        }
    };
    template <std::size_t Bytes>
    struct receiver : channel {
        int flags;
        explicit receiver(const bench::place& at) : channel(at), flags(at.asleep ? 0 : NNG_FLAG_NONBLOCK) {}
        bool receive(auto&& read) {
            nng_msg* message = nullptr;
            if (nng_recvmsg(socket(), &message, flags) != 0) return false;
            read(static_cast<const std::byte*>(nng_msg_body(message)));
            nng_msg_free(message);
            return true;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<nng>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
