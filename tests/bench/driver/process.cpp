// process.cpp: fork, exec, a pipe, and a deadline.
#include "bench/driver/process.hpp"

#include "bench/worker/control.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;

std::string how_it_went(int status) {
    if (WIFSIGNALED(status)) return fmt::format("it died of signal {}", WTERMSIG(status));
    if (WEXITSTATUS(status) == 127) return "it could not be started";
    return WEXITSTATUS(status) == 0 ? "" : fmt::format("it exited with {}", WEXITSTATUS(status));
}

// `seconds` is what is said of one that hangs.
std::string await_until(std::vector<pid_t> children, std::int64_t until, int seconds) {
    std::string failure;
    for (const pid_t each : children) {
        if (each < 0) failure = "no process could be made for it";
    }
    std::erase(children, -1);
    while (!children.empty() && failure.empty()) {
        std::erase_if(children, [&](pid_t each) {
            int status = 0;
            if (waitpid(each, &status, WNOHANG) != each) return false;
            if (failure.empty()) failure = how_it_went(status);
            return true;
        });
        if (children.empty() || !failure.empty()) break;
        if (now_ns() > until) failure = fmt::format("{}: not done after {} s", hangs, seconds);
        (void)poll(nullptr, 0, 1);
    }
    for (const pid_t each : children) kill(each, SIGKILL);
    for (const pid_t each : children) waitpid(each, nullptr, 0);
    return failure;
}

}  // namespace

pid_t start(const std::vector<std::string>& words, int output) {
    std::vector<std::string> own = words;
    std::vector<char*> arguments;
    for (auto& each : own) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child != 0) return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    if (output >= 0) (void)dup2(output, STDOUT_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
}

std::string await(const std::vector<pid_t>& children, int seconds) {
    return await_until(children, now_ns() + seconds * ns_per_s, seconds);
}

finished run(const std::vector<std::string>& words, int seconds) {
    finished found;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {.output = {}, .failure = std::strerror(errno)};
    const pid_t child = start(words, ends[1]);
    close(ends[1]);
    const std::int64_t until = now_ns() + seconds * ns_per_s;
    // To the end of its output; children of its own may hold that open longer than it lives, but not beyond the deadline.
    for (char some[4096];;) {
        const std::int64_t left_ms = (until - now_ns()) / 1'000'000;
        pollfd readable{.fd = ends[0], .events = POLLIN, .revents = 0};
        if (left_ms <= 0 || (poll(&readable, 1, static_cast<int>(left_ms)) < 0 && errno != EINTR)) break;
        if (readable.revents == 0) continue;
        const ssize_t n = read(ends[0], some, sizeof some);
        if (n <= 0) break;
        found.output.append(some, static_cast<std::size_t>(n));
    }
    close(ends[0]);
    found.failure = await_until({child}, until, seconds);
    return found;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
