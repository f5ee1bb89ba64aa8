// memory_group_test.cpp: what a memory control group cannot hold is refused; the kernel would kill the process instead.
#include "refusals.hpp"
#include "rig/memory_limit.hpp"
#include "worlds.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>

using namespace noria;
using namespace noria::errors;

namespace {

constexpr std::uint64_t allowed = 32U << 20;
const options too_large{.capacity = 1U << 23, .prefault = false};  // some 73 MiB

// Runs the checks in a child within the group.
std::string within(const rig::memory_limit& group, const std::function<std::string()>& checks) {
    if (!group.objection().empty()) return "skip: " + group.objection();
    return in_child([&] {
        group.enter(getpid());
        return checks();
    });
}

std::uint64_t allocated(const std::filesystem::path& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512 : 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_group)

BOOST_AUTO_TEST_CASE(queue_larger_than_its_group_is_refused_and_costs_nothing) {
    const rig::memory_limit group(allowed);
    const rig::workspace place;
    const auto path = place / "queue";
    const std::uint64_t needed = numbers::required_bytes(too_large);
    judge(within(group, [&] {
        std::string all;
        for (const request& asked :
             {creating<numbers::producer>(path, too_large), constructing<numbers::consumer>(path, too_large)}) {
            all += complaint(asked, errc::no_space, path,
                             {fmt::format("allow {} bytes of memory", allowed),
                              fmt::format("room for {} bytes", needed), "memory.max"});
        }
        if (place.files() != 0) all += "something is left\n";
        return all + complaint_of_success(constructing<numbers::producer>(path, {.capacity = 4096}));
    }));
}

BOOST_AUTO_TEST_CASE(sparse_copy_larger_than_its_group_is_refused_and_costs_nothing) {
    const rig::memory_limit group(allowed);
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer creator(path, too_large); }
    const auto size = static_cast<off_t>(std::filesystem::file_size(path));
    {
        const os::descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        constexpr off_t kept = 1U << 20;
        BOOST_REQUIRE(fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kept, size - kept) == 0);
    }
    const std::uint64_t before = allocated(path);
    judge(within(group, [&] {
        std::string all;
        for (const request& asked : {opening<numbers::producer>(path), opening<numbers::consumer>(path),
                                     constructing<numbers::producer>(path)}) {
            all += complaint(asked, errc::no_space, path,
                             {fmt::format("allow {} bytes of memory", allowed), fmt::format("room for {} bytes", size),
                              "memory.max"});
        }
        return all;
    }));
    BOOST_TEST(allocated(path) == before);
    // What another group's process has allocated is memory of that group: nothing keeps this one from attaching.
    { const numbers::producer filler = numbers::producer::open(path, {.prefault = false}); }
    BOOST_TEST(allocated(path) >= static_cast<std::uint64_t>(size));
    judge(within(group, [&] { return complaint_of_success(opening<numbers::producer>(path)); }));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
