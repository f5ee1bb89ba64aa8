// seed.hpp: the seed of a random test: printed, and taken from NORIA_TEST_SEED to see the same again.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace noria::rig {

inline std::uint64_t seed() {
    const char* given = std::getenv("NORIA_TEST_SEED");
    const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
    std::cerr << "seed: NORIA_TEST_SEED=" << value << std::endl;
    return value;
}

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
