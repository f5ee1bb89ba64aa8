// observer_test.cpp: what a look costs, and what it tells, whatever the file is.
//
// Goal: an observer changes no byte and no block, reads a bounded part, and comes back, be the file a sparse copy, on a full file
// system, in a small control group, truncated, or a header that somebody made up. Method: such files, and looks at them.
#include "errors/worlds.hpp"
#include "noria/inspect.hpp"
#include "noria/layout/header.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/mpmc.hpp"
#include "process/scene.hpp"
#include "rig/memory_limit.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <vector>

using namespace scene;
namespace layout = noria::layout;

namespace {

using jobs = noria::mpmc<numbered>;
using locked = noria::mpmc<noria::bytes, noria::coordination::robust_mutex>;
using few = noria::spsc<numbered>;

constexpr std::uint64_t most = 65536;  // words of the ring that one look reads

layout::shape crowd_of(std::uint64_t capacity, std::uint64_t message_bytes = 56) {
    return {.kind = layout::queue_kind::mpmc,
            .message_bytes = message_bytes,
            .type_tag = 1,
            .capacity = capacity,
            .endpoints = 4};
}

// A queue of that shape as a sparse copy has it: the header, and nothing but a hole behind it.
void make_sparse(const std::filesystem::path& path, const layout::shape& shape) {
    if (const auto objection = layout::objection(shape); !objection.empty()) throw std::runtime_error(objection);
    const layout::header page = layout::make_header(shape, {});
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&page), sizeof page);
    insist(truncate(path.c_str(), static_cast<off_t>(page.file_bytes)) == 0, "a sparse file can be so long");
}

std::uint64_t blocks_of(const std::filesystem::path& path) {
    struct stat status {};
    insist(stat(path.c_str(), &status) == 0, "the file is there");
    return static_cast<std::uint64_t>(status.st_blocks);
}

// The file's words, changed as somebody with write access would.
void overwrite(const std::filesystem::path& path, std::uint64_t offset, const void* bytes, std::size_t count) {
    const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    insist(pwrite(file, bytes, count, static_cast<off_t>(offset)) == static_cast<ssize_t>(count), "it is written");
    close(file);
}
void set_word(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t word) {
    overwrite(path, offset, &word, sizeof word);
}

// Locks that endpoints do not take.
constexpr std::uint64_t lock_base = std::uint64_t{1} << 62;
bool take(int file, int command, short type, std::uint64_t first, std::uint64_t bytes) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(lock_base + first);
    lock.l_len = static_cast<off_t>(bytes);
    return fcntl(file, command, &lock) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(observers)

BOOST_AUTO_TEST_CASE(a_look_at_a_sparse_copy_allocates_nothing) {
    const rig::workspace place;
    const auto path = place / "queue";
    for (const bool mutex : {false, true}) {
        for (const std::uint64_t capacity : {std::uint64_t{4096}, std::uint64_t{1} << 20}) {
            layout::shape shape = crowd_of(capacity);
            shape.coordinated = mutex ? noria::coordination::robust_mutex : noria::coordination::lock_free;
            if (!mutex) {
                shape.deliveries_max = 2;
                shape.parking = 65536;
            }
            make_sparse(path, shape);
            const std::uint64_t before = blocks_of(path);
            const noria::observer watcher(path);
            for (int n = 0; n < 3; ++n) {
                const noria::snapshot now = watcher.look();
                BOOST_TEST(now.roster.empty());
                BOOST_TEST(now.depth == 0U);
                BOOST_TEST(now.tail == 0U);
                BOOST_TEST(now.complete == (mutex || capacity <= most));
            }
            BOOST_TEST(blocks_of(path) == before);
        }
    }
}

// 2^31 slots of a message that has 64 KiB: 128 TiB, which could not even be mapped.
BOOST_AUTO_TEST_CASE(a_header_of_the_largest_ring_is_looked_at_within_the_bound) {
    const rig::workspace place;
    const auto path = place / "queue";
    for (const std::uint64_t message_bytes : {0U, 56U, 2040U, 65536U}) {
        make_sparse(path, crowd_of(layout::capacity_max, message_bytes));
        const noria::snapshot now = noria::inspect(path);
        BOOST_TEST(now.surveyed == most);
        BOOST_TEST(!now.complete);
    }
    layout::shape bytes = crowd_of(layout::capacity_bytes_max);
    bytes.coordinated = noria::coordination::robust_mutex;
    bytes.form = layout::message_form::bytes;
    make_sparse(path, bytes);
    // A page that says that the ring is full of records, which are a hole's zeros: free ones of no bytes.
    const layout::geometry where = layout::place(bytes);
    for (const std::uint64_t page : {128U, 256U}) {
        set_word(path, where.mutex_offset + page, layout::capacity_bytes_max);
        set_word(path, where.mutex_offset + page + 96, layout::capacity_bytes_max);  // `record`: none
    }
    const noria::snapshot now = noria::inspect(path);
    BOOST_TEST(now.surveyed == most);
    BOOST_TEST(!now.complete);
}

BOOST_AUTO_TEST_CASE(a_look_at_a_sparse_copy_on_a_full_file_system_is_no_end_of_the_process) {
    const rig::workspace place;
    rig::child looking([&] {
        if (noria::errors::mount_small(place.path(), 16 * layout::page_bytes) != "") return 3;
        const auto path = place / "queue";
        make_sparse(path, crowd_of(1U << 16));
        std::ofstream filling(place / "filling", std::ios::binary);
        const std::array<char, layout::page_bytes> page{};
        while (filling.write(page.data(), page.size()).flush()) {
        }
        insist(noria::inspect(path).surveyed == most, "all is looked at");
        return 0;
    });
    const rig::fate how = looking.wait();
    if (how == rig::fate{.exit_status = 3, .signal = 0}) return rig::skip("no tmpfs can be mounted here");
    BOOST_TEST(how == well);
}

BOOST_AUTO_TEST_CASE(a_look_at_a_large_sparse_copy_fits_into_a_small_control_group) {
    const rig::memory_limit group(32U << 20);
    if (!group.objection().empty()) return rig::skip(group.objection());
    const rig::workspace place;
    const auto path = place / "queue";
    make_sparse(path, crowd_of(1U << 16, 16384));  // 1 GiB
    rig::child looking([&] {
        group.enter(getpid());
        const noria::observer watcher(path);
        for (int n = 0; n < 3; ++n) insist(watcher.look().complete, "all is looked at");
        return 0;
    });
    BOOST_TEST(looking.wait() == well);
}

// The slots around the two hints are looked at: there is what happens.
BOOST_AUTO_TEST_CASE(of_a_large_ring_the_ends_are_looked_at) {
    const rig::workspace place;
    const auto path = place / "queue";
    jobs::producer out{path, {.capacity = 4 * most, .prefault = false}};
    jobs::consumer in{path, {.prefault = false}};
    constexpr std::uint64_t apart = 2 * most + 77;
    for (std::uint64_t n = 0; n < 3 * most; ++n) {  // near the ring's end, so that a window goes round it
        insist(out.try_push(number(n)), "there is room");
        insist(n < 1000 || in.try_pop(), "there is a message");
    }
    for (std::uint64_t n = 1000; n < apart; ++n) insist(out.try_push(number(n)), "there is room");
    const auto claim = out.claim();
    const auto lease = in.take();
    const noria::snapshot now = noria::inspect(path);
    BOOST_TEST(!now.complete);
    BOOST_TEST(now.surveyed == most);
    BOOST_TEST(now.depth == apart);
    BOOST_TEST(now.head == 3 * most - 1000 + 1);
    BOOST_TEST(now.tail == 3 * most + apart - 1000 + 1);
    BOOST_REQUIRE(now.claimed.has_value());
    BOOST_TEST(now.claimed->position == now.tail - 1);
    BOOST_REQUIRE(now.taken.has_value());
    BOOST_TEST(now.taken->position == now.head - 1);
    BOOST_TEST(now.in_hand.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_truncated_file_is_corrupt_and_no_guard_is_needed) {
    const rig::workspace place;
    const auto path = place / "queue";
    for (const std::uint64_t left : {std::uint64_t{0}, layout::page_bytes, 2 * layout::page_bytes}) {
        make_sparse(path, crowd_of(4096));
        const noria::observer watcher(path);
        insist(watcher.look().complete, "it is whole");
        insist(truncate(path.c_str(), static_cast<off_t>(left)) == 0, "it is truncated");
        std::error_code code;
        (void)watcher.look(code);
        BOOST_TEST(code == noria::errc::corrupt);
        BOOST_CHECK_EXCEPTION((void)watcher.look(), noria::error, [&](const noria::error& told) {
            const std::string text = told.what();
            return text.find("truncated") != text.npos && text.find(path.string()) != text.npos;
        });
        insist(truncate(path.c_str(), static_cast<off_t>(layout::place(crowd_of(4096)).file_bytes)) == 0,
               "whole again");
        BOOST_TEST(watcher.look().roster.empty());
    }
}

// A program's name is bytes of the file: they must not speak to the terminal of who looks.
BOOST_AUTO_TEST_CASE(control_bytes_of_the_file_and_of_its_name_reach_no_text) {
    const rig::workspace place;
    const auto path = place / "que\x1b[31m\nue";
    few::producer out{path, {.capacity = 4}};
    const std::string name = "\x1b]0;x\a\n\x7f\xc2\x9b\xff\xe2\x80\xaeZ";
    BOOST_REQUIRE(name.size() <= 16U);
    overwrite(path, layout::page_bytes + offsetof(layout::roster_entry, program), name.data(), name.size());
    const std::string shown = R"(\x1b]0;x\x07\x0a\x7f\xc2\x9b\xff\xe2\x80\xaeZ)";
    BOOST_TEST(noria::inspect(path).roster.at(0).program == shown);
    std::error_code code;
    const auto second = few::producer::open(path, refused_at_once, code);
    BOOST_TEST(code == noria::errc::role_taken);
    BOOST_TEST(second.error_text().find(shown) != std::string::npos);
    BOOST_TEST(second.error_text().find(R"(que\x1b[31m\x0aue)") != std::string::npos);
    BOOST_TEST(std::none_of(second.error_text().begin(), second.error_text().end(),
                            [](char each) { return static_cast<unsigned char>(each) < 0x20; }));
}

BOOST_AUTO_TEST_CASE(locks_that_no_endpoint_takes_are_shown) {
    const rig::workspace place;
    const auto path = place / "queue";
    const jobs::producer out{path, {.capacity = 4, .endpoints = 8}};
    const jobs::consumer in{path};
    const noria::observer watcher(path);
    BOOST_TEST(watcher.look().foreign_locks.empty());
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    const int second = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    insist(take(file, F_OFD_SETLK, F_WRLCK, 7, 1), "the lock is free, as a newcomer takes it");
    BOOST_TEST(watcher.look().foreign_locks.empty());
    insist(take(file, F_OFD_SETLK, F_UNLCK, 7, 1), "it goes");
    insist(take(second, F_OFD_SETLK, F_RDLCK, 3, 2), "a reader may lock for reading");
    insist(take(file, F_OFD_SETLK, F_WRLCK, 100, 50), "locks of several bytes are nobody's");
    const rig::milestone locked;
    rig::child process([&] {
        const int own = open(path.c_str(), O_RDWR | O_CLOEXEC);
        insist(take(own, F_SETLK, F_WRLCK, 5, 1), "a record lock of a process");
        locked.tell();
        wait_for_death();
        return 0;
    });
    locked.hear();
    const noria::snapshot now = watcher.look();
    auto seen = now.foreign_locks;
    std::sort(seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    BOOST_REQUIRE(seen.size() == 3U);
    BOOST_TEST((seen[0].first == 3 && seen[0].bytes == 2 && !seen[0].exclusive && seen[0].pid == 0));
    BOOST_TEST((seen[1].first == 5 && seen[1].bytes == 1 && seen[1].exclusive &&
                seen[1].pid == static_cast<std::uint64_t>(process.pid())));
    BOOST_TEST((seen[2].first == 100 && seen[2].bytes == 50 && seen[2].exclusive && seen[2].pid == 0));
    BOOST_TEST(now.complete);
    BOOST_TEST(now.roster.size() == 2U);
    BOOST_TEST((now.roster[0].alive && now.roster[1].alive));
    close(file);
    close(second);
}

// Who may only read the file takes the dead one's byte: that does not make it live.
BOOST_AUTO_TEST_CASE(a_read_lock_on_a_dead_one_s_byte_is_shown_and_is_no_life) {
    const rig::workspace place;
    const auto path = place / "queue";
    const few::consumer in{path, {.capacity = 4}};
    const rig::milestone attached;
    rig::child victim([&] {
        const few::producer out{path};
        attached.tell();
        wait_for_death();
        return 0;
    });
    attached.hear();
    victim.kill();
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    insist(take(file, F_OFD_SETLK, F_RDLCK, 0, 1), "a reader may lock for reading");
    const noria::snapshot now = noria::inspect(path);
    BOOST_REQUIRE(now.roster.size() == 2U);
    BOOST_TEST(!now.roster[0].alive);
    BOOST_TEST(now.roster[1].alive);
    BOOST_REQUIRE(now.foreign_locks.size() == 1U);
    BOOST_TEST(now.foreign_locks[0].first == 0U);
    BOOST_TEST(!now.foreign_locks[0].exclusive);
    close(file);
}

// Between the look at a record and the question for its lock an endpoint may leave: it did not die.
BOOST_AUTO_TEST_CASE(an_endpoint_that_leaves_is_never_told_as_dead) {
    const rig::workspace place;
    const auto coming_and_going = [&]<class Queue>(const std::filesystem::path& path) {
        { const auto creator = Queue::producer::create(path, {.capacity = 4}); }
        rig::child process([&] {
            for (;;) {
                const typename Queue::producer out{path, {.prefault = false}};
                const typename Queue::consumer in{path, {.prefault = false}};
            }
            return 0;
        });
        const noria::observer watcher(path);
        std::uint64_t seen = 0;
        for (int n = 0; n < 200000 && seen < 5000; ++n) {
            const noria::snapshot now = watcher.look();
            for (const auto& each : now.roster) BOOST_REQUIRE(each.alive);
            seen += now.roster.size();
        }
        BOOST_TEST(seen > 0U);
        process.kill();
    };
    coming_and_going.operator()<few>(place / "pair");
    coming_and_going.operator()<jobs>(place / "crowd");
}

BOOST_AUTO_TEST_CASE(more_foreign_locks_than_are_told_end_no_look) {
    const rig::workspace place;
    const auto path = place / "queue";
    const jobs::producer out{path, {.capacity = 4}};
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    for (std::uint64_t n = 0; n < 5000; ++n) {
        insist(take(file, F_OFD_SETLK, F_RDLCK, 10 + 2 * n, 1), "a reader may lock for reading");
    }
    const noria::snapshot now = noria::inspect(path);
    BOOST_TEST(now.foreign_locks.size() == 64U);
    BOOST_TEST(!now.complete);
    BOOST_TEST(now.roster.at(0).alive);
    close(file);
}

// The number of a closed descriptor goes to the next who opens: through an endpoint's own open file its locks are not seen.
BOOST_AUTO_TEST_CASE(a_descriptor_that_was_closed_and_given_to_an_endpoint_is_let_alone) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const auto creator = few::producer::create(path, {.capacity = 4}); }
    rig::child process([&] {
        auto watcher = std::make_unique<noria::observer>(path);
        insist(close_range(3, std::numeric_limits<unsigned>::max(), 0) == 0, "all descriptors are closed");
        few::producer out{path};
        const noria::snapshot now = watcher->look();
        insist(now.roster.size() == 1 && now.roster[0].alive, "the endpoint lives");
        few::consumer in{path};
        watcher.reset();
        insist(noria::inspect(path).roster.size() == 2, "both are attached");
        for (const auto& each : noria::inspect(path).roster) insist(each.alive, "the observer has dropped no lock");
        insist(out.try_push(number(7)) && in.try_pop()->number == 7, "a message passes");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(an_observer_whose_descriptor_was_closed_opens_its_own_file_again_and_no_other) {
    const rig::workspace place;
    const auto path = place / "queue";
    const few::producer out{path, {.capacity = 4}};
    rig::child process([&] {
        std::filesystem::current_path(place.path());
        const noria::observer watcher("queue");
        std::filesystem::current_path("/");
        insist(close_range(3, std::numeric_limits<unsigned>::max(), 0) == 0, "all descriptors are closed");
        insist(watcher.look().roster.size() == 1, "it is the same file, though the working directory is another one");
        insist(close_range(3, std::numeric_limits<unsigned>::max(), 0) == 0, "all descriptors are closed");
        std::filesystem::rename(path, place / "elsewhere");
        std::error_code code;
        (void)watcher.look(code);
        insist(code == noria::errc::not_found, "the file is gone");
        { const auto other = few::producer::create(path, {.capacity = 4}); }
        (void)watcher.look(code);
        insist(code == noria::errc::not_found, "another file of that name is another file");
        std::filesystem::rename(place / "elsewhere", path);
        insist(watcher.look().roster.size() == 1, "the file is back");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_CASE(a_forked_child_looks_on_by_itself_and_keeps_nothing_open) {
    const rig::workspace place;
    const auto path = place / "queue";
    const few::producer out{path, {.capacity = 4}};
    const noria::observer watcher(path);
    insist(watcher.look().roster.size() == 1, "the parent looks");
    rig::child process([&] {
        const auto is_open = [&] {
            for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
                std::error_code gone;
                if (std::filesystem::read_symlink(each.path(), gone) == path) return true;
            }
            return false;
        };
        insist(!is_open(), "the child has not got the parent's descriptor");
        insist(watcher.look().roster.at(0).alive, "the child looks");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
    insist(watcher.look().roster.at(0).alive, "the parent still looks");
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
