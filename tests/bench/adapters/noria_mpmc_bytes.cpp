// noria_mpmc_bytes.cpp: Noria's mpmc queue of bytes: copied, and in place.
#include "bench/adapters/noria.hpp"

namespace {

using namespace noria_bench;

struct mpmc_bytes_copied : copied<mpmc, true, true> {
    static constexpr std::string_view name = "noria::mpmc<bytes> push";
    static constexpr std::string_view setup = "mpmc<bytes>; push, pop";
    static constexpr bench::abilities can = crowd;
};
struct mpmc_bytes_in_place : in_place<mpmc, true, true> {
    static constexpr std::string_view name = "noria::mpmc<bytes> claim";
    static constexpr std::string_view setup = "mpmc<bytes>; claim and commit, take and release";
    static constexpr bench::abilities can = crowd;
};

}  // namespace

int main(int argc, char** argv) { return bench::work<mpmc_bytes_copied, mpmc_bytes_in_place>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
