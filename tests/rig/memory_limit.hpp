// memory_limit.hpp: a control group whose processes may use so much memory and no more, of either version of the interface.
#pragma once

#include "rig/child.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace noria::rig {

// One group of its own below the root group, removed when the object goes. Swap is forbidden where that is counted.
class memory_limit {
public:
    explicit memory_limit(std::uint64_t bytes) {
        namespace fs = std::filesystem;
        const std::string name = "noria-test-memory-" + std::to_string(getpid());
        for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory"}) {
            std::error_code failed;
            const fs::path group = fs::path(root) / name;
            if (!fs::create_directory(group, failed) || failed) continue;
            directory_ = group;
            const bool second_version = fs::exists(group / "memory.max");
            if (second_version || fs::exists(group / "memory.limit_in_bytes")) {
                write(second_version ? "memory.max" : "memory.limit_in_bytes", std::to_string(bytes));
                write(second_version ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                      second_version ? "0" : std::to_string(bytes));
                return;
            }
            fs::remove(group, failed);
            directory_.clear();
        }
        objection_ = "no control group with a limit of memory can be made here (not root, or no such controller)";
    }
    ~memory_limit() {
        if (directory_.empty()) return;
        (void)eventually([&] { return rmdir(directory_.c_str()) == 0 || errno != EBUSY; });
    }
    memory_limit(const memory_limit&) = delete;
    memory_limit& operator=(const memory_limit&) = delete;

    // Why there is none; empty: there is one.
    [[nodiscard]] const std::string& objection() const noexcept { return objection_; }

    void enter(pid_t process) const { write("cgroup.procs", std::to_string(process)); }

private:
    void write(const char* file, const std::string& text) const { std::ofstream(directory_ / file) << text; }

    std::filesystem::path directory_;
    std::string objection_;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
