// main.cpp: the benchmark's driver: interleaves the rounds of all contenders, case by case, and reports.
#include "bench/driver/report.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
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
};

std::string output_of(const std::string& command) {
    std::string all;
    FILE* const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return all;
    char some[4096];
    while (std::size_t n = std::fread(some, 1, sizeof some, pipe)) all.append(some, n);
    return pclose(pipe) == 0 ? all : std::string();
}

std::vector<contender> contenders_of(const std::string& program) {
    std::vector<contender> all;
    std::istringstream lines(output_of("'" + program + "' --list"));
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
    return all;
}

// Programs that some queues need, running while this lives.
class daemons {
public:
    explicit daemons(const std::vector<contender>& all) {
        for (const auto& each : all) {
            if (each.daemon.empty() || running_.contains(each.daemon)) continue;
            const pid_t child = fork();
            if (child == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)std::freopen("/dev/null", "w", stdout);
                (void)std::freopen("/dev/null", "w", stderr);
                execlp(each.daemon.c_str(), each.daemon.c_str(), nullptr);
                _exit(127);
            }
            running_[each.daemon] = child;
        }
        if (!running_.empty()) sleep(2);  // it tells nobody when it is ready
    }
    ~daemons() {
        for (const auto& [name, child] : running_) {
            kill(child, SIGTERM);
            waitpid(child, nullptr, 0);
        }
    }
    daemons(const daemons&) = delete;
    daemons& operator=(const daemons&) = delete;

private:
    std::map<std::string, pid_t> running_;
};

// All rounds of one case: each round is one measurement of everybody, so that all see the same machine.
void run_case(const bench_case& what, const std::vector<contender>& contenders, const wishes& how, results& all) {
    std::vector<contender> here;
    std::copy_if(contenders.begin(), contenders.end(), std::back_inserter(here),
                 [&](const contender& each) { return takes_part(each, what); });
    if (here.empty()) return;
    const daemons needed(here);
    const std::int64_t duration_ns = (how.quick ? 30 : 60) * std::int64_t{1'000'000};
    std::size_t good = 0;
    std::size_t dropped = 0;
    for (const auto& where : pairs_of_processors()) {
        std::map<std::string, int> failures;
        for (int number = 0; number < how.rounds; ++number) {
            for (const auto& who : here) {
                if (failures[who.name] >= 2) continue;  // it will not get better, and each may take its time
                for (int attempt = 0; attempt < 4; ++attempt) {
                    measured found = measure(what, who, where, duration_ns);
                    found.number = number;
                    found.group = group_of(found);
                    failures[who.name] += found.failure.empty() ? 0 : 1;
                    dropped += found.dropped ? 1 : 0;
                    good += found.dropped ? 0 : 1;
                    const bool again = found.dropped;
                    all.rounds.push_back(std::move(found));
                    if (!again) break;
                }
            }
            fmt::print(stderr, "\r{:<60} round {} of {}   ", what.name, number + 1, how.rounds);
        }
    }
    if (dropped * 3 > good + dropped) all.unsettled.push_back(what.name);
}

// What is measured of Noria alone: its program prints a case and a figure on each line.
void run_life(const wishes& how, results& all) {
    if (how.life.empty()) return;
    for (int number = 0; number < how.rounds; ++number) {
        fmt::print(stderr, "\r{:<60} round {} of {}   ", "life", number + 1, how.rounds);
        std::istringstream lines(output_of(fmt::format("'{}' {}", how.life, how.quick ? "--quick" : "")));
        for (std::string line; std::getline(lines, line);) {
            const std::size_t tab = line.find('\t');
            const std::size_t second = line.find('\t', tab + 1);
            measured each{.case_name = line.substr(0, tab),
                          .contender = line.substr(tab + 1, second - tab - 1),
                          .pair = life_group,
                          .group = life_group,
                          .number = number};
            each.figure = std::stod(line.substr(second + 1));
            all.rounds.push_back(std::move(each));
        }
    }
}

std::string now_as_text() {
    const std::time_t now = std::time(nullptr);
    char text[32];
    (void)std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", std::gmtime(&now));
    return text;
}

bool wanted(const std::vector<std::string>& only, const std::string& name) {
    return only.empty() || std::any_of(only.begin(), only.end(),
                                       [&](const std::string& part) { return name.find(part) != std::string::npos; });
}

void add_options(CLI::App& app, wishes& how) {
    app.add_flag("--quick", how.quick, "three rounds of the main cases, in under three minutes");
    app.add_option("--rounds", how.rounds, "rounds of each case; 9, or 3 with --quick")->check(CLI::Range(1, 1000));
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
        const auto found = contenders_of(program);
        if (found.empty()) all.missing.push_back(program + ": it does not say what it is");
        for (const auto& each : found) {
            if (!wanted(how.only, each.name)) continue;
            all.head["queues"][each.name] = each.setup;
            contenders.push_back(each);
        }
    }
    auto chosen = cases(how.quick);
    std::erase_if(chosen, [&](const bench_case& each) {
        return !wanted(how.families, each.family) || each.name.find(how.case_name) == std::string::npos;
    });
    for (const auto& what : chosen) run_case(what, contenders, how, all);
    if (wanted(how.families, "life") && how.case_name.empty()) run_life(how, all);
    fmt::print(stderr, "\r{:80}\r", "");
    all.head["ended"] = now_as_text();

    print_head(all);
    print_tables(all, chosen);
    if (!how.json.empty()) std::ofstream(how.json) << to_json(all).dump(1) << '\n';
    if (!how.plots.empty()) plot(all, chosen, how.plots);
    print_bars(all, chosen);
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
