// bus_error_test.cpp: to whom the truncation guard passes a SIGBUS that is not its own; forks, threads, and repetition.
#include "process/truncation.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace scene;

namespace {

// A mapping that is no queue's, whose only page its file has lost.
struct lost_page {
    std::byte* at = nullptr;
    explicit lost_page(const std::filesystem::path& path) {
        const int file = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        insist(ftruncate(file, page) == 0, "there is a page");
        at = static_cast<std::byte*>(mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
        insist(ftruncate(file, 0) == 0, "the page is gone");
        close(file);
    }
    // Faults, and returns if the handler has made it possible.
    void touch() const { *const_cast<volatile std::byte*>(at) = std::byte{1}; }
};

// What the earlier handler of a case saw.
struct {
    volatile sig_atomic_t calls = 0;
    const void* volatile address = nullptr;
    volatile bool masked = false;
    sigjmp_buf way_out;
} seen;

bool blocked(int signal) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, signal) == 1;
}
void note(int signal, siginfo_t* info, void* context) {
    seen.calls = seen.calls + 1;
    seen.address = info->si_addr;
    seen.masked = signal == SIGBUS && context != nullptr && blocked(SIGBUS) && blocked(SIGUSR1) && !blocked(SIGUSR2);
    mmap(info->si_addr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
void note_plainly(int signal) {
    seen.calls = seen.calls + 1;
    seen.masked = signal == SIGBUS && blocked(SIGBUS) && !blocked(SIGUSR1);
    siglongjmp(seen.way_out, 1);
}
void handle(void (*handler)(int), int flags = 0) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    insist(sigaction(SIGBUS, &action, nullptr) == 0, "there is a handler");
}
void handle(void (*handler)(int, siginfo_t*, void*), int flags = 0) {
    struct sigaction action = {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigaddset(&action.sa_mask, SIGUSR1);
    insist(sigaction(SIGBUS, &action, nullptr) == 0, "there is a handler");
}

// One process's use of its queue, the loss included.
void lose_a_queue(const std::filesystem::path& path) {
    numbers::producer out{path, {.capacity = 64}};
    send(out, 0, 3);
    cut(path, 0);
    insist_all_verbs_corrupt<of_numbers>(out, path);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(foreign_signals)

BOOST_AUTO_TEST_CASE(earlier_handler_gets_foreign_faults_as_if_it_were_alone) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        handle(note);
        noria::guard_against_truncation();
        const lost_page foreign(place / "foreign");
        lose_a_queue(place / "q");
        insist(seen.calls == 0, "a queue's fault is not passed on");
        foreign.touch();
        insist(seen.calls == 1 && seen.address == foreign.at && seen.masked, "the earlier one is called as it asked");
        insist(!blocked(SIGBUS) && !blocked(SIGUSR1) && !blocked(SIGUSR2), "no signal stays blocked");
        lose_a_queue(place / "r");
        insist(raise(SIGBUS) == 0 && seen.calls == 2, "what is sent is passed on");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(earlier_handler_that_wants_the_alternate_stack_has_it) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        static std::byte memory[65536];
        const stack_t other{.ss_sp = memory, .ss_flags = 0, .ss_size = sizeof memory};
        insist(sigaltstack(&other, nullptr) == 0, "there is an alternate stack");
        static volatile bool there = false;
        handle(
            [](int, siginfo_t* info, void*) {
                const std::byte here{};
                there = std::less<>()(memory, &here) && std::less<>()(&here, memory + sizeof memory);
                mmap(info->si_addr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            },
            SA_ONSTACK);
        noria::guard_against_truncation();
        const lost_page foreign(place / "foreign");
        foreign.touch();
        insist(there, "it ran there");
        lose_a_queue(place / "q");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_sent_signal_that_is_ignored_ends_no_system_call) {
    // Method: a read of an empty pipe, and a signal in the middle of it; when the process has it no more before it, there is
    // something to read.
    int ends[2];
    BOOST_REQUIRE(pipe(ends) == 0);
    rig::child process = unguarded([&] {
        handle(SIG_IGN);
        noria::guard_against_truncation();
        char mark = 0;
        return read(ends[0], &mark, 1) == 1 ? 0 : 1;
    });
    const std::string proc = "/proc/" + std::to_string(process.pid());
    const auto reads = [&] {
        std::ifstream call(proc + "/syscall");
        long which = -1;
        return call >> which && which == SYS_read;
    };
    const auto is_pending = [&] {
        std::ifstream status(proc + "/status");
        for (std::string word; status >> word;) {
            if (word == "ShdPnd:" && status >> word) return (std::stoull(word, nullptr, 16) >> (SIGBUS - 1) & 1) != 0;
        }
        return false;
    };
    BOOST_TEST(rig::eventually(reads));
    process.send(SIGBUS);
    BOOST_TEST(rig::eventually([&] { return !is_pending(); }));
    BOOST_TEST(write(ends[1], "m", 1) == 1);
    BOOST_TEST(process.wait() == well);
    close(ends[0]);
    close(ends[1]);
}

BOOST_AUTO_TEST_CASE(earlier_plain_handler_may_jump_out) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        handle(note_plainly);
        noria::guard_against_truncation();
        const lost_page foreign(place / "foreign");
        for (int n = 0; n < 3; ++n) {
            if (sigsetjmp(seen.way_out, 1) == 0) foreign.touch();
        }
        insist(seen.calls == 3 && seen.masked, "it is called as it asked");
        lose_a_queue(place / "q");
        insist(seen.calls == 3, "a queue's fault is not passed on");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

// Goal: without an earlier handler the process dies of the very signal: same code, same address, at the instruction. Method:
// a tracer sees each delivery: the fault, and once more when the guard has given it back.
BOOST_AUTO_TEST_CASE(without_an_earlier_handler_the_process_dies_of_its_own_fault) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        noria::guard_against_truncation();
        lose_a_queue(place / "q");
        const lost_page foreign(place / "foreign");
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        foreign.touch();
        return 0;
    });
    std::vector<siginfo_t> delivered;
    for (siginfo_t state{};
         waitid(P_PID, static_cast<id_t>(process.pid()), &state, WEXITED | WSTOPPED | WNOWAIT) == 0;) {
        if (state.si_code != CLD_TRAPPED && state.si_code != CLD_STOPPED) break;
        siginfo_t info{};
        BOOST_REQUIRE(ptrace(PTRACE_GETSIGINFO, process.pid(), nullptr, &info) == 0);
        delivered.push_back(info);
        ptrace(PTRACE_CONT, process.pid(), nullptr, static_cast<long>(state.si_status));
    }
    BOOST_TEST(process.wait() == bus_error);
    BOOST_REQUIRE(delivered.size() == 2U);
    for (const auto& each : delivered) {
        BOOST_TEST(each.si_signo == SIGBUS);
        BOOST_TEST(each.si_code == BUS_ADRERR);
        BOOST_TEST(each.si_addr == delivered.front().si_addr);
    }
}

BOOST_AUTO_TEST_CASE(without_an_earlier_handler_a_sent_signal_is_as_deadly) {
    rig::child process = guarded([] {
        raise(SIGBUS);
        return 0;
    });
    BOOST_TEST(process.wait() == bus_error);
}

BOOST_AUTO_TEST_CASE(ignored_is_what_was_sent_and_no_fault) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        handle(SIG_IGN);
        noria::guard_against_truncation();
        raise(SIGBUS);
        lose_a_queue(place / "q");
        raise(SIGBUS);
        const lost_page foreign(place / "foreign");
        insist(std::filesystem::create_directory(place / "came_so_far"), "it came so far");
        foreign.touch();
        return 0;
    });
    BOOST_TEST(process.wait() == bus_error);
    BOOST_TEST(std::filesystem::exists(place / "came_so_far"));
}

BOOST_AUTO_TEST_CASE(earlier_handler_for_one_call_is_called_once) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        handle(note, static_cast<int>(SA_RESETHAND));
        noria::guard_against_truncation();
        const lost_page one(place / "one");
        const lost_page two(place / "two");
        one.touch();
        insist(seen.calls == 1, "it is called");
        lose_a_queue(place / "q");
        insist(std::filesystem::create_directory(place / "came_so_far"), "it came so far");
        two.touch();
        return 0;
    });
    BOOST_TEST(process.wait() == bus_error);
    BOOST_TEST(std::filesystem::exists(place / "came_so_far"));
}

struct sigaction covered;
void cover(int signal, siginfo_t* info, void* context) {
    seen.calls = seen.calls + 10;
    covered.sa_sigaction(signal, info, context);
}

// Goal: asked again, the guard changes nothing; covered by a handler that passes on to it, it goes over that one, and what
// is foreign goes through both to the first, once and in no circle.
BOOST_AUTO_TEST_CASE(asking_again_does_nothing_unless_somebody_has_covered_it) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        const auto installed = [] {
            struct sigaction action = {};
            sigaction(SIGBUS, nullptr, &action);
            return action;
        };
        handle(note);
        noria::guard_against_truncation();
        covered = installed();
        for (int n = 0; n < 100; ++n) noria::guard_against_truncation();
        insist(installed().sa_sigaction == covered.sa_sigaction, "asking again changes nothing");
        for (int n = 0; n < 100; ++n) {
            handle(cover);
            noria::guard_against_truncation();
            insist(installed().sa_sigaction != cover, "it is over the other again");
        }
        seen.calls = 0;
        lose_a_queue(place / "q");
        insist(seen.calls == 0, "a queue's fault reaches nobody else");
        const lost_page foreign(place / "foreign");
        foreign.touch();
        insist(seen.calls == 11, "each of the two is called once");
        sigaction(SIGBUS, &covered, nullptr);  // the other takes itself out again
        noria::guard_against_truncation();
        insist(installed().sa_sigaction == covered.sa_sigaction, "the guard below is in force again");
        lose_a_queue(place / "r");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(covered_without_end_the_guard_refuses_by_name) {
    rig::child process = guarded([] {
        for (int flags = 0; flags < 64; ++flags) {
            struct sigaction action = {};
            action.sa_sigaction = note;
            action.sa_flags = SA_SIGINFO;
            for (int bit = 0; bit < 6; ++bit) {
                if ((flags >> bit & 1) != 0) sigaddset(&action.sa_mask, SIGRTMIN + bit);
            }
            insist(sigaction(SIGBUS, &action, nullptr) == 0, "there is another handler");
            std::error_code code;
            noria::guard_against_truncation(code);
            if (!code) continue;
            insist(code == noria::errc::system && flags >= 15, "it is refused at last");
            try {
                noria::guard_against_truncation();
            } catch (const noria::error& told) {
                return std::string(told.what()).find("SIGBUS: found") == 0 ? 0 : 1;
            }
        }
        return 2;
    });
    BOOST_TEST(process.wait() == well);
}

// Goal: a fork's child inherits the handler; it leaves alone what is the parent's, whose reserved addresses raise SIGSEGV,
// and guards what is the child's own.
BOOST_AUTO_TEST_CASE(forked_child_is_guarded_for_what_it_opens_itself) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        numbers::producer out{path, {.capacity = 64}};
        auto claim = out.claim();
        rig::child heir([&] {
            lose_a_queue(place / "heirs");
            insist(!out.try_push(number(0)) && out.why() == noria::outcome::forked, "the copy is a copy");
            claim->number = 1;
            return 0;
        });
        insist(heir.wait() == rig::fate{.exit_status = -1, .signal = SIGSEGV}, "the parent's addresses are reserved");
        claim.give_back();
        send(out, 0, 3);
        insist(noria::inspect(path).counters.sent == 3, "the parent's queue goes on");
        cut(path, 0);
        rig::child grandchild([&] { return out.try_push(number(0)) ? 1 : 0; });
        insist(grandchild.wait() == well, "a child forked after the loss has its copy");
        insist_all_verbs_corrupt<of_numbers>(out, path);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(every_one_of_many_queues_is_guarded) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        std::vector<numbers::producer> many;
        const auto path = [&](std::uint64_t n) { return place / std::to_string(n); };
        for (std::uint64_t n = 0; n < 150; ++n) many.emplace_back(path(n), noria::options{.capacity = 8});
        for (std::uint64_t n = 0; n < many.size(); n += 2) {
            cut(path(n), page);
            insist_all_verbs_corrupt<of_numbers>(many[n], path(n));
        }
        for (std::uint64_t n = 1; n < many.size(); n += 2) send(many[n], 0, 8);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

// Goal: handlers that search the list are no danger to who maps and unmaps, nor these to them. Method: 1,000 endpoints come
// and go in 8 threads, one queue in three being truncated, while a ninth thread has foreign faults without pause.
BOOST_AUTO_TEST_CASE(a_thousand_endpoints_come_and_go_while_files_are_truncated) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        handle(note);
        noria::guard_against_truncation();
        std::atomic<bool> over{false};
        std::atomic<int> failures{0};
        int touches = 0;
        const auto run = [&](int thread) {
            for (int n = 0; n < 75; ++n) {
                const auto path = place / fmt::format("q{}.{}", thread, n);
                if (n % 3 == 0) {
                    lose_a_queue(path);
                    std::filesystem::remove(path);
                    continue;
                }
                numbers::producer out{path, {.capacity = 8}};
                numbers::consumer in{path};
                for (std::uint64_t turn = 0; turn < 20; turn += 5) {
                    send(out, turn, turn + 5);
                    receive(in, turn, turn + 5);
                }
                std::filesystem::remove(path);
            }
        };
        std::thread foreigner([&] {
            do {
                const lost_page foreign(place / "foreign");
                foreign.touch();
                ++touches;
                munmap(foreign.at, page);
            } while (!over);
        });
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 8; ++thread) {
            threads.emplace_back([&, thread] {
                try {
                    run(thread);
                } catch (...) {
                    ++failures;
                }
            });
        }
        for (auto& each : threads) each.join();
        over = true;
        foreigner.join();
        insist(failures == 0, "every thread is well");
        const auto figures = fmt::format("each of {} foreign faults came where it belongs: {}", touches, seen.calls);
        insist(seen.calls == touches, figures.c_str());
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
