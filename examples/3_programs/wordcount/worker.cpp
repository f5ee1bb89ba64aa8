// worker.cpp: one of many: takes a block, counts its words where they lie in the queue, and sends the result.
//
// The block is held until the result is sent. A worker that is killed before that leaves its block to another; one that is
// killed between the two leaves a result and a block: there will be a second result of the same number.
#include "blocks.hpp"
#include "role.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

namespace wordcount {

namespace {

constexpr std::string_view me = "wordcount_worker";
constexpr std::string_view spaces = " \t\n\v\f\r";

using word_counts = std::unordered_map<std::string_view, std::uint64_t>;

// The words of a text that begins and ends with a space, or is nothing.
void count_words(std::string_view text, word_counts& counts) {
    for (std::size_t begin = 0; (begin = text.find_first_not_of(spaces, begin)) != text.npos;) {
        const std::size_t end = text.find_first_of(spaces, begin);
        ++counts[text.substr(begin, end - begin)];
        begin = end;
    }
}

// Writes the result of a block to where there are result_bytes_max of room. Returns its size.
std::size_t write_result(std::byte* to, std::uint64_t number, std::string_view text, const word_counts& counts,
                         std::size_t first, std::size_t last) {
    const result_head head{.number = number,
                           .text_bytes = static_cast<std::uint32_t>(text.size()),
                           .first_bytes = static_cast<std::uint32_t>(first),
                           .last_bytes = static_cast<std::uint32_t>(last),
                           .has_space = first < text.size() ? 1U : 0U};
    std::memcpy(to, &head, sizeof(head));
    char* const begin = reinterpret_cast<char*>(to);
    char* at = std::ranges::copy(text.substr(0, first), begin + sizeof(head)).out;
    at = std::ranges::copy(text.substr(text.size() - last), at).out;
    for (const auto& [word, count] : counts) at = fmt::format_to(at, "{} {}\n", count, word);
    return static_cast<std::size_t>(at - begin);
}

int work(const std::string& blocks, const std::string& results, std::uint64_t fatal) {
    auto in = queue::consumer::open(blocks, through_deaths());
    auto out = queue::producer::open(results, through_deaths());
    word_counts counts;
    while (const auto block = in.take()) {
        if (block.size() < sizeof(block_head)) throw std::runtime_error(blocks + ": a message that is no block");
        block_head head{};
        std::memcpy(&head, block.data(), sizeof(head));
        const std::string_view text = (*block).text().substr(sizeof(head));
        const std::size_t first = std::min(text.find_first_of(spaces), text.size());
        const std::size_t last = first == text.size() ? 0 : text.size() - 1 - text.find_last_of(spaces);
        counts.clear();
        count_words(text.substr(first, text.size() - first - last), counts);

        auto result = out.claim(result_bytes_max);
        if (!result) return give_up(me, out);
        result.commit(write_result(result.data(), head.number, text, counts, first, last));
        if (head.number + 1 == fatal && block.deliveries() == 1) raise(SIGKILL);
    }  // the lease goes: the block is done
    return give_up(me, in);
}

int run(int argc, char** argv) {
    std::string blocks;
    std::string results;
    std::uint64_t fatal = 0;
    pid_t starter = 0;
    CLI::App program("Counts the words of the blocks in one queue into another. wordcount starts it, more than once.");
    program.add_option("BLOCKS", blocks, "The file of the queue to take from")->required();
    program.add_option("RESULTS", results, "The file of the queue to send to")->required();
    program.add_option("--parent", starter, "Who started us")->required();
    program.add_option("--die-behind", fatal)->group("");  // hidden: for tests of repeats
    if (const auto status = parse(program, argc, argv)) return *status;

    end_with(starter);
    return work(blocks, results, fatal);
}

}  // namespace

}  // namespace wordcount

int main(int argc, char** argv) {
    return wordcount::run_role(wordcount::me, [&] { return wordcount::run(argc, argv); });
}
// SPDX-License-Identifier: BSL-1.0
