// mutex_ring_edges_test.cpp: single moments of the ring under a mutex that a random walk seldom meets.
#include "heap_mutex_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace noria;
using namespace noria::unit;
using layout::message_form;
using ring::sight;

BOOST_AUTO_TEST_SUITE(mutex_ring_edges)

BOOST_AUTO_TEST_CASE(who_reads_the_books_while_others_write_them_reads_one_page_whole) {
    // Method: one message after the other passes through the ring, so that its figures stand close together at any moment;
    // of two pages that were mixed they do not. An observer reads meanwhile, without the mutex.
    heap_mutex_ring memory(mutex_shape(message_form::fixed, 4));
    std::atomic<bool> enough{false};
    std::uint64_t mixed = 0;
    std::thread observer([&] {
        for (int i = 0; i < 2'000'000; ++i) {
            const ring::mutex_books now = ring::read_books(memory.words);
            const bool whole = now.tail - now.sent <= 1 && now.sent - now.received <= 1 &&
                               now.received - now.head <= 1 && now.tail - now.head <= 1 &&
                               now.used == now.tail - now.head;
            mixed += whole ? 0 : 1;
        }
        enough = true;
    });
    std::uint64_t passed = 0;
    for (; !enough; ++passed) {
        std::uint64_t position = 0;
        std::uint64_t word = 0;
        const bool sent = memory.ring.begin() && memory.ring.claim({.one = 8}, 1, position, true) == sight::ready &&
                          memory.ring.begin() && memory.ring.commit(position, 8, 1);
        const bool taken = memory.ring.begin() && memory.ring.take(2, position, word, true) == sight::ready &&
                           memory.ring.begin() && memory.ring.release(position, 2);
        if (!sent || !taken) break;
    }
    observer.join();
    BOOST_TEST(memory.page().received == passed);
    BOOST_TEST(mixed == 0U);
}

BOOST_AUTO_TEST_CASE(all_claims_of_a_dead_owner_go_though_the_ring_empties_on_the_way) {
    // The first one's end carries the head past a free record, and so past the place where the walk would go on.
    heap_mutex_ring memory(mutex_shape(message_form::fixed, 4));
    std::uint64_t at[3] = {};
    for (int i = 0; i < 3; ++i) {
        BOOST_REQUIRE((memory.ring.claim({.one = 8}, i == 1 ? 2 : 1, at[i], true) == sight::ready));
        BOOST_REQUIRE(memory.ring.begin());
    }
    BOOST_REQUIRE(memory.ring.give_back(at[1], 2));
    BOOST_REQUIRE(memory.ring.begin());
    BOOST_TEST(memory.ring.release_of(1));
    BOOST_TEST(memory.page().head == memory.page().tail);
    BOOST_TEST(memory.page().used == 0U);
    BOOST_TEST(memory.page().skipped == 2U);
}

BOOST_AUTO_TEST_CASE(a_message_that_its_claim_does_not_hold_is_not_committed) {
    // As where somebody has scribbled on the claim's word: a longer message would stand in what is another's.
    heap_mutex_ring memory(mutex_shape(layout::message_form::bytes, 256));
    std::uint64_t position = 0;
    std::uint64_t behind = 0;
    BOOST_REQUIRE(memory.ring.begin());
    BOOST_REQUIRE((memory.ring.claim({.one = 16}, 1, position, true) == ring::sight::ready));
    BOOST_REQUIRE(memory.ring.begin());
    BOOST_REQUIRE((memory.ring.claim({.one = 16}, 2, behind, true) == ring::sight::ready));
    for (const std::uint64_t longer : {17U, 24U, 200U}) {
        BOOST_REQUIRE(memory.ring.begin());
        BOOST_TEST(!memory.ring.commit(position, longer, 1));
        BOOST_REQUIRE(memory.ring.begin());
        BOOST_TEST(!memory.ring.commit_all(position, {.count = 2, .one = longer}, 1));
    }
    BOOST_REQUIRE(memory.ring.begin());
    BOOST_TEST(memory.ring.commit(position, 16, 1));
    BOOST_REQUIRE(memory.ring.begin());
    BOOST_TEST(memory.ring.complaint() == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
