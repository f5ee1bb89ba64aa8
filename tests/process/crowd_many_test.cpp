// crowd_many_test.cpp: attaching to a roster of many asks the kernel a bounded number of questions, and finds the dead all the same.
#include "noria/layout/roster_entry.hpp"
#include "noria/mpmc.hpp"
#include "noria/os/file.hpp"
#include "noria/os/file_lock.hpp"
#include "process/scene.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/syscall.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

using namespace scene;

namespace {

using jobs = noria::mpmc<numbered>;

std::vector<jobs::consumer> attach(const std::filesystem::path& path, std::size_t how_many) {
    std::vector<jobs::consumer> all;
    while (all.size() < how_many) all.emplace_back(path);
    return all;
}

// So many endpoints of a process that is dead.
void attach_and_die(const std::filesystem::path& path, std::size_t how_many) {
    const rig::milestone there;
    rig::child victim([&] {
        const auto all = attach(path, how_many);
        there.tell();
        wait_for_death();
        return 0;
    });
    there.hear();
    victim.kill();
}

// How often an opening asks the kernel about a lock.
int questions_of_an_attach(const std::filesystem::path& path) {
    rig::stepped_child opener([&] {
        const jobs::consumer in{path};
        return 0;
    });
    int questions = 0;
    while (opener.step()) questions += opener.entering() == SYS_fcntl && opener.argument(1) == F_OFD_GETLK ? 1 : 0;
    insist(opener.finish() == well, "it opens");
    return questions;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crowd_of_many)

BOOST_AUTO_TEST_CASE(an_attach_asks_about_a_bounded_number_of_the_living) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const jobs::producer creator{path, {.capacity = 64, .endpoints = 400}}; }
    const auto few = attach(path, 60);
    BOOST_TEST(questions_of_an_attach(path) >= 60);  // about each of them, so that every death is known
    const auto some = attach(path, 40);
    const int of_hundred = questions_of_an_attach(path);
    const auto many = attach(path, 250);
    BOOST_TEST(questions_of_an_attach(path) == of_hundred);
    BOOST_TEST(of_hundred < 60);
}

BOOST_AUTO_TEST_CASE(up_to_64_of_the_living_and_the_dead_a_newcomer_finds_every_death) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const jobs::producer creator{path, {.capacity = 64, .endpoints = 400}}; }
    attach_and_die(path, 30);
    const auto living = attach(path, 20);
    attach_and_die(path, 14);
    const jobs::producer newcomer{path};
    BOOST_TEST(newcomer.counters().consumer_deaths == 44U);
}

BOOST_AUTO_TEST_CASE(attaches_of_one_process_find_a_death_among_many_by_rotation) {
    // Each asks about some of the living, each about others. So as many attaches as there are entries are more than enough.
    const rig::workspace place;
    const auto path = place / "queue";
    { const jobs::producer creator{path, {.capacity = 64, .endpoints = 200}}; }
    const auto before = attach(path, 90);
    attach_and_die(path, 1);
    const auto after = attach(path, 90);
    std::uint64_t deaths = 0;
    for (int tries = 0; deaths == 0 && tries < 200; ++tries) deaths = jobs::producer{path}.counters().consumer_deaths;
    BOOST_TEST(deaths == 1U);
}

BOOST_AUTO_TEST_CASE(a_full_roster_of_many_has_room_if_one_of_all_is_dead) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const jobs::producer creator{path, {.capacity = 64, .endpoints = 100}}; }
    const auto before = attach(path, 70);
    attach_and_die(path, 1);
    const auto after = attach(path, 29);
    const jobs::producer newcomer{path, refused_at_once};
    BOOST_TEST(newcomer.counters().consumer_deaths == 1U);
    std::error_code code;
    (void)jobs::producer::open(path, refused_at_once, code);
    BOOST_TEST((code == noria::errc::roster_full));
}

BOOST_AUTO_TEST_CASE(the_last_free_entry_is_found_wherever_it_is) {
    // All others are in the hands of somebody who never gets on the roster.
    const rig::workspace place;
    const auto path = place / "queue";
    constexpr std::uint64_t length = 100;
    { const jobs::producer creator{path, {.capacity = 64, .endpoints = length}}; }
    for (const std::uint64_t last : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{57}, length - 1}) {
        const noria::os::descriptor passer_by(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        for (std::uint64_t i = 0; i < length; ++i) {
            if (i != last) BOOST_REQUIRE(noria::os::try_lock(passer_by.get(), noria::layout::lock_base + i) == 0);
        }
        for (int times = 0; times < 20; ++times) {
            std::error_code code;
            const auto in = jobs::consumer::open(path, refused_at_once, code);
            BOOST_TEST(in.is_open(), in.error_text());
        }
    }
}

BOOST_AUTO_TEST_CASE(who_finds_the_roster_full_waits_for_a_place_as_one_waits_for_a_role) {
    // Method: when the newcomer sleeps between two tries, a member leaves.
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 4, .endpoints = 2}};
    auto in = std::make_unique<jobs::consumer>(path);
    rig::child newcomer([&] {
        const jobs::consumer heir{path, {.wait_for_role = patience}};
        return 0;
    });
    const std::string call_of = "/proc/" + std::to_string(newcomer.pid()) + "/syscall";
    BOOST_TEST(rig::eventually([&] {
        std::ifstream call(call_of);
        long which = -1;
        return call >> which && which == SYS_clock_nanosleep;
    }));
    in.reset();
    BOOST_TEST(newcomer.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_killed_member_of_a_full_roster_is_replaced_at_once) {
    // It has so much memory that the kernel takes a while to bury it.
    const rig::workspace place;
    const auto path = place / "queue";
    for (const std::uint64_t endpoints : {2U, 3U, 4U}) {
        const jobs::producer out{path, {.capacity = 4, .endpoints = endpoints}};
        const auto others = attach(path, endpoints - 2);
        const rig::milestone there;
        rig::child victim([&] {
            std::vector<char> memory(std::size_t{64} << 20, 'm');
            const jobs::consumer in{path};
            there.tell();
            wait_for_death();
            return memory[0] == 'm' ? 0 : 1;
        });
        there.hear();
        victim.send(SIGKILL);
        std::error_code code;
        const auto heir = jobs::consumer::open(path, {.wait_for_role = patience}, code);
        BOOST_TEST(heir.is_open(), heir.error_text());
        std::filesystem::remove(path);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
