// recovery_test.cpp: what is to be done after a death follows from the words alone, and doing it is repeatable.
#include "noria/queue/recovery.hpp"

#include "noria/ring/ring_view.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstring>

namespace layout = noria::layout;
using noria::queue::plan;
using noria::queue::repairs;
using noria::queue::role;

namespace {

layout::queue_words words_with(std::uint64_t head, std::uint64_t taken, std::uint64_t seen) {
    layout::queue_words words{};
    words.consumer.head = head;
    words.consumer.taken = taken;
    words.consumer.seen = seen;
    words.consumer.redelivered = 10;
    words.producers.deaths = 3;
    words.consumers.deaths = 7;
    return words;
}

// What recover() stores of a plan.
void apply(layout::queue_words& words, role dead, const repairs& all) {
    if (dead == role::consumer) {
        words.consumer.seen = all.seen;
        words.consumer.redelivered = all.redelivered;
        words.consumer.taken = words.consumer.head;
    }
    (dead == role::producer ? words.producers : words.consumers).deaths = all.deaths;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recovery)

BOOST_AUTO_TEST_CASE(a_death_is_counted_for_its_role_only) {
    const layout::queue_words words = words_with(5, 5, 0);
    BOOST_TEST(plan(words, role::producer).deaths == 4U);
    BOOST_TEST(plan(words, role::consumer).deaths == 8U);
}

BOOST_AUTO_TEST_CASE(a_dead_producer_changes_nothing_of_what_the_consumer_holds) {
    for (const auto& words : {words_with(5, 5, 0), words_with(5, 6, 0), words_with(5, 6, 6)}) {
        const repairs all = plan(words, role::producer);
        BOOST_TEST(all.seen == words.consumer.seen);
        BOOST_TEST(all.redelivered == words.consumer.redelivered);
    }
}

BOOST_AUTO_TEST_CASE(a_dead_consumer_that_held_nothing_leaves_nothing_to_deliver_again) {
    for (const auto& words : {words_with(5, 5, 0), words_with(5, 4, 0), words_with(5, 0, 5), words_with(5, 5, 9)}) {
        const repairs all = plan(words, role::consumer);
        BOOST_TEST(all.seen == words.consumer.seen);
        BOOST_TEST(all.redelivered == 10U);
    }
}

BOOST_AUTO_TEST_CASE(a_dead_consumers_message_is_marked_and_counted) {
    BOOST_TEST(plan(words_with(5, 6, 0), role::consumer).seen == 6U);
    BOOST_TEST(plan(words_with(5, 6, 0), role::consumer).redelivered == 11U);
    BOOST_TEST(plan(words_with(5, 6, 6), role::consumer).seen == 6U);  // again
    BOOST_TEST(plan(words_with(5, 6, 6), role::consumer).redelivered == 11U);
    BOOST_TEST(plan(words_with(400, 464, 0), role::consumer).seen == 464U);  // bytes form: a record of 64
    BOOST_TEST(plan(words_with(UINT64_MAX, 0, UINT64_MAX - 4), role::consumer).seen == 0U);  // across the wrap
    BOOST_TEST(plan(words_with(UINT64_MAX, 0, UINT64_MAX - 4), role::consumer).redelivered == 11U);
}

BOOST_AUTO_TEST_CASE(planning_changes_no_word) {
    const layout::queue_words words = words_with(5, 6, 0);
    layout::queue_words copy = words;
    (void)plan(copy, role::consumer);
    (void)plan(copy, role::producer);
    BOOST_TEST(std::memcmp(&copy, &words, sizeof words) == 0);
}

// Why there is a journal: a plan made anew after half of it was applied would be another one. The targets are absolute,
// so that the plan itself can be applied again from any point of the first application.
BOOST_AUTO_TEST_CASE(a_plan_applied_again_from_any_point_gives_the_same_words) {
    for (const role dead : {role::producer, role::consumer}) {
        const layout::queue_words before = words_with(5, 6, 0);
        const repairs all = plan(before, dead);
        layout::queue_words once = before;
        apply(once, dead, all);
        for (int stores_done = 0; stores_done <= 4; ++stores_done) {
            layout::queue_words again = before;
            if (dead == role::consumer) {
                if (stores_done > 0) again.consumer.seen = all.seen;
                if (stores_done > 1) again.consumer.redelivered = all.redelivered;
                if (stores_done > 2) again.consumer.taken = again.consumer.head;
            }
            if (stores_done > 3) (dead == role::producer ? again.producers : again.consumers).deaths = all.deaths;
            apply(again, dead, all);
            BOOST_TEST(std::memcmp(&again, &once, sizeof once) == 0);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
