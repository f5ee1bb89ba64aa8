// word_counts.hpp: how often each word came, in lines that arrive in parts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace wordcount {

class word_counts {
    // With it a word is looked up where it lies, and copied only when it is new.
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
    };

public:
    using map = std::unordered_map<std::string, std::uint64_t, text_hash, std::equal_to<>>;

    word_counts() { counts_.reserve(1U << 20U); }  // 731,000 words below /usr/include/boost: grow seldom

    // Counts the words of a text. If it goes on in the next one, so may its last word.
    void add(std::string_view text, bool goes_on) {
        if (!cut_.empty()) {
            cut_ += next_word(text);
            if (text.empty() && goes_on) return;
            count(cut_);
            cut_.clear();
        }
        while (true) {
            skip_spaces(text);
            if (text.empty()) return;
            const std::string_view word = next_word(text);
            if (text.empty() && goes_on) {
                cut_ = word;
                return;
            }
            count(word);
        }
    }

    void clear() {
        counts_.clear();
        cut_.clear();
    }

    [[nodiscard]] const map& counts() const { return counts_; }

private:
    static constexpr std::array<bool, 256> spaces() {
        std::array<bool, 256> table = {};
        for (const char each : {' ', '\t', '\n', '\v', '\f', '\r'}) table[static_cast<unsigned char>(each)] = true;
        return table;
    }
    static bool is_space(char letter) {
        static constexpr auto table = spaces();
        return table[static_cast<unsigned char>(letter)];
    }

    static void skip_spaces(std::string_view& text) {
        std::size_t length = 0;
        while (length < text.size() && is_space(text[length])) ++length;
        text.remove_prefix(length);
    }
    // Takes what stands before the first space off the text; that may be nothing, or all.
    static std::string_view next_word(std::string_view& text) {
        std::size_t length = 0;
        while (length < text.size() && !is_space(text[length])) ++length;
        const std::string_view word = text.substr(0, length);
        text.remove_prefix(length);
        return word;
    }

    void count(std::string_view word) {
        const auto known = counts_.find(word);
        if (known != counts_.end())
            ++known->second;
        else
            counts_.emplace(word, 1);
    }

    map counts_;
    std::string cut_;  // the beginning of a word that goes on in the next text
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
