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
            bool first_through = false;
            for (std::size_t i = 0; !first_through; ++i) {
                bool second_through = false;
                for (std::size_t j = 0; !second_through; ++j) {
                    run(first, i, j, first_through, second_through, only, all);
                    if (!all.complaint.empty()) return all;
                }
            }
        }
        return all;
    }

private:
    using stepper = rig::instruction_stepper;
    using ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

    // To where it stands before its n-th point, to its end, or into a sleep. True: there is no n-th point.
    bool advance(stepper& child, bool is_long, const std::string& file, std::size_t points) {
        ranges mappings = touches::mappings_of(child.pid(), file);
        if (is_long) {
            for (std::size_t i = 0; i < 2 * points && !child.at_mark(); ++i)
                child.wander(1, 0);  // an entry and an exit
            return child.at_mark();
        }
        for (std::size_t met = 0; !child.at_mark();) {
            if (child.sleeps_on()) return true;
            if (touch_.of(child, mappings) && met++ == points) return false;
            const bool maps = child.call_ahead() == SYS_mmap;
            (void)child.step();
            if (maps) mappings = touches::mappings_of(child.pid(), file);
        }
        return true;
    }

    void run(std::size_t first, std::size_t i, std::size_t j, bool& first_through, bool& second_through,
             std::int64_t only, tally& all) {
        const std::uint64_t number = all.schedules++;
        std::string complaint;
        try {
            scenario<Form> scene(*verbs_[0], how_);
            scene.abandon_peers();  // the two are all there is
            stepper x([&] { scene.be_victim(*verbs_[first]); });
            stepper y([&] { scene.be_victim(*verbs_[1 - first]); });
            const std::string file = scene.path().string();
            first_through = advance(x, verbs_[first]->is_long(), file, i);
            second_through = advance(y, verbs_[1 - first]->is_long(), file, j);
            if (only >= 0 && static_cast<std::uint64_t>(only) != number) {
                ++all.well;
                return;
            }
            complaint = finish(x, y);
            for (const std::size_t which : {first, 1 - first}) {
                const auto pid = static_cast<std::uint64_t>((which == first ? x : y).pid());
                for (const auto& each : inspect(scene.path()).roster)
                    if (each.pid == pid) ++(each.role == role::producer ? scene.dead_producers : scene.dead_consumers);
            }
            x.kill();
            y.kill();
            // Each may find what the other has just made possible: even a try_push on a full ring may succeed.
            undertaking done{
                .most_sent = 1, .most_received = 1, .in_place = false, .refused = true, .given_back = false};
            for (const auto* each : verbs_) {
                std::uint64_t& most = each->by == role::producer ? done.most_sent : done.most_received;
                most = std::max(most, each->most);
                done.in_place = done.in_place || each->in_place;
                done.given_back = done.given_back || each->given_back;
            }
            if (complaint.empty()) complaint = judge<Form>(scene, done).complaint();
        } catch (const std::exception& thrown) {
            complaint = thrown.what();
        }
        if (complaint.empty()) {
            ++all.well;
            return;
        }
        all.failed_at = number;
        all.complaint = fmt::format("{} first, to its point {}; the other to its point {}: {}", verbs_[first]->name, i,
                                    j, complaint);
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
