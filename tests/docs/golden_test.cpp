// golden_test.cpp: the bytes of seven small files are those that were checked in: who changes one changes the format.
//
// Goal: no byte moves unnoticed. Method: each file is made by the library, what is drawn or depends on the process is
// replaced (uuid, pid, start time, program, and the checksum accordingly), and the rest is compared with golden/*.hex.
// `docs_golden -- --write DIRECTORY` writes these anew: after a change of format_version, and never otherwise.
#include "hexdump.hpp"
#include "markdown.hpp"

#include "noria/layout/header.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/mpmc.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/spsc.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <string>
#include <string_view>

namespace fs = std::filesystem;
namespace layout = noria::layout;

namespace {

struct tick {
    std::int64_t time_ns;
    double price;
};
using ticks = noria::spsc<tick>;
using lines = noria::spsc<noria::bytes>;

template <class Field>
void put(std::string& file, std::uint64_t offset, const Field& value) {
    std::memcpy(file.data() + offset, &value, sizeof value);
}

// The same file as it would be of queue 00112233-4455-..., of process 4711, called "golden".
std::string masked(std::string file) {
    layout::header page{};
    BOOST_REQUIRE_GE(file.size(), sizeof page);
    std::memcpy(static_cast<void*>(&page), file.data(), sizeof page);
    BOOST_REQUIRE_EQUAL(page.checksum, checksum_of(page));
    for (std::size_t i = 0; i < page.uuid.size(); ++i) page.uuid[i] = static_cast<std::uint8_t>(0x11 * i);
    page.checksum = checksum_of(page);
    put(file, 0, page);
    for (std::uint64_t i = 0; i < page.roster_length; ++i) {
        const std::uint64_t at = page.roster_offset + i * sizeof(layout::roster_entry);
        layout::roster_entry entry{};
        std::memcpy(&entry, file.data() + at, sizeof entry);
        if (entry.incarnation == 0) continue;  // nobody was ever there
        entry.pid = 4711;
        entry.start_time = 0;
        std::memcpy(entry.program, "golden\0\0\0\0\0\0\0\0\0", sizeof entry.program);
        put(file, at, entry);
    }
    // Where the system has no membarrier, publishers fence.
    layout::queue_words words{};
    std::memcpy(&words, file.data() + page.words_offset, sizeof words);
    words.consumers_event.word &= ~layout::event_needs_fence;
    words.producers_event.word &= ~layout::event_needs_fence;
    put(file, page.words_offset, words);
    return file;
}

std::string golden_path(const std::string& name) { return NORIA_GOLDEN "/" + name + ".hex"; }

void expect_golden(const std::string& name, const fs::path& file) {
    const std::string dump = noria::docs::hexdump(masked(noria::docs::read_text(file.string())));
    const auto& suite = boost::unit_test::framework::master_test_suite();
    if (suite.argc == 3 && std::string(suite.argv[1]) == "--write") {
        std::ofstream(fs::path(suite.argv[2]) / (name + ".hex")) << dump;
        return;
    }
    const auto found = noria::docs::lines_of(dump);
    const auto expected = noria::docs::lines_of(noria::docs::read_text(golden_path(name)));
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE(a_new_file_of_one_message_type_is_as_it_was) {
    const noria::rig::workspace dir;
    BOOST_REQUIRE(!noria::queue::queue_file::create(dir / "new", {.capacity = 4}, ticks::shape()));
    expect_golden("ticks_new", dir / "new");
}

BOOST_AUTO_TEST_CASE(a_new_file_of_bytes_is_as_it_was) {
    const noria::rig::workspace dir;
    const noria::options options{.capacity_bytes = 128, .message_bytes_max = 100};
    BOOST_REQUIRE(!noria::queue::queue_file::create(dir / "new", options, lines::shape()));
    expect_golden("lines_new", dir / "new");
}

// Three pushed, one popped, one held in a lease, both endpoints attached. It is FORMAT.md's worked example.
BOOST_AUTO_TEST_CASE(a_file_of_ticks_at_work_is_as_it_was) {
    const noria::rig::workspace dir;
    ticks::producer out(dir / "ticks", {.capacity = 4});
    ticks::consumer in(dir / "ticks");
    for (std::int64_t n = 1; n <= 3; ++n)
        BOOST_REQUIRE(out.push({.time_ns = n, .price = 100.0 + 0.5 * static_cast<double>(n)}));
    BOOST_REQUIRE(in.pop()->time_ns == 1);
    const auto held = in.take();
    BOOST_REQUIRE(held->time_ns == 2);
    expect_golden("ticks", dir / "ticks");
}

// A ring that has turned: the fourth message lies behind a skip; both endpoints have left.
BOOST_AUTO_TEST_CASE(a_file_of_bytes_that_has_turned_is_as_it_was) {
    const noria::rig::workspace dir;
    {
        lines::producer out(dir / "lines", {.capacity_bytes = 128, .message_bytes_max = 100});
        lines::consumer in(dir / "lines");
        BOOST_REQUIRE(out.push("noria"));
        BOOST_REQUIRE(out.push(""));
        BOOST_REQUIRE(out.push(std::string_view("a wheel of buckets that lifts water, one after another, and turns")));
        for (int i = 0; i < 3; ++i) BOOST_REQUIRE(static_cast<bool>(in.pop()));
        BOOST_REQUIRE(out.push(std::string_view("behind a skip record")));
        (void)out.claim(3);  // given back
    }
    expect_golden("lines", dir / "lines");
}

// Of many: one message gone, one that was put back, one held, an open claim; and one set aside, since its holder let it fall.
BOOST_AUTO_TEST_CASE(a_file_of_many_at_work_is_as_it_was) {
    using crowd = noria::mpmc<tick>;
    const noria::rig::workspace dir;
    crowd::producer out(dir / "crowd", {.capacity = 4, .endpoints = 3, .deliveries_max = 2, .parking = 1});
    crowd::consumer in(dir / "crowd");
    for (std::int64_t n = 1; n <= 4; ++n)
        BOOST_REQUIRE(out.push({.time_ns = n, .price = 100.0 + 0.5 * static_cast<double>(n)}));
    BOOST_REQUIRE(in.pop()->time_ns == 1);
    const auto drop = [&] { (void)in.try_consume_some([](const tick&) { throw std::bad_alloc(); }); };
    BOOST_REQUIRE_THROW(drop(), std::bad_alloc);
    BOOST_REQUIRE_THROW(drop(), std::bad_alloc);  // 2 is set aside
    BOOST_REQUIRE_THROW(drop(), std::bad_alloc);  // 3 will come again
    const auto again = in.take();
    BOOST_REQUIRE_EQUAL(again->time_ns, 3);
    const auto room = out.claim();
    BOOST_REQUIRE(room);
    expect_golden("crowd", dir / "crowd");
}

BOOST_AUTO_TEST_CASE(a_file_of_bytes_for_many_that_has_turned_is_as_it_was) {
    using parcels = noria::mpmc<noria::bytes>;
    const noria::rig::workspace dir;
    {
        parcels::producer out(dir / "parcels", {.capacity = 2, .message_bytes_max = 20, .endpoints = 2});
        parcels::consumer in(dir / "parcels");
        for (const std::string_view text : {"one", "", "a bucket of water"}) {
            BOOST_REQUIRE(out.push(text));
            if (!text.starts_with('a')) BOOST_REQUIRE(in.pop());
        }
        (void)out.claim(3);  // given back
    }
    expect_golden("parcels", dir / "parcels");
}

// Under a mutex: a lease, a message that was put back, an open claim, and the ring's end passed by.
BOOST_AUTO_TEST_CASE(a_file_under_a_mutex_at_work_is_as_it_was) {
    using parcels = noria::mpmc<noria::bytes, noria::coordination::robust_mutex>;
    const noria::rig::workspace dir;
    parcels::producer out(dir / "mutex", {.capacity_bytes = 128, .message_bytes_max = 64, .endpoints = 3});
    parcels::consumer in(dir / "mutex");
    BOOST_REQUIRE(out.push(std::string_view("one, which is gone, and left room for more than that")));
    BOOST_REQUIRE(out.push("two"));
    BOOST_REQUIRE(in.pop()->size() == 52U);
    BOOST_REQUIRE(out.push("three"));
    const auto held = in.take();
    try {
        (void)in.consume_some([](const auto&) { throw 3; });
    } catch (int) {
    }
    auto open = out.claim(40);
    BOOST_REQUIRE(bool(open));
    std::memset(open.data(), '.', open.size());
    expect_golden("mutex", dir / "mutex");
    open.give_back();
}

BOOST_AUTO_TEST_CASE(the_worked_example_of_the_document_is_that_file) {
    const std::string golden = noria::docs::read_text(golden_path("ticks"));
    std::string shown;
    for (const auto& block : noria::docs::fenced_blocks(noria::docs::read_text(NORIA_FORMAT_TEXT))) {
        if (block.language == "hexdump") shown += block.text;
    }
    BOOST_TEST(noria::docs::lines_of(shown) == noria::docs::lines_of(golden), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
