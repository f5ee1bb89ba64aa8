// crowd_container_test.cpp: an mpmc queue between containers: each process is PID 1 where it lives, and one is killed.
//
// Nothing but the shared directory joins them, so no number, heartbeat or socket could tell who lives: the kernel's locks do.
#include "noria/mpmc.hpp"
#include "process/containers.hpp"
#include "rig/skip.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace scene;

namespace {

using jobs = noria::mpmc<numbered>;
constexpr noria::options making{.capacity = 8, .endpoints = 6};

// Takes a message, says so, and lets it go when it may.
int hold_until_told(std::uint64_t expected, const rig::milestone& taken, const rig::milestone& may_go) {
    jobs::consumer in{"/queues/queue", making};
    auto lease = in.take_for(patience);
    insist(lease && lease->number == expected && lease.deliveries() == 1, "the message is taken for the first time");
    taken.tell();
    may_go.hear();
    insist(whole(*lease) && lease->number == expected, "nobody has touched it");
    lease.release();
    insist(in.why() == noria::outcome::ok, "it is released");
    return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crowd_containers)

BOOST_AUTO_TEST_CASE(what_one_container_s_dead_held_comes_to_another_and_what_the_living_hold_does_not) {
    // Three holders, each PID 1: one is killed. Its message, and what is behind its claim, come to the others; the living
    // one's does not, though its number is that of the dead.
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    jobs::producer out{place / "queue", making};
    for (std::uint64_t n = 0; n < 2; ++n) BOOST_REQUIRE(out.try_push(number(n)));
    const rig::milestone taken;
    const rig::milestone may_go;
    container living(place.path(), [&] { return hold_until_told(0, taken, may_go); });
    taken.hear();
    container dying(place.path(), [&] {
        jobs::consumer in{"/queues/queue", making};
        jobs::producer mine{"/queues/queue", making};
        const auto lease = in.take_for(patience);
        const auto claim = mine.claim();
        insist(lease && lease->number == 1 && claim, "its hands are full");
        taken.tell();
        wait_for_death();
        return 1;
    });
    taken.hear();
    BOOST_REQUIRE(out.try_push(number(2)));
    const rig::milestone asleep;
    container waiting(place.path(), [&] {
        jobs::consumer in{"/queues/queue", making};
        insist(!in.pop_for(a_while), "a living claimant is waited for");
        asleep.tell();
        bool came[3] = {};
        for (int i = 0; i < 2; ++i) {
            const auto got = in.pop_for(patience);
            insist(got && whole(*got) && got->number < 3 && !came[got->number], "a message comes, once");
            insist(got.deliveries() == (got->number == 1 ? 2U : 1U), "what the dead one held says so");
            came[got->number] = true;
        }
        insist(!came[0], "what a living one holds does not come");
        return 0;
    });
    asleep.hear();
    dying.kill();
    BOOST_TEST(waiting.wait() == well);
    may_go.tell();
    BOOST_TEST(living.wait() == well);
    const noria::counters now = out.counters();
    BOOST_TEST(now.producer_deaths == 1U);
    BOOST_TEST(now.consumer_deaths == 1U);
    BOOST_TEST(now.redelivered == 1U);
    BOOST_TEST(now.skipped == 1U);
    BOOST_TEST(now.received == 3U);
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_CASE(the_death_of_a_waiter_takes_nothing_from_the_holder) {
    // The one that waits has the holder's number, too. A robust mutex of the C library, which knows owners by their number, fails
    // here.
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    jobs::producer out{place / "queue", making};
    BOOST_REQUIRE(out.try_push(number(7)));
    const rig::milestone taken;
    const rig::milestone may_go;
    container holder(place.path(), [&] { return hold_until_told(7, taken, may_go); });
    taken.hear();
    container waiter(place.path(), [&] {
        jobs::consumer in{"/queues/queue", making};
        taken.tell();
        (void)in.pop();
        return 1;
    });
    taken.hear();
    BOOST_REQUIRE(rig::eventually([&] { return noria::inspect(place / "queue").consumers.sleeper_armed; }));
    waiter.kill();
    jobs::consumer in{place / "queue"};
    // However late each wait is over, one of them meets the dead.
    BOOST_TEST(rig::eventually([&] { return !in.pop_for(a_while) && in.counters().consumer_deaths == 1; }));
    may_go.tell();
    BOOST_TEST(holder.wait() == well);
    BOOST_TEST(!in.try_pop());
    BOOST_TEST(in.counters().redelivered == 0U);
    BOOST_TEST(in.counters().received == 1U);
}

BOOST_AUTO_TEST_CASE(crowds_of_two_containers_share_a_stream_and_lose_nothing) {
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    constexpr std::uint64_t each = 3000;
    const rig::workspace place;
    struct sums {
        std::atomic<std::uint64_t> count;
        std::atomic<std::uint64_t> total;
    };
    const rig::shared_page<sums> all;
    jobs::producer keeper{place / "queue", making};  // nobody is told of an end before all have come
    const rig::milestone here;
    std::vector<std::unique_ptr<container>> members;
    for (std::uint64_t i = 0; i < 2; ++i) {
        members.push_back(std::make_unique<container>(place.path(), [] {
            jobs::producer out{"/queues/queue", making};
            for (std::uint64_t n = 0; n < each; ++n) insist(out.push_for(number(n), patience), "the push succeeds");
            return 0;
        }));
    }
    for (std::uint64_t i = 0; i < 2; ++i) {
        members.push_back(std::make_unique<container>(place.path(), [&] {
            jobs::consumer in{"/queues/queue", making};
            here.tell();
            while (const auto got = in.pop_for(patience)) {
                insist(whole(*got) && got.deliveries() == 1, "the message is whole, and comes for the first time");
                ++all->count;
                all->total += got->number;
            }
            insist(in.ended() == noria::end::finished, "the stream is finished");
            return 0;
        }));
    }
    for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(members[i]->wait() == well);
    for (std::size_t i = 2; i < 4; ++i) here.hear();
    { auto gone = std::move(keeper); }
    for (std::size_t i = 2; i < 4; ++i) BOOST_TEST(members[i]->wait() == well);
    BOOST_TEST(all->count == 2 * each);
    BOOST_TEST(all->total == each * (each - 1));
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
