// syscall_stepper.hpp: a child that stops at every entry to and exit from the kernel, to be killed or looked at there.
#pragma once

#include "rig/child.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>

namespace noria::rig {

// Runs a function in a forked process under ptrace. It stands before the function's first instruction until step() lets
// it run to the next stop; wherever it stands, kill() ends it there. It never outlives this object or this process.
class stepped_child {
public:
    explicit stepped_child(const std::function<int()>& body) {
        pid_ = fork();
        if (pid_ < 0) throw std::runtime_error("rig: fork failed");
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(97);
            ::raise(SIGSTOP);
            int status = 99;
            try {
                status = body();
            } catch (...) {
                status = 99;
            }
            _exit(status);
        }
        (void)wait_for_stop();
        if (!gone_) {
            ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
            (void)step();  // out of the raise() that began it
        }
        stops_ = 0;
    }
    ~stepped_child() { kill(); }
    stepped_child(const stepped_child&) = delete;
    stepped_child& operator=(const stepped_child&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] int stops() const noexcept { return stops_; }

    // To the next entry to or exit from a system call. False: it has left by itself; how() says how.
    bool step() {
        if (gone_) return false;
        if (::ptrace(PTRACE_SYSCALL, pid_, nullptr, signal_to_deliver_) != 0)
            throw std::runtime_error("rig: ptrace failed");
        ++stops_;
        return wait_for_stop();
    }

    // To the stop of that number, counted from 1. False: it left before.
    bool run_to(int stop) {
        while (stops_ < stop) {
            if (!step()) return false;
        }
        return true;
    }

    // The system call that it stands at the entry of; nothing at an exit, or where the kernel cannot say.
    [[nodiscard]] std::optional<std::uint64_t> entering() const {
        struct __ptrace_syscall_info info {};
        if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info) <= 0) return {};
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return {};
        return info.entry.nr;
    }
    // An argument of that call, counted from 0.
    [[nodiscard]] std::uint64_t argument(int index) const {
        struct __ptrace_syscall_info info {};
        if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info) <= 0) return 0;
        return info.op == PTRACE_SYSCALL_INFO_ENTRY ? info.entry.args[index] : 0;
    }

    // Ends it where it stands, and back when the kernel has buried it.
    void kill() {
        if (gone_) return;
        ::kill(pid_, SIGKILL);
        int status = 0;
        do {
            while (waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
            }
        } while (WIFSTOPPED(status));
        record(status);
    }

    // Lets it run on, unwatched, to its end.
    fate finish() {
        if (!gone_) {
            ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
            int status = 0;
            while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
            }
            record(status);
        }
        return how_;
    }
    [[nodiscard]] fate how() const noexcept { return how_; }

private:
    bool wait_for_stop() {
        int status = 0;
        while (waitpid(pid_, &status, __WALL) < 0) {
            if (errno != EINTR) throw std::runtime_error("rig: waitpid failed");
        }
        if (!WIFSTOPPED(status)) {
            record(status);
            return false;
        }
        // Bit 7 marks a stop at a system call; anything else is a signal of the child's own, handed on at the next
        // step.
        const int signal = WSTOPSIG(status);
        signal_to_deliver_ = (signal & 0x80) != 0 || signal == SIGSTOP ? 0 : signal;
        return true;
    }
    void record(int status) noexcept {
        gone_ = true;
        if (WIFSIGNALED(status))
            how_ = {.exit_status = -1, .signal = WTERMSIG(status)};
        else
            how_ = {.exit_status = WEXITSTATUS(status), .signal = 0};
    }

    pid_t pid_ = 0;
    int stops_ = 0;
    long signal_to_deliver_ = 0;
    bool gone_ = false;
    fate how_;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
