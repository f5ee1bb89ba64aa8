// roster_entry.hpp: one inhabitant of the file: who it is, since when, and how far the recovery from its death has come.
//
// Written by    the endpoint that holds the lock on the entry's byte, be it the inhabitant or, after its death, the one
//               that recovers from it. Whoever gets that lock while the state is alive has the proof of death.
// Invariants    E1  state is alive from after the entry is filled in until the inhabitant has left or been recovered.
//               E2  journal_valid is 1 from the moment when a recovery knows all targets until the next inhabitant; the
//                   targets are absolute, so that storing them twice, after a second death, is storing them once.
//               E3  recoverer is not 0 only after the inhabitant has died: it names the last process that began to recover it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace noria::inline v1::layout {

constexpr std::uint32_t entry_free = 0;
constexpr std::uint32_t entry_alive = 1;

constexpr std::uint32_t role_producer = 1;
constexpr std::uint32_t role_consumer = 2;

// An endpoint's life is a write lock on one byte, far beyond the end of any file: [lock_base + entry index] for the
// entry, [role_lock_base + role] for a role that must be single. The kernel releases them at death, and only then.
constexpr std::uint64_t lock_base = std::uint64_t{1} << 62;
constexpr std::uint64_t role_lock_base = lock_base + 8192;
constexpr std::uint64_t birth_lock = lock_base + 8200;  // held on a file that is being made under a temporary name
constexpr std::uint64_t lock_range_bytes = 16384;       // remove() takes it whole
// Of these bytes an endpoint that attaches locks one, drawn at random, for a moment: it finds out whether a mapping keeps
// locks on this file system. Such a lock means nothing to others.
constexpr std::uint64_t trial_lock_base = lock_base + (std::uint64_t{1} << 32);
constexpr std::uint64_t trial_lock_bytes = std::uint64_t{1} << 32;

struct roster_entry {
    std::uint32_t state;                // entry_free or entry_alive (E1)
    std::uint32_t role;                 // role_producer or role_consumer
    std::uint64_t incarnation;          // the number of this attach among all of its role (see stream::generation)
    std::uint64_t pid;                  // in the inhabitant's own PID namespace: for people to read, never as proof
    std::uint64_t start_time;           // ticks since boot, from /proc; 0: not known. For people to read
    std::uint64_t first_position;       // tail (producer) or head (consumer) when it attached
    std::uint64_t first_message;        // the number of messages sent or received when it attached
    char program[16];                   // its name, zero-padded: for people to read
    std::uint32_t journal_valid;        // 0 or 1 (E2)
    std::uint32_t recoverer;            // pid of the recovering process, in its own namespace: for people (E3); else 0
    std::uint64_t journal_seen;         // spsc: target of consumer_line::seen
    std::uint64_t journal_redelivered;  // target of consumer_line::redelivered; mpmc: of tally_line::redelivered
    std::uint64_t journal_deaths;       // target of stream::deaths; mpmc: of the tally's deaths in that role
    std::uint64_t journal_sent;         // mpmc: targets of the tally
    std::uint64_t journal_received;
    std::uint64_t journal_given_back;
    std::uint64_t journal_skipped;
};
static_assert(sizeof(roster_entry) == 128 && alignof(roster_entry) == 8, "one entry, one pair of lines");
static_assert(offsetof(roster_entry, incarnation) == 8 && offsetof(roster_entry, pid) == 16 &&
                  offsetof(roster_entry, start_time) == 24 && offsetof(roster_entry, first_position) == 32 &&
                  offsetof(roster_entry, first_message) == 40 && offsetof(roster_entry, program) == 48 &&
                  offsetof(roster_entry, journal_valid) == 64 && offsetof(roster_entry, recoverer) == 68 &&
                  offsetof(roster_entry, journal_seen) == 72 && offsetof(roster_entry, journal_redelivered) == 80 &&
                  offsetof(roster_entry, journal_deaths) == 88 && offsetof(roster_entry, journal_sent) == 96 &&
                  offsetof(roster_entry, journal_received) == 104 &&
                  offsetof(roster_entry, journal_given_back) == 112 && offsetof(roster_entry, journal_skipped) == 120,
              "FORMAT.md, the roster");

}  // namespace noria::inline v1::layout

// SPDX-License-Identifier: BSL-1.0
