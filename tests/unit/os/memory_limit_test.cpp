// memory_limit_test.cpp: what control groups of both versions allow, read from made-up trees; and what this machine says.
#include "noria/os/memory_limit.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

using noria::os::memory_limit;
using noria::os::no_memory_limit;

namespace {

constexpr std::uint64_t mib = 1U << 20;
constexpr std::uint64_t no_swap = 0;

// A tree of groups: files with a figure each.
struct tree {
    noria::rig::workspace place;
    explicit tree(const std::string& below = {}) : mount(place.path() / below) {}
    std::filesystem::path mount;

    void say(const std::string& group, const std::string& file, const std::string& figure) const {
        std::filesystem::create_directories(mount / group);
        std::ofstream(mount / group / file) << figure << '\n';
    }
    // As it stands in mountinfo, with what is between the mount point and the type.
    [[nodiscard]] std::string shown(const std::string& root, const std::string& type,
                                    const std::string& options) const {
        std::string where = mount.string();
        for (auto at = where.find(' '); at != std::string::npos; at = where.find(' ')) where.replace(at, 1, "\\040");
        return "35 24 0:30 " + root + " " + where + " rw,nosuid shared:9 - " + type + " " + type + " " + options + "\n";
    }
};

const std::string elsewhere = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(control_groups)

BOOST_AUTO_TEST_CASE(no_group_and_no_file_is_no_limit) {
    const tree groups;
    BOOST_TEST(memory_limit("", "", no_swap) == no_memory_limit);
    BOOST_TEST(memory_limit("0::/a\n", elsewhere, no_swap) == no_memory_limit);
    BOOST_TEST(memory_limit("0::/a\n", groups.shown("/", "cgroup2", "rw"), no_swap) == no_memory_limit);
    groups.say("a", "memory.max", "max");
    BOOST_TEST(memory_limit("0::/a\n", groups.shown("/", "cgroup2", "rw"), no_swap) == no_memory_limit);
}

BOOST_AUTO_TEST_CASE(least_limit_on_the_way_up_counts) {
    const tree groups;
    const std::string mounts = elsewhere + groups.shown("/", "cgroup2", "rw,nsdelegate") + elsewhere;
    groups.say("a", "memory.max", std::to_string(200 * mib));
    groups.say("a/b", "memory.max", "max");
    groups.say("a/b/c", "memory.max", std::to_string(300 * mib));
    groups.say("a/x", "memory.max", std::to_string(1 * mib));
    BOOST_TEST(memory_limit("0::/a/b/c\n", mounts, no_swap) == 200 * mib);
    groups.say("a/b", "memory.max", std::to_string(100 * mib));
    BOOST_TEST(memory_limit("0::/a/b/c\n", mounts, no_swap) == 100 * mib);
    BOOST_TEST(memory_limit("0::/\n", mounts, no_swap) == no_memory_limit);
    groups.say("", "memory.max", std::to_string(7 * mib));  // of a container's own tree
    BOOST_TEST(memory_limit("0::/\n", mounts, no_swap) == 7 * mib);
}

BOOST_AUTO_TEST_CASE(swap_adds_to_it_as_far_as_there_is_any) {
    const tree groups;
    const std::string mounts = groups.shown("/", "cgroup2", "rw");
    groups.say("a", "memory.max", std::to_string(200 * mib));
    BOOST_TEST(memory_limit("0::/a\n", mounts, 50 * mib) == 250 * mib);
    groups.say("a", "memory.swap.max", std::to_string(20 * mib));
    BOOST_TEST(memory_limit("0::/a\n", mounts, 50 * mib) == 220 * mib);
    BOOST_TEST(memory_limit("0::/a\n", mounts, no_swap) == 200 * mib);
}

BOOST_AUTO_TEST_CASE(first_version_is_read_beside_the_second) {
    const tree first;
    const tree second;
    const std::string mounts = second.shown("/", "cgroup2", "rw") + first.shown("/", "cgroup", "rw,cpu") +
                               first.shown("/", "cgroup", "rw,memory");
    const std::string groups = "4:memory:/a/b\n1:cpu,cpuacct:/\n0::/c\n";
    first.say("a", "memory.limit_in_bytes", "9223372036854771712");
    first.say("a/b", "memory.limit_in_bytes", std::to_string(200 * mib));
    BOOST_TEST(memory_limit(groups, mounts, 50 * mib) == 250 * mib);
    first.say("a/b", "memory.memsw.limit_in_bytes", std::to_string(210 * mib));
    BOOST_TEST(memory_limit(groups, mounts, 50 * mib) == 210 * mib);
    second.say("c", "memory.max", std::to_string(5 * mib));
    BOOST_TEST(memory_limit(groups, mounts, no_swap) == 5 * mib);
}

BOOST_AUTO_TEST_CASE(mount_that_shows_a_part_of_the_tree_is_walked_from_there) {
    // As in a container that shares the namespace of groups: the paths are the machine's, the mount is its own part.
    const tree groups("name with a space");
    groups.say("", "memory.max", std::to_string(80 * mib));
    groups.say("c", "memory.max", std::to_string(60 * mib));
    const std::string mounts = groups.shown("/docker/1", "cgroup2", "rw");
    BOOST_TEST(memory_limit("0::/docker/1/c\n", mounts, no_swap) == 60 * mib);
    BOOST_TEST(memory_limit("0::/docker/1\n", mounts, no_swap) == 80 * mib);
    BOOST_TEST(memory_limit("0::/docker/12/c\n", mounts, no_swap) == 80 * mib);
    BOOST_TEST(memory_limit("0::/../other\n", groups.shown("/", "cgroup2", "rw"), no_swap) == 80 * mib);
}

BOOST_AUTO_TEST_CASE(texts_of_any_kind_are_survived) {
    for (const char* text : {"\n\n", "0", "::", "0::", "a b c", "- cgroup2", "1 2 3 / / - cgroup2 x", "\\1 \\"}) {
        BOOST_TEST_CONTEXT(text)(void) memory_limit(text, text, no_swap);
    }
    BOOST_TEST(memory_limit() >= mib);  // or this test would not run
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
