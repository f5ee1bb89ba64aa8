// observer_survey_test.cpp: what an observer's survey shows when the ring moves on between its reads.
#include "noria/queue/observed_file.hpp"

#include "noria/mpmc.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>

using namespace noria;

BOOST_AUTO_TEST_SUITE(observed_file)

BOOST_AUTO_TEST_CASE(a_survey_does_not_show_as_held_what_was_freed_while_it_looked) {
    // Under a mutex. The observer has read the pages; then the held message is released, and its place is claimed anew.
    const rig::workspace dir;
    using locked = mpmc<std::uint64_t, coordination::robust_mutex>;
    locked::producer out(dir / "queue", {.capacity = 1, .endpoints = 4});
    locked::consumer in(dir / "queue");
    BOOST_REQUIRE(out.try_push(1));
    auto lease = in.try_take();
    BOOST_REQUIRE(static_cast<bool>(lease));
    std::unique_ptr<queue::observed_file> file;
    BOOST_REQUIRE(!queue::observed_file::open(dir / "queue", file));
    queue::observed_sections copy(file->header());
    queue::observed_ring seen;
    BOOST_REQUIRE(!file->read(copy));
    BOOST_REQUIRE(!file->survey(copy, seen));
    BOOST_TEST(seen.in_hand.size() == 1U);
    BOOST_REQUIRE(!file->read(copy));
    lease.release();
    const auto claim = out.try_claim();
    BOOST_REQUIRE(static_cast<bool>(claim));
    BOOST_REQUIRE(!file->survey(copy, seen));
    BOOST_TEST(seen.in_hand.empty());  // the claim is behind the end of what the pages said
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
