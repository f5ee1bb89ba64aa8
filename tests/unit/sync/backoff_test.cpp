// backoff_test.cpp: a budget is spent in the end, and no budget at once.
#include "noria/sync/backoff.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

using noria::os::monotonic;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(backoff)

BOOST_AUTO_TEST_CASE(no_budget_is_spent_at_once) {
    for (const auto budget : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
        noria::sync::backoff spin(budget);
        BOOST_TEST(!spin.pause());
        BOOST_TEST(!spin.pause());
    }
}

BOOST_AUTO_TEST_CASE(the_least_budget_allows_the_eager_rounds) {
    noria::sync::backoff spin(1ns);
    for (int round = 0; round < 16; ++round) BOOST_TEST(spin.pause());
}

BOOST_AUTO_TEST_CASE(a_budget_is_spent_when_its_time_has_passed_and_not_before) {
    constexpr auto budget = 3ms;
    noria::sync::backoff spin(budget);
    const auto begun = monotonic::now();
    while (spin.pause()) {
    }
    BOOST_TEST((monotonic::now() - begun >= budget));
    BOOST_TEST(!spin.pause());
}

BOOST_AUTO_TEST_CASE(the_largest_budget_does_not_overflow) {
    noria::sync::backoff spin(std::chrono::nanoseconds::max());
    for (int round = 0; round < 1000; ++round) BOOST_REQUIRE(spin.pause());
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
