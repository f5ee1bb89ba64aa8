// wordcount_death_test.cpp: whoever of a word count is killed, and when: the others end, say so, and leave nothing.
#include "programs/word_run.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>

#include <array>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

using noria::role;
using noria::rig::eventually;
using noria::rig::word_place;
using noria::rig::word_run;
using noria::rig::wordcount_program;

namespace {

// Words that are all new keep the counter busier than the reader.
std::string new_words(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += "word" + std::to_string(i) + (i % 8 == 7 ? "\n" : " ");
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

struct scene {
    noria::rig::workspace inputs;
    word_place place;
    // As good as endless: 40 GB, from one file named 20,000 times.
    std::vector<std::string> endless =
        std::vector<std::string>(20'000, noria::rig::write(inputs / "w", new_words(2'000'000)));
    std::string little = noria::rig::write(inputs / "l", "one two\n");

    // Orphans of a killed wordcount become our children, so that their end can be waited for.
    scene() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

    void next_run_is_clean() const {
        word_run next(place, {little});
        BOOST_TEST(next.status() == 0);
        BOOST_TEST(next.last_line() == "exact: yes");
        BOOST_TEST(place.empty());
    }
};

// From the first message to where the ring has turned many times.
constexpr std::array<std::uint64_t, 4> moments{0, 1, 5'000, 200'000};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(wordcount_death, scene)

BOOST_AUTO_TEST_CASE(a_killed_reader_is_named_and_nothing_is_called_exact) {
    for (const auto moment : moments) {
        word_run run(place, endless);
        place.await_received(moment);
        BOOST_REQUIRE(
            eventually([&] { return place.pid_of(role::producer) != 0 && place.pid_of(role::consumer) != 0; }));
        const pid_t reader = place.pid_of(role::producer);
        const pid_t counter = place.pid_of(role::consumer);
        kill(reader, SIGKILL);
        BOOST_TEST_CONTEXT("after " << moment << " messages") {
            BOOST_TEST(run.status() == 1);
            BOOST_TEST(run.says("wordcount_counter: the reader died\n"));
            BOOST_TEST(run.says("wordcount: the reader was killed: signal 9 (Killed)\n"));
            BOOST_TEST(!run.says("the counter was killed"));
            BOOST_TEST(run.out().empty());
            BOOST_TEST(kill(counter, 0) == -1);
            BOOST_TEST(place.empty());
        }
    }
    next_run_is_clean();
}

BOOST_AUTO_TEST_CASE(a_killed_counter_is_named_and_nothing_is_called_exact) {
    for (const auto moment : moments) {
        word_run run(place, endless);
        place.await_received(moment);
        BOOST_REQUIRE(
            eventually([&] { return place.pid_of(role::producer) != 0 && place.pid_of(role::consumer) != 0; }));
        const pid_t reader = place.pid_of(role::producer);
        const pid_t counter = place.pid_of(role::consumer);
        kill(counter, SIGKILL);
        BOOST_TEST_CONTEXT("after " << moment << " messages") {
            BOOST_TEST(run.status() == 1);
            BOOST_TEST(run.says("wordcount_reader: the counter died\n"));
            BOOST_TEST(run.says("wordcount: the counter was killed: signal 9 (Killed)\n"));
            BOOST_TEST(!run.says("the reader was killed"));
            BOOST_TEST(run.out().empty());
            BOOST_TEST(kill(reader, 0) == -1);
            BOOST_TEST(place.empty());
        }
    }
    next_run_is_clean();
}

// Goal: a role that dies before it came to the queue is an end to the other, which would wait for it for ever. Method:
// kill it as soon as it has its name.
BOOST_AUTO_TEST_CASE(a_role_that_is_killed_at_birth_ends_the_run) {
    for (const std::string name : {"reader", "counter"}) {
        for (int i = 0; i < 10; ++i) {
            word_run run(place, endless);
            pid_t victim = 0;
            BOOST_REQUIRE(eventually([&] {
                for (const pid_t each : children_of(run.pid())) {
                    if (is_role(each, name)) victim = each;
                }
                return victim != 0;
            }));
            kill(victim, SIGKILL);
            BOOST_TEST(run.status() == 1);
            BOOST_TEST(run.says("wordcount: the " + name + " was killed: signal 9 (Killed)\n"));
            BOOST_TEST(run.out().empty());
            BOOST_TEST(place.empty());
        }
    }
    next_run_is_clean();
}

// Goal: when the reader has sent everything and gone, nobody but wordcount can notice that the counter dies. Method: stop
// the counter again and again until the reader is gone and there is something left to count; then kill it.
BOOST_AUTO_TEST_CASE(a_counter_that_is_killed_after_the_reader_has_gone_is_named) {
    const std::vector<std::string> finite(3, endless.front());
    for (int attempt = 0; attempt < 100; ++attempt) {
        word_run run(place, finite);
        place.await_received(1);
        pid_t counter = 0;
        bool caught = false;
        while (!caught && (counter = place.pid_of(role::consumer)) != 0) {
            kill(counter, SIGSTOP);
            const auto now = place.look();
            caught =
                now && now->depth > 0 && place.pid_of(role::producer) == 0 && place.pid_of(role::consumer) == counter;
            kill(counter, caught ? SIGKILL : SIGCONT);
        }
        if (!caught) continue;  // it was done before we could stop it
        BOOST_TEST(run.status() == 1);
        BOOST_TEST(run.says("wordcount: the counter was killed: signal 9 (Killed)\n"));
        BOOST_TEST(!run.says("wordcount_reader:"));
        BOOST_TEST(run.out().empty());
        BOOST_TEST(place.empty());
        next_run_is_clean();
        return;
    }
    BOOST_FAIL("the counter was never caught behind the reader");
}

BOOST_AUTO_TEST_CASE(a_stopped_survivor_is_killed) {
    word_run run(place, endless);
    place.await_received(1000);
    const pid_t reader = place.pid_of(role::producer);
    const pid_t counter = place.pid_of(role::consumer);
    BOOST_REQUIRE(reader != 0);
    BOOST_REQUIRE(counter != 0);
    kill(counter, SIGSTOP);
    kill(reader, SIGKILL);
    BOOST_TEST(run.status() == 1);
    BOOST_TEST(run.says("wordcount: the reader was killed: signal 9 (Killed)\n"));
    BOOST_TEST(run.out().empty());
    BOOST_TEST(kill(counter, 0) == -1);
    next_run_is_clean();
}

BOOST_AUTO_TEST_CASE(the_roles_end_with_a_killed_wordcount_and_clear_up) {
    for (const auto moment : moments) {
        word_run run(place, endless);
        place.await_received(moment);
        BOOST_REQUIRE(
            eventually([&] { return place.pid_of(role::producer) != 0 && place.pid_of(role::consumer) != 0; }));
        const pid_t reader = place.pid_of(role::producer);
        const pid_t counter = place.pid_of(role::consumer);
        run.send(SIGKILL);
        BOOST_TEST(run.status() == 128 + SIGKILL);
        // Blocks until they have ended: that they do is what is tested.
        for (const pid_t orphan : {reader, counter}) {
            int status = 0;
            BOOST_TEST(waitpid(orphan, &status, 0) == orphan);
        }
        // Before its first message a role may not have come so far that it can clear up.
        if (moment > 0) BOOST_TEST(place.empty());
        BOOST_TEST(!run.claims_exactness());
    }
    next_run_is_clean();
}

BOOST_AUTO_TEST_CASE(after_all_three_are_killed_the_next_run_clears_up) {
    for (const auto moment : moments) {
        word_run run(place, endless);
        place.await_received(moment);
        BOOST_REQUIRE(
            eventually([&] { return place.pid_of(role::producer) != 0 && place.pid_of(role::consumer) != 0; }));
        const pid_t reader = place.pid_of(role::producer);
        const pid_t counter = place.pid_of(role::consumer);
        for (const pid_t each : {reader, counter}) kill(each, SIGSTOP);  // so that nobody gets around to clearing up
        run.send(SIGKILL);
        BOOST_TEST(run.status() == 128 + SIGKILL);
        for (const pid_t each : {reader, counter}) {
            kill(each, SIGKILL);
            int status = 0;
            BOOST_TEST(waitpid(each, &status, 0) == each);
        }
        BOOST_TEST(!place.empty());
        next_run_is_clean();
    }
}

BOOST_AUTO_TEST_CASE(a_signal_ends_the_run_in_order) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        word_run run(place, endless);
        place.await_received(1000);
        run.send(signal);
        BOOST_TEST(run.status() == 128 + signal);
        BOOST_TEST(run.says("wordcount: stopped by signal " + std::to_string(signal)));
        BOOST_TEST(!run.says("was killed"));
        BOOST_TEST(run.out().empty());
        BOOST_TEST(place.empty());
    }
    next_run_is_clean();
}

BOOST_AUTO_TEST_CASE(a_signal_interrupts_roles_that_wait) {
    const std::string queue = place.folder / "queue";
    noria::rig::launched counter({wordcount_program("wordcount_counter"), queue});
    BOOST_REQUIRE(eventually([&] { return noria::rig::sleeps_in_futex(counter.pid()); }));
    counter.send(SIGTERM);
    BOOST_TEST(counter.status() == 128 + SIGTERM);

    std::vector<std::string> reading(endless.begin(), endless.begin() + 10);  // more than the queue holds
    reading.insert(reading.begin(), {wordcount_program("wordcount_reader"), queue});
    noria::rig::launched reader(reading);
    BOOST_REQUIRE(eventually([&] { return noria::rig::sleeps_in_futex(reader.pid()); }));
    reader.send(SIGTERM);
    BOOST_TEST(reader.status() == 128 + SIGTERM);

    // What the reader left unfinished is not taken for a whole text, and a new reader begins anew.
    noria::rig::launched second_counter({wordcount_program("wordcount_counter"), queue});
    BOOST_TEST(second_counter.status() == 1);
    BOOST_TEST(second_counter.out().empty());
    noria::rig::launched second_reader({wordcount_program("wordcount_reader"), queue, little});
    BOOST_TEST(second_reader.status() == 0);
    noria::rig::launched third_counter({wordcount_program("wordcount_counter"), queue});
    BOOST_TEST(third_counter.status() == 0);
    BOOST_TEST(third_counter.out().size() == std::string("1 one\n1 two\n").size());
}

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
