// descriptors_test.cpp: what a program does with descriptors, directories and roots that it does not know to be ours.
#include "rig/descriptors.hpp"
#include "process/scene.hpp"
#include "rig/overlay.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include "noria/mpmc.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

using namespace scene;

namespace {

using crowd = noria::mpmc<numbered>;
using locked_crowd = noria::mpmc<numbered, noria::coordination::robust_mutex>;

// What a daemon does when it starts.
void close_all_descriptors() { close_range(3, ~0U, 0); }

// An endpoint of this process whose descriptor was closed asks about another endpoint of this process, to whose descriptor
// the number belongs now.
template <class Queue>
int ask_through_a_number_of_another() {
    const rig::workspace place;
    const auto path = place / "queue";
    typename Queue::consumer in{path, {.capacity = 64}};
    close_all_descriptors();
    typename Queue::producer out{path};
    // Each number that the consumer may have had stands for the producer's description now.
    std::array<int, 8> copies{};
    int own = -1;
    for (int number = 3; number < 16; ++number) {
        if (fcntl(number, F_GETFD) >= 0) own = number;
    }
    insist(own >= 3, "the producer has a descriptor");
    for (int number = 3; number < 3 + static_cast<int>(copies.size()); ++number) {
        if (number != own) insist(dup2(own, number) == number, "the number is the producer's");
    }
    insist(out.push(number(1)), "the push succeeds");
    auto first = in.pop_for(patience);
    insist(first && first->number == 1, "the message comes");
    for (int question = 0; question < 5; ++question) {
        insist(!in.pop_for(a_while) && in.why() == noria::outcome::timed_out, "the producer lives");
    }
    const auto counters = noria::inspect(path).counters;
    insist(counters.producer_deaths == 0 && counters.consumer_deaths == 0, "no living endpoint was declared dead");
    in = typename Queue::consumer(std::move(in));
    { auto gone = std::move(in); }
    insist(fcntl(own, F_GETFD) >= 0, "the consumer that leaves closes no descriptor of the producer's");
    std::error_code code;
    for (const auto& each : noria::inspect(path).roster) insist(each.alive, "it drops no lock of the producer's");
    insist(out.push(number(2)), "the producer goes on");
    return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_AUTO_TEST_CASE(a_number_that_belongs_to_another_endpoint_now_is_let_alone) {
    BOOST_TEST(rig::child(ask_through_a_number_of_another<numbers>).wait() == well);
    BOOST_TEST(rig::child(ask_through_a_number_of_another<crowd>).wait() == well);
    BOOST_TEST(rig::child(ask_through_a_number_of_another<locked_crowd>).wait() == well);
}

BOOST_AUTO_TEST_CASE(a_message_has_one_holder_though_descriptors_were_closed) {
    rig::child process([] {
        const rig::workspace place;
        const auto path = place / "queue";
        crowd::consumer one(path, {.capacity = 4});
        close_all_descriptors();
        crowd::consumer two(path);
        crowd::producer out(path);
        insist(out.push(number(7)), "the push succeeds");
        auto lease = two.take_for(patience);
        insist(lease && lease->number == 7, "the second consumer holds the message");
        insist(!one.pop_for(a_while), "the first one does not get it");
        lease.release();
        insist(two.why() == noria::outcome::ok, "the release succeeds");
        auto claim = out.claim();
        insist(static_cast<bool>(claim), "there is room");
        insist(!one.pop_for(a_while) && one.why() == noria::outcome::timed_out, "a claim of a living producer stays");
        *claim = number(8);
        insist(claim.commit(), "the commit succeeds");
        const auto last = one.pop_for(patience);
        insist(last && last->number == 8 && last.deliveries() == 1, "its message comes once");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_line_written_to_a_closed_standard_stream_reaches_no_queue) {
    const rig::workspace place;
    const auto path = place / "queue";
    for (const int closed : {0, 1, 2}) {
        rig::child process([&] {
            close(closed);
            numbers::producer out{path, {.capacity = 64}};
            send(out, 0, 10);
            const std::string line(4096, 'X');
            insist(write(closed, line.data(), line.size()) < 0, "the stream is still closed");
            send(out, 10, 11);
            return 0;
        });
        BOOST_TEST(process.wait() == well);
        numbers::consumer in{path};
        receive(in, 0, 11);
        BOOST_TEST(!in.try_pop());
        { auto gone = std::move(in); }
        noria::remove(path);
    }
}

BOOST_AUTO_TEST_CASE(a_relative_path_keeps_its_meaning_when_the_process_changes_its_directory) {
    // As a program does that becomes a daemon; then its descriptors are closed, too, and its peer dies.
    const rig::workspace place;
    const rig::milestone ready;
    const rig::milestone moved;
    rig::child producer([&] {
        insist(chdir(place.path().c_str()) == 0, "the directory is changed");
        numbers::producer out{"queue", {.capacity = 8}};
        insist(out.path() == place / "queue", "the path is absolute");
        ready.tell();
        insist(chdir("/") == 0, "the directory is changed");
        insist(!out.orphaned(), "the queue has its name still");
        close_all_descriptors();
        for (std::uint64_t n = 0;; ++n) {
            if (out.push_for(number(n), patience)) continue;
            insist(out.why() == noria::outcome::ended && out.ended() == noria::end::abandoned, "the death is heard of");
            return 0;
        }
    });
    ready.hear();
    rig::child consumer([&] {
        numbers::consumer in{place / "queue"};
        receive(in, 0, 4);
        moved.tell();
        wait_for_death();
        return 1;
    });
    moved.hear();
    consumer.kill();
    BOOST_TEST(producer.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_bare_name_that_is_not_found_is_told_with_its_directory) {
    rig::child process([] {
        const rig::workspace place;
        insist(chdir(place.path().c_str()) == 0, "the directory is changed");
        std::error_code code;
        const auto out = numbers::producer::open("nothing", {}, code);
        insist(code == noria::errc::not_found, "it is not found");
        insist(out.error_text().find((place / "nothing").string()) != std::string::npos,
               "the text names the directory");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_relative_path_in_a_directory_that_is_gone_is_refused_with_these_words) {
    rig::child process([] {
        std::error_code code;
        {
            const rig::workspace place;
            insist(chdir(place.path().c_str()) == 0, "the directory is changed");
        }
        const auto out = numbers::producer::open_or_create("queue", {.capacity = 8}, code);
        insist(code == noria::errc::not_found, "it is not found");
        insist(out.error_text().find("no working directory") != std::string::npos, "the text says which");
        noria::remove("queue", code);
        insist(code == noria::errc::not_found, "nor can it be removed");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_peer_that_cannot_be_asked_about_is_not_taken_for_alive) {
    // The descriptor is closed, and the file cannot be opened again: its name was removed, or the root directory is another.
    // The peer dies. A plain verb comes back and says why it cannot tell; what is in the ring comes all the same.
    for (const bool other_root : {false, true}) {
        const rig::workspace place;
        const auto path = place / "queue";
        const rig::milestone attached;
        const rig::milestone cut_off;
        const rig::milestone dead;
        rig::child consumer([&] {
            numbers::consumer in{path, {.capacity = 8}};
            attached.tell();
            receive(in, 0, 1);
            rig::close_descriptors_of(path);
            if (other_root) {
                insist(mkdir((place / "root").c_str(), 0700) == 0 && chroot((place / "root").c_str()) == 0, "a root");
            } else {
                insist(unlink(path.c_str()) == 0, "the name is removed");
            }
            cut_off.tell();
            dead.hear();
            receive(in, 1, 2);
            insist(!in.pop() && in.why() == noria::outcome::recovery_blocked, "it cannot be told whether it lives");
            insist(in.error_code() == noria::errc::recovery_blocked, "the code says so");
            insist(in.error_text().find(path.string()) != std::string::npos, "the text names the file");
            insist(in.error_text().find("No such file") != std::string::npos, "and what is in the way");
            insist(in.is_open(), "the endpoint is not dead");
            insist(!in.try_pop() && in.why() == noria::outcome::recovery_blocked, "each verb says so");
            insist(!in.pop_for(patience) && in.why() == noria::outcome::recovery_blocked, "and no verb waits");
            return 0;
        });
        attached.hear();
        rig::child producer([&] {
            numbers::producer out{path};
            send(out, 0, 1);
            cut_off.hear();
            send(out, 1, 2);
            attached.tell();
            wait_for_death();
            return 1;
        });
        attached.hear();
        producer.kill();
        dead.tell();
        BOOST_TEST(consumer.wait() == well);
    }
}

BOOST_AUTO_TEST_CASE(a_commit_under_a_mutex_whose_owner_cannot_be_asked_about_comes_back) {
    const rig::workspace place;
    const auto path = place / "queue";
    rig::child process([&] {
        locked_crowd::producer out{path, {.capacity = 8, .endpoints = 4}};
        auto claim = out.claim();
        insist(static_cast<bool>(claim), "there is room");
        *claim = number(1);
        // The word of the mutex is made to name an endpoint that lives and does not leave.
        const rig::milestone inside;
        rig::child owner([&] {
            locked_crowd::consumer in{path};
            inside.tell();
            wait_for_death();
            return 1;
        });
        inside.hear();
        const auto shape = noria::inspect(path).shape;
        const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
        const auto at = noria::layout::place(shape);
        const std::uint32_t name = 2;  // the second entry's
        insist(pwrite(file, &name, sizeof name, static_cast<off_t>(at.mutex_offset)) == sizeof name,
               "it names the owner");
        // ... as one that is inside.
        std::uint64_t tenure = 1;
        const auto tenure_at =
            at.tally_offset + sizeof(noria::layout::tally_line) + offsetof(noria::layout::tally_line, tenure);
        insist(pwrite(file, &tenure, sizeof tenure, static_cast<off_t>(tenure_at)) == sizeof tenure, "it is inside");
        insist(unlink(path.c_str()) == 0, "the name is removed");
        close_all_descriptors();
        insist(!claim.commit(), "the commit does not succeed");
        insist(out.why() == noria::outcome::recovery_blocked, "the commit says why");
        insist(out.error_code() == noria::errc::recovery_blocked && !out.is_open(), "the endpoint is at its end");
        insist(!out.push(number(2)) && out.why() == noria::outcome::recovery_blocked, "each verb says so");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(on_overlayfs_an_endpoint_says_that_it_needs_its_descriptor) {
    const rig::overlay over;
    if (!over.objection().empty()) return rig::skip(over.objection());
    const auto path = over.path() / "queue";
    const rig::workspace memory;
    const numbers::producer plain{memory / "queue", {.capacity = 8}};
    BOOST_TEST(plain.survives_closing());
    rig::child process([&] {
        const numbers::producer out{path, {.capacity = 8}};
        insist(!out.survives_closing(), "it needs its descriptor");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(on_overlayfs_locks_that_went_with_the_descriptor_are_taken_again) {
    const rig::overlay over;
    if (!over.objection().empty()) return rig::skip(over.objection());
    const auto path = over.path() / "queue";
    rig::child process([&] {
        numbers::producer out{path, {.capacity = 2}};
        send(out, 0, 2);
        close_all_descriptors();
        // A verb that waits asks the kernel, and has the locks again.
        insist(!out.push_for(number(2), a_while) && out.why() == noria::outcome::timed_out, "the queue is full");
        std::error_code code;
        const auto second = numbers::producer::open(path, refused_at_once, code);
        insist(code == noria::errc::role_taken, "the role is held again");
        numbers::consumer in{path};
        receive(in, 0, 2);
        send(out, 2, 4);
        receive(in, 2, 4);
        insist(noria::inspect(path).counters.producer_deaths == 0, "no death was counted");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(on_overlayfs_an_endpoint_that_others_have_recovered_from_is_at_its_end) {
    const rig::overlay over;
    if (!over.objection().empty()) return rig::skip(over.objection());
    for (const bool waits : {false, true}) {
        const auto path = over.path() / "queue";
        const rig::milestone closed;
        const rig::milestone recovered;
        rig::child producer([&] {
            numbers::producer out{path, {.capacity = 2}};
            send(out, 0, 1);
            rig::close_descriptors_of(path);
            closed.tell();
            recovered.hear();
            // One that does not wait may publish once before it notices; one that waits asks first.
            if (waits) {
                (void)out.push_for(number(1), patience);
            }
            bool ended = false;
            for (std::uint64_t n = 1; n < 4 && !ended; ++n) ended = !out.try_push(number(n));
            insist(ended && out.why() == noria::outcome::closed, "it does not go on");
            insist(out.error_code() == noria::errc::lock_lost, "the code says why");
            insist(out.error_text().find("overlayfs") != std::string::npos, "so does the text");
            insist(!out.is_open(), "it is at its end");
            return 0;
        });
        closed.hear();
        numbers::consumer in{path};
        receive(in, 0, 1);
        BOOST_TEST(!in.pop_for(patience));
        BOOST_TEST(in.ended() == noria::end::abandoned);
        const numbers::producer heir{path};
        recovered.tell();
        BOOST_TEST(producer.wait() == well);
        BOOST_TEST(heir.is_open());
        std::size_t producers = 0;
        for (const auto& each : noria::inspect(path).roster) producers += each.role == noria::role::producer ? 1 : 0;
        BOOST_TEST(producers == 1U);  // the one that left took no record of the heir's away
        std::filesystem::remove(path);
    }
}

BOOST_AUTO_TEST_CASE(on_overlayfs_an_endpoint_that_goes_takes_nothing_from_its_heir) {
    // It has noticed nothing: since its descriptor was closed, no verb of it was called.
    const rig::overlay over;
    if (!over.objection().empty()) return rig::skip(over.objection());
    const auto path = over.path() / "queue";
    rig::child process([&] {
        std::optional<numbers::producer> out(std::in_place, path, noria::options{.capacity = 8});
        send(*out, 0, 1);
        rig::close_descriptors_of(path);
        numbers::consumer in{path};
        receive(in, 0, 1);
        insist(!in.pop_for(patience) && in.ended() == noria::end::abandoned, "the consumer recovers from it");
        numbers::producer heir{path};
        out.reset();
        insist(!in.pop_for(a_while) && in.why() == noria::outcome::timed_out, "the heir lives");
        insist(noria::inspect(path).roster.size() == 2, "both are on record");
        send(heir, 1, 2);
        receive(in, 1, 2);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(on_overlayfs_an_heir_of_the_other_role_is_not_taken_for_oneself) {
    // The first producer and the first consumer have the same number; the consumer has the producer's entry now.
    const rig::overlay over;
    if (!over.objection().empty()) return rig::skip(over.objection());
    const auto path = over.path() / "queue";
    rig::child process([&] {
        std::optional<crowd::producer> out(std::in_place, path, noria::options{.capacity = 8, .endpoints = 2});
        insist(out->push(number(1)), "the push succeeds");
        rig::close_descriptors_of(path);
        crowd::consumer in{path};
        insist(noria::inspect(path).roster.size() == 1, "the consumer has recovered from the producer");
        bool ended = false;
        for (int tries = 0; tries < 3 && !ended; ++tries) ended = !out->try_push(number(2));
        insist(ended && out->error_code() == noria::errc::lock_lost, "the producer is at its end");
        out.reset();
        const auto roster = noria::inspect(path).roster;
        insist(roster.size() == 1 && roster[0].role == noria::role::consumer && roster[0].alive, "the consumer stays");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(on_overlayfs_a_lease_that_an_heir_holds_stays_the_heirs) {
    const rig::overlay over;
    if (!over.objection().empty()) return rig::skip(over.objection());
    const auto path = over.path() / "queue";
    rig::child process([&] {
        crowd::producer out{path, {.capacity = 8, .endpoints = 4}};
        insist(out.push(number(1)), "the push succeeds");
        std::optional<crowd::consumer> in(std::in_place, path);
        {
            auto lease = in->take_for(patience);
            insist(static_cast<bool>(lease), "it holds the message");
            rig::close_descriptors_of(path);
            crowd::consumer heir{path};
            auto again = heir.take_for(patience);
            insist(again && again->number == 1 && again.deliveries() == 2, "the heir holds it now");
            // The first one goes with its lease in hand.
            rig::child leaver([&] { return 0; });
            insist(leaver.wait() == well, "a fork changes nothing");
            auto gone = std::move(lease);
            in.reset();
            again.release();
            insist(heir.why() == noria::outcome::ok, "the release succeeds");
        }
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
