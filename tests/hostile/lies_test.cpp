// lies_test.cpp: one field after the other of a live queue's file is changed to what it could be, while endpoints work.
//
// Goal: an endpoint whose file tells plausible lies goes on or reports `corrupt`, with words; no process ends by a signal, hangs,
// or reads outside the mapping; a newcomer gets in or is refused with words. Method: processes that use every verb of a
// queue, each with a deadline of microseconds, and sometimes leave, come back or are killed; beside them a liar (lies.hpp), who
// waits after each lie until they have done something. Many short rounds, each from the file's birth, and from a seed of its own.
// Arguments, after "--": --rounds N, of each queue (100).
#include "lies.hpp"

#include "queues.hpp"
#include "rig/child.hpp"
#include "rig/seed.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string_view>
#include <thread>

namespace {

using namespace noria::hostile;
namespace layout = noria::layout;
namespace rig = noria::rig;

constexpr std::size_t workers = 4;
constexpr int lies_in_a_round = 12;

struct board {
    std::atomic<std::uint64_t> verbs;     // done
    std::atomic<std::uint64_t> messages;  // received
    std::atomic<std::uint64_t> corrupt;   // endpoints that found out
    std::atomic<std::uint64_t> attaches;
    std::atomic<bool> over;
};

// For the children, who have no other way to speak.
void insist(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error("it does not hold that " + what);
}

std::uint64_t argument(std::string_view name, std::uint64_t otherwise) {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    for (int i = 1; i + 1 < suite.argc; ++i) {
        if (suite.argv[i] == name) return std::strtoull(suite.argv[i + 1], nullptr, 0);
    }
    return otherwise;
}

// An endpoint, and another one after it, if the file lets it.
template <class Queue>
class worker {
    using of = subject<Queue>;
    static constexpr auto moment = std::chrono::microseconds(30);

public:
    worker(std::filesystem::path path, board& seen, std::uint64_t seed)
        : path_(std::move(path)), seen_(seen), draw_(seed) {}

    template <class Endpoint, class Act>
    int work(Act act) {
        while (!seen_.over) {
            alarm(60);  // for so few verbs: something must be broken
            std::error_code code;
            Endpoint one = Endpoint::open(path_, of::any(), code);
            ++seen_.verbs;
            if (!one.is_open()) {
                insist(code.category() == noria::noria_category(), "a refusal is one of noria's");
                insist(one.error_text().find(path_.string()) != std::string::npos, "a refusal names the file");
                if (code == noria::errc::corrupt) ++seen_.corrupt;
                std::this_thread::yield();
                continue;
            }
            ++seen_.attaches;
            for (std::uint64_t verbs = 20 + draw_() % 400; verbs != 0 && one.is_open() && !seen_.over; --verbs) {
                act(*this, one);
                ++seen_.verbs;
            }
            if (one.is_open()) continue;
            insist(one.why() == noria::outcome::corrupt, "an endpoint that died says so");
            insist(one.error_code() == noria::errc::corrupt && !one.error_text().empty(), "it has words for it");
            ++seen_.corrupt;
        }
        return 0;
    }

    void produce(typename Queue::producer& out) {
        const std::size_t size = draw_() % (of::letter_bytes_max + 1);
        switch (draw_() % 8) {
            case 0: (void)out.push_for(of::sample(size), moment); break;
            case 1: {
                auto claim = of::try_claim(out, size);
                if (!claim) break;
                const auto room = of::content(claim);
                if (!room.empty()) std::memset(const_cast<std::byte*>(room.data()), 0x5a, room.size());
                if (draw_() % 2 == 0) (void)claim.commit();
                break;
            }
            case 2: {
                const std::array three{of::sample(size), of::sample(8), of::sample(0)};
                (void)out.try_push_some(three);
                break;
            }
            case 3:
                (void)out.counters();
                (void)out.size();
                break;
            default: (void)out.try_push(of::sample(size));
        }
    }
    void consume(typename Queue::consumer& in) {
        switch (draw_() % 8) {
            case 0: read(in.pop_for(moment)); break;
            case 1: {
                const auto lease = in.try_take();
                read(lease);
                break;
            }
            case 2:
                try {
                    (void)in.try_consume_some(
                        [&](const auto& message) {
                            const auto* const one = &message;
                            (void)sum_of(of::content(one));
                            if (draw_() % 8 == 0) throw std::runtime_error("a caller's function");
                        },
                        8);
                } catch (const std::runtime_error&) {
                }
                break;
            case 3: read(of::try_take_parked(in)); break;
            case 4:
                (void)in.counters();
                (void)in.size();
                break;
            default: read(in.try_pop());
        }
    }

private:
    template <class Held>
    void read(const Held& message) {
        if (!message) return;
        const auto content = of::content(message);
        insist(content.size() <= std::max(of::letter_bytes_max, sizeof(typename Queue::message)),
               "a message is no longer than messages may be");
        (void)sum_of(content);
        ++seen_.messages;
    }

    std::filesystem::path path_;
    board& seen_;
    std::mt19937_64 draw_;
};

template <class Queue>
class liars_round {
    using of = subject<Queue>;

public:
    liars_round(const std::filesystem::path& path, std::uint64_t seed) : path_(path), draw_(seed) {
        auto wishes = of::wishes();
        if (of::of_crowd) wishes.endpoints = workers + 2;
        (void)Queue::producer::create(path_, wishes);
    }

    // What did not hold; empty: nothing.
    std::string run() {
        const live_file file(path_);
        const auto shape = layout::shape_of(header_of(file));
        const lies all(shape);
        std::vector<rig::child> working;
        for (std::size_t i = 0; i < workers; ++i) working.push_back(start(i));
        const noria::observer watcher(path_);
        std::string found;
        for (int n = 0; n < lies_in_a_round; ++n) {
            if (!await_verbs(draw_() % 40)) found += "nobody gets on; ";
            all.tell_one(file, draw_);
            std::error_code code;
            (void)watcher.look(code);
            if (code) found += "an observer is refused: " + code.message() + "; ";
            if (draw_() % 8 != 0) continue;
            const std::size_t victim = draw_() % workers;
            working[victim].kill();
            working[victim] = start(victim);
        }
        seen_->over = true;
        for (auto& each : working) {
            const rig::fate how = each.wait();
            if (how.exit_status != 0) {
                found += "a worker left with status " + std::to_string(how.exit_status) + ", signal " +
                         std::to_string(how.signal) + "; ";
            }
        }
        return found;
    }
    [[nodiscard]] const board& seen() const noexcept { return *seen_; }

private:
    static layout::header header_of(const live_file& file) {
        layout::header page{};
        const auto image = file.image();
        std::memcpy(&page, image.data(), sizeof page);
        return page;
    }
    rig::child start(std::size_t i) {
        const std::uint64_t seed = draw_();
        return rig::child([this, i, seed] {
            worker<Queue> one(path_, *seen_, seed);
            if (i % 2 == 0)
                return one.template work<typename Queue::producer>([](auto& who, auto& out) { who.produce(out); });
            return one.template work<typename Queue::consumer>([](auto& who, auto& in) { who.consume(in); });
        });
    }
    bool await_verbs(std::uint64_t more) {
        const std::uint64_t wanted = seen_->verbs + more;
        return rig::eventually([&] { return seen_->verbs >= wanted; });
    }

    std::filesystem::path path_;
    std::mt19937_64 draw_;
    rig::shared_page<board> seen_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(plausible_lies)

BOOST_AUTO_TEST_CASE_TEMPLATE(one_field_at_a_time_ends_no_process_and_holds_nobody_up, Queue, queues) {
    const std::uint64_t rounds = argument("--rounds", 100);
    std::mt19937_64 seeds(rig::seed());
    std::uint64_t verbs = 0;
    std::uint64_t messages = 0;
    std::uint64_t corrupt = 0;
    std::uint64_t attaches = 0;
    for (std::uint64_t n = 0; n < rounds; ++n) {
        const rig::workspace room;
        const std::uint64_t seed = seeds();
        liars_round<Queue> one(room / "queue", seed);
        const std::string found = one.run();
        BOOST_TEST(found == "", subject<Queue>::name << ", round " << n << ", seed " << seed << ": " << found);
        verbs += one.seen().verbs;
        messages += one.seen().messages;
        corrupt += one.seen().corrupt;
        attaches += one.seen().attaches;
        // Nobody lies any more, and nobody is there.
        std::error_code code;
        noria::remove(room / "queue", code);
        BOOST_TEST(!code, "the file can be removed: " << code.message());
    }
    std::cerr << subject<Queue>::name << ": " << rounds * lies_in_a_round << " lies; " << verbs << " verbs, "
              << messages << " messages, " << attaches << " attaches; found out " << corrupt << " times" << std::endl;
    // A liar who is always or never found out proves nothing of those who go on.
    BOOST_TEST(corrupt > 0U);
    BOOST_TEST(messages > rounds);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
