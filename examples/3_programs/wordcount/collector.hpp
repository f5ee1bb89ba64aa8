// collector.hpp: adds up the results of the workers: each block once, however often its result comes.
#pragma once

#include "inputs.hpp"
#include "tally.hpp"

#include <noria/message.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace wordcount {

class collector {
public:
    // Of all blocks of these files.
    explicit collector(const std::vector<input>& inputs) {
        for (const auto& each : inputs) blocks_ += each.blocks();
        counts_.reserve(1U << 20U);  // 731,000 words below /usr/include/boost: grow seldom
    }

    // Adds a result, or drops it as a repeat. Throws std::runtime_error if it is neither.
    void add(noria::bytes result);

    // Each block has been counted.
    [[nodiscard]] bool complete() const { return edges_.size() == blocks_; }
    [[nodiscard]] std::uint64_t repeats() const { return repeats_; }
    [[nodiscard]] std::uint64_t text_bytes() const { return text_bytes_; }

    // All words, when it is complete; to be called once. The words lie in this object.
    [[nodiscard]] tally words();

private:
    // The two ends of a block, where its neighbours' words may go on.
    struct edges {
        std::string first;
        std::string last;
        bool has_space;
    };
    // With it a word is looked up where it lies, and copied only when it is new.
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
    };

    void count(std::string_view word, std::uint64_t times);

    std::uint64_t blocks_ = 0;  // their numbers are those below it
    std::uint64_t repeats_ = 0;
    std::uint64_t text_bytes_ = 0;
    std::map<std::uint64_t, edges> edges_;  // of the blocks that were counted
    std::unordered_map<std::string, std::uint64_t, text_hash, std::equal_to<>> counts_;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
