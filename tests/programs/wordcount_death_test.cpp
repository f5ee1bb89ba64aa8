// wordcount_death_test.cpp: whoever of a word count is killed, and when: the count is exact all the same, and leaves nothing.
#include "programs/word_run.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

using noria::role;
using noria::rig::eventually;
using noria::rig::word_place;
using noria::rig::word_run;

namespace {

// 20,000 words, and lines and blocks that end amid them.
std::string new_words(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i)
        text += "word" + std::to_string(i % 20'000) + (i % 8 == 7 ? "\n" : " ");
    return text;
}

// The children of the process at this moment, dead ones included.
std::vector<pid_t> children_of(pid_t parent) {
    const std::string pid = std::to_string(parent);
    std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
    std::vector<pid_t> children;
    for (pid_t child = 0; list >> child;) children.push_back(child);
    return children;
}

bool is_role(pid_t pid, const std::string& name) {
    return noria::rig::content("/proc/" + std::to_string(pid) + "/cmdline").find("wordcount_" + name) !=
           std::string::npos;
}

bool is_over(pid_t pid) {
    siginfo_t about{};
    return waitid(P_PID, static_cast<id_t>(pid), &about, WEXITED | WNOHANG | WNOWAIT) == 0 && about.si_pid == pid;
}

struct scene {
    noria::rig::workspace inputs;
    word_place place;
    std::string text = noria::rig::write(inputs / "w", new_words(2'000'000));
    std::vector<std::string> some = std::vector<std::string>(10, text);         // 4,900 blocks
    std::vector<std::string> endless = std::vector<std::string>(20'000, text);  // 40 GB: as good as that
    std::uint64_t words_in_some = 10 * noria::rig::words_by_grep({text});
    std::string little = noria::rig::write(inputs / "l", "one two\n");

    // Orphans of a killed wordcount become our children, so that their end can be waited for.
    scene() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

    static std::vector<std::string> with(std::vector<std::string> options, const std::vector<std::string>& files) {
        options.insert(options.end(), files.begin(), files.end());
        return options;
    }

    // The run counts exactly, whatever has happened to it.
    word_run::incidents exact(word_run& run) const {
        BOOST_TEST(run.status() == 0);
        BOOST_TEST(run.words() == words_in_some);
        BOOST_TEST(run.last_line() == "exact: yes");
        BOOST_TEST(place.empty());
        return run.incidents_told();
    }

    void next_run_is_clean() const {
        word_run next(place, {"--no-kill", little});
        BOOST_TEST(next.status() == 0);
        BOOST_TEST(next.last_line() == "exact: yes");
        BOOST_TEST(place.empty());
    }

    // Stops somebody of that role again and again until `wanted` holds; he stays stopped. 0: the run was over before.
    template <class Wanted>
    pid_t stop_when(role who, Wanted wanted) const {
        for (pid_t pid = 0; (pid = place.pid_of(who)) != 0; kill(pid, SIGCONT)) {
            kill(pid, SIGSTOP);
            const auto now = place.look();
            if (now && wanted(*now, static_cast<std::uint64_t>(pid))) return pid;
        }
        return 0;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(wordcount_death, scene)

BOOST_AUTO_TEST_CASE(killed_while_it_works_it_counts_exactly) {
    for (const std::string workers : {"1", "4", "9"}) {
        unsigned killed = 0;
        // A run that was over before the first kill shows nothing: another, then.
        for (int attempt = 0; killed == 0 && attempt < 100; ++attempt) {
            word_run run(place, with({"--workers=" + workers, "--kill-every=40"}, some));
            BOOST_TEST_CONTEXT(workers << " workers") {
                const auto told = exact(run);
                killed = told.workers + told.readers;
                BOOST_TEST_CONTEXT(run.err()) { BOOST_TEST(told.repeats <= told.redelivered); }
            }
        }
        BOOST_TEST(killed > 0U);
    }
}

BOOST_AUTO_TEST_CASE(without_kills_nothing_comes_twice) {
    word_run run(place, with({"--no-kill"}, some));
    const auto told = exact(run);
    BOOST_TEST(told.workers + told.readers == 0U);
    BOOST_TEST(told.redelivered + told.repeats + told.skipped == 0U);
    BOOST_TEST(!run.says("the seed"));
}

// Goal: a reader that is killed at any block leaves its successor to send the next one: none is lost, none sent twice.
// Method: stop wordcount itself at that block, whereupon soon nobody can work; kill the reader.
BOOST_AUTO_TEST_CASE(a_killed_reader_is_replaced_by_one_that_goes_on_where_it_was) {
    for (const std::uint64_t moment : {0U, 1U, 100U, 1500U}) {
        bool killed = false;
        for (int attempt = 0; !killed && attempt < 100; ++attempt) {
            word_run run(place, with({"--no-kill"}, some));
            BOOST_REQUIRE(eventually([&] {
                const auto now = place.look();
                return is_over(run.pid()) ||
                       (now && now->counters.received >= moment && place.pid_of(role::producer) != 0);
            }));
            run.send(SIGSTOP);
            const pid_t reader = place.pid_of(role::producer);
            killed = reader != 0;
            if (killed) kill(reader, SIGKILL);
            run.send(SIGCONT);
            const auto told = exact(run);
            if (!killed) continue;  // it was done before we could stop it
            BOOST_TEST(told.readers == 1U);
            BOOST_TEST(told.workers + told.redelivered + told.repeats == 0U);
        }
        BOOST_TEST(killed);
    }
}

BOOST_AUTO_TEST_CASE(a_block_that_the_reader_was_just_writing_is_skipped_and_sent_again) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        word_run run(place, with({"--no-kill"}, some));
        place.await_received(1);
        const pid_t reader = stop_when(role::producer, [](const noria::snapshot& now, std::uint64_t pid) {
            return now.claimed && now.claimed->pid == pid;
        });
        if (reader != 0) kill(reader, SIGKILL);
        const auto told = exact(run);
        if (reader == 0) continue;
        BOOST_TEST(told.readers == 1U);
        BOOST_TEST(told.skipped == 1U);
        BOOST_TEST(told.repeats == 0U);
        return;
    }
    BOOST_FAIL("the reader was never caught amid a block");
}

BOOST_AUTO_TEST_CASE(a_block_that_a_killed_worker_held_is_counted_by_another) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        word_run run(place, with({"--no-kill", "--workers=2"}, some));
        place.await_received(1);
        const pid_t worker = stop_when(role::consumer, [](const noria::snapshot& now, std::uint64_t pid) {
            return std::ranges::count(now.in_hand, pid, &noria::held_work::pid) == 1;
        });
        if (worker != 0) kill(worker, SIGKILL);
        const auto told = exact(run);
        if (worker == 0) continue;
        BOOST_TEST(told.workers == 1U);
        BOOST_TEST(told.redelivered == 1U);
        BOOST_TEST(told.readers == 0U);
        return;
    }
    BOOST_FAIL("no worker was ever caught with a block");
}

// With one worker, whose successor cannot but find the block.
BOOST_AUTO_TEST_CASE(the_result_of_a_worker_that_dies_before_it_releases_the_block_is_counted_once) {
    for (const std::string block : {"1", "100", "3000"}) {
        word_run run(place, with({"--no-kill", "--workers=1", "--die-behind=" + block}, some));
        const auto told = exact(run);
        BOOST_TEST(told.workers == 1U);
        BOOST_TEST(told.redelivered == 1U);
        BOOST_TEST(told.repeats == 1U);
        BOOST_TEST(told.readers + told.skipped == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_role_that_is_killed_at_birth_is_replaced) {
    for (const std::string name : {"reader", "worker"}) {
        for (int i = 0; i < 3; ++i) {
            word_run run(place, with({"--no-kill"}, some));
            pid_t victim = 0;
            BOOST_REQUIRE(eventually([&] {
                for (const pid_t each : children_of(run.pid())) {
                    if (is_role(each, name)) victim = each;
                }
                return victim != 0;
            }));
            kill(victim, SIGKILL);
            const auto told = exact(run);
            BOOST_TEST(told.workers + told.readers == 1U);
            BOOST_TEST((name == "reader" ? told.readers : told.workers) == 1U);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_role_that_crashes_ends_the_run_and_is_named) {
    for (const auto who : {role::producer, role::consumer}) {
        word_run run(place, with({"--no-kill"}, endless));
        place.await_received(100);
        const pid_t victim = place.pid_of(who);
        BOOST_REQUIRE(victim != 0);
        kill(victim, SIGSEGV);
        BOOST_TEST(run.status() == 1);
        BOOST_TEST(run.says(std::string("wordcount: the ") + (who == role::producer ? "reader" : "worker") +
                            " was killed: signal 11 (Segmentation fault)\n"));
        BOOST_TEST(run.out().empty());
        BOOST_TEST(place.empty());
    }
    next_run_is_clean();
}

// Goal: no role outlives wordcount, not even one that was just started; the next run removes what is left. Method: kill it
// at several moments; then wait for each of its children, which blocks until it has ended.
BOOST_AUTO_TEST_CASE(the_roles_end_with_a_killed_wordcount_and_the_next_run_clears_up) {
    for (const std::uint64_t moment : {0U, 1U, 100U, 1500U}) {
        word_run run(place, with({"--kill-every=40"}, endless));
        if (moment == 0)
            BOOST_REQUIRE(eventually([&] { return children_of(run.pid()).size() >= 2; }));
        else
            place.await_received(moment);
        run.send(SIGSTOP);  // so that its children stay the same
        const std::vector<pid_t> orphans = children_of(run.pid());
        run.send(SIGKILL);
        BOOST_TEST(run.status() == 128 + SIGKILL);
        BOOST_TEST(!run.claims_exactness());
        for (const pid_t orphan : orphans) {
            int status = 0;
            const pid_t buried =
                waitpid(orphan, &status, 0);  // -1: it was dead already, and wordcount had just seen that
            BOOST_TEST((buried == orphan || buried == -1));
        }
        BOOST_TEST(!place.empty());
        next_run_is_clean();
    }
}

BOOST_AUTO_TEST_CASE(a_signal_ends_the_run_in_order) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        for (const bool halted : {false, true}) {
            word_run run(place, with({"--kill-every=40"}, endless));
            place.await_received(1000);
            const std::vector<pid_t> roles = children_of(run.pid());
            if (halted) {
                // Who is not yet a role has wordcount's own program still, and wordcount waits until that has changed.
                for (const pid_t each : roles) {
                    if (is_role(each, "")) kill(each, SIGSTOP);
                }
            }
            run.send(signal);
            BOOST_TEST(run.status() == 128 + signal);
            BOOST_TEST(run.says("wordcount: stopped by signal " + std::to_string(signal)));
            BOOST_TEST(!run.says("was killed"));
            BOOST_TEST(run.out().empty());
            for (const pid_t each : roles) BOOST_TEST(kill(each, 0) == -1);
            BOOST_TEST(place.empty());
        }
    }
    next_run_is_clean();
}

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
