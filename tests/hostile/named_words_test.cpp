// named_words_test.cpp: words that name a free entry, and endpoints that cannot put back what they have.
//
// Such a word is corrupt to a verb that would wait behind it, at once and not for ever. An endpoint whose file lies while it has
// something in hand leaves like a dead one: it stays on record, and is recovered.
#include "hostile/live_file.hpp"
#include "noria/noria.hpp"
#include "rig/raw_figures.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

using namespace noria;
using namespace std::chrono_literals;
using noria::hostile::live_file;

namespace noria::inline v1 {
static std::ostream& operator<<(std::ostream& out, outcome how) { return out << name(how); }
}  // namespace noria::inline v1

namespace {

constexpr auto patience = 20s;  // so long that something must be broken
constexpr std::uint64_t free_entry = 6;

struct message {
    std::uint64_t number;
};
using slots = mpmc<message, coordination::lock_free>;
using under_mutex = mpmc<message, coordination::robust_mutex>;
using crowds = std::tuple<slots, under_mutex>;

template <class Queue>
struct world {
    rig::workspace directory;
    std::filesystem::path path = directory / "queue";
    typename Queue::producer out{path, {.capacity = 4, .endpoints = 8}};
    typename Queue::consumer in{path};
    live_file bytes{path};
    layout::header header = bytes.template get_struct<layout::header>(0);

    [[nodiscard]] std::uint64_t word_at(std::uint64_t slot) const {
        return header.ring_offset + slot * header.slot_bytes;
    }
    // From now on that slot, which an endpoint has, is in the name of a free entry.
    void rename(std::uint64_t slot) const {
        const auto word = bytes.get(word_at(slot));
        BOOST_REQUIRE(layout::owner_of(word) != 0);
        bytes.set(word_at(slot), (word & ~layout::owner_mask) | (free_entry + 1));
    }
    void send(std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t n = from; n < to; ++n) BOOST_REQUIRE(out.try_push({n}));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(named_words)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_claim_in_the_name_of_a_free_entry_is_corrupt_to_consumers, Queue, crowds) {
    world<Queue> at;
    typename Queue::producer other(at.path);
    auto claim = other.try_claim();
    at.send(1, 2);  // the last step under the mutex is another's
    at.rename(0);
    BOOST_TEST(!at.in.pop_for(patience));
    BOOST_TEST(at.in.why() == outcome::corrupt);
    typename Queue::consumer newcomer(at.path);
    BOOST_TEST(!newcomer.try_pop());
    BOOST_TEST(newcomer.why() == outcome::corrupt);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lease_in_the_name_of_a_free_entry_is_corrupt_to_producers, Queue, crowds) {
    world<Queue> at;
    at.send(0, 4);
    auto lease = at.in.try_take();
    typename Queue::consumer other(at.path);
    BOOST_REQUIRE(bool(other.try_pop()));  // the last step under the mutex is another's
    BOOST_TEST(!at.out.try_push({9}));     // there is room, but not in front
    at.rename(0);
    BOOST_TEST(!at.out.push_for({9}, patience));
    BOOST_TEST(at.out.why() == outcome::corrupt);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lease_in_the_name_of_a_free_entry_withholds_no_end, Queue, crowds) {
    world<Queue> at;
    at.send(0, 2);
    auto lease = at.in.try_take();
    typename Queue::consumer other(at.path);
    BOOST_REQUIRE(bool(other.try_pop()));
    { const auto gone = std::move(at.out); }
    at.rename(0);
    BOOST_TEST(!other.pop_for(patience));
    BOOST_TEST(other.why() == outcome::corrupt);
}

BOOST_AUTO_TEST_CASE(a_parking_place_in_the_name_of_a_free_entry_is_corrupt) {
    const rig::workspace directory;
    const auto path = directory / "queue";
    slots::producer out(path, {.capacity = 4, .endpoints = 8, .deliveries_max = 1, .parking = 2});
    slots::consumer in(path);
    slots::consumer other(path);
    BOOST_REQUIRE(out.try_push({1}));
    BOOST_CHECK_THROW(in.consume_some([](const message&) { throw 1; }), int);
    auto lease = in.try_take_parked();
    BOOST_REQUIRE(bool(lease));
    BOOST_TEST(!other.try_take_parked());
    BOOST_TEST(other.why() == outcome::empty);  // a living consumer has it
    const live_file bytes(path);
    const auto header = bytes.get_struct<layout::header>(0);
    const auto word = bytes.get(header.parking_offset);
    BOOST_REQUIRE((layout::phase_of(word) == layout::slot_phase::retrieved));
    bytes.set(header.parking_offset, (word & ~layout::owner_mask) | (free_entry + 1));
    BOOST_TEST(!other.try_take_parked());
    BOOST_TEST(other.why() == outcome::corrupt);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_corrupt_consumer_holds_comes_to_another, Queue, crowds) {
    world<Queue> at;
    at.send(0, 3);
    std::optional<typename Queue::consumer> victim(std::in_place, at.path);
    std::uint64_t right = 0;
    {
        auto first = victim->try_take();
        auto second = victim->try_take();
        BOOST_REQUIRE((first && second));
        BOOST_REQUIRE(at.in.try_pop()->number == 2U);  // the last step under the mutex is another's
        right = at.bytes.get(at.word_at(1));
        at.bytes.set(at.word_at(1), std::uint64_t{0x1234567});
        second.release();
        BOOST_TEST(victim->why() == outcome::corrupt);
        at.bytes.set(at.word_at(1), right);
    }
    victim.reset();
    const snapshot seen = inspect(at.path);
    BOOST_REQUIRE(seen.roster.size() == 3U);
    BOOST_TEST(std::count_if(seen.roster.begin(), seen.roster.end(), [](const auto& each) { return !each.alive; }) ==
               1);
    for (std::uint64_t n = 0; n < 2; ++n) {
        const auto got = at.in.pop_for(patience);
        BOOST_REQUIRE(bool(got));
        BOOST_TEST(got->number == n);
        BOOST_TEST(got.deliveries() == 2U);
    }
    const counters now = rig::raw_figures(at.path);
    BOOST_TEST(now.received == 3U);
    BOOST_TEST(now.redelivered == 2U);
    BOOST_TEST(now.consumer_deaths == 1U);
    for (std::uint64_t n = 0; n < 12; ++n) {
        BOOST_REQUIRE(at.out.try_push({n}));
        BOOST_REQUIRE(bool(at.in.try_pop()));
    }
}

BOOST_AUTO_TEST_CASE(what_a_corrupt_producer_has_claimed_is_passed) {
    world<under_mutex> at;
    std::optional<under_mutex::producer> victim(std::in_place, at.path);
    auto claim = victim->try_claim();
    at.send(1, 2);
    const std::uint64_t right = at.bytes.get(at.word_at(0));
    at.bytes.set(at.word_at(0), std::uint64_t{0x1234567});
    BOOST_TEST(!claim.commit());
    BOOST_TEST(victim->why() == outcome::corrupt);
    at.bytes.set(at.word_at(0), right);
    victim.reset();
    BOOST_TEST(at.in.pop_for(patience)->number == 1U);
    const counters now = rig::raw_figures(at.path);
    BOOST_TEST(now.skipped == 1U);
    BOOST_TEST(now.producer_deaths == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_corrupt_endpoint_with_nothing_in_hand_leaves_the_roster, Queue, crowds) {
    world<Queue> at;
    at.send(0, 2);
    for (int i = 0; i < 2; ++i) BOOST_REQUIRE(bool(at.in.try_pop()));
    at.send(2, 4);
    const std::uint64_t there = at.bytes.get(at.word_at(2));
    {
        typename Queue::consumer victim(at.path);
        at.bytes.set(at.word_at(2), std::uint64_t{0xF000});  // a phase that there is not
        BOOST_TEST(!victim.try_pop());
        BOOST_TEST(victim.why() == outcome::corrupt);
    }
    at.bytes.set(at.word_at(2), there);
    for (const auto& each : inspect(at.path).roster) BOOST_TEST(each.alive);
    BOOST_TEST(at.in.try_pop()->number == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
