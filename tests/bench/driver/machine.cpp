// machine.cpp: reads /proc and /sys.
#include "bench/driver/machine.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <sys/utsname.h>
#include <thread>

namespace bench {

namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string of_processor(int processor, const std::string& what) {
    return first_line(fmt::format("/sys/devices/system/cpu/cpu{}/{}", processor, what));
}

// As /sys says it, "36608K"; 0: it does not.
std::uint64_t last_level_cache_bytes(int processor) {
    const std::string size = of_processor(processor, "cache/index3/size");
    return size.ends_with('K') ? std::stoull(size) << 10 : 0;
}

std::string kind_of(int one, int other) {
    const auto same = [&](const std::string& what) {
        const std::string ours = of_processor(one, what);
        return !ours.empty() && ours == of_processor(other, what);
    };
    if (same("topology/thread_siblings_list")) return "one core";
    if (same("cache/index3/shared_cpu_list")) return "one cache";
    if (same("topology/package_cpus_list")) return "one package";
    return "two packages";
}

}  // namespace

std::vector<int> usable_processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    (void)sched_getaffinity(0, sizeof set, &set);
    std::vector<int> all;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(static_cast<std::size_t>(i), &set)) all.push_back(i);
    }
    return all;
}

std::vector<pair> pairs_of_processors() {
    const std::vector<int> all = usable_processors();
    if (all.size() == 1) return {{all[0], all[0], "one processor"}};
    std::vector<pair> found;
    for (const std::string kind : {"one core", "one cache", "one package", "two packages"}) {
        // From the second processor on: the first takes most interrupts.
        for (std::size_t i = 1; i < all.size() && (found.empty() || found.back().kind != kind); ++i) {
            if (kind_of(all[0], all[i]) == kind) found.push_back({all[0], all[i], kind});
        }
    }
    return found;
}

nlohmann::json describe_machine() {
    std::string model = "unknown";
    std::ifstream cpuinfo("/proc/cpuinfo");
    for (std::string line; std::getline(cpuinfo, line);) {
        if (!line.starts_with("model name")) continue;
        model = line.substr(line.find(':') + 2);
        break;
    }
    utsname system{};
    (void)uname(&system);
    nlohmann::json pairs = nlohmann::json::array();
    for (const auto& each : pairs_of_processors())
        pairs.push_back(fmt::format("{} and {}: {}", each.first, each.second, each.kind));
    return {{"processor", model},
            {"processors", usable_processors().size()},
            {"kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
            {"pairs", pairs},
            {"last_level_cache_bytes", last_level_cache_bytes(usable_processors().front())},
            {"load_at_start", first_line("/proc/loadavg")}};
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
