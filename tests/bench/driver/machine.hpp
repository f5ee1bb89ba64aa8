// machine.hpp: on what is measured: the processor, the kernel, and which pairs of processors the machine offers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bench {

// Two processors, and how near they are to each other by what the kernel knows.
struct pair {
    int first = 0;
    int second = 0;
    std::string kind;  // "one core", "one cache", "one package", "two packages", "one processor"
};

// One pair of each kind, of the processors that this process may use; the nearest first.
std::vector<pair> pairs_of_processors();

std::vector<int> usable_processors();

nlohmann::json describe_machine();

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
