// mutex_ring.hpp: many writers, many readers, records of one size or of any, for whoever has the ring's mutex.
//
//      head              next                    tail
//       v                 v                       v
//   ... [held][-][ready'] [ready][claimed][ready] ...        [-]: nobody needs it; ready': was put back
//
// A claim, a message and a lease are one record in turn, whose word says which, and whose it is; nobody writes or reads a
// message under the mutex. Each verb is one step, and each step one store: who has the mutex writes the page that does not
// count, and turns (layout/mutex_words.hpp, where the invariants X1 to X4 are). So there is nothing to undo, ever: who comes
// after a dead owner stores the word of the last step, which may be missing (X2), and goes on.
//
// A record never wraps: where the ring's end is too near, a free one fills it, or, in an empty ring, all positions go on to
// the ring's start, so that a message as large as the ring fits. What is claimed for several messages is one record, and
// may wrap; it becomes as many, all of them ready, when the first one's word is stored.
//
// Orders, for who has no mutex:
//             [S1] acquire in read_books <- [S2] release in step: a page, before the turn to it
//             [S3] acquire in copy_of <- [S4] release in write_to: that turn, before the page that counted is written anew
// Crash       Dead before [S2]: the step was not; what is claimed or held says whose it is, and release_of() takes it away.
//             After: it was, and the figures say so. The mutex itself is sync/robust_mutex.hpp's matter.
// Progress    Blocking, by the mutex. Under it a verb takes so many instructions as there are records to pass: those that
//             nobody needs, once each; and all up to next, while something put back is to be found.
// Source      Shadow paging (Lorie 1977): two pages, and one word that says which.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/layout/mutex_record.hpp"
#include "noria/layout/mutex_words.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/ring/ring_view.hpp"
#include "noria/ring/slot_ring.hpp"

#include <cstdint>
#include <vector>

namespace noria::inline v1::ring {

// The page that counts, as plain numbers.
struct mutex_books {
    std::uint64_t tail = 0;
    std::uint64_t head = 0;
    std::uint64_t next = 0;
    std::uint64_t used = 0;
    std::uint64_t returned = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t redelivered = 0;
    std::uint64_t given_back = 0;
    std::uint64_t skipped = 0;
    std::uint64_t high_water = 0;
    std::uint64_t repairs = 0;
    std::uint64_t record = 0;
    std::uint64_t word = 0;
};

// For those without the mutex: the page that counts, whole; or, if it turns again and again meanwhile, a mixture.
NORIA_API mutex_books read_books(const layout::mutex_words& words) noexcept;

// The lengths of the messages that one claim is for.
struct lengths {
    std::uint64_t count = 1;
    std::uint64_t one = 0;  // bytes, if `of` is null
    const void* messages = nullptr;
    std::uint64_t (*of)(const void* messages, std::uint64_t which) = nullptr;
    [[nodiscard]] std::uint64_t operator[](std::uint64_t which) const noexcept {
        return of != nullptr ? of(messages, which) : one;
    }
};

class mutex_ring {
public:
    // Where everything stands. False: the page contradicts X1. Needs no mutex.
    NORIA_API bool attach(const ring_view& view) noexcept;

    // Whether so many messages would fit into the ring if it were empty. Needs no mutex.
    [[nodiscard]] NORIA_API bool could_fit(const lengths& wanted) const noexcept;

    // First of all under the mutex, each time: reads the page that counts, and stores what X2 may ask for.
    [[nodiscard]] NORIA_API bool begin() noexcept;

    // A record of that owner's (1 + an index of the roster) for the messages, at `position`. `keep` = false: only looks.
    NORIA_API sight claim(const lengths& wanted, std::uint64_t owner, std::uint64_t& position, bool keep) noexcept;
    // What that owner claimed becomes a message of so many bytes, at most what was claimed for it.
    NORIA_API bool commit(std::uint64_t position, std::uint64_t bytes, std::uint64_t owner) noexcept;
    // The messages stand in the record that was claimed for them: see write_all.
    NORIA_API bool commit_all(std::uint64_t position, const lengths& sent, std::uint64_t owner) noexcept;
    NORIA_API bool give_back(std::uint64_t position, std::uint64_t owner) noexcept;

    // The first message that no endpoint has. `keep` = false: only looks. One longer than `most` stays, and `word` tells its length.
    NORIA_API sight take(std::uint64_t owner, std::uint64_t& position, std::uint64_t& word, bool keep,
                         std::uint64_t most = UINT64_MAX) noexcept;
    NORIA_API bool release(std::uint64_t position, std::uint64_t owner) noexcept;
    // `counts`: it was delivered, and its next delivery says so.
    NORIA_API bool put_back(std::uint64_t position, std::uint64_t owner, bool counts) noexcept;
    // `ready`: no message is in the ring, in a claim, or in the hands of another than that owner. `nothing`: one is, and
    // `holder` names the entry that has it, or 0.
    [[nodiscard]] NORIA_API sight drained_but_for(std::uint64_t owner, std::uint64_t& holder) noexcept;

    // Takes away what an owner has claimed, and puts back what it holds: who is dead, or leaves. Repeatable.
    NORIA_API bool release_of(std::uint64_t owner) noexcept;
    // Notes that the mutex was found in the hands of somebody dead.
    NORIA_API void count_repair() noexcept;

    // Of the last claim() or take() that found nothing: whose record is in the way, 0: nobody's; and whether it is that,
    // and not the number of messages, why there is nothing.
    [[nodiscard]] std::uint64_t obstacle() const noexcept { return obstacle_; }
    [[nodiscard]] bool stalled() const noexcept { return stalled_; }

    // The message at a position, in bytes that nobody else touches while the record is ours; and back.
    [[nodiscard]] std::byte* message_at(std::uint64_t position) const noexcept {
        return &record_at(position) + payload_offset_;
    }
    [[nodiscard]] NORIA_API std::uint64_t position_of(const std::byte* message) const noexcept;

    // Without the mutex, in a record claimed for several: where the which-th message goes whose predecessor stands at
    // `before` (ignored for the first); its word is stored, unless it is the first.
    NORIA_API std::uint64_t place_next(const lengths& all, std::uint64_t which, std::uint64_t before) noexcept;

    [[nodiscard]] const mutex_books& books() const noexcept { return now_; }
    [[nodiscard]] std::uint64_t message_bytes_max() const noexcept { return message_bytes_; }

    // For observers, on a copy of the page: what endpoints have in hand, of at most so many records. `count` says how many they
    // were. Returned is the position behind the last of them: in front of the tail, there are more, or the ring has moved on.
    NORIA_API std::uint64_t survey(const mutex_books& seen, const word_source& bytes_at, std::uint64_t most,
                                   std::vector<hand>& in_hand, std::uint64_t& count) const;
    // What contradicts the invariants, or null. Exact on a ring that nobody works on.
    [[nodiscard]] NORIA_API const char* complaint() noexcept;

private:
    struct record {
        std::uint64_t word;
        std::uint64_t stride;  // to the next record
    };
    struct place {
        std::uint64_t first;
        std::uint64_t end;
    };
    [[nodiscard]] std::byte& record_at(std::uint64_t position) const noexcept {
        return records_[(position & mask_) * unit_bytes_];
    }
    [[nodiscard]] std::uint64_t& word_at(std::uint64_t position) const noexcept {
        return *reinterpret_cast<std::uint64_t*>(&record_at(position));
    }
    [[nodiscard]] bool holds_a_record(std::uint64_t position) const noexcept {
        return position - now_.head < now_.tail - now_.head;
    }
    [[nodiscard]] std::uint64_t stride_of(std::uint64_t length) const noexcept;
    [[nodiscard]] bool read(std::uint64_t position, std::uint64_t limit, record& found) const noexcept;
    [[nodiscard]] bool parse(std::uint64_t position, std::uint64_t limit, record& found) const noexcept;
    [[nodiscard]] bool read_own(std::uint64_t position, layout::slot_phase phase, std::uint64_t owner,
                                record& found) const noexcept;
    [[nodiscard]] bool is_sound() const noexcept;
    [[nodiscard]] std::uint64_t padding_before(std::uint64_t position, std::uint64_t length) const noexcept;
    [[nodiscard]] place place_of(const lengths& wanted, std::uint64_t from) const noexcept;
    sight find_ready(std::uint64_t& position, record& found) noexcept;
    bool unclaim(std::uint64_t position, const record& claimed) noexcept;
    bool pass_free() noexcept;
    void set(std::uint64_t position, std::uint64_t word) noexcept {
        now_.record = position;
        now_.word = word;
    }
    void set_none() noexcept { now_.record = now_.tail; }
    bool settle() noexcept;
    void step() noexcept;

    mutex_books now_;
    std::uint64_t obstacle_ = 0;
    bool stalled_ = false;
    bool of_bytes_ = false;
    bool many_ = false;  // mpmc
    std::uint64_t mask_ = 0;
    std::uint64_t unit_bytes_ = 1;  // of a position
    std::uint64_t payload_offset_ = 0;
    std::uint64_t message_bytes_ = 0;
    std::byte* records_ = nullptr;
    layout::mutex_words* words_ = nullptr;
};

}  // namespace noria::inline v1::ring

// SPDX-License-Identifier: BSL-1.0
