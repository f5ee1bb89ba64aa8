// judge.hpp: asks, after the deaths of a scenario, those who are left and those who come whether the contract is kept.
//
// The complaint is a text; none: all is well. What is asked:
//   every message that was committed comes out, whole, in order, once; or again with deliveries() > 1 where its holder
//   died, and so if the holder had seen it; what was received does not come again; the message in flight comes or not;
//   a survivor is told of the end, if there was one, and newcomers get in; twice as many messages as the ring holds pass;
//   every call returns; every figure is exact; nobody is left in the roster, one file in the directory, the ring is sound.
#pragma once

#include "crash/scenario.hpp"
#include "rig/mapped_queue.hpp"

#include <fmt/format.h>

#include <string>

namespace noria::crash {

// What those who died together may have done at the most.
struct undertaking {
    std::uint64_t most_sent = 0;
    std::uint64_t most_received = 0;
    bool in_place = false;    // messages were seen before they were released
    bool refused = false;     // they may have been refused for want of room
    bool given_back = false;  // they may have given a claim back
    bool together = false;    // all that they may have sent was sent, or nothing
};

template <class Form>
class judge {
public:
    using producer = typename Form::queue::producer;
    using consumer = typename Form::queue::consumer;

    judge(scenario<Form>& where, const undertaking& what) : at_(where), done_(what) {}

    std::string complaint() {
        try {
            if (at_.sleeper)
                beside_sleeper();
            else
                among_us();
            sequence();
            figures();
            insist(at_.known->untrue == 0, "a verb returned another message than the next, or an end before the last");
        } catch (const std::exception& thrown) {
            insist(false, fmt::format("threw: {}", thrown.what()));
        }
        return complaint_;
    }

private:
    void insist(bool holds, const std::string& what) {
        if (!holds && complaint_.empty()) complaint_ = what;  // the first is the cause of the others
    }
    [[nodiscard]] bool victim_was(role which) const { return at_.what().by == which; }
    bool receive(bool wait) {
        if constexpr (Form::parks) {
            if (const auto parked = at_.in->try_take_parked()) {
                at_.seen->add(Form::number_of(*parked), parked.deliveries());
                return true;
            }
        }
        const auto got = wait ? at_.in->pop_for(patience) : at_.in->try_pop();
        if (got) at_.seen->add(Form::number_of(*got), got.deliveries());
        return static_cast<bool>(got);
    }
    bool send(std::uint64_t number) {
        const bool sent = at_.out->push_for(Form::make(number), patience);
        insist(sent, fmt::format("a push into a ring with room says {}", name(at_.out->why())));
        if (!sent) ++refusals_;
        return sent;
    }

    // Survivors are heard first; then newcomers come for whoever is missing, and all goes on.
    void among_us() {
        if (at_.in) survive_as_consumer();
        if (at_.out) survive_as_producer();
        const bool newcomer = !at_.in;
        if (newcomer) at_.in.emplace(at_.path(), Form::making());
        while (receive(false)) {
        }
        if (newcomer && victim_was(role::producer) && at_.end_due != end::none) {
            insist(at_.in->why() == outcome::ended && at_.in->ended() == at_.end_due,
                   "a newcomer is not told of the end that nobody heard");
        }
        if (!at_.out) at_.out.emplace(at_.path(), Form::making());
        for (std::uint64_t n = 0; n < Form::many; ++n) {
            if (!send(further + n)) return;
            insist(receive(true), "a message that was just sent does not come");
        }
        if (!send(last)) return;
        insist(receive(true), "the last message does not come");
        at_.out.reset();
        insist(!receive(true) && at_.in->why() == outcome::ended && at_.in->ended() == end::finished,
               "the end of a closed stream is not told");
        at_.in.reset();
    }

    // The consumer lives: it drains the ring and is told how the producer went.
    void survive_as_consumer() {
        const bool due = at_.end_due != end::none;
        while (receive(due)) {
        }
        if (due)
            insist(at_.in->why() == outcome::ended && at_.in->ended() == at_.end_due,
                   fmt::format("the consumer is told {} and {}", name(at_.in->why()), name(at_.in->ended())));
        else  // of the producer that filled the ring, perhaps
            insist(at_.in->ended() != end::abandoned, "the consumer is told of nobody's death");
    }

    // The producer lives: it fills the ring and is told how the consumer went.
    void survive_as_producer() {
        const bool due = at_.end_due != end::none;
        while (due ? at_.out->push_for(Form::make(at_.sent), patience) : at_.out->try_push(Form::make(at_.sent)))
            ++at_.sent;
        ++refusals_;
        if (due)
            insist(at_.out->why() == outcome::ended && at_.out->ended() == at_.end_due,
                   fmt::format("the producer is told {} and {}", name(at_.out->why()), name(at_.out->ended())));
        else
            insist(at_.out->ended() != end::abandoned, "the producer is told of nobody's death");
    }

    // The survivor sleeps, or works by itself, in another process. With slices it finds the death out alone; without, a
    // newcomer's coming must wake it.
    void beside_sleeper() {
        if (at_.how() == state::peer_asleep && at_.end_due == end::abandoned) {
            const bool found = rig::eventually([&] {
                const counters now = at_.counters_now();
                return now.producer_deaths == at_.dead_producers && now.consumer_deaths == at_.dead_consumers;
            });
            insist(found, "a sleeper with slices does not find the dead");
        }
        if (victim_was(role::producer)) {
            at_.out.emplace(at_.path(), Form::making());
            for (std::uint64_t n = 0; n < Form::many && send(further + n); ++n) {
            }
            (void)send(last);
        } else {
            at_.in.emplace(at_.path(), Form::making());
            do {
                insist(receive(true), "a sleeping producer is not woken by a newcomer");
            } while (complaint_.empty() && at_.seen->list[at_.seen->count - 1].number != last);
            ++at_.sent;
        }
        insist(rig::eventually([&] { return at_.seen->done; }), "the sleeper does not end its work");
        at_.in.reset();
        at_.out.reset();
        if (complaint_.empty())
            insist(at_.sleeper->wait() == rig::fate{.exit_status = 0, .signal = 0}, "the sleeper fails");
    }

    // What came out, in its order.
    void sequence() {
        const auto& seen = *at_.seen;
        if (seen.count == 0 || seen.count > seen.list.size())
            return insist(false, fmt::format("{} messages came", seen.count));
        std::uint64_t here = 0;
        while (here < seen.count && seen.list[here].number < further) ++here;
        // Where all of them were received before, the figures must say how many there were, within what can be.
        const std::uint64_t begin = here != 0 ? seen.list[0].number : at_.counters_now().sent - seen.count;
        const std::uint64_t least = at_.received + at_.known->received;
        const std::uint64_t most = at_.received + done_.most_received;
        insist(begin >= least && begin <= most,
               fmt::format("the first message is {}, expected {} to {}", begin, least, most));
        for (std::uint64_t i = 0; i < seen.count; ++i) {
            const std::uint64_t right = i < here ? begin + i : i + 1 == seen.count ? last : further + i - here;
            insist(seen.list[i].number == right,
                   fmt::format("message {} comes where {} should", seen.list[i].number, right));
            const unsigned times = seen.list[i].deliveries;
            if (times > 1) ++redelivered_;
            const bool seen_before = at_.what().by == role::consumer && begin + i < at_.received + at_.known->shown;
            const bool was_leased = at_.leased && i < here && begin + i == at_.received;
            insist(times > 1 || !(i < here && (seen_before || was_leased)),
                   fmt::format("message {} comes again and does not say so", begin + i));
            // In a ring of slots, and under a mutex, a message is its reader's from the moment on that it is taken, whatever the verb.
            const bool may_have_been_held =
                done_.in_place || was_leased || (Form::held_by_word && done_.most_received != 0);
            insist(times == 1 || (i == 0 && may_have_been_held),
                   fmt::format("message {} comes for the first time as the {}th", begin + i, times));
        }
        sent_ = begin + here;
        const std::uint64_t least_sent = at_.sent + at_.known->sent;
        insist(sent_ >= least_sent && sent_ <= least_sent - at_.known->sent + done_.most_sent,
               fmt::format("{} messages were sent before, expected {} to {}", sent_, least_sent,
                           at_.sent + done_.most_sent));
        insist(!done_.together || sent_ == at_.sent || sent_ == at_.sent + done_.most_sent,
               fmt::format("{} of {} messages that belong together were sent", sent_ - at_.sent, done_.most_sent));
        sent_ += seen.count - here;
    }

    void exact(const char* what, std::uint64_t found, std::uint64_t least, std::uint64_t most) {
        insist(found >= least && found <= most, fmt::format("{} is {}, expected {} to {}", what, found, least, most));
    }
    void figures() {
        snapshot now = inspect(at_.path());
        now.counters = at_.counters_now();
        const auto& was = at_.at_mark;
        exact("sent", now.counters.sent, sent_, sent_);
        const std::uint64_t parked = now.counters.parked;
        insist(Form::parks || parked == 0, "something was parked");
        exact("received", now.counters.received, sent_ - parked, sent_ - parked);
        exact("retrieved", now.counters.retrieved, parked, parked);
        insist(now.parked.empty(), "something is left in the parking");
        // What is parked does not come again, but to who takes it out: perhaps the victim.
        const std::uint64_t redelivered = was.redelivered + (Form::parks ? parked - was.parked : redelivered_);
        exact("redelivered", now.counters.redelivered, redelivered, redelivered);
        exact("producer_deaths", now.counters.producer_deaths, at_.dead_producers, at_.dead_producers);
        exact("consumer_deaths", now.counters.consumer_deaths, at_.dead_consumers, at_.dead_consumers);
        const std::uint64_t given_back = was.given_back + at_.known->given_back;
        exact("given_back", now.counters.given_back, given_back, done_.given_back ? was.given_back + 1 : given_back);
        const std::uint64_t refused = was.refused + at_.known->refused + refusals_;
        exact("refused", now.counters.refused, refused, done_.refused ? was.refused + 1 + refusals_ : refused);
        insist(now.depth == 0 && now.head == now.tail, "the ring is not empty at the end");
        if constexpr (Form::of_slots) {
            const std::uint64_t claims = now.counters.sent + now.counters.given_back + now.counters.skipped;
            insist(now.tail == claims, fmt::format("{} positions were claimed, and {} settled", now.tail, claims));
        }
        insist(now.in_hand.empty(), "something is left in somebody's hands");
        insist(now.roster.empty(), "somebody is left in the roster");
        insist(at_.directory.files() == 1, fmt::format("{} files are left", at_.directory.files()));
        const rig::mapped_queue file(at_.path());
        const char* const unsound = Form::check(file.view());
        insist(unsound == nullptr, unsound != nullptr ? unsound : "");
    }

    scenario<Form>& at_;
    undertaking done_;
    std::uint64_t sent_ = 0;
    std::uint64_t redelivered_ = 0;
    std::uint64_t refusals_ = 0;  // of ours
    std::string complaint_;
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
