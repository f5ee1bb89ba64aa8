// tally.cpp: words with their numbers, and what a worker writes of them, read back.
#include "tally.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace wordcount {

tally read_tally(std::string_view text) {
    tally words;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        entry next;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), next.count);
        const auto digits = static_cast<std::size_t>(end - line.data());
        if (error != std::errc() || line.size() < digits + 2 || line[digits] != ' ' || line.size() == text.size()) {
            throw std::runtime_error("not what wordcount_worker sends: " + std::string(line));
        }
        next.word = line.substr(digits + 1);
        words.push_back(next);
        text.remove_prefix(line.size() + 1);
    }
    return words;
}

std::uint64_t total(const tally& words) {
    std::uint64_t sum = 0;
    for (const auto& each : words) sum += each.count;
    return sum;
}

tally most_frequent(tally words, std::size_t most) {
    const auto middle = words.begin() + static_cast<std::ptrdiff_t>(std::min(most, words.size()));
    std::partial_sort(words.begin(), middle, words.end(), [](const entry& left, const entry& right) {
        return left.count != right.count ? left.count > right.count : left.word < right.word;
    });
    words.erase(middle, words.end());
    return words;
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
