// compare.cpp: two runs of the benchmark side by side: what has become slower, what faster.
//
// Runs are of different hours, so each figure is compared as a ratio to the floor of its own rounds, where it has one.
#include "bench/driver/results.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <stdexcept>

namespace {

using namespace bench;

constexpr double noteworthy = 1.1;
constexpr std::size_t rounds_at_least = 2;  // of a placement, in either run: one says nothing of its spread

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

struct change {
    std::array<std::string, 3> of;  // case, queue, processors
    figure before;
    figure after;
    double ratio = 1;

    // Each median is beyond all of the other's rounds: that of a few noisy ones may be anywhere among them.
    [[nodiscard]] bool is_worse() const {
        return ratio > noteworthy && after.median > before.most && before.median < after.least;
    }
    [[nodiscard]] bool is_better() const {
        return ratio < 1 / noteworthy && after.median < before.least && before.median > after.most;
    }
};

void print_head(const char* which, const results& all) {
    fmt::print("{}: {}, {}, {} rounds: {}\n", which, all.head.value("processor", "?"), all.head.value("begun", "?"),
               all.head.value("rounds", 0), all.head.value("command", "?"));
}

// What all of them did together: where the peers moved as Noria did, it was the machine.
void print_drift(const std::vector<change>& all, bool ours) {
    double sum = 0;
    int count = 0;
    for (const auto& each : all) {
        if (is_ours(each.of[1]) != ours || is_limit(each.of[1]) || each.of[2] == life_group) continue;
        sum += std::log(each.ratio);
        ++count;
    }
    if (count != 0)
        fmt::print("{} in {} figures of traffic: {:.3f} of before, in the geometric mean\n",
                   ours ? "Noria" : "its peers", count, std::exp(sum / count));
}

int compare(const results& before, const results& after) {
    print_head("old", before);
    print_head("new", after);
    std::set<std::array<std::string, 3>> seen;
    for (const auto& each : before.rounds) seen.insert({each.case_name, each.contender, each.group});
    std::vector<change> all;
    std::size_t gone = 0;
    for (const auto& of : seen) {
        const auto old_value = value(before, of[0], of[1], of[2]);
        const auto new_value = value(after, of[0], of[1], of[2]);
        if (old_value && !new_value) ++gone;
        if (!old_value || !new_value || old_value->median <= 0 || new_value->median <= 0) continue;
        if (std::min(old_value->rounds, new_value->rounds) < rounds_at_least) continue;
        all.push_back({of, *old_value, *new_value, new_value->median / old_value->median});
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& one, const auto& two) { return one.ratio > two.ratio; });
    fmt::print(
        "\nWhat has changed by more than {:.0f} % and beyond all rounds of the other run, the slowest first; in times "
        "of the "
        "floor, or in ns\n{:<67} {:<34} {:<20} {:>12} {:>12} {:>7}\n",
        (noteworthy - 1) * 100, "case", "queue", "processors", "old", "new", "ratio");
    int slower = 0;
    for (const auto& each : all) {
        if (!each.is_worse() && !each.is_better()) continue;
        slower += each.is_worse() && is_ours(each.of[1]) ? 1 : 0;
        fmt::print("{:<67} {:<34} {:<20} {:>12.3f} {:>12.3f} {:>7.2f} {}\n", each.of[0], each.of[1], each.of[2],
                   each.before.median, each.after.median, each.ratio, each.is_worse() ? "slower" : "faster");
    }
    fmt::print("\n");
    print_drift(all, true);
    print_drift(all, false);
    fmt::print("compared: {}, of Noria slower: {}, measured in the old run only: {}\n", all.size(), slower, gone);
    return slower == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: compare OLD.json NEW.json\n");
        return 2;
    }
    try {
        return compare(read(argv[1]), read(argv[2]));
    } catch (const std::exception& thrown) {
        fmt::print(stderr, "{}\n", thrown.what());
        return 2;
    }
}

// SPDX-License-Identifier: BSL-1.0
