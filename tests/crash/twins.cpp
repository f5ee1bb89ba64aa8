// twins.cpp: two producers, or two consumers, of one mpmc queue, in every schedule with up to two preemptions.
//
//     twins                                    every case
//     twins --case 'push; try_push' --at 137   one schedule of one case
//
// What a schedule is, and where its points are, is told in interleave.cpp, which pairs a producer with a consumer; here the two
// are of one role and the ledger judges (crowd_ledger.hpp). No case has a sleep: behind another's claim one asks by the clock
// whether its owner lives, so that such a way is not the same twice.
#include "crash/crowd_ledger.hpp"
#include "crash/touches.hpp"

#include <CLI/CLI.hpp>
#include <sched.h>
#include <sys/syscall.h>

#include <cstdio>

using namespace noria;
using namespace noria::crash;

namespace {

// There is enough in the queue for both, unless `scarce`.
struct pairing {
    const char* one;
    const char* other;
    role by;
    std::uint64_t messages = 0;  // in the queue of four
    bool scarce = false;
};
const std::vector<pairing> pairings{
    {"push", "try_push", role::producer},
    {"try_push", "try_push", role::producer, 3, true},
    {"claim, give back", "try_push", role::producer},
    {"try_push", "detach", role::producer},
    {"try_push", "open", role::producer},
    {"pop", "try_pop", role::consumer, 2},
    {"try_pop", "try_pop", role::consumer, 1, true},
    {"take, release", "try_pop", role::consumer, 2},
    {"try_pop", "detach", role::consumer, 1},
    {"try_pop", "open", role::consumer, 1},
};

struct tally {
    std::uint64_t schedules = 0;
    std::uint64_t well = 0;
    std::uint64_t failed_at = 0;
    std::string complaint;
};

template <class Form>
class twins {
    using stepper = rig::instruction_stepper;

public:
    twins(const deed<Form>& one, const deed<Form>& other, const pairing& how) : deeds_{&one, &other}, how_(how) {}

    tally run_all(std::int64_t only) {
        tally all;
        for (const std::size_t first : {0U, 1U}) {
            const deed<Form>& one = *deeds_[first];
            const deed<Form>& other = *deeds_[1 - first];
            const way alone = way_behind(one, nullptr, 0, other);
            for (std::size_t i = 0; i < alone.points.size(); ++i) {
                const way beside = way_behind(other, &alone, i, one);
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
    struct way {
        bool is_long = false;
        rig::path path;
        std::vector<rig::place> points;

        void bring(stepper& child, std::size_t point) const {
            if (!is_long) return child.run_to(path, points[point], [] {});
            child.wander(2 * point, 0);  // an entry and an exit for each
        }
    };
    static bool is_long(const deed<Form>& what) { return !what.attached || what.leaves; }

    // The way of one of the two while the other stands at its mark; or, with a way for it, at its i-th point.
    way way_behind(const deed<Form>& what, const way* before, std::size_t i, const deed<Form>& other) {
        crowd<Form> here(how_.messages);
        if (before == nullptr) {
            stepper x([&] { here.be(what, 0); });
            const stepper y([&] { here.be(other, 1); });
            return walk(x, is_long(what), here.path().string());
        }
        stepper x([&] { here.be(other, 0); });
        stepper y([&] { here.be(what, 1); });
        before->bring(x, i);
        return walk(y, is_long(what), here.path().string());
    }
    way walk(stepper& child, bool by_calls, const std::string& file) {
        way found;
        found.is_long = by_calls;
        if (by_calls) {
            while (!child.at_mark()) {
                found.points.push_back({found.points.size(), false});
                child.wander(2, 0);
            }
            found.points.push_back({found.points.size(), false});
            return found;
        }
        const auto mappings = touches::mappings_of(child.pid(), file);
        while (!child.at_mark()) {
            if (touch_.of(child, mappings).here) found.points.push_back({found.path.address.size(), false});
            found.path.address.push_back(child.address());
            if (child.step() == stepper::at::asleep) throw std::runtime_error("one of them sleeps");
        }
        found.points.push_back({found.path.address.size(), false});
        return found;
    }

    // One schedule; what the ledger complains of.
    std::string run(const deed<Form>& one, const way& alone, std::size_t i, const deed<Form>& other, const way& beside,
                    std::size_t j) {
        try {
            crowd<Form> here(how_.messages);
            stepper x([&] { here.be(one, 0); });
            stepper y([&] { here.be(other, 1); });
            alone.bring(x, i);
            beside.bring(y, j);
            for (stepper* each : {&x, &y}) {
                if (!each->at_mark() && each->run_on() != stepper::at::end)
                    return "one of them does not come to its end";
            }
            here.note_death(x.pid(), one.by);
            here.note_death(y.pid(), other.by);
            x.kill();
            y.kill();
            const std::uint64_t refused = here.book->refused;
            if (refused > (how_.scarce ? 1U : 0U))
                return fmt::format("{} found nothing, though there was enough", refused);
            return here.complaint(0, 0);
        } catch (const std::exception& thrown) {
            return thrown.what();
        }
    }

    const deed<Form>* deeds_[2];
    const pairing& how_;
    touches touch_;
};

template <class Form>
bool run_all(const std::string& which, std::int64_t at, std::uint64_t& schedules) {
    const auto all = deeds<Form>();
    const auto find = [&](const char* name, role by) -> const deed<Form>& {
        for (const auto& each : all) {
            if (each.by == by && each.name == std::string_view(name)) return each;
        }
        throw std::logic_error("twins: no such deed");
    };
    bool well = true;
    for (const pairing& each : pairings) {
        const std::string name = fmt::format("{}; {}", each.one, each.other);
        if (!which.empty() && which != name) continue;
        const tally found = twins<Form>(find(each.one, each.by), find(each.other, each.by), each).run_all(at);
        fmt::print("{:<12} {:<35} {:>7}  {}\n", Form::name, name, found.schedules,
                   found.complaint.empty() ? "all well" : "FAILED");
        if (!found.complaint.empty()) {
            fmt::print("    {}\n    --case '{}' --at {}\n", found.complaint, name, found.failed_at);
            well = false;
        }
        (void)std::fflush(stdout);
        schedules += found.schedules;
    }
    return well;
}

}  // namespace

int main(int argc, char** argv) {
    rig::stand_still(argv);
    CLI::App app("Runs two verbs of two processes of one role in every schedule with up to two preemptions.");
    std::string which;
    std::int64_t at = -1;
    app.add_option("--case", which, "only this case");
    app.add_option("--at", at, "only this schedule");
    CLI11_PARSE(app, argc, argv);
    rig::pin_to(sched_getcpu());
    prepare_still_world();
    std::uint64_t schedules = 0;
    const bool well = run_all<slots_form>(which, at, schedules);
    fmt::print("schedules: {}, all well: {}\n", schedules, well ? "yes" : "no");
    return well && schedules != 0 ? 0 : 1;
}

// SPDX-License-Identifier: BSL-1.0
