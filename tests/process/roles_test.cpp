// roles_test.cpp: a role that must be single is: the second gets role_taken with the holder's pid; no pid decides.
#include "process/scene.hpp"
#include "rig/container.hpp"
#include "rig/shared_page.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include "noria/layout/header.hpp"
#include "noria/layout/roster_entry.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

using namespace scene;

namespace {

template <class Endpoint>
void insist_taken(const std::filesystem::path& path, std::uint64_t holder, spot where = spot::here()) {
    std::error_code code;
    const auto second = Endpoint::open(path, refused_at_once, code);
    insist(code == noria::errc::role_taken, "the role is taken", where);
    insist(second.error_text().find(fmt::format(" {} ", holder)) != std::string::npos, "the text names its holder",
           where);
    insist(second.error_text().find(path.string()) != std::string::npos, "the text names the file", where);
}

std::uint64_t self() { return static_cast<std::uint64_t>(getpid()); }

// What a program does that wants no descriptor of its starter's: it ends ours too.
void close_all_descriptors() { close_range(3, ~0U, 0); }

}  // namespace

BOOST_AUTO_TEST_SUITE(roles)

BOOST_AUTO_TEST_CASE(second_endpoint_of_a_role_is_refused_whoever_opens_it) {
    // The same thread, another thread, another process, a fork's child that has a copy of the first: all are told who
    // holds the role, and the holder's traffic does not notice.
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::producer out{path, {.capacity = 8}};
    numbers::consumer in{path};
    const auto both_are_taken = [&, holder = self()] {
        insist_taken<numbers::producer>(path, holder);
        insist_taken<numbers::consumer>(path, holder);
    };
    for (std::uint64_t round = 0; round < 10; ++round) {
        send(out, round * 4, round * 4 + 2);
        both_are_taken();
        bool refused = false;
        std::thread([&] {
            try {
                both_are_taken();
                refused = true;
            } catch (const std::exception&) {
            }
        }).join();
        BOOST_REQUIRE(refused);
        rig::child process([&] {
            both_are_taken();
            insist(!out.try_push(number(0)) && out.why() == noria::outcome::forked, "the copy is a fork's");
            both_are_taken();
            return 0;
        });
        BOOST_REQUIRE(process.wait() == well);
        send(out, round * 4 + 2, round * 4 + 4);
        receive(in, round * 4, round * 4 + 4);
    }
}

BOOST_AUTO_TEST_CASE(of_many_threads_one_gets_the_role_and_the_next_after_it_left) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 1024}};
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> holders = 0;
        std::atomic<int> refused = 0;
        std::atomic<int> tried = 0;
        std::vector<std::thread> threads;
        for (int each = 0; each < 4; ++each) {
            threads.emplace_back([&] {
                std::error_code code;
                auto out = numbers::producer::open(path, refused_at_once, code);
                if (!code)
                    holders += 1;
                else if (code == noria::errc::role_taken)
                    refused += 1;
                tried += 1;
                (void)rig::eventually([&] { return tried == 4; });  // nobody leaves before all have tried
            });
        }
        for (auto& each : threads) each.join();
        BOOST_REQUIRE(holders == 1);
        BOOST_REQUIRE(refused == 3);
    }
}

BOOST_AUTO_TEST_CASE(role_is_free_again_when_its_holder_has_closed_or_died) {
    const rig::workspace place;
    const auto path = place / "queue";
    (void)numbers::producer{path, {.capacity = 8}};
    for (int round = 0; round < 20; ++round) {
        const rig::milestone attached;
        rig::child holder([&] {
            numbers::producer out{path};
            numbers::consumer in{path};
            attached.tell();
            if (round % 2 == 0) wait_for_death();
            return 0;
        });
        attached.hear();
        if (round % 2 == 0) {
            insist_taken<numbers::producer>(path, static_cast<std::uint64_t>(holder.pid()));
            insist_taken<numbers::consumer>(path, static_cast<std::uint64_t>(holder.pid()));
            holder.kill();
        } else {
            BOOST_REQUIRE(holder.wait() == well);
        }
        const numbers::producer out{path, refused_at_once};
        const numbers::consumer in{path, refused_at_once};
        BOOST_REQUIRE((out.is_open() && in.is_open()));
    }
}

BOOST_AUTO_TEST_CASE(pid_in_the_file_decides_nothing) {
    // A dead holder's record is made to name a living process, this one; then a living holder's to name nobody. Neither
    // keeps the dead alive nor ends the living.
    const rig::workspace place;
    const auto path = place / "queue";
    const auto overwrite_pid = [&](std::uint64_t pid) {
        const auto offset = noria::layout::place(noria::inspect(path).shape).roster_offset +
                            offsetof(noria::layout::roster_entry, pid);  // the first entry is the producer's
        const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
        insist(pwrite(file, &pid, sizeof pid, static_cast<off_t>(offset)) == sizeof pid, "the record is overwritten");
        close(file);
    };
    const rig::milestone attached;
    rig::child holder([&] {
        numbers::producer out{path, {.capacity = 8}};
        send(out, 0, 1);
        attached.tell();
        wait_for_death();
        return 1;
    });
    attached.hear();
    numbers::consumer in{path};
    overwrite_pid(std::uint64_t{1} << 40);  // no system has that many processes
    insist_taken<numbers::producer>(path, std::uint64_t{1} << 40);
    receive(in, 0, 1);
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(in.why() == noria::outcome::timed_out);
    overwrite_pid(self());
    holder.kill();
    hear_end(in, noria::end::abandoned);
    numbers::producer out{path};
    send(out, 1, 2);
    receive(in, 1, 2);
}

BOOST_AUTO_TEST_CASE(process_that_inherits_a_dead_holders_pid_is_not_taken_for_it) {
    // In a PID namespace of its own a parent kills the holder, and has the kernel give its number to the next process,
    // which lives on while the holder's role is taken over.
    const std::string objection = rig::objection_to_namespaces(CLONE_NEWPID | CLONE_NEWNS);
    if (!objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    const auto path = place / "queue";
    constexpr int no_such_control = 42;
    rig::child container([&] {
        insist(rig::enter_namespaces(CLONE_NEWPID | CLONE_NEWNS).empty(), "there is a namespace");
        const rig::fate how = rig::run_as_init([&] {
            const rig::milestone attached;
            const pid_t holder = fork();
            if (holder == 0) {
                numbers::producer out{path, {.capacity = 8}};
                send(out, 0, 1);
                attached.tell();
                wait_for_death();
            }
            attached.hear();
            ::kill(holder, SIGKILL);
            waitpid(holder, nullptr, 0);
            std::ofstream control("/proc/sys/kernel/ns_last_pid");
            if (!(control << holder - 1 << std::flush)) return no_such_control;
            const pid_t heir = fork();
            if (heir == 0) wait_for_death();
            insist(heir == holder, "the number is used again");
            numbers::consumer in{path};
            receive(in, 0, 1);
            hear_end(in, noria::end::abandoned);
            numbers::producer out{path, refused_at_once};
            send(out, 1, 2);
            receive(in, 1, 2);
            insist(::kill(heir, 0) == 0, "the heir of the number lives");
            return 0;
        });
        return how.exit_status;
    });
    const rig::fate how = container.wait();
    if (how.exit_status == no_such_control) return rig::skip("/proc/sys/kernel/ns_last_pid cannot be written here");
    BOOST_TEST(how == well);
}

BOOST_AUTO_TEST_CASE(close_range_by_the_user_does_not_end_an_endpoints_life) {
    // The user of an endpoint closes every descriptor it does not know, and opens others, which get the same numbers.
    // The role stays taken, the traffic goes on with waits on both sides, a real death is seen, and when the endpoint
    // goes it closes none of the user's.
    struct signs {
        std::atomic<bool> closed;
        std::atomic<bool> may_leave;
    };
    const rig::workspace place;
    const auto path = place / "queue";
    for (const bool dies : {true, false}) {
        const rig::shared_page<signs> signs;
        rig::child producer([&] {
            std::array<int, 20> mine{};
            {
                numbers::producer out{path, {.capacity = 4}};
                close_all_descriptors();
                for (int& each : mine) each = open("/dev/null", O_RDONLY | O_CLOEXEC);
                rig::child forked([&] {
                    for (const int each : mine) insist(fcntl(each, F_GETFD) != -1, "a fork's child has them, too");
                    return 0;
                });
                insist(forked.wait() == well, "a fork closes no descriptor of the user's");
                signs->closed = true;
                send(out, 0, 100);
                (void)rig::eventually([&] { return signs->may_leave.load(); });
                if (dies) wait_for_death();
            }
            for (const int each : mine) insist(fcntl(each, F_GETFD) != -1, "the user's descriptors are still open");
            return 0;
        });
        BOOST_REQUIRE(rig::eventually([&] { return signs->closed.load(); }));
        insist_taken<numbers::producer>(path, static_cast<std::uint64_t>(producer.pid()));
        {
            numbers::consumer in{path};
            receive(in, 0, 100);
            BOOST_TEST(!in.pop_for(a_while));
            BOOST_TEST(in.why() == noria::outcome::timed_out);
            insist_taken<numbers::producer>(path, static_cast<std::uint64_t>(producer.pid()));
            signs->may_leave = true;
            if (dies) producer.kill();
            hear_end(in, dies ? noria::end::abandoned : noria::end::finished);
        }
        if (!dies) BOOST_TEST(producer.wait() == well);
        noria::remove(path);
    }
}

BOOST_AUTO_TEST_CASE(endpoint_whose_descriptors_were_closed_still_hears_of_a_death) {
    const rig::workspace place;
    const auto path = place / "queue";
    const rig::shared_page<std::atomic<bool>> ready;
    const rig::milestone sent;
    rig::child producer([&] {
        numbers::producer out{path, {.capacity = 4}};
        send(out, 0, 1);
        sent.tell();
        wait_for_death();
        return 1;
    });
    sent.hear();
    rig::child consumer([&] {
        numbers::consumer in{path};
        close_all_descriptors();
        receive(in, 0, 1);
        *ready = true;
        hear_end(in, noria::end::abandoned);
        receive(in, 1, 50);
        return 0;
    });
    BOOST_REQUIRE(rig::eventually([&] { return ready->load(); }));
    producer.kill();
    BOOST_REQUIRE(rig::eventually([&] { return noria::inspect(path).producers.ended == 1; }));
    numbers::producer out{path};
    send(out, 1, 50);
    BOOST_TEST(consumer.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
