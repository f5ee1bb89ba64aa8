// patterns_test.cpp: the programs of examples/2_patterns do what they say, and leave nothing behind.
#include "programs/launched.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using noria::rig::launched;

namespace {

void expect(const std::string& pattern, const std::string& said) {
    for (int round = 0; round < 5; ++round) {
        const noria::rig::workspace place;
        launched program({PATTERNS_DIRECTORY "/" + pattern, place / "queue"});
        BOOST_TEST(program.status() == 0);
        BOOST_TEST(program.out() == said);
        BOOST_TEST(program.err() == "");
        BOOST_TEST(place.files() == 0);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(patterns)

BOOST_AUTO_TEST_CASE(a_pool_of_workers_does_every_job_though_one_of_them_dies) {
    expect("work_pool", "100 jobs done, 1 of them by a second worker\n");
}

BOOST_AUTO_TEST_CASE(requests_are_answered_to_who_made_them) {
    expect("request_reply", "3 clients had ten answers each\n");
}

BOOST_AUTO_TEST_CASE(a_supervised_worker_goes_on_where_it_was_killed) {
    expect("supervise", "1000 messages received, 10 restarts\n");
}

BOOST_AUTO_TEST_CASE(stages_pass_on_their_streams_and_their_ends) { expect("pipeline", "1000 samples, mean 250.25\n"); }

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
