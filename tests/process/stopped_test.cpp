// stopped_test.cpp: a stopped or frozen process is alive: nothing is skipped, stolen or ended on its account.
#include "process/scene.hpp"
#include "rig/freezer.hpp"
#include "rig/skip.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <linux/futex.h>
#include <sys/syscall.h>

using namespace scene;

namespace {

// What nobody may do to the holder of a role that stands still: take the role, or believe it gone.
void leave_alone(const std::filesystem::path& path, noria::role role, pid_t holder) {
    std::error_code code;
    const noria::options wishes{.wait_for_role = a_while};
    std::string text;
    if (role == noria::role::producer)
        text = numbers::producer::open(path, wishes, code).error_text();
    else
        text = numbers::consumer::open(path, wishes, code).error_text();
    insist(code == noria::errc::role_taken, "a stopped holder keeps its role");
    insist(text.find(std::to_string(holder)) != std::string::npos, "the refusal names the holder");
    bool alive = false;
    for (const auto& each : noria::inspect(path).roster) alive = alive || (each.role == role && each.alive);
    insist(alive, "an observer sees it alive");
}

// A producer that stands still between claim and commit, in the manner of `halt`, and goes on by `resume`.
template <class Halt, class Resume>
void stop_between_claim_and_commit(Halt halt, Resume resume) {
    const rig::workspace place;
    const auto path = place / "queue";
    const rig::milestone claimed;
    const rig::milestone may_commit;
    rig::child producer([&] {
        numbers::producer out{path, {.capacity = 2}};
        send(out, 0, 1);
        auto slot = out.claim();
        *slot = number(1);
        claimed.tell();
        may_commit.hear();
        slot.commit();
        return 0;
    });
    claimed.hear();
    numbers::consumer in{path};
    receive(in, 0, 1);
    halt(producer);
    may_commit.tell();
    for (int times = 0; times < 2; ++times) {
        BOOST_TEST(!in.pop_for(a_while));
        BOOST_TEST(in.why() == noria::outcome::timed_out);
        leave_alone(path, noria::role::producer, producer.pid());
    }
    BOOST_TEST(noria::inspect(path).claimed.has_value());
    resume(producer);
    receive(in, 1, 2);
    hear_end(in, noria::end::finished);
    BOOST_TEST(producer.wait() == well);
    BOOST_TEST(in.counters().producer_deaths == 0U);
}

// A consumer that stands still over a lease, while its producer waits for room.
template <class Halt, class Resume>
void stop_over_a_lease(Halt halt, Resume resume) {
    const rig::workspace place;
    const auto path = place / "queue";
    const rig::milestone taken;
    const rig::milestone may_go_on;
    numbers::producer out{path, {.capacity = 2}};
    send(out, 0, 2);
    rig::child consumer([&] {
        numbers::consumer in{path};
        {
            const auto lease = in.take_for(patience);
            insist(lease && lease.deliveries() == 1, "there is a message");
            taken.tell();
            may_go_on.hear();
            insist(whole(*lease) && lease->number == 0, "the leased message is untouched");
        }
        receive(in, 1, 3);
        return 0;
    });
    taken.hear();
    halt(consumer);
    may_go_on.tell();
    for (int times = 0; times < 2; ++times) {
        BOOST_TEST(!out.push_for(number(2), a_while));
        BOOST_TEST(out.why() == noria::outcome::timed_out);
        leave_alone(path, noria::role::consumer, consumer.pid());
    }
    resume(consumer);
    send(out, 2, 3);
    BOOST_TEST(consumer.wait() == well);
    BOOST_TEST(out.counters().redelivered == 0U);
    BOOST_TEST(out.counters().consumer_deaths == 0U);
}

const auto stop = [](const rig::child& process) { process.stop(); };
const auto go_on = [](const rig::child& process) { process.go_on(); };

}  // namespace

BOOST_AUTO_TEST_SUITE(stopped)

BOOST_AUTO_TEST_CASE(producer_stopped_between_claim_and_commit_is_waited_for) {
    stop_between_claim_and_commit(stop, go_on);
}

BOOST_AUTO_TEST_CASE(consumer_stopped_over_a_lease_keeps_it) { stop_over_a_lease(stop, go_on); }

BOOST_AUTO_TEST_CASE(process_frozen_by_its_cgroup_is_as_alive_as_a_stopped_one) {
    const rig::freezer freezer;
    if (!freezer.objection().empty()) return rig::skip(freezer.objection());
    const auto freeze = [&](const rig::child& process) { freezer.freeze(process.pid()); };
    const auto thaw = [&](const rig::child&) { freezer.thaw(); };
    stop_between_claim_and_commit(freeze, thaw);
    stop_over_a_lease(freeze, thaw);
}

BOOST_AUTO_TEST_CASE(waker_halted_or_killed_before_its_wake_up_call_holds_up_no_sleeper) {
    // The producer has committed and finds the consumer asleep; at the entry of the system call that would wake it, it
    // is halted, and in the second round killed. The consumer must find the message all the same.
    for (const bool then_killed : {false, true}) {
        const rig::workspace place;
        const auto path = place / "queue";
        const rig::milestone attached;
        rig::child consumer([&] {
            numbers::consumer in{path, {.capacity = 4}};
            attached.tell();
            receive(in, 0, 1);
            return 0;
        });
        attached.hear();
        await_sleep(consumer);
        rig::stepped_child producer([&] {
            numbers::producer out{path};
            out.push(number(0));
            wait_for_death();
            return 1;
        });
        bool ringing = false;
        const auto sent = [&] { return noria::inspect(path).counters.sent; };
        while (!ringing && producer.step()) {
            ringing = producer.entering() == std::uint64_t{SYS_futex} &&
                      (static_cast<int>(producer.argument(1)) & FUTEX_CMD_MASK) == FUTEX_WAKE && sent() == 1;
            if (producer.entering() == std::uint64_t{SYS_pause}) break;
        }
        if (!ringing) {
            // The consumer was awake just then, looking for itself at the end of a slice: there was nobody to ring.
            BOOST_TEST(sent() == 1U);
        }
        if (then_killed) producer.kill();
        BOOST_TEST(consumer.wait() == well);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
