// mapped_file_test.cpp: one mapping per file and process, none in a fork's child, and a mapping keeps the lock.
#include "noria/os/mapped_file.hpp"

#include "noria/os/file_lock.hpp"
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace fs = std::filesystem;
namespace os = noria::os;

namespace {

constexpr std::uint64_t bytes = 2 * 4096;

struct some_file {
    noria::rig::workspace dir;
    fs::path path;
    explicit some_file(const std::string& name = "file") : path(dir / name) { write(path); }

    static void write(const fs::path& where) { std::ofstream(where) << std::string(bytes, 'a'); }
    static os::file_identity identity(const fs::path& where) {
        struct stat status {};
        BOOST_REQUIRE(stat(where.c_str(), &status) == 0);
        return os::identity_of(status);
    }
    [[nodiscard]] std::shared_ptr<os::mapped_file> share() const {
        std::shared_ptr<os::mapped_file> mapping;
        BOOST_TEST(os::mapped_file::share(path, identity(path), bytes, mapping) == 0);
        return mapping;
    }
    [[nodiscard]] std::shared_ptr<os::mapped_file> map(const os::descriptor& file, os::access mode) const {
        std::shared_ptr<os::mapped_file> mapping;
        BOOST_TEST(os::mapped_file::map(file, mode, bytes, mapping) == 0);
        return mapping;
    }
};

// Whether the kernel could read, or write, a byte there for us: asking it raises no signal.
bool readable(const std::byte* where) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    const bool could = write(ends[1], where, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return could;
}
bool writable(std::byte* where) {
    const os::descriptor zero(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    return read(zero.get(), where, 1) == 1;
}
bool mapped(std::byte* where) { return msync(where, bytes, MS_ASYNC) == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(mapped_file)

BOOST_AUTO_TEST_CASE(a_mapping_is_the_file) {
    const some_file file;
    const auto mapping = file.share();
    BOOST_REQUIRE(mapping != nullptr);
    BOOST_TEST(mapping->bytes() == bytes);
    BOOST_TEST((mapping->data()[bytes - 1] == std::byte{'a'}));
    mapping->data()[bytes - 1] = std::byte{'z'};
    std::ifstream again(file.path);
    again.seekg(bytes - 1);
    BOOST_TEST(again.get() == 'z');
}

BOOST_AUTO_TEST_CASE(a_file_is_mapped_once_per_process) {
    const some_file file;
    const some_file other;
    const auto one = file.share();
    const auto two = file.share();
    BOOST_TEST(one == two);
    BOOST_TEST(one.use_count() == 2);
    BOOST_TEST(one->data() != other.share()->data());
    fs::create_hard_link(file.path, file.dir / "by_another_name");
    std::shared_ptr<os::mapped_file> three;
    BOOST_TEST(os::mapped_file::share(file.dir / "by_another_name", some_file::identity(file.path), bytes, three) == 0);
    BOOST_TEST(three == one);
}

BOOST_AUTO_TEST_CASE(the_last_to_go_unmaps_it) {
    const some_file file;
    auto one = file.share();
    auto two = file.share();
    std::byte* const where = one->data();
    one.reset();
    BOOST_TEST(readable(where));
    two.reset();
    BOOST_TEST(!mapped(where));
    BOOST_TEST(file.share() != nullptr);
}

BOOST_AUTO_TEST_CASE(a_name_that_stands_for_another_file_now_is_stale) {
    const some_file file;
    const auto identity = some_file::identity(file.path);
    some_file::write(file.dir / "new");
    fs::rename(file.dir / "new", file.path);
    std::shared_ptr<os::mapped_file> mapping;
    BOOST_TEST(os::mapped_file::share(file.path, identity, bytes, mapping) == ESTALE);
    fs::remove(file.path);
    BOOST_TEST(os::mapped_file::share(file.path, identity, bytes, mapping) == ENOENT);
    BOOST_TEST(mapping == nullptr);
}

BOOST_AUTO_TEST_CASE(a_read_only_mapping_cannot_be_written) {
    const some_file file;
    const os::descriptor read_only(open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto mapping = file.map(read_only, os::access::read_only);
    BOOST_REQUIRE(mapping != nullptr);
    BOOST_TEST(readable(mapping->data()));
    BOOST_TEST(!writable(mapping->data()));
    const os::descriptor read_write(open(file.path.c_str(), O_RDWR | O_CLOEXEC));
    BOOST_TEST(writable(file.map(read_write, os::access::read_write)->data()));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_mapped_is_an_errno) {
    const some_file file;
    std::shared_ptr<os::mapped_file> mapping;
    const os::descriptor read_only(open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    BOOST_TEST(os::mapped_file::map(read_only, os::access::read_write, bytes, mapping) == EACCES);
    BOOST_TEST(os::mapped_file::map(read_only, os::access::read_only, std::uint64_t{1} << 60, mapping) == ENOMEM);
    BOOST_TEST(os::mapped_file::map(os::descriptor{}, os::access::read_only, bytes, mapping) != 0);
    BOOST_TEST(mapping == nullptr);
}

BOOST_AUTO_TEST_CASE(populate_changes_nothing_but_the_cost_of_the_first_access) {
    const some_file file;
    const auto mapping = file.share();
    mapping->populate();
    mapping->populate();
    for (std::uint64_t i = 0; i < bytes; ++i) BOOST_REQUIRE((mapping->data()[i] == std::byte{'a'}));
    const os::descriptor read_only(open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto unwritable = file.map(read_only, os::access::read_only);
    unwritable->populate();
    BOOST_TEST((unwritable->data()[bytes - 1] == std::byte{'a'}));
}

// Goal: a fork's child has the addresses reserved, without access, and may open the file for itself, which is another
// mapping; neither disturbs the parent's.
BOOST_AUTO_TEST_CASE(a_forks_child_has_a_reservation_in_its_place) {
    const some_file file;
    const auto mapping = file.share();
    mapping->data()[0] = std::byte{'p'};
    noria::rig::child heir([&] {
        if (readable(mapping->data()) || readable(mapping->data() + bytes - 1)) return 1;
        if (!mapped(mapping->data())) return 2;  // nothing else can come there
        std::shared_ptr<os::mapped_file> own;
        if (os::mapped_file::share(file.path, some_file::identity(file.path), bytes, own) != 0) return 3;
        if (own == mapping || own->data() == mapping->data()) return 4;
        if (own->data()[0] != std::byte{'p'}) return 5;
        own->data()[0] = std::byte{'c'};
        return 0;
    });
    BOOST_TEST(heir.wait().exit_status == 0);
    BOOST_TEST((mapping->data()[0] == std::byte{'c'}));
    BOOST_TEST(file.share() == mapping);
}

BOOST_AUTO_TEST_CASE(a_forks_child_can_drop_what_it_has_not) {
    // The addresses stay closed: what stands there may be another library's by now.
    const some_file file;
    auto mapping = file.share();
    noria::rig::child heir([&] {
        std::byte* const where = mapping->data();
        mapping.reset();
        return mapped(where) ? 0 : 1;
    });
    BOOST_TEST(heir.wait().exit_status == 0);
    BOOST_TEST(readable(mapping->data()));
}

// Goal: the mapping keeps the open file, and with it the lock, when the descriptor is closed; a child that is forked
// then does not keep it beyond the parent's death. Method: a middle process locks, maps, closes, forks, and is killed.
BOOST_AUTO_TEST_CASE(a_mapping_keeps_the_lock_and_a_forks_child_does_not) {
    const some_file file;
    const os::descriptor other(open(file.path.c_str(), O_RDWR | O_CLOEXEC));
    constexpr std::uint64_t far = std::uint64_t{1} << 62;
    const noria::rig::milestone ready;
    const noria::rig::milestone done;
    noria::rig::child middle([&] {
        os::descriptor own(open(file.path.c_str(), O_RDWR | O_CLOEXEC));
        if (os::try_lock(own.get(), far) != 0) return 1;
        const auto mapping = file.map(own, os::access::read_only);
        own.reset();
        if (fork() == 0) {  // not a rig child: that one would die with its parent
            ready.tell();
            done.hear();
            _exit(0);
        }
        for (;;) pause();
    });
    ready.hear();
    BOOST_TEST((os::ask_lock(other.get(), far).owner == os::lock_owner::endpoint));
    middle.kill();
    BOOST_TEST((os::ask_lock(other.get(), far).owner == os::lock_owner::none));
    done.tell();
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
