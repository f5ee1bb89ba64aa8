// plots.cpp: four pictures by gnuplot: throughput by size, latency, scaling of many to many, recovery.
#include "bench/driver/report.hpp"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>

namespace bench {

namespace {

// One picture: a block of data for each curve, and the script that draws them.
class picture {
public:
    picture(std::string folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {}

    // Each point has a place on the axis of x and a figure.
    void curve(const std::string& title, const std::vector<std::pair<double, double>>& points) {
        if (points.empty()) return;
        data_ += fmt::format("$curve{} << END\n", curves_);
        for (const auto& [x, y] : points) data_ += fmt::format("{} {}\n", x, y);
        data_ += "END\n";
        plots_ += fmt::format("{}$curve{} using 1:2 with linespoints linewidth 2 title '{}'", curves_ == 0 ? "" : ", ",
                              curves_, title);
        ++curves_;
    }
    // The script is kept beside the picture.
    void draw(const std::string& settings) const {
        if (curves_ == 0) return;
        std::filesystem::create_directories(folder_);
        const std::string script = folder_ + "/" + name_ + ".gnuplot";
        std::ofstream(script) << data_
                              << "set terminal svg size 900,540 font 'sans,12' background 'white'\nset output '"
                              << folder_ << "/" << name_ << ".svg'\nset key outside right noenhanced\nset grid\n"
                              << settings << "plot " << plots_ << "\n";
        if (std::system(fmt::format("gnuplot '{}'", script).c_str()) != 0)
            fmt::print(stderr, "{}: gnuplot could not draw it\n", script);
        std::filesystem::remove(script);
    }

private:
    std::string folder_;
    std::string name_;
    std::string data_;
    std::string plots_;
    int curves_ = 0;
};

// The placement with most rounds of that family.
std::string main_group(const results& all, const std::vector<bench_case>& cases, const std::string& family) {
    std::map<std::string, std::size_t> rounds;
    for (const auto& what : cases) {
        if (what.family != family) continue;
        for (const auto& each : all.rounds) {
            if (each.case_name == what.name && !each.dropped && each.failure.empty()) ++rounds[each.group];
        }
    }
    std::string best;
    for (const auto& [group, count] : rounds) {
        if (best.empty() || count > rounds[best]) best = group;
    }
    return best;
}

// The figure of each contender in each case of a family, at the x that the case has there.
template <class X>
void curves(picture& out, const results& all, const std::vector<bench_case>& cases, const std::string& family, X x) {
    const std::string group = main_group(all, cases, family);
    std::map<std::string, std::vector<std::pair<double, double>>> points;
    for (const auto& what : cases) {
        const double at = what.family == family ? x(what) : -1;
        if (at < 0) continue;
        for (const auto& each : all.contenders(what.name, group))
            points[each].emplace_back(at, all.ask(what.name, each, group)->median);
    }
    for (const auto& [name, of] : points) out.curve(name, of);
}

void plot_latency(const results& all, const std::vector<bench_case>& cases, const std::string& folder) {
    const std::string group = main_group(all, cases, "latency");
    picture out(folder, "latency");
    for (const auto& each : all.contenders("round trip, 8 B", group)) {
        std::vector<std::pair<double, double>> points;
        // By how many of so many are slower: 2, 10, 100, ...
        for (const auto& [slower, detail] :
             {std::pair{2.0, "p50"}, {10.0, "p90"}, {100.0, "p99"}, {1000.0, "p99.9"}, {10000.0, "p99.99"}}) {
            if (const auto found = all.ask("round trip, 8 B", each, group, detail))
                points.emplace_back(slower, found->median);
        }
        out.curve(each, points);
    }
    out.draw(
        fmt::format("set title 'Round trip of 8 bytes ({})'\nset logscale xy\nset ylabel 'ns'\nset xtics ('p50' 2, "
                    "'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000)\n",
                    group));
}

void plot_recovery(const results& all, const std::string& folder) {
    picture out(folder, "recovery");
    double at = 0;
    std::string labels;
    std::vector<std::pair<double, double>> points;
    for (const char* const name :
         {"recovery of an entry", "kill of a claimant to the next delivery",
          "kill of a holder of all to the next delivery", "kill of a claimant with 1 GiB to the next delivery"}) {
        const auto found = all.ask(name, "noria::mpmc", life_group);
        if (!found) continue;
        labels += fmt::format("{}'{}' {}", labels.empty() ? "" : ", ", name, at);
        points.emplace_back(at++, found->median / 1e6);
    }
    out.curve("noria::mpmc", points);
    out.draw(
        "set title 'Recovery, the time of the kernel for burying the victim included where it says kill'\n"
        "set logscale y\nset ylabel 'ms'\nset xtics rotate by -20 (" +
        labels + ")\nset xrange [-0.5:3.5]\n");
}

}  // namespace

void plot(const results& all, const std::vector<bench_case>& cases, const std::string& folder) {
    picture sizes(folder, "throughput");
    curves(sizes, all, cases, "throughput", [](const bench_case& what) { return static_cast<double>(what.bytes); });
    sizes.draw(
        fmt::format("set title 'One way ({})'\nset logscale xy\nset xlabel 'bytes of a message'\nset ylabel 'ns per "
                    "message'\n",
                    main_group(all, cases, "throughput")));
    plot_latency(all, cases, folder);
    picture crowd(folder, "crowd");
    curves(crowd, all, cases, "crowd", [](const bench_case& what) {
        return what.bytes == 8 && what.producers == what.consumers ? static_cast<double>(what.producers) : -1.0;
    });
    crowd.draw(
        fmt::format("set title 'Many to many, 8 bytes ({})'\nset logscale xy 2\nset xlabel 'producers, and as many "
                    "consumers'\nset ylabel 'ns per message'\n",
                    main_group(all, cases, "crowd")));
    plot_recovery(all, folder);
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
