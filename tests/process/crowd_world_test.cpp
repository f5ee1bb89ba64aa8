// crowd_world_test.cpp: what an uneasy machine does to a crowd.
//
// Debuggers, real-time peers, other clocks, busy disks, refusals of the kernel, and very many of each role.
// Method: a stream through the queue meanwhile, whose every message is counted: so many, so large a sum, each once.
#include "noria/mpmc.hpp"
#include "process/scene.hpp"
#include "rig/container.hpp"
#include "rig/instruction_stepper.hpp"
#include "rig/seccomp.hpp"
#include "rig/shared_page.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <vector>

using namespace scene;

namespace {

using jobs = noria::mpmc<numbered>;

// What all consumers of a stream have received.
struct sums {
    std::atomic<std::uint64_t> count;
    std::atomic<std::uint64_t> total;
};

class stream {
public:
    stream(const std::filesystem::path& path, const noria::options& making) : path_(path), making_(making) {
        keeper_.emplace(path, making);  // nobody is told of an end before all producers have gone
    }
    [[nodiscard]] rig::child producer(
        std::uint64_t messages, const std::function<void()>& first = [] {}) const {
        return rig::child([this, messages, first] {
            first();
            jobs::producer out{path_, making_};
            for (std::uint64_t n = 0; n < messages; ++n) insist(out.push_for(number(n), patience), "the push succeeds");
            return 0;
        });
    }
    // Sends until there are enough, and notes how much that was.
    [[nodiscard]] rig::child producer_until(const std::atomic<bool>& enough, sums& sent) const {
        return rig::child([this, &enough, &sent] {
            jobs::producer out{path_, making_};
            for (std::uint64_t n = 0; !enough; ++n) {
                insist(out.push_for(number(n), patience), "the push succeeds");
                ++sent.count;
                sent.total += n;
            }
            return 0;
        });
    }
    [[nodiscard]] rig::child consumer(const std::function<void()>& first = [] {}) const {
        return rig::child([this, first] {
            first();
            jobs::consumer in{path_, making_};
            while (const auto got = in.pop_for(patience)) {
                insist(whole(*got) && got.deliveries() == 1, "the message is whole, and comes for the first time");
                ++all_->count;
                all_->total += got->number;
            }
            insist(in.ended() == noria::end::finished, "the stream is finished");
            return 0;
        });
    }
    void end() { keeper_.reset(); }
    void check(std::uint64_t producers, std::uint64_t messages) const {
        check_sums(producers * messages, producers * messages * (messages - 1) / 2);
    }
    void check_sums(std::uint64_t count, std::uint64_t total) const {
        BOOST_TEST(all_->count == count);
        BOOST_TEST(all_->total == total);
        const auto seen = noria::inspect(path_);
        BOOST_TEST(seen.counters.sent == count);
        BOOST_TEST(seen.counters.received == count);
        BOOST_TEST(seen.counters.redelivered + seen.counters.skipped == 0U);
        BOOST_TEST(seen.roster.empty());
    }
    [[nodiscard]] std::uint64_t received() const { return all_->count; }
    // A consumer that comes when the others have heard the end waits for another stream.
    [[nodiscard]] bool await_consumers(std::size_t how_many) const {
        return rig::eventually([&] {
            return std::ranges::count_if(noria::inspect(path_).roster, [](const auto& each) {
                       return each.role == noria::role::consumer && each.alive;
                   }) == static_cast<std::ptrdiff_t>(how_many);
        });
    }

private:
    std::filesystem::path path_;
    noria::options making_;
    std::optional<jobs::producer> keeper_;
    rig::shared_page<sums> all_;
};

void run(stream& all, std::vector<rig::child>& producers, std::vector<rig::child>& consumers) {
    for (auto& each : producers) BOOST_TEST(each.wait() == well);
    BOOST_TEST(all.await_consumers(consumers.size()));
    all.end();
    for (auto& each : consumers) BOOST_TEST(each.wait() == well);
}

// As a debugger comes and goes: attached, stopped, some system calls looked at, detached.
bool debug_for_a_moment(pid_t process) {
    if (ptrace(PTRACE_SEIZE, process, nullptr, nullptr) != 0) return false;
    if (ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr) != 0) return false;
    int status = 0;
    for (int stops = 0; stops < 5; ++stops) {
        // Who has ended meanwhile is left for its owner to reap.
        siginfo_t what{};
        if (waitid(P_PID, static_cast<id_t>(process), &what, WEXITED | WSTOPPED | WNOWAIT | __WALL) != 0) return false;
        if (what.si_code != CLD_TRAPPED && what.si_code != CLD_STOPPED) return false;
        if (waitpid(process, &status, __WALL) != process || !WIFSTOPPED(status)) return false;
        if (stops == 4) break;
        if (ptrace(PTRACE_SYSCALL, process, nullptr, nullptr) != 0) return false;
        // It may sleep, and make no call for long.
        if (ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr) != 0) return false;
    }
    return ptrace(PTRACE_DETACH, process, nullptr, nullptr) == 0;
}

// This process, and what it forks from now on, one processor, and if asked for before all ordinary ones. False: it may not.
bool run_first(bool real_time) {
    rig::pin_to(0);
    const sched_param lowest{.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    return !real_time || sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crowd_world)

BOOST_AUTO_TEST_CASE(debuggers_that_come_and_go_disturb_no_stream) {
    // The stream goes on until they have come and gone so often, to each of its processes by turns.
    const rig::workspace place;
    stream all(place / "queue", {.capacity = 8});
    const rig::shared_page<sums> sent;
    const rig::shared_page<std::atomic<bool>> enough;
    std::vector<rig::child> consumers;
    std::vector<rig::child> producers;
    for (int i = 0; i < 2; ++i) consumers.push_back(all.consumer());
    for (int i = 0; i < 2; ++i) producers.push_back(all.producer_until(*enough, *sent));
    const auto messages_pass = [&] {
        const std::uint64_t before = all.received();
        return rig::eventually([&] { return all.received() > before + 10; });
    };
    BOOST_TEST(messages_pass());
    for (std::size_t times = 0; times < 60; ++times) {
        const auto& one = times % 2 == 0 ? consumers : producers;
        BOOST_REQUIRE(debug_for_a_moment(one[times / 2 % 2].pid()));
        BOOST_REQUIRE(messages_pass());
    }
    *enough = true;
    run(all, producers, consumers);
    all.check_sums(sent->count, sent->total);
}

BOOST_AUTO_TEST_CASE(a_real_time_consumer_on_the_producers_processor_starves_nobody) {
    // It waits at the highest priority of all, on the one processor that the producer needs to end the wait.
    rig::child trial([] { return run_first(true) ? 0 : 1; });
    if (trial.wait() != well) return rig::skip("no real-time scheduling here (not root, or a group without a budget)");
    const rig::workspace place;
    stream all(place / "queue", {.capacity = 4});
    constexpr std::uint64_t each = 3000;
    std::vector<rig::child> consumers;
    std::vector<rig::child> producers;
    consumers.push_back(all.consumer([] { insist(run_first(true), "it is a real-time process"); }));
    for (int i = 0; i < 2; ++i) producers.push_back(all.producer(each, [] { (void)run_first(false); }));
    run(all, producers, consumers);
    all.check(2, each);
}

BOOST_AUTO_TEST_CASE(members_whose_monotonic_clocks_differ_by_a_day_wait_as_long_as_they_were_asked_to) {
    const auto shift_clock = [] {
        if (unshare(CLONE_NEWTIME) != 0) return false;
        std::ofstream offsets("/proc/self/timens_offsets");
        offsets << "monotonic 86400 0\n" << std::flush;
        return offsets.good();
    };
    rig::child trial([&] { return shift_clock() ? 0 : 1; });
    if (trial.wait() != well) return rig::skip("no time namespaces here (not root, or an old kernel)");
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 4}};
    jobs::consumer near{path};
    const rig::milestone waited;
    rig::child far([&] {
        insist(shift_clock(), "the clock is shifted");
        rig::child inside([&] {  // the namespace is the children's
            const auto begun = std::chrono::steady_clock::now();
            jobs::consumer in{path};
            jobs::producer back{path};
            insist(!in.pop_for(a_while) && in.why() == noria::outcome::timed_out, "there is nothing");
            const auto took = std::chrono::steady_clock::now() - begun;
            insist(took >= a_while && took < patience, "it has waited as long as it was asked to");
            waited.tell();
            const auto got = in.pop_for(patience);
            insist(got && got->number == 1, "the message comes");
            insist(back.push_for(number(2), patience), "the answer goes");
            return 0;
        });
        return inside.wait() == well ? 0 : 1;
    });
    waited.hear();
    BOOST_REQUIRE(rig::eventually([&] { return noria::inspect(path).consumers.sleeper_armed; }));
    BOOST_TEST(out.push_for(number(1), patience));
    BOOST_TEST(far.wait() == well);
    BOOST_TEST(near.pop_for(patience)->number == 2U);
}

BOOST_AUTO_TEST_CASE(a_storm_of_writing_on_the_queue_s_disk_costs_no_message) {
    const rig::workspace place("/var/tmp");
    std::optional<stream> all;
    try {
        all.emplace(place / "queue", noria::options{.capacity = 64});
    } catch (const noria::error& refused) {
        BOOST_REQUIRE((refused.code() == noria::errc::unsupported_file_system));
        return rig::skip("the disk's file system promises no allocated bytes");
    }
    const rig::shared_page<std::atomic<bool>> over;
    const rig::milestone begun;
    rig::child storm([&] {
        const int file = open((place / "storm").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        const std::vector<char> block(1U << 20, 'w');
        for (int turn = 0; !*over; ++turn) {
            for (int i = 0; i < 16; ++i) {
                if (pwrite(file, block.data(), block.size(), i * static_cast<off_t>(block.size())) < 0) return 1;
            }
            if (fsync(file) != 0) return 1;
            if (turn == 0) begun.tell();
        }
        close(file);
        return 0;
    });
    begun.hear();
    constexpr std::uint64_t each = 20000;
    std::vector<rig::child> consumers;
    std::vector<rig::child> producers;
    for (int i = 0; i < 2; ++i) consumers.push_back(all->consumer());
    for (int i = 0; i < 2; ++i) producers.push_back(all->producer(each));
    run(*all, producers, consumers);
    *over = true;
    BOOST_TEST(storm.wait() == well);
    all->check(2, each);
}

BOOST_AUTO_TEST_CASE(calls_that_the_kernel_refuses_are_errors_or_slower_waits_and_no_hang) {
    rig::child trial([] { return rig::deny({{.call = SYS_getpriority, .error = EPERM}}) ? 0 : 1; });
    if (trial.wait() != well) return rig::skip("this kernel keeps no seccomp filters");
    constexpr int set_lock = F_OFD_SETLK;
    const auto refused = [](const std::vector<rig::denial>& calls, noria::errc expected, bool exists) {
        const rig::workspace place;
        if (exists) jobs::producer{place / "queue", {.capacity = 4}};
        rig::child process([&] {
            insist(rig::deny(calls), "the calls are denied");
            std::error_code code;
            const auto out = jobs::producer::open_or_create(place / "queue", {.capacity = 4}, code);
            insist(!out.is_open() && code == expected, "it is refused, by that error");
            insist(out.error_text().find((place / "queue").string()) != std::string::npos, "the text names the file");
            return 0;
        });
        BOOST_TEST(process.wait() == well);
        BOOST_TEST(place.files() == (exists ? 1U : 0U));
    };
    BOOST_TEST_CONTEXT("locks") {
        refused({{.call = SYS_fcntl, .error = EPERM, .argument = 1, .bits = set_lock}}, noria::errc::system, true);
    }
    BOOST_TEST_CONTEXT("allocation") {
        refused({{.call = SYS_fallocate, .error = EPERM}}, noria::errc::no_permission, false);
    }
    BOOST_TEST_CONTEXT("sleeping") {
        // Who may not sleep may still wait; who may not wake others leaves them to their slices.
        const rig::workspace place;
        stream all(place / "queue", {.capacity = 4});
        const auto deny_futex = [] { insist(rig::deny({{.call = SYS_futex, .error = EPERM}}), "futex is denied"); };
        std::vector<rig::child> consumers;
        std::vector<rig::child> producers;
        consumers.push_back(all.consumer(deny_futex));
        consumers.push_back(all.consumer());
        producers.push_back(all.producer(200, deny_futex));
        producers.push_back(all.producer(200));
        run(all, producers, consumers);
        all.check(2, 200);
    }
}

BOOST_AUTO_TEST_CASE(a_sleeper_that_may_ask_for_no_barriers_is_seen_to_need_fences) {
    // It could when it attached, so that only its own side's word says it.
    rig::child trial([] { return rig::deny({{.call = SYS_membarrier, .error = EPERM}}) ? 0 : 1; });
    if (trial.wait() != well) return rig::skip("this kernel keeps no seccomp filters");
    const auto deny_barriers = [] { insist(rig::deny({{.call = SYS_membarrier, .error = EPERM}}), "it is denied"); };
    const rig::workspace place;
    const auto path = place / "queue";
    const auto comes_to_need_fences = [&] {
        return rig::eventually([&] { return noria::inspect(path).needs_fences; });
    };
    {
        jobs::producer out{path, {.capacity = 1}};
        rig::child sleeper([&] {
            jobs::consumer in{path};
            deny_barriers();
            return in.pop_for(patience) ? 0 : 1;
        });
        BOOST_TEST(comes_to_need_fences());
        BOOST_TEST(out.try_push(number(1)));
        BOOST_TEST(sleeper.wait() == well);
    }
    std::filesystem::remove(path);
    jobs::consumer in{path, {.capacity = 1}};
    rig::child sleeper([&] {
        jobs::producer out{path};
        deny_barriers();
        return out.try_push(number(1)) && out.push_for(number(2), patience) ? 0 : 1;
    });
    BOOST_TEST(comes_to_need_fences());
    BOOST_TEST(in.pop_for(patience)->number == 1U);
    BOOST_TEST(sleeper.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_hundred_and_twenty_eight_of_each_role_share_a_queue_and_sleep_when_there_is_nothing) {
    constexpr std::uint64_t many = 128;
    constexpr std::uint64_t each = 40;
    const rig::workspace place;
    stream all(place / "queue", {.capacity = 64, .endpoints = 300});
    std::vector<rig::child> consumers;
    for (std::uint64_t i = 0; i < many; ++i) consumers.push_back(all.consumer());
    for (const auto& one : consumers) await_sleep(one);
    std::vector<rig::child> producers;
    for (std::uint64_t i = 0; i < many; ++i) producers.push_back(all.producer(each));
    run(all, producers, consumers);
    all.check(many, each);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
