// container_test.cpp: peers that share one directory and nothing else, without /proc or rights; observers that only read.
#include "noria/mpmc.hpp"
#include "process/containers.hpp"
#include "process/creation.hpp"
#include "process/mutex_in_file.hpp"
#include "process/scene.hpp"
#include "rig/shared_page.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <grp.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <iterator>

using namespace scene;

namespace {

constexpr uid_t nobody = 65534;

std::string contents_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
struct stat status_of(const std::filesystem::path& path) {
    struct stat status {};
    insist(stat(path.c_str(), &status) == 0, "the file is there");
    return status;
}
bool same_times(const struct stat& one, const struct stat& other) {
    return one.st_mtim.tv_sec == other.st_mtim.tv_sec && one.st_mtim.tv_nsec == other.st_mtim.tv_nsec &&
           one.st_ctim.tv_sec == other.st_ctim.tv_sec && one.st_ctim.tv_nsec == other.st_ctim.tv_nsec;
}

// Leaves a queue of two messages, one of them taken by a consumer that died, its producer dead over a claim.
void leave_a_scene_of_death(const std::filesystem::path& path) {
    rig::child both([&] {
        numbers::producer out{path, {.capacity = 4}};
        numbers::consumer in{path};
        send(out, 0, 2);
        const auto claim = out.claim();
        const auto lease = in.take();
        ::kill(getpid(), SIGKILL);
        return 1;
    });
    insist(both.wait() == killed, "both are dead");
}

void insist_seen_dead(const noria::observer& eye) {
    for (int times = 0; times < 10; ++times) {
        const auto seen = eye.look();
        insist(seen.roster.size() == 2, "both records are there");
        for (const auto& each : seen.roster) insist(!each.alive, "both are seen dead");
        insist(seen.depth == 2 && seen.counters.sent == 2, "the messages are seen");
        insist(seen.taken.has_value() && seen.claimed.has_value(), "what they held is seen");
    }
}

// Goes to be another user. False: this one may not.
bool become_nobody() { return setgroups(0, nullptr) == 0 && setgid(nobody) == 0 && setuid(nobody) == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(containers)

BOOST_AUTO_TEST_CASE(peers_in_two_containers_exchange_messages_though_both_are_pid_1) {
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    container consumer(place.path(), [] {
        numbers::consumer in{"/queues/queue", {.capacity = 16}};
        receive(in, 0, 5000);
        hear_end(in, noria::end::finished);
        return 0;
    });
    container producer(place.path(), [] {
        numbers::producer out{"/queues/queue", {.capacity = 16}};
        send(out, 0, 5000);
        return 0;
    });
    BOOST_TEST(producer.wait() == well);
    BOOST_TEST(consumer.wait() == well);
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_CASE(deaths_are_seen_from_one_container_in_another_and_outside_both_ways) {
    // The consumer in one container dies over a lease, while the producer waits in another for room; then that producer
    // dies, over a claim, while a new consumer waits. A living PID 1 is on each side, so no number could tell.
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    const rig::milestone taken;
    const rig::milestone told;
    const rig::milestone drained;
    container first(place.path(), [&] {
        numbers::consumer in{"/queues/queue", {.capacity = 2}};
        const auto lease = in.take_for(patience);
        insist(lease && lease->number == 0, "the first message is taken");
        taken.tell();
        wait_for_death();
        return 1;
    });
    container producer(place.path(), [&] {
        numbers::producer out{"/queues/queue", {.capacity = 2}};
        send(out, 0, 2);
        insist(!out.push_for(number(2), patience) && out.why() == noria::outcome::ended, "the wait for room ends");
        insist(out.ended() == noria::end::abandoned, "by the consumer's death");
        told.tell();
        send(out, 2, 3);
        const auto claim = out.claim_for(patience);
        wait_for_death();
        return 1;
    });
    taken.hear();
    first.kill();
    told.hear();
    container second(place.path(), [&] {
        numbers::consumer in{"/queues/queue"};
        const auto again = in.pop_for(patience);
        insist(again && again->number == 0 && again.deliveries() > 1, "the lost lease is delivered again");
        receive(in, 1, 3);
        drained.tell();
        hear_end(in, noria::end::abandoned);
        return 0;
    });
    drained.hear();
    producer.kill();
    BOOST_TEST(second.wait() == well);
    const auto seen = noria::inspect(place / "queue");
    BOOST_TEST(seen.counters.producer_deaths == 1U);
    BOOST_TEST(seen.counters.consumer_deaths == 1U);
    BOOST_TEST(seen.counters.redelivered == 1U);
    BOOST_TEST(place.files() == 1U);
}

// An owner in one container, a waiter in another, each of them thread 1 of process 1. The waiter is killed, then the owner.
// `take` takes it in the owner's container; `wait` waits for it; `is_free` says whether others could have it.
struct mutex_scene {
    std::function<void()> take;
    std::function<void()> wait;
    std::function<bool()> waits;
    std::function<bool()> is_free;
};

// What comes of it: free beside a living owner; free after its death.
std::pair<bool, bool> kill_waiter_then_owner(const std::filesystem::path& shared, const mutex_scene& scene) {
    const rig::milestone taken;
    container owner(shared, [&] {
        scene.take();
        taken.tell();
        wait_for_death();
        return 1;
    });
    taken.hear();
    container waiter(shared, [&] {
        scene.wait();
        return 0;
    });
    insist(rig::eventually(scene.waits), "the other waits");
    waiter.kill();
    const bool beside_the_living = scene.is_free();
    owner.kill();
    return {beside_the_living, scene.is_free()};
}

BOOST_AUTO_TEST_CASE(a_mutex_is_its_owner_s_though_a_waiter_of_the_same_number_dies_in_another_container) {
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    using queue = noria::mpmc<numbered, noria::coordination::robust_mutex>;
    queue::producer outside{place / "queue", {.capacity = 8}};
    const mutex_in_file file(place / "queue");
    const auto found = kill_waiter_then_owner(
        place.path(),
        {.take =
             [] {
                 static queue::consumer in{"/queues/queue"};  // in the second entry
                 insist(mutex_in_file("/queues/queue").take_for(2), "it takes the mutex");
             },
         .wait = [] { (void)queue::producer("/queues/queue", {.waiting = {.spin = 0ns}}).push(number(1)); },
         .waits = [&] { return file.contended(); },
         .is_free = [&] { return outside.try_push(number(2)); }});
    BOOST_TEST(!found.first);
    BOOST_TEST(found.second);
    BOOST_TEST(outside.counters().mutex_repairs == 1U);
}

BOOST_AUTO_TEST_CASE(a_robust_pthread_mutex_would_be_taken_from_a_living_owner_there) {
    // No promise of ours, but why the mutex is: a kernel in which this warns no more would be news.
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    const rig::shared_page<pthread_mutex_t> mutex;
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&*mutex, &how);
    const auto found = kill_waiter_then_owner(
        place.path(), {.take = [&] { insist(pthread_mutex_lock(&*mutex) == 0, "it takes the mutex"); },
                       .wait = [&] { (void)pthread_mutex_lock(&*mutex); },
                       .waits = [&] { return (static_cast<unsigned>(mutex->__data.__lock) & FUTEX_WAITERS) != 0; },
                       .is_free = [&] { return pthread_mutex_trylock(&*mutex) == EOWNERDEAD; }});
    BOOST_WARN_MESSAGE(!found.first, "a robust pthread mutex has two owners, one of them alive");
}

BOOST_AUTO_TEST_CASE(stopped_process_in_another_container_is_alive) {
    if (const auto objection = objection_to_containers(); !objection.empty()) return rig::skip(objection);
    const rig::workspace place;
    const rig::milestone sent;
    const rig::milestone may_end;
    container producer(place.path(), [&] {
        numbers::producer out{"/queues/queue", {.capacity = 4}};
        send(out, 0, 1);
        sent.tell();
        may_end.hear();
        send(out, 1, 2);
        return 0;
    });
    sent.hear();
    producer.send(SIGSTOP);
    numbers::consumer in{place / "queue"};
    receive(in, 0, 1);
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(in.why() == noria::outcome::timed_out);
    std::error_code code;
    (void)numbers::producer::open(place / "queue", {.wait_for_role = a_while}, code);
    BOOST_TEST((code == noria::errc::role_taken));
    may_end.tell();
    producer.send(SIGCONT);
    receive(in, 1, 2);
    hear_end(in, noria::end::finished);
    BOOST_TEST(producer.wait() == well);
}

BOOST_AUTO_TEST_CASE(process_without_proc_and_without_rights_creates_and_leaves_no_litter) {
    // As nobody, with neither /proc nor CAP_DAC_READ_SEARCH, where linkat may refuse and birth falls back to a rename.
    // Once as the kernel here has it, once with linkat refused for certain.
    if (const auto objection = rig::objection_to_namespaces(CLONE_NEWNS); !objection.empty())
        return rig::skip(objection);
    for (const birth_by how : {birth_by::link, birth_by::rename_for_want_of_link}) {
        const rig::workspace place;
        BOOST_REQUIRE(chmod(place.path().c_str(), 0777) == 0);
        rig::child process([&] {
            insist(rig::enter_namespaces(CLONE_NEWNS).empty(), "there is a namespace");
            const std::string objection = rig::enter_root_with_only(place.path());
            insist(objection.empty(), objection.c_str());
            (void)become_nobody();
            go_by(how);
            for (int round = 0; round < 20; ++round) {
                const std::filesystem::path path = "/queues/queue" + std::to_string(round);
                numbers::producer out{path, {.capacity = 4}};
                insist(out.created(), "it made the file");
                numbers::consumer in{path};
                send(out, 0, 3);
                receive(in, 0, 3);
            }
            return 0;
        });
        BOOST_TEST(process.wait() == well);
        BOOST_TEST(place.files() == 20U);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(observers)

BOOST_AUTO_TEST_CASE(observer_of_a_read_only_file_of_another_user_sees_all_and_changes_nothing) {
    const rig::workspace place;
    const auto path = place / "queue";
    BOOST_REQUIRE(chmod(place.path().c_str(), 0755) == 0);
    leave_a_scene_of_death(path);
    BOOST_REQUIRE(chmod(path.c_str(), 0444) == 0);
    const struct stat before = status_of(path);
    const std::string bytes = contents_of(path);
    rig::child observer([&] {
        const bool other_user = become_nobody();
        insist(other_user || geteuid() != 0, "root becomes nobody");
        insist_seen_dead(noria::observer{path});
        if (!other_user) return 0;  // the owner may do what he likes with the mode
        std::error_code code;
        (void)numbers::consumer::open(path, {}, code);
        insist(code == noria::errc::no_permission, "more than observing is refused");
        noria::remove(path, code);
        insist(code == noria::errc::no_permission, "removing, too");
        return 0;
    });
    BOOST_TEST(observer.wait() == well);
    BOOST_TEST((contents_of(path) == bytes));
    BOOST_TEST(same_times(status_of(path), before));
}

BOOST_AUTO_TEST_CASE(observer_on_a_read_only_mount_sees_all_and_changes_nothing) {
    if (const auto objection = rig::objection_to_namespaces(CLONE_NEWNS); !objection.empty())
        return rig::skip(objection);
    for (const char* root : {"/dev/shm", "/var/tmp"}) {
        const rig::workspace place(root);
        const auto path = place / "queue";
        leave_a_scene_of_death(path);
        const struct stat before = status_of(path);
        const std::string bytes = contents_of(path);
        rig::child observer([&] {
            insist(rig::enter_namespaces(CLONE_NEWNS).empty(), "there is a namespace");
            const char* const here = place.path().c_str();
            insist(mount(here, here, nullptr, MS_BIND, nullptr) == 0, "there is a mount of its own");
            // What the mount already forbids has to stay forbidden in a user namespace.
            insist(mount(nullptr, here, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0 ||
                       mount(nullptr, here, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV,
                             nullptr) == 0,
                   "it is read-only");
            insist_seen_dead(noria::observer{path});
            std::error_code code;
            (void)numbers::consumer::open(path, {}, code);
            insist(code == noria::errc::no_permission, "more than observing is refused");
            return 0;
        });
        BOOST_TEST(observer.wait() == well);
        BOOST_TEST((contents_of(path) == bytes));
        BOOST_TEST(same_times(status_of(path), before));
    }
}

BOOST_AUTO_TEST_CASE(observer_sees_the_living_and_disturbs_no_lock) {
    // A pair lives while an observer looks on from a process of its own; a role stays taken, the traffic goes on, and
    // the death of one is seen by the observer before anybody has recovered it.
    const rig::workspace place;
    const auto path = place / "queue";
    const rig::milestone attached;
    const rig::milestone looked;
    const rig::milestone died;
    rig::child producer([&] {
        numbers::producer out{path, {.capacity = 4}};
        attached.tell();
        wait_for_death();
        return 1;
    });
    attached.hear();
    rig::child observer([&] {
        const noria::observer eye{path};
        for (int times = 0; times < 1000; ++times) {
            const auto seen = eye.look();
            insist(seen.roster.size() == 1 && seen.roster[0].alive, "the producer is seen alive");
            insist(seen.roster[0].pid == static_cast<std::uint64_t>(producer.pid()), "under its number");
            insist(seen.roster[0].program == "process_contain", "and its name, as far as the kernel keeps it");
        }
        looked.tell();
        died.hear();
        const auto seen = eye.look();
        insist(seen.roster.size() == 1 && !seen.roster[0].alive, "the producer is seen dead");
        insist(seen.counters.producer_deaths == 0, "and nobody has recovered it");
        return 0;
    });
    for (int times = 0; times < 50; ++times) {
        std::error_code code;
        (void)numbers::producer::open(path, refused_at_once, code);
        BOOST_REQUIRE((code == noria::errc::role_taken));
    }
    looked.hear();
    producer.kill();
    died.tell();
    BOOST_TEST(observer.wait() == well);
    numbers::consumer in{path};
    hear_end(in, noria::end::abandoned);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
