// mutex_ring_test.cpp: every step against a model, deaths between any two stores, and bytes that nobody writes.
#include "heap_mutex_ring.hpp"

#include "rig/seed.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <map>
#include <random>

using namespace noria;
using namespace noria::unit;
using layout::message_form;
using layout::slot_phase;
using ring::sight;

namespace {

constexpr std::uint64_t writers[] = {1, 2};
constexpr std::uint64_t readers[] = {3, 4};

void write_number(std::byte* room, std::uint64_t number, std::uint64_t length) {
    for (std::uint64_t i = 0; i < length; ++i) room[i] = static_cast<std::byte>(number * 31 + i);
}
bool bears(const std::byte* message, std::uint64_t number, std::uint64_t length) {
    for (std::uint64_t i = 0; i < length; ++i) {
        if (message[i] != static_cast<std::byte>(number * 31 + i)) return false;
    }
    return true;
}

// What the ring must hold: messages by position, in their order, and what is in whose hands.
struct model {
    struct message {
        std::uint64_t number;
        std::uint64_t length;
        unsigned deliveries = 0;
    };
    struct claimed {
        std::uint64_t position;
        std::vector<std::uint64_t> lengths;
    };
    std::map<std::uint64_t, message> ready;                           // key: serial of commit's place
    std::map<std::uint64_t, std::map<std::uint64_t, message>> held;   // by owner
    std::map<std::uint64_t, std::pair<std::uint64_t, claimed>> open;  // by owner: serial, claim
    ring::mutex_books figures;
    std::uint64_t serial = 0;
    std::uint64_t number = 0;
};

// Draws verbs, and holds each outcome against the model.
class walk {
public:
    walk(heap_mutex_ring& memory, std::uint64_t seed) : memory_(memory), ring_(memory.ring), draw_(seed) {}

    void step() {
        switch (draw_() % 9) {
            case 0:
            case 1: return claim();
            case 2:
            case 3: return settle();
            case 4:
            case 5: return take();
            case 6:
            case 7: return let_go();
            default: return die();
        }
    }
    void check() {
        const char* const complaint = ring_.complaint();
        BOOST_REQUIRE_MESSAGE(complaint == nullptr, (complaint != nullptr ? complaint : ""));
        BOOST_REQUIRE(ring_.begin());
        const auto& now = ring_.books();
        BOOST_REQUIRE(now.sent == is_.figures.sent);
        BOOST_REQUIRE(now.received == is_.figures.received);
        BOOST_REQUIRE(now.redelivered == is_.figures.redelivered);
        BOOST_REQUIRE(now.given_back == is_.figures.given_back);
        BOOST_REQUIRE(now.skipped == is_.figures.skipped);
        std::size_t in_hands = is_.open.size();
        for (const auto& [owner, all] : is_.held) in_hands += all.size();
        std::vector<ring::hand> seen;
        std::uint64_t count = 0;
        const auto words = ring::words_in(memory_.view());
        BOOST_REQUIRE(ring_.survey(now, words, now.tail - now.head, seen, count) == now.tail);
        BOOST_REQUIRE(seen.size() == in_hands);
        std::uint64_t holder = 0;
        BOOST_REQUIRE((ring_.drained_but_for(readers[0], holder) == sight::ready) ==
                      (is_.ready.empty() && is_.open.empty() && is_.held[readers[1]].empty()));
    }

private:
    std::uint64_t length() {
        const std::uint64_t most = memory_.shape().message_bytes;
        return memory_.shape().form == message_form::fixed ? most
                                                           : draw_() % (draw_() % 8 == 0 ? most + 1 : most / 8 + 1);
    }
    static std::uint64_t nth(const void* all, std::uint64_t which) noexcept {
        return static_cast<const std::uint64_t*>(all)[which];
    }

    void claim() {
        const std::uint64_t owner = writers[draw_() % 2];
        if (is_.open.contains(owner)) return;
        model::claimed mine{0, std::vector<std::uint64_t>(draw_() % 3 == 0 ? 1 + draw_() % 3 : 1)};
        for (auto& each : mine.lengths) each = length();
        const ring::lengths wanted{.count = mine.lengths.size(), .messages = mine.lengths.data(), .of = nth};
        const bool empty = ring_.books().head == ring_.books().tail;
        const bool looked = ring_.begin() && ring_.claim(wanted, owner, mine.position, false) == sight::ready;
        BOOST_REQUIRE(ring_.begin());
        const sight found = ring_.claim(wanted, owner, mine.position, true);
        BOOST_REQUIRE((found == sight::ready) == looked);
        if (found != sight::ready) {
            BOOST_REQUIRE((found == sight::nothing));
            BOOST_REQUIRE((!empty || !ring_.could_fit(wanted)));
            return;
        }
        for (std::size_t i = 0, at = mine.position; i < mine.lengths.size(); ++i) {
            at = ring_.place_next(wanted, i, at);
            write_number(ring_.message_at(at), is_.number + i, mine.lengths[i]);
        }
        is_.open[owner] = {is_.serial, mine};
        is_.serial += mine.lengths.size();
        numbers_[owner] = is_.number;
        is_.number += mine.lengths.size();
    }

    // Commits, or gives back.
    void settle() {
        const std::uint64_t owner = writers[draw_() % 2];
        if (!is_.open.contains(owner)) return;
        auto [serial, mine] = is_.open[owner];
        is_.open.erase(owner);
        BOOST_REQUIRE(ring_.begin());
        BOOST_REQUIRE(!ring_.commit(mine.position, mine.lengths[0], 3 - owner));  // it is not his
        if (draw_() % 4 == 0) {
            BOOST_REQUIRE(ring_.give_back(mine.position, owner));
            ++is_.figures.given_back;
            return;
        }
        if (mine.lengths.size() == 1) {
            // Of bytes, some less than was claimed.
            if (memory_.shape().form == message_form::bytes) mine.lengths[0] -= draw_() % (mine.lengths[0] + 1);
            BOOST_REQUIRE(ring_.commit(mine.position, mine.lengths[0], owner));
        } else {
            BOOST_REQUIRE(ring_.commit_all(
                mine.position, {.count = mine.lengths.size(), .messages = mine.lengths.data(), .of = nth}, owner));
        }
        for (std::size_t i = 0; i < mine.lengths.size(); ++i)
            is_.ready[serial + i] = {numbers_[owner] + i, mine.lengths[i]};
        is_.figures.sent += mine.lengths.size();
    }

    void take() {
        const std::uint64_t owner = readers[draw_() % 2];
        std::uint64_t position = 0;
        std::uint64_t word = 0;
        BOOST_REQUIRE(ring_.begin());
        const sight found = ring_.take(owner, position, word, true);
        // The first that is ready; but who was never handed out waits behind an open claim.
        auto first = is_.ready.begin();
        if (first != is_.ready.end() && first->second.deliveries == 0) {
            for (const auto& [who, claim] : is_.open) {
                if (claim.first < first->first) first = is_.ready.end();
                if (first == is_.ready.end()) break;
            }
        }
        BOOST_REQUIRE((found == sight::ready) == (first != is_.ready.end()));
        if (found != sight::ready) return;
        BOOST_REQUIRE(layout::mutex_record_length(word) == first->second.length);
        BOOST_REQUIRE(layout::deliveries_of(word) == std::min(first->second.deliveries, 7U));
        BOOST_REQUIRE(bears(ring_.message_at(position), first->second.number, first->second.length));
        BOOST_REQUIRE(ring_.position_of(ring_.message_at(position)) == position);
        is_.held[owner][first->first] = first->second;
        place_[first->first] = position;
        is_.ready.erase(first);
    }

    // Releases, or puts back, any of those held.
    void let_go() {
        const std::uint64_t owner = readers[draw_() % 2];
        auto& mine = is_.held[owner];
        if (mine.empty()) return;
        auto which = mine.begin();
        std::advance(which, static_cast<std::ptrdiff_t>(draw_() % mine.size()));
        const std::uint64_t position = place_[which->first];
        BOOST_REQUIRE(ring_.begin());
        BOOST_REQUIRE(!ring_.release(position, 7 - owner));  // it is not his
        if (draw_() % 4 == 0) {
            BOOST_REQUIRE(ring_.put_back(position, owner, true));
            ++is_.figures.redelivered;
            ++which->second.deliveries;
            is_.ready.insert(*which);
        } else {
            BOOST_REQUIRE(ring_.release(position, owner));
            ++is_.figures.received;
        }
        mine.erase(which);
    }

    void die() {
        if (draw_() % 4 != 0) return;
        const std::uint64_t owner = 1 + draw_() % 4;
        BOOST_REQUIRE(ring_.begin());
        BOOST_REQUIRE(ring_.release_of(owner));
        is_.figures.skipped += is_.open.erase(owner);
        for (auto& [serial, message] : is_.held[owner]) {
            ++is_.figures.redelivered;
            ++message.deliveries;
            is_.ready[serial] = message;
        }
        is_.held[owner].clear();
    }

    heap_mutex_ring& memory_;
    ring::mutex_ring& ring_;
    std::mt19937_64 draw_;
    model is_;
    std::map<std::uint64_t, std::uint64_t> numbers_;  // of an owner's open claim
    std::map<std::uint64_t, std::uint64_t> place_;    // of a held message
};

// Of both forms, each in a ring that is small enough to be full and to wrap all the time.
std::vector<layout::shape> shapes() {
    return {mutex_shape(message_form::fixed, 1), mutex_shape(message_form::fixed, 8),
            mutex_shape(message_form::bytes, 64), mutex_shape(message_form::bytes, 1024)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mutex_ring)

BOOST_AUTO_TEST_CASE(every_verb_does_what_a_model_says_wherever_the_ring_stands) {
    // From the ring's first turn, across 2^32, and across 2^64.
    const std::uint64_t seed = rig::seed();
    BOOST_TEST_CONTEXT("NORIA_TEST_SEED=" << seed) {
        for (const auto& shape : shapes()) {
            for (const std::uint64_t start : {std::uint64_t{0}, (std::uint64_t{1} << 32) - 64, ~std::uint64_t{1023}}) {
                heap_mutex_ring memory(shape, start);
                BOOST_REQUIRE(memory.attached);
                walk random(memory, seed + start + shape.capacity);
                for (int i = 0; i < 20000; ++i) {
                    random.step();
                    random.check();
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_death_between_any_two_stores_leaves_all_of_a_step_or_nothing) {
    // Goal: the turn is the one store that counts. Method: each step of a walk is taken back to what the file would be had
    // its owner died before the turn, with the other page half written, or after it, with the record's word not stored.
    const std::uint64_t seed = rig::seed();
    BOOST_TEST_CONTEXT("NORIA_TEST_SEED=" << seed) {
        for (const auto& shape : shapes()) {
            heap_mutex_ring memory(shape);
            walk random(memory, seed);
            std::mt19937_64 draw(seed);
            for (int i = 0; i < 5000; ++i) {
                const auto before = memory.save();
                random.step();
                const auto after = memory.save();
                if (after.words.line.turn != before.words.line.turn) {
                    memory.words = before.words;  // the messages' bytes, and words behind the tail, may be new
                    for (auto* each :
                         {&memory.other_page().tail, &memory.other_page().record, &memory.other_page().sent})
                        *each = draw();
                    const std::uint64_t record = after.words.pages[after.words.line.turn & 1].record;
                    const std::uint64_t first = before.words.line.turn + 1 == after.words.line.turn ? record : 0;
                    const auto old_word = [&] {
                        const auto offset = static_cast<std::size_t>(reinterpret_cast<std::byte*>(&memory.word(first)) -
                                                                     memory.records());
                        std::uint64_t word = 0;
                        std::memcpy(&word, before.records.data() + offset, sizeof word);
                        return word;
                    };
                    if (before.words.line.turn + 1 == after.words.line.turn) {
                        memory.word(first) = old_word();
                        BOOST_REQUIRE(memory.ring.begin());
                        const char* const unsound = memory.ring.complaint();
                        BOOST_REQUIRE_MESSAGE(unsound == nullptr, (unsound != nullptr ? unsound : ""));
                        memory.restore(after);
                        memory.word(first) = old_word();
                        BOOST_REQUIRE(memory.ring.begin());  // stores it
                        BOOST_REQUIRE(memory.ring.complaint() == nullptr);
                        const bool in_ring = record - memory.page().head < memory.page().tail - memory.page().head;
                        if (in_ring) BOOST_REQUIRE(memory.word(record) == memory.page().word);
                    }
                    memory.restore(after);
                }
                random.check();
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_recovery_that_dies_at_any_of_its_steps_is_gone_on_with) {
    heap_mutex_ring memory(mutex_shape(message_form::fixed, 8));
    std::uint64_t position = 0;
    std::uint64_t word = 0;
    for (int i = 0; i < 5; ++i) {
        BOOST_REQUIRE((memory.ring.claim({.one = 8}, 1, position, true) == sight::ready));
        BOOST_REQUIRE(memory.ring.commit(position, 8, 1));
    }
    BOOST_REQUIRE((memory.ring.claim({.one = 8}, 3, position, true) == sight::ready));  // a hole, in the end
    BOOST_REQUIRE((memory.ring.claim({.one = 8}, 1, position, true) == sight::ready));
    for (int i = 0; i < 4; ++i) BOOST_REQUIRE((memory.ring.take(3, position, word, true) == sight::ready));
    const auto before = memory.save();
    BOOST_REQUIRE(memory.ring.release_of(3));
    const std::uint64_t steps = memory.words.line.turn - before.words.line.turn;
    BOOST_TEST(steps == 5U);
    for (std::uint64_t dead_at = 0; dead_at <= steps; ++dead_at) {
        memory.restore(before);
        BOOST_REQUIRE(memory.ring.begin());
        // After so many steps: the words of the others are as they were.
        std::uint64_t at = memory.page().head;
        for (std::uint64_t done = 0; done < dead_at; ++at) {
            if (layout::owner_of(memory.word(at)) != 3) continue;
            if (done < 4) BOOST_REQUIRE(memory.ring.put_back(at, 3, true));
            ++done;
            if (done > 4) BOOST_REQUIRE(memory.ring.release_of(3));
        }
        BOOST_REQUIRE(memory.ring.begin());
        BOOST_REQUIRE(memory.ring.release_of(3));
        BOOST_TEST(memory.ring.complaint() == nullptr);
        BOOST_TEST(memory.page().redelivered == 4U);
        BOOST_TEST(memory.page().skipped == 1U);
        BOOST_TEST(memory.page().returned == 4U);
    }
}

BOOST_AUTO_TEST_CASE(an_open_claim_is_passed_by_nobody_and_named) {
    heap_mutex_ring memory(mutex_shape(message_form::fixed, 4));
    std::uint64_t position = 0;
    std::uint64_t word = 0;
    BOOST_REQUIRE((memory.ring.claim({.one = 8}, 2, position, true) == sight::ready));
    BOOST_TEST((memory.ring.take(3, position, word, true) == sight::nothing));
    BOOST_TEST(memory.ring.obstacle() == 2U);
    BOOST_TEST(memory.ring.stalled());
}

BOOST_AUTO_TEST_CASE(who_keeps_the_oldest_message_is_named_where_the_ring_is_full_of_free_records) {
    for (const auto form : {message_form::fixed, message_form::bytes}) {
        heap_mutex_ring memory(mutex_shape(form, 64));
        std::uint64_t position = 0;
        std::uint64_t word = 0;
        while (memory.ring.claim({.one = 8}, 1, position, true) == sight::ready)
            BOOST_REQUIRE(memory.ring.commit(position, 8, 1));
        BOOST_TEST(memory.ring.obstacle() == 0U);
        BOOST_TEST(!memory.ring.stalled());
        std::uint64_t oldest = 0;
        BOOST_REQUIRE((memory.ring.take(3, oldest, word, true) == sight::ready));
        BOOST_TEST((memory.ring.claim({.one = 8}, 1, position, false) == sight::nothing));
        BOOST_TEST(memory.ring.obstacle() == 3U);
        BOOST_TEST(!memory.ring.stalled());  // there are as many messages as fit
        BOOST_REQUIRE((memory.ring.take(4, position, word, true) == sight::ready));
        BOOST_REQUIRE(memory.ring.release(position, 4));
        BOOST_REQUIRE(memory.ring.begin());
        BOOST_TEST((memory.ring.claim({.one = 8}, 1, position, false) == sight::nothing));
        BOOST_TEST(memory.ring.stalled());
        BOOST_REQUIRE(memory.ring.release(oldest, 3));
        BOOST_TEST((memory.ring.claim({.one = 8}, 1, position, false) == sight::ready));
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_refused_or_survived) {
    // Goal: no read or write outside, no loop without end. Method: heap blocks of exactly the ring's size, under ASan in the
    // sanitised build; words of a ring at work are scribbled on between any two verbs.
    const std::uint64_t seed = rig::seed();
    BOOST_TEST_CONTEXT("NORIA_TEST_SEED=" << seed) {
        std::mt19937_64 draw(seed);
        std::uint64_t read = 0;  // so that no reading is left out
        for (int round = 0; round < 20000; ++round) {
            const auto all = shapes();
            heap_mutex_ring memory(all[draw() % all.size()]);
            const std::uint64_t units = memory.ring_bytes() / 8;
            const auto wild = [&]() -> std::uint64_t {
                switch (draw() % 4) {
                    case 0: return draw();
                    case 1: return draw() % 2048;
                    case 2: return draw() % 16 << layout::lap_shift | (draw() % 5) << layout::phase_shift | draw() % 5;
                    default: return memory.page().tail + draw() % 64 * 8;
                }
            };
            for (int i = 0; i < 12; ++i) {
                if (draw() % 3 == 0) reinterpret_cast<std::uint64_t*>(memory.records())[draw() % units] = wild();
                if (draw() % 6 == 0) reinterpret_cast<std::uint64_t*>(&memory.page())[draw() % 14] = wild();
                std::uint64_t position = memory.page().head + draw() % 128;
                std::uint64_t word = 0;
                if (!memory.ring.begin()) break;
                const std::uint64_t length = draw() % (memory.shape().message_bytes + 1);
                switch (draw() % 8) {
                    case 0:
                        if (memory.ring.claim({.one = length}, 1, position, true) == sight::ready)
                            std::memset(memory.ring.message_at(position), 1,
                                        memory.shape().form == message_form::fixed ? 8 : length);
                        break;
                    case 1: (void)memory.ring.commit(position & ~std::uint64_t{7}, length, 1); break;
                    case 2: (void)memory.ring.give_back(position & ~std::uint64_t{7}, 1); break;
                    case 3:
                        if (memory.ring.take(2, position, word, true) == sight::ready) {
                            const std::byte* const message = memory.ring.message_at(position);
                            for (std::uint64_t n = 0; n < layout::mutex_record_length(word); ++n)
                                read += message[n] != std::byte{};
                        }
                        break;
                    case 4: (void)memory.ring.release(position & ~std::uint64_t{7}, 2); break;
                    case 5: (void)memory.ring.put_back(position & ~std::uint64_t{7}, 2, true); break;
                    case 6: (void)memory.ring.release_of(1 + draw() % 4); break;
                    default: (void)memory.ring.complaint();
                }
            }
        }
        BOOST_TEST(read != 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
