// process_test.cpp: who this process is, what its forks are told, and that nobody forks at the wrong moment.
#include "noria/os/process.hpp"

#include "rig/child.hpp"
#include "rig/seccomp.hpp"
#include "rig/skip.hpp"

#include <boost/test/unit_test.hpp>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace os = noria::os;

namespace {

// The 22nd field, found by its place among the words: the second, in parentheses, has no spaces in our test programs.
std::uint64_t start_time_by_proc() {
    std::ifstream stat("/proc/self/stat");
    std::string word;
    for (int field = 1; field < 22; ++field) stat >> word;
    std::uint64_t value = 0;
    stat >> value;
    return value;
}

struct told final : os::fork_sensitive {
    int times = 0;
    told() {
        const os::no_fork still;
        enlist();
    }
    ~told() override {
        const os::no_fork still;
        delist();
    }
    void leave() {
        const os::no_fork still;
        delist();
    }
    void forked() noexcept override { ++times; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(this_process_is_known_by_pid_start_and_program) {
    const os::process_identity self = os::this_process();
    BOOST_TEST(self.pid == static_cast<std::uint64_t>(getpid()));
    const std::string program = program_invocation_short_name;
    BOOST_TEST(std::string(self.program.data()) == program.substr(0, self.program.size() - 1));
    BOOST_TEST(self.program.back() == '\0');
    if (!std::filesystem::exists("/proc/self/stat")) return noria::rig::skip("no /proc here");
    BOOST_TEST(self.start_time == start_time_by_proc());
    BOOST_TEST(self.start_time > 0U);
}

BOOST_AUTO_TEST_CASE(a_name_with_brackets_and_spaces_hides_no_start_time) {
    if (!std::filesystem::exists("/proc/self/stat")) return noria::rig::skip("no /proc here");
    noria::rig::child renamed([] {
        const std::uint64_t known = os::this_process().start_time;
        prctl(PR_SET_NAME, "a) R 1 (2 3) 4");
        return known != 0 && os::this_process().start_time == known ? 0 : 1;
    });
    BOOST_TEST(renamed.wait().exit_status == 0);
}

BOOST_AUTO_TEST_CASE(a_child_is_another_process) {
    const os::process_identity parent = os::this_process();
    noria::rig::child other([&] {
        const os::process_identity self = os::this_process();
        return self.pid == static_cast<std::uint64_t>(getpid()) && self.pid != parent.pid ? 0 : 1;
    });
    BOOST_TEST(other.wait().exit_status == 0);
}

BOOST_AUTO_TEST_CASE(without_proc_the_start_time_is_not_known_and_the_rest_is) {
    noria::rig::child blind([] {
        if (!noria::rig::deny({{.call = SYS_openat, .error = ENOENT}})) return 77;
        const os::process_identity self = os::this_process();
        return self.start_time == 0 && self.pid == static_cast<std::uint64_t>(getpid()) ? 0 : 1;
    });
    const auto fate = blind.wait();
    if (fate.exit_status == 77) return noria::rig::skip("this kernel keeps no seccomp filters");
    BOOST_TEST(fate.exit_status == 0);
}

BOOST_AUTO_TEST_CASE(who_is_enlisted_is_told_once_in_each_fork_and_never_in_the_parent) {
    told one;
    told two;
    told gone;
    gone.leave();
    told twice_gone;
    twice_gone.leave();
    twice_gone.leave();
    for (int round = 0; round < 3; ++round) {
        noria::rig::child heir([&] {
            if (one.times != 1 || two.times != 1 || gone.times != 0 || twice_gone.times != 0) return 1;
            one.leave();
            noria::rig::child grandchild([&] { return one.times == 1 && two.times == 1 ? 0 : 1; });
            return grandchild.wait().exit_status == 0 ? 0 : 2;
        });
        BOOST_TEST(heir.wait().exit_status == 0);
    }
    BOOST_TEST(one.times == 0);
    BOOST_TEST(two.times == 0);
}

// Goal: the child can do what the parent could: open, fork, and let things go. Were the lock that forks take left taken
// in the child, it would hang there.
BOOST_AUTO_TEST_CASE(a_childs_own_forks_tell_only_what_the_child_has_enlisted) {
    // An object of the parent may have stood on the stack of a thread that the child has not.
    told parents;
    noria::rig::child child([&] {
        if (parents.times != 1) return 1;
        told own;
        noria::rig::child grandchild([&] { return parents.times == 1 && own.times == 1 ? 0 : 1; });
        return grandchild.wait().exit_status;
    });
    BOOST_TEST(child.wait().exit_status == 0);
}

BOOST_AUTO_TEST_CASE(a_forks_child_can_hold_off_forks_itself) {
    noria::rig::child heir([] {
        const os::no_fork outer;
        const os::no_fork inner;
        const told one;
        noria::rig::child grandchild([] {
            const os::no_fork again;
            return 0;
        });
        return grandchild.wait().exit_status;
    });
    BOOST_TEST(heir.wait().exit_status == 0);
}

// Goal: no fork happens in another thread while one holds it off. Method: a second thread forks meanwhile; its child
// looks into its copy of memory whether the first thread had let go by then.
BOOST_AUTO_TEST_CASE(no_other_thread_forks_while_forks_are_held_off) {
    for (int round = 0; round < 20; ++round) {
        std::atomic<bool> about_to_fork = false;
        std::atomic<bool> let_go = false;
        int status = -1;
        std::thread forker;
        {
            const os::no_fork still;
            forker = std::thread([&] {
                about_to_fork = true;
                const pid_t child = fork();
                if (child == 0) _exit(let_go ? 0 : 1);
                waitpid(child, &status, 0);
            });
            while (!about_to_fork) std::this_thread::yield();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));  // a chance to fork too early
            let_go = true;
        }
        forker.join();
        BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
}

// Goal: a cancellation takes effect after the scope and not in it. Method: the thread cancels itself inside, and passes
// a cancellation point there and another one after it.
BOOST_AUTO_TEST_CASE(a_thread_is_not_cancelled_inside_and_is_after) {
    struct places {
        std::atomic<bool> inside = false;
        std::atomic<bool> after = false;
    } passed;
    pthread_t thread{};
    BOOST_REQUIRE(pthread_create(
                      &thread, nullptr,
                      [](void* argument) -> void* {
                          auto& at = *static_cast<places*>(argument);
                          {
                              const os::no_cancel outer;
                              {
                                  const os::no_cancel inner;
                                  pthread_cancel(pthread_self());
                              }
                              pthread_testcancel();
                              at.inside = true;
                          }
                          pthread_testcancel();
                          at.after = true;
                          return nullptr;
                      },
                      &passed) == 0);
    void* result = nullptr;
    pthread_join(thread, &result);
    BOOST_TEST(passed.inside);
    BOOST_TEST(!passed.after);
    BOOST_TEST((result == PTHREAD_CANCELED));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
