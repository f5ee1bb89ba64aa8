// roster_test.cpp: in a real file: roles are taken once, deaths are recovered, whichever store the recoverer died at.
#include "noria/queue/roster.hpp"

#include "noria/core/shareable.hpp"
#include "noria/layout/record.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/queue/recovery.hpp"
#include "noria/ring/fixed_ring.hpp"
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

namespace layout = noria::layout;
using noria::errc;
using noria::queue::queue_file;
using noria::queue::role;

namespace {

constexpr layout::shape shape{
    .message_align = 8, .message_bytes = 8, .type_tag = noria::type_tag<std::uint64_t>(), .capacity = 0};

struct some_queue {
    noria::rig::workspace dir;
    std::filesystem::path path = dir / "queue";
    some_queue() { BOOST_REQUIRE(!queue_file::create(path, {.capacity = 4}, shape)); }
    [[nodiscard]] std::unique_ptr<queue_file> open() const {
        std::unique_ptr<queue_file> file;
        BOOST_REQUIRE(!queue_file::open(path, {}, shape, file));
        return file;
    }
};

noria::failure take_role(queue_file& file, role wanted) {
    bool passing = false;
    return noria::queue::take_role(file, wanted, passing);
}

void move_in_and_vanish(const some_queue& queue, role as) {
    noria::rig::child dead([&] {
        auto file = queue.open();
        if (take_role(*file, as)) return 1;
        (void)noria::queue::move_in(*file, as, 0, 0);
        (void)file.release();  // no destructor runs in who dies
        return 0;
    });
    BOOST_REQUIRE(dead.wait().exit_status == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(roster)

BOOST_AUTO_TEST_CASE(roles_have_entries_streams_and_events_of_their_own) {
    layout::queue_words words{};
    BOOST_TEST(noria::queue::entry_of(role::producer) == 0U);
    BOOST_TEST(noria::queue::entry_of(role::consumer) == 1U);
    BOOST_TEST((other(role::producer) == role::consumer));
    BOOST_TEST((other(role::consumer) == role::producer));
    BOOST_TEST(&noria::queue::stream_of(words, role::producer) == &words.producers);
    BOOST_TEST(&noria::queue::stream_of(words, role::consumer) == &words.consumers);
    BOOST_TEST(&noria::queue::event_of(words, role::producer) == &words.producers_event);
    BOOST_TEST(&noria::queue::event_of(words, role::consumer) == &words.consumers_event);
}

BOOST_AUTO_TEST_CASE(a_role_is_taken_once_and_free_when_its_holder_has_left) {
    const some_queue queue;
    auto holder = queue.open();
    const auto rival = queue.open();
    BOOST_TEST(!take_role(*holder, role::producer));
    BOOST_TEST(noria::queue::move_in(*holder, role::producer, 0, 0) == 1U);
    const noria::failure refused = take_role(*rival, role::producer);
    BOOST_TEST((refused.code == errc::role_taken));
    bool passing = true;
    BOOST_TEST((noria::queue::take_role(*rival, role::producer, passing).code == errc::role_taken));
    BOOST_TEST(!passing);  // the holder is there to stay
    BOOST_TEST(refused.text.find(std::to_string(getpid())) != std::string::npos, refused.text);
    BOOST_TEST(!take_role(*rival, role::consumer));  // the other role is free
    BOOST_TEST((noria::queue::inhabited(*rival, role::producer, true) == noria::queue::presence::some));
    noria::queue::move_out(*holder, role::producer);
    holder.reset();
    BOOST_TEST((noria::queue::inhabited(*rival, role::producer, false) == noria::queue::presence::none));
    BOOST_TEST(!take_role(*rival, role::producer));
    BOOST_TEST(rival->words().producers.ended == 1U);
    BOOST_TEST(rival->words().producers.died == 0U);
}

BOOST_AUTO_TEST_CASE(a_lock_whose_holder_is_on_no_record_is_in_passing_hands) {
    const some_queue queue;
    const auto passer_by = queue.open();
    const auto newcomer = queue.open();
    for (const std::uint64_t lock : {layout::role_lock_base + layout::role_consumer, layout::lock_base + 1}) {
        BOOST_REQUIRE(passer_by->locks().take(lock) == 0);
        bool passing = false;
        BOOST_TEST((noria::queue::take_role(*newcomer, role::consumer, passing).code == errc::role_taken));
        BOOST_TEST(passing);
        passer_by->locks().give_up(lock);
        BOOST_TEST(!take_role(*newcomer, role::consumer));
        newcomer->locks().give_up(layout::lock_base, layout::lock_range_bytes);
    }
}

BOOST_AUTO_TEST_CASE(a_crowd_is_full_when_somebody_lives_in_each_entry_and_not_while_one_is_in_passing_hands) {
    const noria::rig::workspace dir;
    layout::shape crowd = shape;
    crowd.kind = layout::queue_kind::mpmc;
    crowd.endpoints = 0;
    BOOST_REQUIRE(!queue_file::create(dir / "queue", {.capacity = 4, .endpoints = 2}, crowd));
    const auto open = [&] {
        std::unique_ptr<queue_file> file;
        BOOST_REQUIRE(!queue_file::open(dir / "queue", {}, crowd, file));
        return file;
    };
    const auto first = open();
    const auto second = open();
    const auto newcomer = open();
    bool passing = false;
    BOOST_TEST(!noria::queue::take_role(*first, role::producer, passing));
    (void)noria::queue::move_in(*first, role::producer, 0, 0);
    BOOST_TEST(!noria::queue::take_role(*second, role::consumer, passing));  // and has not moved in yet
    BOOST_TEST((noria::queue::take_role(*newcomer, role::consumer, passing).code == errc::role_taken));
    BOOST_TEST(passing);
    (void)noria::queue::move_in(*second, role::consumer, 0, 0);
    BOOST_TEST((noria::queue::take_role(*newcomer, role::consumer, passing).code == errc::roster_full));
    BOOST_TEST(!passing);
    noria::queue::move_out(*first, role::producer);
    noria::queue::move_out(*second, role::consumer);
}

BOOST_AUTO_TEST_CASE(what_a_foreign_lock_has_blocked_is_blocked_until_it_is_recovered_by_whichever_process) {
    const some_queue queue;
    move_in_and_vanish(queue, role::producer);
    const auto one = queue.open();
    const auto other = queue.open();
    const noria::os::descriptor reader(open(one->path().c_str(), O_RDONLY | O_CLOEXEC));
    struct flock lock {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(layout::lock_base);
    lock.l_len = 1;
    BOOST_REQUIRE(fcntl(reader.get(), F_OFD_SETLK, &lock) == 0);
    BOOST_TEST((noria::queue::inhabited(*one, role::producer, true) == noria::queue::presence::blocked));
    BOOST_TEST(one->locks().any_blocked());
    BOOST_TEST(one->locks().is_blocked(0));
    BOOST_TEST(!one->locks().is_blocked(1));
    BOOST_TEST(one->words().producers.deaths == 0U);
    lock.l_type = F_UNLCK;
    BOOST_REQUIRE(fcntl(reader.get(), F_OFD_SETLK, &lock) == 0);
    BOOST_TEST((noria::queue::inhabited(*other, role::producer, true) == noria::queue::presence::none));
    BOOST_TEST(one->words().producers.deaths == 1U);
    BOOST_TEST((noria::queue::inhabited(*one, role::producer, true) == noria::queue::presence::none));
    BOOST_TEST(!one->locks().any_blocked());
}

BOOST_AUTO_TEST_CASE(a_death_is_found_by_whoever_asks_the_kernel_and_recovered_once) {
    const some_queue queue;
    move_in_and_vanish(queue, role::producer);
    const auto observer = queue.open();
    // Without asking, its record is all there is.
    BOOST_TEST((noria::queue::inhabited(*observer, role::producer, false) == noria::queue::presence::some));
    BOOST_TEST(observer->words().producers.deaths == 0U);
    BOOST_TEST((noria::queue::inhabited(*observer, role::producer, true) == noria::queue::presence::none));
    for (int times = 0; times < 2; ++times) {
        BOOST_TEST((noria::queue::inhabited(*observer, role::producer, true) == noria::queue::presence::none));
        BOOST_TEST(observer->words().producers.deaths == 1U);
        BOOST_TEST(observer->words().producers.ended == 1U);
        BOOST_TEST(observer->words().producers.died == 1U);
        BOOST_TEST(observer->entry(0).state == layout::entry_free);
    }
}

BOOST_AUTO_TEST_CASE(a_successor_recovers_its_predecessor_when_it_takes_the_role) {
    const some_queue queue;
    for (const role each : {role::producer, role::consumer}) {
        move_in_and_vanish(queue, each);
        const auto successor = queue.open();
        BOOST_TEST(!take_role(*successor, each));
        BOOST_TEST(noria::queue::stream_of(successor->words(), each).deaths == 1U);
        BOOST_TEST(noria::queue::move_in(*successor, each, 0, 0) == 2U);
        noria::queue::move_out(*successor, each);
    }
}

// Goal: a recovery that itself dies between any two of its stores is finished by the next one, with the same result.
// Method: a file in which a consumer died with a message in hand is recovered once; then for each number n of stores,
// the words that recover() writes are set back to the state after its first n stores, and it is run again.
BOOST_AUTO_TEST_CASE(a_recovery_that_dies_at_any_store_is_finished_by_the_next) {
    const some_queue queue;
    move_in_and_vanish(queue, role::consumer);
    const auto file = queue.open();
    auto& words = file->words();
    auto& entry = file->entry(1);
    words.consumer.head = words.producer.tail = 0;
    words.consumer.taken = 1;
    words.consumer.redelivered = 5;
    const layout::queue_words words_before = words;
    const layout::roster_entry entry_before = entry;
    noria::queue::recover(*file, role::consumer);
    const layout::queue_words words_after = words;
    const layout::roster_entry entry_after = entry;
    BOOST_REQUIRE_EQUAL(words_after.consumer.redelivered, 6U);
    BOOST_REQUIRE_EQUAL(words_after.consumer.seen, 1U);
    BOOST_REQUIRE_EQUAL(words_after.consumer.taken, 0U);
    BOOST_REQUIRE_EQUAL(words_after.consumers.deaths, 1U);
    BOOST_REQUIRE_EQUAL(words_after.consumers.ended, 1U);
    BOOST_REQUIRE_EQUAL(words_after.consumers.died, 1U);
    BOOST_REQUIRE_EQUAL(entry_after.state, layout::entry_free);

    // In the order of recovery.cpp. Before the journal is valid nothing else is stored.
    constexpr int stores = 10;
    for (int done = 0; done <= stores; ++done) {
        words = words_before;
        entry = entry_before;
        int store = 0;
        const auto stored = [&]<class Word>(Word& word, std::uint64_t after) {
            if (store++ < done) word = static_cast<Word>(after);
        };
        stored(entry.journal_seen, entry_after.journal_seen);
        stored(entry.journal_redelivered, entry_after.journal_redelivered);
        stored(entry.journal_deaths, entry_after.journal_deaths);
        stored(entry.journal_valid, 1);
        stored(words.consumer.seen, words_after.consumer.seen);
        stored(words.consumer.redelivered, words_after.consumer.redelivered);
        stored(words.consumer.taken, words_after.consumer.taken);
        stored(words.consumers.deaths, words_after.consumers.deaths);
        stored(words.consumers.died, words_after.consumers.died);
        stored(words.consumers.ended, words_after.consumers.ended);
        BOOST_REQUIRE_EQUAL(store, stores);
        noria::queue::recover(*file, role::consumer);
        BOOST_TEST(std::memcmp(&words, &words_after, sizeof words) == 0, "after " << done << " stores");
        BOOST_TEST(std::memcmp(&entry, &entry_after, sizeof entry) == 0, "after " << done << " stores");
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
