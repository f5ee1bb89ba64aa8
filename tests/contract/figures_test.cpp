// figures_test.cpp: laws of what a queue tells of itself: counters, depth, capacity, high-water mark, file size.
#include <boost/test/unit_test.hpp>

#include "noria/os/process.hpp"
#include "queues.hpp"
#include "rig/raw_figures.hpp"

#include <sys/stat.h>

#include <stdexcept>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

// All figures, from both endpoints and an observer; the high-water mark is exact from the producer, which looks.
template <class Q>
void expect(const pair_of<Q>& queue, const counters& wanted) {
    for (const counters& seen : {queue.out.counters(), queue.in.counters(), inspect(queue.file()).counters}) {
        BOOST_TEST(seen.sent == wanted.sent);
        BOOST_TEST(seen.received == wanted.received);
        BOOST_TEST(seen.redelivered == wanted.redelivered);
        BOOST_TEST(seen.given_back == wanted.given_back);
        BOOST_TEST(seen.refused == wanted.refused);
        BOOST_TEST(seen.high_water == wanted.high_water);
        BOOST_TEST(seen.producer_deaths == wanted.producer_deaths);
        BOOST_TEST(seen.consumer_deaths == wanted.consumer_deaths);
    }
    const counters raw =
        rig::raw_figures(queue.file());  // what the words say: an endpoint's figures hide what cannot be
    BOOST_TEST(raw.sent == wanted.sent);
    BOOST_TEST(raw.received == wanted.received);
    BOOST_TEST(raw.redelivered == wanted.redelivered);
    BOOST_TEST(raw.given_back == wanted.given_back);
    BOOST_TEST(raw.refused == wanted.refused);
    BOOST_TEST(queue.out.size() == wanted.sent - wanted.received);
    BOOST_TEST(queue.in.size() == wanted.sent - wanted.received);
    BOOST_TEST(inspect(queue.file()).depth == wanted.sent - wanted.received);
    BOOST_TEST(queue.in.empty() == (wanted.sent == wanted.received));
    BOOST_TEST(queue.out.high_water() == wanted.high_water);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(figures)

BOOST_AUTO_TEST_CASE_TEMPLATE(every_figure_is_exact_when_nobody_works, Q, queues) {
    // Goal: each verb moves the figures it should and no other. Method: one scenario after the other, all figures after
    // each, seen from everywhere.
    pair_of<Q> queue(8);
    counters now;
    expect(queue, now);

    BOOST_REQUIRE(queue.push(0, 3));
    now.sent = now.high_water = 3;
    expect(queue, now);

    BOOST_REQUIRE(queue.pop(0, 2));
    now.received = 2;
    expect(queue, now);

    BOOST_TEST(!queue.out.try_push_some({}));
    expect(queue, now);

    { const auto given_back = Q::claim(queue.out); }
    now.given_back = 1;
    expect(queue, now);

    {
        auto claim = Q::claim(queue.out);
        expect(queue, now);
        Q::write(claim, 3);
        claim.commit();
    }
    now.sent += 1;
    expect(queue, now);

    {
        const auto lease = queue.in.take();
        expect(queue, now);
    }
    now.received += 1;
    expect(queue, now);

    BOOST_CHECK_THROW(queue.in.consume_some([](const auto&) { throw std::domain_error("no"); }), std::domain_error);
    now.redelivered += 1;
    expect(queue, now);

    BOOST_TEST(queue.in.consume_some([](const auto&) {}) == 1U);
    now.received += 1;
    expect(queue, now);

    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(!queue.in.pop_for(0s));
    BOOST_TEST(!queue.in.try_take());
    expect(queue, now);

    BOOST_REQUIRE(queue.fill());
    now.sent += queue.fits();
    now.high_water = queue.fits();
    expect(queue, now);

    BOOST_TEST(!queue.push(0, 1));
    BOOST_TEST(!queue.out.push_for(Q::view(Q::make(0)), 0s));
    BOOST_TEST(!Q::try_claim(queue.out));
    now.refused += 3;
    expect(queue, now);

    BOOST_REQUIRE(queue.pop(0, queue.fits()));
    now.received += queue.fits();
    expect(queue, now);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_push_some_that_sends_a_part_counts_as_one_refusal, Q, queues) {
    pair_of<Q> queue(4);
    const auto sample = Q::make(0);
    const std::vector<typename Q::message> many(queue.fits() + 5, Q::view(sample));
    BOOST_TEST(queue.out.try_push_some(many) == queue.fits());
    expect(queue, {.sent = queue.fits(), .refused = 1, .high_water = queue.fits()});
}

BOOST_AUTO_TEST_CASE_TEMPLATE(figures_outlive_the_endpoints, Q, queues) {
    rig::workspace place;
    {
        typename Q::producer out(place / "queue", Q::sized(8));
        typename Q::consumer in(place / "queue");
        BOOST_REQUIRE(push_numbers<Q>(out, 0, Q::fits(8)));
        BOOST_TEST(!push_numbers<Q>(out, 0, 1));
        BOOST_TEST(number_of<Q>(in.pop()) == 0U);
        { const auto given_back = Q::claim(out); }
    }
    for (int again = 0; again < 2; ++again) {
        typename Q::producer out(place / "queue");
        typename Q::consumer in(place / "queue");
        BOOST_TEST(in.counters().sent == Q::fits(8));
        BOOST_TEST(in.counters().received == 1U);
        BOOST_TEST(in.counters().refused == 1U);
        BOOST_TEST(in.counters().given_back == 1U);
        BOOST_TEST(in.counters().producer_deaths == 0U);
        BOOST_TEST(in.counters().consumer_deaths == 0U);
        BOOST_TEST(out.high_water() == Q::fits(8));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_inhabitant_is_shown_as_what_it_is_and_has_done, Q, queues) {
    // Method: the second of each role, so that what was done before it came is not its own.
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.push(0, 3));
    BOOST_REQUIRE(queue.pop(0, 2));
    { const auto gone = std::move(queue.out); }
    { const auto gone = std::move(queue.in); }
    queue.in = typename Q::consumer(queue.file());
    queue.out = typename Q::producer(queue.file());
    BOOST_REQUIRE(queue.push(3, 4));
    BOOST_REQUIRE(queue.pop(2, 1));
    const snapshot now = inspect(queue.file());
    BOOST_TEST(now.producers.attaches == 2U);
    BOOST_TEST(now.consumers.attaches == 2U);
    BOOST_REQUIRE(now.roster.size() == 2U);
    BOOST_TEST((now.roster[0].role != now.roster[1].role));
    const os::process_identity self = os::this_process();
    for (const inhabitant& each : now.roster) {
        BOOST_TEST(each.alive);
        BOOST_TEST(each.incarnation == 2U);
        BOOST_TEST(each.pid == self.pid);
        BOOST_TEST(each.start_time == self.start_time);
        BOOST_TEST(each.program == self.program.data());
        BOOST_TEST(each.messages == (each.role == role::producer ? 4U : 1U));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_high_water_mark_is_at_most_its_stated_error_below_the_truth, Q, queues) {
    // Goal: never above the largest depth there was, never more than an eighth of the capacity (or one message) below,
    // though nobody asked the producer meanwhile. Method: depths that grow, seen by the consumer only.
    for (const std::uint64_t least : {2U, 8U, 64U, 256U}) {
        pair_of<Q> queue(least);
        std::uint64_t truth = 0;
        std::uint64_t next = 0;
        for (std::uint64_t depth = 1; depth <= queue.fits(); depth += 1 + depth / 3) {
            BOOST_REQUIRE(queue.push(next, depth));
            truth = std::max(truth, depth);
            BOOST_REQUIRE(queue.pop(next, depth));
            next += depth;
            const std::uint64_t seen = queue.in.high_water();
            BOOST_TEST(seen <= truth);
            BOOST_TEST(seen + Q::high_water_error(least) >= truth);
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_high_water_mark_is_never_below_the_depth_that_is_shown, Q, queues) {
    // Though nobody has asked the producer, which notes it.
    pair_of<Q> queue(64);
    for (std::uint64_t n = 0; n < queue.fits(); ++n) {
        BOOST_REQUIRE(queue.push(n, 1));
        const snapshot now = inspect(queue.file());
        BOOST_REQUIRE(now.depth == n + 1);
        BOOST_REQUIRE(now.counters.high_water == n + 1);
        BOOST_REQUIRE(queue.in.high_water() == n + 1);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(capacity_is_what_was_asked_for, Q, queues) {
    for (const std::uint64_t least : {1U, 4U, 1024U}) {
        pair_of<Q> queue(least);
        BOOST_TEST(queue.out.capacity() == Q::stated_capacity(least));
        BOOST_TEST(queue.in.capacity() == Q::stated_capacity(least));
        BOOST_TEST(queue.out.message_bytes_max() == sizeof(typename Q::sample));
        BOOST_TEST(queue.in.message_bytes_max() == sizeof(typename Q::sample));
        BOOST_TEST(queue.out.path() == queue.file());
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(required_bytes_is_the_size_of_the_file, Q, queues) {
    // And every byte of it is allocated.
    for (const std::uint64_t least : {1U, 2U, 64U, 4096U}) {
        const std::uint64_t required = Q::queue::required_bytes(Q::sized(least));
        pair_of<Q> queue(least);
        BOOST_TEST(std::filesystem::file_size(queue.file()) == required);
        BOOST_TEST(inspect(queue.file()).file_bytes == required);
        struct stat status {};
        BOOST_REQUIRE(stat(queue.file().c_str(), &status) == 0);
        BOOST_TEST(static_cast<std::uint64_t>(status.st_blocks) * 512 >= required);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_queue_is_one_file_and_nothing_else, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.fill());
    BOOST_REQUIRE(queue.pop(0, 1));
    BOOST_TEST(queue.place.files() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
