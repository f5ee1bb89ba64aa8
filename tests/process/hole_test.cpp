// hole_test.cpp: holes punched into a file under live endpoints on a file system that is full then; and how holes are filled.
#include "process/errors/worlds.hpp"
#include "process/truncation.hpp"
#include "rig/skip.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

using namespace scene;

namespace {

constexpr std::uint64_t part_bytes = std::uint64_t{16} << 20;

// Takes pages out of the middle of a file, and leaves its size.
void punch(const std::filesystem::path& path, std::uint64_t from, std::uint64_t to) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    insist(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                     static_cast<off_t>(to - from)) == 0,
           "the hole is punched");
    close(file);
}

// Takes all that is free in that directory.
void fill_up(const std::filesystem::path& directory) {
    std::ofstream filler(directory / "filler", std::ios::app);
    for (const std::string some(page, 'f'); filler.write(some.data(), page) && filler.flush();) {
    }
}

bool is_allocated(const std::filesystem::path& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 && status.st_blocks * 512 >= status.st_size;
}

template <class Endpoint>
void insist_pages_gone(const Endpoint& endpoint, const std::filesystem::path& path) {
    insist(endpoint.why() == noria::outcome::corrupt && !endpoint.is_open(), "the endpoint is dead");
    insist(endpoint.error_code() == noria::errc::corrupt, "the error is corrupt");
    const std::string text = endpoint.error_text();
    insist(text.find(path.string() + "': found pages of it gone") == 1, "the text says so");
    insist(text.find("the size is unchanged") != std::string::npos, "and that it was not truncated");
    insist(text.find("expected all of its") != std::string::npos, "and what was expected");
}

// In a tmpfs of its own: a pair at work, whose ring loses its pages, which a stranger's file gets.
int lose_pages(const std::filesystem::path& directory) {
    if (const std::string objection = noria::errors::mount_small(directory, 64 * page); !objection.empty()) {
        std::fprintf(stderr, "%s\n", objection.c_str());
        return 77;
    }
    const auto path = directory / "q";
    numbers::producer out{path, of_numbers::wishes()};
    numbers::consumer in{path};
    for (int n = 0; n < 10; ++n) insist(of_numbers::push(out) && of_numbers::pop(in), "traffic goes");
    fill_up(directory);
    punch(path, 2 * page, 6 * page);
    fill_up(directory);
    int turns = 0;
    while (of_numbers::push(out) && of_numbers::pop(in)) insist(++turns < 512, "the loss is met within two turns");
    (void)of_numbers::push(out);
    (void)of_numbers::pop(in);
    insist_pages_gone(out, path);
    insist_pages_gone(in, path);
    return 0;
}

bool blocks_all(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string word; status >> word;) {
        if (word != "SigBlk:" || !(status >> word)) continue;
        const auto blocked = std::stoull(word, nullptr, 16);
        for (const int each : {SIGINT, SIGTERM, SIGALRM, SIGPROF, SIGUSR1, SIGCHLD}) {
            if ((blocked >> (each - 1) & 1) == 0) return false;
        }
        return true;
    }
    return false;
}

// The kernel's answer to such a child: it is done, or it could not be.
bool could_not(const rig::fate& how) { return how == rig::fate{.exit_status = 77, .signal = 0}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(holes)

BOOST_AUTO_TEST_CASE(punched_on_a_full_file_system_they_are_told_from_a_truncation) {
    const rig::workspace place;
    rig::child process = guarded([&] { return lose_pages(place.path()); });
    const rig::fate how = process.wait();
    if (could_not(how)) return rig::skip("no small tmpfs can be mounted here");
    BOOST_TEST(how == well);
}

BOOST_AUTO_TEST_CASE(without_the_guard_they_end_the_process_by_sigbus) {
    const rig::workspace place;
    rig::child process = unguarded([&] { return lose_pages(place.path()); });
    const rig::fate how = process.wait();
    if (could_not(how)) return rig::skip("no small tmpfs can be mounted here");
    BOOST_TEST(how == bus_error);
}

BOOST_AUTO_TEST_CASE(filling_is_done_in_parts_that_no_signal_interrupts) {
    // Where a signal interrupts it, an older kernel gives up what it has allocated; a storm of them lets it never end. Method:
    // the opener is halted at each allocation, and asked which signals it blocks.
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer creator{path, {.capacity = 1U << 19, .prefault = false}}; }
    const std::uint64_t size = std::filesystem::file_size(path);
    BOOST_REQUIRE(size > 2 * part_bytes);
    punch(path, page, size);
    rig::stepped_child opener([&] {
        const auto in = numbers::consumer::open(path, {.prefault = false});
        return 0;
    });
    int parts = 0;
    while (opener.step()) {
        if (opener.entering() != SYS_fallocate) continue;
        ++parts;
        BOOST_TEST(opener.argument(3) <= part_bytes);
        BOOST_TEST(blocks_all(opener.pid()));
    }
    BOOST_TEST(opener.finish() == well);
    BOOST_TEST(parts >= 3);
    BOOST_TEST(is_allocated(path));
}

BOOST_AUTO_TEST_CASE(filling_comes_to_its_end_under_a_storm_of_signals) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer creator{path, {.capacity = 1U << 19, .prefault = false}}; }
    punch(path, page, std::filesystem::file_size(path));
    const rig::milestone ready;
    rig::child opener([&] {
        struct sigaction action = {};
        action.sa_handler = [](int) {};
        sigaction(SIGUSR1, &action, nullptr);
        ready.tell();
        const auto in = numbers::consumer::open(path, {.prefault = false});
        return 0;
    });
    ready.hear();
    const pid_t target = opener.pid();
    const rig::child storm([&] {
        for (;;) kill(target, SIGUSR1);
        return 0;
    });
    BOOST_TEST(opener.wait() == well);
    BOOST_TEST(is_allocated(path));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
