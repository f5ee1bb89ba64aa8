// endpoint_test.cpp: how long a verb may wait, for every duration that can be written down.
#include "noria/queue/endpoint.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

using noria::os::monotonic;
using noria::queue::limit;
using namespace std::chrono_literals;

namespace {

// A limit of some time lies between the clock before and after it, each plus that time.
template <class Rep, class Period>
bool is_after(std::chrono::duration<Rep, Period> time, std::chrono::nanoseconds exact) {
    const auto before = monotonic::now();
    const auto deadline = limit::after(time).deadline();
    const auto after = monotonic::now();
    return before + exact <= deadline && deadline <= after + exact;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(endpoint)

BOOST_AUTO_TEST_CASE(at_once_does_not_wait_and_the_others_do) {
    BOOST_TEST(!limit::at_once().waits());
    BOOST_TEST(limit::never().waits());
    BOOST_TEST(limit::after(1ns).waits());
    BOOST_TEST(limit::after(0s).waits());  // looks once more, and reports timed_out
    BOOST_TEST(limit::until(monotonic::now()).waits());
}

BOOST_AUTO_TEST_CASE(never_has_no_deadline) { BOOST_TEST((limit::never().deadline() == monotonic::time_point::max())); }

BOOST_AUTO_TEST_CASE(until_is_that_time_exactly) {
    const auto now = monotonic::now();
    for (const auto when : {now, now + 5s, now - 5s, monotonic::time_point::min(), monotonic::time_point::max()}) {
        BOOST_TEST((limit::until(when).deadline() == when));
    }
}

BOOST_AUTO_TEST_CASE(after_is_so_much_later_in_every_unit) {
    BOOST_TEST(is_after(5ns, 5ns));
    BOOST_TEST(is_after(3ms, 3'000'000ns));
    BOOST_TEST(is_after(2h, std::chrono::nanoseconds(2h)));
    BOOST_TEST(is_after(std::chrono::duration<double>(0.25), 250'000'000ns));
    BOOST_TEST(is_after(std::chrono::duration<float, std::milli>(1.5F), 1'500'000ns));
}

BOOST_AUTO_TEST_CASE(a_negative_duration_and_no_number_are_now) {
    BOOST_TEST(is_after(-1ns, 0ns));
    BOOST_TEST(is_after(-1h, 0ns));
    BOOST_TEST(is_after(std::chrono::nanoseconds::min(), 0ns));
    BOOST_TEST(is_after(std::chrono::hours::min(), 0ns));
    BOOST_TEST(is_after(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()), 0ns));
    BOOST_TEST(is_after(std::chrono::duration<double>(-std::numeric_limits<double>::infinity()), 0ns));
}

BOOST_AUTO_TEST_CASE(a_duration_too_long_for_the_clock_is_for_ever) {
    const auto for_ever = monotonic::time_point::max();
    BOOST_TEST((limit::after(std::chrono::nanoseconds::max()).deadline() == for_ever));
    BOOST_TEST((limit::after(std::chrono::seconds::max()).deadline() == for_ever));
    BOOST_TEST((limit::after(std::chrono::hours::max()).deadline() == for_ever));
    BOOST_TEST((limit::after(std::chrono::duration<double>(1e300)).deadline() == for_ever));
    BOOST_TEST(
        (limit::after(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).deadline() == for_ever));
    BOOST_TEST((limit::after(std::chrono::hours(24 * 365 * 300)).deadline() == for_ever));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
