// process.hpp: programs that the driver starts: each has a deadline, and none outlives the driver.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace bench {

// The program of the first word, with those arguments; -1 for `output`: it prints where the driver does. It dies with us.
pid_t start(const std::vector<std::string>& words, int output = -1);

// How `await` begins to say that the deadline came.
constexpr std::string_view hangs = "it hangs";

// Waits until all are gone, or one of them goes badly, or so many seconds have passed; whoever is left then is killed. Empty,
// or what went wrong.
std::string await(const std::vector<pid_t>& children, int seconds);

struct finished {
    std::string output;   // all that came, also of one that failed
    std::string failure;  // empty: it went well
};

// From its start to its end, which comes in so many seconds: by itself, or it is killed.
finished run(const std::vector<std::string>& words, int seconds);

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
