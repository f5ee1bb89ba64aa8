// open_description_test.cpp: a description is known by itself, not by its number or its file.
#include "noria/os/open_description.hpp"

#include "rig/child.hpp"
#include "rig/container.hpp"
#include "rig/overlay.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace noria::os;

namespace {

constexpr std::uint64_t far = std::uint64_t{1} << 62;  // beyond the end of any file
constexpr std::uint64_t page = 4096;

struct some_file {
    noria::rig::workspace dir;
    std::filesystem::path path = dir / "file";
    some_file() { std::ofstream(path) << std::string(page, 'x'); }

    [[nodiscard]] open_description open() const { return open_of(path); }
    static open_description open_of(const std::filesystem::path& path) {
        descriptor file;
        struct stat status {};
        BOOST_REQUIRE(open_regular(path, access::read_write, file, status) == 0);
        open_description made;
        BOOST_REQUIRE(made.adopt(std::move(file), identity_of(status)) == 0);
        return made;
    }
    [[nodiscard]] int plain_number() const { return ::open(path.c_str(), O_RDWR | O_CLOEXEC); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(open_descriptions)

BOOST_AUTO_TEST_CASE(a_number_that_belongs_to_another_description_of_the_file_is_not_ours) {
    const some_file file;
    open_description one = file.open();
    BOOST_REQUIRE(one.anchor(page) == 0);
    BOOST_TEST(one.try_lock(far) == 0);
    const int number = one.number();
    BOOST_REQUIRE(number >= 3);
    close(number);
    BOOST_TEST(one.number() == -1);
    // The program opens the file for itself, and so does another endpoint: either may be given the number.
    const int programs = file.plain_number();
    BOOST_REQUIRE(programs == number || dup2(programs, number) == number);
    BOOST_TEST(one.number() == -1);
    open_description other = file.open();
    BOOST_REQUIRE(dup2(other.number(), number) == number);
    BOOST_TEST(one.number() == -1);
    BOOST_TEST(one.try_lock(far + 1) == EBADF);
    BOOST_TEST((one.ask_lock(far + 1).owner == lock_owner::unknown));
    // Nothing that the first one does touches the second one's locks or its descriptor.
    BOOST_TEST(other.try_lock(far + 1) == 0);
    one.unlock(far + 1);
    const open_description third = file.open();
    BOOST_TEST((third.ask_lock(far + 1).owner == lock_owner::endpoint));
    BOOST_TEST((third.ask_lock(far).owner == lock_owner::endpoint));  // the mapping keeps it
    one.close();
    BOOST_TEST((third.ask_lock(far).owner == lock_owner::none));
    BOOST_TEST(fcntl(number, F_GETFD) >= 0);
    close(number);
    if (programs != number) close(programs);
}

BOOST_AUTO_TEST_CASE(a_duplicate_stands_for_the_same_description) {
    const some_file file;
    open_description one = file.open();
    const int number = one.number();
    const int kept = dup(number);
    close(number);
    BOOST_TEST(one.number() == -1);
    BOOST_REQUIRE(dup2(kept, number) == number);
    BOOST_TEST(one.number() == number);
    close(kept);
}

BOOST_AUTO_TEST_CASE(a_moved_description_keeps_its_locks) {
    const some_file file;
    open_description one = file.open();
    BOOST_TEST(one.try_lock(far) == 0);
    open_description moved = std::move(one);
    const open_description asker = file.open();
    BOOST_TEST((asker.ask_lock(far).owner == lock_owner::endpoint));
    BOOST_TEST(moved.number() >= 3);
    moved = file.open();
    BOOST_TEST((asker.ask_lock(far).owner == lock_owner::none));
}

BOOST_AUTO_TEST_CASE(a_mapping_keeps_locks_on_tmpfs_and_not_on_overlayfs) {
    const some_file file;
    const open_description asker = file.open();
    struct stat status {};
    BOOST_REQUIRE(stat(file.path.c_str(), &status) == 0);
    bool keeps = false;
    BOOST_TEST(keeps_locks(file.path, identity_of(status), asker, page, far, 1024, keeps) == 0);
    BOOST_TEST(keeps);

    const noria::rig::overlay over;
    if (!over.objection().empty()) return noria::rig::skip(over.objection());
    noria::rig::child process([&] {
        const auto path = over.path() / "file";
        std::ofstream(path) << std::string(page, 'x');
        const open_description upper = some_file::open_of(path);
        struct stat seen {};
        bool survives = true;
        if (stat(path.c_str(), &seen) != 0) return 1;
        for (int round = 0; round < 2; ++round) {  // tried, and known
            if (keeps_locks(path, identity_of(seen), upper, page, far, 1024, survives) != 0 || survives) return 2;
        }
        return 0;
    });
    BOOST_TEST(process.wait().exit_status == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
