// mutex_gate_test.cpp: in a real file: whoever has the mutex is believed to have it, whatever befell it before.
#include "noria/queue/mutex_gate.hpp"

#include "noria/core/shareable.hpp"
#include "noria/queue/roster.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>

namespace layout = noria::layout;
using noria::queue::mutex_gate;
using noria::queue::queue_file;
using noria::queue::role;

namespace {

constexpr layout::shape shape{.coordinated = noria::coordination::robust_mutex,
                              .message_align = 8,
                              .message_bytes = 8,
                              .type_tag = noria::type_tag<std::uint64_t>()};

// An inhabitant of the queue, and its way to the mutex.
struct inhabitant {
    std::unique_ptr<queue_file> file;
    mutex_gate gate;
    inhabitant(const std::filesystem::path& path, role as) {
        bool passing = false;
        BOOST_REQUIRE(!queue_file::open(path, {}, shape, file));
        BOOST_REQUIRE(!noria::queue::take_role(*file, as, passing));
        gate.attach(*file, std::chrono::nanoseconds(0));
        (void)noria::queue::move_in(*file, as, 0, 0);
    }
    ~inhabitant() { noria::queue::move_out(*file, file->self() == 0 ? role::producer : role::consumer); }
    inhabitant(const inhabitant&) = delete;
    inhabitant& operator=(const inhabitant&) = delete;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mutex_gate_of_two)

BOOST_AUTO_TEST_CASE(who_did_not_get_the_mutex_is_believed_when_it_has_it_later) {
    // Goal: what an endpoint notes of itself, that it may be inside, is true after any number of tries in vain (M3).
    const noria::rig::workspace dir;
    BOOST_REQUIRE(!queue_file::create(dir / "queue", {.capacity = 4}, shape));
    inhabitant one(dir / "queue", role::producer);
    inhabitant two(dir / "queue", role::consumer);
    for (int in_vain = 0; in_vain < 3; ++in_vain) {
        BOOST_REQUIRE(one.gate.enter());
        for (int i = 0; i < in_vain; ++i) BOOST_TEST((two.gate.enter_briefly() == mutex_gate::answer::busy));
        BOOST_REQUIRE(one.gate.leave());
        BOOST_REQUIRE(two.gate.enter());
        BOOST_TEST((one.gate.enter_briefly() == mutex_gate::answer::busy));
        BOOST_TEST(two.gate.leave());
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
