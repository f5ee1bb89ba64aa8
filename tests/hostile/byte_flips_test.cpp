// byte_flips_test.cpp: any one byte of a live queue's file is flipped, while endpoints are attached and newcomers come.
//
// Goal: whoever is attached goes on or reports `corrupt`, a newcomer works or is refused with words, nobody hangs, and
// when the flip is undone the file works or is called corrupt. Method: in a child, so that a signal shows; each flip,
// but for the header's, begins with a file that has just been brought back to its birth, and two endpoints with
// messages between them. Every wait has a deadline.
#include "guarded_mappings.hpp"
#include "live_file.hpp"
#include "queues.hpp"
#include "rig/child.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace noria::hostile;
namespace layout = noria::layout;
namespace rig = noria::rig;

struct flip {
    std::uint64_t offset = 0;
    std::uint8_t mask = 0;
};
std::ostream& operator<<(std::ostream& out, const flip& one) {
    return out << "offset " << one.offset << ", mask " << unsigned{one.mask};
}

// For the children, who have no other way to speak: what does not hold, and they leave with status 99.
void insist(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "it does not hold that %s\n", what);
    throw std::runtime_error(what);
}

// The least change, and all bits at once.
constexpr std::uint8_t masks[] = {0x01, 0xff};

template <class Queue>
class victims {
    using of = subject<Queue>;
    using producer = typename Queue::producer;
    using consumer = typename Queue::consumer;

public:
    explicit victims(const std::filesystem::path& path, const std::vector<std::byte>& birth)
        : path_(path), birth_(birth), file_(path) {}

    void begin() {
        file_.restore(birth_);
        attach();
        insist(open(), "a new queue can be attached to");
        insist(out_->try_push(of::sample(40)) && out_->try_push(of::sample(8)) && out_->try_push(of::sample(40)) &&
                   static_cast<bool>(in_->try_pop()),
               "a new queue works");
    }
    // Nobody reads the header again who has it, so the endpoints stay from flip to flip.
    void suffer_in_header(const flip& one) {
        if (!out_) begin();
        turn(one);
        work();
        insist(open(), "a changed header disturbs no endpoint");
        const std::error_code code = refuse_newcomers();
        insist(code && code != noria::errc::role_taken, "a newcomer sees the change before anything else");
        observe();
        turn(one);
        work();
        std::error_code again;
        (void)consumer::open(path_, of::any(), again);
        insist(of::of_crowd ? !again : again == noria::errc::role_taken,
               "a header that is right again is read as before");
    }
    void suffer(const flip& one) {
        begin();
        turn(one);
        work();
        if (one.mask == 0xff) wait();  // once for each byte, for on a busy machine a moment's sleep is a long one
        (void)refuse_newcomers();
        observe();
        turn(one);
        work();
        leave();
        succeed();
        be_found(one);
    }
    // The same byte in what two killed endpoints have left: whoever comes has them to recover from.
    void be_found(const flip& one) {
        begin();
        const auto left = file_.image();
        leave();
        file_.restore(left);
        turn(one);
        observe();
        succeed();
        turn(one);
        succeed();
    }

private:
    void turn(const flip& one) const {
        file_.set(one.offset, static_cast<std::uint8_t>(file_.get<std::uint8_t>(one.offset) ^ one.mask));
    }
    void attach() {
        std::error_code code;
        out_.emplace(producer::open(path_, of::any(), code));
        insist(out_->is_open() || code == noria::errc::corrupt, "a producer attaches or finds the file corrupt");
        in_.emplace(consumer::open(path_, of::any(), code));
        insist(in_->is_open() || code == noria::errc::corrupt, "a consumer attaches or finds the file corrupt");
    }
    void leave() {
        out_.reset();
        in_.reset();
    }
    void succeed() {
        attach();
        work();
        leave();
    }
    [[nodiscard]] bool open() const { return out_->is_open() && in_->is_open(); }

    // Every verb, with any outcome; but who does not work any more says why.
    void work() {
        if (out_->is_open()) {
            (void)out_->try_push(of::sample(40));
            if (auto claim = of::try_claim(*out_, 16)) (void)claim.commit();
            if (auto claim = of::try_claim(*out_, 16)) claim.give_back();
            (void)out_->counters();
            (void)out_->size();
            sound(*out_);
        }
        if (in_->is_open()) {
            if (const auto message = in_->try_pop()) (void)sum_of(of::content(message));
            if (const auto lease = in_->try_take()) (void)sum_of(of::content(lease));
            if (const auto lease = of::try_take_parked(*in_)) (void)sum_of(of::content(lease));
            (void)in_->try_consume_some([](const auto&) {}, 8);
            (void)in_->counters();
            (void)in_->size();
            sound(*in_);
        }
    }
    // To be full, to be empty, and to sleep on it.
    void wait() {
        constexpr auto moment = std::chrono::microseconds(10);
        while (out_->push_for(of::sample(8), moment)) {
        }
        sound(*out_);
        while (in_->pop_for(moment)) {
        }
        sound(*in_);
    }
    template <class Endpoint>
    static void sound(const Endpoint& one) {
        if (one.is_open()) return;
        insist(one.why() == noria::outcome::corrupt, "an endpoint that died says so");
        insist(one.error_code() == noria::errc::corrupt && !one.error_text().empty(), "it has words for it");
    }

    void refuse(const std::error_code& code, const std::string& text) const {
        insist(code.category() == noria::noria_category(), "a refusal is one of noria's");
        insist(text.find(path_.string()) != std::string::npos, "a refusal names the file");
    }
    // There are two of them already; in a crowd there is room for one more.
    std::error_code refuse_newcomers() const {
        std::error_code code;
        {
            const auto out = producer::open(path_, of::any(), code);
            insist(of::of_crowd || !out.is_open(), "a second producer is refused");
            if (!out.is_open()) refuse(code, out.error_text());
        }
        {
            const auto in = consumer::open(path_, of::any(), code);
            insist(of::of_crowd || !in.is_open(), "a second consumer is refused");
            if (!in.is_open()) refuse(code, in.error_text());
        }
        std::error_code removal;
        noria::remove(path_, removal);
        insist(removal == noria::errc::in_use || removal == noria::errc::not_a_queue, "nobody removes a queue in use");
        return code;
    }
    void observe() const {
        std::error_code code;
        const noria::observer watcher(path_, code);
        if (watcher.is_open())
            (void)watcher.look();
        else
            refuse(code, watcher.error_text());
    }

    std::filesystem::path path_;
    const std::vector<std::byte>& birth_;
    live_file file_;
    std::optional<producer> out_;
    std::optional<consumer> in_;
};

// In a child each, so many flips; and the one at which a child came to grief.
template <class Queue>
void suffer_all(const std::vector<flip>& flips, void (victims<Queue>::*suffer)(const flip&)) {
    const rig::workspace room;
    (void)Queue::producer::create(room / "queue", subject<Queue>::wishes());
    const std::vector<std::byte> birth = live_file(room / "queue").image();
    const rig::shared_page<flip> present;
    rig::child sufferer([&] {
        victims<Queue> both(room / "queue", birth);
        for (const flip& each : flips) {
            *present = each;
            alarm(20);  // so long that something must be broken
            (both.*suffer)(each);
        }
        return 0;
    });
    const rig::fate how = sufferer.wait();
    BOOST_TEST(how.exit_status == 0, subject<Queue>::name << ": status " << how.exit_status << ", signal " << how.signal
                                                          << " at " << *present);
}

bool is_state(std::uint64_t offset, const layout::geometry& where) {
    const std::uint64_t in_roster = offset - where.roster_offset;
    return in_roster < where.roster_length * sizeof(layout::roster_entry) &&
           in_roster % sizeof(layout::roster_entry) < sizeof(layout::roster_entry::state);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(byte_flips)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_flipped_byte_of_the_header_disturbs_nobody_and_is_told_to_newcomers, Queue, queues) {
    std::vector<flip> flips;
    for (std::uint64_t offset = 0; offset < sizeof(layout::header); ++offset) flips.push_back({offset, 0xff});
    suffer_all<Queue>(flips, &victims<Queue>::suffer_in_header);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_flipped_byte_of_roster_words_or_ring_is_survived_or_reported, Queue, queues) {
    const layout::geometry where = layout::place(subject<Queue>::shape());
    std::vector<flip> flips;
    const auto add = [&](std::uint64_t begin, std::uint64_t end) {
        for (std::uint64_t offset = begin; offset < end; ++offset) {
            if (is_state(offset, where)) continue;
            for (const std::uint8_t mask : masks) {
                // A crowd has so many words that the least change is tried in its slots alone, and under a mutex in the
                // mutex's words.
                const bool of_many = subject<Queue>::of_crowd || subject<Queue>::under_mutex;
                const bool of_mutex =
                    subject<Queue>::under_mutex && offset - where.mutex_offset < sizeof(layout::mutex_words);
                if (of_many && !of_mutex && mask == masks[0] && offset < where.ring_offset) continue;
                flips.push_back({offset, mask});
            }
        }
    };
    add(where.roster_offset, words_end(where));
    add(where.ring_offset, ring_end(where, subject<Queue>::shape()));
    suffer_all<Queue>(flips, &victims<Queue>::suffer);
}

// Goal and method as above; for a second these are what a role looks like that somebody is just taking or leaving,
// which newcomers wait for: so all the flips suffer side by side.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_flipped_byte_of_a_state_keeps_no_newcomer_for_ever, Queue, queues) {
    const layout::geometry where = layout::place(subject<Queue>::shape());
    const rig::workspace room;
    std::vector<std::pair<flip, rig::child>> all;
    for (std::uint64_t offset = where.roster_offset; offset < where.words_offset; ++offset) {
        if (!is_state(offset, where)) continue;
        for (const std::uint8_t mask : masks) {
            const flip one{offset, mask};
            all.emplace_back(one, rig::child([&room, one] {
                                 alarm(20);
                                 const auto path = room / std::to_string(one.offset * 256 + one.mask);
                                 (void)Queue::producer::create(path, subject<Queue>::wishes());
                                 const std::vector<std::byte> birth = live_file(path).image();
                                 victims<Queue>(path, birth).suffer(one);
                                 return 0;
                             }));
        }
    }
    BOOST_TEST(all.size() == where.roster_length * 4 * std::size(masks));
    for (auto& [one, sufferer] : all) {
        const rig::fate how = sufferer.wait();
        BOOST_TEST(how.exit_status == 0, "status " << how.exit_status << ", signal " << how.signal << " at " << one);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
