// space_test.cpp: a file system one page too small is an error that costs nothing; one just large enough will do.
#include "noria/os/file.hpp"
#include "refusals.hpp"
#include "worlds.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>

#include <functional>

using namespace noria;
using namespace noria::errors;

namespace {

// Runs the checks in a child that has a tmpfs of so many pages over the directory.
std::string in_pages(std::uint64_t pages, const std::function<std::string(const std::filesystem::path&)>& checks,
                     std::uint64_t files = 1000) {
    const rig::workspace place;
    return in_child([&] {
        const std::string objection = mount_small(place.path(), pages * layout::page_bytes, files);
        return objection.empty() ? checks(place.path()) : objection;
    });
}

// Every way to create, refused for want of space; and the directory is as before.
template <class Queue>
std::string complaint_of_refusal(const std::filesystem::path& directory, const options& wishes) {
    const auto path = directory / "queue";
    const room before = room_in(directory);
    const auto needed = fmt::format("expected {} bytes", Queue::required_bytes(wishes));
    std::string all;
    for (const request& asked :
         {creating<typename Queue::producer>(path, wishes), creating<typename Queue::consumer>(path, wishes),
          constructing<typename Queue::producer>(path, wishes), constructing<typename Queue::consumer>(path, wishes)}) {
        all += complaint(asked, errc::no_space, path,
                         {"too little space (No space left on device)", needed, "free some", "smaller capacity"});
        all += complaint_of_litter(directory, before);
    }
    return all;
}

// Sends what fits, and receives it, several times around the ring, so that every byte of it is written to.
std::string complaint_of_use(const std::filesystem::path& path, const spsc<std::uint64_t>&, const options& wishes) {
    auto out = numbers::producer::open(path, {.prefault = false});
    auto in = numbers::consumer::open(path, {.prefault = false});
    for (std::uint64_t turn = 0; turn < 3; ++turn) {
        std::uint64_t sent = 0;
        while (out.try_push(turn + sent)) ++sent;
        if (sent != wishes.capacity) return fmt::format("{} messages fit\n", sent);
        for (std::uint64_t n = 0; n < sent; ++n) {
            const auto got = in.try_pop();
            if (!got || *got != turn + n) return fmt::format("message {} of turn {} is lost\n", n, turn);
        }
    }
    return in.try_pop() ? "there is a message too much\n" : "";
}
std::string complaint_of_use(const std::filesystem::path& path, const spsc<bytes>&, const options&) {
    auto out = texts::producer::open(path, {.prefault = false});
    auto in = texts::consumer::open(path, {.prefault = false});
    for (std::size_t turn = 0; turn < 9; ++turn) {
        // Each turn in another size, up to the largest: skips, gaps and records come to stand everywhere.
        const std::size_t size = turn == 8 ? out.message_bytes_max() : 1 + turn * 41;
        const std::string text(size, static_cast<char>('a' + turn));
        std::size_t used = 0;
        std::size_t sent = 0;
        for (; out.try_push(bytes(text)); ++sent) used += 8 + (size + 7) / 8 * 8;
        // A further record would not fit: what is free is less than it, the word behind it and the rest at the ring's end.
        if (used + 2 * (16 + size) + 8 < out.capacity())
            return fmt::format("only {} of {} bytes each fit\n", sent, size);
        for (; sent > 0; --sent) {
            const auto got = in.try_pop();
            if (!got || got->text() != text) return fmt::format("a message of {} bytes is lost\n", size);
        }
        if (in.try_pop()) return "there is a message too much\n";
    }
    return {};
}

template <class Queue>
std::string complaint_of_both_sides(const options& wishes) {
    const std::uint64_t pages = Queue::required_bytes(wishes) / layout::page_bytes;
    const auto refusal = [&](const std::filesystem::path& directory) {
        return complaint_of_refusal<Queue>(directory, wishes);
    };
    const auto use = [&](const std::filesystem::path& directory) {
        const auto path = directory / "queue";
        { const auto creator = Queue::producer::create(path, wishes); }
        std::string all = complaint_of_use(path, Queue(), wishes);
        if (room_in(directory).pages != 0) all += "more is free than should be\n";
        noria::remove(path);
        return room_in(directory).pages == pages ? all : all + "remove() has not given all back\n";
    };
    std::string too_small = in_pages(pages - 1, refusal);
    return too_small.empty() ? in_pages(pages, use) : too_small;
}

// A copy whose zeros are holes, as `cp --sparse=always` makes it.
void copy_sparsely(const std::filesystem::path& from, const std::filesystem::path& to) {
    const std::string all = content_of(from);
    write_file(to, "");
    std::filesystem::resize_file(to, all.size());
    std::fstream copy(to, std::ios::binary | std::ios::in | std::ios::out);
    for (std::size_t at = 0; at < all.size(); at += layout::page_bytes) {
        const std::string page = all.substr(at, layout::page_bytes);
        if (page.find_first_not_of('\0') == std::string::npos) continue;
        copy.seekp(static_cast<std::streamoff>(at)).write(page.data(), static_cast<std::streamsize>(page.size()));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(space)

BOOST_AUTO_TEST_CASE(one_page_too_few_is_no_space_and_exactly_enough_can_all_be_used) {
    // Messages of one size, with nothing brought in beforehand: were a page missing, the child would die by SIGBUS.
    for (const std::uint64_t capacity : {1U, 256U, 4096U}) {
        BOOST_TEST_CONTEXT("capacity " << capacity)
        judge(complaint_of_both_sides<numbers>({.capacity = capacity, .prefault = false}));
    }
    judge(complaint_of_both_sides<numbers>({.capacity = 4096, .prefault = true}));
}

BOOST_AUTO_TEST_CASE(one_page_too_few_for_bytes_is_no_space_and_exactly_enough_can_all_be_used) {
    for (const std::uint64_t capacity : {4096U, 1U << 16}) {
        BOOST_TEST_CONTEXT("capacity_bytes " << capacity)
        judge(complaint_of_both_sides<texts>({.capacity_bytes = capacity, .prefault = false}));
    }
    judge(complaint_of_both_sides<texts>({.capacity_bytes = 4096, .message_bytes_max = 4080, .prefault = true}));
}

BOOST_AUTO_TEST_CASE(a_large_queue_that_fails_at_its_last_page_gives_all_of_it_back) {
    // 32 MiB, which are allocated in several steps: what the first ones got is given back, too.
    judge(complaint_of_both_sides<numbers>({.capacity = 1U << 21, .prefault = false}));
}

BOOST_AUTO_TEST_CASE(an_empty_file_system_is_no_space) {
    judge(in_pages(1, [](const std::filesystem::path& directory) {
        return complaint_of_refusal<numbers>(directory, {.capacity = 1}) +
               complaint_of_refusal<texts>(directory, {.capacity_bytes = 64});
    }));
}

BOOST_AUTO_TEST_CASE(a_file_system_without_room_for_another_file_is_no_space) {
    const auto refusal = [](const std::filesystem::path& directory) {
        const auto path = directory / "queue";
        const room before = room_in(directory);
        return complaint(creating<numbers::producer>(path, {.capacity = 4}), errc::no_space, path,
                         {"no room for one more file", "a free inode", "remove files"}) +
               complaint_of_litter(directory, before);
    };
    judge(in_pages(100, refusal, 1));  // the directory itself is the one
}

BOOST_AUTO_TEST_CASE(a_queue_refused_for_want_of_space_harms_none_that_is_there) {
    const options wishes{.capacity = 1024, .prefault = false};
    const std::uint64_t pages = numbers::required_bytes(wishes) / layout::page_bytes;
    judge(in_pages(2 * pages + pages - 1, [&](const std::filesystem::path& directory) {
        numbers::producer one(directory / "one", wishes);
        one.try_push(1);
        { const numbers::producer another(directory / "another", wishes); }
        const room before = room_in(directory);
        std::string all = complaint(creating<numbers::producer>(directory / "third", wishes), errc::no_space,
                                    directory / "third", {"smaller capacity"});
        if (room_in(directory) != before || std::filesystem::exists(directory / "third")) all += "something is left\n";
        auto in = numbers::consumer::open(directory / "one");
        const auto got = in.try_pop();
        if (!got || *got != 1) all += "a message is lost\n";
        all += complaint_of_use(directory / "another", numbers(), wishes);
        // A smaller one, as the text advises, finds its place.
        return all + complaint_of_success(constructing<numbers::producer>(directory / "third", {.capacity = 1}));
    }));
}

BOOST_AUTO_TEST_CASE(a_file_with_one_hole_gets_all_its_bytes_when_it_is_opened) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer creator(path, {.capacity = 1U << 14}); }
    const auto allocated = [&] {
        struct stat status {};
        return stat(path.c_str(), &status) == 0 ? status.st_blocks * 512 : 0;
    };
    const auto all = static_cast<off_t>(std::filesystem::file_size(path));
    const os::descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    BOOST_REQUIRE(fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, all - 4096, 4096) == 0);
    BOOST_TEST(allocated() < all);
    const numbers::consumer in(path, {.prefault = false});
    BOOST_TEST(allocated() >= all);
}

BOOST_AUTO_TEST_CASE(a_sparse_copy_gets_all_its_bytes_when_it_is_opened_or_is_no_space) {
    // Goal: a hole never becomes a SIGBUS. Method: a copy with holes where there is room for half of it, opened in every
    // way with and without prefault; then on one with room for all, where afterwards nothing but the queue fits.
    const rig::workspace origin;
    const options wishes{.capacity = 1U << 14, .prefault = false};
    const std::uint64_t pages = numbers::required_bytes(wishes) / layout::page_bytes;
    { numbers::producer(origin / "queue", wishes).try_push(7); }
    judge(in_pages(pages / 2, [&](const std::filesystem::path& directory) {
        const auto path = directory / "copy";
        copy_sparsely(origin / "queue", path);
        std::string all;
        for (const bool prefault : {true, false}) {
            const options how{.prefault = prefault};
            for (const request& asked : {opening<numbers::producer>(path, how), opening<numbers::consumer>(path, how),
                                         constructing<numbers::producer>(path, how)}) {
                all += complaint(asked, errc::no_space, path, {"too little space", "free some"});
            }
        }
        return all;
    }));
    judge(in_pages(pages, [&](const std::filesystem::path& directory) {
        const auto path = directory / "copy";
        copy_sparsely(origin / "queue", path);
        auto in = numbers::consumer::open(path, {.prefault = false});
        std::string all = room_in(directory).pages == 0 ? "" : "not all of it is allocated\n";
        const auto got = in.try_pop();
        if (!got || *got != 7) all += "the message is lost\n";
        return all;
    }));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
