// collector.cpp: adds up the results of the workers: each block once, however often its result comes.
#include "collector.hpp"

#include "blocks.hpp"

#include <cstring>
#include <stdexcept>

namespace wordcount {

void collector::add(noria::bytes result) {
    result_head head{};
    std::string_view text = result.text();
    if (text.size() >= sizeof(head)) std::memcpy(&head, text.data(), sizeof(head));
    if (text.size() < sizeof(head) + head.first_bytes + head.last_bytes || head.number >= blocks_)
        throw std::runtime_error("a message that is no result: what sends here is not wordcount_worker");
    if (edges_.contains(head.number)) {
        ++repeats_;
        return;
    }
    text.remove_prefix(sizeof(head));
    const std::string_view first = text.substr(0, head.first_bytes);
    const std::string_view last = text.substr(head.first_bytes, head.last_bytes);
    text.remove_prefix(first.size() + last.size());
    for (const auto& each : read_tally(text)) count(each.word, each.count);
    edges_.try_emplace(head.number, edges{std::string(first), std::string(last), head.has_space != 0});
    text_bytes_ += head.text_bytes;
}

tally collector::words() {
    std::string word;  // as far as it has come; the last block ends with a newline
    for (const auto& [number, each] : edges_) {
        word += each.first;
        if (!each.has_space) continue;
        if (!word.empty()) count(word, 1);
        word = each.last;
    }
    if (!word.empty()) count(word, 1);
    tally all;
    for (const auto& [text, times] : counts_) all.push_back({times, text});
    return all;
}

void collector::count(std::string_view word, std::uint64_t times) {
    const auto known = counts_.find(word);
    if (known != counts_.end())
        known->second += times;
    else
        counts_.emplace(word, times);
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
