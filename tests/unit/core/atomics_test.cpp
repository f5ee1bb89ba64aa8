// atomics_test.cpp: what each access does to its word, and what the orders promise between two threads.
#include "noria/core/atomics.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <thread>

namespace {

#if defined(NORIA_SANITIZED)
constexpr std::uint64_t rounds = 1000;
#else
constexpr std::uint64_t rounds = 5000;
#endif

template <class Word>
void each_access_does_what_it_says() {
    Word word = 5;
    BOOST_TEST(noria::load_relaxed(word) == Word{5});
    BOOST_TEST(noria::load_acquire(static_cast<const Word&>(word)) == Word{5});
    noria::store_relaxed(word, Word{6});
    BOOST_TEST(word == Word{6});
    noria::store_release(word, static_cast<Word>(~Word{0}));
    BOOST_TEST(word == static_cast<Word>(~Word{0}));
    BOOST_TEST(noria::exchange(word, Word{8}) == static_cast<Word>(~Word{0}));
    BOOST_TEST(noria::fetch_or(word, Word{3}) == Word{8});
    BOOST_TEST(word == Word{11});
    BOOST_TEST(!noria::compare_exchange(word, Word{8}, Word{1}));
    BOOST_TEST(word == Word{11});
    BOOST_TEST(noria::compare_exchange(word, Word{11}, Word{1}));
    BOOST_TEST(word == Word{1});
    noria::compiler_fence();
    noria::full_fence();
    BOOST_TEST(word == Word{1});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(atomics)

BOOST_AUTO_TEST_CASE(each_access_to_a_32_bit_word_does_what_it_says) { each_access_does_what_it_says<std::uint32_t>(); }
BOOST_AUTO_TEST_CASE(each_access_to_a_64_bit_word_does_what_it_says) { each_access_does_what_it_says<std::uint64_t>(); }

// Goal: whoever sees a release store sees what came before it. Method: plain data handed to and fro between two
// threads, each reading what the other wrote; a weaker order is a data race, which the thread sanitizer reports.
BOOST_AUTO_TEST_CASE(an_acquire_sees_what_came_before_the_release) {
    std::uint64_t turn = 0;
    std::uint64_t data = 0;
    const auto play = [&](std::uint64_t parity) {
        for (std::uint64_t round = parity; round < rounds; round += 2) {
            while (noria::load_acquire(turn) != round) std::this_thread::yield();
            if (data != round) return;
            data = round + 1;
            noria::store_release(turn, round + 1);
        }
    };
    std::thread other{play, 1};
    play(0);
    other.join();
    BOOST_TEST(data == rounds);
}

// Goal: the full fence keeps a load behind an earlier store. Method: Dekker's test: each of two threads stores its own
// word and then loads the other's; both loads finding the old value is what the fence forbids. Without it x86 shows
// that within a thousand rounds, if the threads really run at once.
BOOST_AUTO_TEST_CASE(a_full_fence_keeps_a_load_behind_a_store) {
    struct alignas(128) word {
        std::uint64_t value = 0;
    };
    word stored[2];
    word seen[2];
    word arrived[2];
    std::uint64_t both_old = 0;
    const auto meet = [&](std::size_t me, std::uint64_t count) {
        noria::store_release(arrived[me].value, count);
        for (int spins = 0; noria::load_acquire(arrived[1 - me].value) < count; ++spins) {
            if (spins > 100) std::this_thread::yield();
        }
    };
    const auto play = [&](std::size_t me) {
        for (std::uint64_t round = 1; round <= rounds; ++round) {
            meet(me, 2 * round - 1);
            noria::store_relaxed(stored[me].value, round);
            noria::full_fence();
            seen[me].value = noria::load_relaxed(stored[1 - me].value);
            meet(me, 2 * round);
            if (me == 0 && seen[0].value < round && seen[1].value < round) ++both_old;
        }
    };
    std::thread other{play, 1};
    play(0);
    other.join();
    BOOST_TEST(both_old == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
