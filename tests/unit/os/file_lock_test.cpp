// file_lock_test.cpp: a lock is held while its open file lives, through stops and forks, and free at death and exec.
#include "noria/os/file_lock.hpp"

#include "noria/os/file.hpp"
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <memory>

using noria::os::descriptor;
using noria::os::try_lock;
using noria::os::unlock;

namespace {

constexpr std::uint64_t far = std::uint64_t{1} << 62;  // beyond the end of any file

bool is_locked(int file, std::uint64_t offset, std::uint64_t bytes = 1) {
    return noria::os::ask_lock(file, offset, bytes).owner == noria::os::lock_owner::endpoint;
}

struct locked_file {
    noria::rig::workspace dir;
    locked_file() { std::ofstream(dir / "file") << "x"; }
    [[nodiscard]] descriptor open(int how = O_RDWR) const {
        return descriptor(::open((dir / "file").c_str(), how | O_CLOEXEC));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(file_lock)

BOOST_AUTO_TEST_CASE(a_lock_is_refused_to_another_open_file_and_free_after_unlock) {
    const locked_file file;
    const descriptor one = file.open();
    const descriptor two = file.open();
    BOOST_TEST(try_lock(one.get(), far) == 0);
    BOOST_TEST(try_lock(one.get(), far) == 0);  // to its holder it is no obstacle
    BOOST_TEST(try_lock(two.get(), far) == EAGAIN);
    BOOST_TEST(is_locked(two.get(), far));
    BOOST_TEST(!is_locked(one.get(), far));  // by another one
    unlock(one.get(), far);
    BOOST_TEST(!is_locked(two.get(), far));
    BOOST_TEST(try_lock(two.get(), far) == 0);
}

BOOST_AUTO_TEST_CASE(a_lock_is_one_byte_and_a_range_is_refused_for_any_of_its_bytes) {
    const locked_file file;
    const descriptor one = file.open();
    const descriptor two = file.open();
    BOOST_TEST(try_lock(one.get(), far + 5) == 0);
    BOOST_TEST(!is_locked(two.get(), far + 4));
    BOOST_TEST(!is_locked(two.get(), far + 6));
    BOOST_TEST(is_locked(two.get(), far, 6));
    BOOST_TEST(!is_locked(two.get(), far, 5));
    BOOST_TEST(try_lock(two.get(), far, 6) == EAGAIN);
    BOOST_TEST(try_lock(two.get(), far, 5) == 0);
    unlock(two.get(), far, 4);
    BOOST_TEST(!is_locked(one.get(), far + 3));
    BOOST_TEST(is_locked(one.get(), far + 4));
}

BOOST_AUTO_TEST_CASE(a_read_only_descriptor_can_ask_but_not_lock) {
    const locked_file file;
    const descriptor holder = file.open();
    const descriptor observer = file.open(O_RDONLY);
    BOOST_TEST(!is_locked(observer.get(), far));
    BOOST_TEST(try_lock(holder.get(), far) == 0);
    BOOST_TEST(is_locked(observer.get(), far));
    BOOST_TEST(try_lock(observer.get(), far + 1) == EBADF);
}

BOOST_AUTO_TEST_CASE(a_read_lock_and_a_record_lock_are_foreign_and_the_latter_names_its_process) {
    // A program that may only read the file can have the first; any that may write it, the second.
    const locked_file file;
    const descriptor endpoint = file.open();
    const descriptor reader = file.open(O_RDONLY);
    struct flock lock {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(far);
    lock.l_len = 2;
    BOOST_REQUIRE(fcntl(reader.get(), F_OFD_SETLK, &lock) == 0);
    const noria::os::lock_report read = noria::os::ask_lock(endpoint.get(), far + 1);
    BOOST_TEST((read.owner == noria::os::lock_owner::foreign));
    BOOST_TEST(!read.lock.writes);
    BOOST_TEST(read.lock.pid == 0U);
    BOOST_TEST(read.lock.offset == far);
    BOOST_TEST(try_lock(endpoint.get(), far) == EAGAIN);

    const noria::rig::milestone locked;
    noria::rig::child other([&] {
        const descriptor own = file.open();
        struct flock record {};
        record.l_type = F_WRLCK;
        record.l_whence = SEEK_SET;
        record.l_start = static_cast<off_t>(far + 8);
        record.l_len = 1;
        if (fcntl(own.get(), F_SETLK, &record) != 0) return 1;
        locked.tell();
        for (;;) pause();
    });
    locked.hear();
    const noria::os::lock_report write = noria::os::ask_lock(endpoint.get(), far + 8);
    BOOST_TEST((write.owner == noria::os::lock_owner::foreign));
    BOOST_TEST(write.lock.writes);
    BOOST_TEST(write.lock.pid == static_cast<std::uint64_t>(other.pid()));
}

BOOST_AUTO_TEST_CASE(a_lock_survives_the_closing_of_other_descriptors_of_the_file) {
    const locked_file file;
    const descriptor holder = file.open();
    const descriptor other = file.open();
    BOOST_TEST(try_lock(holder.get(), far) == 0);
    file.open().reset();                                          // classic record locks would go here
    descriptor(fcntl(holder.get(), F_DUPFD_CLOEXEC, 0)).reset();  // and this shares the open file
    BOOST_TEST(is_locked(other.get(), far));
}

BOOST_AUTO_TEST_CASE(a_lock_goes_with_the_last_descriptor_of_its_open_file) {
    const locked_file file;
    descriptor holder = file.open();
    descriptor copy(fcntl(holder.get(), F_DUPFD_CLOEXEC, 0));
    const descriptor other = file.open();
    BOOST_TEST(try_lock(holder.get(), far) == 0);
    holder.reset();
    BOOST_TEST(is_locked(other.get(), far));
    copy.reset();
    BOOST_TEST(!is_locked(other.get(), far));
}

BOOST_AUTO_TEST_CASE(a_question_without_an_answer_is_neither_a_lock_nor_none) {
    BOOST_TEST((noria::os::ask_lock(-1, far).owner == noria::os::lock_owner::unknown));
    BOOST_TEST(try_lock(-1, far) == EBADF);
}

// Goal: the kernel drops the lock at death, and not before: neither a stop nor a core-dump-like signal in a stopped
// process counts. Method: a child takes it, is stopped, and is killed while it is stopped.
BOOST_AUTO_TEST_CASE(a_stopped_process_keeps_its_lock_and_a_killed_one_does_not) {
    const locked_file file;
    const descriptor other = file.open();
    const noria::rig::milestone locked;
    noria::rig::child holder([&] {
        const descriptor own = file.open();
        if (try_lock(own.get(), far) != 0) return 1;
        locked.tell();
        for (;;) pause();
    });
    locked.hear();
    BOOST_TEST(is_locked(other.get(), far));
    holder.stop();
    BOOST_TEST(is_locked(other.get(), far));
    BOOST_TEST(try_lock(other.get(), far) == EAGAIN);
    holder.kill();
    BOOST_TEST(!is_locked(other.get(), far));
    BOOST_TEST(try_lock(other.get(), far) == 0);
}

// Goal: the lock belongs to the open file: a fork's child that keeps a descriptor keeps the lock after its parent's
// death, which is why the library closes them in the child.
BOOST_AUTO_TEST_CASE(a_forked_copy_of_the_descriptor_keeps_the_lock) {
    const locked_file file;
    const descriptor other = file.open();
    descriptor own = file.open();
    BOOST_REQUIRE(try_lock(own.get(), far) == 0);
    noria::rig::child heir([&] {
        for (;;) pause();
        return 0;
    });
    own.reset();
    BOOST_TEST(is_locked(other.get(), far));
    heir.kill();
    BOOST_TEST(!is_locked(other.get(), far));
}

// Goal: exec ends the life of an endpoint, the process itself lives on. Method: the child becomes `cat`, which waits
// for its input; its descriptors were close-on-exec.
BOOST_AUTO_TEST_CASE(exec_frees_the_lock_though_the_process_lives) {
    const locked_file file;
    const descriptor other = file.open();
    int input[2];
    BOOST_REQUIRE(pipe2(input, O_CLOEXEC) == 0);
    const descriptor read_end(input[0]);
    const descriptor write_end(input[1]);
    const noria::rig::milestone locked;
    noria::rig::child holder([&] {
        const descriptor own = file.open();
        if (try_lock(own.get(), far) != 0) return 1;
        dup2(read_end.get(), STDIN_FILENO);
        locked.tell();
        execlp("cat", "cat", static_cast<char*>(nullptr));
        return 2;
    });
    locked.hear();
    BOOST_TEST(noria::rig::eventually([&] { return !is_locked(other.get(), far); }));
    BOOST_TEST(kill(holder.pid(), 0) == 0);
    BOOST_TEST(waitpid(holder.pid(), nullptr, WNOHANG) == 0);  // alive, and not a zombie
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
