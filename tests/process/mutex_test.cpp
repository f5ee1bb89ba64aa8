// mutex_test.cpp: the owner of a queue's mutex is killed or stopped with it in hand, and so is who waits for it.
#include "noria/mpmc.hpp"
#include "process/mutex_in_file.hpp"
#include "rig/child.hpp"
#include "rig/instruction_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <unistd.h>

#include <functional>
#include <thread>

using namespace scene;

namespace {

using jobs = noria::mpmc<numbered, noria::coordination::robust_mutex>;
using ticks = noria::spsc<numbered, noria::coordination::robust_mutex>;

// Lets it run to where it has taken the mutex, and so many instructions further.
void bring_into_mutex(const mutex_in_file& file, rig::instruction_stepper& victim, int further) {
    while (file.mutex().owner() == 0) insist(victim.step() == rig::instruction_stepper::at::instruction, "it takes it");
    for (int i = 0; i < further; ++i) (void)victim.step();
    insist(file.mutex().owner() != 0, "it has it");
}

template <class Queue>
std::function<void()> pusher(const std::filesystem::path& path) {
    return [path] {
        typename Queue::producer out{path};
        rig::mark();
        out.try_push(number(7));
        rig::mark();
    };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(robust_mutex)

BOOST_AUTO_TEST_CASE(an_owner_killed_with_it_in_hand_is_found_by_the_next_verb_and_counted) {
    for (const int further : {0, 10, 40}) {
        const rig::workspace place;
        const auto path = place / "queue";
        jobs::consumer in{path, {.capacity = 8}};
        jobs::producer out{path};
        const mutex_in_file file(path);
        rig::instruction_stepper victim(pusher<jobs>(path));
        bring_into_mutex(file, victim, further);
        victim.kill();
        BOOST_TEST(out.try_push(number(1)));
        BOOST_TEST(out.why() == noria::outcome::ok);
        const auto got = in.try_pop();
        BOOST_REQUIRE(bool(got));
        BOOST_TEST(got->number == 1U);
        const noria::counters now = noria::inspect(path).counters;
        BOOST_TEST(now.mutex_repairs == 1U);
        BOOST_TEST(now.producer_deaths == 1U);
        BOOST_TEST(noria::inspect(path).roster.size() == 2U);
    }
}

BOOST_AUTO_TEST_CASE(an_heir_of_a_role_finds_the_mutex_of_its_dead_predecessor) {
    const rig::workspace place;
    const auto path = place / "queue";
    ticks::consumer in{path, {.capacity = 8}};
    const mutex_in_file file(path);
    rig::instruction_stepper victim(pusher<ticks>(path));
    bring_into_mutex(file, victim, 5);
    victim.kill();
    ticks::producer heir{path};
    BOOST_TEST(file.mutex().owner() == 0U);
    BOOST_TEST(heir.try_push(number(2)));
    BOOST_TEST(in.try_pop()->number == 2U);
    BOOST_TEST(in.counters().mutex_repairs == 1U);
    BOOST_TEST(in.counters().skipped == 0U);
}

BOOST_AUTO_TEST_CASE(an_owner_that_stands_still_lives_and_delays_no_verb_beyond_its_time) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 8}};
    jobs::consumer in{path};
    BOOST_REQUIRE(out.try_push(number(1)));
    const mutex_in_file file(path);
    rig::instruction_stepper halted(pusher<jobs>(path));
    bring_into_mutex(file, halted, 10);
    for (int times = 0; times < 3; ++times) {
        BOOST_TEST(!out.try_push(number(2)));
        BOOST_TEST(out.why() == noria::outcome::stalled);
        BOOST_TEST(!in.try_pop());
        BOOST_TEST(in.why() == noria::outcome::stalled);
        BOOST_TEST(!out.push_for(number(2), 2ms));
        BOOST_TEST(out.why() == noria::outcome::timed_out);
        BOOST_TEST(out.stalled());
        BOOST_TEST(!in.take_for(2ms));
        BOOST_TEST(in.why() == noria::outcome::timed_out);
        BOOST_TEST(in.stalled());
    }
    in.interrupt();
    BOOST_TEST(!in.pop());
    BOOST_TEST(in.why() == noria::outcome::interrupted);
    BOOST_TEST(noria::inspect(path).depth == 1U);  // observers do not ask for it
    jobs::consumer newcomer{path};                 // nor does who comes
    BOOST_TEST(noria::inspect(path).roster.size() == 4U);
    // It goes on, and so does everybody.
    BOOST_TEST((halted.run_on() == rig::instruction_stepper::at::end));
    BOOST_TEST(out.push_for(number(2), patience));
    std::vector<std::uint64_t> got;
    for (int i = 0; i < 3; ++i) got.push_back(in.pop_for(patience)->number);
    BOOST_TEST((got == std::vector<std::uint64_t>{1, 7, 2}));
    BOOST_TEST(in.counters().mutex_repairs == 0U);
    BOOST_TEST(in.counters().producer_deaths == 0U);
}

BOOST_AUTO_TEST_CASE(a_commit_waits_for_an_owner_that_stands_still_and_passes_one_that_dies) {
    for (const bool dies : {false, true}) {
        const rig::workspace place;
        const auto path = place / "queue";
        jobs::consumer in{path, {.capacity = 8}};
        const mutex_in_file file(path);
        const rig::milestone claimed;
        const rig::milestone may_commit;
        rig::child waiter([&] {
            jobs::producer out{path, {.waiting = {.spin = 0ns}}};
            auto claim = out.claim();
            *claim = number(3);
            claimed.tell();
            may_commit.hear();
            return claim.commit() ? 0 : 1;
        });
        claimed.hear();
        rig::instruction_stepper halted(pusher<jobs>(path));
        bring_into_mutex(file, halted, 10);
        may_commit.tell();
        BOOST_TEST(rig::eventually([&] { return file.contended() && rig::sleeps_in_futex(waiter.pid()); }));
        if (dies)
            halted.kill();
        else
            (void)halted.run_on();
        BOOST_TEST(waiter.wait() == well);
        BOOST_TEST(in.pop_for(patience)->number == 3U);
        BOOST_TEST(in.counters().mutex_repairs == (dies ? 1U : 0U));
    }
}

BOOST_AUTO_TEST_CASE(who_has_no_slices_and_finds_the_mutex_taken_hears_of_the_end_all_the_same) {
    // Goal: leaving the mutex wakes no sleeper on an event word. So a consumer that is refused the mutex, at whichever of
    // its looks, looks again by itself. Method: it is stepped, and another has the mutex at two of the times that it asks for it.
    for (int first = 1; first <= 5; ++first) {
        for (int second = first + 1; second <= first + 4; ++second) {
            const rig::workspace place;
            const auto path = place / "queue";
            const jobs::consumer keeper{path, {.capacity = 8}};  // in the first entry
            { const jobs::producer gone{path}; }
            const mutex_in_file file(path);
            rig::instruction_stepper halted([&] {
                jobs::consumer in{path, {.waiting = {.spin = 0ns, .slice = std::chrono::nanoseconds::max()}}};
                rig::mark();
                (void)in.pop();
                insist(in.why() == noria::outcome::ended, "the end is told");
                rig::mark();
            });
            bool wakes = true;
            // To where it is about to ask for the mutex, or has been given or refused it and has done with it.
            const auto run_to_tenure = [&](std::uint64_t parity) {
                while (wakes && !halted.at_mark() && file.tenure(2) % 2 != parity) {
                    if (halted.step() != rig::instruction_stepper::at::asleep) continue;
                    wakes = rig::eventually([&] { return !halted.sleeps_on(); });
                    if (wakes) (void)halted.step();
                }
            };
            for (int asks = 1; asks <= second && wakes; ++asks) {
                run_to_tenure(1);
                const bool taken = asks == first || asks == second;
                if (halted.at_mark() || !wakes) break;
                if (taken) BOOST_REQUIRE(file.take_for(1));
                run_to_tenure(0);
                if (taken) BOOST_REQUIRE(file.leave_for(1));
            }
            BOOST_TEST((wakes && rig::eventually([&] {
                            return halted.at_mark() || halted.run_on() == rig::instruction_stepper::at::end;
                        })),
                       "refused the times " << first << " and " << second);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_waiter_that_is_killed_leaves_the_mutex_to_its_owner_and_the_wake_ups_to_others) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer owner{path, {.capacity = 8}};  // in the first entry
    const mutex_in_file file(path);
    BOOST_REQUIRE(file.take_for(1));
    std::vector<rig::child> waiters;
    for (std::uint64_t n = 0; n < 3; ++n) {
        waiters.emplace_back([&, n] {
            jobs::producer out{path, {.waiting = {.spin = 0ns}}};
            return out.push(number(n)) ? 0 : 1;
        });
    }
    for (auto& each : waiters) await_sleep(each);
    waiters[0].kill();
    BOOST_TEST(file.mutex().owner() == 1U);
    BOOST_TEST(file.leave_for(1));
    BOOST_TEST(waiters[1].wait() == well);
    BOOST_TEST(waiters[2].wait() == well);
    BOOST_TEST(owner.size() == 2U);
    jobs::consumer in{path};  // buries whom nobody has met
    BOOST_TEST(in.counters().producer_deaths == 1U);
    BOOST_TEST(in.counters().mutex_repairs == 0U);
}

BOOST_AUTO_TEST_CASE(a_dead_one_s_claim_is_counted_where_there_may_be_several_producers_and_nowhere_else) {
    const auto skipped = [](auto of) -> std::uint64_t {
        using queue = decltype(of);
        const rig::workspace place;
        const auto path = place / "queue";
        typename queue::consumer in{path, {.capacity = 8}};
        const rig::milestone claimed;
        rig::child victim([&] {
            typename queue::producer out{path};
            auto claim = out.claim();
            claimed.tell();
            wait_for_death();
            return 1;
        });
        claimed.hear();
        victim.kill();
        hear_end(in, noria::end::abandoned);
        insist(in.counters().producer_deaths == 1, "the death is counted");
        return in.counters().skipped;
    };
    BOOST_TEST(skipped(jobs()) == 1U);
    BOOST_TEST(skipped(ticks()) == 0U);
}

// Nobody would ever leave it, and a commit or a release would wait for good: so they are a child's, who has an end.
BOOST_AUTO_TEST_CASE(a_word_that_names_one_who_lives_and_is_elsewhere_is_a_lie) {
    rig::child all([] {
        alarm(20);  // so long that something must be broken
        const rig::workspace place;
        const auto path = place / "queue";
        jobs::producer idle{path, {.capacity = 8}};  // in the first entry
        jobs::producer out{path, {.waiting = {.spin = 0ns}}};
        jobs::consumer in{path, {.waiting = {.spin = 0ns}}};
        const mutex_in_file file(path);
        insist(idle.try_push(number(1)), "there is room");
        auto claim = out.claim();
        auto lease = in.take();
        insist(file.mutex().try_take(1), "nobody has the mutex");
        insist(!claim.commit() && out.why() == noria::outcome::corrupt, "a commit tells the lie");
        lease.release();
        insist(in.why() == noria::outcome::corrupt, "a release tells it");
        insist(!idle.try_push(number(2)) && idle.why() == noria::outcome::corrupt, "and whom it is about");
        return 0;
    });
    BOOST_TEST(all.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_word_that_names_nobody_is_a_lie) {
    for (const std::uint32_t liar : {3U, 64U, 65U, 4095U, noria::layout::mutex_contended - 1}) {
        const rig::workspace place;
        const auto path = place / "queue";
        jobs::producer out{path, {.capacity = 8, .endpoints = 64}};
        jobs::consumer in{path};
        const mutex_in_file file(path);
        BOOST_REQUIRE(out.try_push(number(1)));
        auto lease = in.take();
        BOOST_REQUIRE(file.mutex().try_take(liar));
        BOOST_TEST(!out.push(number(1)));
        BOOST_TEST(out.why() == noria::outcome::corrupt);
        lease.release();
        BOOST_TEST(in.why() == noria::outcome::corrupt);
        BOOST_TEST(!in.is_open());
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
