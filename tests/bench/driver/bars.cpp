// bars.cpp: what Noria is to show, and whether it does; every line is a ratio within the same rounds.
#include "bench/driver/report.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace bench {

namespace {

constexpr double no_slower = 1.05;

class judge {
public:
    judge(const results& all, const std::vector<bench_case>& cases)
        : all_(all), cases_(cases), rounds_(all.head.value("rounds", std::size_t{1})) {}

    // `most`: the figure must be at most the bar; otherwise at least.
    void bar(const std::string& what, const std::string& case_name, const std::optional<figure>& found, double bar,
             bool most = true) {
        if (!is_judged(found)) return;
        // The name of a family stands for all cases of it.
        const bool unsettled = std::any_of(all_.unsettled.begin(), all_.unsettled.end(), [&](const std::string& each) {
            return each == case_name || std::any_of(cases_.begin(), cases_.end(), [&](const bench_case& one) {
                       return one.name == each && one.family == case_name;
                   });
        });
        const bool met = !unsettled && (most ? found->median <= bar : found->median >= bar);
        ++count_;
        met_ += met ? 1 : 0;
        fmt::print("{}  {:<96} {:>8.3f} [{:.3f} .. {:.3f}]  {} {}{}\n", met ? "met   " : "missed", what, found->median,
                   found->least, found->most, most ? "<=" : ">=", bar, unsettled ? " (unsettled)" : "");
    }
    void last_line() const { fmt::print("bars: {} of {} met\n", met_, count_); }

    // 1 and 6: at every size no slower than the fastest.
    void one_way(const bench_case& what, const std::string& group) {
        const std::string ours = all_.fastest(what.name, group, true);
        const std::string theirs = all_.fastest(what.name, group, false);
        if (ours.empty() || theirs.empty()) return;
        const std::string head = fmt::format("{} {} ({}): {} to ", what.bytes >= 4096 ? 6 : 1, what.name, group, ours);
        bar(head + theirs, what.name, all_.ratio(what.name, ours, what.name, theirs, group), no_slower);
        if (what.batch > 1) return;
        if (what.bytes == 8)
            bar("1 boost::lockfree::spsc_queue to Noria, 8 B (" + group + ")", what.name,
                all_.ratio(what.name, "boost::lockfree::spsc_queue", what.name, ours, group), 1.5, false);
        if (what.bytes >= 64)
            bar(head + "raw lines", what.name, all_.ratio(what.name, ours, what.name, "limit: lines", group), 1.4);
    }

    // 2: the round trip is the machine's.
    void round_trip(const bench_case& what, const std::string& group) {
        if (what.bytes > 48) return;
        const std::string ours = spsc_of(what.name, group);
        if (ours.empty()) return;
        bar(fmt::format("2 {} ({}): {} to the raw ping-pong of one line", what.name, group, ours), what.name,
            all_.to_floor(what.name, ours, group, true), 1.15);
        bar(fmt::format("4 {} ({}): {}, which spins and then sleeps, us", what.name, group, ours), what.name,
            scaled(all_.ask(what.name, ours, group), 1e-3), 1);
        const std::string theirs = all_.fastest(what.name, group, false, "p99.9");
        if (theirs.empty()) return;
        bar(fmt::format("2 {} p99.9 ({}): {} to {}", what.name, group, ours, theirs), what.name,
            all_.ratio(what.name, ours, what.name, theirs, group, "p99.9"), 1.0);
    }

    // 3: many of both.
    void crowd(const bench_case& what, const std::string& group) {
        const std::string ours = all_.fastest(what.name, group, true);
        const std::string theirs = all_.fastest(what.name, group, false);
        if (ours.empty() || theirs.empty()) return;
        bar(fmt::format("3 {} ({}): {} to {}", what.name, group, ours, theirs), what.name,
            all_.ratio(what.name, ours, what.name, theirs, group), no_slower);
        if (what.producers != 8 || what.consumers != 8) return;
        std::string single = what.name;
        single.replace(0, 3, "1x1");
        bar(fmt::format("3 {} ({}): {} to its own 1x1", what.name, group, ours), what.name,
            all_.ratio(what.name, ours, single, ours, group), 2);
    }

    // 3: FIFO per producer, in every run.
    void order() {
        std::vector<double> disorder{};
        for (const auto& each : all_.rounds) {
            if (is_ours(each.contender)) disorder.push_back(static_cast<double>(each.disorder));
        }
        if (disorder.empty()) return;
        figure worst = summary(disorder);
        worst.median = worst.most;
        bar("3 messages of Noria's out of their producer's order, in the worst of all rounds", {}, worst, 0);
    }

    // A round that fails has no figure; so that no bar goes unseen with it.
    void no_failures() {
        const bool any = std::any_of(all_.rounds.begin(), all_.rounds.end(),
                                     [](const measured& each) { return is_ours(each.contender); });
        if (!any) return;
        const auto count = std::count_if(all_.rounds.begin(), all_.rounds.end(), [](const measured& each) {
            return is_ours(each.contender) && !each.failure.empty();
        });
        const auto failed = static_cast<double>(count);
        bar("rounds of Noria that failed", {}, figure{failed, failed, failed, rounds_}, 0);
    }

    // 4: asleep, the kernel's wake-up is all.
    void asleep(const bench_case& what, const std::string& group) {
        const std::string ours = all_.fastest(what.name, group, true);
        bar(fmt::format("4 {} ({}): {} to a raw futex", what.name, group, ours), what.name,
            all_.ratio(what.name, ours, what.name, "limit: futex", group), 1.1);
    }

    // 5: batches of 64 pay.
    void batches(const bench_case& what, const std::string& group) {
        if (what.bytes != 8 || what.batch != 64) return;
        const std::string alone = "one way, 8 B";
        const std::string ours = all_.fastest(what.name, group, true);
        const std::string ours_alone = all_.fastest(alone, group, true);
        if (ours.empty() || ours_alone.empty()) return;
        bar(fmt::format("5 {} ({}): {} single to {} in batches", what.name, group, ours_alone, ours), what.name,
            all_.ratio(alone, ours_alone, what.name, ours, group), 2, false);
    }

    // 7: the ring's and the roster's length cost nothing: the slowest of all to the fastest of all.
    void flat(const std::string& family, std::uint64_t most) {
        for (const std::string ours : {"noria::spsc push", "noria::mpmc push"}) {
            std::map<std::string, std::pair<double, double>> seen;  // by group: least, most
            for (const auto& what : cases_) {
                if (what.family != family || what.capacity > most) continue;
                for (const auto& group : all_.groups(what.name)) {
                    const auto found = all_.ask(what.name, ours, group);
                    if (!is_judged(found)) continue;
                    auto& [least, greatest] = seen.try_emplace(group, found->median, found->median).first->second;
                    least = std::min(least, found->median);
                    greatest = std::max(greatest, found->median);
                }
            }
            for (const auto& [group, range] : seen) {
                const double ratio = range.second / range.first;
                bar(fmt::format("7 {} of any length ({}): {}, slowest to fastest", family, group, ours), family,
                    figure{ratio, ratio, ratio, rounds_}, 1.3);
            }
        }
    }

    void absolute(const std::string& what, const std::string& case_name, double most, double unit) {
        for (const auto& group : all_.groups(case_name)) {
            for (const auto& each : all_.contenders(case_name, group)) {
                bar(fmt::format("{} ({})", what, each), case_name, scaled(all_.ask(case_name, each, group), 1 / unit),
                    most);
            }
        }
    }

private:
    // A placement that was seen in few rounds is in the table, but not judged.
    bool is_judged(const std::optional<figure>& found) const { return found && found->rounds * 3 >= rounds_; }

    static std::optional<figure> scaled(const std::optional<figure>& of, double by) {
        if (!of) return {};
        return figure{of->median * by, of->least * by, of->most * by, of->rounds};
    }

    std::string spsc_of(const std::string& case_name, const std::string& group) const {
        std::string best;
        for (const std::string each : {"noria::spsc push", "noria::spsc claim"}) {
            const auto found = all_.ask(case_name, each, group);
            if (found && (best.empty() || found->median < all_.ask(case_name, best, group)->median)) best = each;
        }
        return best;
    }

    const results& all_;
    const std::vector<bench_case>& cases_;
    std::size_t rounds_;
    int count_ = 0;
    int met_ = 0;
};

}  // namespace

void print_bars(const results& all, const std::vector<bench_case>& cases) {
    fmt::print("\nBars for Noria: medians of ratios within a round [least .. most]\n");
    judge bars(all, cases);
    for (const auto& what : cases) {
        for (const auto& group : all.groups(what.name)) {
            if (what.family == "throughput" || what.family == "batches") bars.one_way(what, group);
            if (what.family == "batches") bars.batches(what, group);
            if (what.family == "latency") bars.round_trip(what, group);
            if (what.family == "crowd") bars.crowd(what, group);
            if (what.family == "asleep") bars.asleep(what, group);
        }
    }
    bars.order();
    bars.no_failures();
    constexpr std::uint64_t slot_bytes = 16;  // of 8-byte messages
    bars.flat("ring", all.head.value("last_level_cache_bytes", std::uint64_t{4} << 20) / slot_bytes);
    bars.flat("roster", 0);
    bars.absolute("7 attach of a process's second endpoint, us", "attach", 200, 1e3);
    bars.absolute("7 recovery of one entry in a ring of 4096 slots, us", "recovery of an entry", 200, 1e3);
    for (const std::string memory : {"", ", 1 GiB"}) {
        bars.absolute("11 a consumer behind a dead claim passes it, ms after the kernel's word" + memory,
                      "kernel's word on a dead claimant to the next delivery" + memory, 1, 1e6);
        bars.absolute("11 a killed waker delays its sleeper, ms" + memory,
                      "SIGKILL of a waker to the next delivery" + memory, 50, 1e6);
    }
    bars.absolute("8 an idle waiter's share of a processor, percent", "idle", 0.1, 1);
    bars.absolute("8 page faults in traffic after prefault", "page faults", 0, 1);
    bars.last_line();
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
