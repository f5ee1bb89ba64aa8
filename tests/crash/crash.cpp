// crash.cpp: death at every instruction of every verb in every state; a table, and what to run to see a failure again.
//
//     crash                                                     everything, on all processors
//     crash --whole                                             and every instruction of the peers that come second
//     crash --every 10                                          a quick look
//     crash --queue 'spsc<T>' --verb push --state full          some rows
//     crash --queue 'spsc<T>' --role producer --verb push --state full --at 137       one place
#include "crash/double_fault.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <link.h>

#include <cstdio>
#include <memory>

using namespace noria;
using namespace noria::crash;

namespace {

struct task {
    std::string queue;
    role by = role::producer;
    std::string verb;
    std::string state;
    std::function<result()> everywhere;
    std::function<result(std::size_t)> once;
};

template <class Form>
std::vector<std::shared_ptr<verb<Form>>> all_verbs() {
    std::vector<std::shared_ptr<verb<Form>>> all;
    if constexpr (Form::parks) {
        for (auto& each : verbs_of_parking<Form>()) all.push_back(std::make_shared<verb<Form>>(each));
        return all;
    }
    for (auto& each : verbs_of_producers<Form>()) all.push_back(std::make_shared<verb<Form>>(each));
    for (auto& each : verbs_of_consumers<Form>()) all.push_back(std::make_shared<verb<Form>>(each));
    return all;
}

// Where messages are copied, in and out, and the ring's end is passed.
bool copies(state how) { return how == state::empty || how == state::one_message || how == state::wrapping; }

template <class Form>
void add_single_deaths(std::vector<task>& all, std::size_t every) {
    for (const auto& each : all_verbs<Form>()) {
        for (const state how : each->states) {
            if (how == state::padding && !Form::has_padding) continue;
            // A quick look walks each long verb once, and beside a dead predecessor, whom it recovers.
            const bool walked = how == each->states.front() || how == state::predecessor_dead;
            if (every > 1 && each->is_long() && !walked) continue;
            if (every > 1 && Form::is_brief && (each->is_long() || !copies(how))) continue;
            all.push_back({Form::name, each->by, each->name, name(how),
                           [=] { return row<Form>(*each, how, every).kill_everywhere(); },
                           [=](std::size_t at) { return row<Form>(*each, how, every).kill_once(at); }});
        }
    }
}

// In the states that differ in what the first death leaves.
template <class Form>
void add_double_deaths(std::vector<task>& all, std::size_t every) {
    for (const auto& each : all_verbs<Form>()) {
        if (each->states.empty() || each->what != verb<Form>::kind::hot || each->most == 0 ||
            each->states.front() == state::predecessor_dead || std::string(each->name).starts_with("blocked"))
            continue;
        if (every > 1 && Form::is_brief && !std::string(each->name).starts_with("push_all")) continue;
        for (const state how : {state::one_message, state::wrapping, state::padding}) {
            if (how == state::padding && !Form::has_padding) continue;
            if (every > 1 && Form::is_brief && how != state::padding) continue;
            for (const finder second : {finder::peer, finder::newcomer}) {
                const char* const then = second == finder::peer ? "; its peer" : "; its heir";
                all.push_back(
                    {Form::name, each->by, std::string(each->name) + then, name(how),
                     [=] { return double_row<Form>(*each, how, second, every).kill_everywhere(); },
                     [=](std::size_t at) { return double_row<Form>(*each, how, second, every).kill_everywhere(at); }});
            }
        }
        const std::size_t rounds = every == 0 ? 1000 : (50 + every - 1) / every;
        all.push_back(
            {Form::name, each->by, std::string(each->name) + "; two heirs", "one message",
             [=] { return triple_row<Form>(*each, state::one_message, rounds).kill_everywhere(); },
             [=](std::size_t at) { return triple_row<Form>(*each, state::one_message, rounds).kill_everywhere(at); }});
    }
}

const char* word(role one) { return one == role::producer ? "producer" : "consumer"; }

// The source line of an address of this program, if addr2line and line tables are there.
std::string source_of(std::uint64_t address) {
    std::uint64_t base = 0;
    dl_iterate_phdr([](dl_phdr_info* first, std::size_t,
                       void* to) { return *static_cast<std::uint64_t*>(to) = first->dlpi_addr, 1; },
                    &base);
    const std::string command =
        fmt::format("addr2line -s -f -C -p -e /proc/{}/exe {:#x} 2>/dev/null", getpid(), address - base);
    std::string line;
    if (FILE* const pipe = popen(command.c_str(), "r"); pipe != nullptr) {
        char text[512];
        if (std::fgets(text, sizeof text, pipe) != nullptr) line = text;
        pclose(pipe);
    }
    while (!line.empty() && line.back() == '\n') line.pop_back();
    return line.empty() || line.starts_with("??") ? fmt::format("address {:#x}", address) : line;
}

struct results {
    std::atomic<std::size_t> next;
    std::array<result, 900> of;
    std::array<std::atomic<bool>, 900> done;
};

void print(const task& what, const result& found) {
    fmt::print("{:<16} {:<8} {:<27} {:<22} {:>12} {:>7} {:>8}  {}\n", what.queue, word(what.by), what.verb, what.state,
               found.instructions, found.kills, found.copies, found.complaint[0] == 0 ? "all survived" : "FAILED");
    if (found.complaint[0] == 0) return;
    fmt::print("    {}\n    at {}\n    --queue '{}' --role {} --verb '{}' --state '{}' --at {}\n", found.complaint,
               source_of(found.failed_address), what.queue, word(what.by), what.verb, what.state, found.failed_at);
}

// One worker on each processor takes the tasks as they come; the rows are printed in their order.
void run_all(const std::vector<task>& tasks, results& all) {
    const rig::milestone done;
    std::vector<rig::child> workers;
    const int processors = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
    for (int processor = 0; processor < processors; ++processor) {
        workers.emplace_back([&, processor] {
            rig::pin_to(processor);
            for (std::size_t i = all.next++; i < tasks.size(); i = all.next++) {
                try {
                    all.of[i] = tasks[i].everywhere();
                } catch (const std::exception& thrown) {
                    std::string(thrown.what()).copy(all.of[i].complaint, sizeof all.of[i].complaint - 1);
                }
                all.done[i] = true;
                done.tell();
            }
            return 0;
        });
    }
    std::size_t printed = 0;
    for (std::size_t heard = 0; heard < tasks.size(); ++heard) {
        done.hear();
        for (; printed < tasks.size() && all.done[printed]; ++printed) print(tasks[printed], all.of[printed]);
        (void)std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
    rig::stand_still(argv);
    CLI::App app("Kills a victim at every instruction of every verb, and looks whether the contract is kept.");
    std::string queue;
    std::string by;
    std::string verb;
    std::string state;
    std::int64_t at = -1;
    std::size_t every = 1;
    bool whole = false;
    app.add_option("--queue", queue, "only this queue");
    app.add_option("--role", by, "only victims of this role");
    app.add_option("--verb", verb, "only this verb");
    app.add_option("--state", state, "only this state");
    app.add_option("--at", at, "only at this place");
    app.add_option("--every", every, "thin the real kills to about one in so many")->check(CLI::Range(1, 1000));
    app.add_flag("--whole", whole, "kill peers that come second at every instruction");
    CLI11_PARSE(app, argc, argv);

    // Nine tenths of an attach; its instructions are for who looks at every one.
    if (every > 1) rig::instruction_stepper::take_for_one(reinterpret_cast<std::uintptr_t>(&layout::checksum_of));
    std::vector<task> tasks;
    add_single_deaths<fixed_form>(tasks, every);
    add_single_deaths<wide_form>(tasks, every);
    add_single_deaths<bytes_form>(tasks, every);
    add_single_deaths<slots_form>(tasks, every);
    add_single_deaths<parking_form>(tasks, every);
    add_single_deaths<mutex_form>(tasks, every);
    add_single_deaths<slots_of_bytes_form>(tasks, every);
    add_double_deaths<fixed_form>(tasks, whole ? 0 : every);
    add_double_deaths<wide_form>(tasks, whole ? 0 : every);
    add_double_deaths<bytes_form>(tasks, whole ? 0 : every);
    add_double_deaths<slots_form>(tasks, whole ? 0 : every);
    add_double_deaths<parking_form>(tasks, whole ? 0 : every);
    add_double_deaths<mutex_form>(tasks, whole ? 0 : every);
    add_double_deaths<slots_of_bytes_form>(tasks, whole ? 0 : every);
    std::erase_if(tasks, [&](const task& each) {
        return (!queue.empty() && each.queue != queue) || (!by.empty() && word(each.by) != by) ||
               (!verb.empty() && each.verb != verb) || (!state.empty() && each.state != state);
    });
    rig::shared_page<results> all;
    if (tasks.empty() || tasks.size() > all->of.size()) {
        fmt::print(stderr, "{} rows are so: choose others\n", tasks.size());
        return 2;
    }
    prepare_still_world();
    fmt::print("{:<16} {:<8} {:<27} {:<22} {:>12} {:>7} {:>8}\n", "queue", "victim", "verb", "state", "instructions",
               "kills", "copies");
    if (at >= 0) {
        rig::pin_to(0);
        all->of[0] = tasks[0].once(static_cast<std::size_t>(at));
        tasks.resize(1);
        print(tasks[0], all->of[0]);
    } else {
        run_all(tasks, *all);
    }
    std::uint64_t points = 0;
    std::uint64_t survived = 0;
    bool failed = false;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const result& found = all->of[i];
        points += found.kills + found.copies;
        survived += found.survived;
        failed = failed || found.complaint[0] != 0;
    }
    fmt::print("kill points: {}, survived: {}\n", points, survived);
    return failed || points == 0 || points != survived ? 1 : 0;
}

// SPDX-License-Identifier: BSL-1.0
