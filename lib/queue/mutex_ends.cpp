// mutex_ends.cpp: each verb between the taking and the leaving of the mutex.
#include "noria/queue/mutex_ends.hpp"

#include "noria/core/atomics.hpp"

#include <algorithm>

namespace noria::inline v1::queue {

namespace {

using ring::sight;

sight sight_of(mutex_gate::answer entered) noexcept {
    return entered == mutex_gate::answer::corrupt ? sight::corrupt : sight::busy;
}

std::uint64_t depth_of(const layout::mutex_words& words) noexcept {
    const ring::mutex_books books = ring::read_books(words);
    return books.sent - std::min(books.sent, books.received);
}

}  // namespace

bool mutex_writer::attach(queue_file& file, std::chrono::nanoseconds spin) noexcept {
    const ring::ring_view view = file.view();
    gate_.attach(file, spin);
    tally_ = &view.tallies[view.self];
    words_ = view.mutual;
    sent_ = load_relaxed(tally_->sent);
    return ring_.attach(view);
}

std::byte* mutex_writer::claim_all(const ring::lengths& wanted) noexcept {
    if (gate_.enter_briefly() != mutex_gate::answer::taken) return nullptr;
    const bool claimed = ring_.begin() && ring_.claim(wanted, gate_.me(), claimed_, true) == sight::ready;
    if (!gate_.leave() || !claimed) return nullptr;
    placed_ = claimed_;
    return ring_.message_at(claimed_);
}

std::byte* mutex_writer::next_of(const ring::lengths& all, std::uint64_t which) noexcept {
    placed_ = ring_.place_next(all, which, placed_);
    return ring_.message_at(placed_);
}

bool mutex_writer::commit(std::uint64_t bytes) noexcept {
    if (!gate_.enter()) return false;
    const bool done = ring_.begin() && ring_.commit(claimed_, bytes, gate_.me());
    if (done) store_relaxed(tally_->sent, ++sent_);  // for people: it may lag by a death
    return gate_.leave() && done;
}

bool mutex_writer::commit_all(const ring::lengths& all) noexcept {
    if (!gate_.enter()) return false;
    const bool done = ring_.begin() && ring_.commit_all(claimed_, all, gate_.me());
    if (done) store_relaxed(tally_->sent, sent_ += all.count);  // as above
    return gate_.leave() && done;
}

bool mutex_writer::give_back() noexcept {
    if (!gate_.enter()) return false;
    const bool done = ring_.begin() && ring_.give_back(claimed_, gate_.me());
    return gate_.leave() && done;
}

sight mutex_writer::look_for(const ring::lengths& wanted) noexcept {
    const auto entered = gate_.enter_briefly();
    obstacle_ = gate_.owner();
    stalled_ = true;
    if (entered != mutex_gate::answer::taken) return sight_of(entered);
    std::uint64_t where = 0;
    const sight seen = ring_.begin() ? ring_.claim(wanted, gate_.me(), where, false) : sight::corrupt;
    obstacle_ = ring_.obstacle();
    stalled_ = ring_.stalled();
    return gate_.leave() ? seen : sight::corrupt;
}

std::uint64_t mutex_writer::depth() const noexcept { return depth_of(*words_); }

bool mutex_reader::attach(queue_file& file, std::chrono::nanoseconds spin) noexcept {
    const ring::ring_view view = file.view();
    gate_.attach(file, spin);
    tally_ = &view.tallies[view.self];
    words_ = view.mutual;
    received_ = load_relaxed(tally_->received);
    return ring_.attach(view);
}

const std::byte* mutex_reader::take() noexcept {
    if (gate_.enter_briefly() != mutex_gate::answer::taken) return nullptr;
    std::uint64_t position = 0;
    std::uint64_t word = 0;
    const bool taken = ring_.begin() && ring_.take(gate_.me(), position, word, true, accepted_bytes_) == sight::ready;
    if (word != 0) taken_ = word;
    left_too_long_ = !taken && word != 0;
    return gate_.leave() && taken ? ring_.message_at(position) : nullptr;
}

bool mutex_reader::release(const std::byte* message) noexcept {
    if (!gate_.enter()) return false;
    const bool done = ring_.begin() && ring_.release(ring_.position_of(message), gate_.me());
    if (done) store_relaxed(tally_->received, ++received_);  // for people: it may lag by a death
    return gate_.leave() && done;
}

bool mutex_reader::put_back(const std::byte* message, bool counts) noexcept {
    if (!gate_.enter()) return false;
    const bool done = ring_.begin() && ring_.put_back(ring_.position_of(message), gate_.me(), counts);
    return gate_.leave() && done;
}

bool mutex_reader::put_all_back() noexcept {
    if (!gate_.enter()) return false;
    const bool done = ring_.begin() && ring_.release_of(gate_.me());
    return gate_.leave() && done;
}

sight mutex_reader::look() noexcept {
    const auto entered = gate_.enter_briefly();
    obstacle_ = gate_.owner();
    stalled_ = true;
    if (entered != mutex_gate::answer::taken) return sight_of(entered);
    std::uint64_t position = 0;
    std::uint64_t word = 0;
    const sight seen = ring_.begin() ? ring_.take(gate_.me(), position, word, false) : sight::corrupt;
    obstacle_ = ring_.obstacle();
    stalled_ = ring_.stalled();
    return gate_.leave() ? seen : sight::corrupt;
}

sight mutex_reader::drained(std::uint64_t& holder) noexcept {
    if (const auto entered = gate_.enter_briefly(); entered != mutex_gate::answer::taken) {
        holder = gate_.owner();
        return sight_of(entered);
    }
    const sight found = ring_.begin() ? ring_.drained_but_for(gate_.me(), holder) : sight::corrupt;
    return gate_.leave() ? found : sight::corrupt;
}

std::uint64_t mutex_reader::depth() const noexcept { return depth_of(*words_); }

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
