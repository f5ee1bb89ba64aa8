// file_birth_test.cpp: a file is born whole, with its mode and all its bytes, or there is nothing.
#include "noria/os/file.hpp"
#include "noria/os/file_lock.hpp"
#include "rig/child.hpp"
#include "rig/container.hpp"
#include "rig/seccomp.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using noria::os::birth;
using noria::os::birth_step;
using noria::os::birth_wish;

namespace {

constexpr std::uint64_t bytes = 3 * 4096;
constexpr std::uint64_t lock_offset = std::uint64_t{1} << 40;

birth create(const fs::path& path, std::uint32_t mode = 0600, std::uint64_t file_bytes = bytes) {
    static constexpr char contents[] = "contents";
    return noria::os::create_whole(path, {.mode = mode, .file_bytes = file_bytes, .lock_offset = lock_offset},
                                   std::as_bytes(std::span(contents, 8)));
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool is_whole(const fs::path& path, mode_t mode) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 07777) == mode &&
           status.st_nlink == 1 && static_cast<std::uint64_t>(status.st_blocks) * 512 >= bytes &&
           read_file(path) == "contents" + std::string(bytes - 8, '\0');
}

// The ways to make a file: unnamed; and where that is not to be had, under a temporary name. Each runs in a child.
struct way {
    const char* name;
    std::vector<noria::rig::denial> without;
};
const way ways[] = {
    {"unnamed", {}},
    {"linked by /proc", {{.call = SYS_linkat, .error = ENOENT, .argument = 4, .bits = AT_EMPTY_PATH}}},
    {"renamed, without O_TMPFILE", {{.call = SYS_openat, .error = EOPNOTSUPP, .argument = 2, .bits = O_TMPFILE}}},
    {"renamed, without linkat", {{.call = SYS_linkat, .error = ENOENT}}},
};

// Runs the body in a child that has only that way. It returns 0 for success and the number of what failed otherwise.
template <class Body>
void in_each_way(Body body) {
    for (const way& each : ways) {
        BOOST_TEST_CONTEXT(each.name) {
            noria::rig::child maker([&] { return noria::rig::deny(each.without) ? body() : 77; });
            const auto fate = maker.wait();
            if (fate.exit_status == 77) return noria::rig::skip("this kernel keeps no seccomp filters");
            BOOST_TEST(fate.signal == 0);
            BOOST_TEST(fate.exit_status == 0);
        }
    }
}

#if defined(NORIA_SANITIZED)
constexpr int creator_rounds = 3;  // a fork is dear there
#else
constexpr int creator_rounds = 20;
#endif

// A tmpfs of so many pages over a directory, in a mount namespace of this process's own.
bool mount_small(const fs::path& where, std::uint64_t pages) {
    if (!noria::rig::enter_namespaces(CLONE_NEWNS).empty()) return false;
    const std::string options = "size=" + std::to_string(pages * 4096);
    return mount("tmpfs", where.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file_birth)

BOOST_AUTO_TEST_CASE(a_file_is_born_with_contents_and_all_its_bytes_and_nothing_beside_it) {
    in_each_way([] {
        const noria::rig::workspace dir;
        if (create(dir / "queue").error != 0) return 1;
        if (!is_whole(dir / "queue", 0600)) return 2;
        return dir.files() == 1 ? 0 : 3;
    });
}

BOOST_AUTO_TEST_CASE(the_mode_is_exact_whatever_the_umask) {
    in_each_way([] {
        const noria::rig::workspace dir;
        int number = 0;
        for (const mode_t mask : {0777U, 0U, 022U}) {
            for (const mode_t mode : {0600U, 0644U, 0666U, 0660U, 0640U}) {
                const fs::path path = dir / std::to_string(++number);
                umask(mask);
                const int error = create(path, mode).error;
                umask(022);
                struct stat status {};
                if (error != 0 || stat(path.c_str(), &status) != 0 || (status.st_mode & 07777) != mode) return number;
            }
        }
        return 0;
    });
}

BOOST_AUTO_TEST_CASE(whatever_has_the_name_stays_and_is_no_error_but_an_answer) {
    in_each_way([] {
        const noria::rig::workspace dir;
        std::ofstream(dir / "file") << "somebody's";
        fs::create_directory(dir / "directory");
        fs::create_symlink(dir / "nowhere", dir / "dangling");
        fs::create_symlink(dir / "file", dir / "link");
        if (mkfifo((dir / "fifo").c_str(), 0600) != 0) return 1;
        for (const char* each : {"file", "directory", "dangling", "link", "fifo"}) {
            const birth born = create(dir / each);
            if (born.error != EEXIST || born.step != birth_step::name) return 2;
        }
        if (read_file(dir / "file") != "somebody's") return 3;
        if (fs::exists(dir / "nowhere")) return 4;
        return dir.files() == 5 ? 0 : 5;
    });
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_not_there_is_named_as_what_is_wrong) {
    in_each_way([] {
        const noria::rig::workspace dir;
        std::ofstream(dir / "file") << "";
        const birth missing = create(dir / "missing/queue");
        if (missing.error != ENOENT || missing.step != birth_step::directory) return 1;
        const birth no_directory = create(dir / "file/queue");
        if (no_directory.error != ENOTDIR || no_directory.step != birth_step::directory) return 2;
        if (create(dir.path().string() + "/").error != EISDIR) return 3;
        if (create(dir / ".").error != EISDIR || create(dir / "..").error != EISDIR) return 4;
        if (create(dir / std::string(256, 'n')).error != ENAMETOOLONG) return 5;
        return dir.files() == 1 ? 0 : 6;
    });
}

BOOST_AUTO_TEST_CASE(a_name_as_long_as_names_may_be_is_given) {
    const noria::rig::workspace dir;
    BOOST_TEST(create(dir / std::string(255, 'n')).error == 0);
}

BOOST_AUTO_TEST_CASE(a_relative_path_is_relative) {
    const noria::rig::workspace dir;
    noria::rig::child maker([&] {
        if (chdir(dir.path().c_str()) != 0) return 1;
        return create("queue").error == 0 && is_whole(dir / "queue", 0600) ? 0 : 2;
    });
    BOOST_TEST(maker.wait().exit_status == 0);
}

BOOST_AUTO_TEST_CASE(a_directory_without_permission_is_an_error_and_stays_empty) {
    const noria::rig::workspace dir;
    fs::permissions(dir.path(), fs::perms(0555));
    noria::rig::child somebody([&] {
        if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)) return 77;
        return create(dir / "queue").error == EACCES ? 0 : 1;
    });
    const auto fate = somebody.wait();
    if (fate.exit_status == 77) return noria::rig::skip("root may not become another user here");
    BOOST_TEST(fate.exit_status == 0);
    BOOST_TEST(dir.files() == 0U);
}

// Goal: one page too few is said at birth, leaves nothing, and gives the space back; exactly enough works.
// Method: a tmpfs of that size.
BOOST_AUTO_TEST_CASE(a_full_file_system_is_an_error_leaves_nothing_and_gives_the_space_back) {
    for (const way& each : ways) {
        for (const std::uint64_t pages : {2U, 3U}) {
            BOOST_TEST_CONTEXT(each.name << ", " << pages << " pages") {
                const noria::rig::workspace dir;
                noria::rig::child maker([&] {
                    if (!mount_small(dir.path(), pages) || !noria::rig::deny(each.without)) return 77;
                    const birth born = create(dir / "queue");
                    struct statfs status {};
                    if (statfs(dir.path().c_str(), &status) != 0) return 1;
                    if (pages == 3) return born.error == 0 && is_whole(dir / "queue", 0600) ? 0 : 2;
                    if (born.error != ENOSPC || born.step != birth_step::allocation) return 3;
                    if (dir.files() != 0) return 4;
                    return status.f_bfree == 2 ? 0 : 5;
                });
                const auto fate = maker.wait();
                if (fate.exit_status == 77) return noria::rig::skip("needs the right to mount a tmpfs");
                BOOST_TEST(fate.exit_status == 0);
            }
        }
    }
}

// Goal: a file above RLIMIT_FSIZE is an error code and not a signal, and one of exactly the limit is born. Method: the
// signal is left at its default, which kills; then it has a handler that must not run, and then it is blocked and
// pending for another reason, which must stay.
BOOST_AUTO_TEST_CASE(a_size_limit_is_an_error_and_no_signal) {
    in_each_way([] {
        const noria::rig::workspace dir;
        const auto limited = [&](std::uint64_t size) {
            const rlimit limit{.rlim_cur = size, .rlim_max = RLIM_INFINITY};
            return setrlimit(RLIMIT_FSIZE, &limit) == 0 ? create(dir / "queue").error : -1;
        };
        if (limited(bytes - 1) != EFBIG || limited(4096) != EFBIG || limited(0) != EFBIG || dir.files() != 0) return 1;
        static volatile sig_atomic_t handled = 0;
        std::signal(SIGXFSZ, [](int) { handled = 1; });
        if (limited(bytes - 1) != EFBIG || handled != 0 || dir.files() != 0) return 2;
        sigset_t xfsz;
        sigemptyset(&xfsz);
        sigaddset(&xfsz, SIGXFSZ);
        sigset_t before;
        pthread_sigmask(SIG_BLOCK, &xfsz, &before);
        std::raise(SIGXFSZ);
        if (limited(bytes - 1) != EFBIG) return 3;
        sigset_t pending;
        sigpending(&pending);
        if (sigismember(&pending, SIGXFSZ) != 1 || handled != 0) return 4;
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        if (handled != 1) return 5;
        return limited(bytes) == 0 && is_whole(dir / "queue", 0600) ? 0 : 6;
    });
}

// Goal: what a killed creator left under a temporary name is removed by the next one, what a living one works on is
// not.
BOOST_AUTO_TEST_CASE(stillborn_files_are_removed_and_unborn_ones_are_not) {
    noria::rig::child maker([] {
        if (!noria::rig::deny(ways[2].without)) return 77;
        const noria::rig::workspace dir;
        const fs::path stillborn = dir / ".queue.0123456789abcdef.noria-birth";
        const fs::path unborn = dir / ".queue.fedcba9876543210.noria-birth";
        const fs::path of_another = dir / ".other.0123456789abcdef.noria-birth";
        const fs::path no_queue = dir / ".queue.0123456789abcdef.notes";
        for (const auto& each : {stillborn, unborn, of_another, no_queue}) std::ofstream(each) << "half";
        const noria::os::descriptor living(open(unborn.c_str(), O_RDWR | O_CLOEXEC));
        if (noria::os::try_lock(living.get(), lock_offset) != 0) return 1;
        if (create(dir / "queue").error != 0) return 2;
        if (fs::exists(stillborn)) return 3;
        if (!fs::exists(unborn)) return 4;
        if (!fs::exists(of_another)) return 5;
        if (!fs::exists(no_queue)) return 7;
        return is_whole(dir / "queue", 0600) ? 0 : 6;
    });
    const auto fate = maker.wait();
    if (fate.exit_status == 77) return noria::rig::skip("this kernel keeps no seccomp filters");
    BOOST_TEST(fate.exit_status == 0);
}

// Goal: of creators of one name one wins, the others hear that it exists, and nobody hears anything else. Method: six
// at once, started by one pipe, in each way.
BOOST_AUTO_TEST_CASE(of_creators_of_one_name_exactly_one_wins) {
    for (const way& each : ways) {
        for (int round = 0; round < creator_rounds; ++round) {
            const noria::rig::workspace dir;
            const noria::rig::milestone start;
            std::vector<noria::rig::child> makers;
            for (int i = 0; i < 6; ++i) {
                makers.emplace_back([&] {
                    if (!noria::rig::deny(each.without)) return 77;
                    start.hear();
                    const int error = create(dir / "queue").error;
                    return error == 0 ? 1 : error == EEXIST ? 2 : 3;
                });
            }
            for (int i = 0; i < 6; ++i) start.tell();
            int won = 0;
            for (auto& maker : makers) {
                const auto fate = maker.wait();
                if (fate.exit_status == 77) return noria::rig::skip("this kernel keeps no seccomp filters");
                won += fate.exit_status == 1;
                BOOST_TEST((fate.exit_status == 1 || fate.exit_status == 2), each.name);
            }
            BOOST_TEST(won == 1, each.name);
            BOOST_TEST(is_whole(dir / "queue", 0600));
            BOOST_TEST(dir.files() == 1U);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
