// double_fault.hpp: the one who recovers from a death is killed, too; and three deaths in a row.
//
// First deaths that leave the same bytes in the file are one: nothing else is left of a process. After each, a second
// victim finds it: the peer, which drains or fills the ring and hears of the end (every instruction is a place to die), or
// an heir, a newcomer in the dead one's role (the system calls are). Unless the whole grid is asked for, the peer is killed at both
// sides of its system calls and of each instruction that changed the file, and at every 50th other; `every` N thins that.
#pragma once

#include "crash/row.hpp"

#include <limits>
#include <memory>
#include <random>

namespace noria::crash {

enum class finder { peer, newcomer };

template <class Form>
class double_row {
public:
    double_row(const verb<Form>& what, state how, finder second, std::size_t every)
        : what_(what), how_(how), second_(second), every_(every) {}

    // `only`: that death alone, counted through both victims' places.
    result kill_everywhere(std::size_t only = std::numeric_limits<std::size_t>::max()) {
        result all;
        const rig::path first = walk_first();
        std::size_t number = 0;
        for (const rig::place place : distinct_) {
            const auto [length, goals] =
                second_ == finder::peer ? walk_second(first, place) : cross_second(first, place);
            all.instructions = std::max(all.instructions, static_cast<std::uint64_t>(length));
            for (std::size_t met = 0; met < goals.size(); met += std::max(every_, std::size_t{1})) {
                if (only == std::numeric_limits<std::size_t>::max() || only == number)
                    kill_both(first, place, goals[met], number, all);
                if (all.complaint[0] != 0) return all;
                ++number;
            }
        }
        return all;
    }

private:
    // One first death, and a second victim at its mark behind it.
    struct pair {
        pair(const verb<Form>& what, state how, finder second) : scene(what, how) {
            if (second == finder::peer) {
                scene.out.reset();
                scene.in.reset();
                stand_up(second);
            }
        }
        void stand_up(finder second) {
            victim = std::make_unique<rig::instruction_stepper>([this, second] {
                scene.abandon_peers();
                const auto path = scene.path();
                const bool produces = (scene.what().by == role::producer) == (second == finder::newcomer);
                victim_side<Form> me{path, *scene.known, scene.sent};
                if (second == finder::peer) {
                    if (produces)
                        me.out.emplace(Form::queue::producer::open(path, waiting_options(false)));
                    else
                        me.in.emplace(Form::queue::consumer::open(path, waiting_options(false)));
                }
                hold_world_still();
                rig::mark();
                if (second == finder::newcomer && produces) me.out.emplace(Form::queue::producer::open(path));
                if (second == finder::newcomer && !produces) me.in.emplace(Form::queue::consumer::open(path));
                if (second == finder::peer && produces)
                    while (me.out->push(Form::make(me.next))) {
                        ++me.next;
                        ++me.known.sent;
                    }
                if (second == finder::peer && !produces)
                    while (me.in->pop()) ++me.known.received;
                rig::mark();
            });
        }
        void first_dies(const rig::path& way, rig::place place, finder second) {
            {
                rig::instruction_stepper first([this] { scene.be_victim(); });
                first.run_to(way, place, [] {});
                scene.note_death(first.pid());
                first.kill();
            }
            if (second == finder::newcomer) stand_up(second);
        }
        scenario<Form> scene;
        std::unique_ptr<rig::instruction_stepper> victim;
    };

    rig::path walk_first() {
        pair both(what_, how_, second_);
        rig::instruction_stepper first([&] { both.scene.be_victim(); });
        watched_file file(both.scene.path());
        distinct_.clear();
        return first.walk(
            [&](rig::place here) {
                if (file.has_changed()) distinct_.push_back(here);
            },
            [] {});
    }

    // How many instructions or entries and exits a second victim has, and those where it is to die.
    using ways = std::pair<std::size_t, std::vector<std::size_t>>;

    ways walk_second(const rig::path& first, rig::place place) {
        pair both(what_, how_, second_);
        both.first_dies(first, place, second_);
        watched_file file(both.scene.path());
        std::set<std::size_t> wanted;
        second_way_ = both.victim->walk(
            [&](rig::place here) {
                if (!file.has_changed()) return;
                wanted.insert(here.index);
                if (here.index != 0) wanted.insert(here.index - 1);
            },
            [] {});
        for (const std::size_t call : second_way_.calls) wanted.insert({call, call + 1});
        std::vector<std::size_t> goals;
        for (std::size_t i = 0; i <= second_way_.address.size(); ++i)
            if (wanted.contains(i) || every_ == 0 || i % 50 == 0) goals.push_back(i);
        return {second_way_.address.size(), goals};
    }

    ways cross_second(const rig::path& first, rig::place place) {
        pair both(what_, how_, second_);
        both.first_dies(first, place, second_);
        std::vector<std::size_t> goals;
        for (; !both.victim->at_mark(); both.victim->wander(1, 0)) goals.push_back(goals.size());
        return {goals.size(), goals};
    }

    void kill_both(const rig::path& first, rig::place place, std::size_t goal, std::size_t number, result& all) {
        ++all.kills;
        std::string complaint;
        try {
            pair both(what_, how_, second_);
            both.first_dies(first, place, second_);
            if (second_ == finder::peer)
                both.victim->run_to(second_way_, {goal, false}, [] {});
            else
                both.victim->wander(goal, 0);
            all.failed_address = both.victim->address();
            undertaking done = undertaking_of(what_);
            if (second_ == finder::peer) {
                // It was on the roster; and what it heard of the first one's end no newcomer needs to be told again.
                ++(what_.by == role::producer ? both.scene.dead_consumers : both.scene.dead_producers);
                both.scene.end_due = end::none;
                (what_.by == role::producer ? done.most_received : done.most_sent) = 1000;
                done.refused = true;
            } else {
                both.scene.note_death(both.victim->pid());
                both.scene.end_due = end::abandoned;
            }
            both.victim->kill();
            complaint = judge<Form>(both.scene, done).complaint();
        } catch (const std::exception& thrown) {
            complaint = thrown.what();
        }
        if (complaint.empty()) {
            ++all.survived;
            return;
        }
        all.failed_at = number;
        complaint = fmt::format("first dead at {}, second at {}: {}", place.index, goal, complaint);
        complaint.copy(all.complaint, sizeof all.complaint - 1);
    }

    const verb<Form>& what_;
    state how_;
    finder second_;
    std::size_t every_;                 // 0: the whole grid
    std::vector<rig::place> distinct_;  // one for each content that the first death can leave
    rig::path second_way_;              // a peer's, behind the first death at the place at hand
};

// A peer in the middle of a stream dies, then two in a row who come for its role, each at a random place of its coming.
template <class Form>
class triple_row {
public:
    triple_row(const verb<Form>& what, state how, std::size_t rounds) : what_(what), how_(how), rounds_(rounds) {}

    result kill_everywhere(std::size_t only = std::numeric_limits<std::size_t>::max()) {
        result all;
        const rig::path first = walk();
        all.instructions = first.address.size();
        std::mt19937 random(4711);
        for (std::size_t round = 0; round < rounds_ && all.complaint[0] == 0; ++round) {
            std::size_t draws[5];
            for (auto& each : draws) each = random();
            if (only != std::numeric_limits<std::size_t>::max() && only != round) continue;
            ++all.kills;
            const std::string complaint = kill_three(first, draws);
            if (complaint.empty()) {
                ++all.survived;
                continue;
            }
            all.failed_at = round;
            complaint.copy(all.complaint, sizeof all.complaint - 1);
        }
        return all;
    }

private:
    rig::path walk() {
        scenario<Form> scene(what_, how_);
        rig::instruction_stepper victim([&] { scene.be_victim(); });
        return victim.walk([](rig::place) {}, [&] { scene.wake(); });
    }
    std::string kill_three(const rig::path& way, const std::size_t (&draws)[5]) {
        try {
            scenario<Form> scene(what_, how_);
            {
                rig::instruction_stepper first([&] { scene.be_victim(); });
                first.run_to(way, {draws[0] % way.address.size(), false}, [&] { scene.wake(); });
                scene.note_death(first.pid());
                first.kill();
            }
            for (const std::size_t which : {1U, 3U}) {
                rig::instruction_stepper next([&] {
                    scene.abandon_peers();
                    const auto path = scene.path();
                    victim_side<Form> me{path, *scene.known, scene.sent};
                    hold_world_still();
                    rig::mark();
                    if (what_.by == role::producer)
                        me.out.emplace(Form::queue::producer::open(path));
                    else
                        me.in.emplace(Form::queue::consumer::open(path));
                    rig::mark();
                });
                next.wander(draws[which] % 80, draws[which + 1] % 300);
                scene.note_death(next.pid());
                next.kill();
            }
            scene.end_due = end::abandoned;  // the last of them who was on the roster died
            return judge<Form>(scene, undertaking_of(what_)).complaint();
        } catch (const std::exception& thrown) {
            return thrown.what();
        }
    }

    const verb<Form>& what_;
    state how_;
    std::size_t rounds_;
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
