// mutex_gate.cpp: waiting for the mutex, asking about its owner, and taking it from the dead.
#include "noria/queue/mutex_gate.hpp"

#include "noria/core/atomics.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/os/process.hpp"
#include "noria/queue/crowd.hpp"
#include "noria/ring/mutex_ring.hpp"

namespace noria::inline v1::queue {

namespace {

using sync::robust_mutex;

// Long enough that a living owner has left unless it is stopped, or waits for a processor; chosen by feel.
constexpr auto brief = std::chrono::milliseconds(1);

// M3: that owner is elsewhere, and the word names it all the same.
bool denies(const queue_file& file, std::uint32_t owner) noexcept {
    const ring::ring_view view = file.view();
    const std::uint64_t& tenure = view.tallies[owner - 1].tenure;
    const std::uint64_t before = load_acquire(tenure);  // [S1] acquire <- [S2] release in go: an older word is not seen
    // [S3] acquire <- [S4] an exchange in robust_mutex: a newer word is seen with a newer tenure
    const std::uint32_t word = load_acquire(view.mutual->line.owner);
    return before % 2 == 0 && (word & ~layout::mutex_contended) == owner && load_relaxed(tenure) == before;
}

// Who has that name, as the kernel says. The word is read again with the entry's lock in hand: nobody can take that name
// then, or give it up, but us.
robust_mutex::fate ask_about(void* context, std::uint32_t owner) noexcept {
    queue_file& file = *static_cast<queue_file*>(context);
    const std::uint64_t index = std::uint64_t{owner} - 1;
    if (owner == 0 || index >= file.header().roster_length || index == file.self()) return robust_mutex::fate::nobody;
    const auto unrecovered = [&](robust_mutex::fate otherwise) {
        return denies(file, owner) ? robust_mutex::fate::nobody : otherwise;
    };
    switch (file.locks().seek_proof(index)) {
        case entry_locks::proof::lives: return unrecovered(robust_mutex::fate::lives);
        case entry_locks::proof::blocked:
            return unrecovered(file.locks().is_blocked_for_long(index) ? robust_mutex::fate::blocked
                                                                       : robust_mutex::fate::lives);
        case entry_locks::proof::dead: break;
    }
    auto found = robust_mutex::fate::lives;  // it has left meanwhile: look again
    if (robust_mutex(file.view().mutual->line).owner() == owner) {
        if (!is_alive(file, index))
            found = robust_mutex::fate::nobody;
        else if (recover_inhabitant(file, index))
            found = robust_mutex::fate::buried;
    }
    file.locks().give_up(layout::lock_base + index);
    return found;
}

}  // namespace

void mutex_gate::attach(queue_file& file, std::chrono::nanoseconds spin) noexcept {
    mutex_ = robust_mutex(file.view().mutual->line);
    me_ = static_cast<std::uint32_t>(file.self() + 1);
    spin_ = spin;
    file_ = &file;
    tally_ = &file.view().tallies[file.self()];
    tenure_ = (load_relaxed(tally_->tenure) + 1) & ~std::uint64_t{1};  // relaxed: the entry is ours
    store_relaxed(tally_->tenure, tenure_);
}

mutex_gate::answer mutex_gate::wait(bool briefly) noexcept {
    const os::no_cancel whole;
    const auto until = briefly ? os::monotonic::now() + brief : os::monotonic::time_point::max();
    const answer found = mutex_.take(me_, spin_, until, {file_, ask_about});
    // A verb that cannot say so by itself, since it has begun, ends the endpoint.
    if (found == answer::blocked && !briefly) file_->locks().give_up_on(mutex_.owner() - 1);
    if (found != answer::taken) go();
    return found;
}

bool recover_under_mutex(queue_file& file, std::uint64_t dead) noexcept {
    const ring::ring_view view = file.view();
    const robust_mutex mutex(view.mutual->line);
    const auto name = static_cast<std::uint32_t>(dead + 1);
    std::uint64_t& tenure = view.tallies[dead].tenure;
    const std::uint64_t inside = load_relaxed(tenure) | 1;  // relaxed: the entry is ours
    store_relaxed(tenure, inside);                          // M3
    const bool died_with_it = mutex.owner() == name;
    if (!died_with_it) {
        switch (mutex.take(name, std::chrono::nanoseconds(0), os::monotonic::now() + brief, {&file, ask_about})) {
            case robust_mutex::answer::taken: break;
            case robust_mutex::answer::busy:
            case robust_mutex::answer::blocked: return false;
            case robust_mutex::answer::corrupt: return true;  // as below
        }
    }
    ring::mutex_ring ring;
    // A ring that contradicts itself stays as it is: the next endpoint that looks at it will report it.
    if (ring.attach(view) && ring.begin()) {
        if (died_with_it) ring.count_repair();
        (void)ring.release_of(name);
    }
    (void)mutex.leave(name);
    store_release(tenure, inside + 1);  // [S2] release -> [S1] in denies: as in go
    return true;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
