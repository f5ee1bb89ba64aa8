// crowd_soak_test.cpp: sixteen processes at one queue, one of them killed or stopped every few milliseconds: exact books.
//
// Arguments, after "--": --seconds N (60).
//
// Each producer numbers its messages, and notes a number before it begins to send it. Each consumer notes a message while it
// holds it. So at the end every committed message must have been noted; twice only if it said so; and what was begun and
// never came can only be what a producer was killed over.
#include "noria/mpmc.hpp"
#include "noria/ring/mutex_ring.hpp"
#include "noria/ring/slot_ring.hpp"
#include "process/scene.hpp"
#include "rig/mapped_queue.hpp"
#include "rig/raw_figures.hpp"
#include "rig/seed.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string_view>
#include <vector>

using namespace scene;

namespace {

constexpr std::uint64_t producers = 8;
constexpr std::uint64_t consumers = 8;
constexpr std::uint64_t numbers_max = std::uint64_t{1} << 21;  // of each producer

std::uint64_t argument(std::string_view name, std::uint64_t otherwise) {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    for (int i = 1; i + 1 < suite.argc; ++i) {
        if (suite.argv[i] == name) return std::strtoull(suite.argv[i + 1], nullptr, 0);
    }
    return otherwise;
}

struct book {
    std::atomic<std::uint64_t> begun[producers];       // messages: the next number
    std::atomic<std::uint64_t> given_back[producers];  // claims whose giving back has returned
    std::atomic<std::uint8_t> noted[producers][numbers_max];
    std::atomic<std::uint64_t> further;  // deliveries that said to be further ones
    std::atomic<std::uint64_t> silent;   // second deliveries that did not
    std::atomic<std::uint64_t> torn;
    std::atomic<std::uint64_t> backwards;  // first deliveries that came after a later one of the same producer
    std::atomic<bool> all_over;            // for producers
    std::atomic<bool> producers_gone;      // whoever finds nothing now will find nothing
};

struct slots {
    static const char* check(const noria::ring::ring_view& view) { return noria::ring::check_slots(view); }
    // Each claim is one position.
    static bool add_up(const noria::counters& now, const noria::snapshot& seen) {
        return now.sent + now.given_back + now.skipped == seen.tail;
    }
};

struct fixed : slots {
    using queue = noria::mpmc<numbered>;
    static constexpr noria::options making{.capacity = 64, .endpoints = 24};
    static std::uint64_t read(const numbered& message) { return whole(message) ? message.number : ~std::uint64_t{0}; }
    static bool push(queue::producer& out, std::uint64_t n) { return out.push_for(number(n), 5ms); }
    static auto claim(queue::producer& out, std::uint64_t) { return out.claim_for(5ms); }
    template <class Claim>
    static void write(Claim& room, std::uint64_t n) {
        *room = number(n);
    }
};

struct texts_of_any_size {
    static std::size_t size_of(std::uint64_t n) { return 8 + static_cast<std::size_t>(n * 2654435761U % 500); }
    static std::uint64_t read(noria::bytes message) {
        std::uint64_t n = ~std::uint64_t{0};
        if (message.size() < sizeof n) return n;
        std::memcpy(&n, message.data(), sizeof n);
        if (message.size() != size_of(n)) return ~std::uint64_t{0};
        for (std::size_t i = sizeof n; i < message.size(); ++i) {
            if (message.data()[i] != static_cast<std::byte>(n)) return ~std::uint64_t{0};
        }
        return n;
    }
    static void compose(std::byte* room, std::uint64_t n) {
        std::memcpy(room, &n, sizeof n);
        std::memset(room + sizeof n, static_cast<int>(n & 0xff), size_of(n) - sizeof n);
    }
    template <class Producer>
    static bool push(Producer& out, std::uint64_t n) {
        std::array<std::byte, 600> message;
        compose(message.data(), n);
        return out.push_for(noria::bytes(message.data(), size_of(n)), 5ms);
    }
    template <class Producer>
    static auto claim(Producer& out, std::uint64_t n) {
        return out.claim_for(size_of(n), 5ms);
    }
    template <class Claim>
    static void write(Claim& room, std::uint64_t n) {
        compose(room.data(), n);
    }
};

struct any_size : slots, texts_of_any_size {
    using queue = noria::mpmc<noria::bytes>;
    static constexpr noria::options making{.capacity = 32, .message_bytes_max = 600, .endpoints = 24};
};

// While an owner of the mutex is stopped, nobody can be recovered, and newcomers wait: so there is room for many dead.
struct under_mutex : texts_of_any_size {
    using queue = noria::mpmc<noria::bytes, noria::coordination::robust_mutex>;
    static constexpr noria::options making{
        .capacity_bytes = 16384, .message_bytes_max = 600, .endpoints = 1024, .wait_for_role = 60s};
    static const char* check(const noria::ring::ring_view& view) {
        noria::ring::mutex_ring ring;
        return ring.attach(view) ? ring.complaint() : "the ring's page contradicts itself";
    }
    // A position is a byte; but only who died can have left a claim.
    static bool add_up(const noria::counters& now, const noria::snapshot& /*seen*/) {
        return now.skipped <= now.producer_deaths;
    }
};

template <class Form>
class soak {
    using queue = typename Form::queue;

public:
    soak(std::uint64_t seed, std::chrono::seconds length) : random_(seed), length_(length) {}

    void run() {
        const typename queue::consumer keeper(path(), Form::making);  // so that the file is there; it receives nothing
        for (std::uint64_t i = 0; i < producers + consumers; ++i) start(i);
        const auto end = std::chrono::steady_clock::now() + length_;
        // On a busy machine some may be killed before they have attached: that is no death of an endpoint.
        const auto nobody_died = [&] {
            return keeper.counters().producer_deaths + keeper.counters().consumer_deaths == 0;
        };
        while ((std::chrono::steady_clock::now() < end || nobody_died()) && !full()) {
            std::this_thread::sleep_for(std::chrono::microseconds(1000 + random_() % 6000));
            disturb(random_() % (producers + consumers));
        }
        book_->all_over = true;
        for (auto& each : workers_) each.go_on();
        for (std::uint64_t i = 0; i < producers + consumers; ++i) {
            book_->producers_gone = i >= producers;
            insist(workers_[i].wait() == well, "whoever is left alone leaves well");
        }
        account(rig::raw_figures(path()));
    }

private:
    [[nodiscard]] std::filesystem::path path() const { return directory_ / "queue"; }
    [[nodiscard]] bool full() const {
        for (const auto& each : book_->begun) {
            if (each + 1000 > numbers_max) return true;
        }
        return false;
    }

    void start(std::uint64_t i) {
        const std::uint64_t seed = random_();
        workers_[i] = rig::child([this, i, seed] { return i < producers ? produce(i, seed) : consume(seed); });
        stopped_[i] = false;
    }

    void disturb(std::uint64_t i) {
        if (stopped_[i]) {
            workers_[i].go_on();
            stopped_[i] = false;
            return;
        }
        if (random_() % 4 == 0) {
            workers_[i].stop();
            stopped_[i] = true;
            ++stops_;
            return;
        }
        workers_[i].kill();
        ++kills_;
        start(i);
    }

    int produce(std::uint64_t self, std::uint64_t seed) {
        std::mt19937_64 random(seed);
        typename queue::producer out(path(), Form::making);
        while (!book_->all_over) {
            if (random() % 16 == 0) {
                if (auto claim = Form::claim(out, 0)) {
                    claim.give_back();
                    ++book_->given_back[self];
                }
                continue;
            }
            const std::uint64_t n = book_->begun[self];
            if (n + 1 >= numbers_max) return 0;
            book_->begun[self] = n + 1;
            const std::uint64_t message = self << 48 | n;
            bool sent = false;
            while (!sent && !book_->all_over) {
                if (random() % 2 == 0) {
                    sent = Form::push(out, message);
                } else if (auto claim = Form::claim(out, message)) {
                    Form::write(claim, message);
                    if (random() % 1000 == 0) std::this_thread::sleep_for(2ms);
                    sent = claim.commit();
                }
            }
            if (!sent) book_->begun[self] = n;
        }
        return 0;
    }

    int consume(std::uint64_t seed) {
        std::mt19937_64 random(seed);
        typename queue::consumer in(path(), Form::making);
        std::array<std::uint64_t, producers> next{};
        for (;;) {
            const bool gone = book_->producers_gone;
            const auto lease = in.take_for(20ms);
            if (!lease) {
                const bool nothing = in.why() == noria::outcome::ended || in.why() == noria::outcome::timed_out;
                if (!nothing) return 3;
                if (gone) return 0;
                continue;
            }
            const std::uint64_t message = Form::read(*lease);
            const std::uint64_t from = message >> 48;
            const std::uint64_t n = message & 0xffffffffffff;
            if (from >= producers || n >= numbers_max) {
                ++book_->torn;
                continue;
            }
            if (lease.deliveries() > 1)
                ++book_->further;
            else if (book_->noted[from][n] != 0)
                ++book_->silent;
            else if (n < next[from])
                ++book_->backwards;
            else
                next[from] = n + 1;
            ++book_->noted[from][n];
            if (random() % 1000 == 0) std::this_thread::sleep_for(2ms);
        }
    }

    void account(const noria::counters& now) {
        std::uint64_t begun = 0;
        std::uint64_t arrived = 0;
        std::uint64_t given_back = 0;
        for (std::uint64_t p = 0; p < producers; ++p) {
            begun += book_->begun[p];
            given_back += book_->given_back[p];
            for (std::uint64_t n = 0; n < book_->begun[p]; ++n) arrived += book_->noted[p][n] != 0 ? 1 : 0;
        }
        const noria::snapshot seen = noria::inspect(path());
        const noria::rig::mapped_queue file(path());
        const char* const unsound = Form::check(file.view());
        std::cout << fmt::format(
            "kills {}, stops {}; begun {}, sent {}, arrived {}, received {}, further deliveries {}, redelivered {}, "
            "skipped {}, given back {}, deaths {} + {}, tail {}, mutex found in a dead hand {}\n",
            kills_, stops_, begun, now.sent, arrived, now.received, book_->further.load(), now.redelivered, now.skipped,
            now.given_back, now.producer_deaths, now.consumer_deaths, seen.tail, now.mutex_repairs);
        BOOST_TEST(unsound == nullptr, (unsound != nullptr ? unsound : ""));
        BOOST_TEST(arrived == now.sent);
        BOOST_TEST(now.received == now.sent);
        BOOST_TEST(begun - arrived <= now.producer_deaths);
        BOOST_TEST(now.given_back >= given_back);
        BOOST_TEST(now.given_back <= given_back + now.producer_deaths);
        BOOST_TEST(Form::add_up(now, seen));
        BOOST_TEST(now.redelivered >= book_->further);
        BOOST_TEST(book_->silent == 0U);
        BOOST_TEST(book_->torn == 0U);
        BOOST_TEST(book_->backwards == 0U);
        BOOST_TEST(seen.depth == 0U);
        BOOST_TEST(seen.in_hand.empty());
        BOOST_TEST(seen.roster.size() == 1U);  // the keeper
        BOOST_TEST(now.producer_deaths + now.consumer_deaths <= kills_);
        BOOST_TEST(now.producer_deaths + now.consumer_deaths > 0U);
        const bool exact =
            boost::unit_test::results_collector.results(boost::unit_test::framework::current_test_case().p_id).passed();
        std::cout << "exact: " << (exact ? "yes" : "no") << std::endl;
    }

    std::mt19937_64 random_;
    std::chrono::seconds length_;
    rig::workspace directory_;
    rig::shared_page<book> book_;
    std::array<rig::child, producers + consumers> workers_;
    std::array<bool, producers + consumers> stopped_{};
    std::uint64_t kills_ = 0;
    std::uint64_t stops_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crowd_soak)

using forms = std::tuple<fixed, any_size, under_mutex>;

BOOST_AUTO_TEST_CASE_TEMPLATE(ledger_of_many_is_exact_after_random_deaths, Form, forms) {
    soak<Form>(rig::seed(), std::chrono::seconds((argument("--seconds", 60) + 2) / 3)).run();
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
