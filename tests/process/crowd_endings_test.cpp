// crowd_endings_test.cpp: however a member of a crowd ends, what it had in its hands goes to the others.
//
// Goal: abort, exit in a signal handler, quick_exit, a destructor at exit that aborts, a fault, exec and running out of memory
// are all one death. Method: a child fills its hands and ends that way; then nobody may miss anything, and each count is exact.
#include "noria/mpmc.hpp"
#include "process/scene.hpp"
#include "rig/memory_limit.hpp"
#include "rig/raw_figures.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>

using namespace scene;

namespace {

using jobs = noria::mpmc<numbered>;

// A claim, and a lease of message 0, that no destructor ever gives back.
struct full_hands {
    jobs::producer out;
    jobs::consumer in;
    jobs::producer::claim_type claim;
    jobs::consumer::lease_type lease;
    explicit full_hands(const std::filesystem::path& path)
        : out(path), in(path), claim(out.claim()), lease(in.try_take()) {
        insist(claim && lease && lease->number == 0, "its hands are full");
    }
};

void end_by(const char* name, const std::function<void()>& ending) {
    BOOST_TEST_CONTEXT(name) {
        const rig::workspace place;
        const auto path = place / "queue";
        jobs::producer out{path, {.capacity = 4}};
        jobs::consumer in{path};
        BOOST_REQUIRE(out.try_push(number(0)));
        rig::child member([&] {
            constexpr rlimit none{0, 0};
            setrlimit(RLIMIT_CORE, &none);
            new full_hands(path);  // for ever
            ending();
            return 97;
        });
        (void)member.wait();
        BOOST_REQUIRE(out.try_push(number(1)));  // behind the claim
        bool came[2] = {};
        for (int i = 0; i < 2; ++i) {
            const auto got = in.pop_for(patience);
            BOOST_REQUIRE((got && whole(*got) && got->number < 2 && !came[got->number]));
            BOOST_TEST(got.deliveries() == (got->number == 0 ? 2U : 1U));
            came[got->number] = true;
        }
        BOOST_TEST(!in.try_pop());
        const noria::counters now = noria::rig::raw_figures(path);
        BOOST_TEST(now.producer_deaths == 1U);
        BOOST_TEST(now.consumer_deaths == 1U);
        BOOST_TEST(now.skipped == 1U);
        BOOST_TEST(now.redelivered == 1U);
        BOOST_TEST(noria::inspect(path).roster.size() == 2U);
    }
}

struct aborts_at_exit {
    ~aborts_at_exit() { std::abort(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crowd_endings)

BOOST_AUTO_TEST_CASE(every_way_to_end_is_a_death_that_loses_nothing) {
    end_by("abort", [] { std::abort(); });
    end_by("exit in a signal handler", [] {
        signal(SIGALRM, [](int) { std::exit(3); });
        alarm(1);
        for (;;) pause();
    });
    end_by("quick_exit", [] { std::quick_exit(3); });
    end_by("a destructor at exit aborts", [] {
        static const aborts_at_exit last;
        std::exit(3);
    });
    end_by("_exit", [] { _exit(3); });
    end_by("a fault", [] {
        void* const closed = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        signal(SIGSEGV, SIG_DFL);
        *static_cast<volatile char*>(closed) = 1;
    });
    end_by("exec", [] { execl("/bin/true", "true", nullptr); });
    end_by("exit of the last thread but one", [] {
        std::thread([] { pthread_exit(nullptr); }).join();
        _exit(0);
    });
}

BOOST_AUTO_TEST_CASE(who_runs_out_of_memory_in_mid_message_is_killed_and_loses_nothing) {
    const rig::memory_limit group(32U << 20);
    if (!group.objection().empty()) return rig::skip(group.objection());
    end_by("out of memory", [&] {
        group.enter(getpid());
        for (;;) {  // until the kernel has had enough
            constexpr std::size_t bytes = 1U << 20;
            auto* const more = static_cast<volatile char*>(
                mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
            *more = 1;
        }
    });
}

// The endpoint is its process's: as long as that lives, a thread that has gone takes nothing with it.
BOOST_AUTO_TEST_CASE(a_thread_that_ends_with_its_hands_full_leaves_them_to_its_process) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 4}};
    jobs::consumer in{path};
    BOOST_REQUIRE(out.try_push(number(0)));
    const rig::milestone left;
    const rig::milestone may_go_on;
    rig::child process([&] {
        full_hands* hands = nullptr;
        std::thread([&] {
            hands = new full_hands(path);
            pthread_exit(nullptr);
        }).join();
        left.tell();
        may_go_on.hear();
        *hands->claim = number(1);
        insist(hands->claim.commit() && hands->lease->number == 0, "another thread goes on with them");
        delete hands;
        return 0;
    });
    left.hear();
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(in.counters().consumer_deaths == 0U);
    may_go_on.tell();
    BOOST_TEST(process.wait() == well);
    BOOST_TEST(in.pop_for(patience)->number == 1U);
    BOOST_TEST(in.counters().redelivered == 0U);
    BOOST_TEST(in.counters().received == 2U);
}

BOOST_AUTO_TEST_CASE(a_thread_cancelled_in_its_wait_ends_neither_the_verb_half_way_nor_the_queue) {
    rig::child process([] {
        const rig::workspace place;
        jobs::producer out{place / "queue", {.capacity = 4}};
        jobs::consumer in{place / "queue"};
        std::uint64_t came = 0;
        std::thread waiting([&] {
            const auto got = in.pop();
            came = got ? got->number : 0;
            for (;;) pause();  // where it is cancelled
        });
        insist(rig::eventually([&] { return noria::inspect(place / "queue").consumers.sleeper_armed; }), "it waits");
        pthread_cancel(waiting.native_handle());
        insist(out.try_push(number(5)), "the push succeeds");
        waiting.join();
        insist(came == 5, "the verb was brought to its end");
        insist(out.try_push(number(6)) && in.try_pop()->number == 6, "another thread goes on with the endpoint");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
