// overlay.hpp: an overlayfs of a test's own, its layers in memory: what a container has as its root.
#pragma once

#include "rig/workspace.hpp"

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace noria::rig {

class overlay {
public:
    overlay() {
        for (const char* each : {"lower", "upper", "work", "merged"}) std::filesystem::create_directory(dir_ / each);
        const std::string layers = "lowerdir=" + (dir_ / "lower").string() + ",upperdir=" + (dir_ / "upper").string() +
                                   ",workdir=" + (dir_ / "work").string();
        if (mount("overlay", path().c_str(), "overlay", 0, layers.c_str()) != 0)
            objection_ = std::string("no overlayfs can be mounted here: ") + std::strerror(errno);
    }
    ~overlay() {
        if (objection_.empty()) umount2(path().c_str(), MNT_DETACH);
    }
    overlay(const overlay&) = delete;
    overlay& operator=(const overlay&) = delete;

    // Why there is none; empty: there is one.
    [[nodiscard]] const std::string& objection() const noexcept { return objection_; }
    [[nodiscard]] std::filesystem::path path() const { return dir_ / "merged"; }
    // The directory below, in which the same files stand.
    [[nodiscard]] std::filesystem::path upper() const { return dir_ / "upper"; }

private:
    workspace dir_;
    std::string objection_;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
