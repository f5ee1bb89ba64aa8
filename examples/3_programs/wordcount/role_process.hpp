// role_process.hpp: one role, as a child process that never outlives this object.
#pragma once

#include "arguments.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace wordcount {

class role_process {
public:
    struct plumbing {
        int input;         // its standard input; -1: nothing to read
        int output;        // its standard output; -1: ours
        sigset_t blocked;  // its signal mask
    };

    // Starts wordcount_<name> from the directory of this program. Throws std::system_error.
    role_process(std::string name, std::vector<std::string> arguments, const plumbing& pipes) : name_(std::move(name)) {
        const std::string program = home() / ("wordcount_" + name_);
        arguments.insert(arguments.begin(), program);
        std::vector<char*> argv;
        for (auto& each : arguments) argv.push_back(each.data());
        argv.push_back(nullptr);

        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        if (pipes.input >= 0)
            posix_spawn_file_actions_adddup2(&actions, pipes.input, STDIN_FILENO);
        else
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (pipes.output >= 0) posix_spawn_file_actions_adddup2(&actions, pipes.output, STDOUT_FILENO);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        posix_spawnattr_setsigmask(&attributes, &pipes.blocked);
        const int error = posix_spawn(&pid_, program.c_str(), &actions, &attributes, argv.data(), environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0) throw std::system_error(error, std::generic_category(), program);
        running_ = true;
    }
    ~role_process() {
        if (!running_) return;
        kill(pid_, SIGKILL);
        (void)waitpid(pid_, &status_, 0);
    }
    role_process(const role_process&) = delete;
    role_process& operator=(const role_process&) = delete;

    // Notes its end, if it has come. Never waits.
    void look() {
        if (running_ && waitpid(pid_, &status_, WNOHANG) == pid_) running_ = false;
    }

    void send(int signal) {
        if (!running_) return;
        asked_to_end_ = true;
        kill(pid_, signal);
    }

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool running() const { return running_; }
    [[nodiscard]] bool succeeded() const { return !running_ && status_ == 0; }
    // It refused its arguments, or a file.
    [[nodiscard]] bool refused() const { return !running_ && WIFEXITED(status_) && WEXITSTATUS(status_) == misused; }
    // The signal that killed it, unless it was one of ours; 0: none.
    [[nodiscard]] int killed_by() const {
        return !running_ && !asked_to_end_ && WIFSIGNALED(status_) ? WTERMSIG(status_) : 0;
    }

private:
    // From the kernel, and not from /proc, which may not be mounted.
    static std::filesystem::path home() {
        const auto* const program = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
        return std::filesystem::canonical(program).parent_path();
    }

    std::string name_;
    pid_t pid_ = 0;
    int status_ = 0;
    bool running_ = false;
    bool asked_to_end_ = false;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
