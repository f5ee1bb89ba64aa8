// include_rules.cpp: who may include whom.
#include "rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

namespace noria::tidy {

namespace {

using names = std::set<std::string>;

// What a folder may include besides itself. "faces" are include/noria/*.hpp and lib/*.cpp.
const std::map<std::string, names> layers{
    {"core", {}},
    {"layout", {"core"}},
    {"os", {"core"}},
    {"ring", {"core", "layout"}},
    {"sync", {"core", "layout", "os"}},
    {"queue", {"core", "layout", "os", "ring", "sync"}},
    {"faces", {"core", "layout", "os", "ring", "sync", "queue"}},
    {"users", {"faces"}},
};

const names shared_faces{"message", "options", "version"};

// These are to run in a heap buffer, a fuzzer, a model checker, on another system.
const names without_kernel{"core", "layout", "ring"};

bool is_kernel_header(const std::string& name) {
    static const names others{"fcntl.h", "poll.h", "pthread.h", "sched.h", "semaphore.h", "signal.h", "unistd.h"};
    return name.starts_with("sys/") || name.starts_with("linux/") || others.contains(name);
}

// The folder whose rules bind this file; nothing, if none do.
std::optional<std::string> layer_of(const std::string& path) {
    const auto parts = words_between(path, "/");
    const auto folder_below = [&](std::size_t depth) { return parts.size() > depth + 1 ? parts[depth] : "faces"; };
    if (path.starts_with("include/noria/")) return folder_below(2);
    if (path.starts_with("lib/tool/")) return "users";
    if (path.starts_with("lib/")) return folder_below(1);
    if (path.starts_with("examples/") || path.starts_with("tests/install/user/")) return "users";
    if (path.starts_with("tests/unit/") && parts.size() > 3) return parts[2];
    return std::nullopt;
}

bool may_include(const std::string& from, const std::string& from_layer, const std::string& target) {
    const auto target_layer = layer_of(target);
    if (!target_layer) return true;
    if (from_layer == "faces" && *target_layer == "faces") {
        return stem(from) == stem(target) || stem(from) == "noria" || shared_faces.contains(stem(target));
    }
    return from_layer == *target_layer || layers.at(from_layer).contains(*target_layer);
}

}  // namespace

violations forbidden_includes(const tree& checkout) {
    violations found;
    for (const auto& file : checkout.files) {
        const auto layer = layer_of(file.path);
        if (!layer || !is_cpp(file.path)) continue;
        if (!layers.contains(*layer)) {
            found.push_back(file.path + ": " + *layer + " is no folder of the house");
            continue;
        }
        for (const auto& [target, ours] : includes_of(file)) {
            if (ours && !may_include(file.path, *layer, target)) {
                found.push_back(file.path + ": " + *layer + " must not include " + target);
            }
            // A unit test may use what it likes to set the stage.
            if (!ours && is_kernel_header(target) && without_kernel.contains(*layer) &&
                !file.path.starts_with("tests/")) {
                found.push_back(file.path + ": " + *layer + " must not call the kernel, and includes <" + target + ">");
            }
        }
    }
    return found;
}

violations circular_includes(const tree& checkout) {
    std::map<std::string, std::vector<std::string>> edges;
    for (const auto& file : checkout.files) {
        if (!is_cpp(file.path)) continue;
        for (const auto& [target, ours] : includes_of(file)) {
            if (ours) edges[file.path].push_back(target);
        }
    }
    violations found;
    std::set<std::string> done;
    std::vector<std::string> path;
    const auto visit = [&](const auto& self, const std::string& file) -> void {
        if (const auto at = std::ranges::find(path, file); at != path.end()) {
            std::string circle;
            for (auto step = at; step != path.end(); ++step) circle += *step + " -> ";
            found.push_back("a circle of includes: " + circle + file);
        }
        if (!done.insert(file).second) return;
        path.push_back(file);
        for (const auto& target : edges[file]) self(self, target);
        path.pop_back();
    };
    for (const auto& file : checkout.files) visit(visit, file.path);
    return found;
}

violations strayed_interprocess(const tree& checkout) {
    violations found;
    for (const auto& file : checkout.files) {
        if (file.path.starts_with("tests/bench/adapters/")) continue;  // there it is measured
        for (const auto& [target, ours] : includes_of(file)) {
            if (target.starts_with("boost/interprocess/") && file.path != "lib/os/mapped_file.cpp") {
                found.push_back(file.path + ": <" + target + "> belongs in lib/os/mapped_file.cpp");
            }
        }
    }
    return found;
}

violations libraries_in_headers(const tree& checkout) {
    violations found;
    for (const auto& file : checkout.files) {
        if (!file.path.starts_with("include/")) continue;
        for (const auto& [target, ours] : includes_of(file)) {
            if (target.starts_with("boost/") || target.starts_with("fmt/")) {
                found.push_back(file.path + ": a public header must not include <" + target + ">");
            }
        }
    }
    return found;
}

}  // namespace noria::tidy
// SPDX-License-Identifier: BSL-1.0
