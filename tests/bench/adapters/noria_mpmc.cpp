// noria_mpmc.cpp: Noria's mpmc queue of one type: copied, and in place.
#include "bench/adapters/noria.hpp"

namespace {

using namespace noria_bench;

struct mpmc_copied : copied<mpmc, false, true> {
    static constexpr std::string_view name = "noria::mpmc push";
    static constexpr std::string_view setup = "mpmc<T>; push, pop; batches: push_some, consume_some";
    static constexpr bench::abilities can = crowd;
};
struct mpmc_in_place : in_place<mpmc, false, true> {
    static constexpr std::string_view name = "noria::mpmc claim";
    static constexpr std::string_view setup = "mpmc<T>; claim and commit, take and release";
    static constexpr bench::abilities can = crowd;
};

}  // namespace

int main(int argc, char** argv) { return bench::work<mpmc_copied, mpmc_in_place>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
