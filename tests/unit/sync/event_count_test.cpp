// event_count_test.cpp: whoever sleeps is woken by what it waits for, always, with no slice to help.
#include "noria/sync/event_count.hpp"

#include "noria/core/atomics.hpp"
#include "noria/core/cache_line.hpp"
#include "noria/os/membarrier.hpp"
#include "rig/child.hpp"
#include "rig/seccomp.hpp"
#include "rig/seed.hpp"
#include "rig/skip.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/syscall.h>

#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace layout = noria::layout;
using noria::os::monotonic;

namespace {

using event_of = noria::sync::event_count;

constexpr auto for_ever = monotonic::time_point::max();

#if defined(NORIA_SANITIZED)
constexpr std::uint64_t rounds = 5000;
#else
constexpr std::uint64_t rounds = 20000;
#endif

// One number, one event: who waits for the number sleeps without limit; a lost wake-up is a test that never ends.
struct alignas(128) channel {
    layout::event_line line{};
    alignas(128) std::uint64_t value = 0;

    void send(std::uint64_t next) noexcept {
        noria::store_release(value, next);
        event_of(line).bell();
    }
    void await(std::uint64_t wanted) noexcept {
        const event_of event(line);
        while (noria::load_acquire(value) < wanted) {
            const std::uint32_t armed = event.arm();
            if (noria::load_acquire(value) >= wanted) return;
            event.sleep(armed, for_ever);
        }
    }
};

void dawdle(std::mt19937_64& random) {
    for (std::uint64_t i = random() % 50; i > 0; --i) noria::pause_processor();
}

// Two threads hand a number to and fro; each waits for the other at another moment of its work, round by round.
void play_ping_pong(channel& there, channel& back, std::uint64_t seed) {
    std::thread other([&] {
        std::mt19937_64 random(seed + 1);
        for (std::uint64_t round = 1; round <= rounds; ++round) {
            there.await(round);
            dawdle(random);
            back.send(round);
        }
    });
    std::mt19937_64 random(seed);
    for (std::uint64_t round = 1; round <= rounds; ++round) {
        dawdle(random);
        there.send(round);
        back.await(round);
    }
    other.join();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event_count)

BOOST_AUTO_TEST_CASE(bell_changes_nothing_while_nobody_is_armed) {
    layout::event_line line{};
    const event_of event(line);
    event.bell();
    event.ring();
    BOOST_TEST(line.word == 0U);
}

BOOST_AUTO_TEST_CASE(arm_makes_the_word_odd_and_bell_makes_it_even_in_the_next_epoch) {
    BOOST_REQUIRE(noria::os::register_for_barriers());
    layout::event_line line{};
    const event_of event(line);
    for (std::uint32_t epoch = 0; epoch < 10; ++epoch) {
        BOOST_TEST(event.arm() == 2 * epoch + 1);
        BOOST_TEST(event.arm() == 2 * epoch + 1);  // a second sleeper
        BOOST_TEST(line.word == 2 * epoch + 1);
        event.bell();
        BOOST_TEST(line.word == 2 * epoch + 2);
        event.bell();
        BOOST_TEST(line.word == 2 * epoch + 2);
    }
}

BOOST_AUTO_TEST_CASE(the_epoch_wraps_below_the_fence_bit) {
    layout::event_line line{};
    const event_of event(line);
    line.word = 0x7fffffff;
    event.bell();
    BOOST_TEST(line.word == 0U);
    line.word = 0x7ffffffd;
    event.bell();
    BOOST_TEST(line.word == 0x7ffffffeU);
    line.word = 0xffffffff;
    event.bell();
    BOOST_TEST(line.word == 0x80000000U);
    line.word = 0xfffffffd;
    event.bell();
    BOOST_TEST(line.word == 0xfffffffeU);
}

BOOST_AUTO_TEST_CASE(rousing_moves_the_word_and_leaves_it_armed_whatever_it_was) {
    // So that who dies before the wake-up call of its rousing leaves it to the next waker.
    for (const std::uint32_t before : {0U, 1U, 6U, 7U}) {
        for (const std::uint32_t fence : {0U, layout::event_needs_fence}) {
            layout::event_line line{};
            line.word = before | fence;
            noria::sync::event_count(line).rouse();
            BOOST_TEST(line.word != (before | fence));
            BOOST_TEST((line.word & layout::event_armed) != 0U);
            BOOST_TEST((line.word & layout::event_needs_fence) == fence);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_required_fence_stays_required) {
    layout::event_line line{};
    const event_of event(line);
    event.require_fences();
    BOOST_TEST(line.word == layout::event_needs_fence);
    for (int i = 0; i < 1000; ++i) {
        BOOST_TEST((event.arm() & layout::event_needs_fence) != 0U);
        event.bell();
        BOOST_TEST((line.word & (layout::event_needs_fence | layout::event_armed)) == layout::event_needs_fence);
    }
    BOOST_TEST(line.word == layout::event_needs_fence + 2000);
}

BOOST_AUTO_TEST_CASE(sleep_returns_when_the_word_has_moved_or_the_time_has_come) {
    BOOST_REQUIRE(noria::os::register_for_barriers());
    layout::event_line line{};
    const event_of event(line);
    const std::uint32_t armed = event.arm();
    event.sleep(armed, monotonic::now() - std::chrono::hours(1));
    event.sleep(armed, monotonic::now() + std::chrono::milliseconds(2));
    event.bell();
    event.sleep(armed, for_ever);
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_between_two_threads) {
    BOOST_REQUIRE(noria::os::register_for_barriers());
    channel there;
    channel back;
    play_ping_pong(there, back, noria::rig::seed());
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_where_publishers_fence) {
    channel there;
    channel back;
    event_of(there.line).require_fences();
    event_of(back.line).require_fences();
    play_ping_pong(there, back, noria::rig::seed());
    BOOST_TEST((there.line.word & layout::event_needs_fence) != 0U);
}

BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_while_the_epoch_wraps) {
    channel there;
    channel back;
    there.line.word = layout::event_needs_fence | (0x7ffffffe - 100);
    back.line.word = 0x7ffffffe - 100;
    play_ping_pong(there, back, noria::rig::seed());
}

// Goal: one ring wakes all. Method: four threads wait for the same number on one word, and say when they have it; the
// next number is sent when all have.
BOOST_AUTO_TEST_CASE(one_bell_wakes_every_sleeper) {
    BOOST_REQUIRE(noria::os::register_for_barriers());
    constexpr std::uint64_t sleepers = 4;
    constexpr std::uint64_t numbers = rounds / 10;
    channel there;
    std::vector<channel> back(sleepers);
    std::vector<std::thread> threads;
    for (auto& own : back) {
        threads.emplace_back([&there, &own] {
            for (std::uint64_t number = 1; number <= numbers; ++number) {
                there.await(number);
                own.send(number);
            }
        });
    }
    for (std::uint64_t number = 1; number <= numbers; ++number) {
        there.send(number);
        for (auto& each : back) each.await(number);
    }
    for (auto& each : threads) each.join();
    BOOST_TEST(there.value == numbers);
}

// Goal: a word that is still armed as it was has had its barrier; one that was rung or roused meanwhile, or armed by others,
// has not. Method: the system call is taken away after the first, so that each further one leaves the fence bit.
BOOST_AUTO_TEST_CASE(armed_again_asks_for_a_barrier_if_the_word_has_changed) {
    noria::rig::child sleeper([] {
        if (!noria::os::register_for_barriers()) return 1;
        layout::event_line line{};
        const event_of event(line);
        const std::uint32_t armed = event.arm();
        if (!noria::rig::deny({{.call = SYS_membarrier, .error = ENOSYS}})) return 77;
        if (event.arm(armed) != armed || line.word != armed) return 2;
        for (const std::uint32_t earlier : {armed, armed - 1}) {
            for (const bool roused : {false, true}) {
                line.word = armed;
                roused ? event.rouse() : event.ring();
                const std::uint32_t changed = line.word;
                if (event.arm(earlier) != (changed | layout::event_armed)) return 3;
                if (line.word != (changed | layout::event_armed | layout::event_needs_fence)) return 4;
            }
        }
        line.word = armed;
        (void)event.arm();
        return (line.word & layout::event_needs_fence) != 0 ? 0 : 5;
    });
    const auto fate = sleeper.wait();
    if (fate.exit_status == 77) return noria::rig::skip("this kernel keeps no seccomp filters");
    BOOST_TEST(fate.exit_status == 0);
}

// Goal: a sleeper that may not ask for barriers makes publishers fence. Method: a child from which a filter has taken
// the system call, as some containers do.
BOOST_AUTO_TEST_CASE(a_sleeper_without_membarrier_requires_fences) {
    noria::rig::child sleeper([] {
        if (!noria::rig::deny({{.call = SYS_membarrier, .error = ENOSYS}})) return 77;
        layout::event_line line{};
        const event_of event(line);
        if (event.arm() != layout::event_armed) return 1;
        if (line.word != (layout::event_needs_fence | layout::event_armed)) return 2;
        event.sleep(layout::event_armed, for_ever);  // the word has the fence bit by now: it does not sleep
        event.bell();
        return line.word == (layout::event_needs_fence | 2) ? 0 : 3;
    });
    const auto fate = sleeper.wait();
    if (fate.exit_status == 77) return noria::rig::skip("this kernel keeps no seccomp filters");
    BOOST_TEST(fate.exit_status == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
