// roles.hpp: starts the two roles, and watches them until both are gone.
#pragma once

#include "waited_signals.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace wordcount {

struct work {
    std::filesystem::path queue;
    std::vector<std::string> files;
    std::uint64_t altered_message = 0;  // the number of the message that the reader falsifies; 0: none
};

struct result {
    int exit_status = 0;   // done; otherwise people have been told why not
    std::string counts{};  // what the counter printed: for each word a line of its number, a space, the word
};

// Runs wordcount_reader and wordcount_counter, which stand beside this program. Neither outlives the call: when one has
// failed, the other is asked to end, and killed if it does not. Throws std::system_error if one cannot be started.
result run_roles(const work& given, const waited_signals& signals);

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
