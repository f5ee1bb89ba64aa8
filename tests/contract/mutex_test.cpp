// mutex_test.cpp: laws of queues under a mutex alone: batches of all or none, and that each coordination is what it says.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"
#include "rig/child.hpp"

#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

using robust =
    std::tuple<typed<spsc<block<8, 8>, coordination::robust_mutex>>, untyped<mpmc<bytes, coordination::robust_mutex>>>;

template <class Q>
struct batch {
    batch(std::uint64_t first, std::uint64_t count) {
        for (std::uint64_t number = first; number != first + count; ++number) samples.push_back(Q::make(number));
        for (const auto& sample : samples) messages.push_back(Q::view(sample));
    }
    std::vector<typename Q::sample> samples;
    std::vector<typename Q::message> messages;
};

constexpr auto no_slices = std::chrono::nanoseconds::max();

}  // namespace

BOOST_AUTO_TEST_SUITE(under_mutex)

BOOST_AUTO_TEST_CASE_TEMPLATE(push_all_sends_all_or_none_wherever_the_ring_stands, Q, robust) {
    for (std::uint64_t start = 0; start < 9; ++start) {
        for (std::uint64_t there = 0; there <= 8; ++there) {
            pair_of<Q> queue(8);
            BOOST_REQUIRE(queue.push(0, start) || start > queue.fits());
            BOOST_REQUIRE(queue.pop(0, std::min(start, queue.fits())));
            BOOST_REQUIRE(queue.push(0, there));
            for (const std::uint64_t count : {std::uint64_t{1}, 8 - there, 9 - there, std::uint64_t{8}}) {
                const batch<Q> all(100, count);
                const bool fits = there + count <= queue.fits();
                BOOST_TEST(queue.out.try_push_all(all.messages) == fits);
                BOOST_TEST(queue.out.why() == (fits ? outcome::ok : count > 8 ? outcome::too_large : outcome::full));
                BOOST_TEST(queue.in.size() == there + (fits ? count : 0));
                if (!fits) continue;
                BOOST_REQUIRE(queue.pop(0, there));
                BOOST_REQUIRE(queue.pop(100, count));
                BOOST_REQUIRE(queue.push(0, there));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_exceeds_the_queue_is_too_large_and_is_not_waited_for, Q, robust) {
    pair_of<Q> queue(4);
    const batch<Q> all(0, queue.fits() + 1);
    for (std::uint64_t times = 0; times < 2; ++times) {
        BOOST_TEST(!queue.out.push_all(all.messages));
        BOOST_TEST(queue.out.why() == outcome::too_large);
        BOOST_TEST(!queue.out.push_all_for(all.messages, 1h));
        BOOST_TEST(queue.out.why() == outcome::too_large);
        BOOST_TEST(queue.out.size() == times * queue.fits());
        if (times == 0) BOOST_REQUIRE(queue.fill());
    }
    BOOST_TEST(queue.out.counters().refused == 0U);
    BOOST_TEST(queue.out.push_all({}));
    BOOST_TEST(queue.out.why() == outcome::ok);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(push_all_waits_for_room_for_all, Q, robust) {
    pair_of<Q> queue(4, {.waiting = {.spin = 0ns, .slice = no_slices}});
    BOOST_REQUIRE(queue.push(0, queue.fits() - 1));
    const batch<Q> all(10, queue.fits());
    BOOST_TEST(!queue.out.push_all_for(all.messages, 2ms));
    BOOST_TEST(queue.out.why() == outcome::timed_out);
    BOOST_TEST(!queue.out.push_all_until(all.messages, std::chrono::steady_clock::time_point::min()));
    BOOST_TEST(queue.out.why() == outcome::timed_out);
    BOOST_TEST(queue.out.counters().refused == 2U);
    bool sent = false;
    std::thread sender([&] { sent = queue.out.push_all(all.messages); });
    for (std::uint64_t number = 0; number < queue.fits() - 1; ++number)
        BOOST_TEST(number_of<Q>(queue.in.pop()) == number);
    for (std::uint64_t number = 0; number < queue.fits(); ++number)
        BOOST_TEST(number_of<Q>(queue.in.pop()) == 10 + number);
    sender.join();
    BOOST_TEST(sent);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(after_a_batch_one_message_waits_for_its_own_room_alone, Q, robust) {
    pair_of<Q> queue(4, {.waiting = {.spin = 0ns, .slice = no_slices}});
    BOOST_REQUIRE(queue.fill());
    const batch<Q> all(10, queue.fits());
    BOOST_TEST(!queue.out.try_push_all(all.messages));
    std::atomic<pid_t> thread{0};
    std::atomic<bool> sent{false};
    std::thread sender([&] {
        thread = gettid();
        sent = queue.out.push(Q::view(Q::make(queue.fits())));
    });
    BOOST_TEST(rig::eventually([&] { return thread != 0 && rig::sleeps_in_futex_for_good(thread); }));
    BOOST_TEST(queue.pop(0, 1));
    BOOST_TEST(rig::eventually([&] { return sent.load(); }));
    queue.out.interrupt();  // whoever waits for more does not wait for ever
    sender.join();
    BOOST_TEST(queue.pop(1, queue.fits()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_figures_count_each_message_of_a_batch, Q, robust) {
    // From outside, where nobody looks at the depth to learn the high-water mark.
    pair_of<Q> queue(4);
    const batch<Q> all(0, queue.fits());
    BOOST_REQUIRE(queue.out.push_all(all.messages));
    BOOST_REQUIRE(queue.pop(0, queue.fits()));
    const snapshot now = inspect(queue.file());
    BOOST_TEST(now.counters.sent == queue.fits());
    BOOST_TEST(now.counters.high_water == queue.fits());
    for (const inhabitant& each : now.roster) BOOST_TEST(each.messages == queue.fits());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_open_claim_makes_push_all_busy, Q, robust) {
    pair_of<Q> queue(4);
    const batch<Q> all(0, 2);
    auto claim = Q::claim(queue.out);
    BOOST_TEST(!queue.out.push_all(all.messages));
    BOOST_TEST(queue.out.why() == outcome::busy);
    claim.give_back();
    BOOST_TEST(queue.out.push_all(all.messages));
    BOOST_TEST(queue.pop(0, 2));
}

BOOST_AUTO_TEST_CASE(a_claim_given_back_wakes_who_waits_for_its_room) {
    // Method: a message stands in front of the claim, so that it is not its owner who is waited for and asked about.
    using Q = typed<mpmc<block<8, 8>, coordination::robust_mutex>>;
    pair_of<Q> queue(2);
    BOOST_REQUIRE(queue.push(0, 1));
    auto claim = Q::claim(queue.out);
    typename Q::producer other(queue.file(), {.waiting = {.spin = 0ns, .slice = no_slices}});
    std::atomic<pid_t> thread{0};
    bool sent = false;
    std::thread waiter([&] {
        thread = gettid();
        sent = other.push(Q::make(1));
    });
    BOOST_TEST(rig::eventually([&] { return thread != 0 && rig::sleeps_in_futex_for_good(thread); }));
    claim.give_back();
    waiter.join();
    BOOST_TEST(sent);
    BOOST_TEST(queue.pop(0, 2));
}

BOOST_AUTO_TEST_CASE(one_message_that_is_too_large_keeps_all_of_them_back) {
    using queue = mpmc<bytes, coordination::robust_mutex>;
    const rig::workspace place;
    queue::producer out(place / "queue", {.capacity_bytes = 256, .message_bytes_max = 40});
    const std::array<bytes, 3> three{bytes("a"), bytes(std::string_view("0123456789012345678901234567890123456789+")),
                                     bytes("b")};
    BOOST_TEST(!out.push_all(three));
    BOOST_TEST(out.why() == outcome::too_large);
    BOOST_TEST(out.push_all(std::span(three).first(1)));
    BOOST_TEST(out.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_batch_comes_in_one_piece_though_others_send) {
    using Q = typed<mpmc<block<8, 8>, coordination::robust_mutex>>;
    constexpr std::uint64_t batches = 2000;
    pair_of<Q> queue(8, {.waiting = {.spin = 0ns, .slice = no_slices}});
    std::thread others([&] {
        typename Q::producer out(queue.file(), {.waiting = {.spin = 0ns, .slice = no_slices}});
        for (std::uint64_t n = 0; n < batches; ++n) out.push(Q::make(7));
    });
    std::thread sender([&] {
        for (std::uint64_t n = 0; n < batches; ++n) queue.out.push_all(batch<Q>(1000, 3).messages);
    });
    std::uint64_t wrong = 0;
    for (std::uint64_t n = 0; n < 2 * batches; ++n) {
        const std::uint64_t first = number_of<Q>(queue.in.pop());
        if (first == 7) continue;
        for (const std::uint64_t next : {1001U, 1002U}) {
            if (number_of<Q>(queue.in.pop()) != next) ++wrong;
        }
        if (first != 1000) ++wrong;
    }
    others.join();
    sender.join();
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(queue.in.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_queue_of_the_other_coordination_is_refused_and_both_are_named) {
    const rig::workspace place;
    const auto refused = [&](auto made, auto opened) {
        std::filesystem::remove(place / "queue");
        { const typename decltype(made)::producer maker(place / "queue"); }
        std::error_code code;
        const auto in = decltype(opened)::consumer::open(place / "queue", {}, code);
        BOOST_TEST(code == errc::other_kind);
        BOOST_TEST_CONTEXT(in.error_text()) {
            BOOST_TEST(in.error_text().find("lock_free") != std::string::npos);
            BOOST_TEST(in.error_text().find("robust_mutex") != std::string::npos);
        }
    };
    using message = block<8, 8>;
    refused(spsc<message, coordination::lock_free>(), spsc<message, coordination::robust_mutex>());
    refused(spsc<message, coordination::robust_mutex>(), spsc<message, coordination::lock_free>());
    refused(mpmc<bytes, coordination::lock_free>(), mpmc<bytes, coordination::robust_mutex>());
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
