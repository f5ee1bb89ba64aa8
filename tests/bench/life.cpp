// life.cpp: what Noria's queues cost apart from traffic: attaching, creating, recovering, waiting, being many; and the machine.
//     life [--quick]       prints lines of: case, queue, nanoseconds (or what the case's name says), between tabs
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <noria/noria.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using noria::rig::child;
using noria::rig::milestone;

struct message {
    std::uint64_t words[8];
};
using spsc = noria::spsc<message>;
using mpmc = noria::mpmc<message>;

const noria::options wishes{.capacity = 4096};

void tell(const std::string& what, const char* queue, double figure) {
    std::printf("%s\t%s\t%.3f\n", what.c_str(), queue, figure);
    static_cast<void>(std::fflush(stdout));
}

template <class F>
double ns_of(F&& body) {
    const auto begun = clock_type::now();
    body();
    return std::chrono::duration<double, std::nano>(clock_type::now() - begun).count();
}

// The median of some tries.
template <class F>
double median_of(int tries, F&& one) {
    std::vector<double> all;
    for (int i = 0; i < tries; ++i) all.push_back(one());
    std::nth_element(all.begin(), all.begin() + tries / 2, all.end());
    return all[static_cast<std::size_t>(tries) / 2];
}

template <class Queue>
void attach_and_create(const char* name) {
    const noria::rig::workspace folder;
    const auto path = folder / "queue";
    tell("create and remove", name, median_of(11, [&] {
             const double time = ns_of([&] { (void)Queue::producer::create(path, wishes); });
             noria::remove(path);
             return time;
         }));
    typename Queue::consumer in{path, wishes};
    std::vector<double> gone;
    tell("attach", name, median_of(31, [&] {
             std::optional<typename Queue::producer> out;
             const double time = ns_of([&] { out.emplace(path, wishes); });
             gone.push_back(ns_of([&] { out.reset(); }));
             return time;
         }));
    tell("detach", name, median_of(31, [&, i = std::size_t{0}]() mutable { return gone[i++]; }));
}

// A victim that does `work` with an endpoint of its own, with that much memory besides, is killed; then how long it takes
// until a consumer that waits has a message. The time begins with the signal, or when the kernel has buried the victim.
enum class begin { killed, buried };

template <class Work>
double recovery(std::size_t resident, begin from, Work work) {
    const noria::rig::workspace folder;
    const auto path = folder / "queue";
    const milestone ready;
    mpmc::consumer in{path, wishes};
    child victim([&] {
        const std::unique_ptr<std::byte[]> memory(new std::byte[resident]);
        std::memset(memory.get(), 1, resident);
        work(path, ready);
        return 0;
    });
    ready.hear();
    mpmc::producer out{path, wishes};
    (void)out.try_push({});  // behind the victim's claim; no room where it holds everything
    const auto receive = [&] {
        if (!in.pop()) std::exit(1);
    };
    if (from == begin::buried) {
        victim.kill();
        return ns_of(receive);
    }
    return ns_of([&] {
        victim.send(SIGKILL);
        receive();
    });
}

void claim_and_stay(const std::filesystem::path& path, const milestone& ready) {
    mpmc::producer out{path, wishes};
    const auto claim = out.claim();
    ready.tell();
    for (;;) pause();
}
void hold_and_stay(const std::filesystem::path& path, const milestone& ready) {
    mpmc::consumer in{path, wishes};
    mpmc::producer out{path, wishes};
    for (int i = 0; i < 4096 && out.try_push({}); ++i) {
    }
    std::vector<mpmc::consumer::lease_type> held;
    while (auto one = in.try_take()) held.push_back(std::move(one));
    ready.tell();
    for (;;) pause();
}

void recoveries(bool quick) {
    tell("recovery of an entry", "noria::mpmc",
         median_of(5, [] { return recovery(0, begin::buried, claim_and_stay); }));
    tell("kill of a claimant to the next delivery", "noria::mpmc",
         median_of(5, [] { return recovery(0, begin::killed, claim_and_stay); }));
    tell("kill of a holder of all to the next delivery", "noria::mpmc",
         median_of(5, [] { return recovery(0, begin::killed, hold_and_stay); }));
    if (quick) return;
    tell("kill of a claimant with 1 GiB to the next delivery", "noria::mpmc",
         recovery(std::size_t{1} << 30, begin::killed, claim_and_stay));
}

// A message around through so many queues of one process.
template <class Queue>
void many_queues(const char* name, std::size_t count) {
    const noria::rig::workspace folder;
    std::vector<typename Queue::producer> out;
    std::vector<typename Queue::consumer> in;
    for (std::size_t i = 0; i < count; ++i) {
        const auto path = folder / std::to_string(i);
        in.emplace_back(path, noria::options{.capacity = 64});
        out.emplace_back(path, noria::options{.capacity = 64});
    }
    constexpr std::size_t messages = 20'000;
    tell("push and pop, one thread, " + std::to_string(count) + " queues", name, median_of(5, [&] {
             return ns_of([&] {
                        for (std::size_t i = 0; i < messages; ++i) {
                            if (!out[i % count].push({}) || !in[i % count].pop()) std::exit(1);
                        }
                    }) /
                    messages;
         }));
}

// What a waiter uses of a processor while nothing comes, in percent.
void idle(bool quick) {
    const noria::rig::workspace folder;
    const auto path = folder / "queue";
    const spsc::producer out{path, wishes};
    const auto time = quick ? 1s : 10s;
    child waiter([&] {
        spsc::consumer in{path, wishes};
        rusage begun{};
        getrusage(RUSAGE_SELF, &begun);
        (void)in.pop_for(time);
        rusage ended{};
        getrusage(RUSAGE_SELF, &ended);
        const auto us = [](const timeval& one, const timeval& other) {
            return static_cast<double>((other.tv_sec - one.tv_sec) * 1'000'000 + other.tv_usec - one.tv_usec);
        };
        const double used = us(begun.ru_utime, ended.ru_utime) + us(begun.ru_stime, ended.ru_stime);
        tell("idle", "noria::spsc", used / (static_cast<double>(time.count()) * 1e6) * 100);
        return 0;
    });
    (void)waiter.wait();
}

// Faults of a process that sends and receives its ring twice through, after opening.
void page_faults() {
    const noria::rig::workspace folder;
    spsc::consumer in{folder / "queue", {.capacity = 65536}};
    spsc::producer out{folder / "queue", {.capacity = 65536}};
    const auto through = [&](int messages) {
        for (int i = 0; i < messages; ++i) {
            if (!out.push({}) || !in.pop()) std::exit(1);
        }
    };
    through(1);  // the code's own pages
    rusage begun{};
    getrusage(RUSAGE_SELF, &begun);
    through(2 * 65536);
    rusage ended{};
    getrusage(RUSAGE_SELF, &ended);
    tell("page faults", "noria::spsc", static_cast<double>(ended.ru_minflt - begun.ru_minflt));
}

void machine() {
    constexpr int calls = 10'000;
    tell("system call", "machine", median_of(5, [] {
             return ns_of([] {
                        for (int i = 0; i < calls; ++i) (void)getppid();
                    }) /
                    calls;
         }));
    std::vector<std::byte> from(std::size_t{1} << 20, std::byte{1});
    std::vector<std::byte> to(from.size());
    for (std::size_t bytes = 64; bytes <= from.size(); bytes *= 4) {
        const std::size_t times = from.size() * 4 / bytes;
        tell("memcpy of " + std::to_string(bytes) + " B", "machine", median_of(5, [&] {
                 return ns_of([&] {
                            for (std::size_t i = 0; i < times; ++i) {
                                std::memcpy(to.data(), from.data(), bytes);
                                asm volatile("" ::: "memory");
                            }
                        }) /
                        static_cast<double>(times);
             }));
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
    machine();
    attach_and_create<spsc>("noria::spsc");
    attach_and_create<mpmc>("noria::mpmc");
    recoveries(quick);
    page_faults();
    for (const std::size_t count : {std::size_t{1}, std::size_t{16}, std::size_t{256}}) {
        many_queues<spsc>("noria::spsc", count);
        many_queues<mpmc>("noria::mpmc", count);
    }
    idle(quick);
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
