// launched.hpp: a program under test: started with arguments and an input, its output and its end in our hands.
#pragma once

#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace noria::rig {

inline std::string content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::filesystem::path write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    return path;
}

// Its output goes into files: no pipe fills up, and what was said before a kill is there after it.
class launched {
public:
    explicit launched(
        std::vector<std::string> arguments, const std::string& input = "",
        const std::function<void()>& prepare = [] {}) {
        write(folder_ / "in", input);
        process_ = child([&] {
            redirect("in", O_RDONLY, STDIN_FILENO);
            redirect("out", O_WRONLY | O_CREAT, STDOUT_FILENO);
            redirect("err", O_WRONLY | O_CREAT, STDERR_FILENO);
            prepare();
            std::vector<char*> argv;
            for (auto& each : arguments) argv.push_back(each.data());
            argv.push_back(nullptr);
            execv(argv.front(), argv.data());
            return 97;
        });
    }

    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    void send(int signal) const { process_.send(signal); }
    fate wait() { return process_.wait(); }
    // Waits, and returns what a shell calls the status.
    int status() {
        const fate end = wait();
        return end.signal != 0 ? 128 + end.signal : end.exit_status;
    }

    [[nodiscard]] std::string out() const { return content(folder_ / "out"); }
    [[nodiscard]] std::string err() const { return content(folder_ / "err"); }
    [[nodiscard]] bool says(const std::string& text) const { return err().find(text) != std::string::npos; }
    [[nodiscard]] std::string last_line() const {
        std::string text = out();
        if (text.ends_with('\n')) text.pop_back();
        return text.substr(text.rfind('\n') + 1);
    }

private:
    void redirect(const std::string& name, int flags, int descriptor) const {
        const int file = open((folder_ / name).c_str(), flags | O_CLOEXEC, 0600);
        dup2(file, descriptor);
    }

    workspace folder_;
    child process_;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
