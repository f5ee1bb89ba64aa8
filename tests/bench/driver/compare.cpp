// compare.cpp: two runs of the benchmark side by side: what has become slower, what faster.
//
// Runs are of different hours, so each figure is compared as a ratio to the floor of its own rounds, where it has one.
#include "bench/driver/results.hpp"

#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <set>

namespace {

using namespace bench;

constexpr double noteworthy = 1.1;

results read(const char* path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(std::string(path) + ": cannot be read; expected the JSON of a run");
    return from_json(nlohmann::json::parse(file));
}

std::optional<figure> value(const results& all, const std::string& name, const std::string& who,
                            const std::string& group) {
    const auto by_floor = all.to_floor(name, who, group, false);
    return by_floor ? by_floor : all.ask(name, who, group);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: compare OLD.json NEW.json\n");
        return 2;
    }
    try {
        const results before = read(argv[1]);
        const results after = read(argv[2]);
        fmt::print("old: {}, {}\nnew: {}, {}\n", before.head.value("processor", "?"), before.head.value("begun", "?"),
                   after.head.value("processor", "?"), after.head.value("begun", "?"));
        std::set<std::array<std::string, 3>> seen;
        for (const auto& each : before.rounds) seen.insert({each.case_name, each.contender, each.group});
        int slower = 0;
        int compared = 0;
        fmt::print("{:<34} {:<34} {:<24} {:>9} {:>9} {:>7}\n", "case", "queue", "processors", "old", "new", "ratio");
        for (const auto& [name, who, group] : seen) {
            const auto old_value = value(before, name, who, group);
            const auto new_value = value(after, name, who, group);
            if (!old_value || !new_value) continue;
            ++compared;
            const double ratio = new_value->median / old_value->median;
            // Beyond all of the other's rounds, too: a median of noisy rounds may be anywhere among them.
            const bool worse = ratio > noteworthy && new_value->median > old_value->most;
            const bool better = ratio < 1 / noteworthy && new_value->median < old_value->least;
            slower += worse && is_ours(who) ? 1 : 0;
            if (worse || better)
                fmt::print("{:<34} {:<34} {:<24} {:>9.3f} {:>9.3f} {:>7.2f} {}\n", name, who, group, old_value->median,
                           new_value->median, ratio, worse ? "slower" : "faster");
        }
        fmt::print("compared: {}, of Noria slower: {}\n", compared, slower);
        return slower == 0 ? 0 : 1;
    } catch (const std::exception& thrown) {
        fmt::print(stderr, "{}\n", thrown.what());
        return 2;
    }
}

// SPDX-License-Identifier: BSL-1.0
