// end_test.cpp: how each side hears that the other has closed, died, or been replaced, while it waits and after.
#include "process/scene.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

using namespace scene;

namespace {

enum class leaving { closes, dies };

noria::end end_after(leaving how) { return how == leaving::closes ? noria::end::finished : noria::end::abandoned; }

// A child that has a role until it is told to leave in its way.
template <class Endpoint>
class holder {
public:
    explicit holder(const std::filesystem::path& path, const noria::options& wishes = {})
        : process_([&] {
              {
                  Endpoint endpoint{path, wishes};
                  attached_.tell();
                  leave_.hear();
              }
              return 0;
          }) {
        attached_.hear();
    }
    void leave(leaving how) {
        if (how == leaving::dies) return process_.kill();
        leave_.tell();
        insist(process_.wait() == well, "the holder closes");
    }

private:
    rig::milestone attached_;
    rig::milestone leave_;
    rig::child process_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(end)

BOOST_AUTO_TEST_CASE(producer_waiting_for_room_hears_how_the_consumer_went) {
    for (const leaving how : {leaving::closes, leaving::dies}) {
        const rig::workspace place;
        const auto path = place / "queue";
        holder<numbers::consumer> consumer(path, {.capacity = 2});
        const rig::milestone told;
        rig::child producer([&] {
            numbers::producer out{path};
            send(out, 0, 2);
            insist(!out.push(number(2)), "the push that waits returns false");
            insist(out.why() == noria::outcome::ended, "because the stream has ended");
            insist(out.ended() == end_after(how), "in the way the consumer went");
            insist(!out.push_for(number(2), a_while), "nobody makes room");
            insist(out.why() == noria::outcome::timed_out, "an end is told once");
            told.tell();
            insist(out.push(number(2)), "the endpoint stays usable: a successor makes room");
            return 0;
        });
        await_sleep(producer);
        consumer.leave(how);
        told.hear();
        numbers::consumer in{path};
        receive(in, 0, 3);
        hear_end(in, noria::end::finished);
        BOOST_TEST(producer.wait() == well);
    }
}

BOOST_AUTO_TEST_CASE(producer_waiting_for_room_goes_on_when_a_consumer_joins) {
    // Nobody was ever there; or somebody closed, or died, before the producer came: that is no end to wait for.
    for (const int before : {0, 1, 2}) {
        const rig::workspace place;
        const auto path = place / "queue";
        if (before != 0) {
            holder<numbers::consumer> earlier(path, {.capacity = 2});
            earlier.leave(before == 1 ? leaving::closes : leaving::dies);
        }
        rig::child producer([&] {
            numbers::producer out{path, {.capacity = 2}};
            send(out, 0, 2);
            insist(out.push(number(2)), "the push that waits succeeds");
            return 0;
        });
        await_sleep(producer);
        numbers::consumer in{path};
        receive(in, 0, 3);
        hear_end(in, noria::end::finished);
        BOOST_TEST(producer.wait() == well);
    }
}

BOOST_AUTO_TEST_CASE(producer_that_awaits_successors_waits_through_deaths_and_closings) {
    const rig::workspace place;
    const auto path = place / "queue";
    holder<numbers::consumer> first(path, {.capacity = 2});
    rig::child producer([&] {
        numbers::producer out{path, {.await_successor = true}};
        for (std::uint64_t n = 0; n < 5; ++n) insist(out.push(number(n)), "the push succeeds");
        return 0;
    });
    await_sleep(producer);
    first.leave(leaving::dies);
    holder<numbers::consumer> second(path);
    second.leave(leaving::closes);
    await_sleep(producer);
    numbers::consumer in{path};
    receive(in, 0, 5);
    BOOST_TEST(producer.wait() == well);
}

BOOST_AUTO_TEST_CASE(consumer_waiting_for_a_message_hears_how_the_producer_went) {
    for (const leaving how : {leaving::closes, leaving::dies}) {
        const rig::workspace place;
        const auto path = place / "queue";
        holder<numbers::producer> producer(path, {.capacity = 2});
        const rig::milestone told;
        rig::child consumer([&] {
            numbers::consumer in{path};
            insist(!in.pop(), "the pop that waits returns nothing");
            insist(in.why() == noria::outcome::ended && in.ended() == end_after(how),
                   "because the stream has ended so");
            insist(!in.pop_for(a_while) && in.why() == noria::outcome::timed_out, "an end is told once");
            told.tell();
            receive(in, 0, 1);
            return 0;
        });
        await_sleep(consumer);
        producer.leave(how);
        told.hear();
        numbers::producer out{path};
        send(out, 0, 1);
        BOOST_TEST(consumer.wait() == well);
    }
}

BOOST_AUTO_TEST_CASE(consumer_that_awaits_successors_waits_through_deaths_and_closings) {
    const rig::workspace place;
    const auto path = place / "queue";
    rig::child consumer([&] {
        numbers::consumer in{path, {.capacity = 2, .await_successor = true}};
        for (std::uint64_t n = 0; n < 3; ++n) receive(in, n, n + 1);
        return 0;
    });
    for (std::uint64_t n = 0; n < 3; ++n) {
        const rig::milestone sent;
        rig::child producer([&] {
            numbers::producer out{path, {.capacity = 2}};
            send(out, n, n + 1);
            sent.tell();
            if (n % 2 == 0) wait_for_death();
            return 0;
        });
        sent.hear();
        if (n % 2 == 0)
            producer.kill();
        else
            BOOST_TEST(producer.wait() == well);
    }
    BOOST_TEST(consumer.wait() == well);
}

BOOST_AUTO_TEST_CASE(last_message_before_a_close_or_a_death_is_never_lost) {
    // The producer leaves the moment its last push has returned, round after round; the consumer waits for it. Where
    // the producer closes, the consumer never wakes by itself: a wake-up that got lost would hang the test.
    const rig::workspace place;
    for (std::uint64_t round = 0; round < 200; ++round) {
        const auto path = place / ("queue" + std::to_string(round % 2));
        const leaving how = round % 4 < 2 ? leaving::closes : leaving::dies;
        const std::chrono::nanoseconds slice = how == leaving::closes ? std::chrono::nanoseconds::max() : 2ms;
        numbers::consumer in{path, {.capacity = 4, .waiting = {.slice = slice}}};
        rig::child producer([&] {
            numbers::producer out{path};
            send(out, 0, 1 + round % 3);
            if (how == leaving::dies) ::kill(getpid(), SIGKILL);
            return 0;
        });
        receive(in, 0, 1 + round % 3);
        hear_end(in, end_after(how));
        BOOST_REQUIRE(producer.wait() == (how == leaving::closes ? well : killed));
    }
}

BOOST_AUTO_TEST_CASE(death_that_a_successor_made_good_is_no_abandonment) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 4}};
    holder<numbers::producer> first(path);
    first.leave(leaving::dies);
    holder<numbers::producer> second(path);
    second.leave(leaving::closes);
    hear_end(in, noria::end::finished);
    holder<numbers::producer> third(path);
    third.leave(leaving::closes);
    holder<numbers::producer> fourth(path);
    fourth.leave(leaving::dies);
    hear_end(in, noria::end::abandoned);
    BOOST_TEST(in.counters().producer_deaths == 2U);
}

BOOST_AUTO_TEST_CASE(newcomer_hears_of_an_older_end_only_if_it_drains_or_nobody_heard) {
    for (const leaving how : {leaving::closes, leaving::dies}) {
        const rig::workspace place;
        const auto path = place / "queue";
        {
            const rig::milestone sent;
            rig::child producer([&] {
                numbers::producer out{path, {.capacity = 4}};
                send(out, 0, 2);
                sent.tell();
                if (how == leaving::dies) wait_for_death();
                return 0;
            });
            sent.hear();
            if (how == leaving::dies)
                producer.kill();
            else
                BOOST_TEST(producer.wait() == well);
        }
        {
            numbers::consumer in{path};
            receive(in, 0, 1);
        }
        {
            numbers::consumer in{path};
            receive(in, 1, 2);
            hear_end(in, end_after(how));
        }
        {
            numbers::consumer in{path};
            BOOST_TEST(!in.pop_for(a_while));
            BOOST_TEST(in.why() == noria::outcome::timed_out);
        }
        holder<numbers::producer> silent(path);
        silent.leave(how);
        numbers::consumer in{path};
        hear_end(in, end_after(how));
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
