// ticks.hpp: what producer and consumer agree on: the message, and the kind of queue that carries it.
#pragma once

#include <noria/spsc.hpp>

#include <cstdint>

struct tick {
    std::int64_t time_ns;
    double price;
};

using ticks = noria::spsc<tick>;  // one producer, one consumer; each tick once, in order

// SPDX-License-Identifier: BSL-1.0
