// tutorial_test.cpp: the lessons of examples/1_tutorial do what they say, with each other and with a dead partner.
#include "1_tutorial/ticks.hpp"
#include "programs/launched.hpp"
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <noria/inspect.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

using namespace std::chrono_literals;
using noria::rig::launched;

namespace {

std::string lesson(const std::string& name) { return TUTORIAL_DIRECTORY "/" + name; }

struct queue_place {
    noria::rig::workspace folder;
    std::string queue = folder / "queue";

    [[nodiscard]] bool attached(noria::role role) const {
        std::error_code code;
        const noria::observer observer(queue, code);
        if (code) return false;
        for (const auto& each : observer.look().roster) {
            if (each.role == role && each.alive) return true;
        }
        return false;
    }
};

const std::string ten_ticks =
    " 0 s  100.00\n 1 s  100.25\n 2 s  100.50\n 3 s  100.75\n 4 s  101.00\n"
    " 5 s  101.25\n 6 s  101.50\n 7 s  101.75\n 8 s  102.00\n 9 s  102.25\n";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tutorial, queue_place)

BOOST_AUTO_TEST_CASE(ticks_wait_in_the_file_for_a_consumer_that_comes_later) {
    launched producer({lesson("1_producer"), queue});
    BOOST_TEST(producer.status() == 0);
    launched consumer({lesson("1_consumer"), queue});
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out() == ten_ticks);
}

BOOST_AUTO_TEST_CASE(a_consumer_waits_for_a_producer_that_comes_later) {
    launched consumer({lesson("1_consumer"), queue});
    launched producer({lesson("1_producer"), queue});
    BOOST_TEST(producer.status() == 0);
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out() == ten_ticks);
}

BOOST_AUTO_TEST_CASE(the_consumer_is_told_that_the_producer_died) {
    noria::rig::milestone pushed;
    noria::rig::child producer([&] {
        ticks::producer out{queue, {.capacity = 4096}};
        if (!out.push({.time_ns = 0, .price = 7})) return 1;
        pushed.tell();
        pause();
        return 0;
    });
    pushed.hear();
    producer.kill();
    launched consumer({lesson("1_consumer"), queue});
    BOOST_TEST(consumer.status() == 1);
    BOOST_TEST(consumer.out() == " 0 s  7.00\nThe producer died.\n");
}

// Goal: lesson 1's producer, waiting on a full queue, is told that its consumer died. Method: fill the queue but for
// five places, let the producer of ten ticks attach, then a consumer, and kill that.
BOOST_AUTO_TEST_CASE(the_producer_is_told_that_the_consumer_died) {
    {
        ticks::producer out{queue, {.capacity = 4096}};
        for (int i = 0; i < 4096 - 5; ++i) BOOST_REQUIRE(out.try_push({}));
    }
    launched producer({lesson("1_producer"), queue});
    BOOST_REQUIRE(noria::rig::eventually([&] { return attached(noria::role::producer); }));
    noria::rig::milestone here;
    noria::rig::child consumer([&] {
        const ticks::consumer in{queue};
        here.tell();
        pause();
        return 0;
    });
    here.hear();
    consumer.kill();
    BOOST_TEST(producer.status() == 1);
    BOOST_TEST(producer.out() == "The consumer is gone.\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_queue_is_named_with_what_was_found) {
    noria::rig::write(queue, std::string(100000, 'x'));
    launched producer({lesson("1_producer"), queue});
    BOOST_TEST(producer.status() == 2);
    BOOST_TEST(producer.says(queue));
    launched consumer({lesson("1_consumer"), queue});
    BOOST_TEST(consumer.status() == 2);
    BOOST_TEST(consumer.says(queue));
}

BOOST_AUTO_TEST_CASE(claims_that_are_not_committed_are_never_seen) {
    launched producer({lesson("2_in_place_producer"), queue});
    BOOST_TEST(producer.status() == 0);
    launched consumer({lesson("2_in_place_consumer"), queue});
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out() == "100.00\n100.50\n101.00\n101.50\n102.00\n");
}

BOOST_AUTO_TEST_CASE(a_tick_that_a_dead_consumer_held_is_printed_again_and_marked) {
    launched producer({lesson("2_in_place_producer"), queue});
    BOOST_TEST(producer.status() == 0);
    noria::rig::milestone holding;
    noria::rig::child victim([&] {
        ticks::consumer in{queue};
        const auto held = in.take();
        if (!held) return 1;
        holding.tell();
        pause();
        return 0;
    });
    holding.hear();
    victim.kill();
    launched consumer({lesson("2_in_place_consumer"), queue});
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out() == "100.00  (perhaps done already, by one who died)\n100.50\n101.00\n101.50\n102.00\n");
}

BOOST_AUTO_TEST_CASE(texts_of_any_size_to_the_maximum_arrive_and_a_longer_one_is_refused) {
    const std::string longest(1000, 'x');
    launched producer({lesson("3_bytes_producer"), queue}, "one\n\n" + longest + "\n" + longest + "y\ntwo\n");
    BOOST_TEST(producer.status() == 0);
    BOOST_TEST(producer.err() == "Not sent: a line of 1001 bytes; 1000 would fit.\n");
    launched consumer({lesson("3_bytes_consumer"), queue});
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out() == "one\n\n" + longest + "\ntwo\n");
}

BOOST_AUTO_TEST_CASE(without_exceptions_a_missing_file_is_a_code_and_a_text) {
    launched consumer({lesson("4_without_exceptions"), queue});
    BOOST_TEST(consumer.status() == 2);
    BOOST_TEST(consumer.out() == "Nobody has made the queue yet.\n");
    BOOST_TEST(consumer.says(queue));
    BOOST_TEST(!std::filesystem::exists(queue));
}

BOOST_AUTO_TEST_CASE(without_exceptions_the_ticks_come_and_then_the_end) {
    launched producer({lesson("1_producer"), queue});
    BOOST_TEST(producer.status() == 0);
    launched consumer({lesson("4_without_exceptions"), queue});
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out().starts_with("100.00\n100.25\n"));
    BOOST_TEST(consumer.out().ends_with("102.25\n"));
}

BOOST_AUTO_TEST_CASE(without_waiting_an_empty_queue_is_no_end) {
    ticks::producer out{queue};
    BOOST_REQUIRE(out.push({.time_ns = 0, .price = 3}));
    launched consumer({lesson("4_without_exceptions"), queue});
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out() == "3.00\nNothing there: time for something else.\n");
}

BOOST_AUTO_TEST_CASE(a_queue_that_stays_full_is_given_up_at_the_deadline) {
    launched producer({lesson("5_deadline_producer"), queue});
    BOOST_TEST(producer.status() == 0);
    BOOST_TEST(producer.out() == "The queue stayed full until the deadline: 4 of 10 sent.\n");
    launched consumer({lesson("5_deadline_consumer"), queue});
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out() == "100.00\n100.25\n100.50\n100.75\n");
}

BOOST_AUTO_TEST_CASE(a_silent_producer_is_told_from_one_that_is_done) {
    auto out = ticks::producer::create(queue, {.capacity = 4});
    launched consumer({lesson("5_deadline_consumer"), queue});
    BOOST_TEST(noria::rig::eventually([&] { return consumer.out().find("No tick") != std::string::npos; }));
    BOOST_TEST(out.push({.time_ns = 0, .price = 5}));
    { const auto closed = std::move(out); }
    BOOST_TEST(consumer.status() == 0);
    BOOST_TEST(consumer.out().starts_with("No tick for half a second.\n"));
    BOOST_TEST(consumer.out().ends_with("5.00\n"));
}

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
