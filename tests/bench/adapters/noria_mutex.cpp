// noria_mutex.cpp: Noria's queues of one type under a robust mutex: copied, and in place.
#include "bench/adapters/noria.hpp"

namespace {

using namespace noria_bench;

struct spsc_mutex_copied : copied<spsc_mutex, false, false> {
    static constexpr std::string_view name = "noria::spsc robust_mutex push";
    static constexpr std::string_view setup = "spsc<T, robust_mutex>; push, pop; batches: push_some, consume_some";
    static constexpr bench::abilities can = alone;
};
struct spsc_mutex_in_place : in_place<spsc_mutex, false, false> {
    static constexpr std::string_view name = "noria::spsc robust_mutex claim";
    static constexpr std::string_view setup = "spsc<T, robust_mutex>; claim and commit, take and release";
    static constexpr bench::abilities can = alone;
};
struct mpmc_mutex_copied : copied<mpmc_mutex, false, true> {
    static constexpr std::string_view name = "noria::mpmc robust_mutex push";
    static constexpr std::string_view setup = "mpmc<T, robust_mutex>; push, pop; batches: push_some, consume_some";
    static constexpr bench::abilities can = crowd;
};
struct mpmc_mutex_in_place : in_place<mpmc_mutex, false, true> {
    static constexpr std::string_view name = "noria::mpmc robust_mutex claim";
    static constexpr std::string_view setup = "mpmc<T, robust_mutex>; claim and commit, take and release";
    static constexpr bench::abilities can = crowd;
};

}  // namespace

int main(int argc, char** argv) {
    return bench::work<spsc_mutex_copied, spsc_mutex_in_place, mpmc_mutex_copied, mpmc_mutex_in_place>(argc, argv);
}

// SPDX-License-Identifier: BSL-1.0
