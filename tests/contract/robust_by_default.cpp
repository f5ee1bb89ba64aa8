// robust_by_default.cpp: built with NORIA_ROBUST_MUTEX, a queue that names no coordination is under a mutex.
#include "noria/noria.hpp"
#include "rig/workspace.hpp"

#include <array>
#include <cstdio>

namespace {

using lines = noria::mpmc<noria::bytes>;
using numbers = noria::spsc<std::uint64_t>;
static_assert(lines::shape().coordinated == noria::coordination::robust_mutex);
static_assert(numbers::shape().coordinated == noria::coordination::robust_mutex);
static_assert(noria::mpmc<int, noria::coordination::lock_free>::shape().coordinated == noria::coordination::lock_free);

bool passes(const std::filesystem::path& path) {
    numbers::producer out{path, {.capacity = 4}};
    numbers::consumer in{path};
    const std::array<std::uint64_t, 3> three{1, 2, 3};
    if (!out.push_all(three)) return false;
    for (const std::uint64_t each : three) {
        const auto got = in.try_pop();
        if (!got || *got != each) return false;
    }
    return noria::inspect(path).shape.coordinated == noria::coordination::robust_mutex;
}

}  // namespace

int main() {
    const noria::rig::workspace place;
    if (passes(place / "numbers")) return 0;
    static_cast<void>(std::fputs("what is under a mutex by default does not work\n", stderr));
    return 1;
}

// SPDX-License-Identifier: BSL-1.0
