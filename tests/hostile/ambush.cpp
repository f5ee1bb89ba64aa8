// ambush.cpp: counts the loads of shared words, and strikes.
#include "ambush.hpp"

#include "queues.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace noria::hostile {

namespace {

// A verb walks over a ring of at most 4 KiB a few times, some 500 words each; a verb that waits some microseconds looks
// a few hundred times. Whoever opens a file of 64 KiB may find some 200 dead in it, for each of whom it walks a few times over
// a ring of some 200 slots: 200,000 loads; and an input opens it a few times.
constexpr std::uint64_t loads_max = 1 << 22;

struct state {
    terrain where;
    std::array<trap, 8> traps;
    std::size_t laid = 0;
    std::uint64_t loads = 0;
    const void* disturbed = nullptr;  // to be put right before the next load
    std::size_t disturbed_bytes = 0;
    std::uint64_t right = 0;
};
state now;

void put_right() noexcept {
    if (now.disturbed == nullptr) return;
    // Its mapping may be gone by now.
    if (now.where.hostile(now.disturbed)) now.where.write(now.disturbed, now.disturbed_bytes, now.right);
    now.disturbed = nullptr;
}

void strike(const trap& one, const void* word, std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, word, bytes);
    if (one.back) {
        now.disturbed = word;
        now.disturbed_bytes = bytes;
        now.right = value;
    }
    now.where.write(word, bytes, struck(one.stroke, value, now.where.capacity, one.draw));
}

}  // namespace

void settle(const terrain& where) noexcept {
    now = {};
    now.where = where;
}

void lay(const trap& one) noexcept {
    if (now.laid < now.traps.size()) now.traps[now.laid++] = one;
}

void disarm() noexcept {
    put_right();
    now.laid = 0;
}

void begin_verb() noexcept { now.loads = 0; }

void before_load(const void* word, std::size_t bytes) noexcept {
    if (now.where.hostile == nullptr || !now.where.hostile(word)) return;
    if (++now.loads > loads_max) {
        std::fputs("hostile: a verb does not come to an end\n", stderr);
        std::abort();
    }
    put_right();
    std::size_t left = 0;
    for (std::size_t i = 0; i < now.laid; ++i) {
        trap& each = now.traps[i];
        if (each.loads == 0) {
            strike(each, word, bytes);
            if (!each.again) continue;
            each.loads = each.distance;
            now.traps[left++] = each;
        } else {
            --each.loads;
            now.traps[left++] = each;
        }
    }
    now.laid = left;
}

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
