// workspace.hpp: a directory of a test's own, in memory or on disk, gone when the test is over.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace noria::rig {

class workspace {
public:
    // Below /dev/shm; with another root, there: "/var/tmp" is a disk.
    explicit workspace(const std::filesystem::path& root = "/dev/shm") {
        std::string name = (root / "noria-test-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("rig: no directory below " + root.string());
        path_ = name;
    }
    ~workspace() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    workspace(const workspace&) = delete;
    workspace& operator=(const workspace&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

    // How many files stand in it: a queue leaves one, and nothing else ever.
    [[nodiscard]] std::size_t files() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(path_)) ++count;
        return count;
    }

private:
    std::filesystem::path path_;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
