// claims_test.cpp: laws of messages written in place: committed, given back, moved, one at a time.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"

#include <optional>
#include <utility>

using namespace noria;
using namespace noria::contract;

BOOST_AUTO_TEST_SUITE(claims)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_committed_claim_is_a_message_like_a_pushed_one, Q, queues) {
    pair_of<Q> queue(4);
    for (std::uint64_t number = 0; number < 40; ++number) {
        if (number % 3 == 0) {
            BOOST_REQUIRE(queue.push(number, 1));
        } else {
            auto claim = number % 3 == 1 ? Q::claim(queue.out) : Q::try_claim(queue.out);
            BOOST_REQUIRE(bool(claim));
            BOOST_TEST(queue.out.why() == outcome::ok);
            Q::write(claim, number);
            BOOST_TEST(claim.commit());
            BOOST_TEST(!claim);
            BOOST_TEST(queue.out.why() == outcome::ok);
        }
        BOOST_REQUIRE(queue.pop(number, 1));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_is_seen_of_a_claim_before_its_commit, Q, queues) {
    pair_of<Q> queue(4);
    auto claim = Q::claim(queue.out);
    Q::write(claim, 7);
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == (one_in_hand<Q> ? outcome::empty : outcome::stalled));
    BOOST_TEST(queue.in.size() == 0U);
    BOOST_TEST(claim.commit());
    BOOST_TEST(number_of<Q>(queue.in.try_pop()) == 7U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_claim_that_goes_uncommitted_is_given_back, Q, queues) {
    // Goal: nothing was sent, the room is there again, and it is counted; by destruction and by name, on a queue with
    // room for one, and again and again.
    pair_of<Q> queue(1);
    for (std::uint64_t turn = 0; turn < 9; ++turn) {
        {
            const auto claim = Q::claim(queue.out);
            BOOST_TEST(bool(claim));
        }
        auto claim = Q::claim(queue.out);
        claim.give_back();
        BOOST_TEST(!claim);
        claim.give_back();
        BOOST_TEST(!claim.commit());
        BOOST_TEST(!queue.in.try_pop());
        BOOST_TEST(queue.in.why() == outcome::empty);
        BOOST_TEST(queue.out.counters().given_back == 2 * (turn + 1));
    }
    BOOST_TEST(queue.push(3, 1));
    BOOST_TEST(queue.pop(3, 1));
    BOOST_TEST(queue.in.counters().sent == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_claim_on_a_full_queue_answers_full, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.fill());
    BOOST_TEST(!Q::try_claim(queue.out));
    BOOST_TEST(queue.out.why() == outcome::full);
    BOOST_TEST(queue.pop(0, 1));
    BOOST_TEST(bool(Q::try_claim(queue.out)));
    BOOST_TEST(queue.out.why() == outcome::ok);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(while_a_claim_is_open_other_sending_verbs_answer_busy, Q, queues) {
    pair_of<Q> queue(8);
    auto claim = Q::claim(queue.out);
    Q::write(claim, 1);
    const auto message = Q::make(9);
    const std::vector<typename Q::message> two(2, Q::view(message));
    using namespace std::chrono_literals;
    const auto is_busy = [&](bool done) { return !done && queue.out.why() == outcome::busy; };
    BOOST_TEST(is_busy(queue.out.push(Q::view(message))));
    BOOST_TEST(is_busy(queue.out.try_push(Q::view(message))));
    BOOST_TEST(is_busy(queue.out.push_for(Q::view(message), 1h)));
    BOOST_TEST(is_busy(queue.out.push_some(two) != 0));
    BOOST_TEST(is_busy(queue.out.try_push_some(two) != 0));
    BOOST_TEST(is_busy(bool(Q::claim(queue.out))));
    BOOST_TEST(is_busy(bool(Q::try_claim(queue.out))));
    BOOST_TEST(queue.out.counters().refused == 0U);
    BOOST_TEST(claim.commit());
    BOOST_TEST(queue.push(2, 1));
    BOOST_TEST(queue.pop(1, 2));
    BOOST_TEST(!queue.in.try_pop());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_claim_moves_with_what_was_written, Q, queues) {
    pair_of<Q> queue(4);
    auto first = Q::claim(queue.out);
    Q::write(first, 5);
    auto second = std::move(first);
    BOOST_TEST(!first);
    BOOST_TEST(!first.commit());
    BOOST_TEST(queue.in.size() == 0U);
    auto third = Q::try_claim(queue.out);  // busy: an empty one
    BOOST_TEST(!third);
    third = std::move(second);
    BOOST_TEST(bool(third));
    BOOST_TEST(third.commit());
    BOOST_TEST(queue.pop(5, 1));
    BOOST_TEST(queue.out.counters().given_back == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(assignment_gives_back_what_was_claimed_before, Q, queues) {
    pair_of<Q> queue(4);
    auto claim = Q::claim(queue.out);
    claim = {};
    BOOST_TEST(!claim);
    BOOST_TEST(queue.out.counters().given_back == 1U);
    BOOST_TEST(queue.push(0, 1));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_producer_moves_with_its_open_claim, Q, queues) {
    pair_of<Q> queue(4);
    auto claim = Q::claim(queue.out);
    typename Q::producer moved = std::move(queue.out);
    Q::write(claim, 6);
    BOOST_TEST(claim.commit());
    BOOST_TEST(queue.pop(6, 1));
    BOOST_TEST(push_numbers<Q>(moved, 7, 2));
    queue.out = std::move(moved);
    BOOST_TEST(queue.push(9, 1));
    BOOST_TEST(queue.pop(7, 3));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_claim_is_shown_to_observers_while_it_is_open, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 2));
    const observer watch(queue.file());
    BOOST_TEST(!watch.look().claimed);
    {
        const auto claim = Q::claim(queue.out);
        const auto seen = watch.look().claimed;
        BOOST_REQUIRE(bool(seen));
        BOOST_TEST(watch.look().in_hand.size() == 1U);
        BOOST_TEST(seen->pid == static_cast<std::uint64_t>(getpid()));
        BOOST_TEST((seen->role == role::producer));
        const std::uint64_t behind = Q::under_mutex ? Q::positions_of_one : one_in_hand<Q> ? 0 : 1;
        BOOST_TEST(seen->position + behind == watch.look().tail);
    }
    BOOST_TEST(!watch.look().claimed);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
