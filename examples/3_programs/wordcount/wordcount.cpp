// wordcount.cpp: counts words with a reader and some workers, kills them while they work, and checks the result.
//
//     wordcount --workers=8 --kill-every=50 FILE...
//
// Where to read on: job.cpp is the run; blocks.hpp what is sent; reader.cpp and worker.cpp who sends it.
#include "arguments.hpp"
#include "check.hpp"
#include "collector.hpp"
#include "inputs.hpp"
#include "job.hpp"
#include "say.hpp"
#include "tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace wordcount {

namespace {

constexpr const char* default_folder = "/usr/include/boost";
constexpr std::size_t shown_at_most = 10;
constexpr std::size_t workers_max = 32;  // a queue has 64 places, and the killed keep theirs until they are recovered

struct arguments {
    std::vector<std::string> files;
    std::string place;  // empty: where there is room
    std::int64_t kill_every_ms = 200;
    crew_plan plan{.seed = std::random_device()()};
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

std::optional<int> understand(arguments& given, int argc, char** argv) {
    CLI::App program(
        "Counts the words of FILEs with a reader and some workers, kills them while they work, and checks the "
        "result against a count by one process.");
    program.add_option("FILE", given.files, fmt::format("The files to read; none: all below {}", default_folder));
    program.add_option("--workers", given.plan.workers, "How many, 1 to 32; unset: 4")
        ->check(CLI::Range(std::size_t{1}, workers_max));
    auto* const no_kill = program.add_flag("!--no-kill", given.plan.kills, "Kill nobody");
    program
        .add_option("--kill-every", given.kill_every_ms,
                    "Milliseconds between two kills, in the mean, 10 to 60000; unset: 200")
        ->check(CLI::Range(10, 60'000))
        ->excludes(no_kill);
    program.add_option("--seed", given.plan.seed, "Of who is killed, and when; unset: another each time")
        ->check(CLI::NonNegativeNumber)
        ->excludes(no_kill);
    program.add_option("--place", given.place, "The directory for the queues; unset: /dev/shm");
    program.add_option("--alter-block", given.plan.altered_block)->group("");  // hidden: for tests
    program.add_option("--die-behind", given.plan.fatal_block)->group("");
    const auto status = parse(program, argc, argv);
    given.plan.kill_every = std::chrono::milliseconds(given.kill_every_ms);
    return status;
}

int run(int argc, char** argv) {
    arguments given;
    if (const auto status = understand(given, argc, argv)) return *status;
    if (given.files.empty()) given.files = files_below(default_folder);
    const std::vector<input> inputs = measure(given.files);
    if (given.plan.kills) say("wordcount", fmt::format("the seed of the kills is {}", given.plan.seed));

    collector collected(inputs);
    amount in_all;
    if (const int status = count(given.place, given.plan, inputs, collected, in_all); status != done) return status;
    const tally words = collected.words();
    show(words);
    fmt::print("{}\n", incidents(in_all));
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
