// report.cpp: tables for people.
#include "bench/driver/report.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace bench {

namespace {

std::string with_unit(double ns) {
    if (ns < 100) return fmt::format("{:.2f} ns", ns);
    if (ns < 10'000) return fmt::format("{:.0f} ns", ns);
    if (ns < 10'000'000) return fmt::format("{:.1f} us", ns / 1e3);
    return fmt::format("{:.1f} ms", ns / 1e6);
}

std::string spread(const figure& of) {
    return fmt::format("{} [{} .. {}]", with_unit(of.median), with_unit(of.least), with_unit(of.most));
}

void print_case(const results& all, const bench_case& what, const std::string& group) {
    std::vector<std::string> rows = all.contenders(what.name, group);
    std::stable_sort(rows.begin(), rows.end(), [&](const auto& one, const auto& other) {
        return all.ask(what.name, one, group)->median < all.ask(what.name, other, group)->median;
    });
    const std::string ours = all.fastest(what.name, group, true);
    fmt::print("\n{} ({}; {})\n", what.name, group, what.what == kind::echo ? "a round trip, median" : "a message");
    for (const auto& each : rows) {
        const auto floor = all.to_floor(what.name, each, group, false);
        const auto ratio = ours.empty() ? std::nullopt : all.ratio(what.name, each, what.name, ours, group);
        std::string line = fmt::format("  {:<34} {:<36} n={:<2}", each, spread(*all.ask(what.name, each, group)),
                                       all.ask(what.name, each, group)->rounds);
        if (floor) line += fmt::format("  {:>7.3f} x floor", floor->median);
        line += ratio ? fmt::format("  {:>7.2f} x {}", ratio->median, ours) : "";
        if (what.what == kind::echo) {
            for (const char* const detail : {"p90", "p99", "p99.9", "p99.99"})
                line += fmt::format("  {} {}", detail, with_unit(all.ask(what.name, each, group, detail)->median));
        }
        std::uint64_t disorder = 0;
        for (const auto& one : all.rounds) {
            if (one.case_name == what.name && one.contender == each && one.group == group) disorder += one.disorder;
        }
        if (disorder != 0) line += fmt::format("  {} messages out of their producer's order", disorder);
        fmt::print("{}\n", line);
    }
}

// The machine's own ping-pong, of all rounds.
void print_floor(const results& all) {
    std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> of;
    for (const auto& each : all.rounds) {
        if (each.dropped || each.floors.empty()) continue;
        of[each.group].first.push_back(each.one_line_ns);
        of[each.group].second.push_back(each.two_lines_ns);
    }
    for (const auto& [group, floors] : of)
        fmt::print("\nThe floor ({}; a round trip): one line {}, two lines {}, n={}\n", group,
                   spread(summary(floors.first)), spread(summary(floors.second)), floors.first.size());
}

// What is measured of the machine and of Noria alone.
void print_life(const results& all) {
    std::vector<std::string> names;
    for (const auto& each : all.rounds) {
        if (each.group == life_group && std::find(names.begin(), names.end(), each.case_name) == names.end())
            names.push_back(each.case_name);
    }
    if (!names.empty()) fmt::print("\nApart from traffic\n");
    for (const auto& name : names) {
        for (const auto& who : all.contenders(name, life_group)) {
            const auto found = all.ask(name, who, life_group);
            const bool a_time = !name.starts_with("idle") && name != "page faults";
            fmt::print("  {:<67} {:<25} {}\n", name, who,
                       a_time ? spread(*found)
                              : fmt::format("{:.3f} [{:.3f} .. {:.3f}]", found->median, found->least, found->most));
        }
    }
}

}  // namespace

void print_head(const results& all) {
    for (const auto& [key, value] : all.head.items()) {
        if (key == "queues") continue;
        fmt::print("{}: {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
    }
    if (all.head.contains("queues")) {
        fmt::print("queues:\n");
        for (const auto& [name, setup] : all.head.at("queues").items())
            fmt::print("  {:<34} {}\n", name, setup.get<std::string>());
    }
    for (const auto& each : all.missing) fmt::print("not measured: {}\n", each);
}

void print_tables(const results& all, const std::vector<bench_case>& cases) {
    for (const auto& what : cases) {
        for (const auto& group : all.groups(what.name)) print_case(all, what, group);
        std::size_t dropped = 0;
        for (const auto& each : all.rounds) {
            if (each.case_name != what.name) continue;
            dropped += each.dropped ? 1 : 0;
            if (!each.failure.empty())
                fmt::print("  round {} of {} failed: {}\n", each.number + 1, each.contender, each.failure);
        }
        if (dropped != 0) fmt::print("  {} rounds were dropped, for the floor moved\n", dropped);
    }
    print_floor(all);
    print_life(all);
    for (const auto& each : all.unsettled)
        fmt::print("\nunsettled: {}: more than a third of its rounds were dropped\n", each);
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
