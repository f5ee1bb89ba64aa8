// mutex_gate.hpp: the mutex of a queue's ring, as an endpoint takes it: asking who has it whether it lives.
//
// A recovery takes the mutex, too, and does so in the dead one's name: it has the lock of the dead one's entry, so nobody
// else can act in that name, and should it die itself, the word still names an entry whose record is alive and whose lock
// is free: the next recovery goes on. Only when the word names it no more is a dead one's record freed; otherwise a newcomer
// in its place would own the mutex for ever.
//
// Invariant       M3  While the word names an endpoint, its tenure (layout/tally_line.hpp) is odd. So a word that names one
//                     that lives, and is elsewhere, is known for a lie: nobody would ever leave the mutex.
// Orders          [S1] acquire in denies <- [S2] release in go: that the word names it no more, before its tenure is even
//                 [S3] acquire in denies <- [S4] an exchange in robust_mutex: its odd tenure, before the word names it
// Order of locks  first an entry's, then the mutex. Who has the mutex takes no lock and makes no call but the wake-up in leave.
// Waits           A mutex in the hands of a stopped process delays everybody until it goes on. A verb that may be told so
//                 tries briefly; a commit, a release and a giving back wait.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/sync/robust_mutex.hpp"

#include <chrono>
#include <cstdint>

namespace noria::inline v1::queue {

class NORIA_API mutex_gate {
public:
    using answer = sync::robust_mutex::answer;

    // `file` stays where it is, and longer than the gate.
    void attach(queue_file& file, std::chrono::nanoseconds spin) noexcept;

    // Waits: a millisecond, as long as its owner lives.
    [[nodiscard]] answer enter_briefly() noexcept {
        come();
        if (mutex_.try_take(me_)) [[likely]]
            return answer::taken;
        return wait(true);
    }
    // Waits: until its owner leaves, or is found dead. False: the word lies.
    [[nodiscard]] bool enter() noexcept {
        come();
        if (mutex_.try_take(me_)) [[likely]]
            return true;
        return wait(false) == answer::taken;
    }
    // False: the word did not name us.
    bool leave() noexcept {
        const bool ours = mutex_.leave(me_);
        go();
        return ours;
    }

    [[nodiscard]] std::uint32_t me() const noexcept { return me_; }
    [[nodiscard]] std::uint32_t owner() const noexcept { return mutex_.owner(); }

private:
    answer wait(bool briefly) noexcept;
    // Relaxed: it is the exchange behind it that shows it to others (M3).
    void come() noexcept { store_relaxed(tally_->tenure, ++tenure_); }
    void go() noexcept {
        store_release(tally_->tenure, ++tenure_);  // [S2] release -> [S1] in denies: the word, before the tenure
    }

    sync::robust_mutex mutex_;
    std::uint32_t me_ = 0;
    std::uint64_t tenure_ = 0;  // private: what the file says of it, others may scribble on
    layout::tally_line* tally_ = nullptr;
    std::chrono::nanoseconds spin_{};
    queue_file* file_ = nullptr;
};

// Takes away what a dead entry has in the ring: its mutex, its claims, its leases. Precondition: we hold the entry's lock,
// and its record is alive. Repeatable. False: the mutex was not to be had; try again later.
NORIA_API bool recover_under_mutex(queue_file& file, std::uint64_t dead) noexcept;

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
