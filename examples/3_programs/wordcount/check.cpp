// check.cpp: the same count by one process, in code that shares nothing with the crew's.
#include "check.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace wordcount {

check::check(const std::vector<std::string>& files) {
    for (const auto& file : files) read(file);
}

void check::read(const std::string& file) {
    struct closer {
        void operator()(std::FILE* stream) const { std::fclose(stream); }
    };
    const std::unique_ptr<std::FILE, closer> stream(std::fopen(file.c_str(), "rbe"));
    if (stream == nullptr) throw std::runtime_error(file + ": " + std::strerror(errno));

    std::array<char, 1U << 16U> block;
    while (const std::size_t size = std::fread(block.data(), 1, block.size(), stream.get())) {
        for (std::size_t i = 0; i < size; ++i) {
            switch (block[i]) {
                case ' ':
                case '\t':
                case '\n':
                case '\v':
                case '\f':
                case '\r': end_word(); break;
                default: word_ += block[i];
            }
        }
    }
    if (std::ferror(stream.get()) != 0) throw std::runtime_error(file + ": " + std::strerror(errno));
    end_word();
}

void check::end_word() {
    if (word_.empty()) return;
    ++words_[word_].expected;
    word_.clear();
}

std::vector<check::difference> check::compare(const tally& counted) {
    for (const auto& each : counted) words_[std::string(each.word)].counted += each.count;
    std::vector<difference> differences;
    for (const auto& [word, number] : words_) {
        if (number.counted != number.expected) differences.push_back({word, number.counted, number.expected});
    }
    return differences;
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
