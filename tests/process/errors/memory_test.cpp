// memory_test.cpp: what prefault, huge_pages and lock_in_memory do to an endpoint's mapping, by the kernel's own account.
#include "refusals.hpp"
#include "worlds.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/mman.h>

#include <map>

using namespace noria;
using namespace noria::errors;

namespace {

constexpr std::uint64_t huge_page_kib = 2048;
const options large{.capacity = 1U << 19};  // some 5 MiB: two huge pages, and a rest

// /proc/self/smaps about the largest mapping of the file: its beginning, and the kernel's figures, in KiB.
struct account {
    std::uint64_t begin = 0;
    std::map<std::string, std::uint64_t> kib;
};
account account_of(const std::filesystem::path& path) {
    account largest;
    account current;
    bool ours = false;
    std::ifstream smaps("/proc/self/smaps");
    for (std::string line; std::getline(smaps, line);) {
        unsigned long long begin = 0, end = 0, kib = 0;
        char name[64];
        if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
            ours = line.find(path.string()) != std::string::npos;
            current = {.begin = begin, .kib = {}};
        } else if (ours && std::sscanf(line.c_str(), "%63[^:]: %llu kB", name, &kib) == 2) {
            current.kib[name] = kib;
            if (current.kib["Size"] >= largest.kib["Size"]) largest = current;
        }
    }
    return largest;
}

std::uint64_t file_kib(const std::filesystem::path& path) { return std::filesystem::file_size(path) / 1024; }

// Whether the kernel gives huge pages to a file there, if asked in so many words.
bool huge_pages_are_to_be_had(const std::filesystem::path& path) {
    constexpr std::size_t size = huge_page_kib * 1024;
    constexpr int collapse = 25;  // MADV_COLLAPSE
    std::ofstream(path) << std::string(size, 'a');
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    void* const room = mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* const begin = static_cast<std::byte*>(room) + -reinterpret_cast<std::uintptr_t>(room) % size;
    const bool mapped = mmap(begin, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    const bool had = mapped && madvise(begin, size, collapse) == 0;
    munmap(room, 2 * size);
    close(file);
    std::filesystem::remove(path);
    return had;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(prefault_brings_every_page_in_and_without_it_they_come_when_they_are_touched) {
    for (const bool prefault : {true, false}) {
        const rig::workspace place;
        options wishes = large;
        wishes.prefault = prefault;
        numbers::producer out(place / "queue", wishes);
        const auto found = account_of(place / "queue");
        BOOST_TEST(found.kib.at("Size") == file_kib(place / "queue"));
        if (prefault)
            BOOST_TEST(found.kib.at("Rss") == found.kib.at("Size"));
        else
            BOOST_TEST(found.kib.at("Rss") < found.kib.at("Size") / 2);
        BOOST_TEST(found.kib.at("Locked") == 0U);
        BOOST_TEST(found.kib.at("ShmemPmdMapped") == 0U);
    }
}

BOOST_AUTO_TEST_CASE(huge_pages_are_there_when_they_are_wished_for) {
    const rig::workspace place;
    const auto path = place / "queue";
    const bool to_be_had = huge_pages_are_to_be_had(place / "another");
    options wishes = large;
    wishes.huge_pages = true;
    numbers::producer out(path, wishes);
    // Who comes later, in a process of its own, has them too, and nobody's messages have suffered.
    for (std::uint64_t n = 0; n < 100'000; ++n) BOOST_REQUIRE(out.try_push(n));
    judge(in_child([&] {
        auto in = numbers::consumer::open(path, {.huge_pages = true});
        for (std::uint64_t n = 0; n < 100'000; ++n) {
            const auto got = in.try_pop();
            if (!got || *got != n) return fmt::format("message {} is lost\n", n);
        }
        const auto found = account_of(path);
        if (found.begin % (huge_page_kib * 1024) != 0) return fmt::format("it lies at {:#x}\n", found.begin);
        const std::uint64_t huge = found.kib.at("ShmemPmdMapped");
        if (to_be_had && huge != 2 * huge_page_kib) return fmt::format("{} KiB are in huge pages\n", huge);
        return std::string();
    }));
    const auto found = account_of(path);
    BOOST_TEST(found.begin % (huge_page_kib * 1024) == 0U);
    if (to_be_had) BOOST_TEST(found.kib.at("ShmemPmdMapped") == 2 * huge_page_kib);
    BOOST_TEST(found.kib.at("Rss") == found.kib.at("Size"));
}

BOOST_AUTO_TEST_CASE(a_small_queue_that_wishes_for_huge_pages_is_a_queue) {
    const rig::workspace place;
    numbers::producer out(place / "queue", {.capacity = 4, .huge_pages = true});
    numbers::consumer in(place / "queue");
    BOOST_TEST(out.try_push(7));
    BOOST_TEST(*in.try_pop() == 7U);
}

BOOST_AUTO_TEST_CASE(locked_in_memory_is_all_of_it_and_as_long_as_somebody_has_it_mapped) {
    const rig::workspace place;
    const auto path = place / "queue";
    options wishes = large;
    wishes.prefault = false;
    judge(in_child([&] {
        limit(RLIMIT_MEMLOCK, numbers::required_bytes(large) + (1U << 20));
        auto out = numbers::producer::create(path, wishes);
        if (account_of(path).kib.at("Locked") != 0) return std::string("locked unasked\n");
        wishes.lock_in_memory = true;
        auto in = numbers::consumer::open(path, wishes);
        const auto found = account_of(path);
        if (found.kib.at("Locked") != file_kib(path) || found.kib.at("Rss") != file_kib(path))
            return fmt::format("{} of {} KiB are locked\n", found.kib.at("Locked"), file_kib(path));
        return std::string();
    }));
}

BOOST_AUTO_TEST_CASE(who_may_not_lock_so_much_is_told_and_leaves_no_file) {
    const rig::workspace place;
    const auto path = place / "queue";
    std::filesystem::permissions(place.path(), std::filesystem::perms(0777));
    options wishes = large;
    wishes.lock_in_memory = true;
    judge(in_child([&] {
        if (auto objection = give_up_rights(); !objection.empty()) return objection;
        limit(RLIMIT_MEMLOCK, 64U << 10);
        const std::string needed = fmt::format("room for {} bytes", numbers::required_bytes(large));
        return complaint(constructing<numbers::producer>(path, wishes), errc::out_of_memory, path,
                         {"no way to lock it in memory", needed, "RLIMIT_MEMLOCK"});
    }));
    BOOST_TEST(place.files() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
