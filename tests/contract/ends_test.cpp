// ends_test.cpp: laws of how a stream ends, who is told, and that an end is not for ever.
#include <boost/test/unit_test.hpp>

#define NORIA_ONE_SIZE_OF_EACH
#include "queues.hpp"
#include "rig/child.hpp"

#include <unistd.h>

#include <optional>
#include <thread>
#include <utility>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

// A queue whose endpoints come and go.
template <class Q>
struct stage {
    explicit stage(const options& out_wishes = {}, const options& in_wishes = {})
        : for_out(out_wishes), for_in(in_wishes) {
        const typename Q::producer founder(file(), Q::sized(4));
    }
    [[nodiscard]] std::filesystem::path file() const { return place / "queue"; }
    void producer_comes() { out.emplace(file(), for_out); }
    void consumer_comes() { in.emplace(file(), for_in); }
    void push(std::uint64_t first, std::uint64_t count) { BOOST_REQUIRE(push_numbers<Q>(*out, first, count)); }
    void fill() { push(0, Q::fits(4)); }

    // The consumer waits a moment and gets nothing; why it got nothing.
    outcome nothing_comes() {
        BOOST_TEST(!in->pop_for(1ms));
        return in->why();
    }
    outcome nothing_goes() {
        BOOST_TEST(!out->push_for(Q::view(Q::make(0)), 1ms));
        return out->why();
    }

    rig::workspace place;
    options for_out;
    options for_in;
    std::optional<typename Q::producer> out;
    std::optional<typename Q::consumer> in;
};

const options successor{.await_successor = true};
const options no_slices{.waiting = {.slice = std::chrono::nanoseconds::max()}};

}  // namespace

BOOST_AUTO_TEST_SUITE(ends)

BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_committed_before_the_close_is_drained_before_ended, Q, queues) {
    stage<Q> queue;
    queue.consumer_comes();
    (void)queue.in->try_pop();  // the founder of the file has come and gone: an end of its own
    queue.producer_comes();
    queue.push(0, 3);
    queue.out.reset();
    for (std::uint64_t number = 0; number < 3; ++number) BOOST_TEST(number_of<Q>(queue.in->pop()) == number);
    BOOST_TEST(!queue.in->pop());
    BOOST_TEST(queue.in->why() == outcome::ended);
    BOOST_TEST(queue.in->ended() == noria::end::finished);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_receiving_verb_tells_of_the_end, Q, queues) {
    const auto tells = [](auto verb) {
        pair_of<Q> queue(4);
        BOOST_TEST(queue.in.ended() == noria::end::none);
        { const auto closed = std::move(queue.out); }
        BOOST_TEST(!verb(queue.in));
        BOOST_TEST(queue.in.why() == outcome::ended);
        BOOST_TEST(queue.in.ended() == noria::end::finished);
    };
    const auto ignore = [](const auto&) {};
    tells([](auto& in) { return bool(in.pop()); });
    tells([](auto& in) { return bool(in.try_pop()); });
    tells([](auto& in) { return bool(in.pop_for(1h)); });
    tells([](auto& in) { return bool(in.pop_until(std::chrono::steady_clock::time_point::max())); });
    tells([](auto& in) { return bool(in.take()); });
    tells([](auto& in) { return bool(in.try_take()); });
    tells([](auto& in) { return bool(in.take_for(1h)); });
    tells([&](auto& in) { return in.consume_some(ignore) != 0; });
    tells([&](auto& in) { return in.try_consume_some(ignore) != 0; });
    tells([&](auto& in) { return in.consume_some_for(ignore, 9, 1h) != 0; });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_sending_verb_on_a_full_queue_tells_of_the_end, Q, queues) {
    const auto sample = Q::make(0);
    const std::vector<typename Q::message> one{Q::view(sample)};
    const auto tells = [](auto verb) {
        pair_of<Q> queue(4);
        BOOST_REQUIRE(queue.fill());
        { const auto closed = std::move(queue.in); }
        BOOST_TEST(!verb(queue.out));
        BOOST_TEST(queue.out.why() == outcome::ended);
        BOOST_TEST(queue.out.ended() == noria::end::finished);
    };
    tells([&](auto& out) { return out.push(Q::view(sample)); });
    tells([&](auto& out) { return out.try_push(Q::view(sample)); });
    tells([&](auto& out) { return out.push_for(Q::view(sample), 1h); });
    tells([&](auto& out) { return out.push_some(one) != 0; });
    tells([&](auto& out) { return out.push_some_for(one, 1h) != 0; });
    tells([&](auto& out) { return bool(Q::claim(out)); });
    tells([&](auto& out) { return bool(Q::try_claim(out)); });
    tells([&](auto& out) { return bool(Q::claim_for(out, 1h)); });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_batch_that_drains_the_queue_leaves_the_end_to_the_next_verb, Q, queues) {
    // What consumed something answers ok; the end must not be told to nobody.
    pair_of<Q> queue(8);
    BOOST_REQUIRE(queue.push(0, 3));
    { const auto closed = std::move(queue.out); }
    BOOST_TEST(queue.in.consume_some([](const auto&) {}) == 3U);
    BOOST_TEST(queue.in.why() == outcome::ok);
    BOOST_TEST(!queue.in.pop_for(1ms));
    BOOST_TEST(queue.in.why() == outcome::ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_batch_that_fills_the_queue_leaves_the_end_to_the_next_verb, Q, queues) {
    pair_of<Q> queue(4);
    const auto sample = Q::make(0);
    const std::vector<typename Q::message> many(queue.fits() + 3, Q::view(sample));
    { const auto closed = std::move(queue.in); }
    BOOST_TEST(queue.out.push_some(many) == queue.fits());
    BOOST_TEST(queue.out.why() == outcome::full);
    BOOST_TEST(!queue.out.push_for(Q::view(sample), 1ms));
    BOOST_TEST(queue.out.why() == outcome::ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_producer_that_never_came_is_not_an_end, Q, queues) {
    rig::workspace place;
    typename Q::consumer in(place / "queue", Q::sized(4));
    BOOST_TEST(!in.pop_for(1ms));
    BOOST_TEST(in.why() == outcome::timed_out);
    BOOST_TEST(!in.try_pop());
    BOOST_TEST(in.why() == outcome::empty);
    BOOST_TEST(in.ended() == noria::end::none);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_consumer_that_never_came_is_not_an_end, Q, queues) {
    stage<Q> queue;
    queue.producer_comes();
    queue.fill();
    BOOST_TEST(queue.nothing_goes() == outcome::timed_out);
    BOOST_TEST(!queue.out->try_push(Q::view(Q::make(0))));
    BOOST_TEST(queue.out->why() == outcome::full);
    BOOST_TEST(queue.out->ended() == noria::end::none);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_end_is_told_once_and_the_endpoint_stays_usable, Q, queues) {
    stage<Q> queue;
    queue.consumer_comes();
    BOOST_TEST(queue.nothing_comes() == outcome::ended);  // of the founder: nobody had heard of it
    for (std::uint64_t successor_number = 0; successor_number < 3; ++successor_number) {
        BOOST_TEST(queue.nothing_comes() == outcome::timed_out);
        BOOST_TEST(!queue.in->try_pop());
        BOOST_TEST(queue.in->why() == outcome::empty);
        BOOST_TEST(queue.in->ended() == noria::end::finished);
        queue.producer_comes();
        BOOST_TEST(queue.nothing_comes() == outcome::timed_out);
        queue.push(successor_number, 1);
        BOOST_TEST(number_of<Q>(queue.in->pop()) == successor_number);
        queue.out.reset();
        BOOST_TEST(queue.nothing_comes() == outcome::ended);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_newcomer_hears_of_an_older_end_that_nobody_heard, Q, queues) {
    stage<Q> queue;  // its founder has come and gone, and sent nothing
    queue.consumer_comes();
    BOOST_TEST(queue.nothing_comes() == outcome::ended);
    BOOST_TEST(queue.in->ended() == noria::end::finished);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_newcomer_does_not_hear_of_an_older_end_that_was_heard, Q, queues) {
    stage<Q> queue;
    queue.producer_comes();
    queue.push(0, 2);
    queue.out.reset();
    queue.consumer_comes();
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 0U);
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 1U);
    BOOST_TEST(queue.nothing_comes() == outcome::ended);
    queue.in.reset();
    queue.consumer_comes();
    BOOST_TEST(queue.nothing_comes() == outcome::timed_out);
    BOOST_TEST(queue.in->ended() == noria::end::none);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_newcomer_that_drains_a_stream_hears_of_its_end, Q, queues) {
    stage<Q> queue;
    queue.producer_comes();
    queue.push(0, 3);
    queue.out.reset();
    queue.consumer_comes();
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 0U);
    queue.in.reset();  // before it heard
    queue.consumer_comes();
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 1U);
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 2U);
    BOOST_TEST(queue.nothing_comes() == outcome::ended);
    BOOST_TEST(queue.nothing_comes() == outcome::timed_out);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(two_streams_without_a_pause_end_once, Q, queues) {
    stage<Q> queue;
    queue.consumer_comes();
    BOOST_TEST(queue.nothing_comes() == outcome::ended);
    for (std::uint64_t number = 0; number < 2; ++number) {
        queue.producer_comes();
        queue.push(number, 1);
        queue.out.reset();
    }
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 0U);
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 1U);
    BOOST_TEST(queue.nothing_comes() == outcome::ended);
    BOOST_TEST(queue.nothing_comes() == outcome::timed_out);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(with_room_a_producer_sends_whether_or_not_a_consumer_is_left, Q, queues) {
    stage<Q> queue;
    queue.consumer_comes();
    queue.producer_comes();
    queue.in.reset();
    queue.fill();
    BOOST_TEST(queue.out->ended() == noria::end::none);
    BOOST_TEST(queue.nothing_goes() == outcome::ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_producer_is_told_once_that_its_consumer_left, Q, queues) {
    stage<Q> queue;
    queue.consumer_comes();
    queue.producer_comes();
    queue.fill();
    BOOST_TEST(queue.nothing_goes() == outcome::timed_out);
    queue.in.reset();
    BOOST_TEST(queue.nothing_goes() == outcome::ended);
    BOOST_TEST(queue.out->ended() == noria::end::finished);
    BOOST_TEST(queue.nothing_goes() == outcome::timed_out);
    queue.consumer_comes();
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 0U);
    queue.push(9, 1);
    queue.in.reset();
    BOOST_TEST(queue.nothing_goes() == outcome::ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_producer_is_not_told_of_consumers_gone_before_it_came, Q, queues) {
    stage<Q> queue;
    queue.consumer_comes();
    queue.in.reset();
    queue.producer_comes();
    queue.fill();
    BOOST_TEST(queue.nothing_goes() == outcome::timed_out);
    BOOST_TEST(queue.out->ended() == noria::end::none);
    queue.consumer_comes();
    queue.in.reset();
    BOOST_TEST(queue.nothing_goes() == outcome::ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(await_successor_waits_through_closings, Q, queues) {
    stage<Q> queue(successor, successor);
    queue.consumer_comes();
    BOOST_TEST(queue.nothing_comes() == outcome::timed_out);
    queue.producer_comes();
    queue.push(0, 1);
    queue.out.reset();
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 0U);
    BOOST_TEST(queue.nothing_comes() == outcome::timed_out);
    BOOST_TEST(!queue.in->try_pop());
    BOOST_TEST(queue.in->why() == outcome::empty);
    queue.producer_comes();
    queue.fill();
    queue.in.reset();
    BOOST_TEST(queue.nothing_goes() == outcome::timed_out);
    BOOST_TEST(!queue.out->try_push(Q::view(Q::make(0))));
    BOOST_TEST(queue.out->why() == outcome::full);
    queue.consumer_comes();
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 0U);
    queue.push(9, 1);
    BOOST_TEST(queue.out->ended() == noria::end::none);
    BOOST_TEST(queue.in->ended() == noria::end::none);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_sleeping_consumer_is_woken_by_the_last_close, Q, queues) {
    // Method: without slices, so that only the closing can wake it.
    pair_of<Q> queue(4, no_slices);
    bool done = true;
    std::thread sleeper([&] { done = bool(queue.in.pop()); });
    BOOST_TEST(rig::eventually([&] { return inspect(queue.file()).consumers.sleeper_armed; }));
    { const auto closed = std::move(queue.out); }
    sleeper.join();
    BOOST_TEST(!done);
    BOOST_TEST(queue.in.why() == outcome::ended);
    BOOST_TEST(queue.in.ended() == noria::end::finished);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_sleeping_producer_is_woken_by_the_last_close, Q, queues) {
    pair_of<Q> queue(4, no_slices);
    BOOST_REQUIRE(queue.fill());
    const auto sample = Q::make(0);
    bool done = true;
    std::thread sleeper([&] { done = bool(queue.out.push(Q::view(sample))); });
    BOOST_TEST(rig::eventually([&] { return inspect(queue.file()).producers.sleeper_armed; }));
    { const auto closed = std::move(queue.in); }
    sleeper.join();
    BOOST_TEST(!done);
    BOOST_TEST(queue.out.why() == outcome::ended);
    BOOST_TEST(queue.out.ended() == noria::end::finished);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_producer_that_died_has_abandoned_its_stream, Q, queues) {
    stage<Q> queue;
    queue.consumer_comes();
    BOOST_TEST(queue.nothing_comes() == outcome::ended);
    rig::child sender([&] {
        typename Q::producer out(queue.file());
        return out.push(Q::view(Q::make(5))) ? (_exit(0), 0) : 1;  // leaves without closing, as by kill
    });
    BOOST_TEST((sender.wait() == rig::fate{.exit_status = 0}));
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 5U);
    BOOST_TEST(!queue.in->pop());
    BOOST_TEST(queue.in->why() == outcome::ended);
    BOOST_TEST(queue.in->ended() == noria::end::abandoned);
    BOOST_TEST(queue.in->counters().producer_deaths == 1U);
    // Who takes its place and closes has finished the stream.
    queue.producer_comes();
    queue.out.reset();
    BOOST_TEST(queue.nothing_comes() == outcome::ended);
    BOOST_TEST(queue.in->ended() == noria::end::finished);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_death_that_was_followed_by_a_successor_is_no_abandoned_end, Q, queues) {
    stage<Q> queue;
    rig::child dying([&] {
        typename Q::producer out(queue.file());
        return out.push(Q::view(Q::make(0))) ? (_exit(0), 0) : 1;
    });
    BOOST_TEST((dying.wait() == rig::fate{.exit_status = 0}));
    queue.producer_comes();
    queue.push(1, 1);
    queue.out.reset();
    queue.consumer_comes();
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 0U);
    BOOST_TEST(number_of<Q>(queue.in->pop()) == 1U);
    BOOST_TEST(!queue.in->pop());
    BOOST_TEST(queue.in->ended() == noria::end::finished);
    BOOST_TEST(queue.in->counters().producer_deaths == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_producer_that_waits_is_told_of_its_consumers_death, Q, queues) {
    stage<Q> queue;
    queue.producer_comes();
    rig::child receiver([&] {
        typename Q::consumer in(queue.file());
        return in.is_open() ? (_exit(0), 0) : 1;
    });
    BOOST_TEST((receiver.wait() == rig::fate{.exit_status = 0}));
    queue.fill();
    BOOST_TEST(!queue.out->push(Q::view(Q::make(0))));
    BOOST_TEST(queue.out->why() == outcome::ended);
    BOOST_TEST(queue.out->ended() == noria::end::abandoned);
    BOOST_TEST(queue.out->counters().consumer_deaths == 1U);
    BOOST_TEST(queue.nothing_goes() == outcome::timed_out);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(observers_see_each_end_how_it_came_and_whether_it_was_heard, Q, queues) {
    pair_of<Q> queue(4);
    const observer watch(queue.file());
    BOOST_TEST(watch.look().producers.ended == 0U);
    std::uint64_t ends = 1;
    if constexpr (!roles_are_single<Q>) {
        { const typename Q::producer another(queue.file()); }
        BOOST_TEST(watch.look().producers.ended == 0U);  // one stays
        ++ends;
    }
    { const auto gone = std::move(queue.out); }
    BOOST_TEST(watch.look().producers.ended == ends);
    BOOST_TEST(watch.look().producers.told == 0U);
    BOOST_TEST(!watch.look().producers.abandoned);
    BOOST_TEST(!queue.in.pop());
    BOOST_TEST(watch.look().producers.told == ends);
    rig::child dead([&] {
        const typename Q::producer out(queue.file());
        _exit(0);
        return 1;
    });
    BOOST_TEST((dead.wait() == rig::fate{.exit_status = 0}));
    // Nobody has met it yet.
    const auto roster = watch.look().roster;
    BOOST_TEST(roster.size() == 2U);
    for (const inhabitant& each : roster) BOOST_TEST(each.alive == (each.role == role::consumer));
    BOOST_TEST(!queue.in.pop());
    BOOST_TEST(queue.in.ended() == noria::end::abandoned);
    BOOST_TEST(watch.look().roster.size() == 1U);
    const stream_state seen = watch.look().producers;
    BOOST_TEST(seen.attaches == ends + 1);
    BOOST_TEST(seen.ended == ends + 1);
    BOOST_TEST(seen.told == ends + 1);
    BOOST_TEST(seen.abandoned);
    BOOST_TEST(watch.look().consumers.ended == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
