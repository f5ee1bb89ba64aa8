// recovery.hpp: how long a death delays the others: from SIGKILL, and from the kernel's word on it, to the next delivery.
//
// The victim dies inside a claim; holding one message, or all of a full ring; or between the store that publishes a message
// and the system call that wakes its sleeper, where ptrace has halted it. A consumer sleeps meanwhile. It may carry memory,
// which the kernel takes apart before it releases a lock; hence the second clock. Deaths come at any moment of a sleeper's
// slice, so the tries are spread over one.
#pragma once

#include "bench/life/figures.hpp"
#include "rig/child.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/futex.h>
#include <memory>
#include <stdexcept>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace bench::life {

// From the signal, and from the kernel's word, to the next delivery.
struct delay {
    double from_kill_ns = 0;
    double from_word_ns = 0;
};

constexpr auto slice = std::chrono::duration_cast<std::chrono::nanoseconds>(noria::waiting{}.slice);

// Tells when the kernel has closed a dead process's files, which releases its locks: give or take some microseconds.
class last_words {
public:
    last_words() {
        if (pipe2(ends_, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    }
    ~last_words() {
        close(ends_[0]);
        close(ends_[1]);
    }
    last_words(const last_words&) = delete;
    last_words& operator=(const last_words&) = delete;

    // Once the victim has its copy: the parent gives up its own.
    void leave_to_victim() {
        close(ends_[1]);
        ends_[1] = -1;
    }
    [[nodiscard]] clock_type::time_point await() const {
        char none = 0;
        while (read(ends_[0], &none, 1) < 0 && errno == EINTR) {
        }
        return clock_type::now();
    }

private:
    int ends_[2] = {-1, -1};
};

// A consumer that waits in a thread of its own.
template <class Consumer>
class sleeper {
public:
    explicit sleeper(Consumer& in)
        : in_(in), thread_([this] {
              thread_number_.store(static_cast<pid_t>(syscall(SYS_gettid)));
              delivered_ = static_cast<bool>(in_.pop());
              at_ = clock_type::now();
          }) {}
    ~sleeper() {
        in_.interrupt();
        if (thread_.joinable()) thread_.join();
    }
    sleeper(const sleeper&) = delete;
    sleeper& operator=(const sleeper&) = delete;

    void await_sleep() const {
        const bool asleep = noria::rig::eventually([&] {
            const pid_t number = thread_number_.load();
            return number != 0 && noria::rig::sleeps_in_futex(number);
        });
        if (!asleep) throw std::runtime_error("a consumer of an empty queue does not go to sleep");
    }
    clock_type::time_point delivery() {
        thread_.join();
        if (!delivered_) throw std::runtime_error("a consumer was told of an end in place of a message");
        return at_;
    }

private:
    Consumer& in_;
    std::atomic<pid_t> thread_number_{0};
    bool delivered_ = false;
    clock_type::time_point at_;
    std::thread thread_;
};

inline std::unique_ptr<std::byte[]> resident_memory(std::size_t bytes) {
    std::unique_ptr<std::byte[]> memory(new std::byte[bytes]);
    std::memset(memory.get(), 1, bytes);
    asm volatile("" ::"r"(memory.get()) : "memory");
    return memory;
}

[[noreturn]] inline void stay() {
    for (;;) pause();
}

enum class deed { claim, hold_one, hold_all };

// What the victim does, and where it stays until it is killed.
template <class Queue>
[[noreturn]] void commit(deed what, const std::filesystem::path& path, const noria::rig::milestone& ready) {
    typename Queue::producer out{path, wishes};
    if (what == deed::claim) {
        const auto claim = out.claim();
        ready.tell();
        stay();
    }
    typename Queue::consumer in{path, wishes};
    for (std::uint64_t i = 0; i < (what == deed::hold_one ? 1 : slots) && out.try_push({}); ++i) {
    }
    std::vector<typename Queue::consumer::lease_type> held;
    while (auto one = in.try_take()) held.push_back(std::move(one));
    ready.tell();
    stay();
}

template <class Queue>
delay death_of(deed what, std::size_t resident, std::chrono::nanoseconds after) {
    const noria::rig::workspace folder;
    const auto path = folder / "queue";
    const noria::rig::milestone ready;
    last_words word;
    typename Queue::consumer in{path, wishes};
    noria::rig::child victim([&] {
        const auto memory = resident_memory(resident);
        commit<Queue>(what, path, ready);
        return 0;
    });
    word.leave_to_victim();
    ready.hear();
    typename Queue::producer out{path, wishes};
    if (what == deed::claim) (void)out.try_push({});  // the message behind the claim
    sleeper waiting(in);
    waiting.await_sleep();
    std::this_thread::sleep_for(after);
    const auto killed = clock_type::now();
    victim.send(SIGKILL);
    const auto told = word.await();
    const auto delivered = waiting.delivery();
    return {ns_between(killed, delivered), std::max(ns_between(told, delivered), 0.0)};
}

// Killed at the entry of the call that would wake the consumer. Where that has just woken by itself, another try.
template <class Queue>
delay death_of_a_waker(std::size_t resident, std::chrono::nanoseconds after) {
    for (int tries = 0; tries < 100; ++tries) {
        const noria::rig::workspace folder;
        const auto path = folder / "queue";
        typename Queue::consumer in{path, wishes};
        noria::rig::stepped_child victim([&] {
            const auto memory = resident_memory(resident);
            typename Queue::producer out{path, wishes};
            out.push({});
            stay();
            return 0;
        });
        sleeper waiting(in);
        waiting.await_sleep();
        std::this_thread::sleep_for(after);
        bool ringing = false;
        while (!ringing && victim.step() && victim.entering() != std::uint64_t{SYS_pause})
            ringing = victim.entering() == std::uint64_t{SYS_futex} &&
                      (static_cast<int>(victim.argument(1)) & FUTEX_CMD_MASK) == FUTEX_WAKE &&
                      noria::inspect(path).counters.sent == 1;
        const auto killed = clock_type::now();
        victim.kill();
        const auto told = clock_type::now();
        const auto delivered = waiting.delivery();
        if (ringing && delivered > killed)
            return {ns_between(killed, delivered), std::max(ns_between(told, delivered), 0.0)};
    }
    throw std::runtime_error("no waker was found at its system call");
}

// One to one nobody else is there: an heir opens the dead one's role at once, and sends, or receives what it held.
template <class Queue>
double inheritance(bool of_producer) {
    const noria::rig::workspace folder;
    const auto path = folder / "queue";
    const noria::rig::milestone ready;
    const noria::options patient{.capacity = slots, .wait_for_role = std::chrono::seconds(10), .await_successor = true};
    noria::rig::child victim([&] {
        if (of_producer) {
            typename Queue::producer out{path, wishes};
            const auto claim = out.claim();
            ready.tell();
            stay();
        }
        typename Queue::consumer in{path, wishes};
        const auto held = in.take();
        ready.tell();
        stay();
        return 0;
    });
    if (of_producer) {
        typename Queue::consumer in{path, patient};
        ready.hear();
        sleeper waiting(in);
        waiting.await_sleep();
        const auto killed = clock_type::now();
        victim.send(SIGKILL);
        typename Queue::producer out{path, patient};
        out.push({});
        return ns_between(killed, waiting.delivery());
    }
    typename Queue::producer out{path, patient};
    out.push({});
    ready.hear();
    return ns_of([&] {
        victim.send(SIGKILL);
        typename Queue::consumer in{path, patient};
        if (!in.pop()) throw std::runtime_error("an heir was not given what the dead consumer held");
    });
}

// Recovering by itself: the victim is buried before the consumer looks.
template <class Queue>
double recovery_of_an_entry() {
    const noria::rig::workspace folder;
    const auto path = folder / "queue";
    const noria::rig::milestone ready;
    typename Queue::consumer in{path, wishes};
    noria::rig::child victim([&] {
        commit<Queue>(deed::claim, path, ready);
        return 0;
    });
    ready.hear();
    typename Queue::producer out{path, wishes};
    (void)out.try_push({});
    victim.kill();
    return ns_of([&] {
        if (!in.pop()) throw std::runtime_error("no message comes after a death");
    });
}

template <class Queue>
void recoveries_of_many(named<Queue> queue, std::size_t resident, int tries) {
    const std::string load = resident == 0 ? "" : ", 1 GiB";
    const auto of = [&](const std::string& who, auto&& one) {
        std::vector<double> from_kill;
        std::vector<double> from_word;
        for (int i = 0; i < tries; ++i) {
            const delay found = one(slice * i / tries);
            from_kill.push_back(found.from_kill_ns);
            from_word.push_back(found.from_word_ns);
        }
        tell("SIGKILL of a " + who + " to the next delivery" + load, queue.name, median(from_kill));
        tell("kernel's word on a dead " + who + " to the next delivery" + load, queue.name, median(from_word));
    };
    of("claimant", [&](auto after) { return death_of<Queue>(deed::claim, resident, after); });
    of("holder of 1", [&](auto after) { return death_of<Queue>(deed::hold_one, resident, after); });
    of("holder of " + std::to_string(slots),
       [&](auto after) { return death_of<Queue>(deed::hold_all, resident, after); });
    of("waker", [&](auto after) { return death_of_a_waker<Queue>(resident, after); });
}

template <class Queue>
void recoveries_of_one(named<Queue> queue, int tries) {
    tell("SIGKILL of a claimant to its heir's message", queue.name,
         median_of(tries, [] { return inheritance<Queue>(true); }));
    tell("SIGKILL of a holder of 1 to its heir's delivery", queue.name,
         median_of(tries, [] { return inheritance<Queue>(false); }));
}

inline void recoveries(bool quick) {
    tell("recovery of an entry", mpmc.name, median_of(5, [] { return recovery_of_an_entry<decltype(mpmc)::type>(); }));
    const int tries = quick ? 5 : 9;
    recoveries_of_many(mpmc, 0, tries);
    recoveries_of_many(mpmc_mutex, 0, tries);
    recoveries_of_one(spsc, tries);
    recoveries_of_one(spsc_mutex, tries);
    if (quick) return;
    recoveries_of_many(mpmc, std::size_t{1} << 30, 1);
    recoveries_of_many(mpmc_mutex, std::size_t{1} << 30, 1);
}

}  // namespace bench::life

// SPDX-License-Identifier: BSL-1.0
