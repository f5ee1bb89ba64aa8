// noria_spsc_bytes.cpp: Noria's spsc queue of bytes: copied, and in place.
#include "bench/adapters/noria.hpp"

namespace {

using namespace noria_bench;

struct bytes_copied : copied<spsc, true, false> {
    static constexpr std::string_view name = "noria::spsc<bytes> push";
    static constexpr std::string_view setup = "spsc<bytes>; push, pop";
    static constexpr bench::abilities can = alone;
};
struct bytes_in_place : in_place<spsc, true, false> {
    static constexpr std::string_view name = "noria::spsc<bytes> claim";
    static constexpr std::string_view setup = "spsc<bytes>; claim and commit, take and release";
    static constexpr bench::abilities can = alone;
};

}  // namespace

int main(int argc, char** argv) { return bench::work<bytes_copied, bytes_in_place>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
