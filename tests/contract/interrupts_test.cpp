// interrupts_test.cpp: laws of interrupt(): from threads and signal handlers, neither lost nor repeated.
#include <boost/test/unit_test.hpp>

#define NORIA_ONE_SIZE_OF_EACH
#include "queues.hpp"
#include "rig/child.hpp"

#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <thread>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

const options no_slices{.waiting = {.slice = std::chrono::nanoseconds::max()}};

// What the signal handlers interrupt: a function for the endpoint's type, and the endpoint.
std::atomic<void (*)(void*)> interrupt_it{nullptr};
std::atomic<void*> endpoint{nullptr};
void on_signal(int) {
    if (auto* call = interrupt_it.load()) call(endpoint.load());
}

// While it exists, the signal interrupts the endpoint.
template <class Endpoint>
class interrupting {
public:
    interrupting(int signal, Endpoint& target) : signal_(signal) {
        endpoint = &target;
        interrupt_it = [](void* which) { static_cast<Endpoint*>(which)->interrupt(); };
        struct sigaction action {};
        action.sa_handler = &on_signal;
        sigaction(signal_, &action, &before_);
    }
    ~interrupting() {
        sigaction(signal_, &before_, nullptr);
        interrupt_it = nullptr;
    }
    interrupting(const interrupting&) = delete;
    interrupting& operator=(const interrupting&) = delete;

private:
    int signal_;
    struct sigaction before_ {};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(interrupts)

BOOST_AUTO_TEST_CASE_TEMPLATE(another_thread_interrupts_a_waiting_consumer, Q, queues) {
    pair_of<Q> queue(4, no_slices);
    bool done = true;
    std::thread waiter([&] { done = bool(queue.in.pop()); });
    BOOST_TEST(rig::eventually([&] { return inspect(queue.file()).consumers.sleeper_armed; }));
    queue.in.interrupt();
    waiter.join();
    BOOST_TEST(!done);
    BOOST_TEST(queue.in.why() == outcome::interrupted);
    BOOST_TEST(!queue.in.pop_for(1ms));
    BOOST_TEST(queue.in.why() == outcome::timed_out);
    BOOST_REQUIRE(queue.push(0, 1));
    BOOST_TEST(queue.pop(0, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(another_thread_interrupts_a_waiting_producer, Q, queues) {
    pair_of<Q> queue(4, no_slices);
    BOOST_REQUIRE(queue.fill());
    const auto sample = Q::make(0);
    bool done = true;
    std::thread waiter([&] { done = bool(queue.out.push(Q::view(sample))); });
    BOOST_TEST(rig::eventually([&] { return inspect(queue.file()).producers.sleeper_armed; }));
    queue.out.interrupt();
    waiter.join();
    BOOST_TEST(!done);
    BOOST_TEST(queue.out.why() == outcome::interrupted);
    BOOST_TEST(!queue.out.push_for(Q::view(sample), 1ms));
    BOOST_TEST(queue.out.why() == outcome::timed_out);
    BOOST_TEST(queue.out.counters().refused == 2U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_interruption_before_the_wait_ends_the_next_one_and_no_further, Q, queues) {
    // Goal: not lost, and never more than one wait, however often interrupt() was called; by every verb that waits.
    pair_of<Q> full(4, no_slices);
    pair_of<Q> empty(4, no_slices);
    BOOST_REQUIRE(full.fill());
    const auto sample = Q::make(0);
    const std::vector<typename Q::message> one{Q::view(sample)};
    const auto ends_one_wait = [](auto& waiting, auto verb) {
        waiting.interrupt();
        waiting.interrupt();
        BOOST_TEST(!verb(1h));
        BOOST_TEST(waiting.why() == outcome::interrupted);
        BOOST_TEST(!verb(1ms));
        BOOST_TEST(waiting.why() == outcome::timed_out);
    };
    ends_one_wait(empty.in, [&](auto time) { return bool(empty.in.pop_for(time)); });
    ends_one_wait(empty.in, [&](auto time) { return bool(empty.in.take_for(time)); });
    ends_one_wait(empty.in, [&](auto time) { return empty.in.consume_some_for([](const auto&) {}, 9, time) != 0; });
    ends_one_wait(full.out, [&](auto time) { return full.out.push_for(Q::view(sample), time); });
    ends_one_wait(full.out, [&](auto time) { return full.out.push_some_for(one, time) != 0; });
    ends_one_wait(full.out, [&](auto time) { return bool(Q::claim_for(full.out, time)); });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_does_not_wait_is_not_interrupted_and_swallows_no_interruption, Q, queues) {
    pair_of<Q> queue(4, no_slices);
    queue.in.interrupt();
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::empty);
    BOOST_REQUIRE(queue.push(0, 2));
    BOOST_TEST(number_of<Q>(queue.in.pop()) == 0U);
    BOOST_TEST(number_of<Q>(queue.in.take()) == 1U);
    BOOST_TEST(!queue.in.pop());
    BOOST_TEST(queue.in.why() == outcome::interrupted);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_interruption_concerns_one_endpoint, Q, queues) {
    pair_of<Q> queue(4, no_slices);
    queue.out.interrupt();
    BOOST_TEST(!queue.in.pop_for(1ms));
    BOOST_TEST(queue.in.why() == outcome::timed_out);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_handler_interrupts_the_next_wait, Q, queues) {
    pair_of<Q> queue(4, no_slices);
    const interrupting on_alarm(SIGALRM, queue.in);
    for (int turn = 0; turn < 20; ++turn) {
        raise(SIGALRM);
        BOOST_TEST(!queue.in.pop());
        BOOST_TEST(queue.in.why() == outcome::interrupted);
    }
}

// Not under the thread sanitizer: it keeps a signal from its handler until the next call that it knows of, and the system
// call by which a wait sleeps is none.
#if !defined(NORIA_SANITIZED_THREAD)
BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_handler_interrupts_the_wait_it_falls_into, Q, queues) {
    // Goal: whenever the signal falls, before, within or between the steps of going to sleep, the wait ends. Method: an
    // alarm after each of many short times, without slices; one that is lost would leave the test waiting. Without
    // spinning, too, and many times: the way into the sleep is short then, and most alarms fall near it.
    const auto interrupt_after = [](auto& endpoint, suseconds_t after_us, auto wait) {
        const itimerval alarm{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = after_us}};
        const interrupting on_alarm(SIGALRM, endpoint);
        setitimer(ITIMER_REAL, &alarm, nullptr);
        return !wait() && endpoint.why() == outcome::interrupted;
    };
    for (const bool spinning : {true, false}) {
        options how = no_slices;
        if (!spinning) how.waiting.spin = 0ns;
        pair_of<Q> full(4, how);
        BOOST_REQUIRE(full.fill());
        pair_of<Q> queue(4, how);
        int lost = 0;
        for (int round = 0; round < (spinning ? 1 : 50); ++round) {
            for (suseconds_t after_us = 1; after_us <= (spinning ? 300 : 20); after_us += spinning ? 3 : 1) {
                lost += interrupt_after(queue.in, after_us, [&] { return bool(queue.in.pop()); }) ? 0 : 1;
                lost += interrupt_after(full.out, after_us, [&] { return full.out.push(Q::view(Q::make(0))); }) ? 0 : 1;
            }
        }
        BOOST_TEST(lost == 0);
    }
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_that_interrupts_nothing_ends_no_wait, Q, queues) {
    // Goal: EINTR is not an outcome. Method: alarms rain on a wait whose message comes only after many of them.
    pair_of<Q> queue(4, no_slices);
    static std::atomic<int> rang{0};
    rang = 0;
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) { ++rang; };
    sigaction(SIGALRM, &action, &before);
    const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 500}, .it_value = {.tv_sec = 0, .tv_usec = 500}};
    setitimer(ITIMER_REAL, &often, nullptr);
    bool sent = false;
    std::thread sender([&] {
        sigset_t alarms;
        sigemptyset(&alarms);
        sigaddset(&alarms, SIGALRM);
        pthread_sigmask(SIG_BLOCK, &alarms, nullptr);
        sent = rig::eventually([] { return rang >= 20; }) && queue.push(3, 1);
    });
    BOOST_TEST(number_of<Q>(queue.in.pop()) == 3U);
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    sender.join();
    sigaction(SIGALRM, &before, nullptr);
    BOOST_TEST(sent);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_service_ends_on_sigterm, Q, queues) {
    // Goal: the whole life of a service: it works, SIGTERM's handler interrupts its wait, it closes, exits with 0, and its
    // peer hears of a finished consumer, not of a dead one.
    rig::workspace place;
    typename Q::producer out(place / "queue", Q::sized(4));
    rig::child service([&] {
        typename Q::consumer in(place / "queue", no_slices);
        const interrupting on_term(SIGTERM, in);
        std::uint64_t served = 0;
        while (in.pop()) ++served;
        return in.why() == outcome::interrupted && served == 3 ? 0 : 1;
    });
    BOOST_REQUIRE(push_numbers<Q>(out, 0, 3));
    BOOST_TEST(rig::eventually([&] { return out.empty() && inspect(place / "queue").consumers.sleeper_armed; }));
    service.send(SIGTERM);
    BOOST_TEST((service.wait() == rig::fate{.exit_status = 0}));
    BOOST_REQUIRE(push_numbers<Q>(out, 0, Q::fits(4)));
    BOOST_TEST(!out.push(Q::view(Q::make(0))));
    BOOST_TEST(out.ended() == noria::end::finished);
    BOOST_TEST(out.counters().consumer_deaths == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
