// life.cpp: what Noria's queues cost apart from traffic: attaching, creating, recovering, waiting, being many; and the machine.
//     life [--quick]       prints lines of: case, queue, nanoseconds (or what the case's name says), between tabs
#include "bench/life/growth.hpp"
#include "bench/life/recovery.hpp"

#include <sys/resource.h>

#include <cstring>
#include <string_view>

namespace {

using namespace bench::life;

constexpr const char* machine_name = "machine";

double ms_of(const timeval& from, const timeval& to) {
    return static_cast<double>((to.tv_sec - from.tv_sec) * 1'000'000 + to.tv_usec - from.tv_usec) / 1e3;
}

// What a wait of so long uses of a processor, in percent.
template <class Wait>
double share_of(std::chrono::seconds time, Wait&& wait) {
    rusage begun{};
    getrusage(RUSAGE_SELF, &begun);
    wait();
    rusage ended{};
    getrusage(RUSAGE_SELF, &ended);
    const double used_ms = ms_of(begun.ru_utime, ended.ru_utime) + ms_of(begun.ru_stime, ended.ru_stime);
    return used_ms / (static_cast<double>(time.count()) * 1e3) * 100;
}

template <class Queue>
noria::rig::child idle_waiter(named<Queue> queue, std::chrono::seconds time) {
    return noria::rig::child([queue, time] {
        const noria::rig::workspace folder;
        const typename Queue::producer out{folder / "queue", wishes};
        typename Queue::consumer in{folder / "queue", wishes};
        tell("idle", queue.name, share_of(time, [&] { (void)in.pop_for(time); }));
        return 0;
    });
}

// What the machine takes of it, for waking as often and doing nothing.
noria::rig::child idle_machine(std::chrono::seconds time) {
    return noria::rig::child([time] {
        tell("idle, bare sleeps of a slice", machine_name, share_of(time, [&] {
                 const auto end = clock_type::now() + time;
                 while (clock_type::now() < end) std::this_thread::sleep_for(slice);
             }));
        return 0;
    });
}

void idle(bool quick) {
    const auto time = quick ? 2s : 10s;
    noria::rig::child all[] = {idle_waiter(spsc, time), idle_waiter(mpmc, time), idle_waiter(spsc_mutex, time),
                               idle_waiter(mpmc_mutex, time), idle_machine(time)};
    for (auto& each : all) {
        if (each.wait() != noria::rig::fate{.exit_status = 0}) throw std::runtime_error("an idle waiter failed");
    }
}

// Faults of a process that sends and receives its ring twice through, after opening.
template <class Queue>
void page_faults(named<Queue> queue) {
    constexpr int capacity = 65536;
    const noria::rig::workspace folder;
    typename Queue::consumer in{folder / "queue", {.capacity = capacity}};
    typename Queue::producer out{folder / "queue", {.capacity = capacity}};
    const auto through = [&](int messages) {
        for (int i = 0; i < messages; ++i) {
            if (!out.push({}) || !in.pop()) throw std::runtime_error("a message did not come");
        }
    };
    through(1);  // the code's own pages
    rusage begun{};
    getrusage(RUSAGE_SELF, &begun);
    through(2 * capacity);
    rusage ended{};
    getrusage(RUSAGE_SELF, &ended);
    tell("page faults", queue.name, static_cast<double>(ended.ru_minflt - begun.ru_minflt));
}

void machine() {
    constexpr int calls = 10'000;
    tell("system call", machine_name, median_of(5, [] {
             return ns_of([] {
                        for (int i = 0; i < calls; ++i) (void)getppid();
                    }) /
                    calls;
         }));
    std::vector<std::byte> from(std::size_t{1} << 20, std::byte{1});
    std::vector<std::byte> to(from.size());
    for (std::size_t bytes = 64; bytes <= from.size(); bytes *= 4) {
        const std::size_t times = from.size() * 4 / bytes;
        tell("memcpy of " + std::to_string(bytes) + " B", machine_name, median_of(5, [&] {
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

// What the kernel takes to take a process of so much memory apart, up to its parent's word of it.
void burials(bool quick) {
    const auto of = [](std::size_t resident) {
        const noria::rig::milestone ready;
        noria::rig::child victim([&] {
            const auto memory = resident_memory(resident);
            ready.tell();
            stay();
            return 0;
        });
        ready.hear();
        return ns_of([&] { victim.kill(); });
    };
    tell("SIGKILL to the burial", machine_name, median_of(5, [&] { return of(0); }));
    if (!quick) tell("SIGKILL to the burial, 1 GiB", machine_name, of(std::size_t{1} << 30));
}

}  // namespace

int main(int argc, char** argv) {
    const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
    try {
        machine();
        burials(quick);
        growth(quick);
        recoveries(quick);
        page_faults(spsc);
        page_faults(mpmc);
        idle(quick);
    } catch (const std::exception& thrown) {
        (void)std::fprintf(stderr, "%s\n", thrown.what());
        return 1;
    }
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
