// counters.cpp: reading the figures out of the ring words.
#include "noria/queue/counters.hpp"

#include "noria/core/atomics.hpp"
#include "noria/ring/mutex_ring.hpp"
#include "noria/ring/parking.hpp"

#include <algorithm>

namespace noria::inline v1::queue {

// Every load is relaxed: figures for people, each old by the time it is read; nothing is decided by them.

namespace {

// What passes between the two sums makes the depth seem less, as below.
counters count_crowd(const ring::ring_view& view) noexcept {
    counters now;
    for (std::uint64_t i = 0; i < view.shape.endpoints; ++i) now.sent += load_relaxed(view.tallies[i].sent);
    compiler_fence();
    for (std::uint64_t i = 0; i < view.shape.endpoints; ++i) {
        const layout::tally_line& each = view.tallies[i];
        now.received += load_relaxed(each.received);
        now.redelivered += load_relaxed(each.redelivered);
        now.given_back += load_relaxed(each.given_back);
        now.skipped += load_relaxed(each.skipped);
        now.refused += load_relaxed(each.refused);
        now.high_water = std::max(now.high_water, load_relaxed(each.high_water));
        now.producer_deaths += load_relaxed(each.producer_deaths);
        now.consumer_deaths += load_relaxed(each.consumer_deaths);
    }
    const ring::parking_figures parking = ring::count_parked(view);
    now.retrieved = parking.retrieved;
    now.received = std::min(now.sent, now.received);
    now.parked = std::min(now.sent - now.received, parking.parked);
    now.high_water = std::max(now.high_water, now.sent - now.received - now.parked);
    return now;
}

// What the ring counts is of one moment; refusals and deaths are counted without the mutex.
counters count_under_mutex(const layout::queue_words& words, const ring::ring_view& view) noexcept {
    const ring::mutex_books books = ring::read_books(*view.mutual);
    counters now;
    now.sent = books.sent;
    now.received = std::min(books.sent, books.received);
    now.redelivered = books.redelivered;
    now.given_back = books.given_back;
    now.skipped = books.skipped;
    now.high_water = books.high_water;
    now.mutex_repairs = books.repairs;
    now.producer_deaths = load_relaxed(words.producers.deaths);  // spsc; of mpmc they are in the tallies
    now.consumer_deaths = load_relaxed(words.consumers.deaths);
    for (std::uint64_t i = 0; i < view.shape.endpoints; ++i) {
        now.refused += load_relaxed(view.tallies[i].refused);
        now.producer_deaths += load_relaxed(view.tallies[i].producer_deaths);
        now.consumer_deaths += load_relaxed(view.tallies[i].consumer_deaths);
    }
    return now;
}

}  // namespace

counters count(const layout::queue_words& words, const ring::ring_view& view) noexcept {
    if (layout::has_mutex(view.shape)) return count_under_mutex(words, view);
    if (view.shape.kind == layout::queue_kind::mpmc) return count_crowd(view);
    const bool fixed = view.shape.form == layout::message_form::fixed;
    counters now;
    // In this order, what passes between the two loads makes the depth seem less, never more than it ever was.
    now.sent = load_relaxed(fixed ? view.producer->tail : view.producer->messages);
    compiler_fence();
    now.received = std::min(now.sent, load_relaxed(fixed ? view.consumer->head : view.consumer->messages));
    now.redelivered = load_relaxed(view.consumer->redelivered);
    now.given_back = load_relaxed(view.producer->given_back);
    now.refused = load_relaxed(view.producer->refused);
    now.high_water = std::max(load_relaxed(view.producer->high_water), now.sent - now.received);
    now.producer_deaths = load_relaxed(words.producers.deaths);
    now.consumer_deaths = load_relaxed(words.consumers.deaths);
    return now;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
