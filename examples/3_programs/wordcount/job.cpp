// job.cpp: one run: two queues, the crew that works on them, and the wait for its results.
#include "job.hpp"

#include "arguments.hpp"
#include "blocks.hpp"
#include "run_place.hpp"
#include "say.hpp"
#include "signals.hpp"

#include <noria/inspect.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

namespace wordcount {

namespace {

// The queues, and who works on them.
class job {
public:
    job(const std::filesystem::path& place, const crew_plan& plan, const std::vector<input>& inputs,
        collector& collected)
        : place_(place), in_(queue::consumer::create(place_.results(), result_queue())), interruptions_(in_),
          blocks_(make_blocks(place_.blocks())), results_(place_.results()), collected_(collected), progress_(inputs),
          crew_(plan, place_, inputs) {}

    // Until all is counted: `done`; or the status to end with without that.
    int run() {
        while (!collected_.complete()) {
            const auto look_again = crew::clock::now() + std::chrono::seconds(1);
            if (const auto result = in_.take_until(std::min(crew_.next_kill(), look_again)))
                collected_.add(*result);
            else if (in_.why() != noria::outcome::interrupted && in_.why() != noria::outcome::timed_out)
                throw std::runtime_error(in_.error_text());
            else if (lost()) {
                say("wordcount", "a block was lost: all were sent and released, and one has no result");
                return failed;
            }
            if (interruptions_.caught() != 0) break;
            if (interruptions_.child_ended()) {
                if (const auto status = crew_.look()) return *status;
            }
            if (crew::clock::now() >= crew_.next_kill()) {
                if (all_at_work())
                    crew_.kill_one();
                else
                    crew_.spare_all();
            }
            if (progress_.due()) progress_.show(amount_done());
        }
        return done;
    }

    // Shows and returns what was done in all.
    amount finish() {
        const amount in_all = amount_done();
        progress_.finish(in_all);
        return in_all;
    }

private:
    // Each process of the crew has attached. On a busy machine a process needs longer to start than there is between two
    // kills; killed at birth again and again, the crew would do no work.
    [[nodiscard]] bool all_at_work() const {
        const auto alive = std::ranges::count_if(blocks_.look().roster, [](const auto& each) { return each.alive; });
        return static_cast<std::size_t>(alive) >= crew_.running();
    }

    // A worker releases a block when its result is there. So when the reader is done, and no block is in the queue or in
    // anybody's hands, every result has come or will never come. Never true of a queue that keeps its promises.
    [[nodiscard]] bool lost() const {
        if (!crew_.reader_is_done()) return false;
        const noria::snapshot blocks = blocks_.look();
        return blocks.depth == 0 && blocks.in_hand.empty() && results_.look().depth == 0;
    }

    [[nodiscard]] amount amount_done() const {
        const noria::counters blocks = blocks_.look().counters;
        const noria::counters results = results_.look().counters;
        return {.bytes = collected_.text_bytes(),
                .messages = blocks.received + results.received,
                .killed_workers = crew_.killed_workers(),
                .killed_readers = crew_.killed_readers(),
                .redelivered = blocks.redelivered,
                .repeats = collected_.repeats(),
                .skipped = blocks.skipped + results.skipped};
    }

    // Its first endpoint leaves at once: those who work on it wait for others, and hear of no end.
    static noria::observer make_blocks(const std::string& path) {
        (void)queue::producer::create(path, block_queue());
        return noria::observer(path);
    }

    // In this order: the crew goes first, and the place, with its files, last.
    run_place place_;
    queue::consumer in_;
    signals<queue::consumer> interruptions_;
    noria::observer blocks_;
    noria::observer results_;
    collector& collected_;
    progress progress_;
    crew crew_;
};

}  // namespace

int count(const std::filesystem::path& place, const crew_plan& plan, const std::vector<input>& inputs,
          collector& collected, amount& in_all) {
    int status = done;
    {
        job counting(place, plan, inputs, collected);
        status = counting.run();
        if (collected.complete()) in_all = counting.finish();
    }
    if (const int signal = signals<queue::consumer>::caught()) {
        say("wordcount", fmt::format("stopped by signal {} ({})", signal, strsignal(signal)));
        return signalled + signal;
    }
    return status;
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
