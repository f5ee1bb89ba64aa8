// crew.cpp: one reader and some workers, of whom one is killed now and then, and started again.
#include "crew.hpp"

#include "arguments.hpp"
#include "say.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace wordcount {

crew::crew(const crew_plan& plan, const run_place& place, const std::vector<input>& inputs)
    : plan_(plan), random_(plan.seed), list_("files", write_list(inputs)), next_kill_(appointment()) {
    const std::string altered = fmt::format("--alter-block={}", plan.altered_block);
    people_.push_back(
        std::make_unique<role_process>("reader", std::vector{place.blocks(), altered}, list_.descriptor()));
    const std::string fatal = fmt::format("--die-behind={}", plan.fatal_block);
    while (people_.size() <= plan.workers)
        people_.push_back(
            std::make_unique<role_process>("worker", std::vector{place.blocks(), place.results(), fatal}));
    for (const auto& each : people_) each->start();
}

crew::clock::time_point crew::appointment() {
    if (!plan_.kills) return clock::time_point::max();
    std::uniform_int_distribution<std::int64_t> delay_us(0, 2000 * plan_.kill_every.count());
    return clock::now() + std::chrono::microseconds(delay_us(random_));
}

std::size_t crew::running() const {
    return static_cast<std::size_t>(std::ranges::count_if(people_, [](const auto& each) { return each->running(); }));
}

void crew::kill_one() {
    std::uniform_int_distribution<std::size_t> anybody(0, people_.size() - 1);
    if (const auto& victim = people_[anybody(random_)]; victim->running()) victim->kill();
    spare_all();
}

std::optional<int> crew::look() {
    for (const auto& each : people_) {
        if (!each->ended()) continue;
        const bool reader = each == people_.front();
        if (each->killed_by() == SIGKILL) {
            ++(reader ? killed_readers_ : killed_workers_);
            each->start();
        } else if (each->killed_by() != 0) {
            say("wordcount", fmt::format("the {} was killed: signal {} ({})", each->name(), each->killed_by(),
                                         strsignal(each->killed_by())));
            return failed;
        } else if (!reader || each->exit_status() != done) {  // a reader has an end, a worker has none
            return each->exit_status() == misused ? misused : failed;
        }
    }
    return std::nullopt;
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
