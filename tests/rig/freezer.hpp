// freezer.hpp: a control group that freezes processes, of either version of the kernel's interface.
#pragma once

#include "rig/child.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace noria::rig {

// One group of its own below the root group, thawed and removed when the object goes.
class freezer {
public:
    freezer() {
        namespace fs = std::filesystem;
        const std::string name = "noria-test-" + std::to_string(getpid());
        for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/freezer"}) {
            std::error_code failed;
            const fs::path group = fs::path(root) / name;
            if (!fs::create_directory(group, failed) || failed) continue;
            directory_ = group;
            second_version_ = fs::exists(group / "cgroup.freeze");
            if (second_version_ || fs::exists(group / "freezer.state")) return;
            fs::remove(group, failed);
            directory_.clear();
        }
        objection_ = "no control group can be made here (not root, or no cgroup file system)";
    }
    ~freezer() {
        if (directory_.empty()) return;
        thaw();
        (void)eventually([&] { return rmdir(directory_.c_str()) == 0 || errno != EBUSY; });
    }
    freezer(const freezer&) = delete;
    freezer& operator=(const freezer&) = delete;

    // Why there is none; empty: there is one.
    [[nodiscard]] const std::string& objection() const noexcept { return objection_; }

    // Back when the process stands.
    void freeze(pid_t process) const {
        write("cgroup.procs", std::to_string(process));
        if (second_version_)
            write("cgroup.freeze", "1");
        else
            write("freezer.state", "FROZEN");
        if (!eventually([&] { return frozen(); })) throw std::runtime_error("rig: the group does not freeze");
    }
    void thaw() const {
        if (second_version_)
            write("cgroup.freeze", "0");
        else
            write("freezer.state", "THAWED");
    }

private:
    void write(const char* file, const std::string& text) const { std::ofstream(directory_ / file) << text; }
    [[nodiscard]] bool frozen() const {
        std::ifstream state(directory_ / (second_version_ ? "cgroup.events" : "freezer.state"));
        const std::string text((std::istreambuf_iterator<char>(state)), std::istreambuf_iterator<char>());
        return text.find(second_version_ ? "frozen 1" : "FROZEN") != std::string::npos;
    }

    std::filesystem::path directory_;
    bool second_version_ = false;
    std::string objection_;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
