// scene.hpp: what the process tests share: a numbered message and its queue, the usual moves, and how they fail.
#pragma once

#include "noria/inspect.hpp"
#include "noria/spsc.hpp"
#include "rig/child.hpp"

#include <sys/syscall.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <stdexcept>
#include <string>

// For Boost.Test, which prints what it compares.
namespace noria::rig {
inline std::ostream& operator<<(std::ostream& out, const fate& how) {
    return how.signal != 0 ? out << "killed by signal " << how.signal : out << "left with status " << how.exit_status;
}
}  // namespace noria::rig
namespace noria::inline v1 {
inline std::ostream& operator<<(std::ostream& out, outcome how) { return out << name(how); }
inline std::ostream& operator<<(std::ostream& out, end how) { return out << name(how); }
}  // namespace noria::inline v1

namespace scene {

using namespace std::chrono_literals;
namespace rig = noria::rig;

// Torn in the middle, it would not be whole().
struct numbered {
    std::uint64_t number;
    std::uint64_t filling[5];
    std::uint64_t complement;
};
using numbers = noria::spsc<numbered>;
using texts = noria::spsc<noria::bytes>;

inline numbered number(std::uint64_t n) noexcept { return {.number = n, .filling = {n, n, n, n, n}, .complement = ~n}; }
inline bool whole(const numbered& message) noexcept {
    for (const std::uint64_t each : message.filling) {
        if (each != message.number) return false;
    }
    return message.complement == ~message.number;
}

// So long that something must be broken: no promise is proved by it.
constexpr auto patience = 60s;
// Long enough for a wait to be asleep and awake several times; nothing is proved by it being short.
constexpr auto a_while = 120ms;
// For openings that are to be refused at once.
constexpr noria::options refused_at_once{.wait_for_role = 0ns};

// A place in the source: std::source_location, which clang 14 does not have.
struct spot {
    const char* file;
    int line;
    static constexpr spot here(const char* in = __builtin_FILE(), int at = __builtin_LINE()) { return {in, at}; }
};

// For tests and for their children alike: a child that throws leaves with status 99.
inline void insist(bool holds, const char* what, spot where = spot::here()) {
    if (holds) return;
    const std::string text =
        std::string(where.file) + ":" + std::to_string(where.line) + ": it does not hold that " + what;
    std::fprintf(stderr, "%s\n", text.c_str());
    throw std::runtime_error(text);
}

constexpr rig::fate well{.exit_status = 0, .signal = 0};
constexpr rig::fate killed{.exit_status = -1, .signal = SIGKILL};

// Pushes the messages numbered from `first` to before `end`, waiting where the queue is full.
inline void send(numbers::producer& out, std::uint64_t first, std::uint64_t end, spot where = spot::here()) {
    for (std::uint64_t n = first; n != end; ++n) insist(out.push_for(number(n), patience), "the push succeeds", where);
}

// Pops the messages numbered from `first` to before `end`, each for the first time.
inline void receive(numbers::consumer& in, std::uint64_t first, std::uint64_t end, spot where = spot::here()) {
    for (std::uint64_t n = first; n != end; ++n) {
        const auto got = in.pop_for(patience);
        insist(static_cast<bool>(got), "there is a message", where);
        insist(whole(*got), "the message is whole", where);
        insist(got->number == n, "the messages come in order", where);
        insist(got.deliveries() == 1, "the message comes for the first time", where);
    }
}

// The stream ends now, in this way.
template <class Consumer>
void hear_end(Consumer& in, noria::end how, spot where = spot::here()) {
    insist(!in.pop_for(patience), "there is no further message", where);
    insist(in.why() == noria::outcome::ended, "the stream has ended", where);
    insist(in.ended() == how, "the stream has ended in that way", where);
}

inline void await_sleep(const rig::child& process) {
    insist(rig::eventually([&] { return rig::sleeps_in_futex(process.pid()); }), "the process falls asleep");
}

// Nothing more to do until the parent kills this child.
[[noreturn]] inline void wait_for_death() {
    for (;;) pause();
}

}  // namespace scene

// SPDX-License-Identifier: BSL-1.0
