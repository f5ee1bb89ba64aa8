// counters.hpp: the figures of a queue since its birth, from any endpoint and for any observer.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/ring/ring_view.hpp"

#include <cstdint>

namespace noria::inline v1 {

// In messages, since the file was made, over all endpoints that it ever had. Each figure is written by one endpoint and
// may lag by the instruction in which that endpoint died, until its successor or its recovery has mended it.
struct counters {
    std::uint64_t sent = 0;         // committed
    std::uint64_t received = 0;     // released: popped, or taken and let go
    std::uint64_t redelivered = 0;  // handed out again, waiting to be, or parked: their holder died or threw
    std::uint64_t parked =
        0;  // mpmc: too many holders died of them: sent is received, parked, and what is in the queue
    std::uint64_t retrieved = 0;   // mpmc: of those, taken out of the parking again
    std::uint64_t given_back = 0;  // claims that were not committed, of living producers
    std::uint64_t skipped = 0;     // mpmc: claims whose producer died: sent + given_back + skipped were begun
    std::uint64_t refused = 0;     // pushes and claims that found no room: full, timed out, interrupted, ended
    std::uint64_t high_water = 0;  // the largest depth seen: spsc: at most an eighth of the capacity below the truth;
        // mpmc: by producers that found no room or were asked for figures; under a mutex: exact
    std::uint64_t producer_deaths = 0;  // found and recovered
    std::uint64_t consumer_deaths = 0;
    std::uint64_t mutex_repairs = 0;  // under a mutex: how often it was found in the hands of somebody dead
};

namespace queue {
NORIA_API counters count(const layout::queue_words& words, const ring::ring_view& view) noexcept;
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
