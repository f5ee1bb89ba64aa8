// crew.hpp: one reader and some workers, of whom one is killed now and then, and started again.
#pragma once

#include "inputs.hpp"
#include "role_process.hpp"
#include "run_place.hpp"
#include "temporary_text.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace wordcount {

struct crew_plan {
    std::size_t workers = 4;
    std::chrono::milliseconds kill_every{200};  // in the mean
    bool kills = true;
    std::uint64_t seed = 0;  // of who is killed, and when
    // For tests, from 1; 0: none.
    std::uint64_t altered_block = 0;  // which one the reader falsifies
    std::uint64_t fatal_block = 0;    // whose worker dies, once, between sending the result and releasing the block
};

// None of them outlives this object.
class crew {
public:
    using clock = std::chrono::steady_clock;

    // Starts them. Throws std::system_error.
    crew(const crew_plan& plan, const run_place& place, const std::vector<input>& inputs);

    // When the next one is to be killed; without kills, never.
    [[nodiscard]] clock::time_point next_kill() const { return next_kill_; }

    // Kills one, whichever it is, and appoints the next time.
    void kill_one();
    // Sets the time of the next kill; no process is killed at this one.
    void spare_all() { next_kill_ = appointment(); }

    // How many processes there are.
    [[nodiscard]] std::size_t running() const;

    // To be called when a child has ended. Whoever was killed by SIGKILL, by us or anybody, is started again. Returns the
    // status to end with if one has failed: people have been told why.
    std::optional<int> look();

    // It has sent everything.
    [[nodiscard]] bool reader_is_done() const { return !people_.front()->running(); }

    [[nodiscard]] std::uint64_t killed_readers() const { return killed_readers_; }
    [[nodiscard]] std::uint64_t killed_workers() const { return killed_workers_; }

private:
    [[nodiscard]] clock::time_point appointment();

    const crew_plan plan_;
    std::mt19937_64 random_;
    temporary_text list_;
    std::vector<std::unique_ptr<role_process>> people_;  // the reader first
    clock::time_point next_kill_;
    std::uint64_t killed_readers_ = 0;
    std::uint64_t killed_workers_ = 0;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
