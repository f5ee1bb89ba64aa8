// worlds.hpp: how a test makes the world refuse: limits, another user, small and read-only file systems; children only.
//
// None of this can be taken back, so each is for a child: see in_child. What cannot be had here answers "skip: ...".
#pragma once

#include "noria/layout/geometry.hpp"
#include "rig/container.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <malloc.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace noria::errors {

inline void limit(__rlimit_resource_t which, std::uint64_t most) {
    rlimit both{};
    getrlimit(which, &both);
    both.rlim_cur = most;
    if (setrlimit(which, &both) != 0) throw std::runtime_error("the kernel refuses a limit");
}

// How many descriptors this process may still open.
class descriptors {
public:
    // Fills every gap among the numbers, so that a limit on the numbers is a limit on how many.
    descriptors() {
        int highest = 0;
        for (int number = 0; number < 1024; ++number) highest = fcntl(number, F_GETFD) >= 0 ? number : highest;
        while (first_free_ <= highest) first_free_ = open("/dev/null", O_RDONLY | O_CLOEXEC) + 1;
    }
    void leave(int how_many) const { limit(RLIMIT_NOFILE, static_cast<std::uint64_t>(first_free_ + how_many)); }
    void leave_enough() const { leave(100); }

    // Whether so many can be opened, and not one more.
    [[nodiscard]] bool left(int how_many) const {
        std::vector<int> opened;
        for (int number = 0; number >= 0;) {
            number = open("/dev/null", O_RDONLY | O_CLOEXEC);
            if (number >= 0) opened.push_back(number);
        }
        for (const int each : opened) close(each);
        return opened.size() == static_cast<std::size_t>(how_many);
    }

private:
    int first_free_ = 0;
};

// Of address space, as this process uses it now: what RLIMIT_AS counts. What the allocator could give back, which would make
// room under the limit at any time, it has given back.
inline std::uint64_t address_space() {
    malloc_trim(0);
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * layout::page_bytes;
}

// Root becomes nobody; everybody else has no rights beyond his own already.
inline std::string give_up_rights() {
    constexpr uid_t nobody = 65534;
    if (geteuid() != 0) return {};
    if (setgroups(0, nullptr) != 0 || setresgid(nobody, nobody, nobody) != 0 || setresuid(nobody, nobody, nobody) != 0)
        return "skip: root may not become another user here";
    return {};
}
inline std::string become_another_user() {
    return geteuid() == 0 ? give_up_rights() : std::string("skip: needs root, to become another user");
}

// A tmpfs of so many bytes over that directory, for this process alone.
inline std::string mount_small(const std::filesystem::path& where, std::uint64_t bytes, std::uint64_t files = 1000) {
    if (auto objection = rig::enter_namespaces(CLONE_NEWNS); !objection.empty()) return "skip: " + objection;
    const auto size = fmt::format("size={},nr_inodes={}", bytes, files);
    if (mount("none", where.c_str(), "tmpfs", 0, size.c_str()) != 0) return "skip: the kernel refuses a tmpfs";
    return {};
}

// The directory becomes read-only, for this process alone.
inline std::string make_read_only(const std::filesystem::path& where) {
    if (auto objection = rig::enter_namespaces(CLONE_NEWNS); !objection.empty()) return "skip: " + objection;
    if (mount(where.c_str(), where.c_str(), nullptr, MS_BIND, nullptr) != 0) return "skip: the kernel refuses a bind";
    // What the mount already forbids has to stay forbidden in a user namespace.
    for (const unsigned long kept : {0UL, static_cast<unsigned long>(MS_NOSUID | MS_NODEV)}) {
        if (mount(nullptr, where.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | kept, nullptr) == 0) return {};
    }
    return "skip: the kernel refuses to remount read-only";
}

// How much is free there: pages and files.
struct room {
    std::uint64_t pages = 0;
    std::uint64_t files = 0;
    friend bool operator==(const room&, const room&) = default;
};
inline room room_in(const std::filesystem::path& directory) {
    struct statfs status {};
    if (statfs(directory.c_str(), &status) != 0) throw std::runtime_error("statfs failed");
    return {static_cast<std::uint64_t>(status.f_bfree), static_cast<std::uint64_t>(status.f_ffree)};
}
// The complaint about a directory that has not been left as it was found: empty, and with as much room.
inline std::string complaint_of_litter(const std::filesystem::path& directory, const room& before) {
    std::string left;
    for (const auto& each : std::filesystem::directory_iterator(directory)) left += " " + each.path().string();
    if (!left.empty()) return fmt::format("left behind:{}\n", left);
    const room after = room_in(directory);
    if (after == before) return {};
    return fmt::format("{} pages and {} files were free, then {} and {}\n", before.pages, before.files, after.pages,
                       after.files);
}

}  // namespace noria::errors

// SPDX-License-Identifier: BSL-1.0
