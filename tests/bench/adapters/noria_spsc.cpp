// noria_spsc.cpp: Noria's spsc queue of one type: copied, and in place.
#include "bench/adapters/noria.hpp"

namespace {

using namespace noria_bench;

struct spsc_copied : copied<spsc, false, false> {
    static constexpr std::string_view name = "noria::spsc push";
    static constexpr std::string_view setup = "spsc<T>; push, pop; batches: push_some, consume_some";
    static constexpr bench::abilities can = alone;
};
struct spsc_in_place : in_place<spsc, false, false> {
    static constexpr std::string_view name = "noria::spsc claim";
    static constexpr std::string_view setup = "spsc<T>; claim and commit, take and release";
    static constexpr bench::abilities can = alone;
};

}  // namespace

int main(int argc, char** argv) { return bench::work<spsc_copied, spsc_in_place>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
