// user.cpp: a correct user of every kind of queue, with two threads; and, asked for "race", one data race beside it.
#include "noria/noria.hpp"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <thread>

namespace {

struct pair_of_numbers {
    std::uint64_t number;
    std::uint64_t square;
};

constexpr std::uint64_t count = 500;  // many times around the ring: both sides sleep, and wake each other

template <class Queue>
bool of_one_type(const std::filesystem::path& path) {
    auto out = Queue::producer::create(path, {.capacity = 8});
    auto in = Queue::consumer::open(path);
    bool right = true;
    const auto check = [&](std::uint64_t n, const pair_of_numbers& got) {
        right = right && got.number == n && got.square == n * n;
    };
    std::jthread reader([&] {
        for (std::uint64_t n = 0; n < count; n += 2) {
            const auto copied = in.pop();
            check(n, *copied);
            const auto in_place = in.take();
            check(n + 1, *in_place);
        }
        (void)in.counters();
        right = right && !in.pop() && in.why() == noria::outcome::interrupted;
    });
    for (std::uint64_t n = 0; n < count; n += 2) {
        out.push({n, n * n});
        auto claim = out.claim();
        *claim = {n + 1, (n + 1) * (n + 1)};
        claim.commit();
    }
    while (!out.empty()) std::this_thread::yield();
    (void)out.counters();
    const bool seen = noria::inspect(path).roster.size() == 2;
    in.interrupt();
    reader.join();
    return right && seen;
}

template <class Queue>
bool of_any_size(const std::filesystem::path& path, const noria::options& wishes) {
    auto out = Queue::producer::create(path, wishes);
    auto in = Queue::consumer::open(path);
    bool right = true;
    std::thread reader([&] {
        for (std::uint64_t n = 0; n < count; ++n) {
            const auto got = in.take();
            right = right && got.size() == n % 40 + 1 && got.data()[got.size() - 1] == static_cast<std::byte>(n);
        }
    });
    for (std::uint64_t n = 0; n < count; ++n) {
        auto claim = out.claim(n % 40 + 1);
        std::memset(claim.data(), static_cast<int>(n & 0xff), claim.size());
        claim.commit();
    }
    reader.join();
    return right;
}

std::uint64_t shared = 0;

void race() {
    std::thread other([] { shared += 1; });
    shared += 1;
    other.join();
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
    const std::filesystem::path place = count_of_arguments > 1 ? arguments[1] : ".";
    constexpr auto mutex = noria::coordination::robust_mutex;
    const bool right =
        of_one_type<noria::spsc<pair_of_numbers>>(place / "spsc") &&
        of_one_type<noria::mpmc<pair_of_numbers>>(place / "mpmc") &&
        of_one_type<noria::mpmc<pair_of_numbers, mutex>>(place / "mutex") &&
        of_any_size<noria::spsc<noria::bytes>>(place / "bytes", {.capacity_bytes = 256, .message_bytes_max = 40}) &&
        of_any_size<noria::mpmc<noria::bytes>>(place / "crowd", {.capacity = 8, .message_bytes_max = 40});
    if (count_of_arguments > 2 && std::string_view(arguments[2]) == "race") race();
    std::puts(right ? "all messages came" : "a message is wrong");
    return right ? 0 : 1;
}

// SPDX-License-Identifier: BSL-1.0
