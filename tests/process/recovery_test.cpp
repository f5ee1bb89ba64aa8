// recovery_test.cpp: everybody dies at once, or those die who recover from a death; the next to open finds all.
#include "process/scene.hpp"
#include "rig/seed.hpp"
#include "rig/shared_page.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <random>

using namespace scene;

namespace {

struct progress {
    std::atomic<std::uint64_t> sent;      // messages that the producer knows to be committed
    std::atomic<std::uint64_t> received;  // messages that the consumer knows to be released
};

// Leaves a queue of two messages whose producer died over a third and whose consumer died over the first.
void leave_two_dead(const std::filesystem::path& path) {
    const rig::milestone claimed;
    rig::child producer([&] {
        numbers::producer out{path, {.capacity = 4}};
        send(out, 0, 2);
        auto slot = out.claim();
        *slot = number(666);
        claimed.tell();
        wait_for_death();
        return 1;
    });
    claimed.hear();
    const rig::milestone taken;
    rig::child consumer([&] {
        numbers::consumer in{path};
        const auto lease = in.take();
        taken.tell();
        wait_for_death();
        return 1;
    });
    taken.hear();
    producer.kill();
    consumer.kill();
}

// Lets a process attach, and kills it at that stop. True: it left a record that says alive. `through`: it had finished.
bool dies_attaching(const std::filesystem::path& path, noria::role role, int stop, bool& through) {
    rig::stepped_child recoverer([&] {
        if (role == noria::role::producer)
            (void)numbers::producer{path};
        else
            (void)numbers::consumer{path};
        return 0;
    });
    const bool reached = recoverer.run_to(stop);
    recoverer.kill();
    if (!reached) {
        through = true;
        insist(recoverer.how() == well, "an attach that nobody disturbs succeeds");
        return false;
    }
    for (const auto& each : noria::inspect(path).roster) {
        if (each.role == role && each.pid == static_cast<std::uint64_t>(recoverer.pid())) return true;
    }
    return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recovery)

BOOST_AUTO_TEST_CASE(published_messages_are_all_there_in_order_after_all_were_killed_at_once) {
    // Producer and consumer work as fast as they can, noting in memory of their own how far they are; at a random
    // moment both are killed. Whoever opens the file then must find every message between the two notes, each note
    // being at most one message behind the truth.
    std::mt19937_64 random(rig::seed());
    for (int round = 0; round < 40; ++round) {
        BOOST_TEST_CONTEXT("round " << round) {
            const rig::workspace place;
            const auto path = place / "queue";
            const bool leased = round % 2 == 1;
            const rig::shared_page<progress> noted;
            // Neither hears of the other's death and leaves by itself.
            rig::child producer([&] {
                numbers::producer out{path, {.capacity = 64, .await_successor = true}};
                for (std::uint64_t n = 0; out.push(number(n)); ++n) noted->sent = n + 1;
                return 1;
            });
            rig::child consumer([&] {
                numbers::consumer in{path, {.await_successor = true}};
                for (std::uint64_t n = 0;; ++n) {
                    if (leased)
                        insist(in.take()->number == n, "the messages come in order");
                    else
                        receive(in, n, n + 1);
                    noted->received = n + 1;
                }
                return 1;
            });
            const std::uint64_t enough = random() % 20000;
            BOOST_REQUIRE(rig::eventually([&] { return noted->received >= enough; }));
            consumer.send(SIGKILL);
            producer.send(SIGKILL);
            BOOST_REQUIRE(producer.wait() == killed);
            BOOST_REQUIRE(consumer.wait() == killed);

            numbers::consumer in{path};
            std::uint64_t next = noted->received;
            bool first = true;
            while (const auto got = in.pop_for(patience)) {
                BOOST_REQUIRE(whole(*got));
                if (first && got->number == next + 1) ++next;  // released, and died before it noted that
                BOOST_REQUIRE(got->number == next);
                BOOST_REQUIRE((got.deliveries() == 1 || (leased && first)));
                first = false;
                ++next;
            }
            BOOST_REQUIRE(in.why() == noria::outcome::ended);
            BOOST_REQUIRE(in.ended() == noria::end::abandoned);
            if (first && in.counters().received == next + 1) ++next;  // the same, and that was the last message
            BOOST_REQUIRE(next >= noted->sent);
            BOOST_REQUIRE(next <= noted->sent + 1);
            BOOST_REQUIRE(in.counters().sent == next);
            BOOST_REQUIRE(in.counters().received == next);
            BOOST_REQUIRE(place.files() == 1U);
        }
    }
}

BOOST_AUTO_TEST_CASE(dying_in_recovery_three_times_in_a_row_at_any_system_call_changes_nothing) {
    // Both sides are dead, the producer over a claim, the consumer over a lease. Then three attach in each role one
    // after the other, and each is killed at the same entry to or exit from the kernel; the stop moves from the first
    // to the last of an attach and its close. Each death counts once, as far as the victim had become alive, the
    // stream is what it was, and the lease is delivered again, once.
    bool producer_through = false;
    bool consumer_through = false;
    int stop = 1;
    for (; !(producer_through && consumer_through); ++stop) {
        BOOST_TEST_CONTEXT("killed at stop " << stop) {
            const rig::workspace place;
            const auto path = place / "queue";
            leave_two_dead(path);
            std::uint64_t producers = 1;
            std::uint64_t consumers = 1;
            for (int times = 0; times < 3; ++times) {
                if (dies_attaching(path, noria::role::producer, stop, producer_through)) ++producers;
                if (dies_attaching(path, noria::role::consumer, stop, consumer_through)) ++consumers;
            }
            numbers::consumer in{path};
            const auto first = in.pop_for(patience);
            BOOST_REQUIRE(first);
            BOOST_REQUIRE(first->number == 0U);
            BOOST_REQUIRE(first.deliveries() > 1U);
            receive(in, 1, 2);
            BOOST_REQUIRE(!in.pop_for(patience));
            BOOST_REQUIRE(in.why() == noria::outcome::ended);
            numbers::producer out{path};
            send(out, 2, 6);
            receive(in, 2, 6);
            const auto figures = in.counters();
            BOOST_REQUIRE(figures.redelivered == 1U);
            BOOST_REQUIRE(figures.producer_deaths == producers);
            BOOST_REQUIRE(figures.consumer_deaths == consumers);
            BOOST_REQUIRE(figures.sent == 6U);
            BOOST_REQUIRE(figures.received == 6U);
        }
    }
    BOOST_TEST_MESSAGE(stop << " stops");
    BOOST_TEST(stop > 20);  // an attach makes more calls than that: the stepper really stepped
}

BOOST_AUTO_TEST_CASE(dying_in_recovery_at_random_moments_loses_nothing) {
    // Between the system calls too: 300 times somebody attaches to a queue with a dead holder and is killed after a
    // random time, about as long as an attach. What was sent before is all there at the end.
    std::mt19937_64 random(rig::seed());
    const rig::workspace place;
    const auto path = place / "queue";
    leave_two_dead(path);
    for (int round = 0; round < 300; ++round) {
        const bool sending = round % 2 == 0;
        const rig::milestone begins;
        rig::child recoverer([&] {
            begins.tell();
            if (sending)
                numbers::producer{path, {.wait_for_role = patience}};
            else
                numbers::consumer{path, {.wait_for_role = patience}};
            wait_for_death();
            return 1;
        });
        begins.hear();
        const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 600);
        while (std::chrono::steady_clock::now() < end) {
        }
        recoverer.kill();
    }
    numbers::consumer in{path};
    const auto first = in.pop_for(patience);
    BOOST_REQUIRE(first);
    BOOST_TEST(first->number == 0U);
    BOOST_TEST(first.deliveries() > 1U);
    receive(in, 1, 2);
    BOOST_TEST(in.counters().redelivered == 1U);
    BOOST_TEST(in.counters().sent == 2U);
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
