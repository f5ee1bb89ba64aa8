// interleave.cpp: two processes at one ring, in every schedule with up to two preemptions.
//
//     interleave                          every case
//     interleave --distinct               of those that differ in the order of strangers only, one
//     interleave --queue 'spsc<T>' --case 'push, pop: empty' --at 137      one schedule of one case
//
// A schedule is: X to its i-th point, Y to its j-th point, X to its end, Y to its end; for every i and j, and with X and
// Y exchanged. Points are where a process stands before an instruction that touches the mapping or calls the kernel. A long
// verb has its points at its system calls alone. Who sleeps is passed over until somebody has woken it: nobody has slices,
// so a wake-up that is lost is never made up for. What is explored are sequentially consistent executions: one processor,
// one process at a time. What store buffers add is for the model (tests/model/event_count.pml) and for TSan.
//
// Under a mutex who finds it taken sleeps by the clock: the last point on its way is before that sleep. To its end it naps until
// the other, whose turn comes meanwhile, has left the mutex. Its pages are nobody's but whose the mutex is, and a tally is one's
// own: --distinct has no points there (a death at each of them is for crash).
//
// --distinct goes by Mazurkiewicz's equivalence: two instructions are strangers if they touch no byte in common that one of
// them writes, and if not both call the kernel (touches.hpp); in either order they leave the same. A schedule is left out
//     where X's instruction at i is a stranger to all of Y's before j: with i + 1 it is the same;
//     where Y's instruction at j is a stranger to all that X does thereafter: with j + 1 it is the same.
// Both lead to larger numbers, so that of each class one runs: that from which neither leads away.
#include "crash/judge.hpp"
#include "crash/touches.hpp"
#include "crash/verbs.hpp"
#include "noria/layout/mutex_words.hpp"

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
    std::uint64_t left_out = 0;  // the same as one that is well
    std::uint64_t failed_at = 0;
    std::string complaint;
};

template <class Form>
class pair_of_verbs {
public:
    pair_of_verbs(const verb<Form>& one, const verb<Form>& other, state how, bool distinct)
        : verbs_{&one, &other}, how_(how), distinct_(distinct) {}

    // All of them, or that one.
    tally run_all(std::int64_t only) {
        tally all;
        for (const std::size_t first : {0U, 1U}) {
            const verb<Form>& one = *verbs_[first];
            const way alone = way_of_one(one, *verbs_[1 - first]);
            for (std::size_t i = 0; i < alone.points.size() && all.complaint.empty(); ++i)
                run_all_beside(one, alone, i, *verbs_[1 - first], only, all);
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
        std::vector<touched> does;  // at each of them, before the next

        void add(rig::place point, const touched& what) {
            points.push_back(point);
            does.push_back(what);
        }

        void bring(stepper& child, std::size_t point) const {
            if (!is_long) return child.run_to(path, points[point], [] {});
            child.wander(2 * point, 0);  // an entry and an exit for each
        }
    };

    // All of Y's points, while X stands at its i-th.
    void run_all_beside(const verb<Form>& one, const way& alone, std::size_t i, const verb<Form>& other,
                        std::int64_t only, tally& all) {
        const way beside = way_of_other(one, alone, i, other);
        const std::uint64_t before = all.schedules;
        all.schedules += beside.points.size();
        const bool all_orders = !distinct_ || only >= 0;
        const std::size_t least = all_orders ? 0 : first_that_differs(alone, i, beside);
        all.left_out += least;
        touched rest;  // what X does behind Y's point j + 1
        for (std::size_t j = beside.points.size(); j-- > least;) {
            if (only >= 0 && static_cast<std::uint64_t>(only) != before + j) continue;
            if (!all_orders && j + 1 < beside.points.size() && !beside.does[j].meets(rest)) {
                ++all.left_out;
                continue;
            }
            const std::string complaint = run(one, alone, i, other, beside, j, all_orders ? nullptr : &rest);
            if (complaint.empty()) {
                ++all.well;
                continue;
            }
            all.failed_at = before + j;
            all.complaint =
                fmt::format("{} first, to its point {}; the other to its point {}: {}", one.name, i, j, complaint);
            return;
        }
    }

    // The least j for which X's instruction at i is not a stranger to all of Y's before j.
    static std::size_t first_that_differs(const way& alone, std::size_t i, const way& beside) {
        const std::size_t end = beside.points.size();
        if (alone.points[i].asleep) return 0;
        if (i + 1 == alone.points.size())
            return end - 1;  // X has done all: so has Y, once it ends, wherever it stopped
        std::size_t j = 0;
        while (j + 1 < end && !alone.does[i].meets(beside.does[j])) ++j;
        return j + 1;
    }

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
        touched::bytes private_words{};
        if (Form::queue::is_robust && distinct_) {
            const layout::geometry where = layout::place(inspect(file).shape);
            private_words = {.begin = where.mutex_offset + offsetof(layout::mutex_words, pages),
                             .end = where.ring_offset,
                             .written = true};
        }
        found.is_long = is_long;
        if (is_long) {
            while (!child.at_mark()) {
                found.add({found.points.size(), false}, everything);
                child.wander(2, 0);
            }
            found.add({found.points.size(), false}, {});
            return found;
        }
        auto mappings = touches::mappings_of(child.pid(), file);
        while (!child.at_mark()) {
            const std::size_t index = found.path.address.size();
            if (const touched now = touch_.of(child, mappings); now.here && !now.is_within(private_words))
                found.add({index, false}, now);
            found.path.address.push_back(child.address());
            if (child.before_nap()) return found;
            const bool maps = child.call_ahead() == SYS_mmap;
            if (child.step() == stepper::at::asleep) {
                found.path.sleeps.push_back(index);
                found.add({index, true}, {});
                return found;
            }
            if (maps) mappings = touches::mappings_of(child.pid(), file);
        }
        found.add({found.path.address.size(), false}, {});
        return found;
    }

    // To its end or its sleep, and what it does on the way there; `slept` is what it did last, if it sleeps.
    touched follow(stepper& child, const std::string& file, const touched* slept) {
        touched all;
        if (slept != nullptr) {
            all.add(*slept);
            if (child.sleeps_on()) return all;
            (void)child.step();  // out of its sleep
        }
        auto mappings = touches::mappings_of(child.pid(), file);
        while (!child.at_mark() && !child.before_nap()) {
            all.add(touch_.of(child, mappings));
            const bool maps = child.call_ahead() == SYS_mmap;
            const auto now = child.step();
            if (now == stepper::at::asleep) break;
            if (now == stepper::at::gone) throw std::runtime_error("one of them died");
            if (maps) mappings = touches::mappings_of(child.pid(), file);
        }
        return all;
    }

    // One schedule; what the judge complains of. `rest`: what X did behind its i-th point, if it is asked for.
    std::string run(const verb<Form>& one, const way& alone, std::size_t i, const verb<Form>& other, const way& beside,
                    std::size_t j, touched* rest) {
        try {
            scenario<Form> scene(*verbs_[0], how_);
            scene.abandon_peers();
            stepper x([&] { scene.be_victim(one); });
            stepper y([&] { scene.be_victim(other); });
            alone.bring(x, i);
            beside.bring(y, j);
            if (rest != nullptr)
                *rest = alone.is_long
                            ? everything
                            : follow(x, scene.path().string(), alone.points[i].asleep ? &alone.does[i - 1] : nullptr);
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
        const auto end = std::chrono::steady_clock::now() + patience;
        while (progress && !(x.at_mark() && y.at_mark())) {
            progress = false;
            for (stepper* each : {&x, &y}) {
                if (each->at_mark()) continue;
                const bool asleep = each->sleeps_on();
                const bool for_good =
                    asleep && (rig::sleeps_in_futex_for_good(each->pid()) || std::chrono::steady_clock::now() >= end);
                progress = progress || !for_good;
                if (asleep) continue;
                if (each->run_on() == stepper::at::gone) return "one of them died";
            }
        }
        return progress ? std::string() : "one sleeps, and nobody will wake it";
    }

    static inline const touched everything{.here = true, .everything = true};

    const verb<Form>* verbs_[2];
    state how_;
    bool distinct_;
    touches touch_;
};

struct task {
    std::string queue;
    std::string name;
    std::function<tally(std::int64_t)> run;
};

template <class Form>
void add_tasks(std::vector<task>& all, bool distinct) {
    struct pairing {
        const char* producers;
        const char* consumers;
        std::vector<state> states;
    };
    using enum state;
    // Under a mutex: whoever waits goes through all that whoever does not goes through.
    const std::vector<pairing> under_mutex{
        {"push", "blocked pop", {empty}},
        {"blocked push", "pop", {full}},
    };
    const std::vector<pairing> lock_free{
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
    // Where a message has its slot for itself, what is free is written to at once; where several share one, a while later.
    const std::vector<pairing> wide{
        {"push", "pop", {one_message, wrapping}},
        {"try_push", "pop", {full}},
        {"blocked push", "consume_some", {full}},
    };
    const auto& pairings = Form::queue::is_robust ? under_mutex : std::is_same_v<Form, wide_form> ? wide : lock_free;
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
                    all.push_back(
                        {Form::name, fmt::format("{}; {}: {}", out.name, in.name, name(how)),
                         [=](std::int64_t only) { return pair_of_verbs<Form>(in, out, how, distinct).run_all(only); }});
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
    bool distinct = false;
    app.add_option("--queue", queue, "only this queue");
    app.add_option("--case", which, "only this case");
    app.add_option("--at", at, "only this schedule");
    app.add_flag("--distinct", distinct, "of schedules that differ in the order of strangers only, one");
    CLI11_PARSE(app, argc, argv);
    rig::pin_to(sched_getcpu());
    prepare_still_world();

    std::vector<task> tasks;
    add_tasks<fixed_form>(tasks, distinct);
    add_tasks<wide_form>(tasks, distinct);
    add_tasks<bytes_form>(tasks, distinct);
    add_tasks<slots_form>(tasks, distinct);
    add_tasks<mutex_types_form>(tasks, distinct);
    std::erase_if(tasks, [&](const task& each) {
        return (!queue.empty() && each.queue != queue) || (!which.empty() && each.name != which);
    });
    std::uint64_t schedules = 0;
    std::uint64_t well = 0;
    std::uint64_t left_out = 0;
    for (const task& each : tasks) {
        const tally found = each.run(at);
        fmt::print("{:<12} {:<45} {:>7} {:>7}  {}\n", each.queue, each.name, found.schedules, found.left_out,
                   found.complaint.empty() ? "all well" : "FAILED");
        if (!found.complaint.empty())
            fmt::print("    {}\n    --queue '{}' --case '{}' --at {}\n", found.complaint, each.queue, each.name,
                       found.failed_at);
        (void)std::fflush(stdout);
        schedules += found.schedules;
        well += found.well;
        left_out += found.left_out;
    }
    fmt::print("schedules: {}, well: {}, the same as one of these: {}\n", schedules, well, left_out);
    const bool all_of_them = at >= 0 ? well != 0 : schedules != 0 && schedules == well + left_out;
    return all_of_them ? 0 : 1;
}

// SPDX-License-Identifier: BSL-1.0
