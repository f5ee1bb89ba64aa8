// bad_files_test.cpp: names that stand for no queue: refused with a type and a reason, and left as they are.
#include "refusals.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

using namespace noria;
using namespace noria::errors;

namespace {

// Every way to come by a file that is there: both roles, both forms, an observer, remove().
std::string complaint_of_all(const std::filesystem::path& path, errc wanted,
                             std::initializer_list<std::string_view> words) {
    return complaint(opening<numbers::producer>(path), wanted, path, words) +
           complaint(opening<numbers::consumer>(path), wanted, path, words) +
           complaint(opening<texts::consumer>(path), wanted, path, words) +
           complaint(constructing<numbers::producer>(path), wanted, path, words) +
           complaint(constructing<numbers::consumer>(path, {.capacity = 4}), wanted, path, words) +
           complaint(constructing<numbers::consumer>(path), wanted, path, words) +
           complaint(observing(path), wanted, path, words) + complaint(removing(path), wanted, path, words);
}

std::string complaint_of_creation(const std::filesystem::path& path) {
    return complaint(creating<numbers::producer>(path), errc::exists, path, {"open it", "another name"}) +
           complaint(creating<texts::consumer>(path), errc::exists, path, {"open it", "another name"});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bad_files)

BOOST_AUTO_TEST_CASE(what_is_shorter_than_a_header_is_no_queue_and_stays_as_it_is) {
    // Both sides of each length, with bytes that begin like a queue as far as they go.
    const rig::workspace place;
    { const numbers::producer real(place / "real", {.capacity = 4}); }
    const std::string beginning = content_of(place / "real");
    for (const std::size_t length : {0U, 1U, 7U, 8U, 100U, 4095U}) {
        const auto path = place / "short";
        write_file(path, beginning.substr(0, length));
        BOOST_TEST(complaint_of_all(path, errc::not_a_queue,
                                    {fmt::format("{} bytes", length), "4096", "check the path"}) == "");
        BOOST_TEST(complaint_of_creation(path) == "");
        BOOST_TEST((content_of(path) == beginning.substr(0, length)));
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_as_long_as_its_header_says_is_corrupt) {
    const rig::workspace place;
    { const numbers::producer real(place / "real", {.capacity = 4}); }
    const std::string whole = content_of(place / "real");
    const auto path = place / "cut";
    for (const std::size_t length :
         {std::size_t{4096}, std::size_t{4097}, whole.size() - 4096, whole.size() - 1, whole.size() + 1}) {
        std::string content = whole;
        content.resize(length);
        write_file(path, content);
        const auto found = std::to_string(length);
        const auto expected = std::to_string(whole.size());
        for (const auto& asked : {opening<numbers::producer>(path), opening<numbers::consumer>(path),
                                  constructing<numbers::producer>(path), observing(path)}) {
            BOOST_TEST(complaint(asked, errc::corrupt, path, {found, expected, "truncated", "remove"}) == "");
        }
        BOOST_TEST((content_of(path) == content));
    }
}

BOOST_AUTO_TEST_CASE(a_text_file_is_no_queue_and_stays_as_it_is) {
    const rig::workspace place;
    const auto path = place / "notes.txt";
    std::string text;
    while (text.size() < 20000) text += "All work and no play makes a dull queue.\n";
    write_file(path, text);
    BOOST_TEST(complaint_of_all(path, errc::not_a_queue, {"does not begin as a queue", "check the path"}) == "");
    BOOST_TEST(complaint_of_creation(path) == "");
    BOOST_TEST((content_of(path) == text));
}

BOOST_AUTO_TEST_CASE(a_directory_is_no_regular_file) {
    const rig::workspace place;
    const auto path = place / "directory";
    std::filesystem::create_directory(path);
    BOOST_TEST(complaint_of_all(path, errc::not_a_regular_file, {"a directory", "name a file in it"}) == "");
    BOOST_TEST(complaint_of_creation(path) == "");
    BOOST_TEST(std::filesystem::is_empty(path));
    for (const std::string odd : {"", ".", "..", "/"}) {
        const auto below = path / odd;
        BOOST_TEST(complaint(creating<numbers::producer>(below), errc::not_a_regular_file, below, {"directory"}) == "");
        BOOST_TEST(complaint(opening<numbers::producer>(below), errc::not_a_regular_file, below, {"directory"}) == "");
    }
    BOOST_TEST(std::filesystem::is_empty(path));
}

BOOST_AUTO_TEST_CASE(a_fifo_a_socket_and_a_device_are_no_regular_files_and_nobody_waits_for_them) {
    const rig::workspace place;
    BOOST_REQUIRE(mkfifo((place / "fifo").c_str(), 0600) == 0);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, (place / "socket").c_str(), sizeof name.sun_path - 1);
    BOOST_REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    for (const std::filesystem::path& path : {place / "fifo", place / "socket", std::filesystem::path("/dev/null")}) {
        BOOST_TEST(complaint_of_all(path, errc::not_a_regular_file, {"FIFO, socket or device", "another name"}) == "");
        // Whoever may not write to /dev hears of that first.
        if (path.parent_path() == place.path()) BOOST_TEST(complaint_of_creation(path) == "");
        BOOST_TEST(std::filesystem::exists(path));
    }
    close(listener);
}

BOOST_AUTO_TEST_CASE(symbolic_links_are_never_followed) {
    // To a queue, to nothing, to themselves; and what they point to is neither made nor changed.
    const rig::workspace place;
    { const numbers::producer real(place / "real", {.capacity = 4}); }
    const std::string before = content_of(place / "real");
    std::filesystem::create_symlink(place / "real", place / "link");
    std::filesystem::create_symlink(place / "nothing", place / "dangling");
    std::filesystem::create_symlink(place / "loop", place / "loop");
    for (const auto& path : {place / "link", place / "dangling", place / "loop"}) {
        BOOST_TEST(complaint_of_all(path, errc::symbolic_link, {"symbolic link", "name the file that it points to"}) ==
                   "");
        BOOST_TEST(complaint_of_creation(path) == "");
        BOOST_TEST(std::filesystem::is_symlink(path));
    }
    BOOST_TEST((content_of(place / "real") == before));
    BOOST_TEST(place.files() == 4U);
}

BOOST_AUTO_TEST_CASE(links_on_the_way_to_the_file_are_followed) {
    const rig::workspace place;
    std::filesystem::create_directory(place / "real");
    std::filesystem::create_directory_symlink(place / "real", place / "link");
    { const numbers::producer out(place / "link" / "queue", {.capacity = 4}); }
    BOOST_TEST(complaint_of_success(opening<numbers::consumer>(place / "real" / "queue")) == "");
}

BOOST_AUTO_TEST_CASE(nothing_there_is_not_found) {
    const rig::workspace place;
    const auto path = place / "nothing";
    BOOST_TEST(complaint(opening<numbers::producer>(path), errc::not_found, path, {"nothing", "check the path"}) == "");
    BOOST_TEST(complaint(opening<numbers::consumer>(path), errc::not_found, path, {"nothing", "its creator"}) == "");
    BOOST_TEST(complaint(observing(path), errc::not_found, path, {"nothing", "check the path"}) == "");
    BOOST_TEST(complaint(removing(path), errc::not_found, path, {"nothing", "check the path"}) == "");
    const auto below = place / "no-such-directory" / "queue";
    BOOST_TEST(
        complaint(creating<numbers::producer>(below), errc::not_found, below, {"no such directory", "make it"}) == "");
    BOOST_TEST(complaint(constructing<numbers::producer>(below), errc::not_found, below, {"no such directory"}) == "");
    write_file(place / "file", "x");
    const auto in_file = place / "file" / "queue";
    BOOST_TEST(complaint(creating<numbers::producer>(in_file), errc::not_found, in_file, {"directory"}) == "");
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_CASE(remove_removes_only_queues_that_nobody_uses) {
    const rig::workspace place;
    const auto path = place / "queue";
    {
        const numbers::producer out(path, {.capacity = 4});
        BOOST_TEST(complaint(removing(path), errc::in_use, path, {"attached", "stop the programs"}) == "");
        BOOST_TEST(!out.orphaned());
    }
    noria::remove(path);
    BOOST_TEST(place.files() == 0U);
    // A damaged queue is a queue that one may want to be rid of.
    { const numbers::producer out(path, {.capacity = 4}); }
    std::string damaged = content_of(path);
    damaged[64] = static_cast<char>(damaged[64] ^ 1);
    write_file(path, damaged);
    BOOST_TEST(complaint(opening<numbers::producer>(path), errc::corrupt, path, {"checksum", "damaged"}) == "");
    noria::remove(path);
    BOOST_TEST(place.files() == 0U);
}

BOOST_AUTO_TEST_CASE(a_file_system_that_keeps_no_promises_is_refused) {
    const std::filesystem::path existing = "/proc/self/comm";
    BOOST_TEST(complaint(opening<numbers::producer>(existing), errc::unsupported_file_system, existing,
                         {"proc", "tmpfs"}) == "");
    BOOST_TEST(complaint(observing(existing), errc::unsupported_file_system, existing, {"proc", "move the queue"}) ==
               "");
    const std::filesystem::path fresh = "/proc/noria-queue";
    BOOST_TEST(complaint(creating<numbers::producer>(fresh), errc::unsupported_file_system, fresh,
                         {"proc", "another directory"}) == "");
    BOOST_TEST(
        complaint(constructing<texts::producer>(fresh), errc::unsupported_file_system, fresh, {"proc", "tmpfs"}) == "");
}

BOOST_AUTO_TEST_CASE(what_the_system_says_else_is_passed_on_in_its_words) {
    const rig::workspace place;
    const auto path = place / std::string(300, 'n');
    BOOST_TEST(complaint(opening<numbers::producer>(path), errc::system, path, {"File name too long", "errno 36"}) ==
               "");
    BOOST_TEST(complaint(creating<numbers::producer>(path), errc::system, path, {"File name too long", "errno 36"}) ==
               "");
    BOOST_TEST(place.files() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
