// signals_test.cpp: signals by the thousand disturb no verb; a service ends on SIGTERM; a thread may be cancelled.
#include "process/scene.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <thread>

using namespace scene;

namespace {

std::atomic<std::uint64_t> signals_handled;

void handle(int) noexcept { signals_handled.fetch_add(1); }

// SIGALRM ten thousand times a second, handled without SA_RESTART, as long as the object lives.
class pestering {
public:
    pestering() {
        struct sigaction action {};
        action.sa_handler = handle;
        sigaction(SIGALRM, &action, nullptr);
        set(100);
    }
    ~pestering() {
        set(0);
        signal(SIGALRM, SIG_IGN);
    }
    pestering(const pestering&) = delete;
    pestering& operator=(const pestering&) = delete;

private:
    static void set(suseconds_t microseconds) {
        const itimerval every{.it_interval = {.tv_sec = 0, .tv_usec = microseconds},
                              .it_value = {.tv_sec = 0, .tv_usec = microseconds}};
        setitimer(ITIMER_REAL, &every, nullptr);
    }
};

// The endpoint that a service's SIGTERM handler interrupts.
numbers::consumer* served = nullptr;
numbers::producer* feeding = nullptr;

}  // namespace

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(ten_thousand_signals_a_second_disturb_no_push_and_no_pop) {
    // Both sides are pestered; the queue is so short that both wait over and over.
    const rig::workspace place;
    const auto path = place / "queue";
    rig::child producer([&] {
        const pestering always;
        numbers::producer out{path, {.capacity = 2}};
        for (std::uint64_t n = 0; n < 20000; ++n) insist(out.push(number(n)), "the push succeeds");
        return 0;
    });
    rig::child consumer([&] {
        const pestering always;
        numbers::consumer in{path, {.capacity = 2}};
        for (std::uint64_t n = 0; n < 20000; ++n) {
            if (n % 2 == 0) {
                const auto got = in.pop();
                insist(got && got->number == n, "pop returns the next message");
            } else {
                const auto lease = in.take();
                insist(lease && lease->number == n, "take returns the next message");
            }
        }
        hear_end(in, noria::end::finished);
        return 0;
    });
    BOOST_TEST(producer.wait() == well);
    BOOST_TEST(consumer.wait() == well);
}

BOOST_AUTO_TEST_CASE(ten_thousand_signals_a_second_shorten_no_wait) {
    rig::child process([&] {
        const rig::workspace place;
        const pestering always;
        const auto path = place / "queue";
        numbers::producer out{path, {.capacity = 2}};
        numbers::consumer in{path};
        const auto waits_out = [&](auto verb) {
            const auto begin = std::chrono::steady_clock::now();
            const std::uint64_t before = signals_handled;
            insist(!verb(), "there is nothing to be had");
            insist(signals_handled != before, "signals came meanwhile");
            insist(std::chrono::steady_clock::now() - begin >= a_while, "the wait lasts as long as it was asked to");
        };
        waits_out([&] { return static_cast<bool>(in.pop_for(a_while)); });
        insist(in.why() == noria::outcome::timed_out, "it timed out");
        waits_out([&] { return static_cast<bool>(in.take_until(std::chrono::steady_clock::now() + a_while)); });
        insist(in.why() == noria::outcome::timed_out, "it timed out");
        send(out, 0, 2);
        waits_out([&] { return out.push_for(number(2), a_while); });
        insist(out.why() == noria::outcome::timed_out, "it timed out");
        waits_out([&] { return static_cast<bool>(out.claim_for(a_while)); });
        insist(out.why() == noria::outcome::timed_out, "it timed out");
        waits_out([&] {
            std::error_code code;
            (void)numbers::consumer::open(place / "none", {.wait_for_file = a_while}, code);
            insist(code == noria::errc::not_found, "there is no file");
            return false;
        });
        waits_out([&] {
            std::error_code code;
            (void)numbers::producer::open(path, {.wait_for_role = a_while}, code);
            insist(code == noria::errc::role_taken, "the role is taken");
            return false;
        });
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(ten_thousand_signals_a_second_disturb_no_creation) {
    // Large enough that the allocation of the file is interrupted many times over.
    rig::child process([&] {
        for (const char* root : {"/dev/shm", "/var/tmp"}) {
            const rig::workspace place(root);
            const pestering always;
            for (int round = 0; round < 3; ++round) {
                const auto path = place / "queue";
                const noria::options wishes{.capacity_bytes = std::uint64_t{64} << 20};
                auto out = texts::producer::create(path, wishes);
                auto in = texts::consumer::open(path);
                insist(out.push(noria::bytes("hello")), "the push succeeds");
                const auto got = in.pop();
                insist(got && got->text() == "hello", "the message arrives");
                insist(noria::inspect(path).roster.size() == 2, "both are seen");
                std::error_code code;
                noria::remove(path, code);
                insist(code == noria::errc::in_use, "the queue is in use");
                { const auto last = std::move(out); }
                { const auto last = std::move(in); }
                noria::remove(path);
            }
        }
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(service_ends_on_sigterm_through_interrupt) {
    // The service consumes until it is told to end: its handler does nothing but interrupt(). The signal comes at any
    // time, before the first wait or in the middle of one, while messages flow or while none do; each time the service
    // leaves its loop, closes, and exits with 0, and its peer hears `finished`. What it did not take is still there.
    const rig::workspace place;
    for (std::uint64_t round = 0; round < 100; ++round) {
        const auto path = place / ("queue" + std::to_string(round));
        const rig::milestone ready;
        const rig::shared_page<std::atomic<std::uint64_t>> served_messages;
        rig::child service([&] {
            numbers::consumer in{path, {.capacity = 8}};
            served = &in;
            struct sigaction action {};
            action.sa_handler = [](int) { served->interrupt(); };
            sigaction(SIGTERM, &action, nullptr);
            ready.tell();
            while (in.pop()) served_messages->fetch_add(1);
            insist(in.why() == noria::outcome::interrupted, "the wait was interrupted");
            return 0;
        });
        ready.hear();
        numbers::producer out{path};
        const std::uint64_t few = round % 5;
        send(out, 0, few);
        if (round % 3 == 0) await_sleep(service);
        service.send(SIGTERM);
        BOOST_REQUIRE(service.wait() == well);
        const auto seen = noria::inspect(path);
        BOOST_REQUIRE(!seen.consumers.abandoned);
        BOOST_REQUIRE(seen.counters.consumer_deaths == 0U);
        numbers::consumer in{path};
        receive(in, *served_messages, few);
        BOOST_REQUIRE(!in.try_pop());
    }
}

BOOST_AUTO_TEST_CASE(producing_service_ends_on_sigterm_while_it_waits_for_room) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 4}};
    rig::child service([&] {
        numbers::producer out{path};
        feeding = &out;
        struct sigaction action {};
        action.sa_handler = [](int) { feeding->interrupt(); };
        sigaction(SIGTERM, &action, nullptr);
        std::uint64_t n = 0;
        while (out.push(number(n))) ++n;
        insist(out.why() == noria::outcome::interrupted, "the wait was interrupted");
        insist(n == 4, "the queue was full");
        return 0;
    });
    await_sleep(service);
    service.send(SIGTERM);
    BOOST_TEST(service.wait() == well);
    receive(in, 0, 4);
    hear_end(in, noria::end::finished);
}

BOOST_AUTO_TEST_CASE(interruption_is_kept_for_the_next_wait_and_spent_by_it) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::producer out{path, {.capacity = 2}};
    numbers::consumer in{path};
    send(out, 0, 1);
    in.interrupt();
    in.interrupt();
    receive(in, 0, 1);  // what is there is not waited for
    BOOST_TEST(!in.pop());
    BOOST_TEST(in.why() == noria::outcome::interrupted);
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(in.why() == noria::outcome::timed_out);
}

BOOST_AUTO_TEST_CASE(cancelling_a_thread_that_waits_ends_neither_the_process_nor_the_queue) {
    // A cancellation that struck inside a noexcept verb would end the process. Here it is held back until the verb has
    // returned, and takes the thread at its next cancellation point.
    rig::child process([&] {
        const rig::workspace place;
        const auto path = place / "queue";
        numbers::producer out{path, {.capacity = 4}};
        numbers::consumer in{path};
        struct shared {
            numbers::consumer& in;
            std::atomic<pid_t> thread = 0;
            std::atomic<bool> popped = false;
        } both{.in = in};
        pthread_t waiter;
        pthread_create(
            &waiter, nullptr,
            [](void* with) -> void* {
                auto& all = *static_cast<shared*>(with);
                all.thread = static_cast<pid_t>(syscall(SYS_gettid));
                all.popped = static_cast<bool>(all.in.pop());
                for (;;) pause();
            },
            &both);
        insist(rig::eventually([&] { return both.thread != 0 && rig::sleeps_in_futex(both.thread); }),
               "the thread falls asleep");
        pthread_cancel(waiter);
        insist(rig::sleeps_in_futex(both.thread) || rig::eventually([&] { return rig::sleeps_in_futex(both.thread); }),
               "it sleeps on");
        send(out, 0, 1);
        void* result = nullptr;
        pthread_join(waiter, &result);
        insist(result == PTHREAD_CANCELED, "the thread was cancelled");
        insist(both.popped, "after its pop had returned the message");
        send(out, 1, 3);
        receive(in, 1, 3);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(cancelling_a_thread_that_opens_and_closes_leaves_no_role_taken) {
    // A thread attaches and leaves all the time and is cancelled at a random moment: it ends between two verbs, never
    // inside one, so that its role is free and the process lives.
    rig::child process([&] {
        const rig::workspace place;
        const auto path = place / "queue";
        { const numbers::producer creator{path, {.capacity = 4}}; }
        struct shared {
            std::filesystem::path path;
            std::atomic<int> rounds = 0;
        } both{.path = path};
        for (int times = 0; times < 50; ++times) {
            both.rounds = 0;
            pthread_t busy;
            pthread_create(
                &busy, nullptr,
                [](void* with) -> void* {
                    auto& all = *static_cast<shared*>(with);
                    for (;;) {
                        { const numbers::producer out{all.path}; }
                        all.rounds += 1;
                        pthread_testcancel();
                    }
                },
                &both);
            insist(rig::eventually([&] { return both.rounds >= times % 7; }), "the thread works");
            pthread_cancel(busy);
            void* result = nullptr;
            pthread_join(busy, &result);
            insist(result == PTHREAD_CANCELED, "the thread was cancelled");
            const numbers::producer out{path, refused_at_once};
        }
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
