// tape.hpp: a fuzzer's input, read as a program of small numbers; and what a fuzz target demands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace noria::hostile {

class tape {
public:
    tape(const std::uint8_t* data, std::size_t size) noexcept : at_(data), end_(data + size) {}

    [[nodiscard]] bool over() const noexcept { return at_ == end_; }
    // The next one; 0 when there is none.
    std::uint8_t byte() noexcept { return over() ? std::uint8_t{0} : *at_++; }
    // Up to eight bytes, the lowest first.
    std::uint64_t number(int bytes) noexcept {
        std::uint64_t value = 0;
        for (int i = 0; i < bytes; ++i) value |= std::uint64_t{byte()} << (8 * i);
        return value;
    }

private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

// What must hold whatever the bytes are; libFuzzer keeps the input for which it does not.
inline void demand(bool holds, const char* what) noexcept {
    if (holds) return;
    std::fprintf(stderr, "hostile: it does not hold that %s\n", what);
    std::abort();
}

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
