// interleave.cpp: two processes at one ring, in every schedule with up to two preemptions.
//
//     interleave                          every case
//     interleave --queue 'spsc<T>' --case 'push, pop: empty' --at 137      one schedule of one case
//
// A schedule is: X to its i-th point, Y to its j-th point, X to its end, Y to its end; for every i and j, and with X and
// Y exchanged. Points are where a process stands before an instruction that touches the mapping or calls the kernel. A long
// verb has its points at its system calls alone. Who sleeps is passed over until somebody has woken it: nobody has slices,
// so a wake-up that is lost is never made up for. What is explored are sequentially consistent executions: one processor,
// one process at a time. What store buffers add is for the model (tests/model/event_count.pml) and for TSan.
#include "crash/judge.hpp"
#include "crash/touches.hpp"
#include "crash/verbs.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>

#include <cstdio>
#include <memory>

using namespace noria;
using namespace noria::crash;

namespace {

struct tally {
    std::uint64_t schedules = 0;
    std::uint64_t well = 0;
    std::uint64_t failed_at = 0;
    std::string complaint;
};

template <class Form>
class pair_of_verbs {
public:
    pair_of_verbs(const verb<Form>& one, const verb<Form>& other, state how) : verbs_{&one, &other}, how_(how) {}

    tally run_all(std::int64_t only) {
        tally all;
        for (const std::size_t first : {0U, 1U}) {
            const verb<Form>& one = *verbs_[first];
            const verb<Form>& other = *verbs_[1 - first];
            const way alone = way_of_one(one, other);
            for (std::size_t i = 0; i < alone.points.size(); ++i) {
                const way beside = way_of_other(one, alone, i, other);
                for (std::size_t j = 0; j < beside.points.size(); ++j) {
                    const std::uint64_t number = all.schedules++;
                    if (only >= 0 && static_cast<std::uint64_t>(only) != number) continue;
                    const std::string complaint = run(one, alone, i, other, beside, j);
                    if (complaint.empty()) {
                        ++all.well;
                        continue;
                    }
                    all.failed_at = number;
                    all.complaint = fmt::format("{} first, to its point {}; the other to its point {}: {}", one.name, i,
                                                j, complaint);
                    return all;
                }
            }
        }
        return all;
    }

private:
    using stepper = rig::instruction_stepper;

    // The way of one of the two through its verb, and where its points are; the last is its end, or its sleep.
    struct way {
        bool is_long = false;
        rig::path path;
        std::vector<rig::place> points;

        void bring(stepper& child, std::size_t point) const {
            if (!is_long) return child.run_to(path, points[point], [] {});
            child.wander(2 * point, 0);  // an entry and an exit for each
        }
    };

    // While the other stands at its mark.
    way way_of_one(const verb<Form>& one, const verb<Form>& other) {
        scenario<Form> scene(*verbs_[0], how_);
        scene.abandon_peers();  // the two are all there is
        stepper x([&] { scene.be_victim(one); });
        const stepper y([&] { scene.be_victim(other); });
        return walk(x, one.is_long(), scene.path().string());
    }
    // While the one stands at its i-th point.
    way way_of_other(const verb<Form>& one, const way& alone, std::size_t i, const verb<Form>& other) {
        scenario<Form> scene(*verbs_[0], how_);
        scene.abandon_peers();
        stepper x([&] { scene.be_victim(one); });
        stepper y([&] { scene.be_victim(other); });
        alone.bring(x, i);
        return walk(y, other.is_long(), scene.path().string());
    }
    way walk(stepper& child, bool is_long, const std::string& file) {
        way found;
        found.is_long = is_long;
        if (is_long) {
            while (!child.at_mark()) {
                found.points.push_back({found.points.size(), false});
                child.wander(2, 0);
            }
            found.points.push_back({found.points.size(), false});
            return found;
        }
        auto mappings = touches::mappings_of(child.pid(), file);
        while (!child.at_mark()) {
            const std::size_t index = found.path.address.size();
            if (touch_.of(child, mappings)) found.points.push_back({index, false});
            found.path.address.push_back(child.address());
            const bool maps = child.call_ahead() == SYS_mmap;
            if (child.step() == stepper::at::asleep) {
                found.path.sleeps.push_back(index);
                found.points.push_back({index, true});
                return found;
            }
            if (maps) mappings = touches::mappings_of(child.pid(), file);
        }
        found.points.push_back({found.path.address.size(), false});
        return found;
    }

    // One schedule; what the judge complains of.
    std::string run(const verb<Form>& one, const way& alone, std::size_t i, const verb<Form>& other, const way& beside,
                    std::size_t j) {
        try {
            scenario<Form> scene(*verbs_[0], how_);
            scene.abandon_peers();
            stepper x([&] { scene.be_victim(one); });
            stepper y([&] { scene.be_victim(other); });
            alone.bring(x, i);
            beside.bring(y, j);
            std::string complaint = finish(x, y);
            for (const auto& each : inspect(scene.path()).roster) {
                for (const auto& [who, what] : {std::pair(&x, &one), std::pair(&y, &other)}) {
                    if (each.pid != static_cast<std::uint64_t>(who->pid())) continue;
                    ++(what->by == role::producer ? scene.dead_producers : scene.dead_consumers);
                }
            }
            x.kill();
            y.kill();
            if (complaint.empty()) complaint = judge<Form>(scene, undertaking_of_both()).complaint();
            return complaint;
        } catch (const std::exception& thrown) {
            return thrown.what();
        }
    }

    // Each may find what the other has just made possible: even a try_push on a full ring may succeed.
    [[nodiscard]] undertaking undertaking_of_both() const {
        undertaking both{.most_sent = 1, .most_received = 1, .in_place = false, .refused = true, .given_back = false};
        for (const auto* each : verbs_) {
            std::uint64_t& most = each->by == role::producer ? both.most_sent : both.most_received;
            most = std::max(most, each->most);
            both.in_place = both.in_place || each->in_place;
            both.given_back = both.given_back || each->given_back;
        }
        return both;
    }

    // Both to their ends, by turns while one sleeps.
    static std::string finish(stepper& x, stepper& y) {
        bool progress = true;
        while (progress && !(x.at_mark() && y.at_mark())) {
            progress = false;
            for (stepper* each : {&x, &y}) {
                if (each->at_mark() || each->sleeps_on()) continue;
                progress = true;
                if (each->run_on() == stepper::at::gone) return "one of them died";
            }
        }
        return progress ? std::string() : "one sleeps, and nobody will wake it";
    }

    const verb<Form>* verbs_[2];
    state how_;
    touches touch_;
};

struct task {
    std::string queue;
    std::string name;
    std::function<tally(std::int64_t)> run;
};

template <class Form>
void add_tasks(std::vector<task>& all) {
    struct pairing {
        const char* producers;
        const char* consumers;
        std::vector<state> states;
    };
    using enum state;
    const std::vector<pairing> pairings{
        {"push", "pop", {one_message, wrapping, padding}},
        {"push", "try_pop", {empty, one_message}},
        {"try_push", "pop", {full}},
        {"push_some", "consume_some", {one_message}},
        {"claim, commit", "take, release", {one_message, wrapping}},
        {"claim, give back", "try_pop", {empty}},
        {"push", "blocked pop", {empty}},
        {"blocked push", "consume_some", {full}},
        {"push, detach", "blocked pop", {empty}},
        {"detach", "blocked pop", {empty}},
        {"blocked push", "detach", {full}},
        {"detach", "try_pop", {empty, one_message}},
        {"try_push", "detach", {full}},
        {"detach", "detach", {one_message}},
        {"open", "detach", {empty}},
        {"detach", "open", {empty}},
    };
    for (const auto& each : pairings) {
        for (const auto& out : verbs_of_producers<Form>()) {
            for (const auto& in : verbs_of_consumers<Form>()) {
                if (out.name != std::string(each.producers) || in.name != std::string(each.consumers)) continue;
                // Behind a claim one asks, by the clock, whether its owner lives: such a way is not the same twice.
                const bool by_the_clock =
                    Form::of_slots &&
                    (each.producers + std::string(each.consumers)).find("blocked") != std::string::npos;
                if (by_the_clock) continue;
                for (const state how : each.states) {
                    if (how == padding && !Form::has_padding) continue;
                    all.push_back({Form::name, fmt::format("{}; {}: {}", out.name, in.name, name(how)),
                                   [=](std::int64_t only) { return pair_of_verbs<Form>(in, out, how).run_all(only); }});
                }
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    rig::stand_still(argv);
    CLI::App app("Runs two verbs of two processes in every schedule with up to two preemptions.");
    std::string queue;
    std::string which;
    std::int64_t at = -1;
    app.add_option("--queue", queue, "only this queue");
    app.add_option("--case", which, "only this case");
    app.add_option("--at", at, "only this schedule");
    CLI11_PARSE(app, argc, argv);
    rig::pin_to(sched_getcpu());
    prepare_still_world();

    std::vector<task> tasks;
    add_tasks<fixed_form>(tasks);
    add_tasks<bytes_form>(tasks);
    add_tasks<slots_form>(tasks);
    std::erase_if(tasks, [&](const task& each) {
        return (!queue.empty() && each.queue != queue) || (!which.empty() && each.name != which);
    });
    std::uint64_t schedules = 0;
    std::uint64_t well = 0;
    for (const task& each : tasks) {
        const tally found = each.run(at);
        fmt::print("{:<12} {:<45} {:>7}  {}\n", each.queue, each.name, found.schedules,
                   found.complaint.empty() ? "all well" : "FAILED");
        if (!found.complaint.empty())
            fmt::print("    {}\n    --queue '{}' --case '{}' --at {}\n", found.complaint, each.queue, each.name,
                       found.failed_at);
        (void)std::fflush(stdout);
        schedules += found.schedules;
        well += found.well;
    }
    fmt::print("schedules: {}, well: {}\n", schedules, well);
    return schedules != 0 && schedules == well ? 0 : 1;
}

// SPDX-License-Identifier: BSL-1.0
