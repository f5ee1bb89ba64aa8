// bytes_test.cpp: laws of queues that carry messages of any size: 0 to the maximum, and into which buffers.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"
#include "rig/seed.hpp"

#include <random>
#include <string>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

using byte_queues = std::tuple<spsc<bytes>, mpmc<bytes, coordination::robust_mutex>>;

constexpr std::uint64_t capacity_bytes = 1024;
constexpr std::uint64_t maximum = 200;

template <class Queue>
struct byte_pair {
    explicit byte_pair(std::uint64_t capacity = capacity_bytes, std::uint64_t most = maximum)
        : out(place / "queue", {.capacity_bytes = capacity, .message_bytes_max = most}), in(place / "queue") {}
    rig::workspace place;
    typename Queue::producer out;
    typename Queue::consumer in;
};

std::vector<std::byte> content(std::uint64_t number, std::size_t size) {
    std::vector<std::byte> made(size);
    for (std::size_t at = 0; at < size; ++at) made[at] = static_cast<std::byte>(number * 251 + at * 7 + 1);
    return made;
}

bool same(bytes left, const std::vector<std::byte>& right) {
    return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(any_size)

BOOST_AUTO_TEST_CASE_TEMPLATE(an_empty_message_is_a_message, Queue, byte_queues) {
    byte_pair<Queue> queue;
    for (int turn = 0; turn < 300; ++turn) {
        BOOST_REQUIRE(queue.out.try_push(bytes()));
        BOOST_REQUIRE(queue.out.try_push(""));
        auto claim = queue.out.try_claim(0);
        BOOST_REQUIRE(bool(claim));
        BOOST_REQUIRE(claim.commit());
        BOOST_TEST(queue.in.size() == 3U);
        const auto copied = queue.in.try_pop();
        BOOST_REQUIRE(bool(copied));
        BOOST_TEST(copied->empty());
        BOOST_TEST(copied.deliveries() == 1U);
        BOOST_REQUIRE(bool(queue.in.try_pop(std::span<std::byte>())));
        const auto held = queue.in.try_take();
        BOOST_REQUIRE(bool(held));
        BOOST_TEST(held.size() == 0U);
    }
    BOOST_TEST(!queue.in.try_pop());
    BOOST_TEST(queue.in.why() == outcome::empty);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_maximum_passes_and_one_byte_more_is_too_large, Queue, byte_queues) {
    // Both sides of the limit by every verb, at every place of the ring; what is too large leaves nothing behind, even on a
    // full queue, where it does not wait.
    byte_pair<Queue> queue;
    const auto largest = content(1, maximum);
    const auto larger = content(2, maximum + 1);
    const std::vector<bytes> two{bytes(std::span(largest)), bytes(std::span(larger))};
    const auto is_too_large = [&](bool done) { return !done && queue.out.why() == outcome::too_large; };
    for (int turn = 0; turn < 40; ++turn) {
        BOOST_TEST(is_too_large(queue.out.push(bytes(std::span(larger)))));
        BOOST_TEST(is_too_large(queue.out.try_push(bytes(std::span(larger)))));
        BOOST_TEST(is_too_large(queue.out.push_for(bytes(std::span(larger)), 1h)));
        BOOST_TEST(is_too_large(bool(queue.out.claim(maximum + 1))));
        BOOST_TEST(is_too_large(bool(queue.out.try_claim(SIZE_MAX))));
        BOOST_TEST(is_too_large(queue.out.push_some(std::span(two).subspan(1)) != 0));
        BOOST_TEST(queue.out.push_some(two) == 1U);
        BOOST_TEST(queue.out.why() == outcome::too_large);
        BOOST_TEST(bool(queue.out.claim(maximum)));
        BOOST_TEST(queue.in.size() == 1U);
        const auto got = queue.in.try_pop();
        BOOST_REQUIRE(bool(got));
        BOOST_TEST(same(*got, largest));
        BOOST_TEST(queue.out.try_push("x"));  // so that the next turn begins elsewhere
        BOOST_TEST(queue.in.try_pop()->text() == "x");
    }
    while (queue.out.try_push(bytes(std::span(largest)))) {
    }
    BOOST_TEST(queue.out.why() == outcome::full);
    BOOST_TEST(is_too_large(queue.out.push(bytes(std::span(larger)))));
    BOOST_TEST(is_too_large(bool(queue.out.claim(maximum + 1))));
    BOOST_TEST(queue.out.counters().given_back == 40U);
    BOOST_TEST(queue.out.counters().refused == 1U);  // only the one that found no room
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_largest_maximum_fits_an_empty_queue_wherever_it_stands, Queue, byte_queues) {
    // Goal: a message of the stated maximum is never refused by an empty ring, at whatever offset the ring is. Method: the
    // largest maximum that the capacity allows, after small messages of each size.
    constexpr std::uint64_t most = capacity_bytes - 16;
    byte_pair<Queue> queue(capacity_bytes, most);
    BOOST_TEST(queue.out.message_bytes_max() == most);
    for (std::size_t small = 0; small <= 300; ++small) {
        const auto little = content(small, small);
        const auto large = content(small, most);
        BOOST_REQUIRE(queue.out.push_for(bytes(std::span(little)), 0s));
        BOOST_REQUIRE(same(*queue.in.try_pop(), little));
        if (!queue.out.try_push(bytes(std::span(large)))) {
            // The ring's end was in the way: the consumer passes it when it looks, and then there is room.
            BOOST_REQUIRE(queue.out.why() == outcome::full);
            BOOST_REQUIRE(!queue.in.try_pop());
            BOOST_REQUIRE(queue.out.try_push(bytes(std::span(large))));
        }
        BOOST_REQUIRE(same(*queue.in.try_pop(), large));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_buffer_one_byte_short_keeps_the_message_and_tells_its_size, Queue, byte_queues) {
    byte_pair<Queue> queue;
    const auto message = content(3, 57);
    BOOST_REQUIRE(queue.out.try_push(bytes(std::span(message))));
    BOOST_REQUIRE(queue.out.try_push("next"));
    std::vector<std::byte> buffer(58, std::byte{0xEE});
    const auto expect_short = [&](const auto& got) {
        BOOST_TEST(!got);
        BOOST_TEST(queue.in.why() == outcome::buffer_too_small);
        BOOST_TEST(got.size() == 57U);
        BOOST_TEST(queue.in.size() == 2U);
        BOOST_TEST(std::all_of(buffer.begin(), buffer.end(), [](std::byte each) { return each == std::byte{0xEE}; }));
    };
    const std::span<std::byte> shorter(buffer.data(), 56);
    expect_short(queue.in.pop(shorter));
    expect_short(queue.in.try_pop(shorter));
    expect_short(queue.in.pop_for(shorter, 1h));
    expect_short(queue.in.pop_until(shorter, std::chrono::steady_clock::time_point::min()));
    expect_short(queue.in.pop(std::span<std::byte>()));
    const auto got = queue.in.pop(std::span(buffer.data(), 57));
    BOOST_REQUIRE(bool(got));
    BOOST_TEST(same(*got, message));
    BOOST_TEST(got->data() == buffer.data());
    BOOST_TEST(got.deliveries() == 1U);
    BOOST_TEST((buffer[57] == std::byte{0xEE}));
    BOOST_TEST(queue.in.try_pop(buffer)->text() == "next");
    BOOST_TEST(queue.in.counters().redelivered == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(commit_sends_the_bytes_used_of_those_claimed, Queue, byte_queues) {
    // Goal: a claim of the maximum, committed with fewer bytes, costs the room of those only.
    byte_pair<Queue> queue;
    for (std::size_t used = 0; used <= maximum; ++used) {
        auto claim = queue.out.claim(maximum);
        BOOST_REQUIRE(bool(claim));
        BOOST_TEST(claim.size() == maximum);
        BOOST_TEST((*claim).size() == maximum);
        BOOST_TEST(claim.data() == (*claim).data());
        const auto wanted = content(used, used);
        std::copy(wanted.begin(), wanted.end(), claim.data());
        BOOST_REQUIRE(claim.commit(used));
        const auto lease = queue.in.take();
        BOOST_REQUIRE(bool(lease));
        BOOST_TEST(lease.size() == used);
        BOOST_TEST(same(*lease, wanted));
    }
    std::uint64_t sent = 0;
    for (;; ++sent) {
        auto claim = queue.out.try_claim(8);
        if (!claim) break;
        claim.commit(0);
    }
    BOOST_TEST(sent > capacity_bytes / 8 - 4);  // of 8 bytes each, header included
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_popped_message_is_the_callers_until_the_next_pop, Queue, byte_queues) {
    byte_pair<Queue> queue;
    BOOST_REQUIRE(queue.out.try_push("first"));
    const auto first = queue.in.pop();
    for (int turn = 0; turn < 100; ++turn) {
        if (!queue.out.try_push("later")) break;
    }
    BOOST_TEST(first->text() == "first");
    BOOST_TEST(queue.in.pop()->text() == "later");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_of_all_sizes_arrive_whole_and_in_order, Queue, byte_queues) {
    // Goal: whatever the sizes, however they wrap. Method: a random walk of pushes by every verb and receptions by every
    // verb against a list of what must come; see rig/seed.hpp.
    const std::uint64_t seed = noria::rig::seed();
    BOOST_TEST_CONTEXT("NORIA_TEST_SEED=" << seed) {
        std::mt19937_64 draw(seed);
        for (const std::uint64_t capacity : {64U, 256U, 1024U, 8192U}) {
            const std::uint64_t most = draw() % 2 == 0 ? capacity - 16 : capacity / 4;
            byte_pair<Queue> queue(capacity, most);
            std::uint64_t sent = 0;
            std::uint64_t received = 0;
            std::vector<std::vector<std::byte>> expected;
            while (received < 5000) {
                if (draw() % 2 == 0) {
                    const auto message = content(sent, draw() % (draw() % 4 == 0 ? most + 1 : most / 4 + 1));
                    bool done = false;
                    if (draw() % 2 == 0) {
                        done = queue.out.try_push(bytes(std::span(message)));
                    } else if (auto claim =
                                   queue.out.try_claim(message.size() + draw() % (most - message.size() + 1))) {
                        std::copy(message.begin(), message.end(), claim.data());
                        done = draw() % 4 != 0 && claim.commit(message.size());
                    }
                    if (!done) continue;
                    expected.push_back(message);
                    ++sent;
                } else if (draw() % 2 == 0) {
                    if (const auto got = queue.in.try_pop())
                        BOOST_REQUIRE(same(*got, expected.at(received++)));
                    else
                        BOOST_REQUIRE(received == sent);
                } else {
                    if (const auto got = queue.in.try_take())
                        BOOST_REQUIRE(same(*got, expected.at(received++)));
                    else
                        BOOST_REQUIRE(received == sent);
                }
                BOOST_REQUIRE(queue.in.size() == sent - received);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
