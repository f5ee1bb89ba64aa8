// flow_test.cpp: laws of flow: first in first out, exactly so many fit, and what full, empty and time-outs are.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"

#include <array>
#include <chrono>
#include <limits>
#include <tuple>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(flow)

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_come_in_the_order_of_their_commits, Q, queues) {
    // Goal: total order over many turns of the ring. Method: bursts of every length that fits, so that each burst begins
    // at another place of the ring and many cross its end.
    pair_of<Q> queue(8);
    std::uint64_t next = 0;
    for (int turn = 0; turn < 20; ++turn) {
        for (std::uint64_t burst = 1; burst <= queue.fits(); ++burst) {
            BOOST_REQUIRE(queue.push(next, burst));
            BOOST_REQUIRE(queue.pop(next, burst));
            next += burst;
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(exactly_as_many_fit_as_promised, Q, queues) {
    // Both sides of the limit, from the smallest queue on, on the first turn of the ring and on later ones.
    for (const std::uint64_t least : {1U, 2U, 8U, 64U}) {
        pair_of<Q> queue(least);
        for (int turn = 0; turn < 3; ++turn) {
            BOOST_TEST(queue.push(0, queue.fits() - 1));
            BOOST_TEST(queue.out.size() == queue.fits() - 1);
            BOOST_TEST(queue.push(queue.fits() - 1, 1));
            BOOST_TEST(!queue.push(queue.fits(), 1));
            BOOST_TEST(queue.out.why() == outcome::full);
            BOOST_TEST(queue.pop(0, queue.fits()));
            BOOST_TEST(!queue.in.try_pop());
            BOOST_TEST(queue.in.why() == outcome::empty);
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_release_makes_room_for_one, Q, queues) {
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.fill());
    for (std::uint64_t number = 0; number < 50; ++number) {
        BOOST_TEST(queue.pop(number, 1));
        BOOST_TEST(queue.push(number + queue.fits(), 1));
        BOOST_TEST(!queue.push(torn, 1));
        BOOST_TEST(queue.out.why() == outcome::full);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(try_verbs_never_wait, Q, queues) {
    // Nobody makes room, nobody sends: a try that waited would still be waiting when the test's time is over.
    pair_of<Q> queue(4, {.waiting = {.slice = std::chrono::nanoseconds::max()}});
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::empty);
    BOOST_TEST(!queue.in.try_take());
    BOOST_TEST(queue.in.why() == outcome::empty);
    BOOST_TEST(queue.in.try_consume_some([](const auto&) {}) == 0U);
    BOOST_TEST(queue.in.why() == outcome::empty);

    BOOST_REQUIRE(queue.fill());
    const auto message = Q::make(1);
    BOOST_TEST(!queue.out.try_push(Q::view(message)));
    BOOST_TEST(queue.out.why() == outcome::full);
    BOOST_TEST(!Q::try_claim(queue.out));
    BOOST_TEST(queue.out.why() == outcome::full);
    const std::vector<typename Q::message> one{Q::view(message)};
    BOOST_TEST(queue.out.try_push_some(one) == 0U);
    BOOST_TEST(queue.out.why() == outcome::full);
}

// Calls each verb that waits with that duration, on a full and on an empty queue.
template <class Q, class Time>
void expect_time_out(pair_of<Q>& full, pair_of<Q>& empty, Time time) {
    const auto message = Q::make(1);
    const std::vector<typename Q::message> one{Q::view(message)};
    BOOST_TEST(!full.out.push_for(Q::view(message), time));
    BOOST_TEST(full.out.why() == outcome::timed_out);
    BOOST_TEST(!Q::claim_for(full.out, time));
    BOOST_TEST(full.out.why() == outcome::timed_out);
    BOOST_TEST(full.out.push_some_for(one, time) == 0U);
    BOOST_TEST(full.out.why() == outcome::timed_out);
    BOOST_TEST(!empty.in.pop_for(time));
    BOOST_TEST(empty.in.why() == outcome::timed_out);
    BOOST_TEST(!empty.in.take_for(time));
    BOOST_TEST(empty.in.why() == outcome::timed_out);
    BOOST_TEST(empty.in.consume_some_for([](const auto&) {}, 9, time) == 0U);
    BOOST_TEST(empty.in.why() == outcome::timed_out);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waits_of_no_time_and_of_a_little_time_out, Q, queues) {
    // Goal: zero, negative, not-a-number and small durations end a wait by themselves, with and without slices.
    for (const auto slice : {std::chrono::nanoseconds(50ms), std::chrono::nanoseconds::max()}) {
        const options wishes{.waiting = {.slice = slice}};
        pair_of<Q> full(4, wishes);
        pair_of<Q> empty(4, wishes);
        BOOST_REQUIRE(full.fill());
        using real_seconds = std::chrono::duration<double>;
        expect_time_out(full, empty, 0s);
        expect_time_out(full, empty, -1ns);
        expect_time_out(full, empty, std::chrono::hours::min());
        expect_time_out(full, empty, real_seconds(std::numeric_limits<double>::quiet_NaN()));
        expect_time_out(full, empty, real_seconds(-std::numeric_limits<double>::infinity()));
        expect_time_out(full, empty, real_seconds(1e-12));
        expect_time_out(full, empty, 1ns);
        expect_time_out(full, empty, 2ms);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_time_out_is_not_before_its_time, Q, queues) {
    pair_of<Q> queue(1);
    const auto begun = std::chrono::steady_clock::now();
    BOOST_TEST(!queue.in.pop_for(20ms));
    BOOST_TEST((std::chrono::steady_clock::now() - begun >= 20ms));
    const auto when = std::chrono::steady_clock::now() + 20ms;
    BOOST_TEST(!queue.in.pop_until(when));
    BOOST_TEST((std::chrono::steady_clock::now() >= when));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waits_until_a_point_in_the_past_time_out, Q, queues) {
    pair_of<Q> full(4);
    pair_of<Q> empty(4);
    BOOST_REQUIRE(full.fill());
    const auto message = Q::make(1);
    const std::vector<typename Q::message> one{Q::view(message)};
    using point = std::chrono::steady_clock::time_point;
    for (const point when :
         {point::min(), point{}, std::chrono::steady_clock::now(), std::chrono::steady_clock::now() + 2ms}) {
        BOOST_TEST(!full.out.push_until(Q::view(message), when));
        BOOST_TEST(full.out.why() == outcome::timed_out);
        BOOST_TEST(!Q::claim_until(full.out, when));
        BOOST_TEST(full.out.why() == outcome::timed_out);
        BOOST_TEST(full.out.push_some_until(one, when) == 0U);
        BOOST_TEST(full.out.why() == outcome::timed_out);
        BOOST_TEST(!empty.in.pop_until(when));
        BOOST_TEST(empty.in.why() == outcome::timed_out);
        BOOST_TEST(!empty.in.take_until(when));
        BOOST_TEST(empty.in.why() == outcome::timed_out);
        BOOST_TEST(empty.in.consume_some_until([](const auto&) {}, 9, when) == 0U);
        BOOST_TEST(empty.in.why() == outcome::timed_out);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_verb_waits_or_times_out_when_it_finds_what_it_wants, Q, queues) {
    // Whatever the duration, even one that is over: with room there is a push, with a message there is a pop.
    pair_of<Q> queue(4);
    const auto past = std::chrono::steady_clock::time_point::min();
    for (std::uint64_t number = 0; number < 40; number += 4) {
        const auto message = Q::make(number);
        BOOST_TEST(queue.out.push_for(Q::view(message), -1h));
        BOOST_TEST(queue.out.why() == outcome::ok);
        BOOST_TEST(number_of<Q>(queue.in.pop_for(-1h)) == number);
        BOOST_TEST(queue.in.why() == outcome::ok);
        BOOST_TEST(queue.out.push_until(Q::view(message), past));
        BOOST_TEST(number_of<Q>(queue.in.take_until(past)) == number);
        BOOST_TEST(queue.in.why() == outcome::ok);
        BOOST_TEST(queue.out.push(Q::view(message)));
        BOOST_TEST(number_of<Q>(queue.in.pop()) == number);
        BOOST_TEST(queue.out.push_for(Q::view(message), std::chrono::hours::max()));
        BOOST_TEST(number_of<Q>(queue.in.take()) == number);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(why_tells_of_the_last_verb, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_TEST(queue.out.why() == outcome::ok);
    BOOST_TEST(queue.in.why() == outcome::ok);
    BOOST_REQUIRE(queue.fill());
    BOOST_TEST(queue.out.why() == outcome::ok);
    BOOST_TEST(!queue.push(0, 1));
    BOOST_TEST(queue.out.why() == outcome::full);
    BOOST_TEST(queue.pop(0, 1));
    BOOST_TEST(queue.out.why() == outcome::full);
    BOOST_TEST(queue.in.why() == outcome::ok);
    BOOST_TEST(queue.push(queue.fits(), 1));
    BOOST_TEST(queue.out.why() == outcome::ok);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_message_says_does_not_matter, Q, queues) {
    // All bytes 0 and all bytes 1 are messages like others: no value of the payload stands for "nothing there".
    pair_of<Q> queue(4);
    typename Q::sample all;
    for (const int value : {0x00, 0xFF, 0x01, 0x80}) {
        std::memset(&all, value, sizeof all);
        BOOST_REQUIRE(queue.out.try_push(Q::view(all)));
        const auto lease = queue.in.try_take();
        BOOST_REQUIRE(bool(lease));
        if constexpr (Q::of_bytes)
            BOOST_TEST(std::memcmp(lease.data(), &all, sizeof all) == 0);
        else
            BOOST_TEST(std::memcmp(&*lease, &all, sizeof all) == 0);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_are_aligned_as_their_type_asks, Q, queues) {
    pair_of<Q> queue(4);
    for (std::uint64_t number = 0; number < 9; ++number) {
        BOOST_REQUIRE(queue.push(number, 1));
        const auto lease = queue.in.try_take();
        BOOST_REQUIRE(bool(lease));
        if constexpr (Q::of_bytes) {
            BOOST_TEST(reinterpret_cast<std::uintptr_t>(lease.data()) % 8 == 0U);
        } else {
            BOOST_TEST(reinterpret_cast<std::uintptr_t>(&*lease) % alignof(typename Q::message) == 0U);
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_gives_up_waiting_says_whether_another_endpoint_was_in_the_way, Q, queues) {
    // The same of a full or an empty queue, which is nothing but that; and, where many take and claim, of a message in hand.
    pair_of<Q> queue(4);
    const auto gives_up = [](auto& endpoint, const auto& wait, bool behind_another) {
        BOOST_TEST(!wait(1ms));
        BOOST_TEST(endpoint.why() == outcome::timed_out);
        BOOST_TEST(endpoint.stalled() == behind_another);
        endpoint.interrupt();
        BOOST_TEST(!wait(1h));
        BOOST_TEST(endpoint.why() == outcome::interrupted);
        BOOST_TEST(endpoint.stalled() == behind_another);
    };
    const auto take = [&](auto time) { return static_cast<bool>(queue.in.take_for(time)); };
    const auto push = [&](auto time) { return queue.out.push_for(Q::view(Q::make(9)), time); };
    gives_up(queue.in, take, false);
    {
        auto claim = Q::claim(queue.out);
        gives_up(queue.in, take, !one_in_hand<Q>);
        claim.give_back();
    }
    BOOST_REQUIRE(queue.fill());
    gives_up(queue.out, push, false);
    auto oldest = queue.in.take();
    BOOST_REQUIRE(bool(oldest));
    BOOST_TEST(!queue.in.stalled());
    if constexpr (!one_in_hand<Q>) {
        auto second = queue.in.take();
        second.release();
        gives_up(queue.out, push, true);
    }
    oldest.release();
    BOOST_TEST(push(1h));
    BOOST_TEST(!queue.out.stalled());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_moment_may_be_of_any_duration, Q, queues) {
    // On an empty and on a full queue: what has passed is over at once; what is not a number, too; what is beyond the clock's
    // range is not reached. (That it waits at all, the others of this suite and interrupts_test.cpp show.)
    using clock = std::chrono::steady_clock;
    using seconds = std::chrono::duration<double>;
    pair_of<Q> queue(4);
    const auto is_over = [&](auto when) {
        return !queue.in.pop_until(when) && queue.in.why() == outcome::timed_out && !queue.in.take_until(when) &&
               queue.in.consume_some_until([](const auto&) {}, 1, when) == 0;
    };
    BOOST_TEST(is_over(clock::now() + 0.01s));
    BOOST_TEST(is_over(std::chrono::time_point<clock, seconds>(seconds(-1e300))));
    BOOST_TEST(is_over(std::chrono::time_point<clock, seconds>(seconds(std::numeric_limits<double>::quiet_NaN()))));
    BOOST_TEST(is_over(std::chrono::time_point<clock, std::chrono::hours>(std::chrono::hours::min())));
    const auto far = [](auto when) { return clock::time_point(queue::moment(when)) == clock::time_point::max(); };
    BOOST_TEST(far(std::chrono::time_point<clock, seconds>(seconds(1e300))));
    BOOST_TEST(far(std::chrono::time_point<clock, std::chrono::hours>(std::chrono::hours::max())));
    BOOST_REQUIRE(queue.fill());
    const auto sample = Q::make(0);
    BOOST_TEST(!queue.out.push_until(Q::view(sample), clock::now() + 0.01s));
    BOOST_TEST(queue.out.why() == outcome::timed_out);
}

namespace {

// Its address is somewhere else, if one asks it.
template <bool = true>
struct elsewhere {
    std::uint64_t number = 0;
    elsewhere* operator&() const noexcept { return nullptr; }
};

}  // namespace

using elsewhere_queues =
    std::tuple<spsc<elsewhere<>, coordination::lock_free>, mpmc<elsewhere<>, coordination::lock_free>,
               spsc<elsewhere<>, coordination::robust_mutex>>;
BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_with_an_address_operator_of_its_own_arrives, Queue, elsewhere_queues) {
    const rig::workspace place;
    typename Queue::producer out(place / "queue", {.capacity = 8});
    typename Queue::consumer in(place / "queue");
    const std::array<elsewhere<>, 2> some{{{.number = 2}, {.number = 3}}};
    BOOST_REQUIRE(out.push({.number = 1}));
    BOOST_REQUIRE(out.push_some(some) == 2U);
    auto room = out.claim();
    room->number = 4;
    BOOST_REQUIRE(room.commit());
    BOOST_TEST(in.pop()->number == 1U);
    BOOST_TEST(in.take()->number == 2U);
    std::uint64_t sum = 0;
    BOOST_TEST(in.consume_some([&](const elsewhere<>& each) { sum += each.number; }) == 2U);
    BOOST_TEST(sum == 7U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
