// ticks.hpp: what producer and consumer agree on: the message, and the kind of queue that carries it.
#pragma once

#include <noria/spsc.hpp>

#include <cstdint>
#include <string_view>

struct tick {
    // The compiler tells apart types whose values differ in kind: an integer, a floating point number, and so on. It does not
    // know what they mean. Raise the number here when that changes: programs of both kinds then refuse each other's queues.
    static constexpr std::string_view noria_name = "tutorial.tick/1";

    std::int64_t time_ns;
    double price;
};

using ticks = noria::spsc<tick>;  // one producer, one consumer; each tick once, in order

// SPDX-License-Identifier: BSL-1.0
