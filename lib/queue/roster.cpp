// roster.cpp: attaching to and leaving the roster, and asking it who lives.
#include "noria/queue/roster.hpp"

#include "noria/core/atomics.hpp"
#include "noria/core/printable.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/os/process.hpp"
#include "noria/queue/crowd.hpp"
#include "noria/queue/recovery.hpp"
#include "noria/sync/event_count.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace noria::inline v1::queue {

namespace {

std::uint64_t role_lock(role one) noexcept { return layout::role_lock_base + static_cast<std::uint64_t>(one); }
std::uint64_t entry_lock(role one) noexcept { return layout::lock_base + entry_of(one); }
std::string_view word_for(role one) noexcept { return one == role::producer ? "producer" : "consumer"; }

// Somebody holds a lock that we need, but no endpoint does: it attaches, leaves, recovers, or removes the file.
failure passed_by(const queue_file& file, role wanted) {
    return refuse(file.path(), errc::role_taken,
                  fmt::format("found the {}'s role in the hands of a process that is just attaching, leaving or "
                              "recovering it, expected it free; try again",
                              word_for(wanted)));
}

failure held(const queue_file& file, role wanted) {
    const layout::roster_entry& entry = file.entry(entry_of(wanted));
    const std::string_view program(entry.program, strnlen(entry.program, sizeof entry.program));
    const os::process_identity self = os::this_process();
    const bool ours = load_relaxed(entry.pid) == self.pid && load_relaxed(entry.start_time) == self.start_time;
    return refuse(
        file.path(), errc::role_taken,
        fmt::format("found the {}'s role held by process {} ({}){}, expected it free; an spsc queue has one {}: "
                    "{}, or use another queue",
                    word_for(wanted), load_relaxed(entry.pid), printable(program),
                    ours ? ", which is this process itself" : "", word_for(wanted),
                    ours ? "close that endpoint first" : "stop that process"));
}

// 0, or EAGAIN, or what keeps locks from working here.
failure try_lock(queue_file& file, std::uint64_t lock, int& error) {
    error = file.locks().take(lock);
    if (error == 0 || error == EAGAIN) return {};
    return refuse_lock(file, error);
}

// If the lock that is in our way is one that no endpoint takes.
failure foreign_lock_on(queue_file& file, std::uint64_t byte, role wanted) {
    const os::lock_report lock = file.locks().ask(byte);
    if (lock.owner != os::lock_owner::foreign) return {};
    return refuse_foreign_lock(file.path(), errc::foreign_lock, lock.lock,
                               fmt::format("the {}'s role", word_for(wanted)));
}

sync::event_count event(queue_file& file, role sleeper) noexcept {
    return sync::event_count(event_of(file.words(), sleeper));
}

}  // namespace

layout::stream_line& stream_of(layout::queue_words& words, role one) noexcept {
    return one == role::producer ? words.producers : words.consumers;
}

layout::event_line& event_of(layout::queue_words& words, role one) noexcept {
    return one == role::producer ? words.producers_event : words.consumers_event;
}

failure refuse_lock(const queue_file& file, int error) {
    return refuse(file.path(), errc::system,
                  fmt::format("could not take a lock: found {} (errno {}), expected success; does the file system keep "
                              "open-file-description locks?",
                              os::words_for(error), error));
}

failure take_role(queue_file& file, role wanted, bool& passing) {
    if (file.is_mpmc()) return join_crowd(file, wanted, passing);
    file.settle_at(entry_of(wanted), role_lock(wanted));
    passing = false;
    int error = 0;
    if (auto failed = try_lock(file, role_lock(wanted), error)) return failed;
    if (error == EAGAIN) {
        if (auto failed = foreign_lock_on(file, role_lock(wanted), wanted)) return failed;
        passing =
            load_acquire(file.entry(entry_of(wanted)).state) != layout::entry_alive;  // E1: else the record is good
        return passing ? passed_by(file, wanted) : held(file, wanted);
    }
    // The role is ours. Its entry may still be in the hands of somebody who recovers it; never in an inhabitant's.
    if (auto failed = try_lock(file, entry_lock(wanted), error)) return failed;
    if (error == EAGAIN) {
        if (auto failed = foreign_lock_on(file, entry_lock(wanted), wanted)) return failed;
        passing = true;
        return passed_by(file, wanted);
    }
    // E1, and we hold the entry's lock: a record that is alive is a dead one's.
    if (load_acquire(file.entry(entry_of(wanted)).state) == layout::entry_alive && !recover(file, wanted)) {
        passing = true;
        return passed_by(file, wanted);
    }
    return {};
}

std::uint64_t move_in(queue_file& file, role taken, std::uint64_t position, std::uint64_t messages) noexcept {
    layout::roster_entry& entry = file.entry(file.self());
    layout::stream_line& stream = stream_of(file.words(), taken);
    const os::process_identity self = os::this_process();
    const std::uint64_t generation = load_relaxed(stream.generation) + 1;  // ours to raise: we hold the role
    // Relaxed throughout: observers may see a mixture, which the release of `state` ends.
    store_relaxed(entry.journal_valid, std::uint32_t{0});  // E2
    store_relaxed(entry.recoverer, std::uint32_t{0});      // E3
    store_relaxed(entry.role, static_cast<std::uint32_t>(taken));
    store_relaxed(entry.incarnation, generation);
    store_relaxed(entry.pid, self.pid);
    store_relaxed(entry.start_time, self.start_time);
    store_relaxed(entry.first_position, position);
    store_relaxed(entry.first_message, messages);
    std::copy(self.program.begin(), self.program.end(), entry.program);
    if (file.is_mpmc()) return show_in_crowd(file, taken);
    store_relaxed(stream.generation, generation);  // before alive, by [S3]: a death in between has used up the number
    store_release(entry.state, layout::entry_alive);  // [S3] release -> [S4] in inhabited: the record, before alive
    if (taken == role::consumer) event(file, role::producer).ring();
    return generation;
}

void move_out(queue_file& file, role held) noexcept {
    if (file.is_mpmc()) return leave_crowd(file, held);
    layout::roster_entry& entry = file.entry(entry_of(held));
    // [S5] release -> [S6] in endpoint::survey: all that we sent, before the end that comes after it.
    store_release(stream_of(file.words(), held).ended, load_relaxed(entry.incarnation));
    store_release(entry.state,
                  layout::entry_free);  // [S7] release -> [S4] in inhabited: the end, before nobody is there
    event(file, other(held)).rouse();   // we are on the roster no more
    // The destructor of the file drops the locks, after all stores.
}

bool died_last(const queue_file& file, role asked, std::uint64_t number) noexcept {
    const layout::stream_line& stream = stream_of(file.words(), asked);
    // [S2] acquire <- [S1] in recover and recover_entry: whoever sees a death sees the record that it was alive by.
    const std::uint64_t died = load_acquire(stream.died);
    return died == (file.is_mpmc() ? load_relaxed(stream.generation) + 1 : number);
}

presence inhabited(queue_file& file, role asked, bool probe) noexcept {
    if (file.is_mpmc()) return crowd_has(file, asked, probe);
    const std::uint64_t index = entry_of(asked);
    if (probe) (void)bury(file, index);
    if (!is_alive(file, index)) return presence::none;
    return file.locks().is_blocked(index) ? presence::blocked : presence::some;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
