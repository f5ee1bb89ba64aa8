// fork_test.cpp: laws of fork: the child's copies answer `forked` and harm nobody; the parent notices nothing.
#include <boost/test/unit_test.hpp>

#define NORIA_ONE_SIZE_OF_EACH
#include "queues.hpp"
#include "rig/child.hpp"
#include "rig/skip.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

std::size_t descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count - 1;  // the iterator's own
}

// Whether every verb of a child's copies answers `forked`, at once.
template <class Q>
bool all_forked(typename Q::producer& out, typename Q::consumer& in) {
    const auto sample = Q::make(0);
    const std::vector<typename Q::message> one{Q::view(sample)};
    bool all = true;
    const auto forked = [&](auto& endpoint, bool done) {
        all = all && !done && endpoint.why() == outcome::forked && !endpoint.is_open();
    };
    forked(out, out.push(Q::view(sample)));
    forked(out, out.try_push(Q::view(sample)));
    forked(out, out.push_for(Q::view(sample), 1h));
    forked(out, out.push_some(one) != 0);
    forked(out, bool(Q::claim(out)));
    forked(in, bool(in.pop()));
    forked(in, bool(in.try_pop()));
    forked(in, bool(in.take()));
    forked(in, in.consume_some([](const auto&) {}) != 0);
    out.interrupt();
    in.interrupt();
    return all && out.size() == 0 && in.counters().sent == 0 && !out.orphaned();
}

// How a forked body went: as rig::child does it, but cheaper, and free to leave by exit().
template <class Body>
int in_fork(Body body) {
    const pid_t pid = fork();
    if (pid < 0) return -1;
    if (pid == 0) body();
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(forks)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_childs_copies_answer_forked_and_change_nothing, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 2));
    const auto before = queue.in.counters();
    rig::child copy([&] { return all_forked<Q>(queue.out, queue.in) ? 0 : 1; });
    BOOST_TEST((copy.wait() == rig::fate{.exit_status = 0}));
    const auto after = queue.in.counters();
    BOOST_TEST(after.sent == before.sent);
    BOOST_TEST(after.refused == before.refused);
    BOOST_TEST(after.producer_deaths + after.consumer_deaths == 0U);
    BOOST_TEST(queue.push(2, 1));
    BOOST_TEST(queue.pop(0, 3));
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::empty);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(open_claims_and_leases_stay_the_parents, Q, queues) {
    // Goal: the child's copies of a claim and a lease neither send nor release, whether used, given back or destroyed.
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 1));
    auto lease = queue.in.take();
    auto claim = Q::claim(queue.out);
    Q::write(claim, 1);
    rig::child user([&] { return !claim.commit() && queue.out.why() == outcome::forked ? (lease.release(), 0) : 1; });
    BOOST_TEST((user.wait() == rig::fate{.exit_status = 0}));
    rig::child destroyer([&] {
        { const auto gone = std::move(claim); }
        { const auto gone = std::move(lease); }
        return 0;
    });
    BOOST_TEST((destroyer.wait() == rig::fate{.exit_status = 0}));
    BOOST_TEST(queue.out.counters().given_back == 0U);
    BOOST_TEST(queue.in.size() == 1U);
    BOOST_TEST(number_of<Q>(lease) == 0U);
    lease.release();
    BOOST_TEST(claim.commit());
    BOOST_TEST(queue.pop(1, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(destroying_a_copy_ends_no_stream_and_hits_nothing_of_the_childs, Q, queues) {
    // Goal: destructors in the child unmap nothing that the child has since mapped, and leave no mark in the file. Method:
    // the child maps memory of its own, destroys the copies, and then uses that memory.
    auto queue = std::make_unique<pair_of<Q>>(4);
    rig::child destroyer([&] {
        std::vector<std::vector<char>> memory;
        for (int block = 0; block < 16; ++block) memory.emplace_back(1 << 20, 'x');
        { const auto gone = std::move(queue->out); }
        { const auto gone = std::move(queue->in); }
        std::size_t whole = 0;
        for (const auto& block : memory) whole += block.front() == 'x' && block.back() == 'x' ? 1 : 0;
        return whole == 16 ? 0 : 1;
    });
    BOOST_TEST((destroyer.wait() == rig::fate{.exit_status = 0}));
    BOOST_TEST(!queue->in.try_pop());
    BOOST_TEST(queue->in.why() == outcome::empty);
    BOOST_TEST(queue->push(0, 1));
    BOOST_TEST(queue->pop(0, 1));
    const auto seen = inspect(queue->file());
    BOOST_TEST(seen.roster.size() == 2U);
    for (const auto& who : seen.roster) BOOST_TEST(who.alive);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_child_may_open_endpoints_of_its_own, Q, queues) {
    // On another file, and on the parent's: the roles there are the parent's, until it leaves.
    pair_of<Q> queue(4);
    const rig::milestone tried;
    const rig::milestone left;
    rig::child opener([&] {
        {
            pair_of<Q> own(4);
            if (!own.push(0, 3) || !own.pop(0, 3)) return 1;
        }
        std::error_code code;
        if (roles_are_single<Q> && Q::producer::open(queue.file(), {.wait_for_role = 0ns}, code).is_open()) return 2;
        if (roles_are_single<Q> && code != errc::role_taken) return 3;
        tried.tell();
        left.hear();
        auto out = Q::producer::open(queue.file(), {.wait_for_role = 1h}, code);
        return push_numbers<Q>(out, 5, 2) ? 0 : 4;
    });
    BOOST_REQUIRE(queue.push(4, 1));
    tried.hear();
    { const auto closed = std::move(queue.out); }
    left.tell();
    BOOST_REQUIRE((opener.wait() == rig::fate{.exit_status = 0}));
    BOOST_TEST(queue.pop(4, 3));
    BOOST_TEST(!queue.in.pop());
    BOOST_TEST(queue.in.ended() == noria::end::finished);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_child_keeps_no_lock_of_a_parent_that_died, Q, queues) {
    // Goal: the parent's death is known while its child lives on. Method: a process attaches, forks, and dies.
    rig::workspace place;
    const auto file = place / "queue";
    { const typename Q::producer founder(file, Q::sized(4)); }
    const rig::milestone ready;
    const rig::milestone enough;
    rig::child parent([&]() -> int {
        typename Q::producer out(file);
        if (fork() == 0) {
            ready.tell();
            enough.hear();
            _exit(0);
        }
        ready.hear();
        ready.tell();
        _exit(0);  // without closing: a death
    });
    BOOST_TEST((parent.wait() == rig::fate{.exit_status = 0}));
    ready.hear();
    typename Q::producer heir(file, {.wait_for_role = 0ns});
    BOOST_TEST(heir.counters().producer_deaths == 1U);
    enough.tell();
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

// The endpoints that children destroy when they leave by exit(): static, as a program's may be.
using ticker = std::tuple_element_t<0, queues>;
std::optional<pair_of<ticker>> traffic;

// Puts the limit of descriptors back.
class descriptor_limit {
public:
    descriptor_limit() { getrlimit(RLIMIT_NOFILE, &before_); }
    ~descriptor_limit() { setrlimit(RLIMIT_NOFILE, &before_); }
    descriptor_limit(const descriptor_limit&) = delete;
    descriptor_limit& operator=(const descriptor_limit&) = delete;

private:
    rlimit before_{};
};

constexpr std::size_t queue_count = 500;
constexpr std::size_t opener_count = 8;

// Opens its share of the queues, both roles each; when all are open, sends and receives through them until some children
// have been forked; and closes. Returns what went wrong.
std::size_t open_and_close(const rig::workspace& place, std::size_t share, std::barrier<>& all_open,
                           const std::atomic<std::size_t>& forks) {
    constexpr std::size_t forks_while_open = 10;
    std::size_t wrong = 0;
    {
        std::vector<std::pair<ticker::producer, ticker::consumer>> ends;
        for (std::size_t number = share; number < queue_count; number += opener_count) {
            const auto file = place / ("queue" + std::to_string(number));
            std::error_code code;
            auto out = ticker::producer::open_or_create(file, ticker::sized(16), code);
            auto in = ticker::consumer::open_or_create(file, {}, code);
            if (!out.is_open() || !in.is_open()) ++wrong;
            ends.emplace_back(std::move(out), std::move(in));
        }
        all_open.arrive_and_wait();
        const std::size_t forks_before = forks;
        do {
            for (auto& [out, in] : ends) {
                if (!push_numbers<ticker>(out, 0, 9)) ++wrong;
                for (std::uint64_t number = 0; number < 9; ++number) {
                    if (number_of<ticker>(in.try_pop()) != number) ++wrong;
                }
            }
            std::this_thread::sleep_for(1ms);  // leaves the processors to the one that forks
        } while (forks < forks_before + forks_while_open);
        all_open.arrive_and_wait();
    }
    return wrong;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_thousand_endpoints_come_and_go_while_children_are_forked) {
    // Goal: no leak, no deadlock, the parent's traffic right. Method: 500 queues, both roles each in this process, opened
    // and closed by 8 threads, all open at once in between, while this thread forks children without pause; they check
    // that their copies are forked, open a queue of their own now and then, and leave by _exit or by exit. The limit of
    // descriptors leaves room for one per endpoint and not for two.
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const descriptor_limit restored;
    constexpr rlim_t enough = 2 * queue_count + 100;
    if (limit.rlim_max < enough) return noria::rig::skip("the hard limit of descriptors is below 1100");
    limit.rlim_cur = enough;
    BOOST_REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);

    const char* given = std::getenv("NORIA_TEST_ROUNDS");
#if defined(NORIA_SANITIZED)
    constexpr int rounds_unasked = 1;
#else
    constexpr int rounds_unasked = 2;
#endif
    const int rounds = given != nullptr ? std::atoi(given) : rounds_unasked;
    rig::workspace place;
    traffic.emplace(16);
    const std::size_t descriptors_before = descriptors();
    for (int round = 0; round < rounds; ++round) {
        std::barrier all_open(static_cast<std::ptrdiff_t>(opener_count));
        std::atomic<std::size_t> wrong{0};
        std::atomic<std::size_t> working{opener_count};
        std::atomic<std::size_t> forks{0};
        std::vector<std::thread> openers;
        for (std::size_t share = 0; share < opener_count; ++share) {
            openers.emplace_back([&, share] {
                wrong += open_and_close(place, share, all_open, forks);
                --working;
            });
        }
        for (; working != 0; ++forks) {
            const int status = in_fork([&] {
                int bad = all_forked<ticker>(traffic->out, traffic->in) ? 0 : 1;
                if (forks % 4 == 0) {
                    std::error_code code;
                    auto own = ticker::producer::open_or_create(place / ("of-a-child" + std::to_string(forks)),
                                                                ticker::sized(4), code);
                    if (!own.try_push(ticker::make(1))) bad = 2;
                    std::filesystem::remove(own.path());
                }
                if (forks % 2 == 0) std::exit(bad);
                _exit(bad);
            });
            BOOST_TEST(status == 0, "a child left with " << status);
            if (!traffic->push(forks, 3) || !traffic->pop(forks, 3)) ++wrong;
        }
        for (auto& opener : openers) opener.join();
        BOOST_TEST(wrong == 0U);
        BOOST_TEST(forks > 0U);
        BOOST_TEST_MESSAGE(forks << " forks");
    }
    BOOST_TEST(descriptors() == descriptors_before);
    traffic.reset();
    for (std::size_t number = 0; number < queue_count; ++number)
        noria::remove(place / ("queue" + std::to_string(number)));
    BOOST_TEST(place.files() == 0U);
}

// SPDX-License-Identifier: BSL-1.0
