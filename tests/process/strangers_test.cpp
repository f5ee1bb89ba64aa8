// strangers_test.cpp: other users: what one that may only read a queue's file can do, and what one that came first can.
#include "process/scene.hpp"
#include "rig/shared_page.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include "noria/layout/roster_entry.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/mpmc.hpp"
#include "noria/os/file_lock.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>

using namespace scene;

namespace {

using crowd = noria::mpmc<numbered>;
using locked_crowd = noria::mpmc<numbered, noria::coordination::robust_mutex>;

constexpr uid_t another_user = 65534;
constexpr noria::options readable{.capacity = 8, .mode = 0644};

// A directory in which other users may look for files; `mode` says what else they may.
struct shared_directory {
    rig::workspace place;
    explicit shared_directory(mode_t mode = 0755) {
        if (chmod(place.path().c_str(), mode) != 0) throw std::runtime_error("chmod");
    }
};

void become_another_user() {
    insist(setgroups(0, nullptr) == 0 && setgid(another_user) == 0 && setuid(another_user) == 0, "it is another user");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// A process of another user that has a read lock on these bytes of the file, from when this returns. `waits`: it waits for the
// lock, and has it as soon as nothing is in the way.
rig::child read_locker(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t bytes,
                       bool waits = false) {
    const rig::milestone locked;
    rig::child stranger([&] {
        become_another_user();
        const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        insist(file >= 0 && open(path.c_str(), O_RDWR | O_CLOEXEC) < 0, "it may read the file, and not write it");
        struct flock lock {};
        lock.l_type = F_RDLCK;
        lock.l_whence = SEEK_SET;
        lock.l_start = static_cast<off_t>(offset);
        lock.l_len = static_cast<off_t>(bytes);
        if (waits) locked.tell();
        insist(fcntl(file, waits ? F_OFD_SETLKW : F_OFD_SETLK, &lock) == 0, "the kernel grants the lock");
        if (!waits) locked.tell();
        wait_for_death();
        return 1;
    });
    locked.hear();
    return stranger;
}

// Back when the kernel has given the stranger that waits the lock on this byte.
void await_read_lock(const std::filesystem::path& path, std::uint64_t offset) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    const bool there =
        rig::eventually([&] { return noria::os::ask_lock(file, offset).owner == noria::os::lock_owner::foreign; });
    close(file);
    insist(there, "the stranger has its lock");
}

// A process with an endpoint that does nothing, from when this returns.
template <class Endpoint>
rig::child attached_until_killed(const std::filesystem::path& path) {
    const rig::milestone attached;
    rig::child process([&] {
        const Endpoint endpoint{path};
        attached.tell();
        wait_for_death();
        return 1;
    });
    attached.hear();
    return process;
}

void insist_blocked(const noria::spsc<numbered>::consumer& in, const std::filesystem::path& path) {
    insist(in.why() == noria::outcome::recovery_blocked, "the recovery is blocked");
    insist(in.error_text().find("read lock") != std::string::npos, "the text says by what");
    insist(in.error_text().find(path.string()) != std::string::npos, "it names the file");
}

// Whether this user may become another one.
bool is_root() { return geteuid() == 0; }
const std::string needs_root = "only root can become another user";

}  // namespace

BOOST_AUTO_TEST_SUITE(strangers)

BOOST_AUTO_TEST_CASE(a_read_lock_keeps_newcomers_out_and_is_named) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    { const numbers::producer made{path, readable}; }
    rig::child stranger = read_locker(path, noria::layout::lock_base, noria::layout::lock_range_bytes);
    std::error_code code;
    const auto out = numbers::producer::open(path, refused_at_once, code);
    BOOST_TEST((code == noria::errc::foreign_lock));
    BOOST_TEST(out.error_text().find("found a read lock") != std::string::npos);
    BOOST_TEST(out.error_text().find("mode 0600") != std::string::npos);
    noria::remove(path, code);
    BOOST_TEST((code == noria::errc::foreign_lock));
    stranger.kill();
    BOOST_TEST(numbers::producer(path, refused_at_once).is_open());
    noria::remove(path, code);
    BOOST_TEST(!code);

    { const crowd::producer made{path, {.capacity = 8, .endpoints = 4, .mode = 0644}}; }
    stranger = read_locker(path, noria::layout::lock_base, 4);
    const auto many = crowd::producer::open(path, refused_at_once, code);
    BOOST_TEST((code == noria::errc::foreign_lock));
    BOOST_TEST(many.error_text().find("found a read lock") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_read_lock_that_goes_within_wait_for_role_is_waited_for) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    { const numbers::producer made{path, readable}; }
    rig::child stranger = read_locker(path, noria::layout::lock_base, noria::layout::lock_range_bytes);
    const rig::milestone opening;
    rig::child newcomer([&] {
        opening.tell();
        return numbers::producer(path, {.wait_for_role = patience}).is_open() ? 0 : 1;
    });
    opening.hear();
    stranger.kill();
    BOOST_TEST(newcomer.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_dead_endpoint_behind_a_read_lock_is_not_taken_for_alive) {
    // The stranger waits for the lock while the endpoint lives, and has it when the kernel drops the endpoint's own.
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    numbers::consumer in{path, readable};
    const rig::milestone attached;
    rig::child producer([&] {
        numbers::producer out{path};
        send(out, 0, 1);
        attached.tell();
        wait_for_death();
        return 1;
    });
    attached.hear();
    rig::child stranger = read_locker(path, noria::layout::lock_base, 1, true);
    receive(in, 0, 1);
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(in.why() == noria::outcome::timed_out);  // it lives
    producer.kill();
    await_read_lock(path, noria::layout::lock_base);
    BOOST_TEST(!in.pop());  // a verb without a deadline comes back
    insist_blocked(in, path);
    BOOST_TEST(!in.pop_for(patience));
    insist_blocked(in, path);
    for (const auto& each : noria::inspect(path).roster) BOOST_TEST(each.alive == (each.role == noria::role::consumer));
    stranger.kill();
    hear_end(in, noria::end::abandoned);
    BOOST_TEST(in.error_text() == "");
    numbers::producer heir{path};
    send(heir, 1, 2);
    receive(in, 1, 2);
}

BOOST_AUTO_TEST_CASE(a_claim_of_a_dead_producer_behind_a_read_lock_is_told_of) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    crowd::consumer in{path, {.capacity = 8, .endpoints = 8, .mode = 0644}};
    const rig::milestone claimed;
    rig::child producer([&] {
        crowd::producer out{path};
        const auto claim = out.claim();
        claimed.tell();
        wait_for_death();
        return 1;
    });
    claimed.hear();
    crowd::producer other{path};
    BOOST_TEST(other.push(number(5)));
    rig::child stranger = read_locker(path, noria::layout::lock_base + 1, 1, true);
    producer.kill();
    await_read_lock(path, noria::layout::lock_base + 1);
    BOOST_TEST(!in.pop());
    BOOST_TEST(in.why() == noria::outcome::recovery_blocked);
    stranger.kill();
    const auto got = in.pop_for(patience);
    BOOST_TEST((got && got->number == 5));
}

BOOST_AUTO_TEST_CASE(an_idle_dead_producer_behind_a_read_lock_disturbs_no_other) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    crowd::consumer in{path, {.capacity = 8, .endpoints = 8, .mode = 0644}};
    rig::child producer = attached_until_killed<crowd::producer>(path);
    crowd::producer other{path};
    rig::child stranger = read_locker(path, noria::layout::lock_base + 1, 1, true);
    producer.kill();
    await_read_lock(path, noria::layout::lock_base + 1);
    BOOST_TEST(!in.pop_for(2s));  // longer than a recovery may be blocked without being told of
    BOOST_TEST(in.why() == noria::outcome::timed_out);
    BOOST_TEST(other.push(number(5)));
    BOOST_TEST(static_cast<bool>(in.pop_for(patience)));
}

BOOST_AUTO_TEST_CASE(a_commit_behind_a_dead_owner_of_the_mutex_and_a_read_lock_comes_back) {
    // The word of the mutex names an endpoint that died inside; its entry is under a stranger's read lock.
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    locked_crowd::producer out{path, {.capacity = 8, .endpoints = 4, .mode = 0644}};
    auto claim = out.claim();
    BOOST_REQUIRE(static_cast<bool>(claim));
    *claim = number(1);
    rig::child owner = attached_until_killed<locked_crowd::consumer>(path);
    const auto at = noria::layout::place(noria::inspect(path).shape);
    const std::uint32_t name = 2;
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    const std::uint64_t inside = 1;
    const auto tenure =
        at.tally_offset + sizeof(noria::layout::tally_line) + offsetof(noria::layout::tally_line, tenure);
    BOOST_REQUIRE(pwrite(file, &name, sizeof name, static_cast<off_t>(at.mutex_offset)) == sizeof name);
    BOOST_REQUIRE(pwrite(file, &inside, sizeof inside, static_cast<off_t>(tenure)) == sizeof inside);
    close(file);
    rig::child stranger = read_locker(path, noria::layout::lock_base + 1, 1, true);
    owner.kill();
    await_read_lock(path, noria::layout::lock_base + 1);
    BOOST_TEST(!claim.commit());
    BOOST_TEST(out.why() == noria::outcome::recovery_blocked);
    BOOST_TEST((out.error_code() == noria::errc::recovery_blocked));
    stranger.kill();
    // The endpoint that gave up leaves; the next one finds the dead and goes on.
    { const locked_crowd::producer gone = std::move(out); }
    locked_crowd::producer next{path};
    BOOST_TEST(next.push_for(number(2), patience));
    locked_crowd::consumer in{path};
    const auto got = in.pop_for(patience);
    BOOST_TEST((got && got->number == 2));
}

BOOST_AUTO_TEST_CASE(a_read_lock_on_a_free_entry_is_named_though_others_are_attached) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    const crowd::producer attached{path, {.capacity = 8, .endpoints = 2, .mode = 0644}};
    rig::child stranger = read_locker(path, noria::layout::lock_base + 1, 1);
    std::error_code code;
    const auto out = crowd::producer::open(path, refused_at_once, code);
    BOOST_TEST((code == noria::errc::foreign_lock));
    BOOST_TEST(out.error_text().find("entry 1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_busy_mutex_is_not_told_as_a_recovery_that_is_blocked) {
    // An idle dead endpoint is under a read lock; the owner of the mutex lives, and stands still.
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    locked_crowd::consumer in{path, {.capacity = 8, .endpoints = 8, .mode = 0644}};
    rig::child idle = attached_until_killed<locked_crowd::producer>(path);
    rig::child owner = attached_until_killed<locked_crowd::producer>(path);
    rig::child stranger = read_locker(path, noria::layout::lock_base + 1, 1, true);
    idle.kill();
    await_read_lock(path, noria::layout::lock_base + 1);
    BOOST_TEST(!in.pop_for(2s));  // long enough for the idle one to have been blocked for long
    const auto at = noria::layout::place(noria::inspect(path).shape);
    const std::uint32_t name = 3;  // the owner's
    const std::uint64_t inside = 1;
    const auto tenure =
        at.tally_offset + 2 * sizeof(noria::layout::tally_line) + offsetof(noria::layout::tally_line, tenure);
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    BOOST_REQUIRE(pwrite(file, &inside, sizeof inside, static_cast<off_t>(tenure)) == sizeof inside);
    BOOST_REQUIRE(pwrite(file, &name, sizeof name, static_cast<off_t>(at.mutex_offset)) == sizeof name);
    close(file);
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(in.why() == noria::outcome::timed_out);
    BOOST_TEST(!in.try_pop());
    BOOST_TEST(in.why() == noria::outcome::stalled);
    owner.kill();
    stranger.kill();
    BOOST_TEST(!in.pop_for(patience));  // both are recovered, and no producer is left
    BOOST_TEST(in.why() == noria::outcome::ended);
}

BOOST_AUTO_TEST_CASE(what_another_process_has_recovered_is_blocked_no_more) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    crowd::consumer in{path, {.capacity = 8, .endpoints = 8, .mode = 0644}};
    rig::child producer = attached_until_killed<crowd::producer>(path);
    rig::child stranger = read_locker(path, noria::layout::lock_base + 1, 1, true);
    producer.kill();
    await_read_lock(path, noria::layout::lock_base + 1);
    BOOST_TEST(!in.pop());
    BOOST_TEST(in.why() == noria::outcome::recovery_blocked);
    stranger.kill();
    rig::child other([&] { return crowd::consumer(path).is_open() ? 0 : 1; });  // attaching, it recovers the dead
    BOOST_REQUIRE(other.wait() == well);
    BOOST_REQUIRE(noria::inspect(path).counters.producer_deaths == 1U);
    // The next endpoint takes the entry, and lives.
    crowd::producer heir{path};
    BOOST_TEST(!in.pop_for(a_while));
    BOOST_TEST(in.why() == noria::outcome::timed_out);
    BOOST_TEST(!in.try_pop());
    BOOST_TEST(in.why() == noria::outcome::empty);
}

BOOST_AUTO_TEST_CASE(a_read_lock_amid_an_attach_changes_nothing_of_what_closing_does) {
    // It covers the bytes on which an attach tries whether a mapping keeps locks.
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    rig::child process([&] {
        { const numbers::producer made{path, readable}; }
        return 0;
    });
    BOOST_REQUIRE(process.wait() == well);
    rig::child stranger = read_locker(path, noria::layout::trial_lock_base, noria::layout::trial_lock_bytes);
    rig::child attacher([&] {
        const numbers::producer out{path};
        insist(out.survives_closing(), "on this file system a mapping keeps locks");
        return 0;
    });
    BOOST_TEST(attacher.wait() == well);
}

BOOST_AUTO_TEST_CASE(sleepers_that_a_reader_takes_away_wake_within_their_slice) {
    // A program that may only read the file maps it, and moves sleepers from our word to one of its own.
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir;
    const auto path = dir.place / "queue";
    const rig::shared_page<std::atomic<std::uint64_t>> moved;
    numbers::producer out{path, readable};
    rig::child consumer([&] {
        numbers::consumer in{path, {.waiting = {.spin = 0ns}}};
        receive(in, 0, 20);
        return 0;
    });
    const rig::milestone mapped;
    rig::child stranger([&] {
        become_another_user();
        const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        struct stat status {};
        insist(file >= 0 && fstat(file, &status) == 0, "it may read the file");
        void* const map = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, file, 0);
        insist(map != MAP_FAILED, "it may map the file");
        const auto words = noria::layout::place(noria::inspect(path).shape).words_offset;
        auto* const word = reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(map) + words +
                                                            offsetof(noria::layout::queue_words, consumers_event));
        static std::uint32_t own = 0;
        mapped.tell();
        for (;;) {
            const long count = syscall(SYS_futex, word, FUTEX_REQUEUE, 0, 1 << 30, &own, 0);
            if (count > 0) *moved += static_cast<std::uint64_t>(count);
            sched_yield();
        }
        return 1;
    });
    mapped.hear();
    for (std::uint64_t n = 0; n < 20; ++n) {
        const std::uint64_t before = moved->load();
        BOOST_REQUIRE(rig::eventually([&] { return moved->load() != before; }));  // it sleeps where no push wakes it
        send(out, n, n + 1);
    }
    BOOST_TEST(consumer.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_strangers_file_in_a_directory_open_to_all_is_refused_and_its_owner_named) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir(01777);
    const auto path = dir.place / "queue";
    rig::child stranger([&] {
        become_another_user();
        { const numbers::producer made{path, {.capacity = 8, .mode = 0666}}; }
        insist(numbers::producer(path).is_open(), "its own file is welcome");
        return 0;
    });
    BOOST_REQUIRE(stranger.wait() == well);
    std::error_code code;
    const auto out = numbers::producer::open_or_create(path, {.capacity = 8}, code);
    BOOST_TEST((code == noria::errc::foreign_owner));
    BOOST_TEST((code == std::errc::permission_denied));
    BOOST_TEST(out.error_text().find("user 65534") != std::string::npos);
    BOOST_TEST(out.error_text().find("foreign_owner") != std::string::npos);
    BOOST_TEST(noria::inspect(path).counters.sent == 0U);  // an observer maps nothing that it would touch, and may look
    BOOST_TEST(numbers::producer(path, {.foreign_owner = true}).is_open());
    // A directory that is not open to all has an owner that answers for its files.
    BOOST_REQUIRE(chmod(dir.place.path().c_str(), 0755) == 0);
    BOOST_TEST(numbers::producer(path).is_open());
}

BOOST_AUTO_TEST_CASE(roots_file_in_a_directory_open_to_all_is_welcome_to_others) {
    if (!is_root()) return rig::skip(needs_root);
    const shared_directory dir(01777);
    const auto path = dir.place / "queue";
    numbers::producer out{path, {.capacity = 8, .mode = 0666}};
    send(out, 0, 2);
    rig::child reader([&] {
        become_another_user();
        numbers::consumer in{path};
        receive(in, 0, 2);
        return 0;
    });
    BOOST_TEST(reader.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
