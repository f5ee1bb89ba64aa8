// child.hpp: real processes for tests: forked, watched, killed, stopped, and always reaped.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace noria::rig {

// How a child went: its exit status, or the signal that ended it.
struct fate {
    int exit_status = -1;
    int signal = 0;
    friend bool operator==(const fate&, const fate&) = default;
};

// A forked process that runs one function and leaves by _exit with what it returns (99: it threw, and has said what).
// It dies with its parent, and is killed and reaped when the object goes.
class child {
public:
    child() = default;
    explicit child(const std::function<int()>& body) {
        const pid_t parent = getpid();
        pid_ = fork();
        if (pid_ < 0) throw std::runtime_error("rig: fork failed");
        if (pid_ != 0) return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(98);
        int status = 99;
        try {
            status = body();
        } catch (const std::exception& error) {
            (void)std::fprintf(stderr, "rig: a child of %d threw: %s\n", parent, error.what());
        } catch (...) {
            status = 99;
        }
        _exit(status);
    }
    child(child&& from) noexcept : pid_(std::exchange(from.pid_, 0)) {}
    child& operator=(child&& from) noexcept {
        std::swap(pid_, from.pid_);
        return *this;
    }
    ~child() {
        if (pid_ <= 0) return;
        send(SIGKILL);
        send(SIGCONT);
        (void)wait();
    }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void send(int signal) const noexcept {
        if (pid_ > 0) ::kill(pid_, signal);
    }
    // SIGKILL, and back when the kernel has buried it: its locks are free.
    void kill() {
        send(SIGKILL);
        (void)wait();
    }
    // Stops it, and back when it has stopped.
    void stop() const {
        send(SIGSTOP);
        int status = 0;
        while (waitpid(pid_, &status, WUNTRACED) < 0 && errno == EINTR) {
        }
    }
    void go_on() const noexcept { send(SIGCONT); }

    fate wait() {
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0) {
            if (errno != EINTR) throw std::runtime_error("rig: waitpid failed");
        }
        pid_ = 0;
        if (WIFSIGNALED(status)) return {.exit_status = -1, .signal = WTERMSIG(status)};
        return {.exit_status = WEXITSTATUS(status), .signal = 0};
    }

private:
    pid_t pid_ = 0;
};

// A pipe by which processes tell each other that they have come so far: what tests use instead of sleeping. Make it
// before the fork; then any side may tell, and any side may hear.
class milestone {
public:
    milestone() {
        if (pipe(ends_) != 0) throw std::runtime_error("rig: pipe failed");
    }
    ~milestone() {
        close(ends_[0]);
        close(ends_[1]);
    }
    milestone(const milestone&) = delete;
    milestone& operator=(const milestone&) = delete;

    void tell() const {
        const char mark = 1;
        if (write(ends_[1], &mark, 1) != 1) throw std::runtime_error("rig: write failed");
    }
    void hear() const {
        char mark = 0;
        ssize_t got = 0;
        do {
            got = read(ends_[0], &mark, 1);
        } while (got < 0 && errno == EINTR);
        if (got != 1) throw std::runtime_error("rig: read failed");
    }

private:
    int ends_[2] = {-1, -1};
};

// Polls until the condition holds; false: it did not, within a time so long that something must be broken. For what
// cannot announce itself, such as "that process is asleep". No promise is ever proved by how long this takes.
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds at_most = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + at_most;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

// Whether a process sleeps in the kernel's futex wait. Not while it runs, nor when it has just been woken.
inline bool sleeps_in_futex(pid_t process) {
    std::ifstream call("/proc/" + std::to_string(process) + "/syscall");
    long which = -1;
    return call >> which && which == SYS_futex;
}
// The same, without a deadline: unless somebody wakes it, for good.
inline bool sleeps_in_futex_for_good(pid_t process) {
    std::ifstream call("/proc/" + std::to_string(process) + "/syscall");
    long which = -1;
    std::string word, operation, value, deadline;
    return call >> which >> word >> operation >> value >> deadline && which == SYS_futex && deadline == "0x0";
}

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
