// skipping.cpp: a program of which one case cannot run anywhere, one can, and one fails, for skips_test.
#include "rig/skip.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(some)

BOOST_AUTO_TEST_CASE(lacks_something) {
    noria::rig::skip("the reason");
    noria::rig::skip("a second reason");
}

BOOST_AUTO_TEST_CASE(runs) { BOOST_TEST(true); }

BOOST_AUTO_TEST_CASE(fails, *boost::unit_test::disabled()) { BOOST_TEST(false); }

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
