// mutex_gate_test.cpp: in a real file: whoever has the mutex is believed to have it, and nobody keeps it.
#include "noria/queue/mutex_gate.hpp"

#include "noria/core/shareable.hpp"
#include "noria/queue/mutex_ends.hpp"
#include "noria/queue/roster.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
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

BOOST_AUTO_TEST_CASE(who_has_died_is_not_recovered_from_while_a_living_one_has_the_mutex) {
    // Goal: nobody takes a dead one's things for released that nobody could release: its record would be free too early.
    // Method: the second one's entry, as somebody finds it that has the proof of its death.
    const noria::rig::workspace dir;
    BOOST_REQUIRE(!queue_file::create(dir / "queue", {.capacity = 4}, shape));
    inhabitant living(dir / "queue", role::producer);
    inhabitant dead(dir / "queue", role::consumer);
    BOOST_REQUIRE(living.gate.enter());
    BOOST_TEST(!recover_under_mutex(*dead.file, dead.file->self()));
    BOOST_TEST(living.gate.owner() == living.gate.me());
    BOOST_REQUIRE(living.gate.leave());
    BOOST_TEST(recover_under_mutex(*dead.file, dead.file->self()));
    BOOST_TEST(living.gate.owner() == 0U);
}

BOOST_AUTO_TEST_CASE(whoever_finds_the_ring_corrupt_leaves_the_mutex_by_every_verb) {
    const noria::rig::workspace dir;
    BOOST_REQUIRE(!queue_file::create(dir / "queue", {.capacity = 4}, shape));
    inhabitant one(dir / "queue", role::producer);
    inhabitant two(dir / "queue", role::consumer);
    noria::queue::mutex_writer writer;
    noria::queue::mutex_reader reader;
    BOOST_REQUIRE(writer.attach(*one.file, std::chrono::nanoseconds(0)));
    BOOST_REQUIRE(reader.attach(*two.file, std::chrono::nanoseconds(0)));
    BOOST_REQUIRE(writer.claim(8) != nullptr);
    BOOST_REQUIRE(writer.commit(8));
    const std::byte* const message = reader.take();
    BOOST_REQUIRE(message != nullptr);
    BOOST_REQUIRE(writer.claim(8) != nullptr);
    for (layout::mutex_page& page : one.file->view().mutual->pages) page.head = page.tail + 1;
    const auto nobody_has_it = [&](const char* after) {
        BOOST_TEST_CONTEXT("after " << after) { BOOST_REQUIRE(one.gate.owner() == 0U); }
    };
    const noria::ring::lengths some{.count = 2, .one = 8};
    BOOST_TEST(!writer.commit(8));
    nobody_has_it("commit");
    BOOST_TEST(!writer.commit_all(some));
    nobody_has_it("commit_all");
    BOOST_TEST(!writer.give_back());
    nobody_has_it("give_back");
    BOOST_TEST(writer.claim(8) == nullptr);
    nobody_has_it("claim");
    BOOST_TEST((writer.look_for(some) == noria::ring::sight::corrupt));
    nobody_has_it("look_for");
    BOOST_TEST(!reader.release(message));
    nobody_has_it("release");
    BOOST_TEST(!reader.put_back(message, true));
    nobody_has_it("put_back");
    BOOST_TEST(reader.take() == nullptr);
    nobody_has_it("take");
    BOOST_TEST((reader.look() == noria::ring::sight::corrupt));
    nobody_has_it("look");
    std::uint64_t holder = 0;
    BOOST_TEST((reader.drained(holder) == noria::ring::sight::corrupt));
    nobody_has_it("drained");
    reader.put_all_back();
    nobody_has_it("put_all_back");
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
