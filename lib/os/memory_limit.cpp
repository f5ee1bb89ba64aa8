// memory_limit.cpp: from /proc/self/cgroup and /proc/self/mountinfo to the files of each group, upwards.
#include "noria/os/memory_limit.hpp"

#include "noria/os/file.hpp"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

namespace noria::inline v1::os {

namespace {

enum class version { first, second };

// All that a small file of the kernel says; empty: nothing.
std::string text_of(const std::string& path) {
    const descriptor file = open_at(AT_FDCWD, path.c_str(), O_RDONLY);
    std::string text;
    if (!file.is_open()) return text;
    std::array<char, 4096> part;
    for (;;) {
        const ssize_t got = read(file.get(), part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
}

// Cuts off and returns what stands before the separator; all, if there is none.
std::string_view next(std::string_view& rest, char separator) {
    const auto end = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

bool lists(std::string_view words, std::string_view wanted) {
    while (!words.empty()) {
        if (next(words, ',') == wanted) return true;
    }
    return false;
}

// A field of mountinfo, in which a space and its like stand as octal numbers.
std::string unescaped(std::string_view field) {
    std::string text;
    for (std::size_t at = 0; at < field.size(); ++at) {
        unsigned code = 0;
        const char* const digits = field.data() + at + 1;
        if (field[at] == '\\' && field.size() - at > 3 &&
            std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3) {
            text += static_cast<char>(code);
            at += 3;
        } else {
            text += field[at];
        }
    }
    return text;
}

// The path of this process's group, as /proc/self/cgroup has it: lines of number:controllers:path.
std::optional<std::string_view> group_of(std::string_view groups, version which) {
    while (!groups.empty()) {
        std::string_view line = next(groups, '\n');
        const std::string_view number = next(line, ':');
        const std::string_view controllers = next(line, ':');
        if (which == version::second ? number == "0" && controllers.empty() : lists(controllers, "memory")) return line;
    }
    return std::nullopt;
}

std::uint64_t sum(std::uint64_t one, std::uint64_t other) {
    return one > no_memory_limit - other ? no_memory_limit : one + other;
}

// What a file of a group says; no_memory_limit: "max", or nothing.
std::uint64_t figure(const std::string& path) {
    const std::string text = text_of(path);
    std::uint64_t bytes = no_memory_limit;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    return error == std::errc() && end != text.data() ? bytes : no_memory_limit;
}

std::uint64_t limit_of(const std::string& group, version which, std::uint64_t swap_bytes) {
    if (which == version::second)
        return sum(figure(group + "/memory.max"), std::min(figure(group + "/memory.swap.max"), swap_bytes));
    return std::min(sum(figure(group + "/memory.limit_in_bytes"), swap_bytes),
                    figure(group + "/memory.memsw.limit_in_bytes"));
}

// Of a group and all above it. The mount may show a part of the tree only: what lies below `root`.
std::uint64_t least_limit(const std::string& mount, std::string_view root, std::string_view group, version which,
                          std::uint64_t swap_bytes) {
    if (root != "/") {
        const bool below = group.starts_with(root) && (group.size() == root.size() || group[root.size()] == '/');
        group = below ? group.substr(root.size()) : std::string_view();  // else: what it shows is all that we can see
    }
    if (group.starts_with("/..")) group = {};  // outside of what this process's namespace shows
    std::uint64_t least = no_memory_limit;
    for (;;) {
        least = std::min(least, limit_of(mount + std::string(group), which, swap_bytes));
        const auto last = group.rfind('/');
        if (last == std::string_view::npos) return least;
        group = group.substr(0, last);
    }
}

}  // namespace

std::uint64_t memory_limit(std::string_view groups, std::string_view mounts, std::uint64_t swap_bytes) {
    std::uint64_t least = no_memory_limit;
    while (!mounts.empty()) {
        // number parent device root mount-point options [optional...] - type source options
        std::string_view line = next(mounts, '\n');
        for (int passed = 0; passed < 3; ++passed) (void)next(line, ' ');
        const std::string_view root = next(line, ' ');
        const std::string_view where = next(line, ' ');
        while (!line.empty() && next(line, ' ') != "-") {
        }
        const std::string_view type = next(line, ' ');
        (void)next(line, ' ');
        const bool second = type == "cgroup2";
        if (!second && (type != "cgroup" || !lists(line, "memory"))) continue;
        const version which = second ? version::second : version::first;
        if (const auto group = group_of(groups, which))
            least = std::min(least, least_limit(unescaped(where), unescaped(root), *group, which, swap_bytes));
    }
    return least;
}

std::uint64_t memory_limit() {
    struct sysinfo machine {};
    const bool known = sysinfo(&machine) == 0;
    return memory_limit(text_of("/proc/self/cgroup"), text_of("/proc/self/mountinfo"),
                        known ? std::uint64_t{machine.totalswap} * machine.mem_unit : no_memory_limit);
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
