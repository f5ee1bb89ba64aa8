// futex_test.cpp: a sleep ends for a changed word, a wake-up from any process, a signal, or its time.
#include "noria/os/futex.hpp"

#include "noria/core/atomics.hpp"
#include "rig/child.hpp"

#include <boost/test/unit_test.hpp>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

namespace os = noria::os;
using os::monotonic;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(futex)

BOOST_AUTO_TEST_CASE(a_word_of_another_value_is_no_reason_to_sleep) {
    std::uint32_t word = 1;
    os::futex_wait(word, 0, monotonic::time_point::max());
    BOOST_TEST(word == 1U);
}

BOOST_AUTO_TEST_CASE(a_time_that_has_passed_is_no_time_to_sleep) {
    std::uint32_t word = 0;
    os::futex_wait(word, 0, monotonic::now());
    os::futex_wait(word, 0, monotonic::time_point{});
    os::futex_wait(word, 0, monotonic::time_point{} - 1ns);
    os::futex_wait(word, 0, monotonic::time_point::min());
    BOOST_TEST(word == 0U);
}

BOOST_AUTO_TEST_CASE(a_sleep_does_not_end_before_its_time) {
    std::uint32_t word = 0;
    const auto until = monotonic::now() + 5ms;
    while (monotonic::now() < until) os::futex_wait(word, 0, until);
    os::futex_wait(word, 0, monotonic::now() + 1500ms - 1499ms);
    BOOST_TEST(word == 0U);
}

// Goal: who waits for a time sleeps until then, and does not go round until then. Method: the sleeps are counted; one would
// do, and the kernel may end one without a reason.
BOOST_AUTO_TEST_CASE(a_sleep_lasts_until_its_time) {
    std::uint32_t word = 0;
    constexpr int times = 50;
    int sleeps = 0;
    for (int i = 0; i < times; ++i) {
        const auto until = monotonic::now() + 2ms;
        for (; monotonic::now() < until; ++sleeps) os::futex_wait(word, 0, until);
    }
    BOOST_TEST(sleeps < 2 * times);
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
    std::uint32_t word = 1;
    errno = 77;
    os::futex_wait(word, 0, monotonic::time_point::max());
    os::futex_wait(word, 1, monotonic::now());
    os::futex_wake_all(word);
    BOOST_TEST(errno == 77);
    // Nor by a wake-up that the kernel refuses: here, of memory that is gone.
    void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    BOOST_REQUIRE(memory != MAP_FAILED);
    munmap(memory, 4096);
    auto& gone = *static_cast<std::uint32_t*>(memory);
    os::futex_wake_all(gone);
    os::futex_wake_one(gone);
    os::futex_wait(gone, 0, monotonic::now());
    BOOST_TEST(errno == 77);
}

// Goal: a sleeper in another process is woken though it has the word at another address. Method: a child sleeps without
// limit on shared memory; the parent changes the word and wakes, once, when the child has said that it will sleep.
// Should it not sleep yet, the changed word keeps it awake.
BOOST_AUTO_TEST_CASE(a_wake_up_reaches_another_process) {
    void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BOOST_REQUIRE(memory != MAP_FAILED);
    auto& word = *new (memory) std::uint32_t{0};
    for (int round = 0; round < 20; ++round) {
        noria::store_release(word, 0U);
        const noria::rig::milestone about_to_sleep;
        noria::rig::child sleeper([&] {
            about_to_sleep.tell();
            while (noria::load_acquire(word) == 0) os::futex_wait(word, 0, monotonic::time_point::max());
            return 0;
        });
        about_to_sleep.hear();
        if (round % 2 == 0) std::this_thread::yield();
        noria::store_release(word, 1U);
        os::futex_wake_all(word);
        BOOST_TEST(sleeper.wait().exit_status == 0);
    }
    munmap(memory, 4096);
}

BOOST_AUTO_TEST_CASE(one_wake_up_wakes_all) {
    std::uint32_t word = 0;
    const auto sleep = [&word] {
        while (noria::load_acquire(word) == 0) os::futex_wait(word, 0, monotonic::time_point::max());
    };
    std::thread sleepers[] = {std::thread(sleep), std::thread(sleep), std::thread(sleep)};
    std::this_thread::sleep_for(2ms);  // a chance for them to be asleep, and no more than that
    noria::store_release(word, 1U);
    os::futex_wake_all(word);
    for (auto& each : sleepers) each.join();
    BOOST_TEST(word == 1U);
}

// Goal: a signal ends the sleep, so that the caller can look whether it was interrupted. Method: the handler does not
// touch the word; the sleeper returns because of the signal alone, however often it must be sent until it sleeps.
BOOST_AUTO_TEST_CASE(a_signal_ends_the_sleep) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    struct sigaction before {};
    BOOST_REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
    std::uint32_t word = 0;
    std::atomic<bool> awake = false;
    std::thread sleeper([&] {
        os::futex_wait(word, 0, monotonic::time_point::max());
        awake = true;
    });
    BOOST_TEST(noria::rig::eventually([&] {
        if (!awake) pthread_kill(sleeper.native_handle(), SIGUSR1);
        return awake.load();
    }));
    sleeper.join();
    sigaction(SIGUSR1, &before, nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
