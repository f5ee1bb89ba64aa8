// leases_test.cpp: laws of messages read in place: held until released, delivered again if not, moved, one at a time.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"
#include "rig/child.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

using namespace noria;
using namespace noria::contract;

BOOST_AUTO_TEST_SUITE(leases)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_taken_message_is_held_until_its_lease_goes, Q, queues) {
    // Goal: while it is held it counts as in the queue and keeps its room; afterwards it does neither.
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.fill());
    {
        const auto lease = queue.in.take();
        BOOST_TEST(number_of<Q>(lease) == 0U);
        BOOST_TEST(lease.deliveries() == 1U);
        BOOST_TEST(queue.in.why() == outcome::ok);
        BOOST_TEST(queue.out.size() == queue.fits());
        BOOST_TEST(!queue.push(torn, 1));
        BOOST_TEST(queue.out.why() == outcome::full);
        BOOST_TEST(Q::number(*lease) == 0U);
    }
    BOOST_TEST(queue.out.size() == queue.fits() - 1);
    BOOST_TEST(queue.push(queue.fits(), 1));
    BOOST_TEST(queue.pop(1, queue.fits()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lease_can_be_released_by_name, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 2));
    auto lease = queue.in.try_take();
    lease.release();
    BOOST_TEST(!lease);
    lease.release();  // releases nothing further
    BOOST_TEST(queue.in.size() == 1U);
    BOOST_TEST(queue.in.why() == outcome::ok);
    BOOST_TEST(queue.pop(1, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(while_a_lease_is_held_other_receiving_verbs_answer_busy, Q, queues) {
    if constexpr (one_in_hand<Q>) {
        pair_of<Q> queue(4);
        BOOST_REQUIRE(queue.push(0, 3));
        auto lease = queue.in.take();
        using namespace std::chrono_literals;
        const auto is_busy = [&](bool done) { return !done && queue.in.why() == outcome::busy; };
        BOOST_TEST(is_busy(bool(queue.in.pop())));
        BOOST_TEST(is_busy(bool(queue.in.try_pop())));
        BOOST_TEST(is_busy(bool(queue.in.pop_for(1h))));
        BOOST_TEST(is_busy(bool(queue.in.take())));
        BOOST_TEST(is_busy(bool(queue.in.try_take())));
        BOOST_TEST(is_busy(queue.in.consume_some([](const auto&) {}) != 0));
        BOOST_TEST(Q::number(*lease) == 0U);
        lease.release();
        BOOST_TEST(queue.pop(1, 2));
        BOOST_TEST(queue.in.counters().redelivered == 0U);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(inside_consume_some_other_receiving_verbs_answer_busy, Q, queues) {
    if constexpr (one_in_hand<Q>) {
        pair_of<Q> queue(4);
        BOOST_REQUIRE(queue.push(0, 2));
        std::size_t calls = 0;
        const auto nested = [&](const auto& message) {
            BOOST_TEST(Q::number(message) == calls);
            BOOST_TEST(!queue.in.try_pop());
            BOOST_TEST(queue.in.why() == outcome::busy);
            ++calls;
        };
        BOOST_TEST(queue.in.consume_some(nested) == 2U);
        BOOST_TEST(calls == 2U);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lease_moves_with_its_message, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 2));
    auto first = queue.in.take();
    auto second = std::move(first);
    BOOST_TEST(!first);
    BOOST_TEST(number_of<Q>(second) == 0U);
    first = std::move(second);
    BOOST_TEST(number_of<Q>(first) == 0U);
    BOOST_TEST(first.deliveries() == 1U);
    BOOST_TEST(queue.in.size() == 2U);
    first = {};  // assignment releases
    BOOST_TEST(queue.in.size() == 1U);
    BOOST_TEST(queue.pop(1, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_consumer_moves_with_its_lease, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 3));
    auto lease = queue.in.take();
    typename Q::consumer moved = std::move(queue.in);
    BOOST_TEST(Q::number(*lease) == 0U);
    lease.release();
    BOOST_TEST(number_of<Q>(moved.try_pop()) == 1U);
    queue.in = std::move(moved);
    BOOST_TEST(queue.pop(2, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_whose_function_threw_comes_again_and_says_so, Q, queues) {
    // Goal: if f throws, that message stays first and its next delivery is marked, by whatever verb; those before it are
    // released, those behind it are unmarked; the exception passes.
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.push(0, 4));
    std::uint64_t seen = 0;
    const auto refuse_second = [&](const auto& message) {
        if (Q::number(message) == 1) throw std::domain_error("no");
        ++seen;
    };
    BOOST_CHECK_THROW(queue.in.consume_some(refuse_second), std::domain_error);
    BOOST_TEST(seen == 1U);
    BOOST_TEST(queue.in.size() == 3U);
    BOOST_TEST(queue.in.counters().redelivered == 1U);
    BOOST_CHECK_THROW(queue.in.try_consume_some(refuse_second), std::domain_error);
    BOOST_TEST(queue.in.size() == 3U);
    BOOST_TEST(queue.in.counters().redelivered == 2U);
    const auto again = queue.in.try_pop();
    BOOST_TEST(number_of<Q>(again) == 1U);
    BOOST_TEST(again.deliveries() > 1U);
    const auto fresh = queue.in.try_pop();
    BOOST_TEST(number_of<Q>(fresh) == 2U);
    BOOST_TEST(fresh.deliveries() == 1U);
    BOOST_TEST(queue.pop(3, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_mark_of_a_redelivery_outlives_the_endpoint, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 2));
    BOOST_CHECK_THROW(queue.in.consume_some([](const auto&) { throw std::domain_error("no"); }), std::domain_error);
    { const auto closed = std::move(queue.in); }
    queue.in = typename Q::consumer(queue.file());
    const auto lease = queue.in.take();
    BOOST_TEST(number_of<Q>(lease) == 0U);
    BOOST_TEST(lease.deliveries() > 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_held_by_a_consumer_that_died_comes_again_and_says_so, Q, queues) {
    // Method: a child takes the second message and leaves without releasing it, as by kill; pop's messages are its own.
    rig::workspace place;
    typename Q::producer out(place / "queue", Q::sized(8));
    BOOST_REQUIRE(push_numbers<Q>(out, 0, 4));
    rig::child holder([&] {
        typename Q::consumer in(place / "queue");
        if (number_of<Q>(in.pop()) != 0) return 1;
        const auto lease = in.take();
        if (number_of<Q>(lease) != 1) return 2;
        _exit(0);
    });
    BOOST_TEST((holder.wait() == rig::fate{.exit_status = 0}));
    typename Q::consumer in(place / "queue");
    const auto again = in.pop();
    BOOST_TEST(number_of<Q>(again) == 1U);
    BOOST_TEST(again.deliveries() > 1U);
    const auto next = in.pop();
    BOOST_TEST(number_of<Q>(next) == 2U);
    BOOST_TEST(next.deliveries() == 1U);
    BOOST_TEST(in.counters().redelivered == 1U);
    BOOST_TEST(in.counters().consumer_deaths == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lease_is_shown_to_observers_while_it_is_held, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 2));
    const observer watch(queue.file());
    BOOST_TEST(!watch.look().taken);
    {
        const auto lease = queue.in.take();
        const auto seen = watch.look().taken;
        BOOST_REQUIRE(bool(seen));
        BOOST_TEST(seen->pid == static_cast<std::uint64_t>(getpid()));
        BOOST_TEST((seen->role == role::consumer));
        BOOST_TEST(seen->position + (one_in_hand<Q> || Q::under_mutex ? 0 : 1) == watch.look().head);
    }
    BOOST_TEST(!watch.look().taken);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
