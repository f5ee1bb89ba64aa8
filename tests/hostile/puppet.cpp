// puppet.cpp: ptrace, for x86-64.
#include "puppet.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace noria::hostile {

namespace {

// So long that something must be broken: a scene takes a millisecond.
constexpr unsigned patience_seconds = 20;

// Whom the alarm ends, and whether it has.
volatile pid_t watched = 0;
volatile sig_atomic_t ended = 0;

void on_alarm(int /*signal*/) {
    ended = 1;
    kill(watched, SIGKILL);
}

void halt() {
#if defined(__x86_64__)
    asm volatile("int3" ::: "memory");
#endif
}

long traced(long result) {
    if (result == -1) throw std::runtime_error("hostile: ptrace failed");
    return result;
}

// Changes one byte of the victim's code; its page becomes the victim's own.
std::uint8_t exchange_byte(pid_t pid, std::uint64_t address, std::uint8_t byte) {
    errno = 0;
    const long word = ptrace(PTRACE_PEEKTEXT, pid, address, nullptr);
    if (errno != 0) throw std::runtime_error("hostile: no code there");
    const auto before = static_cast<std::uint8_t>(word & 0xff);
    traced(ptrace(PTRACE_POKETEXT, pid, address, (word & ~0xffL) | byte));
    return before;
}

constexpr std::uint8_t breakpoint = 0xcc;  // int3

}  // namespace

puppet::puppet(const std::function<std::vector<scene>()>& troupe) {
    struct sigaction alarmed = {};
    alarmed.sa_handler = on_alarm;
    alarmed.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &alarmed, nullptr);
    page_->now = stage::after;
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("hostile: fork failed");
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            const auto scenes = troupe();
            if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0) play(scenes, *page_);
        } catch (...) {  // the status says it
        }
        _exit(99);
    }
    if (!wait_for_stop()) throw std::runtime_error("hostile: the victim does not begin");
    traced(ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL));
}

puppet::~puppet() {
    if (!gone_) bury();
}

void puppet::play(const std::vector<scene>& scenes, orders& page) {
    for (;;) {
        page.now = stage::before;
        halt();
        const scene& one = scenes.at(page.which);
        one.prepare();
        page.now = stage::verb;
        halt();
        one.verb();
        page.now = stage::after;
        one.finish();
    }
}

bool puppet::begin(std::size_t which) {
    page_->which = which;
    return resume(way::run);
}

bool puppet::run_to(std::uint64_t address, std::uint32_t visit) {
    for (;; --visit) {
        const std::uint8_t genuine = exchange_byte(pid_, address, breakpoint);
        if (!resume(way::run)) return false;
        exchange_byte(pid_, address, genuine);
        if (instruction() == address + 1) go_back_to(address);
        if (page_->now != stage::verb) return false;
        if (visit == 0) return true;
        if (!step()) return false;
    }
}

bool puppet::step() { return resume(way::single_step) && page_->now == stage::verb; }

bool puppet::finish() {
    while (!at_the_start()) {
        if (!resume(way::run)) return false;
    }
    return true;
}

bool puppet::resume(way how) {
    // Somebody else's stop or continuation is none of the victim's doings.
    do {
        traced(ptrace(how == way::run ? PTRACE_CONT : PTRACE_SINGLESTEP, pid_, nullptr, nullptr));
        (void)wait_for_stop();
    } while (!gone_ && (stopped_by_ == SIGSTOP || stopped_by_ == SIGCONT));
    return !gone_;
}

bool puppet::wait_for_stop() {
    watched = pid_;
    ended = 0;
    alarm(patience_seconds);
    int status = 0;
    while (waitpid(pid_, &status, __WALL) < 0) {
        if (errno != EINTR) throw std::runtime_error("hostile: waitpid failed");
    }
    alarm(0);
    stopped_by_ = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
    if (stopped_by_ == SIGTRAP || stopped_by_ == SIGSTOP || stopped_by_ == SIGCONT) return true;
    gone_ = true;
    hung_ = ended != 0;
    if (WIFEXITED(status)) {
        how_ = {.exit_status = WEXITSTATUS(status), .signal = 0};
        return false;
    }
    how_ = {.exit_status = -1, .signal = WIFSTOPPED(status) ? WSTOPSIG(status) : WTERMSIG(status)};
    if (WIFSTOPPED(status)) bury();
    return false;
}

void puppet::bury() const {
    kill(pid_, SIGKILL);
    int status = 0;
    do {
        while (waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
        }
    } while (WIFSTOPPED(status));
}

#if defined(__x86_64__)
std::uint64_t puppet::instruction() const {
    user_regs_struct registers{};
    traced(ptrace(PTRACE_GETREGS, pid_, nullptr, &registers));
    return registers.rip;
}
void puppet::go_back_to(std::uint64_t instruction) const {
    user_regs_struct registers{};
    traced(ptrace(PTRACE_GETREGS, pid_, nullptr, &registers));
    registers.rip = instruction;
    traced(ptrace(PTRACE_SETREGS, pid_, nullptr, &registers));
}
#else
std::uint64_t puppet::instruction() const { return 0; }
void puppet::go_back_to(std::uint64_t) const {}
#endif

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
