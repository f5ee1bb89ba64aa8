// crowd_ledger.hpp: an mpmc queue with several of each role, what each has done, and whether the books are exact.
//
// A message's number says who sent it and as the how-manieth. A producer notes a number before it begins to send it and when
// that has returned; a consumer notes a message while it holds it, or when pop has returned it.
#pragma once

#include "crash/scenario.hpp"
#include "rig/mapped_queue.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace noria::crash {

constexpr std::uint64_t senders = 3;               // the last of them fills the queue beforehand
constexpr std::uint64_t messages_each = 1U << 14;  // at the most

struct ledger {
    std::array<std::atomic<std::uint64_t>, senders> begun;  // messages of each
    std::array<std::atomic<std::uint64_t>, senders> done;   // those whose sending has returned
    std::array<std::array<std::atomic<std::uint8_t>, messages_each>, senders> noted;
    std::atomic<std::uint64_t> given_back;
    std::atomic<std::uint64_t> silent;     // second deliveries that do not say so
    std::atomic<std::uint64_t> torn;       // and messages that nobody sent
    std::atomic<std::uint64_t> backwards;  // first deliveries behind a later one of the same sender, at one consumer
    std::atomic<std::uint64_t> refused;    // verbs that found nothing though there was enough for all
    std::atomic<bool> producers_may_go;
    std::atomic<bool> consumers_may_go;
};

// One endpoint of a process, and its page of the ledger.
template <class Form>
struct member {
    using queue = typename Form::queue;
    std::filesystem::path path;
    ledger& book;
    std::uint64_t id = 0;
    std::optional<typename queue::producer> out{};
    std::optional<typename queue::consumer> in{};
    std::array<std::uint64_t, senders> came{};  // of each sender: one more than the last first delivery

    [[nodiscard]] std::uint64_t begin_one() { return id * messages_each + book.begun[id]++; }
    void push() { book.done[id] += out->push(Form::make(begin_one())) ? 1 : 0; }
    void try_push() {
        if (out->try_push(Form::make(begin_one())))
            ++book.done[id];
        else
            ++book.refused;
    }
    void claim(bool commit) {
        // What was claimed and is given back has no number, for nobody may see it.
        const std::uint64_t number = commit ? begin_one() : torn;
        auto room = Form::claim(*out, commit ? number : 0);
        if (!room) return;
        if (commit) {
            Form::write(room, number);
            book.done[id] += room.commit() ? 1 : 0;
        } else {
            room.give_back();
            ++book.given_back;
        }
    }
    void note(std::uint64_t number, unsigned deliveries) {
        const std::uint64_t sender = number / messages_each;
        if (number == torn || sender >= senders || number % messages_each >= book.begun[sender]) {
            ++book.torn;
            return;
        }
        const std::uint64_t n = number % messages_each;
        if (book.noted[sender][n]++ != 0 && deliveries == 1) ++book.silent;
        if (deliveries != 1) return;
        if (n < came[sender]) ++book.backwards;
        came[sender] = n + 1;
    }
    template <class Message>
    bool note(const Message& message) {
        if (!message) return false;
        note(Form::number_of(*message), message.deliveries());
        return true;
    }
    void pop() { (void)note(in->pop()); }
    void try_pop() { book.refused += note(in->try_pop()) ? 0 : 1; }
    void take() {
        auto message = in->take();
        (void)note(message);
    }
    void consume_some() {
        (void)in->consume_some(
            [&me = *this](const auto& each, unsigned deliveries) { me.note(Form::number_of(each), deliveries); }, 3);
    }
};

template <class Form>
struct deed {
    const char* name;
    role by;
    std::function<void(member<Form>&)> act;
    std::uint64_t most_lost = 0;  // messages that a death may take along: what pop has released is the caller's
    bool attached = true;         // else the victim comes in the deed
    bool leaves = false;          // or goes
    bool given_back = false;
};

template <class Form>
std::vector<deed<Form>> deeds() {
    using one = member<Form>;
    return {
        {.name = "push", .by = role::producer, .act = [](one& me) { me.push(); }},
        {.name = "try_push", .by = role::producer, .act = [](one& me) { me.try_push(); }},
        {.name = "claim, commit", .by = role::producer, .act = [](one& me) { me.claim(true); }},
        {.name = "claim, give back", .by = role::producer, .act = [](one& me) { me.claim(false); }, .given_back = true},
        {.name = "open", .by = role::producer, .act = [](one& me) { me.out.emplace(me.path); }, .attached = false},
        {.name = "detach", .by = role::producer, .act = [](one& me) { me.out.reset(); }, .leaves = true},
        {.name = "pop", .by = role::consumer, .act = [](one& me) { me.pop(); }, .most_lost = 1},
        {.name = "try_pop", .by = role::consumer, .act = [](one& me) { me.try_pop(); }, .most_lost = 1},
        {.name = "take, release", .by = role::consumer, .act = [](one& me) { me.take(); }},
        {.name = "consume_some", .by = role::consumer, .act = [](one& me) { me.consume_some(); }},
        {.name = "open", .by = role::consumer, .act = [](one& me) { me.in.emplace(me.path); }, .attached = false},
        {.name = "detach", .by = role::consumer, .act = [](one& me) { me.in.reset(); }, .leaves = true},
    };
}

// A queue of a few slots, its ledger, and what has happened to it.
template <class Form>
class crowd {
public:
    using queue = typename Form::queue;

    explicit crowd(std::uint64_t messages) {
        options making = Form::making();
        making.endpoints = 8;
        filler_ = std::make_unique<member<Form>>(member<Form>{path(), *book, senders - 1});
        filler_->out.emplace(queue::producer::create(path(), making));
        for (std::uint64_t i = 0; i < messages; ++i) filler_->try_push();
        filler_->out.reset();
    }

    [[nodiscard]] std::filesystem::path path() const { return directory / "queue"; }

    // What the process of a stepped member runs.
    void be(const deed<Form>& what, std::uint64_t id) {
        member<Form> me{path(), *book, id};
        if (what.attached && what.by == role::producer)
            me.out.emplace(queue::producer::open(path(), waiting_options(false)));
        if (what.attached && what.by == role::consumer)
            me.in.emplace(queue::consumer::open(path(), waiting_options(false)));
        hold_world_still();
        rig::mark();
        what.act(me);
        rig::mark();
    }

    // It stands where it is to die: whether as an inhabitant.
    void note_death(pid_t victim, role by) {
        for (const auto& each : inspect(path()).roster) {
            if (each.pid == static_cast<std::uint64_t>(victim))
                ++(by == role::producer ? producer_deaths_ : consumer_deaths_);
        }
    }

    // Nobody is left: newcomers find everything, messages pass, and the books are exact. `unsure`: claims that the dead may
    // have given back without having said so.
    std::string complaint(std::uint64_t most_lost, std::uint64_t unsure) {
        std::string found;
        const auto insist = [&found](bool holds, const std::string& what) {
            if (!holds && found.empty()) found = what;
        };
        member<Form> newcomer{path(), *book, senders - 1};
        newcomer.in.emplace(path());
        while (newcomer.note(newcomer.in->try_pop())) {
        }
        insist(newcomer.in->why() == outcome::empty || newcomer.in->why() == outcome::ended,
               fmt::format("a newcomer is told {}", name(newcomer.in->why())));
        newcomer.out.emplace(path());
        for (std::uint64_t i = 0; i < Form::many; ++i) {
            newcomer.try_push();
            insist(newcomer.note(newcomer.in->pop_for(patience)), "a message that was just sent does not come");
        }
        newcomer.out.reset();
        newcomer.in.reset();

        std::uint64_t lost = 0;
        std::uint64_t least = 0;
        std::uint64_t most = 0;
        for (std::uint64_t id = 0; id < senders; ++id) {
            least += book->done[id];
            most += book->begun[id];
            for (std::uint64_t n = 0; n < book->done[id]; ++n) lost += book->noted[id][n] == 0 ? 1 : 0;
        }
        insist(lost <= most_lost, fmt::format("{} messages are lost", lost));
        insist(book->torn == 0, fmt::format("{} messages are torn, or nobody's", book->torn.load()));
        insist(book->silent == 0, fmt::format("{} messages come again and do not say so", book->silent.load()));
        insist(book->backwards == 0, fmt::format("{} messages come before earlier ones", book->backwards.load()));
        const snapshot now = inspect(path());
        const noria::counters all = rig::raw_figures(path());
        insist(all.sent >= least && all.sent <= most,
               fmt::format("sent is {}, expected {} to {}", all.sent, least, most));
        insist(all.received == all.sent && now.depth == 0 && now.head == now.tail,
               fmt::format("received is {}, expected {}", all.received, all.sent));
        insist(now.tail == all.sent + all.given_back + all.skipped,
               fmt::format("{} positions were claimed, and {} settled", now.tail,
                           all.sent + all.given_back + all.skipped));
        insist(all.given_back >= book->given_back && all.given_back <= book->given_back + unsure,
               fmt::format("given_back is {}, expected {}", all.given_back, book->given_back.load()));
        insist(all.producer_deaths == producer_deaths_ && all.consumer_deaths == consumer_deaths_,
               fmt::format("{} and {} deaths are counted, expected {} and {}", all.producer_deaths, all.consumer_deaths,
                           producer_deaths_, consumer_deaths_));
        insist(now.in_hand.empty() && now.roster.empty(), "somebody, or something in somebody's hands, is left");
        const rig::mapped_queue file(path());
        const char* const unsound = Form::check(file.view());
        insist(unsound == nullptr, unsound != nullptr ? unsound : "");
        return found;
    }

    rig::workspace directory;
    rig::shared_page<ledger> book;

private:
    std::unique_ptr<member<Form>> filler_;
    std::uint64_t producer_deaths_ = 0;
    std::uint64_t consumer_deaths_ = 0;
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
