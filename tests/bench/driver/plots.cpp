// plots.cpp: four pictures by gnuplot: throughput by size, latency, scaling of many to many, recovery.
#include "bench/driver/process.hpp"
#include "bench/driver/report.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>

namespace bench {

namespace {

struct point {
    double x = 0;
    figure y{};
};

// How a curve is drawn: Noria's are broad, dashed under a mutex; limits are dotted. `number` is among those of its kind.
std::string style_of(const std::string& name, std::size_t number) {
    static constexpr std::array ours{"#0b3d91", "#b3001b", "#00a0c8", "#ff5a36", "#7a0177", "#e377c2",
                                     "#1f77d0", "#d98e04", "#4d4dff", "#2ca02c", "#8c8c00", "#5c2d00"};
    static constexpr std::array others{"#1b7837", "#8c510a", "#e08214", "#542788", "#5aae61", "#bf812d", "#666666",
                                       "#35978f", "#c2a5cf", "#a6761d", "#d6c000", "#80604d", "#9e9ac8", "#2b2b2b"};
    const std::size_t mark = number % 13 + 1;
    if (is_limit(name)) return fmt::format("linecolor rgb 'black' linewidth 1 dashtype 3 pointtype {}", mark);
    if (!is_ours(name))
        return fmt::format("linecolor rgb '{}' linewidth 1 pointtype {}", others[number % others.size()], mark);
    return fmt::format("linecolor rgb '{}' linewidth 3 dashtype {} pointtype {}", ours[number % ours.size()],
                       is_robust(name) ? 2 : 1, mark);
}

// One picture: a block of data for each curve, and the script that draws them.
class picture {
public:
    picture(std::string folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {}

    // `spread`: no lines, but the least and the most of each point.
    void curve(const std::string& title, const std::vector<point>& points, bool spread = false) {
        if (points.empty()) return;
        const std::size_t number = is_ours(title) ? ours_++ : is_limit(title) ? limits_++ : others_++;
        data_ += fmt::format("$curve{} << END\n", curves_);
        for (const auto& [x, y] : points) data_ += fmt::format("{} {} {} {}\n", x, y.median, y.least, y.most);
        data_ += "END\n";
        plots_ +=
            fmt::format("{}$curve{} using {} {} title '{}'", curves_ == 0 ? "" : ", ", curves_,
                        spread ? "1:2:3:4 with yerrorbars" : "1:2 with linespoints", style_of(title, number), title);
        ++curves_;
    }
    // The script is there only meanwhile.
    void draw(const std::string& settings) const {
        if (curves_ == 0) return;
        std::filesystem::create_directories(folder_);
        const std::string script = folder_ + "/" + name_ + ".gnuplot";
        // A line of the key takes 18 points; a second column of it would leave no room for the picture.
        std::ofstream(script)
            << data_ << "set terminal svg size 1100," << std::max(540, 19 * curves_ + 120)
            << " font 'sans,12' background 'white'\nset output '" << folder_ << "/" << name_
            << ".svg'\nset key outside right top Left reverse maxcols 1 noenhanced\nset grid\nset format y '%.10g'\n"
            << settings << "plot " << plots_ << "\n";
        const auto drawn = run({"gnuplot", script}, seconds_to_draw);
        if (!drawn.failure.empty()) fmt::print(stderr, "{}: gnuplot could not draw it: {}\n", script, drawn.failure);
        std::filesystem::remove(script);
    }

private:
    static constexpr int seconds_to_draw = 60;
    std::string folder_;
    std::string name_;
    std::string data_;
    std::string plots_;
    int curves_ = 0;
    std::size_t ours_ = 0;
    std::size_t limits_ = 0;
    std::size_t others_ = 0;
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

// The figure of each contender in each case of a family, at the x that the case has there; Noria's curves come first.
template <class X, class Y>
void curves(picture& out, const results& all, const std::vector<bench_case>& cases, const std::string& family, X x,
            Y y) {
    const std::string group = main_group(all, cases, family);
    std::map<std::string, std::vector<point>> points;
    for (const auto& what : cases) {
        const double at = what.family == family ? x(what) : -1;
        if (at < 0) continue;
        for (const auto& each : all.contenders(what.name, group))
            points[each].push_back({at, y(what, *all.ask(what.name, each, group))});
    }
    for (const bool ours : {true, false}) {
        for (const auto& [name, of] : points) {
            if (is_ours(name) == ours) out.curve(name, of);
        }
    }
}

void plot_throughput(const results& all, const std::vector<bench_case>& cases, const std::string& folder) {
    picture out(folder, "throughput");
    curves(
        out, all, cases, "throughput", [](const bench_case& what) { return static_cast<double>(what.bytes); },
        [](const bench_case& what, const figure& ns) {
            const auto bytes = static_cast<double>(what.bytes);
            return figure{bytes / ns.median, bytes / ns.most, bytes / ns.least, ns.rounds};
        });
    out.draw(fmt::format(
        "set title 'One way, one producer and one consumer ({}): more is better'\nset logscale xy\n"
        "set xlabel 'size of a message'\nset ylabel 'GB/s'\nset xrange [6:1400000]\nset xtics ('8 B' 8, '64 B' 64, "
        "'256 B' 256, '1 KiB' 1024, '4 KiB' 4096, '64 KiB' 65536, '1 MiB' 1048576)\n",
        main_group(all, cases, "throughput")));
}

void plot_crowd(const results& all, const std::vector<bench_case>& cases, const std::string& folder) {
    picture out(folder, "crowd");
    curves(
        out, all, cases, "crowd",
        [](const bench_case& what) {
            return what.bytes == 8 && what.producers == what.consumers ? static_cast<double>(what.producers) : -1.0;
        },
        [](const bench_case&, const figure& ns) { return ns; });
    out.draw(
        fmt::format("set title 'Many to many, 8 bytes ({}): less is better'\nset logscale xy\nset xrange [0.9:9]\n"
                    "set xtics ('1 x 1' 1, '2 x 2' 2, '4 x 4' 4, '8 x 8' 8)\nset xlabel 'producers x consumers'\n"
                    "set ylabel 'ns per message'\n",
                    main_group(all, cases, "crowd")));
}

void plot_latency(const results& all, const std::vector<bench_case>& cases, const std::string& folder) {
    const std::string group = main_group(all, cases, "latency");
    const std::string name = "round trip, 8 B";
    picture out(folder, "latency");
    for (const bool ours : {true, false}) {
        for (const auto& each : all.contenders(name, group)) {
            if (is_ours(each) != ours) continue;
            std::vector<point> points;
            // By how many of so many are slower: 2, 10, 100, ...
            for (const auto& [slower, detail] :
                 {std::pair{2.0, "p50"}, {10.0, "p90"}, {100.0, "p99"}, {1000.0, "p99.9"}, {10000.0, "p99.99"}}) {
                if (const auto found = all.ask(name, each, group, detail)) points.push_back({slower, *found});
            }
            out.curve(each, points);
        }
    }
    out.draw(fmt::format(
        "set title 'Round trip of 8 bytes, both awake ({}): less is better'\nset logscale xy\n"
        "set ylabel 'ns'\nset xlabel 'percentile of the round trips'\nset xrange [1.6:14000]\nset xtics ('50' 2, "
        "'90' 10, '99' 100, '99.9' 1000, '99.99' 10000)\n",
        group));
}

// For each death two clocks, from SIGKILL and from the kernel's word on it.
void plot_recovery(const results& all, const std::string& folder) {
    picture out(folder, "recovery");
    std::map<std::string, std::vector<point>> points;
    std::map<std::string, std::size_t> numbers;
    std::string labels;
    double at = 0;
    for (const std::string load : {"", ", 1 GiB"}) {
        for (const auto& [who, label] : {std::pair<std::string, std::string>{"claimant", "claimant"},
                                         {"holder of 1", "holder\\nof 1"},
                                         {"holder of 4096", "holder\\nof 4096"},
                                         {"waker", "waker"}}) {
            bool seen = false;
            for (const std::string from : {"SIGKILL of a ", "kernel's word on a dead "}) {
                const std::string name = from + who + " to the next delivery" + load;
                for (const auto& each : all.contenders(name, life_group)) {
                    const auto found = all.ask(name, each, life_group);
                    const std::string title =
                        each + (from.starts_with("SIGKILL") ? ", from SIGKILL" : ", from the word of the kernel");
                    const std::size_t number = numbers.try_emplace(title, numbers.size()).first->second;
                    // Beside each other, that none hides another.
                    points[title].push_back(
                        {at + 0.12 * static_cast<double>(number),
                         {found->median / 1e6, found->least / 1e6, found->most / 1e6, found->rounds}});
                    seen = true;
                }
            }
            if (!seen) continue;
            labels += fmt::format("{}\"{}{}\" {}", labels.empty() ? "" : ", ", label, load, at + 0.2);
            ++at;
        }
    }
    for (const auto& [name, of] : points) out.curve(name, of, true);
    out.draw(
        fmt::format("set title 'From a death to the next delivery, by who dies; least, median and most of the rounds: "
                    "less is better'\n"
                    "set key above maxcols 2\nset bmargin 4\nset logscale y\nset ylabel 'ms'\nset xtics ({})\n"
                    "set xrange [-0.4:{}]\n",
                    labels, at - 0.2));
}

}  // namespace

void plot(const results& all, const std::vector<bench_case>& cases, const std::string& folder) {
    plot_throughput(all, cases, folder);
    plot_latency(all, cases, folder);
    plot_crowd(all, cases, folder);
    plot_recovery(all, folder);
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
