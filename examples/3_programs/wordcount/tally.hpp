// tally.hpp: words with their numbers, and what a worker writes of them, read back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace wordcount {

struct entry {
    std::uint64_t count = 0;
    std::string_view word;  // lies in the text that was read
};

using tally = std::vector<entry>;

// Lines of a number, a space, a word. Throws std::runtime_error if it is anything else.
tally read_tally(std::string_view text);

// How many words there are in all, each as often as it came.
std::uint64_t total(const tally& words);

// The `most` most frequent words, at most; of equally frequent ones those that are first in the order of their bytes.
tally most_frequent(tally words, std::size_t most);

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
