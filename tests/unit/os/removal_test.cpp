// removal_test.cpp: a name is removed only with the file it was examined for; what a dead remover has left is cleared.
#include "noria/os/file.hpp"

#include "rig/child.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace noria::os;

namespace {

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }
std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}
file_identity identity_of_path(const std::filesystem::path& path) {
    struct stat status {};
    BOOST_REQUIRE(lstat(path.c_str(), &status) == 0);
    return identity_of(status);
}
located find(const std::filesystem::path& path) {
    located where;
    BOOST_REQUIRE(locate(path, where) == 0);
    return where;
}
std::filesystem::path private_name(const noria::rig::workspace& dir, std::uint64_t inode) {
    return dir / fmt::format(".{:x}.0123456789abcdef.noria-removal", inode);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(removal)

BOOST_AUTO_TEST_CASE(a_name_is_removed_with_its_file_and_not_with_another) {
    const noria::rig::workspace dir;
    const auto path = dir / "file";
    std::string displaced;
    write(path, "ours");
    const file_identity ours = identity_of_path(path);
    const located where = find(path);
    std::filesystem::rename(path, dir / "elsewhere");
    BOOST_TEST(remove_exactly(where, ours, displaced) == ENOENT);
    write(path, "another");
    BOOST_TEST(remove_exactly(where, ours, displaced) == ENOENT);
    BOOST_TEST(text_of(path) == "another");
    std::filesystem::rename(dir / "elsewhere", path);
    BOOST_TEST(remove_exactly(where, ours, displaced) == 0);
    BOOST_TEST(dir.files() == 0U);
    BOOST_TEST(displaced == "");
}

BOOST_AUTO_TEST_CASE(the_directory_is_the_one_that_was_found_though_another_takes_its_name) {
    const noria::rig::workspace dir;
    std::filesystem::create_directory(dir / "one");
    std::filesystem::create_directory(dir / "two");
    write(dir / "one" / "file", "ours");
    write(dir / "two" / "file", "another");
    const located where = find(dir / "one" / "file");
    const file_identity ours = identity_of_path(dir / "one" / "file");
    std::filesystem::rename(dir / "one", dir / "moved");
    std::filesystem::rename(dir / "two", dir / "one");
    std::string displaced;
    BOOST_TEST(remove_exactly(where, ours, displaced) == 0);
    BOOST_TEST(text_of(dir / "one" / "file") == "another");
    BOOST_TEST(!std::filesystem::exists(dir / "moved" / "file"));
}

BOOST_AUTO_TEST_CASE(a_file_that_takes_the_name_at_any_system_call_of_a_removal_stays) {
    // The remover is halted at each of its system calls in turn; there, another file replaces the one to be removed.
    for (int halt = 0;; ++halt) {
        BOOST_REQUIRE(halt < 1000);
        const noria::rig::workspace dir;
        const auto path = dir / "file";
        write(path, "ours");
        write(dir / "other", "another");
        const file_identity ours = identity_of_path(path);
        noria::rig::stepped_child remover([&] {
            std::string displaced;
            const int error = remove_exactly(find(path), ours, displaced);
            return error == 0 || error == ENOENT ? 0 : 1;
        });
        bool runs = true;
        for (int step = 0; runs && step < halt; ++step) runs = remover.step();
        if (!runs) break;
        std::filesystem::rename(dir / "other", path);
        BOOST_TEST((remover.finish() == noria::rig::fate{.exit_status = 0, .signal = 0}));
        BOOST_TEST(text_of(path) == "another");
        // What it was called while it was looked at is gone, too.
        BOOST_TEST(dir.files() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(what_a_dead_remover_has_left_is_cleared_by_the_next_creation_and_nothing_else_is) {
    const noria::rig::workspace dir;
    write(dir / "left", "to be removed");
    write(dir / "displaced", "another's");
    const std::uint64_t inode = identity_of_path(dir / "left").inode;
    const std::uint64_t other = identity_of_path(dir / "displaced").inode;
    std::filesystem::rename(dir / "left", private_name(dir, inode));
    // A private name that tells another inode: a file that was displaced by mistake.
    std::filesystem::rename(dir / "displaced", private_name(dir, other + 1));
    write(dir / ".noria-removal", "a name like it");
    write(dir / ".zz.1.noria-removal", "a name like it");
    BOOST_TEST(create_whole(dir / "new", {.file_bytes = 4096}, {}).error == 0);
    BOOST_TEST(!std::filesystem::exists(private_name(dir, inode)));
    BOOST_TEST(text_of(private_name(dir, other + 1)) == "another's");
    BOOST_TEST(dir.files() == 4U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
