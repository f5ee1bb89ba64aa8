// opening_test.cpp: laws of opening: who makes the file, what options mean, who holds a role, what outlives all endpoints.
#include <boost/test/unit_test.hpp>

#include "noria/layout/roster_entry.hpp"
#include "noria/os/file.hpp"
#include "noria/os/file_lock.hpp"
#define NORIA_ONE_SIZE_OF_EACH
#include "queues.hpp"
#include "rig/child.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

bool says(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

template <class Endpoint>
void expect_refusal(const Endpoint& endpoint, const std::error_code& code, errc wanted, const std::string& words) {
    BOOST_TEST(code == wanted);
    BOOST_TEST(!endpoint.is_open());
    BOOST_TEST(endpoint.why() == outcome::closed);
    BOOST_TEST(endpoint.error_code() == code);
    BOOST_TEST_CONTEXT(endpoint.error_text()) BOOST_TEST(says(endpoint.error_text(), words));
}

bool sleeps_by_the_clock(pid_t thread) {
    std::ifstream call("/proc/" + std::to_string(thread) + "/syscall");
    long which = -1;
    return call >> which && which == SYS_clock_nanosleep;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(opening)

BOOST_AUTO_TEST_CASE_TEMPLATE(created_tells_whether_this_opening_made_the_file, Q, queues) {
    rig::workspace place;
    const auto file = place / "queue";
    {
        const typename Q::producer first(file, Q::sized(4));
        BOOST_TEST(first.created());
        const typename Q::consumer second(file, Q::sized(4));
        BOOST_TEST(!second.created());
    }
    {
        const typename Q::consumer third(file);
        BOOST_TEST(!third.created());
    }
    std::filesystem::remove(file);
    const typename Q::consumer creator(file, Q::sized(4));
    BOOST_TEST(creator.created());
    BOOST_TEST(!Q::producer::open(file).created());
    std::error_code code;
    BOOST_TEST(!Q::producer::open_or_create(file, {}, code).created());
    BOOST_TEST(!code);
    BOOST_TEST(Q::consumer::create(place / "another", Q::sized(4)).created());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(create_only_creates_and_open_only_opens, Q, queues) {
    rig::workspace place;
    const auto file = place / "queue";
    std::error_code code;
    expect_refusal(Q::producer::open(file, Q::sized(4), code), code, errc::not_found, "queue");
    expect_refusal(Q::consumer::open(file, Q::sized(4), code), code, errc::not_found, "queue");
    BOOST_TEST(place.files() == 0U);
    BOOST_TEST(Q::producer::create(file, Q::sized(4), code).is_open());
    BOOST_TEST(!code);
    expect_refusal(Q::producer::create(file, Q::sized(4), code), code, errc::exists, "queue");
    expect_refusal(Q::consumer::create(file, Q::sized(4), code), code, errc::exists, "queue");
    BOOST_TEST(Q::producer::open(file, {}, code).is_open());
    BOOST_TEST(!code);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(options_left_unset_take_the_files, Q, queues) {
    rig::workspace place;
    const typename Q::producer out(place / "queue", Q::sized(16));
    const typename Q::consumer unset(place / "queue");
    BOOST_TEST(unset.capacity() == Q::stated_capacity(16));
    BOOST_TEST(unset.message_bytes_max() == sizeof(typename Q::sample));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(options_set_alike_are_accepted_and_set_otherwise_refused_with_both_values, Q, queues) {
    rig::workspace place;
    { const typename Q::producer out(place / "queue", Q::sized(16)); }
    BOOST_TEST(Q::producer::open(place / "queue", Q::sized(16)).is_open());
    std::error_code code;
    for (const std::uint64_t other : {8U, 32U}) {
        const auto in = Q::consumer::open(place / "queue", Q::sized(other), code);
        expect_refusal(in, code, errc::other_geometry, std::to_string(Q::stated_capacity(16)));
        expect_refusal(in, code, errc::other_geometry, std::to_string(Q::stated_capacity(other)));
        const auto out = Q::producer::open_or_create(place / "queue", Q::sized(other), code);
        expect_refusal(out, code, errc::other_geometry, std::to_string(Q::stated_capacity(other)));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_role_that_is_held_is_refused_with_its_holders_pid, Q, queues) {
    if constexpr (roles_are_single<Q>) {
        pair_of<Q> queue(4, {.wait_for_role = 0ns});
        std::error_code code;
        const auto holder = std::to_string(getpid());
        for (const auto patience : {0ns, -1ns, std::chrono::nanoseconds(5ms)}) {
            const options wishes{.wait_for_role = patience};
            const auto out = Q::producer::open(queue.file(), wishes, code);
            expect_refusal(out, code, errc::role_taken, holder);
            const auto in = Q::consumer::open(queue.file(), wishes, code);
            expect_refusal(in, code, errc::role_taken, holder);
        }
        BOOST_TEST(queue.push(0, 2));  // who was refused has disturbed nothing
        BOOST_TEST(queue.pop(0, 2));
        BOOST_TEST(!queue.in.try_pop());
        BOOST_TEST(queue.in.why() == outcome::empty);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_role_is_free_when_its_holder_has_closed, Q, queues) {
    pair_of<Q> queue(4, {.wait_for_role = 0ns});
    for (std::uint64_t turn = 0; turn < 20; ++turn) {
        { const auto closed = std::move(queue.out); }
        queue.out = typename Q::producer(queue.file(), {.wait_for_role = 0ns});
        BOOST_REQUIRE(queue.push(turn, 1));
        { const auto closed = std::move(queue.in); }
        queue.in = typename Q::consumer(queue.file(), {.wait_for_role = 0ns});
        BOOST_REQUIRE(queue.pop(turn, 1));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_opening_waits_for_a_role_as_long_as_asked, Q, queues) {
    if constexpr (roles_are_single<Q>) {
        pair_of<Q> queue(4);
        std::uint64_t got = 0;
        std::thread heir([&] {
            typename Q::consumer in(queue.file(), {.wait_for_role = 1h});
            got = number_of<Q>(in.pop());
        });
        BOOST_REQUIRE(queue.push(6, 2));
        BOOST_TEST(queue.pop(6, 1));
        { const auto closed = std::move(queue.in); }
        heir.join();
        BOOST_TEST(got == 7U);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_consumer_waits_for_the_file_to_appear, Q, queues) {
    rig::workspace place;
    std::uint64_t got = 0;
    std::thread early([&] {
        typename Q::consumer in(place / "queue", {.wait_for_file = 1h});
        got = number_of<Q>(in.pop());
    });
    std::this_thread::yield();
    typename Q::producer out(place / "queue", Q::sized(4));
    BOOST_TEST(push_numbers<Q>(out, 9, 1));
    early.join();
    BOOST_TEST(got == 9U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_may_wait_for_ever_for_the_file_does, Q, queues) {
    // Goal: the longest time there is does not overflow into one that has passed. Method: the file is made when the opener
    // has been seen asleep between two tries; one that does not wait is never seen so.
    rig::workspace place;
    std::atomic<pid_t> thread{0};
    std::atomic<bool> over{false};
    std::error_code code;
    std::thread early([&] {
        thread = gettid();
        (void)Q::consumer::open(place / "queue", {.wait_for_file = std::chrono::nanoseconds::max()}, code);
        over = true;
    });
    while (thread == 0) std::this_thread::yield();
    BOOST_TEST(rig::eventually([&] { return over || sleeps_by_the_clock(thread); }));
    const typename Q::producer out(place / "queue", Q::sized(4));
    early.join();
    BOOST_TEST(!code);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_consumer_that_says_nothing_else_waits_for_the_file, Q, queues) {
    rig::workspace place;
    std::atomic<pid_t> thread{0};
    std::atomic<bool> over{false};
    bool opened = false;
    std::thread early([&] {
        thread = gettid();
        try {
            opened = typename Q::consumer(place / "queue").is_open();
        } catch (const error&) {
            opened = false;
        }
        over = true;
    });
    while (thread == 0) std::this_thread::yield();
    BOOST_TEST(rig::eventually([&] { return over || sleeps_by_the_clock(thread); }));
    const typename Q::producer out(place / "queue", Q::sized(4));
    early.join();
    BOOST_TEST(opened);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_file_has_a_mark_of_its_own, Q, queues) {
    const rig::workspace place;
    std::array<std::array<std::uint8_t, 16>, 3> marks{};
    for (auto& each : marks) {
        { const typename Q::producer out(place / "queue", Q::sized(4)); }
        each = inspect(place / "queue").uuid;
        noria::remove(place / "queue");
    }
    BOOST_TEST((marks[0] != marks[1] && marks[1] != marks[2] && marks[0] != marks[2]));
}

BOOST_AUTO_TEST_CASE(who_is_only_passing_through_a_role_is_waited_for_by_who_waits_for_no_holder) {
    // Method: the role's lock in the hands of a test, and nobody on its record, as when somebody is just leaving. The
    // opener has been seen asleep between two tries when it is let go.
    using queue = spsc<std::uint64_t>;
    const rig::workspace place;
    const auto file = place / "queue";
    { const queue::producer creator(file, {.capacity = 4}); }
    const os::descriptor passing(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    constexpr std::uint64_t lock = layout::role_lock_base + layout::role_consumer;
    BOOST_REQUIRE(os::try_lock(passing.get(), lock) == 0);
    std::atomic<pid_t> thread{0};
    std::atomic<bool> over{false};
    std::error_code code;
    std::thread opener([&] {
        thread = gettid();
        (void)queue::consumer::open(file, {.wait_for_role = 0ns}, code);
        over = true;
    });
    while (thread == 0) std::this_thread::yield();
    BOOST_TEST(rig::eventually([&] { return over || sleeps_by_the_clock(thread); }));
    os::unlock(passing.get(), lock);
    opener.join();
    BOOST_TEST(!code);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_for_the_file_ends_in_not_found, Q, queues) {
    rig::workspace place;
    std::error_code code;
    for (const auto patience : {0ns, std::chrono::nanoseconds::min(), std::chrono::nanoseconds(3ms)}) {
        expect_refusal(Q::consumer::open_or_create(place / "queue", {.wait_for_file = patience}, code), code,
                       errc::not_found, "queue");
        BOOST_CHECK_THROW(typename Q::consumer(place / "queue", {.wait_for_file = patience}), noria::error);
    }
    BOOST_TEST(place.files() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(messages_outlive_all_endpoints, Q, queues) {
    // Goal: close all, open again, everything is still there, again and again; half of it taken at each opening.
    rig::workspace place;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    { const typename Q::producer founder(place / "queue", Q::sized(8)); }
    for (int life = 0; life < 12; ++life) {
        {
            typename Q::producer out(place / "queue");
            while (out.try_push(Q::view(Q::make(sent)))) ++sent;
            BOOST_TEST(out.size() == sent - received);
        }
        typename Q::consumer in(place / "queue");
        BOOST_TEST(in.size() == sent - received);
        for (std::uint64_t count = (sent - received + 1) / 2; count != 0; --count) {
            const auto message = in.try_pop();
            BOOST_REQUIRE(number_of<Q>(message) == received);
            BOOST_TEST(message.deliveries() == 1U);
            ++received;
        }
    }
    BOOST_TEST(received > 2 * Q::fits(8));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(endpoints_move_between_threads, Q, queues) {
    // Goal: one at a time, but any thread, and any two calls apart. Method: both endpoints go round through new threads.
    pair_of<Q> queue(4);
    for (std::uint64_t turn = 0; turn < 20; ++turn) {
        bool done = false;
        std::thread sender([&, out = std::move(queue.out)]() mutable {
            done = push_numbers<Q>(out, turn, 1);
            queue.out = std::move(out);
        });
        sender.join();
        BOOST_REQUIRE(done);
        std::uint64_t got = torn;
        std::thread receiver([&, in = std::move(queue.in)]() mutable {
            got = number_of<Q>(in.try_pop());
            queue.in = std::move(in);
        });
        receiver.join();
        BOOST_REQUIRE(got == turn);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_endpoint_that_was_never_opened_answers_closed, Q, queues) {
    rig::workspace place;
    std::error_code code;
    auto out = Q::producer::open(place / "queue", {}, code);
    auto in = Q::consumer::open(place / "queue", {}, code);
    const auto sample = Q::make(0);
    const std::vector<typename Q::message> one{Q::view(sample)};
    const auto out_closed = [&](bool done) { return !done && out.why() == outcome::closed; };
    const auto in_closed = [&](bool done) { return !done && in.why() == outcome::closed; };
    out.interrupt();
    in.interrupt();
    BOOST_TEST(out_closed(out.push(Q::view(sample))));
    BOOST_TEST(out_closed(out.try_push(Q::view(sample))));
    BOOST_TEST(out_closed(out.push_some(one) != 0));
    BOOST_TEST(out_closed(bool(Q::claim(out))));
    BOOST_TEST(in_closed(bool(in.pop())));
    BOOST_TEST(in_closed(bool(in.try_pop())));
    BOOST_TEST(in_closed(bool(in.take())));
    BOOST_TEST(in_closed(in.consume_some([](const auto&) {}) != 0));
    BOOST_TEST(out.size() == 0U);
    BOOST_TEST(in.capacity() == 0U);
    BOOST_TEST(in.counters().sent == 0U);
    BOOST_TEST(!out.orphaned());
    BOOST_TEST(in.ended() == noria::end::none);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_file_has_the_mode_asked_for_whatever_the_umask, Q, queues) {
    rig::workspace place;
    const auto mode_of = [](const std::filesystem::path& file) {
        struct stat status {};
        return stat(file.c_str(), &status) == 0 ? status.st_mode & 07777U : 0U;
    };
    for (const mode_t mask : {0000U, 0777U}) {
        const mode_t before = umask(mask);
        const auto usual = place / ("usual" + std::to_string(mask));
        const auto open = place / ("open" + std::to_string(mask));
        { const typename Q::producer out(usual, Q::sized(4)); }
        { const typename Q::producer out(open, Q::sized(4, {.mode = 0664})); }
        umask(before);
        BOOST_TEST(mode_of(usual) == 0600U);
        BOOST_TEST(mode_of(open) == 0664U);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_queue_that_lost_its_name_works_on_and_says_so, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_TEST(!queue.out.orphaned());
    BOOST_REQUIRE(queue.push(0, 1));
    std::filesystem::remove(queue.file());
    BOOST_TEST(queue.out.orphaned());
    BOOST_TEST(queue.in.orphaned());
    BOOST_TEST(queue.push(1, 1));
    BOOST_TEST(queue.pop(0, 2));
    // Another file of that name is another queue.
    typename Q::producer other(queue.file(), Q::sized(4));
    BOOST_TEST(other.created());
    BOOST_TEST(!other.orphaned());
    BOOST_TEST(queue.out.orphaned());
    BOOST_REQUIRE(push_numbers<Q>(other, 7, 1));
    BOOST_TEST(!queue.in.try_pop());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(remove_refuses_while_anybody_is_attached, Q, queues) {
    pair_of<Q> queue(4);
    std::error_code code;
    noria::remove(queue.file(), code);
    BOOST_TEST(code == errc::in_use);
    { const auto closed = std::move(queue.out); }
    noria::remove(queue.file(), code);
    BOOST_TEST(code == errc::in_use);
    { const auto closed = std::move(queue.in); }
    noria::remove(queue.file());
    BOOST_TEST(queue.place.files() == 0U);
    queue.out = typename Q::producer(queue.file(), Q::sized(4));
    queue.in = typename Q::consumer(queue.file());
    BOOST_TEST(queue.out.created());
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
