// recovery.cpp: the plan after a death, and its application.
#include "noria/queue/recovery.hpp"

#include "noria/core/atomics.hpp"
#include "noria/os/process.hpp"
#include "noria/queue/mutex_gate.hpp"
#include "noria/ring/fixed_ring.hpp"
#include "noria/ring/record_ring.hpp"
#include "noria/sync/event_count.hpp"

namespace noria::inline v1::queue {

repairs plan(const layout::queue_words& words, role dead) noexcept {
    // Relaxed: we hold the dead one's lock. Each word is read once, for a scribbler may change it meanwhile.
    const layout::consumer_line consumer{.head = load_relaxed(words.consumer.head),
                                         .messages = 0,
                                         .taken = load_relaxed(words.consumer.taken),
                                         .seen = load_relaxed(words.consumer.seen),
                                         .redelivered = load_relaxed(words.consumer.redelivered),
                                         .reserved = {}};
    repairs all{.seen = consumer.seen, .redelivered = consumer.redelivered, .deaths = 0};
    if (dead == role::consumer) {
        const ring::redelivery again = ring::redelivery_after(consumer);
        all.seen = again.seen;
        all.redelivered = again.redelivered;
    }
    all.deaths = load_relaxed((dead == role::producer ? words.producers : words.consumers).deaths) + 1;
    return all;
}

void name_recoverer(layout::roster_entry& dead) noexcept {
    // Relaxed: for people. Before all else, so that a recoverer that is stopped at any later line is named.
    store_relaxed(dead.recoverer, os::process_id());
}

bool recover(queue_file& file, role dead) noexcept {
    layout::queue_words& words = file.words();
    layout::roster_entry& entry = file.entry(entry_of(dead));
    name_recoverer(entry);
    const bool under_mutex = layout::has_mutex(file.view().shape);
    if (under_mutex && !recover_under_mutex(file, entry_of(dead))) return false;
    if (load_acquire(entry.journal_valid) !=
        1) {  // E2: valid, it was made by a recoverer that died, whose lock we have
        const repairs all = plan(words, dead);
        store_relaxed(entry.journal_seen, all.seen);
        store_relaxed(entry.journal_redelivered, all.redelivered);
        store_relaxed(entry.journal_deaths, all.deaths);
        store_release(entry.journal_valid, std::uint32_t{1});  // E2; a death before this line has planned nothing
        compiler_fence();                                      // ... nor has it begun to apply
    }
    if (under_mutex) {
        // All that concerns the ring is done, and is counted there.
    } else if (dead == role::producer) {
        // A ring that contradicts itself stays as it is: the next endpoint that looks at it will report it.
        const bool fixed = file.header().form == static_cast<std::uint32_t>(layout::message_form::fixed);
        (void)(fixed ? ring::repair_fixed(file.view()) : ring::repair_records(file.view()));
    } else {
        store_relaxed(words.consumer.seen, load_relaxed(entry.journal_seen));
        store_relaxed(words.consumer.redelivered, load_relaxed(entry.journal_redelivered));
        store_relaxed(words.consumer.taken, load_relaxed(words.consumer.head));
    }
    layout::stream_line& stream = stream_of(words, dead);
    store_relaxed(stream.deaths, load_relaxed(entry.journal_deaths));
    // [S1] release -> [S2] in died_last: that the record was alive, before how it ended.
    store_release(stream.died, load_relaxed(entry.incarnation));
    // [S8] release -> [S6] in endpoint::survey: how it ended, before that it ended.
    store_release(stream.ended, load_relaxed(entry.incarnation));
    // The dead one may have died on its way to wake somebody. Before the record is free: later nobody would make up for
    // it, should we die here. After it once more: the end is news.
    const sync::event_count sleepers(event_of(words, other(dead)));
    sleepers.rouse();
    store_release(entry.state,
                  layout::entry_free);  // [S9] release -> [S4] in inhabited: all of this, before it is done
    sleepers.rouse();
    return true;
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
