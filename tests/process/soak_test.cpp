// soak_test.cpp: a minute of killing, stopping, closing and restarting at random; at its end the ledger is exact.
//
// Arguments, after "--": --seconds N (60).
#include "process/soak.hpp"
#include "process/scene.hpp"
#include "rig/raw_figures.hpp"
#include "rig/seed.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <string_view>
#include <thread>

using namespace scene;
using namespace scene::soak;

namespace {

std::uint64_t argument(std::string_view name, std::uint64_t otherwise) {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    for (int i = 1; i + 1 < suite.argc; ++i) {
        if (suite.argv[i] == name) return std::strtoull(suite.argv[i + 1], nullptr, 0);
    }
    return otherwise;
}

// What may not grow.
struct footprint {
    std::size_t descriptors = 0;
    std::size_t mappings = 0;
    std::size_t resident_pages = 0;

    static footprint now() {
        footprint here;
        for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd"))
            ++here.descriptors;
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);) ++here.mappings;
        std::ifstream statm("/proc/self/statm");
        statm >> here.resident_pages >> here.resident_pages;
        return here;
    }
    void insist_not_outgrown_by(const footprint& later) const {
        insist(later.descriptors == descriptors, "no descriptor is left open");
        insist(later.mappings <= mappings + 4, "no mapping is left behind");           // the heap may split a few
        insist(later.resident_pages <= resident_pages + 512, "memory does not grow");  // 2 MiB, of a heap that warms up
    }
};

volatile sig_atomic_t asked_to_end = 0;
void (*interrupt_endpoint)() = nullptr;
void on_sigterm(int) {
    asked_to_end = 1;
    if (interrupt_endpoint != nullptr) interrupt_endpoint();
}
template <class Endpoint>
Endpoint* current = nullptr;
template <class Endpoint>
void end_on_sigterm(Endpoint& endpoint) {
    current<Endpoint> = &endpoint;
    interrupt_endpoint = [] { current<Endpoint>->interrupt(); };
}

template <class Queue>
class show {
public:
    show(std::uint64_t seed, std::chrono::seconds length) : random_(seed), length_(length) {}

    void run() {
        { const typename Queue::consumer creator{path_, form<Queue>::geometry}; }
        observer_.emplace(path_);
        rig::child visitor([&] { return visit(); });
        const auto end = std::chrono::steady_clock::now() + length_;
        footprint before;
        constexpr std::uint64_t settled = 50;
        for (std::uint64_t act = 0; act <= settled || std::chrono::steady_clock::now() < end; ++act) {
            if (act == settled) before = footprint::now();
            if (act % 200 == 199)
                see_progress();
            else if (random_() % 50 == 0)
                kill_everybody();
            else
                disturb(actors_[random_() % 2]);
            if (random_() % 8 == 0) look();
            std::this_thread::sleep_for(std::chrono::microseconds(1000 + random_() % 19000));
        }
        for (auto& each : actors_) end_well(each);
        book_->all_over = true;
        insist(visitor.wait() == well, "the visitor has lost nothing");
        settle_accounts();
        before.insist_not_outgrown_by(footprint::now());
    }

private:
    struct actor {
        noria::role role;
        rig::child process;
        bool present = false;
        bool stopped = false;
        std::uint64_t started = 0;
        std::uint64_t killed = 0;
        std::uint64_t closed = 0;
    };

    int produce(std::uint64_t seed) {
        typename Queue::producer out{path_, {.wait_for_role = patience}};
        end_on_sigterm(out);
        sender<Queue> all(*book_, out, seed);
        while (asked_to_end == 0) all.step();
        interrupt_endpoint = nullptr;
        return 0;
    }
    int consume(std::uint64_t seed) {
        typename Queue::consumer in{path_, {.wait_for_role = patience}};
        end_on_sigterm(in);
        receiver<Queue> all(*book_, in, seed);
        while (asked_to_end == 0) (void)all.step(5ms);
        interrupt_endpoint = nullptr;
        return 0;
    }
    // Lives through it all, observes, and tries to get roles, which it sometimes does: it leaks nothing.
    int visit() {
        footprint before;
        for (std::uint64_t times = 0; !book_->all_over; ++times) {
            if (times == 100) before = footprint::now();
            std::error_code code;
            (void)noria::inspect(path_);
            if (Queue::producer::open(path_, refused_at_once, code).is_open()) book_->visits[0] += 1;
            insist(!code || code == noria::errc::role_taken, "the role is free or taken");
            if (Queue::consumer::open(path_, refused_at_once, code).is_open()) book_->visits[1] += 1;
            insist(!code || code == noria::errc::role_taken, "the role is free or taken");
            std::this_thread::sleep_for(7ms);
        }
        if (before.descriptors != 0) before.insist_not_outgrown_by(footprint::now());
        return 0;
    }

    void start(actor& one) {
        const auto seed = random_();
        signal(SIGTERM, on_sigterm);  // before the fork, so that the child has it from its first instruction on
        one.process = rig::child([&] {
            try {
                return one.role == noria::role::producer ? produce(seed) : consume(seed);
            } catch (const std::exception& wrong) {
                std::cerr << wrong.what() << std::endl;
                return 99;
            }
        });
        signal(SIGTERM, SIG_DFL);
        one.present = true;
        one.stopped = false;
        one.started += 1;
    }
    void bury(actor& one) {
        const rig::fate how = one.process.wait();
        if (how != well && how != killed) std::cerr << how << std::endl;
        insist(how == well || how == killed, "an actor leaves well, or is killed");
        if (how == well)
            one.closed += 1;
        else
            one.killed += 1;
        one.present = false;
    }
    void disturb(actor& one) {
        const auto dice = random_() % 100;
        if (!one.present) return start(one);
        if (one.stopped) {
            one.stopped = false;
            one.process.send(dice < 60 ? SIGCONT : SIGKILL);
            if (dice >= 60) bury(one);
        } else if (dice < 40) {
            one.process.send(SIGKILL);
            if (dice < 20) return bury(one);
            // The successor begins before the dead is reaped, and, as far as the kernel goes, before it is dead.
            rig::child dying = std::move(one.process);
            start(one);
            insist(dying.wait() == killed, "it was killed");
            one.killed += 1;
        } else if (dice < 60) {
            one.process.stop();
            one.stopped = true;
        } else if (dice < 75) {
            one.process.send(SIGTERM);
            bury(one);
        }
    }
    void kill_everybody() {
        for (auto& each : actors_) each.process.send(SIGKILL);
        for (auto& each : actors_) {
            if (each.present) bury(each);
        }
    }
    void end_well(actor& one) {
        if (!one.present) return;
        if (one.stopped) one.process.send(SIGCONT);
        one.process.send(SIGTERM);
        bury(one);
    }
    // Both are there and let alone: then messages pass.
    void see_progress() {
        for (auto& each : actors_) {
            if (!each.present) start(each);
            if (each.stopped) each.process.send(SIGCONT);
            each.stopped = false;
        }
        const std::uint64_t before = reception::from(book_->received).last;
        insist(rig::eventually([&] { return reception::from(book_->received).last > before + 10; }), "messages pass");
    }
    void look() {
        const auto seen = observer_->look();
        insist(seen.roster.size() <= 2, "there are two roles");
        insist(place_.files() == 1, "there is one file");
    }

    void settle_accounts() {
        const auto roster_before = observer_->look().roster;
        insist(roster_before.size() <= 2, "there are two roles");
        {
            typename Queue::producer last{path_, refused_at_once};  // recovers a dead producer, if need be
            enter_doubts(*book_);
            typename Queue::consumer in{path_, refused_at_once};
            receiver<Queue> all(*book_, in, 1);
            while (all.step(1ms)) {
            }
            insist(in.empty(), "the queue is drained");
        }
        auto end = observer_->look();
        end.counters = rig::raw_figures(path_);
        const reception last = reception::from(book_->received);
        std::uint64_t doubts = 0;
        for (std::uint64_t i = 0; i < book_->doubts; ++i) {
            // A range that was entered twice is one.
            if (i != 0 && book_->doubtful[i].first == book_->doubtful[i - 1].first) continue;
            doubts += book_->doubtful[i].last - book_->doubtful[i].first + 1;
        }
        std::cerr << fmt::format(
            "{} messages, {} in doubt, {} said to come again; producers {} started, {} killed, {} closed; consumers "
            "{}, {}, {}\n",
            last.last, doubts, book_->redelivered.load(), actors_[0].started, actors_[0].killed, actors_[0].closed,
            actors_[1].started, actors_[1].killed, actors_[1].closed);
        std::uint64_t absent = 0;
        for (std::uint64_t n = last.last + 1; n <= book_->settled; ++n) absent += doubtful(*book_, n) ? 0 : 1;
        insist(absent <= last.missing, "every committed message was received");
        insist(end.roster.empty(), "nobody is left");
        insist(end.depth == 0 && end.head == end.tail, "the queue is empty");
        insist(end.counters.sent == end.counters.received, "as many were received as were sent");
        insist(end.counters.sent <= book_->settled && end.counters.sent + doubts >= book_->settled,
               "and as many as the ledger says");
        insist(book_->redelivered <= end.counters.redelivered, "what came again was counted");
        insist(end.counters.redelivered <= end.counters.consumer_deaths, "one message at a death, at most");
        // One more of each than the actors: the creator, or the producer of the final account, and its consumer.
        balance(end.producers.attaches, end.counters.producer_deaths, actors_[0], book_->visits[0] + 1);
        balance(end.consumers.attaches, end.counters.consumer_deaths, actors_[1], book_->visits[1] + 2);
        insist(place_.files() == 1, "one file is left");
    }
    // An actor that closed had attached; one that was killed may have died, or have come to nothing before it was alive
    // or after it had left.
    static void balance(std::uint64_t attaches, std::uint64_t deaths, const actor& all, std::uint64_t others) {
        insist(deaths <= all.killed, "nobody died but the killed");
        insist(attaches - deaths >= all.closed + others, "who closed did not die");
        insist(attaches - deaths <= all.closed + others + all.killed - deaths, "everybody is accounted for");
    }

    std::mt19937_64 random_;
    std::chrono::seconds length_;
    const rig::workspace place_;
    const std::filesystem::path path_ = place_ / "queue";
    const rig::shared_page<ledger> book_;
    std::optional<noria::observer> observer_;
    actor actors_[2] = {{.role = noria::role::producer, .process = {}}, {.role = noria::role::consumer, .process = {}}};
};

template <class Queue>
void soak_for_half_the_time() {
    show<Queue>(rig::seed(), std::chrono::seconds((argument("--seconds", 60) + 1) / 2)).run();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(soak_run)

BOOST_AUTO_TEST_CASE(ledger_of_typed_messages_is_exact_after_random_deaths) { soak_for_half_the_time<numbers>(); }

BOOST_AUTO_TEST_CASE(ledger_of_bytes_is_exact_after_random_deaths) { soak_for_half_the_time<texts>(); }

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
