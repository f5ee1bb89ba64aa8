// peer.cpp: one side of a queue whose other side was built by another compiler: see run.
//
//     peer QUEUE send PATH COUNT           sends so many messages, and leaves
//     peer QUEUE hold PATH                 takes the first message, and dies by SIGKILL with it in its hands
//     peer QUEUE receive PATH COUNT AGAIN  receives until the stream ends: all of them, in order, so many for a further time
#include <noria/mpmc.hpp>
#include <noria/spsc.hpp>

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct numbered {
    std::uint64_t number;
    double half;
    std::uint32_t complement;
};

numbered make(std::uint64_t n) {
    return {.number = n, .half = static_cast<double>(n) / 2, .complement = ~static_cast<std::uint32_t>(n)};
}
bool is(const numbered& message, std::uint64_t n) {
    const numbered expected = make(n);
    return message.number == n && message.half == expected.half && message.complement == expected.complement;
}

// Bytes of every length up to 299, which say their number.
std::string text(std::uint64_t n) { return std::string(n % 300, static_cast<char>('a' + n % 26)); }
bool is(const noria::bytes& message, std::uint64_t n) { return message.text() == text(n); }

int fail(const char* what, std::uint64_t n) {
    static_cast<void>(std::fprintf(stderr, "peer: %s (message %llu)\n", what, static_cast<unsigned long long>(n)));
    return 1;
}

template <class Queue>
int send(const char* path, std::uint64_t count) {
    typename Queue::producer out{path};
    for (std::uint64_t n = 0; n < count; ++n) {
        bool sent = false;
        if constexpr (Queue::of_bytes)
            sent = out.push(std::string_view(text(n)));
        else
            sent = out.push(make(n));
        if (!sent) return fail("a push found no room", n);
    }
    return 0;
}

template <class Queue>
int hold(const char* path) {
    typename Queue::consumer in{path};
    const auto first = in.take();
    if (!first || first.deliveries() != 1 || !is(*first, 0))
        return fail("not the first message, for the first time", 0);
    return raise(SIGKILL);
}

template <class Queue>
int receive(const char* path, std::uint64_t count, std::uint64_t again) {
    typename Queue::consumer in{path};
    std::uint64_t next = 0;
    std::uint64_t repeated = 0;
    while (const auto message = in.pop()) {
        if (!is(*message, next)) return fail("another message than was sent", next);
        repeated += message.deliveries() > 1 ? 1 : 0;
        ++next;
    }
    if (in.ended() != noria::end::finished) return fail("the stream did not end as it should", next);
    if (next != count) return fail("not all messages came", next);
    if (repeated != again) return fail("not as many came again as were held", repeated);
    return 0;
}

template <class Queue>
int act(std::string_view verb, char** rest) {
    if (verb == "send") return send<Queue>(rest[0], std::strtoull(rest[1], nullptr, 10));
    if (verb == "hold") return hold<Queue>(rest[0]);
    return receive<Queue>(rest[0], std::strtoull(rest[1], nullptr, 10), std::strtoull(rest[2], nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return fail("peer QUEUE send|hold|receive PATH [COUNT [AGAIN]]", 0);
    using enum noria::coordination;
    const std::string_view queue = argv[1];
    if (queue == "spsc") return act<noria::spsc<numbered>>(argv[2], argv + 3);
    if (queue == "spsc_bytes") return act<noria::spsc<noria::bytes>>(argv[2], argv + 3);
    if (queue == "mpmc") return act<noria::mpmc<numbered>>(argv[2], argv + 3);
    if (queue == "mpmc_bytes") return act<noria::mpmc<noria::bytes>>(argv[2], argv + 3);
    if (queue == "mutex") return act<noria::mpmc<numbered, robust_mutex>>(argv[2], argv + 3);
    if (queue == "mutex_bytes") return act<noria::mpmc<noria::bytes, robust_mutex>>(argv[2], argv + 3);
    return fail("no such queue", 0);
}

// SPDX-License-Identifier: BSL-1.0
