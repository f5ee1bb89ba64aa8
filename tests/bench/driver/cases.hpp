// cases.hpp: which cases there are, and who takes part in which.
#pragma once

#include "bench/driver/round.hpp"

#include <vector>

namespace bench {

// All cases of a run; a quick one has fewer.
std::vector<bench_case> cases(bool quick);

bool takes_part(const contender& who, const bench_case& what);

// Whether a contender is one of Noria's queues.
bool is_ours(const std::string& contender);
// Whether that one is under a mutex: measured beside the others, but not what the bars are for.
bool is_robust(const std::string& contender);
// Whether it is the machine's limit, rather than a queue.
bool is_limit(const std::string& contender);

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
