// names_test.cpp: a name removed or given to another file under living peers, two names for one file, peers that close.
#include "process/scene.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <vector>

using namespace scene;

namespace {

std::uint64_t inode_of(const std::filesystem::path& path) {
    struct stat status {};
    insist(stat(path.c_str(), &status) == 0, "the file is there");
    return status.st_ino;
}

// Whether it is about to take a lock.
bool takes_a_lock(const rig::stepped_child& process) {
    return process.entering() == SYS_fcntl && process.argument(1) == F_OFD_SETLK;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(names)

BOOST_AUTO_TEST_CASE(pair_whose_file_was_removed_goes_on_apart_from_the_new_one) {
    // A stranger removes the file under a working pair (one of them another process), and a second pair makes a new one
    // of the same name. Each pair hears only its own, the first knows that it is orphaned, and ends and deaths of one
    // pair are none of the other's business.
    const rig::workspace place;
    const auto path = place / "queue";
    for (const bool dies : {false, true}) {
        std::optional<numbers::consumer> old_in(std::in_place, path, noria::options{.capacity = 4});
        const rig::milestone attached;
        const rig::milestone removed;
        const rig::milestone sent;
        rig::child old_producer([&] {
            numbers::producer out{path};
            insist(!out.orphaned(), "the file has its name");
            attached.tell();
            removed.hear();
            insist(out.orphaned(), "the producer knows that its file has lost the name");
            send(out, 100, 140);
            sent.tell();
            if (dies) wait_for_death();
            return 0;
        });
        attached.hear();
        BOOST_TEST(!old_in->orphaned());
        BOOST_REQUIRE(unlink(path.c_str()) == 0);
        BOOST_TEST(old_in->orphaned());

        numbers::producer new_out{path, {.capacity = 8, .wait_for_role = 0ns}};
        numbers::consumer new_in{path, refused_at_once};
        BOOST_TEST(new_out.created());
        BOOST_TEST(old_in->orphaned());
        BOOST_TEST(!new_in.orphaned());
        send(new_out, 0, 3);
        removed.tell();
        receive(*old_in, 100, 140);
        receive(new_in, 0, 3);
        sent.hear();
        if (dies)
            old_producer.kill();
        else
            BOOST_TEST(old_producer.wait() == well);
        hear_end(*old_in, dies ? noria::end::abandoned : noria::end::finished);
        BOOST_TEST(!new_in.pop_for(a_while));
        BOOST_TEST(new_in.why() == noria::outcome::timed_out);
        old_in.reset();
        BOOST_TEST(noria::inspect(path).roster.size() == 2U);
        send(new_out, 3, 5);
        receive(new_in, 3, 5);
        BOOST_TEST(new_in.counters().received == 5U);
        BOOST_REQUIRE(unlink(path.c_str()) == 0);
    }
}

BOOST_AUTO_TEST_CASE(one_process_holds_both_the_old_and_the_new_file_of_a_name) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::producer old_out{path, {.capacity = 4}};
    numbers::consumer old_in{path};
    std::filesystem::rename(path, place / "elsewhere");
    BOOST_TEST(old_out.orphaned());
    numbers::producer new_out{path, {.capacity = 4}};
    numbers::consumer new_in{path};
    for (std::uint64_t n = 0; n < 20; ++n) {
        send(old_out, 1000 + n, 1001 + n);
        send(new_out, n, n + 1);
        receive(new_in, n, n + 1);
        receive(old_in, 1000 + n, 1001 + n);
    }
    std::filesystem::rename(place / "elsewhere", path);  // and back over it
    BOOST_TEST(!old_out.orphaned());
    BOOST_TEST(new_out.orphaned());
}

BOOST_AUTO_TEST_CASE(two_names_of_one_file_are_one_queue) {
    const rig::workspace place;
    const auto path = place / "queue";
    const auto alias = place / "alias";
    numbers::producer out{path, {.capacity = 4}};
    BOOST_REQUIRE(link(path.c_str(), alias.c_str()) == 0);
    std::error_code code;
    (void)numbers::producer::open(alias, refused_at_once, code);
    BOOST_TEST((code == noria::errc::role_taken));
    rig::child consumer([&] {
        numbers::consumer in{alias};
        receive(in, 0, 20);
        hear_end(in, noria::end::finished);
        insist(!in.orphaned(), "the consumer's own name is still there");
        return 0;
    });
    send(out, 0, 20);
    BOOST_REQUIRE(unlink(path.c_str()) == 0);
    BOOST_TEST(out.orphaned());
    { const numbers::producer closing = std::move(out); }
    BOOST_TEST(consumer.wait() == well);
    BOOST_TEST(noria::inspect(alias).counters.received == 20U);
}

BOOST_AUTO_TEST_CASE(who_opens_a_file_that_is_replaced_meanwhile_comes_into_the_new_one) {
    // Method: the opener is halted where it has the old file open, and is about to read its header; and where it has mapped
    // it, and is about to take the role.
    const auto reads = [](const rig::stepped_child& process) { return process.entering() == SYS_pread64; };
    for (const auto& halt : std::vector<std::function<bool(const rig::stepped_child&)>>{reads, takes_a_lock}) {
        const rig::workspace place;
        const auto path = place / "queue";
        { const numbers::producer creator{path, {.capacity = 4}}; }
        { const numbers::producer creator{place / "another", {.capacity = 8}}; }
        rig::stepped_child opener([&] {
            const numbers::consumer in{path};
            return in.capacity() == 8 && !in.orphaned() ? 0 : 1;
        });
        while (!halt(opener) && opener.step()) {
        }
        BOOST_REQUIRE(halt(opener));
        std::filesystem::rename(place / "another", path);
        BOOST_TEST(opener.finish() == well);
    }
}

BOOST_AUTO_TEST_CASE(who_removes_a_file_that_is_replaced_meanwhile_removes_no_other) {
    // Method: it is halted where it has examined the old file, and is about to take its locks.
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer creator{path, {.capacity = 4}}; }
    { const numbers::producer creator{place / "another", {.capacity = 8}}; }
    rig::stepped_child remover([&] {
        std::error_code code;
        noria::remove(path, code);
        return code == noria::errc::not_found ? 0 : 1;
    });
    while (!takes_a_lock(remover) && remover.step()) {
    }
    BOOST_REQUIRE(takes_a_lock(remover));
    std::filesystem::rename(place / "another", path);
    BOOST_TEST(remover.finish() == well);
    BOOST_REQUIRE(std::filesystem::exists(path));
    BOOST_TEST(noria::inspect(path).shape.capacity == 8U);
}

BOOST_AUTO_TEST_CASE(closing_never_removes_the_file) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer creator{path, {.capacity = 4}}; }
    const std::uint64_t inode = inode_of(path);
    for (int round = 0; round < 30; ++round) {
        rig::child process([&] {
            const numbers::producer out{path};
            const numbers::consumer in{path};
            insist(!out.created() && !in.created(), "it was there");
            return 0;
        });
        BOOST_REQUIRE(process.wait() == well);
        BOOST_REQUIRE(inode_of(path) == inode);
    }
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_CASE(short_lived_observers_disturb_nobody) {
    // A hundred observers come, look and go, in processes of their own, every fourth killed in the middle, beside a
    // pair at work.
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 16}};
    rig::child producer([&] {
        numbers::producer out{path};
        send(out, 0, 2000);
        return 0;
    });
    const std::uint64_t inode = inode_of(path);
    for (std::uint64_t n = 0; n < 100; ++n) {
        const rig::milestone looked;
        rig::child observer([&] {
            const noria::observer eye{path};
            for (int times = 0; times < 20; ++times) {
                const auto seen = eye.look();
                insist(seen.depth <= 17, "the depth is at most the capacity, and one in between two readings");
                insist(seen.counters.received >= n * 20, "what was received before is received");
            }
            looked.tell();
            if (n % 4 == 0) wait_for_death();
            return 0;
        });
        receive(in, n * 20, n * 20 + 20);
        looked.hear();
        if (n % 4 == 0)
            observer.kill();
        else
            BOOST_REQUIRE(observer.wait() == well);
    }
    hear_end(in, noria::end::finished);
    BOOST_TEST(producer.wait() == well);
    BOOST_TEST(inode_of(path) == inode);
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
