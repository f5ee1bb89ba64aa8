// crowd_test.cpp: members of a crowd are killed or stopped with something in their hands; the others go on, and get it.
#include "noria/mpmc.hpp"
#include "process/scene.hpp"
#include "rig/raw_figures.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace scene;

namespace {

using jobs = noria::mpmc<numbered>;

// Without slices whoever is not rung sleeps for ever; but behind a claim one asks whether its owner lives.
noria::options sleeping(noria::options wishes = {}) {
    wishes.waiting = {.spin = 0ns, .slice = std::chrono::nanoseconds::max()};
    return wishes;
}

// Forks somebody who does that and then waits to be killed.
rig::child halted_after(const std::function<void(const rig::milestone&)>& deed) {
    const rig::milestone there;
    rig::child made([&]() -> int {
        deed(there);
        return 97;
    });
    there.hear();
    return made;
}

rig::child claimant(const std::filesystem::path& path) {
    return halted_after([&](const rig::milestone& there) {
        jobs::producer out{path};
        auto claim = out.claim();
        there.tell();
        wait_for_death();
    });
}

rig::child holder_of(const std::filesystem::path& path, std::size_t messages) {
    return halted_after([&](const rig::milestone& there) {
        jobs::consumer in{path};
        std::vector<decltype(in.take())> leases;
        for (std::size_t i = 0; i < messages; ++i) leases.push_back(in.take());
        there.tell();
        wait_for_death();
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crowd)

BOOST_AUTO_TEST_CASE(who_waits_behind_a_dead_producer_s_claim_passes_it) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 8}};
    auto dead = claimant(path);
    BOOST_REQUIRE(out.try_push(number(1)));
    rig::child waiter([&] {
        jobs::consumer in{path, sleeping()};
        const auto got = in.pop();
        insist(got && got->number == 1, "the message behind the claim comes");
        insist(in.counters().skipped == 1, "the claim is counted");
        return 0;
    });
    await_sleep(waiter);
    dead.kill();
    BOOST_TEST(waiter.wait() == well);
    BOOST_TEST(out.counters().producer_deaths == 1U);
    BOOST_TEST(out.counters().skipped == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_dead_consumer_held_comes_to_the_others_and_says_so) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 8}};
    jobs::consumer in{path};
    for (std::uint64_t n = 0; n < 5; ++n) BOOST_REQUIRE(out.try_push(number(n)));
    auto dead = holder_of(path, 3);
    for (std::uint64_t n = 3; n < 5; ++n) BOOST_TEST(in.pop_for(patience)->number == n);
    BOOST_TEST(!in.try_pop());
    dead.kill();
    for (std::uint64_t n = 0; n < 3; ++n) {
        const auto got = in.pop_for(patience);
        BOOST_REQUIRE(bool(got));
        BOOST_TEST(got->number == n);
        BOOST_TEST(got.deliveries() == 2U);
        BOOST_TEST(whole(*got));
    }
    BOOST_TEST(!in.try_pop());
    const noria::counters now = rig::raw_figures(path);
    BOOST_TEST(now.redelivered == 3U);
    BOOST_TEST(now.consumer_deaths == 1U);
    BOOST_TEST(now.received == 5U);
}

BOOST_AUTO_TEST_CASE(a_dead_consumer_s_lease_keeps_no_producer_waiting) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 2}};
    jobs::consumer in{path};
    for (std::uint64_t n = 0; n < 2; ++n) BOOST_REQUIRE(out.try_push(number(n)));
    auto dead = holder_of(path, 1);
    BOOST_TEST(in.pop_for(patience)->number == 1U);
    rig::child waiter([&] {
        jobs::producer mine{path, sleeping()};
        insist(mine.push(number(2)), "there is room at last");
        return 0;
    });
    await_sleep(waiter);
    dead.kill();
    // The message of the dead is in the way until somebody takes it.
    BOOST_TEST(in.pop_for(patience)->number == 0U);
    BOOST_TEST(waiter.wait() == well);
    BOOST_TEST(in.pop_for(patience)->number == 2U);
}

BOOST_AUTO_TEST_CASE(nothing_is_taken_from_a_stopped_claimant_or_holder) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 4}};
    jobs::consumer in{path};
    BOOST_REQUIRE(out.try_push(number(0)));
    auto holder = holder_of(path, 1);
    auto writer = claimant(path);
    BOOST_REQUIRE(out.try_push(number(2)));
    holder.stop();
    writer.stop();
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(!in.try_pop());
    BOOST_TEST(in.why() == noria::outcome::stalled);
    const auto seen = noria::inspect(path);
    BOOST_REQUIRE(seen.claimed.has_value());
    BOOST_TEST(seen.claimed->pid == static_cast<std::uint64_t>(writer.pid()));
    BOOST_REQUIRE(seen.taken.has_value());
    BOOST_TEST(seen.taken->pid == static_cast<std::uint64_t>(holder.pid()));
    BOOST_TEST(seen.counters.producer_deaths == 0U);
    writer.kill();
    BOOST_TEST(in.pop_for(patience)->number == 2U);
    holder.kill();
    const auto again = in.pop_for(patience);
    BOOST_REQUIRE(bool(again));
    BOOST_TEST(again->number == 0U);
    BOOST_TEST(again.deliveries() == 2U);
}

BOOST_AUTO_TEST_CASE(a_stream_is_abandoned_if_a_producer_died_and_none_came_after_it) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::consumer in{path, {.capacity = 4}};
    for (const bool replaced : {false, true}) {
        jobs::producer out{path};
        auto dead = claimant(path);
        dead.kill();
        if (replaced) {
            jobs::producer successor{path};
            BOOST_REQUIRE(successor.try_push(number(7)));
        }
        BOOST_REQUIRE(out.try_push(number(8)));
        { auto gone = std::move(out); }
        if (replaced) BOOST_TEST(in.pop_for(patience)->number == 7U);
        BOOST_TEST(in.pop_for(patience)->number == 8U);
        hear_end(in, replaced ? noria::end::finished : noria::end::abandoned);
    }
}

BOOST_AUTO_TEST_CASE(a_death_in_any_place_of_the_roster_is_found_by_who_waits) {
    // The one who waits has the first place; each of the others, the last one too, is a producer's in turn.
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::consumer in{path, {.capacity = 4, .endpoints = 4}};
    std::vector<jobs::consumer> between;
    for (std::uint64_t others = 0; others < 3; ++others) {
        auto dead = halted_after([&](const rig::milestone& there) {
            const jobs::producer out{path};
            there.tell();
            wait_for_death();
        });
        dead.kill();
        hear_end(in, noria::end::abandoned);
        BOOST_TEST(in.counters().producer_deaths == others + 1);
        between.emplace_back(path);
    }
}

BOOST_AUTO_TEST_CASE(a_roster_full_of_the_dead_has_room_for_everybody) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const jobs::producer creator{path, {.capacity = 4, .endpoints = 2}}; }
    for (std::uint64_t times = 1; times <= 2; ++times) {
        auto one = claimant(path);
        auto two = halted_after([&](const rig::milestone& there) {
            const jobs::consumer in{path};
            there.tell();
            wait_for_death();
        });
        one.kill();
        two.kill();
        jobs::consumer in{path, refused_at_once};
        jobs::producer out{path, refused_at_once};
        BOOST_REQUIRE(out.try_push(number(times)));
        BOOST_TEST(in.pop_for(patience)->number == times);
        BOOST_TEST(in.counters().skipped == times);
        BOOST_TEST(in.counters().producer_deaths == times);
        BOOST_TEST(in.counters().consumer_deaths == times);
    }
}

BOOST_AUTO_TEST_CASE(whom_all_left_with_their_hands_full_a_newcomer_finds_everything) {
    const rig::workspace place;
    const auto path = place / "queue";
    {
        jobs::producer out{path, {.capacity = 8, .endpoints = 5}};
        for (std::uint64_t n = 0; n < 4; ++n) BOOST_REQUIRE(out.try_push(number(n)));
        auto one = holder_of(path, 2);
        auto two = holder_of(path, 1);
        auto three = claimant(path);
        for (auto* each : {&one, &two, &three}) each->kill();
    }
    // As many as ever there is room for, though the records of the dead are alive.
    std::vector<jobs::consumer> all;
    for (int i = 0; i < 5; ++i) all.emplace_back(path);
    std::vector<bool> came(4);
    for (int i = 0; i < 4; ++i) {
        const auto got = all[static_cast<std::size_t>(i)].pop_for(patience);
        BOOST_REQUIRE(bool(got));
        BOOST_TEST(!came[got->number]);
        came[got->number] = true;
        BOOST_TEST(got.deliveries() == (got->number < 3 ? 2U : 1U));
    }
    BOOST_TEST(all[0].size() == 0U);
    BOOST_TEST(all[0].counters().skipped == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
