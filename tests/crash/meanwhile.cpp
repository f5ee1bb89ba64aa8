// meanwhile.cpp: one process stands before an instruction of its verb, and others do something whole meanwhile.
//
//     meanwhile                                every case
//     meanwhile --case 'two recoverers' --at 31   one schedule of one case
//
// interleave.cpp and twins.cpp pair two verbs of two processes; here are cases with more than two, or with a death between.
// In each, a process X is brought to a point of its verb: before an instruction that touches the mapping, or a call of the kernel.
// There the others act, each to its end. Then X goes to its end, and the case judges. Every point of X is one schedule.
// The cases are in meanwhile_cases.hpp.
#include "crash/meanwhile_cases.hpp"
#include "crash/still_world.hpp"
#include "crash/touches.hpp"
#include "rig/instruction_stepper.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sched.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

using namespace noria;
using namespace noria::crash;

namespace {

struct tally {
    std::uint64_t schedules = 0;
    std::string complaint;
};

template <class Case>
class schedules {
    using stepper = rig::instruction_stepper;

public:
    tally run_all(std::int64_t only) {
        tally all;
        walk();
        bool saw = false;
        for (std::size_t i = 0; i < points_.size(); ++i) {
            if (only >= 0 && static_cast<std::size_t>(only) != i) continue;
            for (const auto& steps : steps_between_stages()) {
                ++all.schedules;
                const std::string complaint = run(i, steps, saw);
                if (complaint.empty()) continue;
                all.complaint = fmt::format("{}, {} and {} points between\n    --case '{}' --at {}", complaint,
                                            steps[0], steps[1], Case::name, i);
                return all;
            }
        }
        if (only < 0 && !saw) all.complaint = "no schedule shows what the case is about";
        return all;
    }

private:
    void walk() {
        Case here;
        stepper x([&] { here.be(); });
        here.at_mark();
        const auto mappings = touches::mappings_of(x.pid(), here.path().string());
        while (!x.at_mark()) {
            if (touch_.of(x, mappings).here) points_.push_back({way_.address.size(), false});
            way_.address.push_back(x.address());
            if (x.step() == stepper::at::asleep) throw std::runtime_error("X sleeps");
        }
        points_.push_back({way_.address.size(), false});
    }
    using step_counts = std::array<std::size_t, 2>;

    // Where the others act at three points of X: how many points on the second and the third are. So many are enough to come
    // between any of a few looks that X makes in a row.
    static std::vector<step_counts> steps_between_stages() {
        if constexpr (!requires { Case::stages; }) return {{0, 0}};
        constexpr std::size_t most = 4;
        std::vector<step_counts> all;
        for (std::size_t one = 1; one <= most; ++one) {
            for (std::size_t two = 1; two <= most; ++two) all.push_back({one, two});
        }
        return all;
    }
    void go_on(stepper& x, const std::vector<touches::mapping>& mappings, std::size_t points) {
        while (points != 0 && !x.at_mark()) {
            if (touch_.of(x, mappings).here) --points;
            if (x.step() == stepper::at::asleep) throw std::runtime_error("X sleeps");
        }
    }
    void act(Case& here, stepper& x, const step_counts& steps) {
        if constexpr (requires { Case::stages; }) {
            const auto mappings = touches::mappings_of(x.pid(), here.path().string());
            here.meanwhile(x.pid(), 0);
            for (std::size_t stage = 1; stage < Case::stages; ++stage) {
                go_on(x, mappings, steps[stage - 1]);
                here.meanwhile(x.pid(), stage);
            }
        } else {
            here.meanwhile(x.pid());
        }
    }
    std::string run(std::size_t point, const step_counts& steps, bool& saw) {
        try {
            Case here;
            stepper x([&] { here.be(); });
            here.at_mark();
            x.run_to(way_, points_[point], [] {});
            act(here, x, steps);
            if (!x.at_mark() && x.run_on() != stepper::at::end) return "X does not come to its end";
            here.judge();
            saw = saw || here.saw();
            return here.complaint();
        } catch (const std::exception& thrown) {
            return thrown.what();
        }
    }

    touches touch_;
    rig::path way_;
    std::vector<rig::place> points_;
};

template <class Case>
bool run(const std::string& which, std::int64_t at, std::uint64_t& sum) {
    if (!which.empty() && which != Case::name) return true;
    const tally found = schedules<Case>().run_all(at);
    fmt::print("{:<36} {:>6}  {}\n", Case::name, found.schedules, found.complaint.empty() ? "all well" : "FAILED");
    if (!found.complaint.empty()) fmt::print("    {}\n", found.complaint);
    (void)std::fflush(stdout);
    sum += found.schedules;
    return found.complaint.empty();
}

}  // namespace

int main(int argc, char** argv) {
    rig::stand_still(argv);
    CLI::App app("Stops one process before each instruction that others can see, and lets these act meanwhile.");
    std::string which;
    std::int64_t at = -1;
    app.add_option("--case", which, "only this case");
    app.add_option("--at", at, "only this schedule");
    CLI11_PARSE(app, argc, argv);
    rig::pin_to(sched_getcpu());
    prepare_still_world();
    std::uint64_t sum = 0;
    bool well = run<recoverer_beside_reader>(which, at, sum);
    well = run<thrower_beside_reader>(which, at, sum) && well;
    well = run<two_recoverers>(which, at, sum) && well;
    well = run<holders_change>(which, at, sum) && well;
    well = run<waker_beside_newcomer>(which, at, sum) && well;
    well = run<short_buffer<short_slots>>(which, at, sum) && well;
    well = run<short_buffer<short_records>>(which, at, sum) && well;
    fmt::print("schedules: {}, all well: {}\n", sum, well ? "yes" : "no");
    return well && sum != 0 ? 0 : 1;
}

// SPDX-License-Identifier: BSL-1.0
