// results.cpp: statistics of rounds, and their JSON.
#include "bench/driver/results.hpp"

#include <algorithm>
#include <set>

namespace bench {

namespace {

bool is_good(const measured& each) { return !each.dropped && each.failure.empty(); }

std::optional<double> value_of(const measured& each, const std::string& of) {
    if (of.empty()) return each.figure;
    const auto found = each.details.find(of);
    return found == each.details.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

figure summary(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return {median, values.front(), values.back(), values.size()};
}

std::string group_of(const measured& each) {
    if (each.two_lines_ns == 0) return each.pair;
    return each.pair + (each.two_lines_ns < 400 ? ", near" : ", far");
}

std::vector<std::string> results::groups(const std::string& case_name) const {
    std::set<std::string> found;
    for (const auto& each : rounds) {
        if (is_good(each) && each.case_name == case_name) found.insert(each.group);
    }
    return {found.begin(), found.end()};
}

std::vector<std::string> results::contenders(const std::string& case_name, const std::string& group) const {
    std::vector<std::string> found;
    for (const auto& each : rounds) {
        if (is_good(each) && each.case_name == case_name && each.group == group &&
            std::find(found.begin(), found.end(), each.contender) == found.end())
            found.push_back(each.contender);
    }
    return found;
}

std::optional<figure> results::ask(const std::string& case_name, const std::string& contender, const std::string& group,
                                   const std::string& of) const {
    std::vector<double> values;
    for (const auto& each : rounds) {
        if (!is_good(each) || each.case_name != case_name || each.contender != contender || each.group != group)
            continue;
        if (const auto value = value_of(each, of)) values.push_back(*value);
    }
    return values.empty() ? std::nullopt : std::optional(summary(values));
}

std::optional<figure> results::ratio(const std::string& case_name, const std::string& contender,
                                     const std::string& other_case, const std::string& other, const std::string& group,
                                     const std::string& of) const {
    std::vector<double> values;
    for (const auto& one : rounds) {
        if (!is_good(one) || one.case_name != case_name || one.contender != contender || one.group != group) continue;
        for (const auto& two : rounds) {
            if (!is_good(two) || two.case_name != other_case || two.contender != other || two.group != group ||
                two.number != one.number)
                continue;
            const auto above = value_of(one, of);
            const auto below = value_of(two, of);
            if (above && below && *below > 0) values.push_back(*above / *below);
        }
    }
    return values.empty() ? std::nullopt : std::optional(summary(values));
}

std::optional<figure> results::to_floor(const std::string& case_name, const std::string& contender,
                                        const std::string& group, bool one_line) const {
    std::vector<double> values;
    for (const auto& each : rounds) {
        const double floor = one_line ? each.one_line_ns : each.two_lines_ns;
        if (is_good(each) && each.case_name == case_name && each.contender == contender && each.group == group &&
            floor > 0)
            values.push_back(each.figure / floor);
    }
    return values.empty() ? std::nullopt : std::optional(summary(values));
}

std::string results::fastest(const std::string& case_name, const std::string& group, bool ours,
                             const std::string& of) const {
    std::string best;
    double least = 0;
    for (const auto& each : contenders(case_name, group)) {
        if (is_ours(each) != ours || is_limit(each) || is_robust(each)) continue;
        const auto found = ask(case_name, each, group, of);
        if (found && (best.empty() || found->median < least)) {
            best = each;
            least = found->median;
        }
    }
    return best;
}

nlohmann::json to_json(const results& all) {
    nlohmann::json rounds = nlohmann::json::array();
    for (const auto& each : all.rounds) {
        nlohmann::json one{{"case", each.case_name},  {"queue", each.contender}, {"round", each.number},
                           {"processors", each.pair}, {"group", each.group},     {"figure_ns", each.figure},
                           {"floors_ns", each.floors}};
        if (!each.details.empty()) one["details"] = each.details;
        if (each.dropped) one["dropped"] = true;
        if (!each.failure.empty()) one["failure"] = each.failure;
        if (each.disorder != 0) one["out_of_order"] = each.disorder;
        rounds.push_back(std::move(one));
    }
    return {{"head", all.head}, {"missing", all.missing}, {"unsettled", all.unsettled}, {"rounds", rounds}};
}

results from_json(const nlohmann::json& text) {
    results all;
    all.head = text.at("head");
    all.missing = text.at("missing").get<std::vector<std::string>>();
    all.unsettled = text.at("unsettled").get<std::vector<std::string>>();
    for (const auto& one : text.at("rounds")) {
        measured each;
        each.case_name = one.at("case");
        each.contender = one.at("queue");
        each.number = one.at("round");
        each.pair = one.at("processors");
        each.group = one.at("group");
        each.figure = one.at("figure_ns");
        each.floors = one.at("floors_ns").get<std::vector<double>>();
        if (each.floors.size() == 4) {
            each.two_lines_ns = (each.floors[0] + each.floors[1]) / 2;
            each.one_line_ns = (each.floors[2] + each.floors[3]) / 2;
        }
        if (one.contains("details")) each.details = one.at("details").get<std::map<std::string, double>>();
        each.dropped = one.value("dropped", false);
        each.failure = one.value("failure", "");
        each.disorder = one.value("out_of_order", std::uint64_t{0});
        all.rounds.push_back(std::move(each));
    }
    return all;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
