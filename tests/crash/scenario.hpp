// scenario.hpp: a queue in a given state, who else is there, and a victim that stands before one verb.
//
// Messages are numbered from 0 in the order of their sending, so that a number is also a count. Before the victim's mark
// `sent` were sent and `received` of them received.
#pragma once

#include "crash/forms.hpp"
#include "crash/still_world.hpp"
#include "rig/child.hpp"
#include "rig/instruction_stepper.hpp"
#include "rig/raw_figures.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace noria::crash {

constexpr auto patience = std::chrono::seconds(60);  // so long that something must be broken

// How the ring is, and the other side. Where the other side is not named, it is attached, awake, and looks on.
enum class state {
    empty,
    one_message,
    full,
    wrapping,          // the next message goes to the ring's end
    padding,           // the next record does not fit before the ring's end
    peer_asleep,       // with slices: whoever is not rung looks for itself
    peer_asleep_long,  // without: whoever is not rung sleeps until somebody comes
    peer_absent,
    peer_dead,         // killed with a claim or a lease open, and found by nobody yet
    predecessor_dead,  // the same in the victim's own role
};
constexpr const char* name(state one) noexcept {
    switch (one) {
        case state::empty: return "empty";
        case state::one_message: return "one message";
        case state::full: return "full";
        case state::wrapping: return "wrapping";
        case state::padding: return "padding record";
        case state::peer_asleep: return "peer asleep";
        case state::peer_asleep_long: return "peer asleep, no slices";
        case state::peer_absent: return "peer absent";
        case state::peer_dead: return "peer dead";
        case state::predecessor_dead: return "predecessor dead";
    }
    return "?";
}

// What a victim knows to have done, in memory that outlives it.
struct notes {
    std::atomic<std::uint64_t> sent;        // messages whose sending has returned
    std::atomic<std::uint64_t> shown;       // messages that it has seen in place
    std::atomic<std::uint64_t> received;    // messages popped, or released, by a call that has returned
    std::atomic<std::uint64_t> refused;     // verbs that have returned without room
    std::atomic<std::uint64_t> given_back;  // claims given back by a call that has returned
    std::atomic<std::uint64_t> untrue;      // messages other than the next; ends told while a message was there
};

// What came out of the queue, wherever it came out.
struct observations {
    struct one {
        std::uint64_t number;
        unsigned deliveries;
    };
    std::uint64_t count;  // written by one process at a time
    std::array<one, 192> list;
    bool done;  // a sleeper's work is

    void add(std::uint64_t number, unsigned deliveries) noexcept {
        if (count < list.size()) list[count] = {number, deliveries};
        ++count;
    }
};

constexpr std::uint64_t further = 1000;  // the first number of the messages that must pass after a death
constexpr std::uint64_t last = 9999;     // whoever receives it may go

template <class Form>
struct victim_side {
    using queue = typename Form::queue;
    const std::filesystem::path& path;
    notes& known;
    std::uint64_t next;  // the number of the next message that it sends, or receives
    std::optional<typename queue::producer> out{};
    std::optional<typename queue::consumer> in{};

    // A verb has returned that message.
    void came(std::uint64_t number) {
        if (number != next++) ++known.untrue;
    }
};

template <class Form>
struct verb {
    const char* name;
    role by;
    enum class kind {
        hot,        // on an attached endpoint
        finding,    // the same, where it finds a dead peer: a producer on a full ring, a consumer on an empty one
        leaving,    // the end of an attached endpoint
        attaching,  // the file is there, and the victim is not
        creating,   // there is no file
    } what;
    std::uint64_t most;  // how many messages it may send or receive
    std::vector<state> states;
    std::function<void(victim_side<Form>&)> act;
    bool in_place = false;    // it sees messages before it releases them
    bool refused = false;     // it is refused for want of room
    bool given_back = false;  // it gives a claim back
    bool together = false;    // it sends all of its messages or none

    // Tens of thousands of instructions.
    [[nodiscard]] bool is_long() const noexcept { return what != kind::hot && what != kind::finding; }
    [[nodiscard]] bool is_attached() const noexcept { return what != kind::attaching && what != kind::creating; }
};

// Options of those who wait: no spinning, so that the number of instructions is fixed.
inline options waiting_options(bool slices) {
    options all;
    all.waiting.spin = std::chrono::nanoseconds(0);
    if (!slices) all.waiting.slice = std::chrono::nanoseconds::max();
    return all;
}

template <class Form>
class scenario {
public:
    using queue = typename Form::queue;
    using producer = typename queue::producer;
    using consumer = typename queue::consumer;

    scenario(const verb<Form>& what, state how) : what_(what), how_(how) {
        if (what.what == verb<Form>::kind::creating) {
            // What this process remembers of its own mappings is the same for every victim then.
            const rig::workspace elsewhere;
            (void)producer::create(elsewhere / "queue", Form::making());
            return;
        }
        options making = Form::making();
        making.waiting.slice = std::chrono::milliseconds(1);  // who survives finds the dead soon
        out.emplace(producer::create(path(), making));
        in.emplace(consumer::open(path(), {.waiting = making.waiting}));
        move_to_place();
        fill();
        // Who stays is the peer, if it is to be there and awake.
        if (what.by == role::producer)
            out.reset();
        else
            in.reset();
        // That end is no news any more: the victim's own must be.
        if (how == state::empty && in) (void)in->try_pop();
        if (how == state::predecessor_dead) leave_dead(what.by);
        if (how == state::peer_asleep || how == state::peer_asleep_long || how == state::peer_absent ||
            how == state::peer_dead) {
            in.reset();
            out.reset();
        }
        if (how == state::peer_dead) leave_dead(other_role());
        if (how == state::peer_asleep || how == state::peer_asleep_long) put_to_sleep();
        at_mark = counters_now();
    }

    // The same queue as its file is now, were everybody dead: what a copy of it holds.
    scenario(const scenario& from, const std::string& file)
        : sent(from.sent), received(from.received), at_mark(from.at_mark), end_due(from.end_due), leased(from.leased),
          what_(from.what_), how_(from.how_) {
        std::ofstream(path(), std::ios::binary) << file;
        known->sent = from.known->sent.load();
        known->shown = from.known->shown.load();
        known->received = from.known->received.load();
        known->refused = from.known->refused.load();
        known->given_back = from.known->given_back.load();
        *seen = *from.seen;
        dead_producers = from.dead_producers;
        dead_consumers = from.dead_consumers;
        if (from.in || from.out || from.sleeper) ++(other_role() == role::producer ? dead_producers : dead_consumers);
    }

    [[nodiscard]] std::filesystem::path path() const { return directory / "queue"; }
    [[nodiscard]] const verb<Form>& what() const noexcept { return what_; }
    [[nodiscard]] state how() const noexcept { return how_; }
    [[nodiscard]] role other_role() const noexcept {
        return what_.by == role::producer ? role::consumer : role::producer;
    }
    // What the words say: the library's own figures hide what cannot be.
    [[nodiscard]] counters counters_now() const { return rig::raw_figures(path()); }

    // A forked child's copies of endpoints do nothing; let them go, so that nothing is left to be done at its end.
    void abandon_peers() {
        in.reset();
        out.reset();
    }

    // What the victim's process runs.
    void be_victim() { be_victim(what_); }
    void be_victim(const verb<Form>& what) {
        abandon_peers();
        const auto file = path();
        victim_side<Form> me{file, *known, what.by == role::producer ? sent : received};
        if (what.is_attached()) {
            if (what.by == role::producer)
                me.out.emplace(producer::open(path(), waiting_options(false)));
            else
                me.in.emplace(consumer::open(path(), waiting_options(false)));
        }
        hold_world_still();
        rig::mark();
        what.act(me);
        rig::mark();
    }

    // The victim stands at its mark. Its coming may have woken the sleeper: until it sleeps again.
    void let_sleep() {
        if (!sleeper) return;
        const bool asleep = rig::eventually([&] {
            const snapshot now = inspect(path());
            return (what_.by == role::producer ? now.consumers : now.producers).sleeper_armed &&
                   rig::sleeps_in_futex(sleeper->pid());
        });
        if (!asleep) throw std::logic_error("crash: the peer does not fall asleep");
    }

    // The victim stands where it is to die: whether it counts as an inhabitant, and so what the others must hear.
    void note_death(pid_t victim) {
        bool inhabitant = false;
        if (std::filesystem::exists(path())) {
            for (const auto& each : inspect(path()).roster)
                inhabitant = inhabitant || each.pid == static_cast<std::uint64_t>(victim);
        }
        if (inhabitant) ++(what_.by == role::producer ? dead_producers : dead_consumers);
        if (inhabitant || how_ == state::predecessor_dead)
            end_due = end::abandoned;
        else if (what_.is_attached())
            end_due = end::finished;
    }

    // In each of the victim's sleeps: the peer does what it waits for.
    void wake() {
        if (in) {
            const auto got = in->pop_for(patience);
            if (got) seen->add(Form::number_of(*got), got.deliveries());
        } else if (out && out->push_for(Form::make(sent), patience)) {
            ++sent;
        }
    }

    rig::workspace directory;
    std::optional<producer> out;  // the peer, or later a newcomer
    std::optional<consumer> in;
    std::optional<rig::child> sleeper;
    rig::shared_page<notes> known;
    rig::shared_page<observations> seen;
    std::uint64_t sent = 0;      // by others than the victim
    std::uint64_t received = 0;  // before the victim's mark
    counters at_mark;
    end end_due = end::none;           // how the victim's role ended
    bool leased = false;               // one of those who died before the victim held a message
    std::uint64_t dead_producers = 0;  // died as inhabitants
    std::uint64_t dead_consumers = 0;

private:
    void pass_one() {
        if (!out->push_for(Form::make(sent), patience) || !in->pop_for(patience))
            throw std::logic_error("crash: no message passes");
        ++sent;
        ++received;
    }
    void move_to_place() {
        if (how_ != state::wrapping && how_ != state::padding) return;
        const auto there = [&] {
            const snapshot now = inspect(path());
            return how_ == state::wrapping ? Form::wraps(now, sent) : Form::pads(now, sent);
        };
        while (!there()) pass_one();
    }
    void fill() {
        const bool by_producer = what_.by == role::producer;
        std::uint64_t wanted = 0;
        if (how_ == state::full || (!by_producer && (how_ == state::peer_asleep || how_ == state::peer_asleep_long))) {
            wanted = SIZE_MAX;
        } else if (how_ == state::one_message || how_ == state::peer_absent || how_ == state::peer_dead ||
                   how_ == state::predecessor_dead) {
            wanted = what_.what != verb<Form>::kind::finding ? 1 : by_producer ? SIZE_MAX : 0;
        } else if (!by_producer && (how_ == state::wrapping || how_ == state::padding)) {
            wanted = 1;
        }
        for (std::uint64_t n = 0; n != wanted && out->try_push(Form::make(sent)); ++n) ++sent;
    }

    // A process attaches in that role, takes what it can get into its hands, and is killed.
    void leave_dead(role which) {
        const rig::milestone there;
        rig::child victim([&]() -> int {
            abandon_peers();
            if (which == role::producer) {
                auto old = producer::open(path());
                auto room = Form::claim(old, 0);
                there.tell();
                for (;;) pause();
            }
            auto old = consumer::open(path());
            auto message = old.try_take();
            there.tell();
            for (;;) pause();
        });
        there.hear();
        victim.kill();
        leased = leased || (which == role::consumer && sent != received);
        ++(which == role::producer ? dead_producers : dead_consumers);
    }

    // The peer is another process, which sleeps until it is rung.
    void put_to_sleep() {
        options how = waiting_options(how_ == state::peer_asleep);
        how.await_successor = what_.by == role::consumer;
        sleeper.emplace([this, how] {
            if (what_.by == role::producer) {
                consumer mine = consumer::open(path(), how);
                for (std::uint64_t number = 0; number != last;) {
                    const auto got = mine.pop();
                    if (!got && mine.why() != outcome::ended) return 1;
                    if (!got) continue;
                    number = Form::number_of(*got);
                    seen->add(number, got.deliveries());
                }
            } else {
                producer mine = producer::open(path(), how);
                for (std::uint64_t n = 0; n < Form::many; ++n) {
                    if (!mine.push(Form::make(n == 0 ? sent : further + n - 1))) return 1;
                }
                if (!mine.push(Form::make(last))) return 1;
            }
            seen->done = true;
            return 0;
        });
        let_sleep();
    }

    const verb<Form>& what_;
    state how_;
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
