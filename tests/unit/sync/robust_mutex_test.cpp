// robust_mutex_test.cpp: one owner at a time, nobody sleeps for ever, and what is asked of whom.
#include "noria/sync/robust_mutex.hpp"

#include "noria/core/atomics.hpp"
#include "rig/child.hpp"

#include <boost/test/unit_test.hpp>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using noria::layout::mutex_contended;
using noria::os::monotonic;
using noria::sync::robust_mutex;

namespace {

constexpr auto for_ever = monotonic::time_point::max();

// Answers what it is told to, and remembers about whom it was asked.
struct oracle {
    robust_mutex::fate answer = robust_mutex::fate::lives;
    std::uint32_t about = 0;
    std::uint32_t* buries = nullptr;

    static robust_mutex::fate ask(void* context, std::uint32_t owner) {
        auto& self = *static_cast<oracle*>(context);
        self.about = owner;
        if (self.buries != nullptr) noria::store_release(*self.buries, 0U);
        return self.answer;
    }
    robust_mutex::question question() { return {this, ask}; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(robust_mutex_word)

BOOST_AUTO_TEST_CASE(many_threads_are_one_at_a_time_and_none_is_forgotten) {
    // Goal: no two inside, no wake-up lost while nobody dies. Method: a plain counter; owners that never die, so that a
    // sleeper without a wake-up would sleep slice after slice, and the test would not end in its time.
    noria::layout::mutex_line line{};
    const robust_mutex mutex(line);
    constexpr std::uint32_t threads = 4;
    constexpr std::uint64_t rounds = 20000;
    std::uint64_t counter = 0;
    std::vector<std::thread> all;
    for (std::uint32_t me = 1; me <= threads; ++me) {
        all.emplace_back([&, me] {
            oracle nobody_dies;
            for (std::uint64_t i = 0; i < rounds; ++i) {
                if (!mutex.try_take(me) &&
                    mutex.take(me, i % 3 * 1us, for_ever, nobody_dies.question()) != robust_mutex::answer::taken)
                    return;
                ++counter;
                if (!mutex.leave(me)) return;
            }
        });
    }
    for (auto& each : all) each.join();
    BOOST_TEST(counter == threads * rounds);
    BOOST_TEST(line.owner == 0U);
}

BOOST_AUTO_TEST_CASE(who_leaves_wakes_one_who_sleeps) {
    // Method: a sleeper without a deadline, which looks only when it is woken.
    noria::layout::mutex_line line{};
    const robust_mutex mutex(line);
    BOOST_REQUIRE(mutex.try_take(1));
    noria::store_relaxed(line.owner, 1 | mutex_contended);
    std::atomic<pid_t> thread{0};
    std::thread sleeper([&] {
        thread = gettid();
        while (noria::load_relaxed(line.owner) != 0) noria::os::futex_wait(line.owner, 1 | mutex_contended, for_ever);
    });
    BOOST_TEST(noria::rig::eventually([&] { return thread != 0 && noria::rig::sleeps_in_futex_for_good(thread); }));
    BOOST_TEST(mutex.leave(1));
    sleeper.join();
}

BOOST_AUTO_TEST_CASE(a_living_owner_is_waited_for_until_the_time_is_over) {
    noria::layout::mutex_line line{};
    const robust_mutex mutex(line);
    BOOST_REQUIRE(mutex.try_take(5));
    BOOST_TEST(!mutex.try_take(6));
    BOOST_TEST(mutex.owner() == 5U);
    oracle alive;
    const auto until = monotonic::now() + 2ms;
    BOOST_TEST((mutex.take(6, 0ns, until, alive.question()) == robust_mutex::answer::busy));
    BOOST_TEST((monotonic::now() >= until));
    BOOST_TEST(alive.about == 5U);
    BOOST_TEST(mutex.owner() == 5U);
    BOOST_TEST(line.owner == (5U | mutex_contended));
    BOOST_TEST(mutex.leave(5));
    BOOST_TEST((mutex.take(6, 0ns, until, alive.question()) == robust_mutex::answer::taken));
    BOOST_TEST(mutex.leave(6));
}

BOOST_AUTO_TEST_CASE(a_dead_owner_is_buried_and_its_mutex_taken) {
    noria::layout::mutex_line line{};
    const robust_mutex mutex(line);
    BOOST_REQUIRE(mutex.try_take(9));
    oracle dead{.answer = robust_mutex::fate::buried, .buries = &line.owner};
    BOOST_TEST((mutex.take(1, 0ns, for_ever, dead.question()) == robust_mutex::answer::taken));
    BOOST_TEST(dead.about == 9U);
    BOOST_TEST(mutex.owner() == 1U);
}

BOOST_AUTO_TEST_CASE(who_has_slept_takes_it_so_that_other_sleepers_are_woken) {
    noria::layout::mutex_line line{};
    const robust_mutex mutex(line);
    BOOST_REQUIRE(mutex.try_take(9));
    oracle dead{.answer = robust_mutex::fate::buried, .buries = &line.owner};
    BOOST_REQUIRE((mutex.take(1, 0ns, for_ever, dead.question()) == robust_mutex::answer::taken));
    BOOST_TEST(line.owner == (1U | mutex_contended));
}

BOOST_AUTO_TEST_CASE(however_long_one_would_spin_the_time_is_kept_and_a_dead_owner_is_asked_about) {
    constexpr auto for_good = std::chrono::nanoseconds::max();
    noria::layout::mutex_line line{};
    const robust_mutex mutex(line);
    oracle about;
    BOOST_REQUIRE(mutex.try_take(7));
    BOOST_TEST((mutex.take(2, for_good, monotonic::now() + 2ms, about.question()) == robust_mutex::answer::busy));
    about.buries = &line.owner;
    about.answer = robust_mutex::fate::buried;
    BOOST_TEST((mutex.take(2, for_good, for_ever, about.question()) == robust_mutex::answer::taken));
    BOOST_TEST(about.about == 7U);
}

BOOST_AUTO_TEST_CASE(a_word_that_lies_is_told) {
    noria::layout::mutex_line line{};
    const robust_mutex mutex(line);
    line.owner = 77;
    oracle unknown{.answer = robust_mutex::fate::nobody};
    BOOST_TEST((mutex.take(1, 0ns, for_ever, unknown.question()) == robust_mutex::answer::corrupt));
    line.owner = mutex_contended;  // contended by whom?
    BOOST_TEST((mutex.take(1, 0ns, for_ever, unknown.question()) == robust_mutex::answer::corrupt));
    BOOST_TEST(unknown.about == 0U);
    BOOST_TEST(!mutex.leave(1));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
