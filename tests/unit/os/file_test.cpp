// file_test.cpp: only regular files are opened, by their own names, and nobody is waited for.
#include "noria/os/file.hpp"

#include "rig/child.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;
namespace os = noria::os;
using noria::os::descriptor;

namespace {

int error_of_opening(const fs::path& path, os::access mode = os::access::read_write) {
    descriptor file;
    struct stat status {};
    const int error = noria::os::open_regular(path, mode, file, status);
    BOOST_TEST((error == 0) == file.is_open());
    return error;
}

void write_file(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

bool is_open(int number) { return fcntl(number, F_GETFD) >= 0; }

// Leaves root behind, as whom no permission is ever missing.
bool become_somebody() {
    return geteuid() != 0 || (setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file)

BOOST_AUTO_TEST_CASE(a_descriptor_closes_what_it_owns_once) {
    const int number = open("/dev/null", O_RDONLY | O_CLOEXEC);
    {
        descriptor one(number);
        descriptor two(std::move(one));
        BOOST_TEST(!one.is_open());  // NOLINT(bugprone-use-after-move): moved-from is closed, which is the point
        BOOST_TEST(two.get() == number);
        auto& itself = two;
        two = std::move(itself);
        BOOST_TEST(is_open(number));
        descriptor three;
        three = std::move(two);
        BOOST_TEST(three.get() == number);
    }
    BOOST_TEST(!is_open(number));
    descriptor released(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int kept = released.release();
    released.reset();
    BOOST_TEST(is_open(kept));
    close(kept);
}

BOOST_AUTO_TEST_CASE(a_regular_file_is_opened_close_on_exec) {
    const noria::rig::workspace dir;
    write_file(dir / "queue", "12345");
    for (const os::access mode : {os::access::read_only, os::access::read_write}) {
        descriptor file;
        struct stat status {};
        BOOST_REQUIRE(noria::os::open_regular(dir / "queue", mode, file, status) == 0);
        BOOST_TEST(status.st_size == 5);
        BOOST_TEST((fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
        BOOST_TEST((fcntl(file.get(), F_GETFL) & O_ACCMODE) == (mode == os::access::read_only ? O_RDONLY : O_RDWR));
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_refused_by_kind) {
    const noria::rig::workspace dir;
    write_file(dir / "regular", "");
    fs::create_directory(dir / "directory");
    fs::create_symlink(dir / "regular", dir / "link");
    fs::create_symlink(dir / "missing", dir / "dangling");
    fs::create_symlink(dir / "directory", dir / "link_to_directory");
    fs::create_symlink(dir / "circle", dir / "circle");
    BOOST_REQUIRE(mkfifo((dir / "fifo").c_str(), 0600) == 0);
    const descriptor socket_file(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (dir / "socket").c_str(), sizeof address.sun_path - 1);
    BOOST_REQUIRE(bind(socket_file.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);

    for (const os::access mode : {os::access::read_only, os::access::read_write}) {
        BOOST_TEST(error_of_opening(dir / "regular", mode) == 0);
        BOOST_TEST(error_of_opening(dir / "missing", mode) == ENOENT);
        BOOST_TEST(error_of_opening(dir / "missing/too", mode) == ENOENT);
        BOOST_TEST(error_of_opening(dir / "regular/below", mode) == ENOTDIR);
        BOOST_TEST(error_of_opening(dir / "directory", mode) == EISDIR);
        BOOST_TEST(error_of_opening(dir / "link", mode) == ELOOP);
        BOOST_TEST(error_of_opening(dir / "dangling", mode) == ELOOP);
        BOOST_TEST(error_of_opening(dir / "link_to_directory", mode) == ELOOP);
        BOOST_TEST(error_of_opening(dir / "circle", mode) == ELOOP);
        BOOST_TEST(error_of_opening(dir / "fifo", mode) == ENXIO);
        BOOST_TEST(error_of_opening(dir / "socket", mode) == ENXIO);
        BOOST_TEST(error_of_opening("/dev/null", mode) == ENXIO);
        BOOST_TEST(error_of_opening("", mode) == ENOENT);
        BOOST_TEST(error_of_opening(dir / std::string(300, 'n'), mode) == ENAMETOOLONG);
    }
}

BOOST_AUTO_TEST_CASE(a_file_without_permission_is_refused_and_one_that_may_be_read_can_be_read) {
    const noria::rig::workspace dir;
    fs::permissions(dir.path(), fs::perms(0755));
    write_file(dir / "none", "x");
    write_file(dir / "readable", "x");
    fs::permissions(dir / "none", fs::perms(0000));
    fs::permissions(dir / "readable", fs::perms(0444));
    noria::rig::child somebody([&] {
        if (!become_somebody()) return 77;
        if (error_of_opening(dir / "none", os::access::read_only) != EACCES) return 1;
        if (error_of_opening(dir / "readable", os::access::read_write) != EACCES) return 2;
        return error_of_opening(dir / "readable", os::access::read_only) == 0 ? 0 : 3;
    });
    const auto fate = somebody.wait();
    if (fate.exit_status == 77) return noria::rig::skip("root may not become another user here");
    BOOST_TEST(fate.exit_status == 0);
}

BOOST_AUTO_TEST_CASE(a_file_is_known_by_its_identity_whatever_its_name) {
    const noria::rig::workspace dir;
    write_file(dir / "one", "1");
    write_file(dir / "two", "2");
    fs::create_hard_link(dir / "one", dir / "one_too");
    fs::create_symlink(dir / "one", dir / "link");
    struct stat status {};
    BOOST_REQUIRE(stat((dir / "one").c_str(), &status) == 0);
    const auto one = noria::os::identity_of(status);
    BOOST_TEST(noria::os::names(dir / "one", one));
    BOOST_TEST(noria::os::names(dir / "one_too", one));
    BOOST_TEST(!noria::os::names(dir / "two", one));
    BOOST_TEST(!noria::os::names(dir / "link", one));  // links are not followed
    BOOST_TEST(!noria::os::names(dir / "missing", one));
    fs::rename(dir / "two", dir / "one");
    BOOST_TEST(!noria::os::names(dir / "one", one));
}

BOOST_AUTO_TEST_CASE(file_systems_are_told_by_what_they_promise) {
    const noria::rig::workspace dir;
    write_file(dir / "file", "");
    const auto of = [](const fs::path& path) {
        const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        return noria::os::file_system_of(file.get());
    };
    BOOST_TEST((of(dir / "file").fitness == noria::os::file_system_fitness::fit));
    if (!fs::exists("/proc/self/stat")) return noria::rig::skip("no /proc here");
    BOOST_TEST((of("/proc/self/stat").fitness == noria::os::file_system_fitness::unfit));
    BOOST_TEST(of("/proc/self/stat").name == "proc");
}

BOOST_AUTO_TEST_CASE(read_start_reads_what_is_there) {
    const noria::rig::workspace dir;
    write_file(dir / "file", "0123456789");
    const descriptor file(open((dir / "file").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<std::byte, 16> buffer{};
    BOOST_TEST(noria::os::read_start(file.get(), std::span(buffer).first(4)) == 4);
    BOOST_TEST(std::memcmp(buffer.data(), "0123", 4) == 0);
    BOOST_TEST(noria::os::read_start(file.get(), std::span(buffer).first(10)) == 10);
    BOOST_TEST(noria::os::read_start(file.get(), buffer) == 10);
    BOOST_TEST(noria::os::read_start(file.get(), {}) == 0);
    BOOST_TEST(noria::os::read_start(-1, buffer) == -EBADF);
}

BOOST_AUTO_TEST_CASE(errors_have_the_systems_words) {
    BOOST_TEST(noria::os::words_for(ENOENT) == std::strerror(ENOENT));
    BOOST_TEST(!noria::os::words_for(0).empty());
    BOOST_TEST(!noria::os::words_for(99999).empty());
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
