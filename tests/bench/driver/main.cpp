// main.cpp: the benchmark's driver: interleaves the rounds of all contenders, case by case, and reports.
#include "bench/driver/process.hpp"
#include "bench/driver/report.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace {

using namespace bench;

struct wishes {
    std::vector<std::string> programs;
    std::vector<std::string> missing;
    std::vector<std::string> only;
    std::vector<std::string> families;
    std::string case_name;
    std::string json;
    std::string plots;
    std::string compiler;
    std::string flags;
    std::string command;
    std::string life;
    bool quick = false;
    int rounds = 0;
    double ms = 0;
};

bool wanted(const std::vector<std::string>& only, const std::string& name) {
    return only.empty() || std::any_of(only.begin(), only.end(),
                                       [&](const std::string& part) { return name.find(part) != std::string::npos; });
}

constexpr int seconds_to_list = 20;
constexpr int seconds_to_stop = 5;
constexpr int seconds_of_life = 300;
constexpr int hangs_at_most = 3;  // then a queue is measured no more: each costs the patience of a whole round

// What a program says it can measure; nothing, and why, where it says nothing that can be read.
std::vector<contender> contenders_of(const std::string& program, std::vector<std::string>& missing) {
    const finished said = run({program, "--list"}, seconds_to_list);
    std::vector<contender> all;
    std::istringstream lines(said.output);
    try {
        if (!said.failure.empty()) throw std::runtime_error(said.failure);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream fields(line);
            const auto next = [&] {
                std::string field;
                std::getline(fields, field, '\t');
                return field;
            };
            contender each;
            each.program = program;
            each.name = next();
            each.producers = static_cast<unsigned>(std::stoul(next()));
            each.consumers = static_cast<unsigned>(std::stoul(next()));
            each.largest = std::stoul(next());
            each.abilities = next();
            each.daemon = next();
            each.setup = next();
            all.push_back(std::move(each));
        }
        if (all.empty()) throw std::runtime_error("no queue in it");
    } catch (const std::exception& thrown) {
        missing.push_back(fmt::format("{}: with --list it does not say what it is: {}", program, thrown.what()));
        return {};
    }
    return all;
}

// Programs that some queues need, running while this lives.
class daemons {
public:
    explicit daemons(const std::vector<contender>& all) {
        for (const auto& each : all) {
            if (!each.daemon.empty() && !running_.contains(each.daemon))
                running_[each.daemon] = start({"sh", "-c", "exec " + each.daemon + " >/dev/null 2>&1"});
        }
        if (!running_.empty()) sleep(2);  // it tells nobody when it is ready
    }
    ~daemons() {
        for (const auto& [name, child] : running_) {
            if (child < 0) continue;
            kill(child, SIGTERM);
            (void)await({child}, seconds_to_stop);
        }
    }
    daemons(const daemons&) = delete;
    daemons& operator=(const daemons&) = delete;

private:
    std::map<std::string, pid_t> running_;
};

std::vector<contender> who_takes_part(const bench_case& what, const std::vector<contender>& all) {
    std::vector<contender> here;
    std::copy_if(all.begin(), all.end(), std::back_inserter(here),
                 [&](const contender& each) { return takes_part(each, what); });
    return here;
}

// How long everything takes, and how long one measurement may take for that.
struct schedule {
    std::size_t measurements = 0;
    double ms_each = 0;
    double minutes = 0;
};

// The time that there is, without what is measured apart from traffic, is divided among all measurements; a quarter is kept for
// those that are made again, and each takes some time to start, to end and to take the floor.
schedule plan(const std::vector<bench_case>& chosen, const std::vector<contender>& contenders, const wishes& how) {
    constexpr double most_ms = 200;
    constexpr double least_ms = 20;  // shorter ones tell nothing
    constexpr double start_ms = 40;  // as seen: 20 on an idle machine
    const double life_s = wanted(how.families, "life") && how.case_name.empty() ? (how.quick ? 8.0 : 45.0) : 0.0;
    const double budget_s = how.quick ? 150 : 3300;
    schedule all;
    for (const auto& what : chosen) all.measurements += who_takes_part(what, contenders).size();
    all.measurements *= static_cast<std::size_t>(how.rounds) * pairs_of_processors().size();
    const auto count = static_cast<double>(std::max<std::size_t>(all.measurements, 1));
    const double share_ms = (budget_s - life_s * how.rounds) * 1e3 / count * 0.75;
    all.ms_each = how.ms != 0 ? how.ms : std::clamp(share_ms - start_ms, least_ms, most_ms);
    all.minutes = (count * (all.ms_each + start_ms) / 1e3 + life_s * how.rounds) / 60;
    return all;
}

// All rounds of one case: each round is one measurement of everybody, so that all see the same machine.
void run_case(const bench_case& what, const std::vector<contender>& contenders, int rounds, double ms, results& all) {
    std::vector<contender> here = who_takes_part(what, contenders);
    std::erase_if(here, [&](const contender& each) { return all.hangs[each.name] >= hangs_at_most; });
    if (here.empty()) return;
    const daemons needed(here);
    const auto duration_ns = static_cast<std::int64_t>(ms * 1e6);
    std::size_t good = 0;
    std::size_t dropped = 0;
    for (const auto& where : pairs_of_processors()) {
        std::map<std::string, int> failures;
        for (int number = 0; number < rounds; ++number) {
            for (const auto& who : here) {
                if (failures[who.name] >= 2) continue;  // it will not get better, and each may take its time
                for (int attempt = 0; attempt < 4; ++attempt) {
                    measured found = measure(what, who, where, duration_ns);
                    found.number = number;
                    found.group = group_of(found);
                    failures[who.name] += found.failure.empty() ? 0 : 1;
                    all.hangs[who.name] += found.hung ? 1 : 0;
                    dropped += found.dropped ? 1 : 0;
                    good += found.dropped ? 0 : 1;
                    const bool again = found.dropped;
                    all.rounds.push_back(std::move(found));
                    if (!again) break;
                }
            }
            fmt::print(stderr, "\r{:<60} round {} of {}   ", what.name, number + 1, rounds);
        }
    }
    if (dropped * 3 > good + dropped) all.unsettled.push_back(what.name);
}

// What is measured of Noria alone: its program prints a case and a figure on each line.
void run_life(const wishes& how, results& all) {
    if (how.life.empty()) return;
    for (int number = 0; number < how.rounds; ++number) {
        fmt::print(stderr, "\r{:<60} round {} of {}   ", "life", number + 1, how.rounds);
        std::vector<std::string> words{how.life};
        if (how.quick) words.emplace_back("--quick");
        const finished done = run(words, seconds_of_life);
        std::string last = "none";
        std::istringstream lines(done.output);
        for (std::string line; std::getline(lines, line);) {
            const std::size_t tab = line.find('\t');
            const std::size_t second = line.find('\t', tab + 1);
            if (second == std::string::npos) continue;  // of one that died amid a line
            measured each{.case_name = line.substr(0, tab),
                          .contender = line.substr(tab + 1, second - tab - 1),
                          .pair = life_group,
                          .group = life_group,
                          .number = number};
            each.figure = std::stod(line.substr(second + 1));
            last = each.case_name;
            all.rounds.push_back(std::move(each));
        }
        if (!done.failure.empty())
            all.missing.push_back(fmt::format("life, round {}, after '{}': {}", number + 1, last, done.failure));
    }
}

std::string now_as_text() {
    const std::time_t now = std::time(nullptr);
    char text[32];
    (void)std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", std::gmtime(&now));
    return text;
}

void add_options(CLI::App& app, wishes& how) {
    app.add_flag("--quick", how.quick, "three rounds of the main cases, in under three minutes");
    app.add_option("--rounds", how.rounds, "rounds of each case; 9, or 3 with --quick")->check(CLI::Range(1, 1000));
    app.add_option("--ms", how.ms, "milliseconds of each measurement; unset: such that all are done in time")
        ->check(CLI::Range(1, 10'000));
    app.add_option("--queue", how.only, "only queues with this in their names")->allow_extra_args(false);
    app.add_option("--family", how.families,
                   "only these: throughput, batches, latency, asleep, crowd, ring, roster, life")
        ->allow_extra_args(false);
    app.add_option("--case", how.case_name, "only cases with this in their names");
    app.add_option("--json", how.json, "where to keep every round");
    app.add_option("--plots", how.plots, "a folder for the plots");
    for (auto& [name, value] : {std::pair{"--compiler", &how.compiler},
                                {"--flags", &how.flags},
                                {"--command", &how.command},
                                {"--life", &how.life}})
        app.add_option(name, *value)->group("");
    app.add_option("--missing", how.missing)->allow_extra_args(false)->group("");
    app.add_option("programs", how.programs, "the adapters' programs")->group("");
}

}  // namespace

int main(int argc, char** argv) {
    wishes how;
    CLI::App app("Measures queues between processes, side by side. Adapters' programs come from ./tests/bench/run.");
    add_options(app, how);
    CLI11_PARSE(app, argc, argv);
    if (how.rounds == 0) how.rounds = how.quick ? 3 : 9;

    results all;
    all.head = describe_machine();
    all.head.update({{"compiler", how.compiler},
                     {"flags", how.flags},
                     {"command", how.command},
                     {"begun", now_as_text()},
                     {"rounds", how.rounds}});
    all.missing = how.missing;
    std::vector<contender> contenders;
    for (const auto& program : how.programs) {
        for (const auto& each : contenders_of(program, all.missing)) {
            if (!wanted(how.only, each.name)) continue;
            all.head["queues"][each.name] = each.setup;
            contenders.push_back(each);
        }
    }
    auto chosen = cases(how.quick);
    std::erase_if(chosen, [&](const bench_case& each) {
        return !wanted(how.families, each.family) || each.name.find(how.case_name) == std::string::npos;
    });
    const schedule planned = plan(chosen, contenders, how);
    all.head["ms_each"] = planned.ms_each;
    fmt::print(stderr, "{} measurements of {:.0f} ms: some {:.0f} minutes\n", planned.measurements, planned.ms_each,
               std::ceil(planned.minutes));
    for (const auto& what : chosen) run_case(what, contenders, how.rounds, planned.ms_each, all);
    if (wanted(how.families, "life") && how.case_name.empty()) run_life(how, all);
    fmt::print(stderr, "\r{:80}\r", "");
    for (const auto& [name, count] : all.hangs) {
        if (count >= hangs_at_most)
            all.missing.push_back(fmt::format("{}: it hung {} times, and was then let alone", name, count));
    }
    all.head["ended"] = now_as_text();

    print_head(all);
    print_tables(all, chosen);
    if (!how.json.empty()) std::ofstream(how.json) << to_json(all).dump(1) << '\n';
    if (!how.plots.empty()) plot(all, chosen, how.plots);
    print_bars(all, chosen);
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
