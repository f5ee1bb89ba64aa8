// wordcount_test.cpp: the word count is exact on nasty files, notices one altered message, and refuses bad usage.
#include "3_programs/wordcount/blocks.hpp"
#include "3_programs/wordcount/inputs.hpp"
#include "programs/word_run.hpp"
#include "rig/skip.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

using noria::rig::launched;
using noria::rig::word_place;
using noria::rig::word_run;
using noria::rig::wordcount_program;
using noria::rig::words_by_grep;

namespace {

using namespace std::string_literals;

// What is cut is cut there.
using wordcount::block_bytes;
static_assert(block_bytes == 4096);

// Each a way in which a count can go wrong, and what the number of its words is.
struct nasty_file {
    std::string text;
    std::uint64_t words;
};

std::map<std::string, nasty_file> nasty_files() {
    const std::string word(block_bytes - 1, 'w');
    return {
        {"empty", {"", 0}},
        {"one newline", {"\n", 0}},
        {"only spaces", {" \t\v\f\r  \n \n\n", 0}},
        {"no newline at the end", {"one two", 2}},
        {"a word that would go on in the next file", {"thr", 1}},
        {"ee that does", {"ee", 1}},
        {"every separator", {"a b\tc\nd\ve\ff\rg", 7}},
        {"carriage returns", {"one two\r\nthree\r\n\r\n", 3}},
        {"zero bytes", {"a\0b \0 c\0\n\0\0\n"s, 4}},
        {"bytes from 0x80 on", {"\x80\xff \xa0\x85 gr\xc3\xbc\xc3\x9f\x65 \xe2\x80\x83 x\n", 5}},
        {"control bytes", {"\x01 \x1b[31m \x7f \x08\x0e\x1f\n", 4}},
        {"a word just short of a block", {word + "\n", 1}},
        {"a word that fills a block", {word + "x\n", 1}},
        {"a word one byte too long for a block", {word + "xy\n", 1}},
        {"a word of several blocks", {word + word + word + word + " end", 2}},
        {"a cut before a space", {word + "x end\n", 2}},
        {"a cut after a space", {word + " end\n", 2}},
        {"a cut between spaces", {word + "  end\n", 2}},
        {"a cut amid a word after others", {"a b " + word + " c\n", 4}},
        {"a block of nothing but spaces", {word + "x" + std::string(block_bytes, ' ') + "y\n", 2}},
        {"a block of spaces amid a line", {std::string(block_bytes, ' ') + "y\n", 1}},
        {"two full blocks and no newline", {word + "x" + word + "x", 1}},
        {"quotes and backslashes", {"\\n \"a b\" %s {} '\n", 6}},
    };
}

// A line of 3 MB, of words of all lengths.
std::string long_line() {
    std::mt19937 random(1);
    std::string text;
    while (text.size() < 3'000'000) text += std::string(random() % 9, 'a') + (random() % 3 == 0 ? " " : "b");
    return text;
}

std::string random_bytes(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string text(size, '\0');
    for (auto& each : text) each = random() % 4 == 0 ? " \t\n\v\f\r"[random() % 6] : static_cast<char>(random());
    return text;
}

constexpr const char* unharmed =
    "killed: 0 workers, 0 readers; redelivered: 0, repeats dropped: 0, claims skipped: 0\n";

struct corpus {
    noria::rig::workspace inputs;
    word_place place;

    std::string file(const std::string& name, const std::string& text) {
        return noria::rig::write(inputs / name, text);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(wordcount, corpus)

BOOST_AUTO_TEST_CASE(each_nasty_file_is_counted_exactly) {
    for (const auto& [name, nasty] : nasty_files()) {
        const std::string path = file(name, nasty.text);
        word_run run(place, {path});
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(run.status() == 0);
            BOOST_TEST(run.words() == nasty.words);
            BOOST_TEST(run.words() == words_by_grep({path}));
            BOOST_TEST(run.last_line() == "exact: yes");
        }
    }
    BOOST_TEST(place.empty());
}

BOOST_AUTO_TEST_CASE(many_files_are_counted_as_the_sum_of_each) {
    std::vector<std::string> files;
    for (const auto& [name, nasty] : nasty_files()) files.push_back(file(name, nasty.text));
    files.push_back(file("long line", long_line()));
    files.push_back(file("random", random_bytes(1'000'000, 7)));
    files.push_back(files[3]);  // a file named twice counts twice
    files.push_back(files[3]);
    word_run run(place, files);
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.words() == words_by_grep(files));
    BOOST_TEST(run.last_line() == "exact: yes");
}

BOOST_AUTO_TEST_CASE(random_bytes_are_counted_exactly) {
    const unsigned seed = std::random_device()();
    BOOST_TEST_MESSAGE("seed " << seed);
    const std::string path = file("random", random_bytes(300'000, seed));
    word_run run(place, {path});
    BOOST_TEST_CONTEXT("seed " << seed) {
        BOOST_TEST(run.status() == 0);
        BOOST_TEST(run.words() == words_by_grep({path}));
        BOOST_TEST(run.last_line() == "exact: yes");
    }
}

BOOST_AUTO_TEST_CASE(below_a_folder_are_its_regular_files_and_no_links_are_followed) {
    const auto folder = inputs / "folder";
    std::filesystem::create_directories(folder / "b" / "c");
    const std::string outside = file("outside", "word\n");
    const std::string first = file("folder/a", "word\n");
    const std::string second = file("folder/b/c/.hidden", "word\n");
    std::filesystem::create_symlink(outside, folder / "link");
    std::filesystem::create_directory_symlink(inputs.path(), folder / "b" / "up");
    BOOST_REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
    BOOST_TEST((wordcount::files_below(folder) == std::vector{first, second}));
}

// Goal: the main job. Method: without arguments it counts what `find -type f` finds; sed ends each file with a newline,
// so that no word reaches into the next.
BOOST_AUTO_TEST_CASE(without_files_it_counts_all_below_usr_include_boost) {
    word_run run(place, {});
    const std::string all = inputs / "all";
    BOOST_REQUIRE(
        std::system(("find /usr/include/boost -type f -print0 | LC_ALL=C xargs -0 sed -s '$a\\' >" + all).c_str()) ==
        0);
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.words() == words_by_grep({all}));
    BOOST_TEST(run.last_line() == "exact: yes");
}

BOOST_AUTO_TEST_CASE(the_most_frequent_words_come_first_and_the_total_is_a_plain_number) {
    std::string text;
    for (int i = 1; i <= 12; ++i) {
        for (int times = 0; times < 1000 * i; ++times) text += fmt::format("w{}{}", i, times % 7 == 0 ? '\n' : ' ');
    }
    word_run run(place, {"--no-kill", file("frequent", text)});
    BOOST_TEST(run.status() == 0);
    std::string expected = "The most frequent words:\n";
    for (int i = 12; i > 2; --i) expected += fmt::format("{:>10} w{}\n", 1000 * i, i);
    BOOST_TEST(run.out() == expected + "distinct words: 12\nwords: 78000\n" + std::string(unharmed) + "exact: yes\n");
}

BOOST_AUTO_TEST_CASE(words_that_would_upset_a_terminal_are_shown_escaped_and_shortened) {
    word_run run(place, {file("rude", "\x1b[2J\n" + std::string(100, 'x') + "\n")});
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.out().find("1 \\x1b[2J\n") != std::string::npos);
    BOOST_TEST(run.out().find(fmt::format("1 {:x>60}...\n", "")) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_to_count_is_counted_exactly) {
    word_run run(place, {"--no-kill", file("nothing", "")});
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.out() ==
               "The most frequent words:\ndistinct words: 0\nwords: 0\n" + std::string(unharmed) + "exact: yes\n");
}

// Goal: whatever single block is falsified, the check notices. Method: files of three blocks, of one, and of a newline; and the
// hidden switch for each block in turn; in the end none is falsified.
BOOST_AUTO_TEST_CASE(one_altered_block_is_not_exact) {
    std::string three = "one two\n three\n\nfour \nfive five\nsi";
    three.resize(2 * block_bytes - 1, 'x');
    three += " y seven";
    const std::vector<std::string> files{file("three", three), file("one", "six\xa0\n"), file("newline", "\n")};
    constexpr int blocks = 5;
    for (int block = 1; block <= blocks + 1; ++block) {
        word_run run(place, {fmt::format("--alter-block={}", block), files[0], files[1], files[2]});
        BOOST_TEST_CONTEXT("block " << block) {
            BOOST_TEST(run.status() == (block <= blocks ? 1 : 0));
            BOOST_TEST(run.last_line() == (block <= blocks ? "exact: no" : "exact: yes"));
        }
    }
    word_run run(place, {"--alter-block=1", file("six", "one six\xa0")});  // and a newline at its end
    BOOST_TEST(run.status() == 1);
    BOOST_TEST(run.out().find("counted 0 times, and it is there 1 times: six\xa0\n") != std::string::npos);
    BOOST_TEST(place.empty());
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_are_refused_by_name) {
    const std::string good = file("good", "word\n");
    const std::string fifo = inputs / "fifo";
    BOOST_REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const std::vector<std::string> bad{inputs / "missing", inputs.path(),       fifo,
                                       good + "/below",    "/proc/self/status", ""};
    for (const auto& each : bad) {
        const std::string named = each + ":";
        for (const auto& files : {std::vector{each}, std::vector{good, each}}) {
            word_run run(place, files);
            BOOST_TEST_CONTEXT("'" << each << "'") {
                BOOST_TEST(run.status() == 2);
                BOOST_TEST(run.out().empty());
                BOOST_TEST(run.says(named));
            }
        }
    }
    BOOST_TEST(place.empty());
}

BOOST_AUTO_TEST_CASE(a_file_without_the_permission_to_read_is_refused) {
    const std::string secret = file("secret", "word\n");
    BOOST_REQUIRE(chmod(secret.c_str(), 0) == 0);
    // As root, without the privileges to read what is not ours; for anybody else this changes nothing.
    word_run run(place, {secret}, [] {
        prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
        prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
    });
    BOOST_TEST(run.status() == 2);
    BOOST_TEST(run.says(secret + ": Permission denied"));
    BOOST_TEST(run.out().empty());
}

BOOST_AUTO_TEST_CASE(bad_usage_is_refused_and_help_is_not) {
    const std::string good = file("good", "word\n");
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"--no-such-option"},
                                                                       {"--alter-block"},
                                                                       {"--alter-block=x"},
                                                                       {"--workers=0"},
                                                                       {"--workers=33"},
                                                                       {"--workers=-1"},
                                                                       {"--workers=two"},
                                                                       {"--workers"},
                                                                       {"--kill-every=9"},
                                                                       {"--kill-every=60001"},
                                                                       {"--kill-every=1s"},
                                                                       {"--kill-every"},
                                                                       {"--seed=x"},
                                                                       {"--seed=-1"},
                                                                       {"--seed"},
                                                                       {"--no-kill", "--seed=1"},
                                                                       {"--no-kill", "--kill-every=100"}}) {
        std::vector<std::string> all{good};
        all.insert(all.end(), arguments.begin(), arguments.end());
        word_run run(place, all);
        BOOST_TEST_CONTEXT(arguments.front()) {
            BOOST_TEST(run.status() == 2);
            BOOST_TEST(!run.err().empty());
            BOOST_TEST(run.out().empty());
        }
    }
    word_run nowhere(place, {good, "--place=/no/such/place"});
    BOOST_TEST(nowhere.status() == 2);
    word_run help(place, {"--help"});
    BOOST_TEST(help.status() == 0);
    for (const std::string shown : {"FILE", "--workers", "--no-kill", "--kill-every", "--seed", "--place"})
        BOOST_TEST(help.out().find(shown) != std::string::npos);
    for (const std::string hidden : {"alter", "behind"}) BOOST_TEST(help.out().find(hidden) == std::string::npos);
    for (const auto& role : {"wordcount_reader", "wordcount_worker"}) {
        launched without({wordcount_program(role)});
        BOOST_TEST(without.status() == 2);
    }
    BOOST_TEST(place.empty());
}

BOOST_AUTO_TEST_CASE(the_limits_of_options_are_accepted) {
    const std::string good = file("good", "one two\n");
    for (const std::string option : {"--workers=1", "--workers=32", "--kill-every=10", "--kill-every=60000", "--seed=0",
                                     "--seed=18446744073709551615"}) {
        word_run run(place, {option, good});
        BOOST_TEST_CONTEXT(option) {
            BOOST_TEST(run.status() == 0);
            BOOST_TEST(run.words() == 2U);
            BOOST_TEST(run.last_line() == "exact: yes");
        }
    }
    word_run run(place, {"--seed=18446744073709551615", good});
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.says("the seed of the kills is 18446744073709551615\n"));
    BOOST_TEST(place.empty());
}

BOOST_AUTO_TEST_CASE(a_name_that_looks_like_an_option_follows_two_dashes) {
    const std::string path = file("--odd", "word\n");
    word_run run(place, {"--", "--odd"}, [this] { (void)chdir(inputs.path().c_str()); });
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.words() == 1U);
}

BOOST_AUTO_TEST_CASE(away_from_a_terminal_progress_is_plain_lines) {
    word_run run(place, {file("text", "one two\n")});
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.err().find('\r') == std::string::npos);
    BOOST_TEST(run.err().find('\x1b') == std::string::npos);
    BOOST_TEST(run.says("0.0 of 0.0 MB: "));
    BOOST_TEST(run.says(" MB/s, "));
    BOOST_TEST(run.says(" messages/s; killed: "));
}

// Goal: on a terminal one line changes in place. Method: an endless run, whose standard error is a terminal of ours;
// read it until it has changed three times.
BOOST_AUTO_TEST_CASE(on_a_terminal_progress_is_one_line_that_changes) {
    const int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ours < 0) return noria::rig::skip("no pseudo-terminal can be made here (no /dev/ptmx)");
    const char* const name = grantpt(ours) == 0 && unlockpt(ours) == 0 ? ptsname(ours) : nullptr;
    const std::string terminal = name == nullptr ? "" : name;
    const int trial = open(terminal.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (trial < 0) {
        close(ours);
        return noria::rig::skip("the other side of a pseudo-terminal cannot be opened here (no /dev/pts)");
    }
    close(trial);
    const std::string path = file("text", random_bytes(1'000'000, 5));
    std::vector<std::string> arguments(10'000, path);
    arguments.emplace_back("--no-kill");
    word_run run(place, arguments, [&] { dup2(open(terminal.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC), STDERR_FILENO); });
    const std::string change = "\r\x1b[K";
    std::string seen;
    std::size_t changes = 0;
    while (changes < 3) {
        std::array<char, 1024> some{};
        const ssize_t got = read(ours, some.data(), some.size());
        if (got <= 0) {
            BOOST_REQUIRE(errno == EIO);  // the other side is not open yet
            continue;
        }
        seen.append(some.data(), static_cast<std::size_t>(got));
        changes = 0;
        for (auto at = seen.find(change); at != std::string::npos; at = seen.find(change, at + 1)) ++changes;
    }
    run.send(SIGTERM);
    BOOST_TEST(run.status() == 128 + SIGTERM);
    BOOST_TEST(seen.starts_with(change));
    BOOST_TEST(seen.find(" of 10000.0 MB: ") != std::string::npos);
    BOOST_TEST(seen.find(" claims skipped: 0" + change) != std::string::npos);
    BOOST_TEST(seen.find('\n') == std::string::npos);
    close(ours);
}

BOOST_AUTO_TEST_CASE(away_from_a_terminal_progress_goes_on_line_by_line) {
    const std::string path = file("text", random_bytes(1'000'000, 5));
    word_run run(place, std::vector<std::string>(10'000, path));
    BOOST_TEST(noria::rig::eventually([&] {
        const std::string text = run.err();
        return std::ranges::count(text, '\n') >= 2;
    }));
    run.send(SIGTERM);
    BOOST_TEST(run.status() == 128 + SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_result_that_cannot_be_written_is_a_failure) {
    word_run run(place, {file("text", "one two\n")}, [] {
        const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        dup2(full, STDOUT_FILENO);
    });
    BOOST_TEST(run.status() == 1);
    BOOST_TEST(run.says("could not be written"));
}

BOOST_AUTO_TEST_CASE(names_may_hold_newlines_spaces_and_digits) {
    word_run run(place, {file("12 a\nb", "word\n"), file(" 7", "word\n"), file("a\xff", "word")});
    BOOST_TEST(run.status() == 0);
    BOOST_TEST(run.words() == 3U);
    BOOST_TEST(run.last_line() == "exact: yes");
}

BOOST_AUTO_TEST_CASE(a_file_that_becomes_shorter_is_named) {
    const std::string path = file("shrinks", random_bytes(1'000'000, 11));
    std::vector<std::string> arguments(10'000, path);
    arguments.emplace_back("--no-kill");
    word_run run(place, arguments);
    place.await_received(10);
    std::filesystem::resize_file(path, 100);
    BOOST_TEST(run.status() == 2);
    BOOST_TEST(run.says(path + ": became shorter while it was counted"));
    BOOST_TEST(run.out().empty());
    BOOST_TEST(place.empty());
}

BOOST_AUTO_TEST_CASE(two_runs_in_one_place_leave_each_other_alone) {
    const std::string path = file("text", random_bytes(10'000, 3));
    const std::uint64_t words = words_by_grep({path});
    for (int i = 0; i < 20; ++i) {
        word_run one(place, {path});  // finds the other's directory, and nobody attached to its queue yet
        word_run two(place, {path, path});
        BOOST_TEST(one.status() == 0);
        BOOST_TEST(two.status() == 0);
        BOOST_TEST(one.words() == words);
        BOOST_TEST(two.words() == 2 * words);
    }
    BOOST_TEST(place.empty());
}

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
