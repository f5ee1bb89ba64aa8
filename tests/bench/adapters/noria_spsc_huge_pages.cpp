// noria_spsc_huge_pages.cpp: Noria's spsc queue of one type, copied, in pages of 2 MiB.
#include "bench/adapters/noria.hpp"

namespace {

using namespace noria_bench;

struct in_huge_pages {
    static noria::options also(noria::options wished) {
        wished.huge_pages = true;
        return wished;
    }
};
struct spsc_huge : copied<spsc, false, false, in_huge_pages> {
    static constexpr std::string_view name = "noria::spsc push huge_pages";
    static constexpr std::string_view setup = "spsc<T>, huge_pages; push, pop";
    static constexpr bench::abilities can = alone;
};

}  // namespace

int main(int argc, char** argv) { return bench::work<spsc_huge>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
