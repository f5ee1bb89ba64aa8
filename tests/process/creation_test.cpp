// creation_test.cpp: creators killed, halted and racing: no half file is ever seen, nothing is left behind, one wins.
#include "process/creation.hpp"
#include "process/scene.hpp"
#include "rig/shared_page.hpp"
#include "rig/skip.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace scene;

namespace {

// One sweep: a creator is killed at its first stop, the next at its second, and so on until one gets through. After
// each, the next open_or_create works and leaves one file. Returns how many stops there were.
int kill_creators_everywhere(birth_by how) {
    int stop = 1;
    for (bool through = false; !through; ++stop) {
        const rig::workspace place;
        const auto path = place / "queue";
        rig::stepped_child creator([&] {
            go_by(how);
            numbers::producer out{path, {.capacity = 4}};
            send(out, 0, 1);
            return 0;
        });
        through = !creator.run_to(stop);
        creator.kill();
        if (through) insist(creator.how() == well, "a creator that nobody disturbs succeeds");
        const std::size_t left = place.files();
        insist(left <= 1, "a killed creator leaves at most one file");
        if (how == birth_by::link) insist((left == 1) == exists(path), "and that one is the queue, under its name");
        const std::uint64_t sent =
            exists(path) ? noria::inspect(path).counters.sent : 0;  // the file is whole, if it is

        rig::child next([&] {
            go_by(how);
            numbers::producer out{path, {.capacity = 4}};
            send(out, sent, sent + 2);
            numbers::consumer in{path};
            receive(in, 0, sent + 2);
            return 0;
        });
        insist(next.wait() == well, "the next creator opens or creates");
        insist(place.files() == 1 && exists(path), "one file stands there, and no litter");
    }
    return stop;
}

// A creator is halted at every stop, and at each others try to open: they find nothing, or the whole queue.
void open_beside_a_halted_creator(birth_by how) {
    const rig::workspace place;
    const auto path = place / "queue";
    rig::stepped_child creator([&] {
        go_by(how);
        numbers::producer out{path, {.capacity = 4}};
        return 0;
    });
    int absent = 0;
    int present = 0;
    while (creator.step()) {
        std::error_code code;
        const auto in = numbers::consumer::open(path, {}, code);
        const auto waiting = exists(path) ? std::error_code{} : [&] {
            std::error_code waited;
            (void)numbers::consumer::open(path, {.wait_for_file = 3ms}, waited);
            return waited;
        }();
        insist(!code || code == noria::errc::not_found, "an opener finds the queue or nothing");
        insist(!waiting || waiting == noria::errc::not_found,
               "one that waits does so to its deadline, and finds nothing");
        std::error_code observed;
        const noria::observer eye(path, observed);
        insist(observed == code, "so does an observer");
        if (code)
            ++absent;
        else
            ++present;
        if (code) insist(present == 0, "what was there once stays");
    }
    insist(creator.how() == well, "the creator gets through");
    insist(absent > 10 && present > 10, "it was halted before its file had a name, and after");
    insist(place.files() == 1, "one file stands there");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(creation)

BOOST_AUTO_TEST_CASE(creator_killed_at_any_system_call_leaves_no_litter_and_hinders_nobody) {
    BOOST_TEST(kill_creators_everywhere(birth_by::link) > 20);
}

BOOST_AUTO_TEST_CASE(creator_killed_at_any_system_call_leaves_a_stillborn_file_only_till_the_next_without_linkat) {
    // Without O_TMPFILE the file is made under a temporary name; without linkat from a descriptor likewise.
    const std::string objection = objection_to(birth_by::rename_for_want_of_link);
    if (!objection.empty()) return rig::skip(objection);
    BOOST_TEST(kill_creators_everywhere(birth_by::rename_for_want_of_link) > 20);
    BOOST_TEST(kill_creators_everywhere(birth_by::rename_for_want_of_tmpfile) > 20);
}

BOOST_AUTO_TEST_CASE(attacher_beside_a_halted_creator_finds_nothing_or_the_whole_queue) {
    open_beside_a_halted_creator(birth_by::link);
    if (objection_to(birth_by::rename_for_want_of_link).empty()) {
        open_beside_a_halted_creator(birth_by::rename_for_want_of_link);
        open_beside_a_halted_creator(birth_by::rename_for_want_of_tmpfile);
    }
}

BOOST_AUTO_TEST_CASE(attacher_waits_for_the_creator_to_come_through) {
    const rig::workspace place;
    const auto path = place / "queue";
    rig::stepped_child creator([&] {
        numbers::producer out{path, {.capacity = 4}};
        send(out, 0, 1);
        return 0;
    });
    BOOST_REQUIRE(creator.run_to(6));
    rig::child attacher([&] {
        numbers::consumer in{path, {.wait_for_file = patience}};
        receive(in, 0, 1);
        return 0;
    });
    BOOST_TEST(creator.finish() == well);
    BOOST_TEST(attacher.wait() == well);
}

namespace {

constexpr int crowd = 64;
struct race {
    pthread_barrier_t barrier;
    std::atomic<int> creators;
    std::atomic<int> holders;
    std::atomic<int> taken;
    std::atomic<int> other_geometry;
    std::atomic<int> astray;
    std::atomic<std::uint64_t> inode;
    std::atomic<std::uint64_t> capacity;
};

void one_of_the_crowd(race& all, const std::filesystem::path& path, std::uint64_t capacity) {
    pthread_barrier_wait(&all.barrier);
    std::error_code code;
    auto out = numbers::producer::open_or_create(path, {.capacity = capacity, .wait_for_role = 0ns}, code);
    if (!code) {
        all.holders += 1;
        if (out.capacity() != capacity) all.astray += 1;
        all.capacity = capacity;
        if (out.created()) all.creators += 1;
    } else if (code == noria::errc::role_taken) {
        all.taken += 1;
    } else if (code == noria::errc::other_geometry) {
        all.other_geometry += 1;
    } else {
        std::fprintf(stderr, "%s\n", out.error_text().c_str());
        all.astray += 1;
    }
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) all.astray += 1;
    std::uint64_t none = 0;
    if (!all.inode.compare_exchange_strong(none, status.st_ino) && none != status.st_ino) all.astray += 1;
    pthread_barrier_wait(&all.barrier);  // nobody leaves before all have tried
}

void race_to_create(birth_by how, int rounds) {
    const rig::workspace place;
    const rig::shared_page<race> all;
    pthread_barrierattr_t shared;
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&all->barrier, &shared, crowd + 1);
    std::vector<rig::child> creators;
    for (int each = 0; each < crowd; ++each) {
        creators.emplace_back([&, each] {
            go_by(how);
            for (int round = 0; round < rounds; ++round) {
                one_of_the_crowd(*all, place / fmt::format("queue{}", round), std::uint64_t{1} << ((each + round) % 4));
                pthread_barrier_wait(&all->barrier);
            }
            return 0;
        });
    }
    for (int round = 0; round < rounds; ++round) {
        all->creators = all->holders = all->taken = all->other_geometry = all->astray = 0;
        all->inode = 0;
        pthread_barrier_wait(&all->barrier);
        pthread_barrier_wait(&all->barrier);
        BOOST_TEST_CONTEXT("round " << round) {
            BOOST_REQUIRE(all->astray == 0);
            BOOST_REQUIRE(all->holders == 1);
            BOOST_REQUIRE(all->creators <= 1);
            BOOST_REQUIRE(all->taken == crowd / 4 - 1);  // those with the same capacity
            BOOST_REQUIRE(all->other_geometry == crowd - crowd / 4);
            BOOST_REQUIRE(noria::inspect(place / fmt::format("queue{}", round)).shape.capacity == all->capacity);
            BOOST_REQUIRE(place.files() == static_cast<std::size_t>(round + 1));
        }
        pthread_barrier_wait(&all->barrier);
    }
    for (auto& each : creators) BOOST_REQUIRE(each.wait() == well);
}

}  // namespace

BOOST_AUTO_TEST_CASE(of_many_racing_creators_one_wins_and_the_others_are_told_what_they_found) {
    // 64 processes with four different capacities start at a barrier. One file comes of it; one of those who wanted its
    // capacity gets the role, and the other fifteen `role_taken`; all the rest `other_geometry`.
    race_to_create(birth_by::link, 100);
}

BOOST_AUTO_TEST_CASE(of_many_racing_creators_one_wins_where_files_are_born_by_renaming) {
    const std::string objection = objection_to(birth_by::rename_for_want_of_tmpfile);
    if (!objection.empty()) return rig::skip(objection);
    race_to_create(birth_by::rename_for_want_of_tmpfile, 100);
}

BOOST_AUTO_TEST_CASE(mode_is_what_was_asked_for_whatever_the_umask_which_stays) {
    // Eight threads create at once, while one watches the process's umask: it must not change even for a moment.
    for (const mode_t mask : {mode_t{0777}, mode_t{0077}, mode_t{0}}) {
        for (const std::uint32_t mode : {0600U, 0660U}) {
            const rig::workspace place;
            rig::child process([&] {
                umask(mask);
                std::atomic<bool> done = false;
                std::atomic<int> changes = 0;
                std::thread watch([&] {
                    while (!done) {
                        std::ifstream status("/proc/self/status");
                        for (std::string word; status >> word;) {
                            if (word != "Umask:") continue;
                            status >> word;
                            if (std::stoul(word, nullptr, 8) != mask) changes += 1;
                            break;
                        }
                    }
                });
                std::atomic<int> right = 0;
                std::vector<std::thread> creators;
                for (int each = 0; each < 8; ++each) {
                    creators.emplace_back([&, each] {
                        for (int time = 0; time < 10; ++time) {
                            const auto path = place / fmt::format("queue{}-{}", each, time);
                            std::error_code code;
                            auto out = numbers::producer::create(path, {.capacity = 4, .mode = mode}, code);
                            struct stat status {};
                            if (!code && stat(path.c_str(), &status) == 0 && (status.st_mode & 07777) == mode)
                                right += 1;
                        }
                    });
                }
                for (auto& each : creators) each.join();
                done = true;
                watch.join();
                insist(right == 80, "every file has the mode that was asked for");
                insist(changes == 0, "the umask was never changed");
                insist(umask(0) == mask, "the umask is what it was");
                return 0;
            });
            BOOST_TEST(process.wait() == well);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
