// results.hpp: all rounds of a run, kept as JSON, and what is asked of them: medians, and ratios within a round.
#pragma once

#include "bench/driver/cases.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace bench {

struct figure {
    double median = 0;
    double least = 0;
    double most = 0;
    std::size_t rounds = 0;
};

struct results {
    nlohmann::json head;  // machine, kernel, compiler, flags, command
    std::vector<measured> rounds;
    std::vector<std::string> missing;    // peers that could not be built or run, and why
    std::map<std::string, int> hangs;    // how often each contender hung; not kept
    std::vector<std::string> unsettled;  // cases of which more than a third of the rounds were dropped

    [[nodiscard]] std::vector<std::string> groups(const std::string& case_name) const;
    [[nodiscard]] std::vector<std::string> contenders(const std::string& case_name, const std::string& group) const;

    // What `of` says of each good round of that case, contender and group. `of` names a detail; empty: the figure itself.
    [[nodiscard]] std::optional<figure> ask(const std::string& case_name, const std::string& contender,
                                            const std::string& group, const std::string& of = {}) const;

    // The median, over the rounds that both have in that group, of the one's figure by the other's.
    [[nodiscard]] std::optional<figure> ratio(const std::string& case_name, const std::string& contender,
                                              const std::string& other_case, const std::string& other,
                                              const std::string& group, const std::string& of = {}) const;

    // The same to the floor of the very same round: a round trip over one line, or over two.
    [[nodiscard]] std::optional<figure> to_floor(const std::string& case_name, const std::string& contender,
                                                 const std::string& group, bool one_line) const;

    // The one of those that has the least median, of those that are `ours` or not; limits never, nor
    // ours under a mutex.
    [[nodiscard]] std::string fastest(const std::string& case_name, const std::string& group, bool ours,
                                      const std::string& of = {}) const;
};

// The group of what has no floor: measured by life.cpp.
inline const std::string life_group = "one machine";

// near: below 400 ns for the floor of two lines; far: above. Chosen between what cores with and without a common cache
// were seen to need on two machines: 150 to 325 ns, and 530 to 640.
std::string group_of(const measured& each);

figure summary(std::vector<double> values);

nlohmann::json to_json(const results& all);
results from_json(const nlohmann::json& text);

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
