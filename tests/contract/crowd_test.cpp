// crowd_test.cpp: laws of many producers and many consumers: each message to one of them, and none in another's way.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"
#include "rig/child.hpp"
#include "rig/raw_figures.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

using crowds =
    std::tuple<typed<mpmc<block<8, 8>, coordination::lock_free>>, untyped_slots<mpmc<bytes, coordination::lock_free>>,
               typed<mpmc<block<8, 8>, coordination::robust_mutex>>>;
constexpr auto patience = 60s;  // so long that something must be broken
constexpr auto no_slices = std::chrono::nanoseconds::max();

options without_slices() { return {.waiting = {.spin = 0ns, .slice = no_slices}}; }

// A message says whose it is and which of his.
constexpr std::uint64_t by(std::uint64_t producer, std::uint64_t number) { return producer << 32 | number; }

void await_sleep_of_this_process_s_thread(pid_t thread) {
    BOOST_REQUIRE(rig::eventually([&] { return rig::sleeps_in_futex(thread); }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crowd)

BOOST_AUTO_TEST_CASE_TEMPLATE(leases_are_released_in_any_order_and_hold_up_nobody, Q, crowds) {
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.push(0, 5));
    typename Q::consumer other(queue.file());
    auto first = queue.in.take();
    auto second = queue.in.take();
    BOOST_TEST(number_of<Q>(first) == 0U);
    BOOST_TEST(number_of<Q>(second) == 1U);
    BOOST_TEST(number_of<Q>(other.try_pop()) == 2U);
    auto third = other.take();
    BOOST_TEST(number_of<Q>(third) == 3U);
    second.release();
    BOOST_TEST(number_of<Q>(first) == 0U);
    BOOST_TEST(queue.in.size() == 3U);  // 0 and 3 held, 4 ready
    third.release();
    first.release();
    BOOST_TEST(queue.pop(4, 1));
    BOOST_TEST(queue.in.size() == 0U);
    BOOST_TEST(queue.in.counters().received == 5U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_full_ring_waits_for_the_oldest_message_s_holder, Q, crowds) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.fill());
    auto oldest = queue.in.take();
    BOOST_TEST(queue.pop(1, 3));
    // Three slots are free, and the next in turn is in a reader's hands.
    BOOST_TEST(!queue.out.try_push(Q::view(Q::make(9))));
    BOOST_TEST(queue.out.why() == outcome::stalled);
    const auto seen = observer(queue.file()).look();
    BOOST_REQUIRE(seen.in_hand.size() == 1U);
    BOOST_TEST((seen.in_hand[0].role == role::consumer));
    BOOST_TEST(seen.in_hand[0].pid == static_cast<std::uint64_t>(getpid()));
    BOOST_TEST(seen.in_hand[0].position == 0U);
    oldest.release();
    BOOST_TEST(queue.push(4, 4));
    BOOST_TEST(queue.pop(4, 4));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_open_claim_delays_what_comes_after_it_and_loses_nothing, Q, crowds) {
    pair_of<Q> queue(8);
    typename Q::producer other(queue.file());
    auto claim = Q::claim(queue.out);
    BOOST_REQUIRE(other.try_push(Q::view(Q::make(1))));
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::stalled);
    Q::write(claim, 0);
    BOOST_TEST(claim.commit());
    BOOST_TEST(queue.pop(0, 2));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_claim_given_back_is_a_hole_that_readers_pass, Q, crowds) {
    pair_of<Q> queue(4);
    typename Q::producer other(queue.file());
    for (std::uint64_t number = 0; number < 40; number += 2) {
        auto claim = Q::claim(queue.out);
        BOOST_REQUIRE(bool(claim));
        BOOST_REQUIRE(other.try_push(Q::view(Q::make(number))));
        claim.give_back();
        BOOST_REQUIRE(other.try_push(Q::view(Q::make(number + 1))));
        BOOST_REQUIRE(queue.pop(number, 2));
    }
    BOOST_TEST(queue.in.counters().given_back == 20U);
    BOOST_TEST(queue.in.counters().sent == 40U);
    // Holes alone go round the ring, past a reader that looks only now.
    for (int i = 0; i < 33; ++i) Q::claim(queue.out).give_back();
    BOOST_TEST(queue.push(7, 3));
    BOOST_TEST(queue.pop(7, 3));
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::empty);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_consumer_throws_at_comes_to_another_and_says_so, Q, crowds) {
    pair_of<Q> queue(8);
    typename Q::consumer other(queue.file());
    BOOST_REQUIRE(queue.push(0, 4));
    BOOST_TEST(number_of<Q>(other.try_pop()) == 0U);
    for (unsigned times = 1; times < 4; ++times) {
        unsigned deliveries = 0;
        const auto refuse = [&](const auto& message, unsigned how_often) {
            BOOST_TEST(Q::number(message) == 1U);
            deliveries = how_often;
            throw std::runtime_error("no");
        };
        BOOST_CHECK_THROW(queue.in.consume_some(refuse, 1), std::runtime_error);
        BOOST_TEST(deliveries == times);
    }
    const auto again = other.try_pop();
    BOOST_TEST(number_of<Q>(again) == 1U);
    BOOST_TEST(again.deliveries() == 4U);
    const auto next = queue.in.try_pop();
    BOOST_TEST(number_of<Q>(next) == 2U);
    BOOST_TEST(next.deliveries() == 1U);
    BOOST_TEST(number_of<Q>(other.try_pop()) == 3U);
    BOOST_TEST(queue.in.counters().redelivered == 3U);
    BOOST_TEST(queue.in.counters().received == 4U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(deliveries_are_counted_up_to_eight_and_the_message_stays_whole, Q, crowds) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(3, 2));
    for (unsigned times = 1; times <= 12; ++times) {
        const auto refuse = [&](const auto& message, unsigned deliveries) {
            BOOST_TEST(Q::number(message) == 3U);
            BOOST_TEST(deliveries == std::min(times, 8U));
            throw std::runtime_error("no");
        };
        BOOST_CHECK_THROW(queue.in.consume_some(refuse, 1), std::runtime_error);
    }
    BOOST_TEST(queue.pop(3, 2));
    BOOST_TEST(queue.in.counters().redelivered == 12U);
    BOOST_TEST(queue.push(5, 4));
    BOOST_TEST(queue.pop(5, 4));
}

BOOST_AUTO_TEST_CASE(a_message_that_fits_no_buffer_is_left_to_others_as_if_untouched) {
    using Q = untyped_slots<mpmc<bytes, coordination::lock_free>>;
    pair_of<Q> queue(8);
    typename Q::consumer other(queue.file());
    BOOST_REQUIRE(queue.push(0, 2));
    std::array<std::byte, 8> small{};
    const auto got = queue.in.try_pop(small);
    BOOST_TEST(!got);
    BOOST_TEST(queue.in.why() == outcome::buffer_too_small);
    BOOST_TEST(got.size() == sizeof(Q::sample));
    const auto first = other.try_pop();
    BOOST_TEST(number_of<Q>(first) == 0U);
    BOOST_TEST(first.deliveries() == 1U);
    BOOST_TEST(queue.pop(1, 1));
    BOOST_TEST(queue.in.counters().redelivered == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_newcomer_finds_what_was_put_back_before_it_came, Q, crowds) {
    pair_of<Q> queue(4);
    // So far that the hint, which is moved every 32 positions, leads newcomers past what is put back.
    constexpr std::uint64_t first = 30;
    for (std::uint64_t n = 0; n < first; ++n) BOOST_REQUIRE(queue.push(n, 1) && queue.pop(n, 1));
    BOOST_REQUIRE(queue.push(first, 4));
    typename Q::consumer other(queue.file());
    const auto refuse = [&](const auto&) {
        // Meanwhile the others go as far as they can.
        for (std::uint64_t n = 1; n < 4; ++n) BOOST_TEST(number_of<Q>(other.try_pop()) == first + n);
        throw std::runtime_error("no");
    };
    BOOST_CHECK_THROW(queue.in.consume_some(refuse, 1), std::runtime_error);
    typename Q::consumer newcomer(queue.file());
    const auto again = newcomer.try_pop();
    BOOST_TEST(number_of<Q>(again) == first);
    BOOST_TEST(again.deliveries() == 2U);
    for (auto* each : {&queue.in, &other, &newcomer}) BOOST_TEST(!each->try_pop());
    BOOST_TEST(queue.push(first + 4, 4));
    BOOST_TEST(queue.pop(first + 4, 4));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_roster_has_as_many_places_as_were_asked_for, Q, crowds) {
    const rig::workspace place;
    const auto file = place / "queue";
    typename Q::producer out(file, Q::sized(4, {.endpoints = 3}));
    {
        typename Q::consumer one(file);
        typename Q::consumer two(file, {.endpoints = 3});
        std::error_code code;
        const auto three = Q::consumer::open(file, {.wait_for_role = 0ns}, code);
        BOOST_TEST((code == errc::roster_full));
        BOOST_TEST(three.error_text().find("found 3 endpoints attached") != std::string::npos);
        BOOST_TEST(!three.is_open());
    }
    typename Q::consumer one(file);
    typename Q::producer two(file);
    BOOST_TEST(two.is_open());
    std::error_code code;
    (void)Q::consumer::open(file, {.endpoints = 4}, code);
    BOOST_TEST((code == errc::other_geometry));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_queue_is_in_use_while_anybody_is_attached_in_whatever_place, Q, crowds) {
    const rig::workspace place;
    const auto file = place / "queue";
    std::error_code code;
    {
        std::vector<typename Q::consumer> all;
        all.emplace_back(file, Q::sized(4, {.endpoints = 4}));
        for (int i = 1; i < 4; ++i) all.emplace_back(file);
        while (!all.empty()) {
            noria::remove(file, code);
            BOOST_TEST((code == errc::in_use));
            all.erase(all.begin());
        }
    }
    noria::remove(file, code);
    BOOST_TEST(!code);
    BOOST_TEST(place.files() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_stream_ends_when_the_last_producer_has_left_and_each_consumer_hears_it_once, Q,
                              crowds) {
    pair_of<Q> queue(8);
    typename Q::consumer other(queue.file());
    {
        auto first = std::move(queue.out);
        typename Q::producer second(queue.file());
        BOOST_REQUIRE(second.try_push(Q::view(Q::make(0))));
        BOOST_REQUIRE(first.try_push(Q::view(Q::make(1))));
        { auto gone = std::move(first); }
        BOOST_TEST(queue.pop(0, 2));
        BOOST_TEST(!queue.in.try_pop());
        BOOST_TEST(queue.in.why() == outcome::empty);
    }
    for (auto* each : {&queue.in, &other}) {
        BOOST_TEST(!each->pop_for(patience));
        BOOST_TEST(each->why() == outcome::ended);
        BOOST_TEST(each->ended() == noria::end::finished);
        BOOST_TEST(!each->try_pop());
        BOOST_TEST(each->why() == outcome::empty);
    }
    // A successor's stream has an end of its own.
    { BOOST_REQUIRE((typename Q::producer(queue.file())).try_push(Q::view(Q::make(2)))); }
    BOOST_TEST(queue.pop(2, 1));
    for (auto* each : {&queue.in, &other}) {
        BOOST_TEST(!each->pop_for(patience));
        BOOST_TEST(each->why() == outcome::ended);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_end_is_told_while_another_holds_a_message_and_none_is_missed_afterwards, Q, crowds) {
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.push(0, 1));
    auto held = queue.in.take();
    { auto gone = std::move(queue.out); }
    std::atomic<pid_t> thread{0};
    outcome why = outcome::ok;
    typename Q::consumer other(queue.file(), without_slices());
    std::thread waiter([&] {
        thread = gettid();
        (void)other.pop();
        why = other.why();
    });
    while (thread == 0) std::this_thread::yield();
    await_sleep_of_this_process_s_thread(thread);
    held.release();
    waiter.join();
    BOOST_TEST(why == outcome::ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(figures_are_sums_over_the_whole_roster, Q, crowds) {
    // Method: every figure comes from two at once, up to the last place of the roster.
    const rig::workspace place;
    const auto file = place / "queue";
    typename Q::producer out(file, Q::sized(4, {.endpoints = 6}));
    typename Q::producer another(file);
    typename Q::consumer in(file);
    typename Q::consumer other(file);
    const auto two_die = [&](auto deed) {
        const rig::milestone ready;
        std::array<rig::child, 2> both;
        for (auto& each : both) {
            each = rig::child([&]() -> int {
                deed(ready);
                return 1;
            });
            ready.hear();
        }
        for (auto& each : both) each.kill();
        (void)typename Q::consumer(file);  // whoever comes buries the dead
    };
    two_die([&](const rig::milestone& ready) {
        typename Q::producer mine(file);
        const auto claim = Q::claim(mine);
        ready.tell();
        for (;;) pause();
    });
    two_die([&](const rig::milestone& ready) {
        const typename Q::consumer mine(file);
        ready.tell();
        for (;;) pause();
    });
    for (auto* each : {&out, &another}) Q::claim(*each).give_back();
    for (auto* each : {&out, &another}) BOOST_REQUIRE(push_numbers<Q>(*each, 0, 2));
    for (auto* each : {&out, &another}) BOOST_TEST(!push_numbers<Q>(*each, 0, 1));
    const auto refuse = [](const auto&) { throw std::runtime_error("no"); };
    for (auto* each : {&in, &other}) BOOST_CHECK_THROW(each->consume_some(refuse, 1), std::runtime_error);
    for (auto* each : {&in, &other}) BOOST_TEST(bool(each->try_pop()));
    counters now = rig::raw_figures(file);
    now.high_water = in.counters().high_water;
    BOOST_TEST(now.sent == 4U);
    BOOST_TEST(now.received == 2U);
    BOOST_TEST(now.given_back == 2U);
    BOOST_TEST(now.refused == 2U);
    BOOST_TEST(now.redelivered == 2U);
    BOOST_TEST(now.skipped == 2U);
    BOOST_TEST(now.producer_deaths == 2U);
    BOOST_TEST(now.consumer_deaths == 2U);
    BOOST_TEST(now.high_water == 4U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_one_holds_oneself_keeps_no_end_from_being_told, Q, crowds) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 2));
    auto first = queue.in.take();
    auto second = queue.in.take();
    { auto gone = std::move(queue.out); }
    BOOST_TEST(!queue.in.pop_for(patience));
    BOOST_TEST(queue.in.why() == outcome::ended);
    BOOST_TEST(queue.in.ended() == noria::end::finished);
    BOOST_TEST(number_of<Q>(first) == 0U);
    BOOST_TEST(number_of<Q>(second) == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_gets_what_was_put_back_after_an_end_hears_of_that_end_too, Q, crowds) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 1));
    { auto gone = std::move(queue.out); }
    const auto refuse = [&](const auto&) {
        BOOST_TEST(!queue.in.pop_for(patience));
        BOOST_TEST(queue.in.why() == outcome::ended);
        throw std::runtime_error("no");
    };
    BOOST_CHECK_THROW(queue.in.consume_some(refuse, 1), std::runtime_error);
    typename Q::consumer newcomer(queue.file());
    BOOST_TEST(number_of<Q>(newcomer.try_pop()) == 0U);
    BOOST_TEST(!newcomer.try_pop());
    BOOST_TEST(newcomer.why() == outcome::ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_oldest_claim_and_the_oldest_lease_are_shown_apart, Q, crowds) {
    // Method: the oldest stands at the ring's end, and the other at its beginning.
    pair_of<Q> queue(4);
    typename Q::producer another(queue.file());
    typename Q::consumer other(queue.file());
    for (std::uint64_t n = 0; n < 3; ++n) BOOST_REQUIRE(queue.push(n, 1) && queue.pop(n, 1));
    const observer watch(queue.file());
    {
        auto oldest = Q::claim(queue.out);
        auto younger = Q::claim(another);
        const auto seen = watch.look();
        BOOST_TEST(seen.in_hand.size() == 2U);
        BOOST_REQUIRE(seen.claimed.has_value());
        BOOST_TEST(seen.claimed->position == 3 * Q::positions_of_one);
        BOOST_TEST(!seen.taken.has_value());
        Q::write(oldest, 3);
        Q::write(younger, 4);
        BOOST_TEST(younger.commit());
        BOOST_TEST(oldest.commit());
    }
    const auto oldest = queue.in.take();
    const auto younger = other.take();
    const auto seen = watch.look();
    BOOST_TEST(seen.in_hand.size() == 2U);
    BOOST_REQUIRE(seen.taken.has_value());
    BOOST_TEST(seen.taken->position == 3 * Q::positions_of_one);
    BOOST_TEST(!seen.claimed.has_value());
    BOOST_TEST(number_of<Q>(oldest) == 3U);
    BOOST_TEST(number_of<Q>(younger) == 4U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_waits_for_what_another_holds_can_be_interrupted, Q, crowds) {
    // Method: no producer is left, so that it is another's release that is waited for, and that is told elsewhere than a
    // message is. Who is not woken sleeps for good.
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.push(0, 1));
    const auto held = queue.in.take();
    { auto gone = std::move(queue.out); }
    typename Q::consumer other(queue.file(), without_slices());
    std::atomic<pid_t> thread{0};
    std::thread waiter([&] {
        thread = gettid();
        (void)other.pop();
    });
    while (thread == 0) std::this_thread::yield();
    await_sleep_of_this_process_s_thread(thread);
    other.interrupt();
    waiter.join();
    BOOST_TEST(other.why() == outcome::interrupted);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_hole_wakes_who_waits_for_room, Q, crowds) {
    pair_of<Q> queue(1);
    auto claim = Q::claim(queue.out);
    std::atomic<pid_t> thread{0};
    bool sent = false;
    typename Q::producer other(queue.file(), without_slices());
    std::thread waiter([&] {
        thread = gettid();
        sent = other.push(Q::view(Q::make(5)));
    });
    while (thread == 0) std::this_thread::yield();
    claim.give_back();
    waiter.join();
    BOOST_TEST(sent);
    BOOST_TEST(queue.pop(5, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_message_comes_once_and_each_producer_s_in_order, Q, crowds) {
    constexpr std::uint64_t producers = 3;
    constexpr std::uint64_t consumers = 3;
    constexpr std::uint64_t each = 4000;
    for (const std::uint64_t capacity : {1U, 2U, 64U}) {
        const rig::workspace place;
        const auto file = place / "queue";
        typename Q::consumer first(file, Q::sized(capacity, without_slices()));
        std::atomic<unsigned> ready{0};
        std::vector<std::thread> threads;
        std::vector<std::vector<std::uint64_t>> got(consumers);
        for (std::uint64_t p = 0; p < producers; ++p) {
            threads.emplace_back([&, p] {
                typename Q::producer out(file, without_slices());
                ++ready;
                while (ready != producers + consumers) std::this_thread::yield();
                for (std::uint64_t n = 0; n < each; ++n) {
                    if (n % 64 == 5) Q::claim(out).give_back();
                    if (!out.push(Q::view(Q::make(by(p, n))))) return;
                }
            });
        }
        for (std::uint64_t c = 0; c < consumers; ++c) {
            threads.emplace_back([&, c] {
                typename Q::consumer in(file, without_slices());
                ++ready;
                while (ready != producers + consumers) std::this_thread::yield();
                for (;;) {
                    if (const auto message = in.take())
                        got[c].push_back(Q::number(*message));
                    else
                        return;
                }
            });
        }
        for (auto& thread : threads) thread.join();
        std::map<std::uint64_t, unsigned> times;
        for (const auto& list : got) {
            std::map<std::uint64_t, std::uint64_t> next;
            for (const std::uint64_t number : list) {
                ++times[number];
                BOOST_REQUIRE(number != torn);
                BOOST_REQUIRE((number & 0xffffffffU) >= next[number >> 32]);
                next[number >> 32] = (number & 0xffffffffU) + 1;
            }
        }
        BOOST_TEST(times.size() == producers * each);
        for (const auto& [number, count] : times) BOOST_REQUIRE(count == 1U);
        const counters now = rig::raw_figures(file);
        BOOST_TEST(now.sent == producers * each);
        BOOST_TEST(now.received == producers * each);
        BOOST_TEST(now.redelivered == 0U);
        BOOST_TEST(first.size() == 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
