// death_test.cpp: one side is killed, idle, waiting, writing or reading; the other side and the next ones go on.
#include "process/scene.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace scene;

BOOST_AUTO_TEST_SUITE(death)

BOOST_AUTO_TEST_CASE(consumer_killed_in_its_sleep_blocks_no_push) {
    // A waiter killed in its sleep must leave nothing that a sender stumbles over. Each round kills a sleeping
    // consumer, lets a new one attach, and sends five messages by the verb that could block.
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::producer out{path, {.capacity = 4096}};
    for (std::uint64_t round = 0; round < 20; ++round) {
        rig::child sleeper([&] {
            numbers::consumer in{path};
            return in.pop() ? 1 : 2;
        });
        await_sleep(sleeper);
        sleeper.kill();
        const rig::milestone attached;
        rig::child successor([&] {
            numbers::consumer in{path};
            attached.tell();
            receive(in, round * 5, round * 5 + 5);
            return 0;
        });
        attached.hear();
        for (std::uint64_t n = round * 5; n < round * 5 + 5; ++n) BOOST_REQUIRE(out.push(number(n)));
        BOOST_REQUIRE(successor.wait() == well);
    }
    BOOST_TEST(out.counters().consumer_deaths == 20U);
}

BOOST_AUTO_TEST_CASE(producer_killed_while_waiting_for_room_blocks_no_consumer) {
    const rig::workspace place;
    const auto path = place / "queue";
    for (std::uint64_t round = 0; round < 10; ++round) {
        rig::child producer([&] {
            numbers::producer out{path, {.capacity = 4}};
            for (std::uint64_t n = round * 6; n < round * 6 + 5; ++n) out.push(number(n));  // the fifth waits
            return 1;
        });
        await_sleep(producer);
        producer.kill();
        numbers::consumer in{path};
        receive(in, round * 6, round * 6 + 4);
        hear_end(in, noria::end::abandoned);
        rig::child successor([&] {
            numbers::producer out{path};
            send(out, round * 6 + 4, round * 6 + 6);
            return 0;
        });
        receive(in, round * 6 + 4, round * 6 + 6);
        hear_end(in, noria::end::finished);
        BOOST_REQUIRE(successor.wait() == well);
    }
}

BOOST_AUTO_TEST_CASE(claim_of_a_killed_producer_is_passed_over) {
    // The producer dies with a claim that is written and not committed. An observer sees the claim before, and nothing
    // of it after; the consumer is told of the end at once; the successor's message takes the claim's place.
    for (const std::uint64_t capacity : {1U, 2U, 8U}) {
        const rig::workspace place;
        const auto path = place / "queue";
        const rig::milestone claimed;
        rig::child producer([&] {
            numbers::producer out{path, {.capacity = capacity}};
            auto slot = out.claim();
            *slot = number(666);
            claimed.tell();
            wait_for_death();
            return 1;
        });
        claimed.hear();
        const noria::observer eye{path};
        const auto before = eye.look();
        BOOST_REQUIRE(before.claimed.has_value());
        BOOST_TEST(before.claimed->pid == static_cast<std::uint64_t>(producer.pid()));
        BOOST_TEST(before.claimed->position == 0U);
        numbers::consumer in{path};
        producer.kill();
        hear_end(in, noria::end::abandoned);
        const auto after = eye.look();
        BOOST_TEST(!after.claimed.has_value());
        BOOST_TEST(after.roster.size() == 1U);
        BOOST_TEST(after.counters.producer_deaths == 1U);

        numbers::producer out{path};
        send(out, 0, 1);
        receive(in, 0, 1);
        BOOST_TEST(out.counters().sent == 1U);
        BOOST_TEST(out.counters().given_back == 0U);
    }
}

BOOST_AUTO_TEST_CASE(claim_of_a_killed_producer_is_passed_over_in_a_queue_of_bytes) {
    // The same with records of different sizes: what the dead one wrote is longer than what takes its place, and round
    // after round the claim lies elsewhere in the ring, across its end too.
    const rig::workspace place;
    const auto path = place / "queue";
    const noria::options wishes{.capacity_bytes = 1024, .message_bytes_max = 300, .waiting = {.slice = 2ms}};
    texts::consumer in{path, wishes};
    for (int round = 0; round < 40; ++round) {
        const std::string text(static_cast<std::size_t>(round * 37 % 200), static_cast<char>('a' + round % 26));
        const rig::milestone claimed;
        rig::child producer([&] {
            texts::producer out{path};
            insist(out.push_for(noria::bytes(text), patience), "the push succeeds");
            auto room = out.claim_for(std::size_t{300}, patience);
            for (std::byte& each : *room) each = std::byte{0xFF};
            claimed.tell();
            wait_for_death();
            return 1;
        });
        claimed.hear();
        producer.kill();
        auto got = in.pop_for(patience);
        BOOST_REQUIRE(got);
        BOOST_REQUIRE(got->text() == text);
        hear_end(in, noria::end::abandoned);
    }
    BOOST_TEST(in.counters().sent == 40U);
    BOOST_TEST(in.counters().received == 40U);
}

BOOST_AUTO_TEST_CASE(lease_of_a_killed_consumer_is_delivered_again_and_says_so) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::producer out{path, {.capacity = 8}};
    send(out, 0, 4);
    for (std::uint64_t victim = 1; victim <= 3; ++victim) {  // three in a row die over the same message
        const rig::milestone taken;
        rig::child consumer([&] {
            numbers::consumer in{path};
            if (victim == 1) receive(in, 0, 1);
            const auto lease = in.take_for(patience);
            insist(lease && lease->number == 1, "message 1 is taken");
            insist((lease.deliveries() > 1) == (victim > 1), "it says whether somebody had it before");
            taken.tell();
            wait_for_death();
            return 1;
        });
        taken.hear();
        const auto seen = noria::inspect(path);
        BOOST_REQUIRE(seen.taken.has_value());
        BOOST_TEST(seen.taken->position == 1U);
        BOOST_TEST(seen.taken->pid == static_cast<std::uint64_t>(consumer.pid()));
        consumer.kill();
    }
    numbers::consumer in{path};
    const auto again = in.pop_for(patience);
    BOOST_REQUIRE(again);
    BOOST_TEST(again->number == 1U);
    BOOST_TEST(again.deliveries() > 1U);
    receive(in, 2, 4);
    BOOST_TEST(in.counters().redelivered == 3U);
    BOOST_TEST(in.counters().consumer_deaths == 3U);
    BOOST_TEST(in.counters().received == 4U);
}

BOOST_AUTO_TEST_CASE(lease_of_a_killed_consumer_is_delivered_again_in_a_queue_of_bytes) {
    const rig::workspace place;
    const auto path = place / "queue";
    texts::producer out{path, {.capacity_bytes = 256}};
    for (int round = 0; round < 30; ++round) {
        const std::string text(static_cast<std::size_t>(round % 40), 'x');
        BOOST_REQUIRE(out.push_for(noria::bytes(text), patience));
        BOOST_REQUIRE(out.push_for(noria::bytes("next"), patience));
        const rig::milestone taken;
        rig::child consumer([&] {
            texts::consumer in{path};
            const auto lease = in.take_for(patience);
            insist(lease && (*lease).text() == text && lease.deliveries() == 1, "the first message is taken");
            taken.tell();
            wait_for_death();
            return 1;
        });
        taken.hear();
        consumer.kill();
        texts::consumer in{path};
        const auto again = in.pop_for(patience);
        BOOST_REQUIRE(again);
        BOOST_REQUIRE(again->text() == text);
        BOOST_REQUIRE(again.deliveries() > 1U);
        const auto next = in.pop_for(patience);
        BOOST_REQUIRE(next);
        BOOST_REQUIRE(next->text() == "next");
        BOOST_REQUIRE(next.deliveries() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(popped_or_released_message_of_a_killed_consumer_is_not_delivered_again) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::producer out{path, {.capacity = 8}};
    send(out, 0, 4);
    const rig::milestone done;
    rig::child consumer([&] {
        numbers::consumer in{path};
        receive(in, 0, 1);
        in.take().release();
        done.tell();
        wait_for_death();
        return 1;
    });
    done.hear();
    consumer.kill();
    numbers::consumer in{path};
    receive(in, 2, 4);
    BOOST_TEST(in.counters().redelivered == 0U);
}

BOOST_AUTO_TEST_CASE(role_of_a_killed_holder_is_free_without_waiting_for_anything_but_the_kernel) {
    // As a supervisor does it: SIGKILL, and the successor starts at once, before anybody has reaped the dead.
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 64}};
    for (std::uint64_t round = 0; round < 50; ++round) {
        const rig::milestone sent;
        rig::child producer([&] {
            numbers::producer out{path};
            send(out, round * 2, round * 2 + 1);
            sent.tell();
            wait_for_death();
            return 1;
        });
        sent.hear();
        producer.send(SIGKILL);
        numbers::producer out{path, {.wait_for_role = patience}};
        send(out, round * 2 + 1, round * 2 + 2);
        receive(in, round * 2, round * 2 + 2);
    }
    BOOST_TEST(in.counters().producer_deaths == 50U);
}

BOOST_AUTO_TEST_CASE(consumer_restarted_after_draining_goes_on_where_it_was) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::producer out{path, {.capacity = 4}};
    for (std::uint64_t round = 0; round < 20; ++round) {
        send(out, round * 3, round * 3 + 3);
        const rig::milestone drained;
        rig::child consumer([&] {
            numbers::consumer in{path};
            receive(in, round * 3, round * 3 + 3);
            insist(!in.try_pop() && in.why() == noria::outcome::empty, "it is drained");
            drained.tell();
            if (round % 2 == 0) wait_for_death();
            return 0;
        });
        drained.hear();
        if (round % 2 == 0)
            consumer.kill();
        else
            BOOST_REQUIRE(consumer.wait() == well);
    }
    BOOST_TEST(out.counters().received == 60U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
