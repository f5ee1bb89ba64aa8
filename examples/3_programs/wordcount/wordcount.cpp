// wordcount.cpp: counts words with two processes and a queue between them, and checks the result.
#include "arguments.hpp"
#include "check.hpp"
#include "inputs.hpp"
#include "roles.hpp"
#include "run_place.hpp"
#include "say.hpp"
#include "tally.hpp"
#include "waited_signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace wordcount {

namespace {

constexpr const char* default_folder = "/usr/include/boost";
constexpr std::size_t shown_at_most = 10;

struct arguments {
    std::vector<std::string> files;
    std::string place;
    std::uint64_t altered_message = 0;
};

// A word as people may see it, whatever its bytes and its length are.
std::string shown(std::string_view word) {
    constexpr std::size_t length_max = 60;
    std::string text;
    for (const char letter : word.substr(0, length_max)) {
        const auto code = static_cast<unsigned char>(letter);
        if (code < 0x20 || code == 0x7f)
            text += fmt::format("\\x{:02x}", code);
        else
            text += letter;
    }
    return word.size() > length_max ? text + "..." : text;
}

void show(const tally& words) {
    fmt::print("The most frequent words:\n");
    for (const auto& each : most_frequent(words, shown_at_most))
        fmt::print("{:>10} {}\n", each.count, shown(each.word));
    fmt::print("distinct words: {}\nwords: {}\n", words.size(), total(words));
}

bool show(const std::vector<check::difference>& differences) {
    for (std::size_t i = 0; i < std::min(differences.size(), shown_at_most); ++i) {
        const auto& each = differences[i];
        fmt::print("counted {} times, and it is there {} times: {}\n", each.counted, each.expected, shown(each.word));
    }
    if (differences.size() > shown_at_most) fmt::print("and {} more\n", differences.size() - shown_at_most);
    fmt::print("exact: {}\n", differences.empty() ? "yes" : "no");
    return differences.empty();
}

result count(const arguments& given) {
    const waited_signals signals;  // until the place is cleared up
    const run_place place(given.place);
    return run_roles({.queue = place.queue(), .files = given.files, .altered_message = given.altered_message}, signals);
}

int run(int argc, char** argv) {
    arguments given;
    CLI::App program("Counts the words of FILEs with two processes, and checks the result against a count by one.");
    program.add_option("FILE", given.files, fmt::format("The files to read; none: all below {}", default_folder));
    program.add_option("--place", given.place, "The directory for the queue; unset: /dev/shm");
    program.add_option("--alter-message", given.altered_message)->group("");  // hidden: for tests of the check
    if (const auto status = parse(program, argc, argv)) return *status;
    if (given.files.empty()) given.files = files_below(default_folder);
    require_readable(given.files);

    const result counted = count(given);
    if (counted.exit_status != done) return counted.exit_status;
    const tally words = read_tally(counted.counts);
    show(words);
    std::fflush(stdout);
    say("wordcount", "checking this with a count by one process");
    const bool exact = show(check(given.files).compare(words));
    if (std::fflush(stdout) != 0) {
        say("wordcount", "the result could not be written");
        return failed;
    }
    return exact ? done : failed;
}

}  // namespace

}  // namespace wordcount

int main(int argc, char** argv) {
    try {
        return wordcount::run(argc, argv);
    } catch (const std::exception& failure) {
        wordcount::say("wordcount", failure.what());
        return wordcount::misused;
    }
}
// SPDX-License-Identifier: BSL-1.0
