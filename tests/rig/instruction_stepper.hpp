// instruction_stepper.hpp: a child whose every instruction is a place to stop at, to look, and to die.
//
// The child's code calls mark() where the part to be stepped begins and where it ends. A first child is stepped through
// and leaves its path: the address of each instruction. Later children are brought to any place of that path quickly, by
// a breakpoint, for a step costs tens of microseconds; that they are there is checked by the address. So the path must be
// the same every time: addresses not randomised (stand_still()), clock and /proc held still (crash/still_world.hpp).
//
// A system call is one instruction: one place before it and one after. One that sleeps is a place of its own: the parent
// is told, may wake the child or kill it in its sleep. `rep movs` stops between any two of its moves.
#pragma once

#include "rig/child.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace noria::rig {

// Where the stepped part of a child begins and ends: an instruction that stops it by a signal of its own.
inline void mark() noexcept { asm volatile("ud2" ::: "memory"); }
constexpr std::uint64_t mark_bytes = 2;

// Begins this program anew with addresses that are the same in every run, and with every symbol resolved from the start:
// the loader would do that at a function's first call, in thousands of instructions. Returns when it is so.
inline void stand_still(char** argv) {
    const int now = personality(0xffffffff);
    if ((now & ADDR_NO_RANDOMIZE) != 0) return;
    if (personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) < 0)
        throw std::runtime_error("rig: personality failed");
    setenv("LD_BIND_NOW", "1", 1);
    execv("/proc/self/exe", argv);
    throw std::runtime_error("rig: this program cannot be begun anew (is /proc missing?)");
}

// From here on this process and its children run on that processor alone: a step then needs no other to wake up.
inline void pin_to(int processor) noexcept {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(processor), &one);
    (void)sched_setaffinity(0, sizeof one, &one);  // elsewhere it is slower, and as right
}

// One place in the stepped part: before the instruction of that number; or asleep in it.
struct place {
    std::size_t index = 0;
    bool asleep = false;
    friend bool operator==(const place&, const place&) = default;
};

// The way through the stepped part.
struct path {
    std::vector<std::uint64_t> address;  // of each instruction
    std::vector<std::size_t> sleeps;     // the numbers of those in which the child slept
    std::vector<std::size_t> calls;      // the numbers of the system calls

    // Every place, in order; the last is behind the last instruction.
    [[nodiscard]] std::vector<place> places() const {
        std::vector<place> all;
        for (std::size_t i = 0; i <= address.size(); ++i) {
            all.push_back({i, false});
            if (std::binary_search(sleeps.begin(), sleeps.end(), i)) all.push_back({i, true});
        }
        return all;
    }
};

// The child did not come by where an earlier one did: somebody else's doing made it go another way.
struct went_another_way : std::runtime_error {
    went_another_way() : std::runtime_error("rig: the child went another way than the first one") {}
};

class instruction_stepper {
public:
    enum class at { instruction, end, asleep, gone };

    // Forks a child that runs the body, and lets it run to its first mark.
    explicit instruction_stepper(const std::function<void()>& body) {
        pid_ = fork();
        if (pid_ < 0) throw std::runtime_error("rig: fork failed");
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(97);
            try {
                run_on_fixed_stack(body);
            } catch (const std::exception& thrown) {
                static_cast<void>(std::fprintf(stderr, "rig: a stepped child threw: %s\n", thrown.what()));
                _exit(99);
            }
            _exit(0);
        }
        if (wait_for_stop() != at::end) throw std::runtime_error("rig: the child left before its first mark");
        set_address(address() + mark_bytes);
    }
    ~instruction_stepper() { kill(); }
    instruction_stepper(const instruction_stepper&) = delete;
    instruction_stepper& operator=(const instruction_stepper&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    // From here on, in this process and those it forks: that function is one instruction, from its first to its return. It
    // is to be one that computes and stores nothing that anybody else sees.
    static void take_for_one(std::uintptr_t function) noexcept { taken_for_one_ = function; }

    // One instruction further; or into a sleep, or out of it if somebody has woken the child.
    at step() {
        if (!asleep_) {
            const std::uint64_t here = address();
            if (here == taken_for_one_) {
                run_to_hit(return_address(), 1);
                return at::instruction;
            }
            const bool may_sleep = before_wait(here);
            resume(PTRACE_SINGLESTEP);
            if (may_sleep && falls_asleep()) return at::asleep;
        }
        asleep_ = false;
        return wait_for_stop();
    }

    // Steps to the second mark. `watch` is called at each place, `wake` in each sleep.
    path walk(const std::function<void(place)>& watch, const std::function<void()>& wake) {
        path way;
        for (;;) {
            const std::size_t index = way.address.size();
            watch({index, false});
            const std::uint64_t here = address();
            if (code_at(here) == code_of_mark) return way;
            if (code_at(here) == code_of_call) way.calls.push_back(index);
            way.address.push_back(here);
            at now = step();
            if (now == at::asleep) {
                way.sleeps.push_back(index);
                watch({index, true});
                wake();
                now = step();
            }
            if (now == at::gone) throw std::runtime_error("rig: the child left between its marks");
        }
    }

    // From the first mark straight to that place. Throws went_another_way if the child does not come by.
    void run_to(const path& way, place goal, const std::function<void()>& wake) {
        std::size_t begin = 0;
        for (const std::size_t sleep : way.sleeps) {
            if (sleep > goal.index || (sleep == goal.index && !goal.asleep)) break;
            run(way, begin, sleep);
            if (step() != at::asleep) throw went_another_way();
            if (sleep == goal.index) return;
            wake();
            (void)step();
            begin = sleep + 1;
        }
        run(way, begin, goal.index);
        const bool there = goal.index == way.address.size() ? code_at(address()) == code_of_mark
                                                            : address() == way.address[goal.index];
        if (!there) throw went_another_way();
    }

    // So many instructions from the first mark on, whatever the way; not past the second mark.
    void step_up_to(std::size_t instructions, const std::function<void()>& wake) {
        for (std::size_t i = 0; i < instructions && !at_mark(); ++i) {
            if (step() != at::asleep) continue;
            wake();
            (void)step();
        }
    }

    // Runs without a stop to the second mark, or until it sleeps; called again, on from there if somebody has woken it.
    at run_on() {
        if (!asleep_) resume(PTRACE_CONT);
        for (;;) {
            if (falls_asleep()) return at::asleep;
            asleep_ = false;
            const at now = wait_for_stop();
            if (now != at::instruction) return now;
            resume(PTRACE_CONT);
        }
    }

    // Whether it stands at the second mark; whether it sleeps, and nobody has woken it.
    [[nodiscard]] bool at_mark() const { return !asleep_ && code_at(address()) == code_of_mark; }
    [[nodiscard]] bool sleeps_on() { return asleep_ && falls_asleep(); }

    // Whether it stands before a sleep that ends by the clock.
    [[nodiscard]] bool before_nap() const { return before_wait(address()) && peek_user(offsetof(user, regs.r10)) != 0; }

    // The number of the system call that it stands before, or -1.
    [[nodiscard]] long call_ahead() const {
        return code_at(address()) == code_of_call ? static_cast<long>(peek_user(offsetof(user, regs.rax))) : -1;
    }

    // Without a way: past so many entries to or exits from the kernel, and then so many instructions; not past the second
    // mark, and not into a sleep.
    void wander(std::size_t crossings, std::size_t instructions) {
        at now = at::instruction;
        for (std::size_t i = 0; i < crossings && now == at::instruction; ++i) {
            resume(PTRACE_SYSCALL);
            now = wait_for_stop();
        }
        for (std::size_t i = 0; i < instructions && now == at::instruction && code_at(address()) != code_of_mark; ++i)
            now = step();
    }

    // Ends it where it stands, and back when the kernel has buried it: its locks are free.
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        int status = 0;
        do {
            while (waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
            }
        } while (WIFSTOPPED(status));
        pid_ = 0;
    }

    // Lets it run, unwatched, to its end or to a death of its own. Call it behind the second mark.
    fate finish() {
        set_address(address() + mark_bytes);
        ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        if (WIFSIGNALED(status)) return {.exit_status = -1, .signal = WTERMSIG(status)};
        return {.exit_status = WEXITSTATUS(status), .signal = 0};
    }

    // The registers where it stands.
    [[nodiscard]] user_regs_struct registers() const {
        user_regs_struct all{};
        if (::ptrace(PTRACE_GETREGS, pid_, nullptr, &all) != 0) throw std::runtime_error("rig: ptrace failed");
        return all;
    }
    [[nodiscard]] std::uint64_t address() const { return peek_user(offsetof(user, regs.rip)); }

private:
    // How memory is copied or compared depends on where it stands; so the body's frames stand at the same addresses
    // however deep in the parent's the child was forked (up to a megabyte).
    [[gnu::noinline]] static void run_on_fixed_stack(const std::function<void()>& body) {
        constexpr std::uintptr_t megabyte = std::uintptr_t{1} << 20;
        const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        auto* const passed_over = static_cast<volatile char*>(__builtin_alloca(here % megabyte + megabyte));
        *passed_over = 0;
        body();
    }

    static constexpr std::uint16_t code_of_mark = 0x0b0f;
    static constexpr std::uint16_t code_of_call = 0x050f;
    static constexpr std::uint8_t code_of_break = 0xcc;

    // The child was forked from this process: its code is ours, at the same address.
    static std::uint16_t code_at(std::uint64_t address) noexcept {
        std::uint16_t code = 0;
        std::memcpy(&code, reinterpret_cast<const void*>(address), sizeof code);
        return code;
    }

    [[nodiscard]] std::uint64_t peek_user(std::size_t offset) const {
        errno = 0;
        const long word = ::ptrace(PTRACE_PEEKUSER, pid_, offset, nullptr);
        if (errno != 0) throw std::runtime_error("rig: ptrace failed");
        return static_cast<std::uint64_t>(word);
    }
    void set_address(std::uint64_t address) const {
        if (::ptrace(PTRACE_POKEUSER, pid_, offsetof(user, regs.rip), address) != 0)
            throw std::runtime_error("rig: ptrace failed");
    }
    // Whether it stands before a call to the kernel in which it may sleep.
    [[nodiscard]] bool before_wait(std::uint64_t here) const {
        return code_at(here) == code_of_call && peek_user(offsetof(user, regs.rax)) == SYS_futex &&
               (peek_user(offsetof(user, regs.rsi)) & 0x7f) == 9;  // FUTEX_WAIT_BITSET, shared or private
    }
    // True: it sleeps in the kernel. False: it came back at once and stands again, which wait_for_stop() will see.
    bool falls_asleep() {
        for (;;) {
            siginfo_t stopped{};
            if (waitid(P_PID, static_cast<id_t>(pid_), &stopped, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) == 0 &&
                stopped.si_pid == pid_)
                return false;
            if (sleeps_in_futex(pid_)) return asleep_ = true;
            sched_yield();
        }
    }

    void resume(int how) const {
        if (::ptrace(static_cast<__ptrace_request>(how), pid_, nullptr, nullptr) != 0)
            throw std::runtime_error("rig: ptrace failed");
    }
    at wait_for_stop() {
        int status = 0;
        while (waitpid(pid_, &status, __WALL) < 0) {
            if (errno != EINTR) throw std::runtime_error("rig: waitpid failed");
        }
        if (!WIFSTOPPED(status)) {
            pid_ = 0;
            return at::gone;
        }
        if (WSTOPSIG(status) == SIGILL) return at::end;
        if (WSTOPSIG(status) != SIGTRAP)
            throw std::runtime_error("rig: the child was stopped by signal " + std::to_string(WSTOPSIG(status)));
        return at::instruction;
    }

    // From the place `begin` to the place `goal`, between which the child does not sleep. What is taken for one
    // instruction is passed by a step: a breakpoint elsewhere might be met in it.
    void run(const path& way, std::size_t begin, std::size_t goal) {
        for (std::size_t i = begin; i < goal && taken_for_one_ != 0; ++i) {
            if (way.address[i] != taken_for_one_) continue;
            run_straight(way, begin, i);
            (void)step();
            begin = i + 1;
        }
        run_straight(way, begin, goal);
    }

    // By a breakpoint where that costs less than stepping. The breakpoint may stand before the goal, where the child comes
    // by less often.
    void run_straight(const path& way, std::size_t begin, std::size_t goal) {
        constexpr std::size_t steps_per_hit = 4;  // what a hit costs, counted in steps
        const auto stretch = way.address.begin() + static_cast<std::ptrdiff_t>(begin);
        std::size_t best = begin;
        std::size_t best_cost = goal - begin;
        std::size_t best_hits = 0;
        for (std::size_t from = goal; from > begin && goal - from < best_cost; --from) {
            if (from == way.address.size()) continue;
            const std::uint64_t address = way.address[from];
            if (address == way.address[from - 1]) continue;  // in the middle of a rep movs
            std::size_t hits = 0;
            std::uint64_t before = 0;
            for (auto each = stretch; each != way.address.begin() + static_cast<std::ptrdiff_t>(from) + 1;
                 before = *each++)
                hits += *each == address && before != address ? 1 : 0;
            const std::size_t cost = hits * steps_per_hit + (goal - from);
            if (cost < best_cost) {
                best = from;
                best_cost = cost;
                best_hits = hits;
            }
        }
        if (best_hits != 0) run_to_hit(way.address[best], best_hits);
        for (std::size_t i = best; i < goal; ++i) (void)step();
    }

    // Runs until it stands at that address for the n-th time; standing there at the outset counts as the first.
    void run_to_hit(std::uint64_t address, std::size_t hits) {
        errno = 0;
        const long code = ::ptrace(PTRACE_PEEKTEXT, pid_, address, nullptr);
        if (errno != 0) throw std::runtime_error("rig: ptrace failed");
        const long broken = (code & ~0xffL) | code_of_break;
        for (std::size_t hit = this->address() == address ? 1 : 0; hit < hits; ++hit) {
            while (this->address() == address) (void)step();  // over it, all of it
            poke_text(address, broken);
            resume(PTRACE_CONT);
            if (wait_for_stop() != at::instruction || this->address() != address + 1) throw went_another_way();
            poke_text(address, code);
            set_address(address);
        }
    }
    // On the stack, where a function begins.
    [[nodiscard]] std::uint64_t return_address() const {
        errno = 0;
        const long word = ::ptrace(PTRACE_PEEKDATA, pid_, peek_user(offsetof(user, regs.rsp)), nullptr);
        if (errno != 0) throw std::runtime_error("rig: ptrace failed");
        return static_cast<std::uint64_t>(word);
    }
    void poke_text(std::uint64_t address, long code) const {
        if (::ptrace(PTRACE_POKETEXT, pid_, address, code) != 0) throw std::runtime_error("rig: ptrace failed");
    }

    static inline std::uintptr_t taken_for_one_ = 0;

    pid_t pid_ = 0;
    bool asleep_ = false;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
