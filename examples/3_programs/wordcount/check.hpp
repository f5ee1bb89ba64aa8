// check.hpp: the same count by one process, in code that shares nothing with the crew's.
#pragma once

#include "tally.hpp"

#include <boost/functional/hash.hpp>
#include <boost/unordered_map.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wordcount {

// Reader, workers and collector cut blocks, search for spaces, join words, and count in a std::unordered_map. This reads
// each file through, goes from byte to byte, and has another map with another hash.
class check {
public:
    // Counts the words of the files. Throws std::runtime_error if one cannot be read.
    explicit check(const std::vector<std::string>& files);

    // A word whose number is not what it should be.
    struct difference {
        std::string word;
        std::uint64_t counted = 0;
        std::uint64_t expected = 0;
    };

    // Compares the whole map, in both directions. Empty: equal. To be called once.
    [[nodiscard]] std::vector<difference> compare(const tally& counted);

private:
    struct numbers {
        std::uint64_t counted = 0;
        std::uint64_t expected = 0;
    };
    struct text_hash {
        std::size_t operator()(std::string_view text) const { return boost::hash_range(text.begin(), text.end()); }
    };

    void read(const std::string& file);
    void end_word();

    boost::unordered_map<std::string, numbers, text_hash> words_;
    std::string word_;  // as far as it has been read
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
