// spinning_test.cpp: laws of waiting for those who would rather spin than sleep: they hear of all that a sleeper hears of.
#include <boost/test/unit_test.hpp>

#define NORIA_ONE_SIZE_OF_EACH
#include "queues.hpp"
#include "rig/child.hpp"

#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

// Who spins for so long never sleeps.
const options tireless{.waiting = {.spin = std::chrono::nanoseconds::max()}};

// Does the deed when the other thread has begun its wait; some observations later, so that it spins by then. A deed that
// needs the ring's mutex is a verb that waits: who was made to stand still with the mutex makes others refuse.
template <class Wait, class Deed>
void meanwhile(const std::filesystem::path& file, Wait wait, Deed deed) {
    std::atomic<bool> begun{false};
    std::thread waiter([&] {
        begun = true;
        wait();
    });
    while (!begun) std::this_thread::yield();
    for (int i = 0; i < 20; ++i) (void)inspect(file);
    deed();
    waiter.join();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spinning)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_deadline_and_an_interruption_end_it, Q, queues) {
    pair_of<Q> queue(2, tireless);
    BOOST_TEST(!queue.in.pop_for(1ms));
    BOOST_TEST(queue.in.why() == outcome::timed_out);
    queue.in.interrupt();
    BOOST_TEST(!queue.in.pop());
    BOOST_TEST(queue.in.why() == outcome::interrupted);
    meanwhile(
        queue.file(), [&] { (void)queue.in.pop(); }, [&] { queue.in.interrupt(); });
    BOOST_TEST(queue.in.why() == outcome::interrupted);
    BOOST_REQUIRE(queue.fill());
    BOOST_TEST(!queue.out.push_for(Q::view(Q::make(0)), 1ms));
    BOOST_TEST(queue.out.why() == outcome::timed_out);
    queue.out.interrupt();
    BOOST_TEST(!queue.out.push(Q::view(Q::make(0))));
    BOOST_TEST(queue.out.why() == outcome::interrupted);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_ends_it_and_so_does_room, Q, queues) {
    pair_of<Q> queue(1, tireless);
    std::uint64_t got = torn;
    bool sent = false;
    meanwhile(
        queue.file(), [&] { got = number_of<Q>(queue.in.pop()); },
        [&] { BOOST_TEST(queue.out.push(Q::view(Q::make(7)))); });
    BOOST_TEST(got == 7U);
    BOOST_REQUIRE(queue.fill());
    const auto next = Q::make(queue.fits());
    meanwhile(
        queue.file(), [&] { sent = queue.out.push(Q::view(next)); },
        [&] { BOOST_TEST(number_of<Q>(queue.in.pop()) == 0U); });
    BOOST_TEST(sent);
    BOOST_TEST(queue.pop(1, queue.fits()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_end_of_the_stream_ends_it, Q, queues) {
    pair_of<Q> queue(2, tireless);
    meanwhile(
        queue.file(), [&] { (void)queue.in.pop(); }, [&] { const auto gone = std::move(queue.out); });
    BOOST_TEST(queue.in.why() == outcome::ended);
    BOOST_TEST(queue.in.ended() == noria::end::finished);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_death_ends_it, Q, queues) {
    const rig::workspace place;
    typename Q::consumer in(place / "queue", Q::sized(2, tireless));
    const rig::milestone there;
    rig::child producer([&] {
        typename Q::producer out(place / "queue");
        auto claim = Q::claim(out);
        there.tell();
        for (;;) pause();
        return 1;
    });
    there.hear();
    meanwhile(
        place / "queue", [&] { (void)in.pop(); }, [&] { producer.kill(); });
    BOOST_TEST(in.why() == outcome::ended);
    BOOST_TEST(in.ended() == noria::end::abandoned);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
