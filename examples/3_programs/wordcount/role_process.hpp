// role_process.hpp: one role, as a child process that may be started again and never outlives this object.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace wordcount {

class role_process {
public:
    // wordcount_<name>, from the directory of this program. `input`: its standard input; -1: nothing to read.
    role_process(std::string name, std::vector<std::string> arguments, int input = -1)
        : name_(std::move(name)), arguments_(std::move(arguments)), input_(input) {
        arguments_.insert(arguments_.begin(), home() / ("wordcount_" + name_));
        arguments_.push_back("--parent=" + std::to_string(getpid()));
    }
    ~role_process() {
        if (!running()) return;
        kill();
        (void)waitpid(pid_, &status_, 0);
    }
    role_process(const role_process&) = delete;
    role_process& operator=(const role_process&) = delete;

    // In a process group of its own: Ctrl-C and a closed terminal are for us alone. Throws std::system_error.
    void start() {
        std::vector<char*> argv;
        for (auto& each : arguments_) argv.push_back(each.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        if (input_ >= 0)
            posix_spawn_file_actions_adddup2(&actions, input_, STDIN_FILENO);
        else
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        if (input_ >= 0) lseek(input_, 0, SEEK_SET);  // an earlier one has read
        const int error = posix_spawn(&pid_, argv.front(), &actions, &attributes, argv.data(), environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0) {
            pid_ = 0;
            throw std::system_error(error, std::generic_category(), argv.front());
        }
    }

    // True: it has ended since the last look. Never waits.
    [[nodiscard]] bool ended() {
        if (!running() || waitpid(pid_, &status_, WNOHANG) != pid_) return false;
        pid_ = 0;
        return true;
    }

    void kill() const { ::kill(pid_, SIGKILL); }

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool running() const { return pid_ != 0; }
    // How it ended, the last time: the signal that killed it, or 0; and its exit status.
    [[nodiscard]] int killed_by() const { return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0; }
    [[nodiscard]] int exit_status() const { return WEXITSTATUS(status_); }

private:
    // From the kernel, and not from /proc, which may not be mounted.
    static std::filesystem::path home() {
        const auto* const program = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
        return std::filesystem::canonical(program).parent_path();
    }

    const std::string name_;
    std::vector<std::string> arguments_;
    const int input_;
    pid_t pid_ = 0;  // 0: not running
    int status_ = 0;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
