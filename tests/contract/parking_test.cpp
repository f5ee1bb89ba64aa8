// parking_test.cpp: laws of an mpmc queue with deliveries_max: what kills its holders is set aside, counted, and not lost.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"
#include "rig/child.hpp"
#include "rig/raw_figures.hpp"

#include <signal.h>

#include <stdexcept>
#include <string>
#include <utility>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

using crowds =
    std::tuple<typed<mpmc<block<8, 8>, coordination::lock_free>>, untyped_slots<mpmc<bytes, coordination::lock_free>>>;
constexpr auto patience = 60s;  // so long that something must be broken

// Takes the next message, which must bear that number, and throws.
template <class Q>
void throw_at(typename Q::consumer& in, std::uint64_t number) {
    const auto refuse = [&](const auto& message) {
        BOOST_TEST(Q::number(message) == number);
        throw std::runtime_error("no");
    };
    BOOST_CHECK_THROW(in.consume_some(refuse, 1), std::runtime_error);
}

std::string refusal(const std::filesystem::path& file, const options& wishes, errc expected) {
    std::error_code code;
    const auto out = mpmc<block<8, 8>, coordination::lock_free>::producer::open_or_create(file, wishes, code);
    BOOST_TEST((code == expected));
    return out.error_text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parking)

BOOST_AUTO_TEST_CASE_TEMPLATE(what_too_many_threw_at_is_parked_and_can_be_taken_out, Q, crowds) {
    pair_of<Q> queue(8, {.deliveries_max = 3});
    typename Q::consumer other(queue.file());
    BOOST_REQUIRE(queue.push(0, 3));
    for (int times = 0; times < 3; ++times) throw_at<Q>(times % 2 == 0 ? queue.in : other, 0);
    BOOST_TEST(queue.pop(1, 2));
    BOOST_TEST(!other.try_pop());
    BOOST_TEST(queue.in.size() == 0U);

    const counters now = rig::raw_figures(queue.file());
    BOOST_TEST(now.sent == 3U);
    BOOST_TEST(now.received == 2U);
    BOOST_TEST(now.redelivered == 3U);
    BOOST_TEST(now.parked == 1U);
    BOOST_TEST(now.retrieved == 0U);
    const auto seen = inspect(queue.file());
    BOOST_TEST(seen.shape.deliveries_max == 3U);
    BOOST_TEST(seen.shape.parking == 64U);
    BOOST_TEST(seen.depth == 0U);
    BOOST_TEST(seen.overdue == 0U);
    BOOST_REQUIRE(seen.parked.size() == 1U);
    BOOST_TEST(seen.parked[0].position == 0U);
    BOOST_TEST(seen.parked[0].bytes == sizeof(typename Q::sample));
    BOOST_TEST(seen.parked[0].deliveries == 3U);

    {
        auto message = other.try_take_parked();
        BOOST_REQUIRE(bool(message));
        BOOST_TEST(number_of<Q>(message) == 0U);
        BOOST_TEST(message.deliveries() == 4U);
        BOOST_TEST(!queue.in.try_take_parked());  // it is in another's hands
        BOOST_TEST(queue.in.why() == outcome::empty);
        BOOST_TEST(inspect(queue.file()).parked.size() == 1U);
        auto moved = std::move(message);
        BOOST_TEST(number_of<Q>(moved) == 0U);
    }
    BOOST_TEST(!other.try_take_parked());
    BOOST_TEST(other.counters().retrieved == 1U);
    BOOST_TEST(other.counters().received == 2U);
    BOOST_TEST(inspect(queue.file()).parked.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_death_of_a_holder_parks_it_and_the_rest_of_the_work_goes_on, Q, crowds) {
    pair_of<Q> queue(8, {.deliveries_max = 2});
    BOOST_REQUIRE(queue.push(0, 5));
    // A worker that dies of message 2, whenever it gets it, and is started again.
    for (int deaths = 0; deaths < 2; ++deaths) {
        rig::child worker([&] {
            typename Q::consumer in(queue.file());
            for (;;) {
                const auto message = in.take_for(patience);
                if (!message) return 1;
                if (Q::number(*message) == 2) raise(SIGKILL);
            }
        });
        BOOST_TEST(worker.wait().signal == SIGKILL);
    }
    BOOST_TEST(queue.pop(3, 2));
    const typename Q::consumer newcomer(queue.file());  // whoever comes recovers the dead
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.counters().parked == 1U);
    BOOST_TEST(queue.in.counters().consumer_deaths == 2U);
    BOOST_TEST(number_of<Q>(queue.in.try_take_parked()) == 2U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_dies_with_a_parked_message_leaves_it_to_others, Q, crowds) {
    pair_of<Q> queue(4, {.deliveries_max = 1});
    BOOST_REQUIRE(queue.push(0, 1));
    throw_at<Q>(queue.in, 0);
    rig::child victim([&] {
        typename Q::consumer in(queue.file());
        const auto message = in.try_take_parked();
        if (message && message.deliveries() == 2) raise(SIGKILL);
        return 1;
    });
    BOOST_TEST(victim.wait().signal == SIGKILL);
    typename Q::consumer other(queue.file());  // whoever comes recovers the dead
    const auto message = other.try_take_parked();
    BOOST_TEST(number_of<Q>(message) == 0U);
    BOOST_TEST(message.deliveries() == 3U);
    BOOST_TEST(other.counters().parked == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_full_parking_leaves_messages_in_circulation_and_says_how_many, Q, crowds) {
    pair_of<Q> queue(4, {.deliveries_max = 1, .parking = 1});
    BOOST_REQUIRE(queue.push(0, 2));
    throw_at<Q>(queue.in, 0);
    throw_at<Q>(queue.in, 1);
    BOOST_TEST(inspect(queue.file()).overdue == 1U);
    const auto look_again = [&](const auto&) {
        BOOST_TEST(inspect(queue.file()).overdue == 1U);  // whoever holds it
        throw std::runtime_error("no");
    };
    BOOST_CHECK_THROW(queue.in.consume_some(look_again, 1), std::runtime_error);
    BOOST_TEST(queue.in.size() == 1U);
    BOOST_TEST(number_of<Q>(queue.in.try_take_parked()) == 0U);
    throw_at<Q>(queue.in, 1);  // there is room now
    BOOST_TEST(!queue.in.try_pop());
    const auto message = queue.in.try_take_parked();
    BOOST_TEST(number_of<Q>(message) == 1U);
    BOOST_TEST(message.deliveries() == 4U);
    BOOST_TEST(inspect(queue.file()).overdue == 0U);
    BOOST_TEST(queue.in.counters().redelivered == 4U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_parked_holds_up_neither_producers_nor_the_end, Q, crowds) {
    pair_of<Q> queue(1, {.deliveries_max = 1});
    BOOST_REQUIRE(queue.push(0, 1));
    BOOST_TEST(!queue.push(1, 1));
    throw_at<Q>(queue.in, 0);
    BOOST_TEST(queue.push(1, 1));
    BOOST_TEST(queue.pop(1, 1));
    { auto gone = std::move(queue.out); }
    BOOST_TEST(!queue.in.pop_for(patience));
    BOOST_TEST(queue.in.why() == outcome::ended);
    BOOST_TEST(queue.in.ended() == noria::end::finished);
    // And it outlives everybody.
    { auto gone = std::move(queue.in); }
    typename Q::consumer later(queue.file());
    BOOST_TEST(number_of<Q>(later.try_take_parked()) == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(taking_what_is_parked_says_how_it_went, Q, crowds) {
    pair_of<Q> queue(4, {.deliveries_max = 1});
    BOOST_REQUIRE(queue.push(0, 1));
    throw_at<Q>(queue.in, 0);
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::empty);
    rig::child copy([&] { return !queue.in.try_take_parked() && queue.in.why() == outcome::forked ? 0 : 1; });
    BOOST_TEST((copy.wait() == rig::fate{.exit_status = 0}));
    {
        const auto message = queue.in.try_take_parked();
        BOOST_TEST(number_of<Q>(message) == 0U);
        BOOST_TEST(queue.in.why() == outcome::ok);
    }
    BOOST_TEST(!queue.in.try_take_parked());
    BOOST_TEST(queue.in.why() == outcome::empty);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_deliveries_max_nothing_is_ever_parked, Q, crowds) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 1));
    for (int times = 0; times < 12; ++times) throw_at<Q>(queue.in, 0);
    BOOST_TEST(!queue.in.try_take_parked());
    BOOST_TEST(queue.in.why() == outcome::empty);
    const auto message = queue.in.try_pop();
    BOOST_TEST(message.deliveries() == 8U);  // as far as it is counted
    BOOST_TEST(queue.in.counters().parked == 0U);
    BOOST_TEST(inspect(queue.file()).shape.parking == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_parked_is_as_long_as_it_was_and_no_longer) {
    using queue = mpmc<bytes, coordination::lock_free>;
    const rig::workspace place;
    const auto file = place / "queue";
    queue::producer out(file, {.capacity = 4, .message_bytes_max = 100, .deliveries_max = 1});
    queue::consumer in(file);
    const std::string longest(100, 'l');
    std::uint64_t position = 0;
    for (const std::string& text : {std::string("short"), std::string(), longest}) {
        BOOST_REQUIRE(out.try_push(bytes(text)));
        BOOST_CHECK_THROW(in.consume_some([](bytes) { throw std::runtime_error("no"); }), std::runtime_error);
        const auto seen = inspect(file).parked;
        BOOST_REQUIRE(seen.size() == 1U);
        BOOST_TEST(seen[0].bytes == text.size());
        BOOST_TEST(seen[0].position == position++);
        const auto message = in.try_take_parked();
        BOOST_REQUIRE(bool(message));
        BOOST_TEST((*message).text() == text);
    }
}

BOOST_AUTO_TEST_CASE(options_of_the_parking_are_checked_and_remembered) {
    const rig::workspace place;
    const auto file = place / "queue";
    using queue = mpmc<block<8, 8>, coordination::lock_free>;
    BOOST_TEST(
        refusal(file, {.deliveries_max = 8}, errc::invalid_options).find("deliveries_max is 8, expected 1 to 7") !=
        std::string::npos);
    BOOST_TEST(refusal(file, {.deliveries_max = 1, .parking = 65537}, errc::invalid_options)
                   .find("parking is 65537, expected 1 to 65536") != std::string::npos);
    BOOST_TEST(refusal(file, {.parking = 4}, errc::invalid_options).find("expected both or neither") !=
               std::string::npos);
    std::error_code code;
    const auto spsc_out = spsc<block<8, 8>>::producer::open_or_create(file, {.deliveries_max = 1}, code);
    BOOST_TEST((code == errc::invalid_options));
    BOOST_TEST(spsc_out.error_text().find("for an spsc queue") != std::string::npos);

    const std::uint64_t without = queue::required_bytes({.capacity = 64});
    BOOST_TEST(queue::required_bytes({.capacity = 64, .deliveries_max = 2, .parking = 64}) == without + 64 * 128);
    const queue::producer out(file, {.capacity = 64, .deliveries_max = 2, .parking = 64});
    BOOST_TEST(std::filesystem::file_size(file) == without + 64 * 128);
    BOOST_TEST(refusal(file, {.deliveries_max = 3}, errc::other_geometry).find("found deliveries_max 2, expected 3") !=
               std::string::npos);
    BOOST_TEST(refusal(file, {.parking = 3}, errc::other_geometry).find("found parking 64, expected 3") !=
               std::string::npos);
    (void)queue::consumer::open(file, {.deliveries_max = 2, .parking = 64}, code);
    BOOST_TEST(!code);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
