// fork_exec_test.cpp: an endpoint belongs to one process: a fork's child has a dead copy, exec and exit end it.
#include "process/scene.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

using namespace scene;

namespace {

// What the descriptors of a process point to, but for the standard three.
std::vector<std::string> descriptors_of(pid_t pid) {
    std::vector<std::string> all;
    for (const auto& each : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        std::error_code gone;
        all.push_back(std::filesystem::read_symlink(each, gone).string());
    }
    return all;
}
bool maps(pid_t pid, const std::filesystem::path& path) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return text.find(path.string()) != std::string::npos;
}

// Endpoints with static storage, as global objects of a program are.
std::optional<numbers::producer> static_producer;
std::optional<numbers::consumer> static_consumer;

// What another library's handler maps in a fork's child, before Noria's own runs: it was registered before any queue was
// opened.
struct earlier_handler {
    static constexpr std::size_t bytes = 256U << 10;
    static inline std::array<char*, 64> mapped{};
    static inline bool wanted = false;

    earlier_handler() { pthread_atfork(nullptr, nullptr, &map); }
    static void map() {
        if (!wanted) return;
        for (char*& each : mapped) {
            each = static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
            std::memset(each, 42, bytes);
        }
    }
};
const earlier_handler registered_first;

}  // namespace

BOOST_AUTO_TEST_SUITE(fork_exec)

BOOST_AUTO_TEST_CASE(memory_that_an_earlier_fork_handler_has_mapped_stays) {
    // It may lie where the parent's mapping of the queue was. What is left of that range is closed to all.
    const rig::workspace place;
    // Some 4 MiB: several of the handler's fit.
    std::optional<numbers::consumer> in(std::in_place, place / "queue", noria::options{.capacity = 65536});
    std::optional<numbers::producer> out(std::in_place, place / "queue");
    earlier_handler::wanted = true;
    rig::child process([&] {
        for (const char* each : earlier_handler::mapped) {
            for (std::size_t i = 0; i < earlier_handler::bytes; i += 4096) insist(each[i] == 42, "it is as it was");
        }
        insist(!out->try_push(number(1)) && out->why() == noria::outcome::forked, "the copy is a fork's");
        insist(out->error_code() == noria::errc::forked, "its code says so");
        insist(out->error_text().find("fork's copy") != std::string::npos, "its text says so");
        // Also when the copies go.
        in.reset();
        out.reset();
        for (const char* each : earlier_handler::mapped) {
            for (std::size_t i = 0; i < earlier_handler::bytes; i += 4096) insist(each[i] == 42, "it is as it was");
        }
        return 0;
    });
    earlier_handler::wanted = false;
    BOOST_TEST(process.wait() == well);
    send(*out, 0, 10);
    receive(*in, 0, 10);
}

BOOST_AUTO_TEST_CASE(forked_child_has_a_dead_copy_and_the_parents_traffic_goes_on) {
    // The child uses every copy, then destroys it, then ends by _exit, by exit with its destructors, or is killed. The
    // parent has an open claim and an open lease over all that, and goes on with them.
    const rig::workspace place;
    const auto path = place / "queue";
    for (std::uint64_t round = 0; round < 12; ++round) {
        std::optional<numbers::producer> out(std::in_place, path, noria::options{.capacity = 8});
        std::optional<numbers::consumer> in(std::in_place, path);
        send(*out, 0, 2);
        auto slot = out->claim();
        *slot = number(2);
        auto lease = in->take();
        rig::child process([&] {
            insist(!out->is_open() && !in->is_open(), "the copies are not open");
            insist(!out->push(number(9)) && out->why() == noria::outcome::forked, "push answers `forked`");
            insist(!out->claim() && out->why() == noria::outcome::forked, "claim answers `forked`");
            insist(!in->pop() && in->why() == noria::outcome::forked, "pop answers `forked`");
            insist(!in->try_pop() && in->why() == noria::outcome::forked, "try_pop answers `forked`");
            insist(!in->take_for(1s) && in->why() == noria::outcome::forked, "take answers `forked`");
            insist(in->consume_some([](const numbered&) {}) == 0, "consume_some consumes nothing");
            insist(in->size() == 0 && out->counters().sent == 0, "the figures are none");
            out->interrupt();
            in->interrupt();
            insist(!slot.commit(), "the claim's copy commits nothing");
            lease.release();
            if (round % 4 == 0) return 0;
            // The child may have endpoints of its own, and where the parent's mapping was, nothing of them is hit when
            // the copies go.
            std::optional<numbers::producer> own;
            std::optional<numbers::consumer> peer;
            if (round % 4 == 3) {
                own.emplace(place / "own", noria::options{.capacity = 8});
                peer.emplace(place / "own");
            }
            in.reset();
            out.reset();
            if (round % 4 == 1) std::exit(0);  // NOLINT: its destructors are what is tested
            if (round % 4 == 2) ::kill(getpid(), SIGKILL);
            send(*own, 0, 3);
            receive(*peer, 0, 3);
            return 0;
        });
        BOOST_REQUIRE(process.wait() == (round % 4 == 2 ? killed : well));
        BOOST_REQUIRE(out->is_open());
        BOOST_REQUIRE(lease->number == 0U);
        lease.release();
        BOOST_REQUIRE(slot.commit());
        receive(*in, 1, 3);
        send(*out, 3, 11);
        receive(*in, 3, 11);
        BOOST_REQUIRE(in->counters().received == 11U);
        out.reset();
        hear_end(*in, noria::end::finished);
        in.reset();
        noria::remove(path);
        if (round % 4 == 3) noria::remove(place / "own");
    }
}

BOOST_AUTO_TEST_CASE(child_opens_the_same_queue_anew_when_the_parent_has_closed) {
    const rig::workspace place;
    const auto path = place / "queue";
    std::optional<numbers::producer> out(std::in_place, path, noria::options{.capacity = 8});
    const rig::milestone closed;
    const rig::milestone attached;
    rig::child process([&] {
        closed.hear();
        numbers::producer anew{path, refused_at_once};
        attached.tell();
        send(anew, 0, 3);
        insist(!out->try_push(number(9)) && out->why() == noria::outcome::forked, "the old copy stays dead");
        return 0;
    });
    out.reset();
    closed.tell();
    attached.hear();
    numbers::consumer in{path};
    receive(in, 0, 3);
    hear_end(in, noria::end::finished);
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(forked_child_that_lives_on_keeps_no_lock_of_a_dead_parent) {
    // The grandchild never touches its copy of the endpoint, and outlives its parent. The others see the parent dead.
    for (const bool by_exit : {false, true}) {
        const rig::workspace place;
        const auto path = place / "queue";
        const rig::milestone forked;
        const rig::shared_page<std::atomic<pid_t>> grandchild;
        struct at_the_end {
            const std::atomic<pid_t>& pid;
            ~at_the_end() {
                if (pid > 0) ::kill(pid, SIGKILL);
            }
        } const buries{*grandchild};
        rig::child parent([&]() -> int {
            numbers::producer out{path, {.capacity = 8}};
            send(out, 0, 1);
            const pid_t pid = fork();
            if (pid == 0) {
                alarm(120);  // should the test die before it can kill us
                wait_for_death();
            }
            *grandchild = pid;
            forked.tell();
            if (!by_exit) wait_for_death();
            _exit(0);  // without a destructor: a death like any other
        });
        forked.hear();
        numbers::consumer in{path};
        receive(in, 0, 1);
        if (!by_exit) parent.kill();
        hear_end(in, noria::end::abandoned);
        numbers::producer out{path, refused_at_once};
        send(out, 1, 2);
        receive(in, 1, 2);
        BOOST_TEST(::kill(*grandchild, 0) == 0);
    }
}

BOOST_AUTO_TEST_CASE(exec_releases_the_role_and_leaks_nothing_into_the_new_image) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 8}};
    int ends[2];
    BOOST_REQUIRE(pipe(ends) == 0);
    rig::child process([&] {
        numbers::producer out{path};
        send(out, 0, 1);
        const auto claim = out.claim();
        dup2(ends[1], STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", "echo; exec sleep 600", nullptr);
        return 1;
    });
    char mark = 0;
    BOOST_REQUIRE(read(ends[0], &mark, 1) == 1);  // the new image speaks
    numbers::producer out{path, refused_at_once};
    receive(in, 0, 1);
    send(out, 1, 2);
    receive(in, 1, 2);
    BOOST_TEST(in.counters().producer_deaths == 1U);
    const auto open_files = descriptors_of(process.pid());
    BOOST_TEST(std::none_of(open_files.begin(), open_files.end(),
                            [&](const auto& each) { return each.find(place.path().string()) != std::string::npos; }));
    BOOST_TEST(!maps(process.pid(), place.path()));
    close(ends[0]);
    close(ends[1]);
}

BOOST_AUTO_TEST_CASE(endpoint_with_static_storage_closes_at_exit) {
    const rig::workspace place;
    const auto path = place / "queue";
    for (std::uint64_t round = 0; round < 3; ++round) {
        rig::child process([&]() -> int {
            static_producer.emplace(path, noria::options{.capacity = 8});
            static_consumer.emplace(path);
            send(*static_producer, 0, 2);
            receive(*static_consumer, 0, 1);
            std::exit(7);  // NOLINT: its destructors are what is tested
        });
        BOOST_TEST(process.wait() == (rig::fate{.exit_status = 7, .signal = 0}));
        const auto seen = noria::inspect(path);
        BOOST_TEST(seen.roster.empty());
        BOOST_TEST(!seen.producers.abandoned);
        BOOST_TEST(!seen.consumers.abandoned);
        BOOST_TEST(seen.depth == 1U);
        noria::remove(path);
    }
}

BOOST_AUTO_TEST_CASE(exit_without_destructors_is_a_death) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 8}};
    int deaths = 0;
    for (void (*leave)(int) : {+[](int status) { _exit(status); }, +[](int status) { std::quick_exit(status); },
                               +[](int) { std::abort(); }}) {
        rig::child process([&] {
            constexpr rlimit none{};
            setrlimit(RLIMIT_CORE, &none);  // abort() is to leave no core file
            numbers::producer out{path};
            send(out, 0, 1);
            leave(0);
            return 1;
        });
        (void)process.wait();
        const auto got = in.pop_for(patience);
        BOOST_TEST((got && got->number == 0));
        hear_end(in, noria::end::abandoned);
        BOOST_TEST(in.counters().producer_deaths == static_cast<std::uint64_t>(++deaths));
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
