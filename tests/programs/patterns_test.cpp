// patterns_test.cpp: the programs of examples/2_patterns do what they say, and leave nothing behind.
#include "programs/launched.hpp"
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <noria/spsc.hpp>

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <cstdint>
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
    expect("supervise", "1000 messages received, 10 of them again, 10 restarts\n");
}

BOOST_AUTO_TEST_CASE(stages_pass_on_their_streams_and_their_ends) { expect("pipeline", "1000 samples, mean 250.25\n"); }

// Goal: when the first stage dies, the last one is told, two queues further down. Method: we are the first stage, so that the
// pipeline's own is refused the role; a child of ours sends ten samples and is killed.
BOOST_AUTO_TEST_CASE(the_death_of_a_stage_travels_down_the_line) {
    struct sample {  // as in pipeline.cpp
        std::uint64_t number;
        double value;
    };
    const noria::rig::workspace place;
    const std::string queue = place / "queue";
    noria::rig::milestone sent;
    noria::rig::child measuring([&] {
        noria::spsc<sample>::producer out{queue + ".raw", {.capacity = 64}};
        for (std::uint64_t n = 1; n <= 10; ++n) {
            if (!out.push({n, static_cast<double>(n) / 2})) return 1;
        }
        sent.tell();
        pause();
        return 0;
    });
    sent.hear();
    launched program({PATTERNS_DIRECTORY "/pipeline", queue});
    BOOST_REQUIRE(noria::rig::eventually([&] { return program.says("producer's role"); }));
    measuring.kill();
    BOOST_TEST(program.status() == 1);
    BOOST_TEST(program.out() == "10 samples, mean 2.75: not all, for a stage has died\n");
    BOOST_TEST(place.files() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
