// kernel.cpp: what the kernel offers as streams of messages: a pipe, a Unix socket, and a ring with an eventfd's kin.
#include "bench/worker/shared_memory.hpp"
#include "bench/worker/work.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>

namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// Whether the descriptor was ready; whoever may sleep waits for it.
bool ready(int descriptor, short events, bool asleep) {
    pollfd one{descriptor, events, 0};
    return poll(&one, 1, asleep ? 100 : 0) > 0;
}

// A message may go through in pieces; those of the pipe's size and below never do.
bool write_all(int descriptor, const std::byte* from, std::size_t bytes) {
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t n = write(descriptor, from + done, bytes - done);
        if (n > 0)
            done += static_cast<std::size_t>(n);
        else if (done == 0)
            return false;
        else
            (void)ready(descriptor, POLLOUT, true);
    }
    return true;
}
bool read_all(int descriptor, std::byte* to, std::size_t bytes) {
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t n = read(descriptor, to + done, bytes - done);
        if (n > 0)
            done += static_cast<std::size_t>(n);
        else if (done == 0)
            return false;
        else
            (void)ready(descriptor, POLLIN, true);
    }
    return true;
}

// Both ends keep the FIFO open for reading and writing, so that opening it waits for nobody.
int open_fifo(const bench::place& at) {
    if (at.first && mkfifo(at.path.c_str(), 0600) != 0) fail("mkfifo");
    const int fifo = open(at.path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fifo < 0) fail("open");
    (void)fcntl(fifo, F_SETPIPE_SZ, 1 << 20);
    return fifo;
}

// Who is first listens, and takes the other's connection when it first sends or receives.
int open_socket(const bench::place& at) {
    const int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const int bytes = 4 << 20;
    (void)setsockopt(file, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    at.path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* const where = reinterpret_cast<const sockaddr*>(&address);
    if (at.first) {
        if (bind(file, where, sizeof address) != 0 || listen(file, 1) != 0) fail("bind");
    } else if (connect(file, where, sizeof address) != 0) {
        fail("connect");
    }
    return file;
}

struct pipe_of {
    static int open(const bench::place& at) { return open_fifo(at); }
    static int connected(int file, bool) { return file; }
};
struct socket_of {
    static int open(const bench::place& at) { return open_socket(at); }
    static int connected(int file, bool first) {
        const int peer = first ? accept4(file, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK) : file;
        if (peer < 0) fail("accept");
        const int bytes = 4 << 20;
        (void)setsockopt(peer, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
        if (!first) (void)fcntl(peer, F_SETFL, O_NONBLOCK);
        return peer;
    }
};

template <class How>
struct end {
    int file;
    bool first;
    bool asleep;
    int peer = -1;
    explicit end(const bench::place& at) : file(How::open(at)), first(at.first), asleep(at.asleep) {}
    int descriptor() {
        if (peer < 0) peer = How::connected(file, first);
        return peer;
    }
};

template <class How>
struct through_kernel {
    static constexpr bench::abilities can{.sleeps = true};
    template <std::size_t Bytes>
    struct sender : end<How> {
        using end<How>::end;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};
        bool send(auto&& write) {
            write(own->bytes);
            return write_all(this->descriptor(), own->bytes, Bytes);
        }
    };
    template <std::size_t Bytes>
    struct receiver : end<How> {
        using end<How>::end;
        std::unique_ptr<bench::message<Bytes>> own{new bench::message<Bytes>};
        bool receive(auto&& read) {
            if (this->asleep && !ready(this->descriptor(), POLLIN, true)) return false;
            if (!read_all(this->descriptor(), own->bytes, Bytes)) return false;
            read(own->bytes);
            return true;
        }
    };
};

struct pipe_queue : through_kernel<pipe_of> {
    static constexpr std::string_view name = "pipe";
    static constexpr std::string_view setup = "FIFO of 1 MiB, one call for a message; asleep: poll";
};
struct seqpacket : through_kernel<socket_of> {
    static constexpr std::string_view name = "AF_UNIX seqpacket";
    static constexpr std::string_view setup = "SOCK_SEQPACKET, buffers of 4 MiB, one call for a message; asleep: poll";
};

// A ring with the reader's doorbell rung for each message. An eventfd has no name by which another program could open it;
// a FIFO of one byte has, and costs the same.
struct doorbell {
    static constexpr std::string_view name = "ring and doorbell";
    static constexpr std::string_view setup =
        "cached-index ring, and a byte in a FIFO for each message: an eventfd with a name";
    static constexpr bench::abilities can{.largest = 4096, .sleeps = true};

    template <std::size_t Bytes>
    struct ring {
        alignas(128) std::atomic<std::uint64_t> tail;
        alignas(128) std::atomic<std::uint64_t> head;
        alignas(128) std::byte slot[Bytes * bench::capacity_for(Bytes)];
    };
    static int bell(const bench::place& at) {
        bench::place there = at;
        there.path += ".bell";
        return open_fifo(there);
    }
    template <std::size_t Bytes>
    struct sender {
        ring<Bytes>& all;
        int rung;
        std::uint64_t mask;
        std::uint64_t tail = 0;
        explicit sender(const bench::place& at)
            : all(bench::map_object<ring<Bytes>>(at)), rung(bell(at)), mask(at.capacity - 1) {}
        bool send(auto&& write) {
            if (tail - all.head.load(std::memory_order_acquire) > mask) return false;
            write(all.slot + (tail & mask) * Bytes);
            all.tail.store(++tail, std::memory_order_release);
            const char byte = 0;
            (void)!::write(rung, &byte, 1);
            return true;
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        ring<Bytes>& all;
        int rung;
        std::uint64_t mask;
        bool asleep;
        std::uint64_t head = 0;
        explicit receiver(const bench::place& at)
            : all(bench::map_object<ring<Bytes>>(at)), rung(bell(at)), mask(at.capacity - 1), asleep(at.asleep) {}
        bool receive(auto&& read_it) {
            if (all.tail.load(std::memory_order_acquire) == head) {
                char bytes[4096];
                if (asleep) (void)ready(rung, POLLIN, true);
                (void)!::read(rung, bytes, sizeof bytes);
                if (all.tail.load(std::memory_order_acquire) == head) return false;
            }
            read_it(all.slot + (head & mask) * Bytes);
            all.head.store(++head, std::memory_order_release);
            return true;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<pipe_queue, seqpacket, doorbell>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
