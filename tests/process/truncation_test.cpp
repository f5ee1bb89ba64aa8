// truncation_test.cpp: files truncated under live endpoints, with the guard and without it.
#include "process/truncation.hpp"
#include "rig/shared_page.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace scene;

BOOST_AUTO_TEST_SUITE(truncation)

BOOST_AUTO_TEST_CASE(without_the_guard_it_ends_the_process_by_sigbus) {
    const rig::workspace place;
    rig::child victim =
        unguarded([&] { return lose_and_go_on<of_numbers>(place / "q", [&] { cut(place / "q", 0); }); });
    BOOST_TEST(victim.wait() == bus_error);
}

// Goal: nothing in the library installs a handler unasked, of any signal. Method: all verbs, and the answers of sigaction.
BOOST_AUTO_TEST_CASE(no_handler_is_installed_unasked) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        const auto handlers = [] {
            std::vector<void (*)(int)> all;
            for (int each = 1; each < NSIG; ++each) {
                struct sigaction action = {};
                sigaction(each, nullptr, &action);
                all.push_back(action.sa_handler);
            }
            return all;
        };
        const auto before = handlers();
        {
            const auto path = place / "q";
            numbers::producer out{path, {.capacity = 4}};
            numbers::consumer in{path};
            send(out, 0, 4);
            insist(!out.push_for(number(9), a_while), "a push waits");
            receive(in, 0, 3);
            { const auto lease = in.take(); }
            if (auto claim = out.claim()) claim.give_back();
            in.interrupt();
            insist(!in.pop(), "a pop is interrupted");
            insist(noria::inspect(path).roster.size() == 2, "an observer sees both");
        }
        noria::remove(place / "q");
        insist(handlers() == before, "every signal is handled as before");
        noria::guard_against_truncation();
        insist(handlers() != before, "this would be noticed");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(with_the_guard_the_queue_is_corrupt_and_all_else_goes_on) {
    for (const std::uint64_t left : {std::uint64_t{0}, page, std::uint64_t{5 * page}}) {
        BOOST_TEST_CONTEXT(left << " bytes are left") {
            const rig::workspace place;
            const auto path = place / "q";
            const auto loss = [&] { insist(cut(path, left) == 6 * page, "the last cut is by one page"); };
            rig::child fixed = guarded([&] { return lose_and_go_on<of_numbers>(path, loss); });
            BOOST_TEST(fixed.wait() == well);
            std::filesystem::remove(path);
            rig::child sized = guarded([&] { return lose_and_go_on<of_texts>(path, loss); });
            BOOST_TEST(sized.wait() == well);
        }
    }
}

BOOST_AUTO_TEST_CASE(guard_covers_what_was_opened_before_it_was_on) {
    const rig::workspace place;
    rig::child process = unguarded([&] {
        return lose_and_go_on<of_numbers>(place / "q", [&] {
            std::error_code code = noria::errc::system;
            noria::guard_against_truncation(code);
            insist(!code, "the guard is on");
            cut(place / "q", 0);
        });
    });
    BOOST_TEST(process.wait() == well);
}

// Goal: an opening during which the file is truncated is refused, wherever it is; none succeeds on what is gone. Method: a
// child stands at each system call of an opening in turn, and the file is cut.
BOOST_AUTO_TEST_CASE(opening_during_which_it_happens_is_refused) {
    const rig::workspace place;
    const auto path = place / "q";
    int cuts_during = 0;
    for (int stop = 1;; ++stop) {
        std::filesystem::remove(path);
        { const numbers::producer creator{path, {.capacity = 64}}; }
        const rig::shared_page<std::atomic<bool>> is_cut;
        const rig::shared_page<std::atomic<bool>> was_cut;
        rig::stepped_child opener([&] {
            noria::guard_against_truncation();
            std::error_code code;
            const auto out = numbers::producer::open(path, {}, code);
            *was_cut = is_cut->load();
            const bool right = *was_cut ? code == noria::errc::corrupt : !code;
            return right ? 0 : 1;
        });
        if (!opener.run_to(stop)) break;
        cut(path, page);
        *is_cut = true;
        BOOST_TEST_CONTEXT("cut at stop " << stop) BOOST_TEST(opener.finish() == well);
        if (*was_cut) ++cuts_during;
    }
    BOOST_TEST(cuts_during > 20);
}

BOOST_AUTO_TEST_CASE(who_waits_hears_of_it_on_both_sides) {
    // Two processes, one asleep; when it sleeps the file is cut, and the other has done nothing about it.
    for (const std::uint64_t left : {std::uint64_t{0}, page}) {
        for (const bool full : {false, true}) {
            BOOST_TEST_CONTEXT(left << " bytes are left, " << (full ? "a producer" : "a consumer") << " waits") {
                const rig::workspace place;
                const auto path = place / "q";
                const rig::milestone ready;
                const rig::milestone done;
                const auto produce = [&](bool waits) {
                    return guarded([&, waits] {
                        numbers::producer out{path, {.capacity = 4}};
                        if (!waits) {
                            ready.tell();
                            done.hear();
                            return 0;
                        }
                        send(out, 0, 4);
                        insist(!out.push(number(4)), "the push fails");
                        insist_truncated(out, path);
                        return 0;
                    });
                };
                const auto consume = [&](bool waits) {
                    return guarded([&, waits] {
                        numbers::consumer in{path, {.capacity = 4}};
                        if (!waits) {
                            ready.tell();
                            done.hear();
                            return 0;
                        }
                        insist(!in.pop(), "the pop fails");
                        insist_truncated(in, path);
                        return 0;
                    });
                };
                rig::child idle = full ? consume(false) : produce(false);
                ready.hear();
                rig::child waiting = full ? produce(true) : consume(true);
                await_sleep(waiting);
                cut(path, left);
                BOOST_TEST(waiting.wait() == well);
                done.tell();
                BOOST_TEST(idle.wait() == well);  // leaving a file that is gone
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(who_waits_hears_of_it_from_another_thread) {
    // The consumer sleeps while its own process's producer meets the loss.
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        numbers::producer out{path, {.capacity = 64}};
        numbers::consumer in{path};
        std::atomic<bool> corrupt{false};
        std::thread waiting([&] {
            while (in.pop()) {
            }
            corrupt = in.why() == noria::outcome::corrupt;
        });
        for (std::uint64_t n = 0; n < 1000; ++n) send(out, n, n + 1);
        cut(path, page);
        while (out.push(number(1))) {
        }
        waiting.join();
        insist(corrupt, "the consumer hears it");
        insist_truncated(out, path);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(live_traffic_between_processes_ends_for_both) {
    for (const std::uint64_t left : {std::uint64_t{0}, page, std::uint64_t{5 * page}}) {
        BOOST_TEST_CONTEXT(left << " bytes are left") {
            const rig::workspace place;
            const auto path = place / "q";
            const rig::milestone flowing;
            rig::child consumer = guarded([&] {
                numbers::consumer in{path, of_numbers::wishes()};
                std::uint64_t count = 0;
                while (in.pop()) {
                    if (++count == 100) flowing.tell();
                }
                insist_truncated(in, path);
                return 0;
            });
            rig::child producer = guarded([&] {
                numbers::producer out{path, of_numbers::wishes()};
                while (out.push(number(1))) {
                }
                // A consumer that has met the loss first may have left, or died for all one knows.
                if (out.why() != noria::outcome::ended) insist_truncated(out, path);
                return 0;
            });
            flowing.hear();
            cut(path, left);
            BOOST_TEST(consumer.wait() == well);
            BOOST_TEST(producer.wait() == well);
        }
    }
}

BOOST_AUTO_TEST_CASE(claims_and_leases_of_a_truncated_file_can_be_used_and_dropped) {
    for (const bool dropped : {false, true}) {
        const rig::workspace place;
        rig::child process = guarded([&] {
            const auto path = place / "q";
            numbers::producer out{path, {.capacity = 64}};
            numbers::consumer in{path};
            send(out, 0, 2);
            auto claim = out.claim();
            auto lease = in.take();
            insist(claim && lease && lease->number == 0, "both are there");
            cut(path, page);
            insist(lease->number == 0 && lease->complement == 0, "the message is zeros now");
            *claim = number(2);
            insist(claim->number == 2, "the room can be written");
            if (dropped) {
                claim.give_back();
            } else {
                insist(!claim.commit() && out.why() == noria::outcome::corrupt, "the commit is none");
                lease.release();
                insist(in.why() == noria::outcome::corrupt, "after the release one knows");
            }
            insist_all_verbs_corrupt<of_numbers>(out, path);
            if (!dropped) insist_all_verbs_corrupt<of_numbers>(in, path);
            return 0;
        });
        BOOST_TEST(process.wait() == well);
    }
}

BOOST_AUTO_TEST_CASE(message_that_loses_its_end_is_not_popped) {
    // Its word and its first bytes are in the page that stays, the rest was in the page that goes.
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        struct large {
            std::byte filling[5000];
        };
        noria::spsc<large>::producer out{path, {.capacity = 2}};
        noria::spsc<large>::consumer in{path};
        insist(out.push({}), "there is a message");
        cut(path, 3 * page);
        const auto got = in.pop();
        insist(!got || got->filling[4999] == std::byte{1}, "what is popped is whole");  // it must be read to be missed
        insist(!got, "it is not popped");
        insist_truncated(in, path);

        const auto other = place / "r";
        texts::producer long_out{other, {.capacity_bytes = 4 * page, .message_bytes_max = 5000}};
        texts::consumer long_in{other};
        insist(long_out.push(noria::bytes(std::string(5000, 't'))), "there is a text");
        cut(other, 3 * page);
        insist(!long_in.pop(), "it is not popped");
        insist_truncated(long_in, other);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(batches_end_when_the_file_is_truncated_inside) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        numbers::producer out{path, {.capacity = 64}};
        numbers::consumer in{path};
        send(out, 0, 10);
        std::size_t calls = 0;
        const std::size_t consumed = in.consume_some([&](const numbered&) {
            if (++calls == 3) cut(path, 0);
        });
        insist(calls == 3 && consumed == 3, "the batch ends with the message during which it happened");
        insist_all_verbs_corrupt<of_numbers>(in, path);
        const std::vector<numbered> many(50, number(1));
        insist(out.push_some(many) == 0, "nothing more is sent");
        insist_truncated(out, path);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(observers_are_told_and_others_observe_on) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        { const numbers::producer creator{place / "q", {.capacity = 64}}; }
        bystander beside(place / "beside");
        const noria::observer observer(place / "q");
        std::error_code code = noria::errc::system;
        insist(observer.look(code).producers.attaches == 1 && !code, "it is observed");
        cut(place / "q", page);
        for (int n = 0; n < 2; ++n) {
            try {
                (void)observer.look();
                insist(false, "the observer refuses");
            } catch (const noria::error& told) {
                insist(told.code() == noria::errc::corrupt, "it says that the file is corrupt");
                insist(std::string(told.what()).find("truncated") != std::string::npos, "and why");
            }
        }
        (void)observer.look(code);
        insist(code == noria::errc::corrupt, "without exceptions, too");
        insist(noria::inspect(place / "beside").roster.size() == 2, "another queue is observed");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

// Goal: the dead endpoints' locks go with them, and a file made whole again in place is not served from the dead mapping.
BOOST_AUTO_TEST_CASE(file_made_whole_again_is_opened_anew_beside_a_dead_endpoint) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        { const numbers::producer creator{path, {.capacity = 64}}; }
        std::filesystem::copy_file(path, place / "copy");
        auto out = std::make_unique<numbers::producer>(path);
        const auto in = std::make_unique<numbers::consumer>(path);
        cut(path, page);
        insist(!in->pop(), "the pop fails");
        out.reset();
        std::error_code code;
        (void)numbers::producer::open(path, {}, code);
        insist(code == noria::errc::corrupt, "a short file is refused");
        std::filesystem::copy_file(place / "copy", path, std::filesystem::copy_options::overwrite_existing);
        numbers::producer anew{path};
        send(anew, 0, 3);
        insist(noria::inspect(path).counters.sent == 3, "the messages are in the file");
        insist_all_verbs_corrupt<of_numbers>(*in, path);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(dead_endpoints_leave_no_lock) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        (void)lose_and_go_on<of_numbers>(path, [&] { cut(path, 5 * page); });
        noria::remove(path);  // refuses while anybody holds a lock
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(guard_needs_no_spare_address_space) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        numbers::producer out{path, {.capacity = 1U << 19}};  // 32 MiB
        std::ifstream statm("/proc/self/statm");
        rlim_t pages = 0;
        statm >> pages;
        const rlim_t all = pages * page + (rlim_t{4} << 20);
        const rlimit tight{all, all};
        insist(setrlimit(RLIMIT_AS, &tight) == 0, "the address space is limited");
        cut(path, 0);
        insist_all_verbs_corrupt<of_numbers>(out, path);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
