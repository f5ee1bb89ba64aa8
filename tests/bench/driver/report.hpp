// report.hpp: what a run prints: its tables, and the list of bars.
#pragma once

#include "bench/driver/results.hpp"

namespace bench {

void print_head(const results& all);
void print_tables(const results& all, const std::vector<bench_case>& cases);

// The bars that Noria is to clear, each with its figure, met or missed; the last line counts them.
void print_bars(const results& all, const std::vector<bench_case>& cases);

// Data and scripts for gnuplot, run on them: SVG files in that folder.
void plot(const results& all, const std::vector<bench_case>& cases, const std::string& folder);

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
