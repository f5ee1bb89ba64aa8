// batches_test.cpp: laws of push_some and consume_some: as many as there is room for, as many as are there, one by one.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

// Messages to be sent together; they look at samples that must outlive them.
template <class Q>
struct batch {
    batch(std::uint64_t first, std::uint64_t count) {
        for (std::uint64_t number = first; number != first + count; ++number) samples.push_back(Q::make(number));
        for (const auto& sample : samples) messages.push_back(Q::view(sample));
    }
    std::vector<typename Q::sample> samples;
    std::vector<typename Q::message> messages;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(batches)

BOOST_AUTO_TEST_CASE_TEMPLATE(push_some_sends_as_many_as_there_is_room_for, Q, queues) {
    // Both sides of the limit: one less than fits, all that fits, one more, and many more, from every place of the ring.
    for (std::uint64_t start = 0; start < 9; ++start) {
        pair_of<Q> queue(8);
        BOOST_REQUIRE(queue.push(0, start % queue.fits()));
        BOOST_REQUIRE(queue.pop(0, start % queue.fits()));
        for (const std::uint64_t count : {queue.fits() - 1, queue.fits(), queue.fits() + 1, 5 * queue.fits()}) {
            const batch<Q> all(100, count);
            const std::uint64_t expected = std::min(count, queue.fits());
            BOOST_TEST(queue.out.try_push_some(all.messages) == expected);
            if (expected == count) BOOST_TEST(queue.out.why() == outcome::ok);
            BOOST_TEST(queue.pop(100, expected));
            BOOST_TEST(queue.out.push_some(all.messages) == expected);
            BOOST_TEST(queue.pop(100, expected));
            BOOST_TEST(queue.out.push_some_for(all.messages, 1h) == expected);
            BOOST_TEST(queue.pop(100, expected));
            BOOST_TEST(!queue.in.try_pop());
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(push_some_of_nothing_sends_nothing, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_TEST(queue.out.push_some({}) == 0U);
    BOOST_TEST(queue.out.why() == outcome::ok);
    BOOST_REQUIRE(queue.fill());
    BOOST_TEST(queue.out.push_some({}) == 0U);
    BOOST_TEST(queue.out.why() == outcome::ok);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_push_some_could_not_send_can_be_sent_later, Q, queues) {
    pair_of<Q> queue(4);
    const std::uint64_t count = 5 * queue.fits() + 1;
    const batch<Q> all(0, count);
    std::span<const typename Q::message> rest(all.messages);
    std::uint64_t received = 0;
    while (!rest.empty()) {
        const std::size_t sent = queue.out.try_push_some(rest);
        BOOST_REQUIRE(sent > 0U);
        rest = rest.subspan(sent);
        BOOST_REQUIRE(queue.pop(received, 1));
        ++received;
    }
    BOOST_TEST(queue.pop(received, count - received));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(consume_some_hands_out_what_is_there_up_to_the_limit, Q, queues) {
    pair_of<Q> queue(8);
    std::uint64_t next = 0;
    std::uint64_t sent = 0;
    const auto expect_next = [&](const auto& message) { BOOST_TEST(Q::number(message) == next++); };
    for (std::uint64_t limit = 1; limit <= queue.fits() + 1; ++limit) {
        BOOST_REQUIRE(queue.push(sent, queue.fits()));
        sent += queue.fits();
        const std::uint64_t expected = std::min(limit, queue.fits());
        BOOST_TEST(queue.in.consume_some(expect_next, limit) == expected);
        BOOST_TEST(queue.in.why() == outcome::ok);
        BOOST_TEST(queue.in.size() == queue.fits() - expected);
        queue.in.try_consume_some(expect_next);
        BOOST_TEST(queue.in.size() == 0U);
    }
    BOOST_TEST(next == sent);
    BOOST_TEST(queue.in.try_consume_some(expect_next) == 0U);
    BOOST_TEST(queue.in.why() == outcome::empty);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(consume_some_of_none_consumes_none, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 1));
    std::size_t calls = 0;
    BOOST_TEST(queue.in.consume_some([&](const auto&) { ++calls; }, 0) == 0U);
    BOOST_TEST(calls == 0U);
    BOOST_TEST(queue.pop(0, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(consume_some_releases_message_by_message, Q, queues) {
    // Goal: what f has returned from is gone, what it works on is not. Method: the producer looks while f runs.
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.fill());
    std::uint64_t returned = 0;
    const auto look = [&](const auto&) {
        BOOST_TEST(queue.out.size() == queue.fits() - returned);
        ++returned;
    };
    BOOST_TEST(queue.in.consume_some(look) == queue.fits());
    BOOST_TEST(queue.out.size() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(consume_some_hears_of_messages_sent_meanwhile, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 1));
    std::uint64_t next = 0;
    const auto answer = [&](const auto& message) {
        BOOST_TEST(Q::number(message) == next);
        if (++next < 20) BOOST_TEST(queue.push(next, 1));
    };
    if (queue.fits() > 1) BOOST_TEST(queue.in.consume_some(answer) == 20U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(consume_some_tells_the_deliveries_to_who_asks, Q, queues) {
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.push(0, 3));
    std::vector<unsigned> deliveries;
    const auto note = [&](const auto& message, unsigned times) {
        deliveries.push_back(times);
        if (Q::number(message) == 1 && times == 1) throw std::domain_error("no");
    };
    BOOST_CHECK_THROW(queue.in.consume_some(note), std::domain_error);
    BOOST_TEST(queue.in.consume_some(note) == 2U);
    BOOST_TEST(deliveries == (std::vector<unsigned>{1, 1, 2, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(consume_some_returns_what_it_could_before_a_throw_only_by_the_queue, Q, queues) {
    // Goal: the first, a middle and the last of a batch may throw; the others are delivered exactly once.
    for (const std::uint64_t bad : {0U, 2U, 3U}) {
        pair_of<Q> queue(8);
        BOOST_REQUIRE(queue.push(0, 4));
        std::vector<std::uint64_t> done;
        bool thrown = false;
        const auto once = [&](const auto& message) {
            if (Q::number(message) == bad && !std::exchange(thrown, true)) throw std::domain_error("no");
            done.push_back(Q::number(message));
        };
        BOOST_CHECK_THROW(queue.in.consume_some(once), std::domain_error);
        BOOST_TEST(queue.in.consume_some(once) == 4 - bad);
        BOOST_TEST(done == (std::vector<std::uint64_t>{0, 1, 2, 3}), boost::test_tools::per_element());
        BOOST_TEST(queue.in.counters().received == 4U);
        BOOST_TEST(queue.in.counters().redelivered == 1U);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_batch_that_went_well_says_so_whatever_was_before, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.fill());
    BOOST_TEST(!queue.push(0, 1));
    BOOST_TEST(queue.out.why() == outcome::full);
    BOOST_REQUIRE(queue.pop(0, queue.fits()));
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::empty);
    const batch<Q> all(0, 2);
    BOOST_TEST(queue.out.try_push_some(all.messages) == 2U);
    BOOST_TEST(queue.out.why() == outcome::ok);
    BOOST_TEST(queue.in.try_consume_some([](const auto&) {}, 1) == 1U);
    BOOST_TEST(queue.in.why() == outcome::ok);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_may_close_the_consumer_that_calls_it, Q, queues) {
    // Goal: no use after free, the role is free at once, and the message in hand comes to the next consumer, which is told that
    // it is not the first. Method: the second of three messages closes the consumer, in each way that there is.
    enum class way { destroyed, replaced, destroyed_and_thrown };
    for (const way how : {way::destroyed, way::replaced, way::destroyed_and_thrown}) {
        const rig::workspace place;
        typename Q::producer out(place / "queue", Q::sized(4));
        std::optional<typename Q::consumer> in(std::in_place, place / "queue");
        std::optional<typename Q::consumer> heir;
        BOOST_REQUIRE(push_numbers<Q>(out, 0, 3));
        int seen = 0;
        const auto close = [&](const auto&) {
            if (++seen != 2) return;
            if (how == way::replaced) {
                *in = typename Q::consumer(place / "other", Q::sized(4));
            } else {
                in.reset();
            }
            heir.emplace(place / "queue");  // an spsc queue has room for it already
            if (how == way::destroyed_and_thrown) throw 3;
        };
        if (how == way::destroyed_and_thrown)
            BOOST_CHECK_THROW((void)in->consume_some(close), int);
        else
            BOOST_TEST(in->consume_some(close) == 2U);
        std::vector<std::uint64_t> got;
        while (const auto lease = heir->try_take()) {
            const std::uint64_t number = Q::number(*lease);
            got.push_back(number);
            BOOST_TEST(lease.deliveries() == (number == 1 ? 2U : 1U));
        }
        std::ranges::sort(got);
        BOOST_TEST(got == (std::vector<std::uint64_t>{1, 2}));
        if (how == way::replaced) BOOST_TEST(in->is_open());
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
