// puppet.hpp: a traced process that plays scenes over and over, to be halted before any instruction of a verb.
//
// The victim halts by itself (a breakpoint instruction in its own code) before the stage is set and before the verb;
// the harness then puts a breakpoint of its own on the instruction in question, or takes single steps. Whatever else
// stops it is a signal that it should never have got.
#pragma once

#include "rig/child.hpp"
#include "rig/shared_page.hpp"
#include "scenes.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace noria::hostile {

class puppet {
public:
    // Forks the victim; it stands before its first scene.
    explicit puppet(const std::function<std::vector<scene>()>& troupe);
    ~puppet();
    puppet(const puppet&) = delete;
    puppet& operator=(const puppet&) = delete;

    // Sets the stage and lets the victim run to the verb's beginning. False: it is gone.
    bool begin(std::size_t which);

    // Lets it run until it is about to execute that instruction for the so-manieth time. False: it never was: it has
    // played the scene to its end and stands before the next, or is gone.
    bool run_to(std::uint64_t instruction, std::uint32_t visit);

    // One instruction. False: the scene is over, or the victim is gone.
    bool step();

    // Lets it play the scene to its end. False: it is gone.
    bool finish();

    [[nodiscard]] bool gone() const noexcept { return gone_; }
    [[nodiscard]] const rig::fate& how() const noexcept { return how_; }
    // It was killed because it did not come to an end, for so long that something must be broken.
    [[nodiscard]] bool hung() const noexcept { return hung_; }

private:
    enum class stage : std::uint32_t { before, verb, after };
    struct orders {
        std::uint64_t which;
        stage now;
    };
    enum class way { run, single_step };

    bool resume(way how);
    bool wait_for_stop();
    void bury() const;
    bool at_the_start() const noexcept { return !gone_ && page_->now == stage::before; }
    [[nodiscard]] std::uint64_t instruction() const;
    void go_back_to(std::uint64_t instruction) const;
    [[noreturn]] static void play(const std::vector<scene>& scenes, orders& page);

    rig::shared_page<orders> page_;
    pid_t pid_ = 0;
    int stopped_by_ = 0;
    bool gone_ = false;
    bool hung_ = false;
    rig::fate how_;
};

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
