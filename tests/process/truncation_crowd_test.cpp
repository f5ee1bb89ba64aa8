// truncation_crowd_test.cpp: the file of an mpmc queue truncated under the guard, while several of each role work.
#include "process/truncation.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <vector>

using namespace scene;

namespace {

using jobs = of_jobs::queue;

}  // namespace

BOOST_AUTO_TEST_SUITE(truncation_of_crowds)

BOOST_AUTO_TEST_CASE(with_the_guard_an_mpmc_queue_is_corrupt_and_all_else_goes_on) {
    for (const std::uint64_t left : {std::uint64_t{0}, page, std::uint64_t{5 * page}}) {
        BOOST_TEST_CONTEXT(left << " bytes are left") {
            const rig::workspace place;
            const auto path = place / "q";
            const auto loss = [&] { insist(cut(path, left) > left, "some of it is lost"); };
            rig::child fixed = guarded([&] { return lose_and_go_on<of_jobs>(path, loss); });
            BOOST_TEST(fixed.wait() == well);
            std::filesystem::remove(path);
            rig::child sized = guarded([&] { return lose_and_go_on<of_parcels>(path, loss); });
            BOOST_TEST(sized.wait() == well);
        }
    }
}

BOOST_AUTO_TEST_CASE(all_who_wait_hear_of_it_and_nobody_is_left_behind) {
    // Two consumers sleep, in two processes; a third process has an idle producer. The file is cut, and nobody rings.
    for (const std::uint64_t left : {std::uint64_t{0}, page}) {
        BOOST_TEST_CONTEXT(left << " bytes are left") {
            const rig::workspace place;
            const auto path = place / "q";
            const rig::milestone ready;
            const rig::milestone done;
            rig::child idle = guarded([&] {
                const jobs::producer out{path, of_jobs::wishes()};
                ready.tell();
                done.hear();
                return 0;
            });
            ready.hear();
            std::vector<rig::child> waiting;
            for (int i = 0; i < 2; ++i) {
                waiting.push_back(guarded([&] {
                    jobs::consumer in{path};
                    insist(!in.take(), "nothing is taken");
                    insist_truncated(in, path);
                    return 0;
                }));
            }
            for (const auto& each : waiting) await_sleep(each);
            cut(path, left);
            for (auto& each : waiting) BOOST_TEST(each.wait() == well);
            done.tell();
            BOOST_TEST(idle.wait() == well);  // leaving a file that is gone
        }
    }
}

BOOST_AUTO_TEST_CASE(live_traffic_of_a_crowd_ends_for_all) {
    for (const std::uint64_t left : {std::uint64_t{0}, page, std::uint64_t{5 * page}}) {
        BOOST_TEST_CONTEXT(left << " bytes are left") {
            const rig::workspace place;
            const auto path = place / "q";
            const rig::milestone flowing;
            std::vector<rig::child> all;
            for (int i = 0; i < 2; ++i) {
                all.push_back(guarded([&] {
                    jobs::consumer in{path, of_jobs::wishes()};
                    std::uint64_t count = 0;
                    while (in.pop()) {
                        if (++count == 100) flowing.tell();
                    }
                    // The producers may have met the loss first, and have left, or died for all one knows.
                    if (in.why() != noria::outcome::ended) insist_truncated(in, path);
                    return 0;
                }));
                all.push_back(guarded([&] {
                    jobs::producer out{path, of_jobs::wishes()};
                    if (out.push(number(1))) flowing.tell();
                    while (out.push(number(1))) {
                    }
                    if (out.why() != noria::outcome::ended) insist_truncated(out, path);
                    return 0;
                }));
            }
            for (std::size_t i = 0; i < all.size(); ++i) flowing.hear();  // all four are in the file that is cut
            cut(path, left);
            for (auto& each : all) BOOST_TEST(each.wait() == well);
        }
    }
}

BOOST_AUTO_TEST_CASE(who_observes_a_truncated_crowd_is_told) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        const jobs::producer out{place / "q", of_jobs::wishes()};
        const noria::observer observer(place / "q");
        std::error_code code = noria::errc::system;
        insist(observer.look(code).roster.size() == 1 && !code, "it is observed");
        cut(place / "q", page);
        (void)observer.look(code);
        insist(code == noria::errc::corrupt, "the observer is told");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(several_leases_of_a_truncated_file_can_be_used_and_dropped) {
    const rig::workspace place;
    rig::child process = guarded([&] {
        const auto path = place / "q";
        jobs::producer out{path, of_jobs::wishes()};
        jobs::consumer in{path};
        for (std::uint64_t n = 0; n < 3; ++n) insist(out.try_push(number(n)), "the push succeeds");
        auto claim = out.claim();
        auto first = in.take();
        auto second = in.take();
        insist(claim && first && second && second->number == 1, "all are there");
        cut(path, page);
        insist(second->number == 0 && first->complement == 0, "the messages are zeros now");
        *claim = number(3);
        insist(!claim.commit(), "nothing is sent");
        insist_truncated(out, path);
        first.release();
        insist_truncated(in, path);
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
