// counters.cpp: reading the figures out of the ring words.
#include "noria/queue/counters.hpp"

#include "noria/core/atomics.hpp"

#include <algorithm>

namespace noria::inline v1::queue {

// Every load is relaxed: figures for people, each old by the time it is read; nothing is decided by them.
counters count(const layout::spsc_words& words, layout::message_form form) noexcept {
    const bool fixed = form == layout::message_form::fixed;
    counters now;
    // In this order, what passes between the two loads makes the depth seem less, never more than it ever was.
    now.sent = load_relaxed(fixed ? words.producer.tail : words.producer.messages);
    compiler_fence();
    now.received = std::min(now.sent, load_relaxed(fixed ? words.consumer.head : words.consumer.messages));
    now.redelivered = load_relaxed(words.consumer.redelivered);
    now.given_back = load_relaxed(words.producer.given_back);
    now.refused = load_relaxed(words.producer.refused);
    now.high_water = std::max(load_relaxed(words.producer.high_water), now.sent - now.received);
    now.producer_deaths = load_relaxed(words.producers.deaths);
    now.consumer_deaths = load_relaxed(words.consumers.deaths);
    return now;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
