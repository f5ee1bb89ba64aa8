// wordcount_collector_test.cpp: what the word count makes of results, in whatever order and however often they come.
#include "3_programs/wordcount/blocks.hpp"
#include "3_programs/wordcount/collector.hpp"
#include "rig/seed.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::string result(std::uint64_t number, const std::string& first, const std::string& last, bool has_space,
                   const std::string& lines) {
    const wordcount::result_head head{.number = number,
                                      .text_bytes = 10,
                                      .first_bytes = static_cast<std::uint32_t>(first.size()),
                                      .last_bytes = static_cast<std::uint32_t>(last.size()),
                                      .has_space = has_space ? 1U : 0U};
    std::string message(sizeof(head), '\0');
    std::memcpy(message.data(), &head, sizeof(head));
    return message + first + last + lines;
}

// "one two t|hree| th|re|e two\n|", cut at the bars.
const std::vector<std::string> results{result(0, "one", "t", true, "1 two\n"), result(1, "hree", "", false, ""),
                                       result(2, "", "th", true, ""), result(3, "re", "", false, ""),
                                       result(4, "e", "", true, "1 two\n")};
const std::map<std::string, std::uint64_t> words{{"one", 1}, {"two", 2}, {"three", 2}};

std::map<std::string, std::uint64_t> words_of(wordcount::collector& collected) {
    std::map<std::string, std::uint64_t> found;
    for (const auto& each : collected.words()) found[std::string(each.word)] += each.count;
    return found;
}

const std::vector<wordcount::input> five_blocks{{"a", 2 * wordcount::block_bytes}, {"b", 0}, {"c", 8193}};

}  // namespace

BOOST_AUTO_TEST_SUITE(wordcount_collector)

BOOST_AUTO_TEST_CASE(words_are_joined_across_blocks_in_whatever_order_they_come) {
    std::vector<std::string> shuffled = results;
    std::ranges::sort(shuffled);
    do {
        wordcount::collector collected(five_blocks);
        for (const auto& each : shuffled) {
            BOOST_TEST(!collected.complete());
            collected.add(noria::bytes(each));
        }
        BOOST_TEST(collected.complete());
        BOOST_TEST(collected.repeats() == 0U);
        BOOST_TEST((words_of(collected) == words));
    } while (std::ranges::next_permutation(shuffled).found);
}

BOOST_AUTO_TEST_CASE(a_result_that_comes_again_is_dropped_and_counted) {
    std::mt19937_64 random(noria::rig::seed());
    for (int round = 0; round < 1000; ++round) {
        wordcount::collector collected(five_blocks);
        std::vector<std::string> some = results;
        const std::size_t repeats = random() % 10;
        for (std::size_t i = 0; i < repeats; ++i) some.push_back(results[random() % results.size()]);
        std::ranges::shuffle(some, random);
        for (const auto& each : some) collected.add(noria::bytes(each));
        BOOST_TEST(collected.complete());
        BOOST_TEST(collected.repeats() == repeats);
        BOOST_TEST((words_of(collected) == words));
    }
}

BOOST_AUTO_TEST_CASE(without_any_one_block_it_is_not_complete) {
    for (std::size_t missing = 0; missing < results.size(); ++missing) {
        wordcount::collector collected(five_blocks);
        for (std::size_t i = 0; i < results.size(); ++i) {
            if (i != missing) collected.add(noria::bytes(results[i]));
        }
        collected.add(noria::bytes(results[(missing + 1) % results.size()]));
        BOOST_TEST(!collected.complete());
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_result_is_refused) {
    wordcount::collector collected(five_blocks);
    for (const std::string& bad :
         {std::string(), results[0].substr(0, sizeof(wordcount::result_head) - 1),
          results[0].substr(0, sizeof(wordcount::result_head) + 3), result(5, "", "", true, ""),
          result(0, "", "", true, "two 1\n"), result(0, "", "", true, "1 two")}) {
        BOOST_CHECK_THROW(collected.add(noria::bytes(bad)), std::runtime_error);
    }
}

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
