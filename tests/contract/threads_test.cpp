// threads_test.cpp: laws of two threads at work: nothing lost, doubled or torn, and no wake-up lost.
//
// Both endpoints of one process share one mapping, so the thread sanitizer sees one address, and every missing order is
// a race that it reports. Without slices nobody looks again by himself: a wake-up that is lost leaves the test waiting.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"
#include "rig/child.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <utility>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

// How many messages a run sends; NORIA_TEST_MESSAGES makes it longer or shorter.
template <class Q>
std::uint64_t run_length() {
    if (const char* given = std::getenv("NORIA_TEST_MESSAGES")) return std::strtoull(given, nullptr, 10);
    return sizeof(typename Q::sample) > 1000 ? 3000 : 20000;
}

options waiting_so(std::chrono::nanoseconds spin, std::chrono::nanoseconds slice) {
    return {.waiting = {.spin = spin, .slice = slice}};
}
constexpr auto no_slices = std::chrono::nanoseconds::max();

// What a receiver found; compared when all threads have ended, since checks belong to one thread.
struct findings {
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    outcome why = outcome::ok;
    noria::end ended = noria::end::none;
    friend bool operator==(const findings&, const findings&) = default;
};
std::ostream& operator<<(std::ostream& out, const findings& found) {
    return out << found.received << " received, " << found.wrong << " wrong, " << found.why << ", " << found.ended;
}

template <class Q>
void note(findings& found, std::uint64_t number) {
    if (number != found.received % Q::numbers) ++found.wrong;
    ++found.received;
}

template <class Q>
void send_all(pair_of<Q>& queue, std::uint64_t count) {
    auto out = std::move(queue.out);
    for (std::uint64_t number = 0; number < count; ++number) {
        if (!out.push(Q::view(Q::make(number)))) return;
    }
}

template <class Q>
findings receive_all(pair_of<Q>& queue) {
    findings found;
    while (const auto message = queue.in.pop()) note<Q>(found, Q::number(*message));
    found.why = queue.in.why();
    found.ended = queue.in.ended();
    return found;
}

template <class Q>
void expect_whole_stream(std::uint64_t least, const options& wishes, std::uint64_t count) {
    pair_of<Q> queue(least, wishes);
    std::thread sender([&] { send_all(queue, count); });
    const findings found = receive_all(queue);
    sender.join();
    BOOST_TEST(found == (findings{count, 0, outcome::ended, noria::end::finished}));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stream_arrives_whole, Q, queues) {
    expect_whole_stream<Q>(1024, {}, 5 * run_length<Q>());
    expect_whole_stream<Q>(16, {}, run_length<Q>());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_wake_up_is_lost_when_both_sides_sleep, Q, queues) {
    // Goal: both sides sleep again and again, on full and on empty, and each wake-up must come. Method: room for one or
    // two messages, no spinning, no slices.
    for (const std::uint64_t least : {1U, 2U}) {
        expect_whole_stream<Q>(least, waiting_so(0ns, no_slices), run_length<Q>() / 10);
        expect_whole_stream<Q>(least, waiting_so(1us, no_slices), run_length<Q>() / 10);
    }
    expect_whole_stream<Q>(1, waiting_so(0ns, 50ms), run_length<Q>() / 10);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_wake_up_is_lost_when_messages_go_to_and_fro, Q, queues) {
    // Each message is answered before the next is sent, so each of them is waited for; now and then with a spin that is
    // about as long as an answer takes, so that going to sleep and being rung meet.
    for (const auto spin : {0ns, 2000ns, 20000ns}) {
        pair_of<Q> there(1, waiting_so(spin, no_slices));
        pair_of<Q> back(1, waiting_so(spin, no_slices));
        const std::uint64_t count = run_length<Q>() / 10;
        std::thread echo([&] {
            while (const auto message = there.in.pop()) {
                if (!back.out.push(Q::view(Q::make(Q::number(*message))))) return;
            }
        });
        std::uint64_t wrong = 0;
        for (std::uint64_t number = 0; number < count; ++number) {
            if (!there.out.push(Q::view(Q::make(number)))) ++wrong;
            if (number_of<Q>(back.in.pop()) != number % Q::numbers) ++wrong;
        }
        { const auto closed = std::move(there.out); }
        echo.join();
        BOOST_TEST(wrong == 0U);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_in_place_and_in_batches_arrive_whole, Q, queues) {
    // The other ways to send and to receive, side by side: claims and push_some against leases and consume_some.
    const std::uint64_t count = run_length<Q>();
    pair_of<Q> queue(8, waiting_so(5us, no_slices));
    std::thread sender([&] {
        auto out = std::move(queue.out);
        for (std::uint64_t number = 0; number < count;) {
            if (number % 5 == 0) {
                auto claim = Q::claim(out);
                if (!claim) return;
                Q::write(claim, number);
                number += claim.commit() ? 1 : 0;
            } else {
                std::vector<typename Q::sample> samples;
                std::vector<typename Q::message> batch;
                for (std::uint64_t each = 0; each < std::min<std::uint64_t>(7, count - number); ++each) {
                    samples.push_back(Q::make(number + each));
                }
                for (const auto& sample : samples) batch.push_back(Q::view(sample));
                const std::size_t sent = out.push_some(batch);
                if (sent == 0) return;
                number += sent;
            }
            if (number % 11 == 0) {
                const auto given_back = Q::try_claim(out);
            }
        }
    });
    findings found;
    bool more = true;
    while (more) {
        if (found.received % 3 == 0) {
            const auto lease = queue.in.take();
            more = bool(lease);
            if (more) note<Q>(found, Q::number(*lease));
        } else {
            more = queue.in.consume_some([&](const auto& message) { note<Q>(found, Q::number(message)); }, 4) != 0;
        }
    }
    found.why = queue.in.why();
    found.ended = queue.in.ended();
    sender.join();
    BOOST_TEST(found == (findings{count, 0, outcome::ended, noria::end::finished}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_last_message_before_a_close_is_never_lost, Q, queues) {
    // Goal: "empty, then closed, then not empty after all" is seen as a message. Method: a producer that attaches, sends
    // one and leaves at once, against a consumer that waits, many times over.
    rig::workspace place;
    const std::uint64_t lives = run_length<Q>() > 1000 ? 200 : 20;
    { const typename Q::producer founder(place / "queue", Q::sized(4)); }
    typename Q::consumer in(place / "queue", waiting_so(1us, no_slices));
    std::uint64_t received = 0;
    std::uint64_t wrong = 0;
    std::thread senders([&] {
        for (std::uint64_t number = 0; number < lives; ++number) {
            typename Q::producer out(place / "queue", {.wait_for_role = 1h});
            out.push(Q::view(Q::make(number)));
        }
    });
    while (received < lives) {
        if (const auto message = in.pop()) {
            if (Q::number(*message) != received % Q::numbers) ++wrong;
            ++received;
        } else if (in.why() != outcome::ended || in.ended() != noria::end::finished) {
            ++wrong;
            break;
        }
    }
    senders.join();
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(received == lives);
    BOOST_TEST(!in.try_pop());
    BOOST_TEST(in.counters().sent == lives);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(interruptions_during_traffic_lose_nothing, Q, queues) {
    // Goal: interrupt() from a third thread, at any moment, ends waits and changes no message.
    const std::uint64_t count = run_length<Q>() / 4;
    pair_of<Q> queue(2, waiting_so(0ns, no_slices));
    std::uint64_t refused_for_other_reasons = 0;
    std::atomic<bool> over{false};
    std::thread sender([&] {
        for (std::uint64_t number = 0; number < count;) {
            if (queue.out.push(Q::view(Q::make(number))))
                ++number;
            else if (queue.out.why() != outcome::interrupted)
                ++refused_for_other_reasons;
        }
    });
    std::thread interrupter([&] {
        while (!over) {
            queue.out.interrupt();
            queue.in.interrupt();
            std::this_thread::yield();
        }
    });
    findings found;
    while (found.received < count) {
        if (const auto message = queue.in.pop())
            note<Q>(found, Q::number(*message));
        else if (queue.in.why() != outcome::interrupted)
            break;
    }
    sender.join();
    over = true;
    interrupter.join();
    BOOST_TEST(found.received == count);
    BOOST_TEST(found.wrong == 0U);
    BOOST_TEST(refused_for_other_reasons == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(observers_look_on_without_disturbing, Q, queues) {
    // Goal: what an observer sees during traffic is possible, and the traffic is whole.
    const std::uint64_t count = run_length<Q>();
    pair_of<Q> queue(16);
    std::atomic<bool> over{false};
    std::uint64_t impossible = 0;
    // Of bytes, a message still counts for a moment when its room is free again.
    const std::uint64_t fits = queue.fits() + (Q::of_bytes ? 1 : 0);
    std::thread watcher([&, file = queue.file()] {
        const observer watch(file);
        std::uint64_t sent = 0;
        while (!over) {
            const snapshot seen = watch.look();
            if (seen.counters.sent < sent || seen.counters.sent > count || seen.depth > fits) ++impossible;
            sent = seen.counters.sent;
        }
    });
    std::thread sender([&] { send_all(queue, count); });
    const findings found = receive_all(queue);
    sender.join();
    over = true;
    watcher.join();
    BOOST_TEST(found == (findings{count, 0, outcome::ended, noria::end::finished}));
    BOOST_TEST(impossible == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
