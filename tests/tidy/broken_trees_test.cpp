// broken_trees_test.cpp: each rule reports a small tree that breaks it, and lets one pass that just does not.
#include "rules.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace noria::tidy;

std::string lines(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "// a line\n";
    return text;
}

tree including(std::string path, const std::string& target) { return tree_of(std::move(path), "#include " + target); }

// A violation whose text holds the words: a rule may be right for the wrong reason.
void expect_one(const violations& found, const std::string& words) {
    BOOST_REQUIRE_MESSAGE(found.size() == 1, "expected one violation with '" << words << "', found " << found.size());
    BOOST_TEST(found.front().find(words) != std::string::npos, "'" << words << "' is not in: " << found.front());
}

void expect_none(const violations& found) {
    for (const auto& violation : found) BOOST_ERROR(violation);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(includes)

BOOST_AUTO_TEST_CASE(an_edge_that_the_table_has_not_is_reported) {
    const std::vector<std::pair<std::string, std::string>> edges{
        {"include/noria/core/bits.hpp", "noria/layout/header.hpp"},
        {"include/noria/layout/header.hpp", "noria/os/futex.hpp"},
        {"lib/layout/header.cpp", "noria/os/futex.hpp"},
        {"lib/os/futex.cpp", "noria/layout/header.hpp"},
        {"include/noria/ring/record_ring.hpp", "noria/os/futex.hpp"},
        {"include/noria/ring/record_ring.hpp", "noria/sync/event_count.hpp"},
        {"lib/sync/backoff.cpp", "noria/ring/record_ring.hpp"},
        {"include/noria/sync/backoff.hpp", "noria/queue/roster.hpp"},
        {"include/noria/queue/roster.hpp", "noria/spsc.hpp"},
        {"include/noria/queue/roster.hpp", "noria/version.hpp"},
        {"include/noria/spsc.hpp", "noria/inspect.hpp"},
        {"include/noria/mpmc.hpp", "noria/spsc.hpp"},
        {"include/noria/message.hpp", "noria/noria.hpp"},
        {"lib/inspect.cpp", "noria/spsc.hpp"},
        {"lib/tool/noria.cpp", "noria/queue/roster.hpp"},
        {"examples/1_tutorial/typed.cpp", "noria/core/bits.hpp"},
        {"tests/install/user/user.cpp", "noria/os/futex.hpp"},
        {"tests/unit/ring/record_ring_test.cpp", "noria/os/mapped_file.hpp"},
    };
    for (const auto& [from, target] : edges) {
        BOOST_TEST_CONTEXT(from << " includes " << target) {
            expect_one(forbidden_includes(including(from, "<" + target + ">")), "must not include");
            expect_one(forbidden_includes(including(from, "\"" + target + "\"")), "must not include");
        }
    }
}

BOOST_AUTO_TEST_CASE(an_edge_that_the_table_has_passes) {
    const std::vector<std::pair<std::string, std::string>> edges{
        {"include/noria/core/error.hpp", "noria/core/bits.hpp"},
        {"include/noria/layout/header.hpp", "noria/core/bits.hpp"},
        {"lib/os/futex.cpp", "noria/core/error.hpp"},
        {"lib/ring/record_ring.cpp", "noria/layout/record.hpp"},
        {"include/noria/sync/event_count.hpp", "noria/os/futex.hpp"},
        {"lib/queue/recovery.cpp", "noria/ring/record_ring.hpp"},
        {"include/noria/spsc.hpp", "noria/options.hpp"},
        {"include/noria/spsc.hpp", "noria/queue/endpoint.hpp"},
        {"include/noria/spsc.hpp", "noria/version.hpp"},
        {"include/noria/noria.hpp", "noria/spsc.hpp"},
        {"lib/inspect.cpp", "noria/inspect.hpp"},
        {"examples/2_patterns/service.cpp", "noria/spsc.hpp"},
        {"tests/unit/ring/record_ring_test.cpp", "noria/layout/record.hpp"},
        {"tests/process/kill_test.cpp", "noria/os/file_lock.hpp"},
    };
    for (const auto& [from, target] : edges) expect_none(forbidden_includes(including(from, "<" + target + ">")));
}

BOOST_AUTO_TEST_CASE(a_relative_include_is_an_edge_too) {
    expect_one(forbidden_includes(including("include/noria/layout/header.hpp", "\"../os/futex.hpp\"")), "layout");
    expect_one(forbidden_includes(including("include/noria/layout/header.hpp", " \"../os/./futex.hpp\"  // why")),
               "include/noria/os/futex.hpp");
}

BOOST_AUTO_TEST_CASE(a_folder_that_the_house_has_not_is_reported) {
    expect_one(forbidden_includes(tree_of("include/noria/attic/box.hpp", "")), "attic");
    expect_one(forbidden_includes(tree_of("lib/attic/box.cpp", "")), "attic");
}

BOOST_AUTO_TEST_CASE(a_kernel_header_below_os_is_reported) {
    expect_one(forbidden_includes(including("lib/ring/record_ring.cpp", "<sys/mman.h>")), "kernel");
    expect_one(forbidden_includes(including("include/noria/layout/header.hpp", "<unistd.h>")), "kernel");
    expect_none(forbidden_includes(including("lib/os/mapped_file.cpp", "<sys/mman.h>")));
}

BOOST_AUTO_TEST_CASE(a_circle_is_reported) {
    tree circle = including("include/noria/core/a.hpp", "<noria/core/b.hpp>");
    add(circle, "include/noria/core/b.hpp", "#include \"c.hpp\"");
    expect_none(circular_includes(circle));
    add(circle, "include/noria/core/c.hpp", "#include \"noria/core/a.hpp\"");
    expect_one(circular_includes(circle), "a.hpp -> include/noria/core/b.hpp -> include/noria/core/c.hpp -> include");
    expect_one(circular_includes(including("include/noria/core/a.hpp", "\"a.hpp\"")), "a.hpp -> include");
}

BOOST_AUTO_TEST_CASE(a_library_in_a_wrong_place_is_reported) {
    const std::string interprocess = "<boost/interprocess/mapped_region.hpp>";
    expect_one(strayed_interprocess(including("lib/os/file_lock.cpp", interprocess)), "file_lock.cpp");
    expect_one(strayed_interprocess(including("tests/process/kill_test.cpp", interprocess)), "kill_test.cpp");
    expect_none(strayed_interprocess(including("lib/os/mapped_file.cpp", interprocess)));
    expect_none(strayed_interprocess(including("tests/bench/adapters/boost.cpp", interprocess)));
    expect_one(libraries_in_headers(including("include/noria/core/error.hpp", "<fmt/core.h>")), "fmt/core.h");
    expect_one(libraries_in_headers(including("include/noria/core/error.hpp", "<boost/crc.hpp>")), "boost/crc.hpp");
    expect_none(libraries_in_headers(including("lib/core/error.cpp", "<fmt/core.h>")));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(orders)

constexpr const char* room = "include/noria/ring/record_ring.hpp";
constexpr const char* release = "store();  // [S2] release -> [S1] in pop: publishes.\n";
constexpr const char* acquire = "load();  // [S1] acquire <- [S2] in push: takes.\n";

BOOST_AUTO_TEST_CASE(a_memory_order_outside_atomics_is_reported) {
    const std::string text = "x.load(std::memory_order_relaxed);";
    expect_one(strayed_memory_orders(tree_of("lib/ring/record_ring.cpp", text)), "record_ring.cpp:1");
    expect_one(strayed_memory_orders(tree_of(room, "using enum std::memory_order;")), "record_ring.hpp:1");
    expect_none(strayed_memory_orders(tree_of("include/noria/core/atomics.hpp", text)));
}

BOOST_AUTO_TEST_CASE(a_pair_passes) {
    expect_none(unpaired_orders(tree_of(room, std::string{release} + acquire)));
    expect_none(unpaired_orders(tree_of(room,
                                        "a();\n// I2 holds.\n// [S2] release -> [S1] in reader::pop,\n// so it does.\n"
                                        "store();\n\n// [S1] acquire <- [S2]\nload();\n")));
}

BOOST_AUTO_TEST_CASE(a_pair_in_two_files_of_a_room_or_folder_passes) {
    for (const char* other : {"lib/ring/record_ring.cpp", "include/noria/ring/slot_ring.hpp"}) {
        tree two = tree_of(room, release);
        add(two, other, acquire);
        expect_none(unpaired_orders(two));
    }
}

BOOST_AUTO_TEST_CASE(two_pairs_in_one_comment_pass) {
    expect_none(unpaired_orders(tree_of(room,
                                        "load();  // [S1] acquire <- [S2] in push, [S3] acquire <- [S4] in skip: both\n"
                                        "store();  // [S2] release -> [S1]\nstore();  // [S4] release -> [S3]\n")));
}

BOOST_AUTO_TEST_CASE(a_label_without_its_partner_is_reported) {
    expect_one(unpaired_orders(tree_of(room, release)), "names [S1], which stands by no line of code");
    expect_one(unpaired_orders(tree_of(room, "store();  // [S2] release: publishes.\n")), "names no partner");
    tree two = tree_of(room, release);
    add(two, "lib/sync/event_count.cpp", acquire);
    BOOST_TEST(unpaired_orders(two).size() == 2U);  // another folder is out of sight
}

BOOST_AUTO_TEST_CASE(a_partner_that_names_another_is_reported) {
    expect_one(unpaired_orders(tree_of(room, std::string{release} + acquire +
                                                 "store();  // [S3] release -> [S1] in pop: publishes too.\n")),
               "[S3] names [S1], which does not name it back");
}

BOOST_AUTO_TEST_CASE(a_partner_in_a_named_file_is_looked_for_there) {
    tree two = tree_of(room, "store();  // [S2] release -> [S1] in event_count.hpp: wakes.\n");
    expect_one(unpaired_orders(two), "[S1], which stands by no line of code");
    add(two, "include/noria/sync/event_count.hpp", "load();  // [S1] acquire <- [S2] in record_ring.hpp: woken.\n");
    expect_none(unpaired_orders(two));
}

BOOST_AUTO_TEST_CASE(a_label_without_code_is_reported) {
    expect_one(unpaired_orders(tree_of(room, std::string{acquire} + "// [S2] release -> [S1] in pop: publishes.\n\n")),
               "stands by no code");
}

BOOST_AUTO_TEST_CASE(an_opening_table_that_mentions_what_is_not_there_is_reported) {
    const std::string table =
        "// record_ring.hpp: a ring.\n// Orders [S1] acquire <- [S2] release, [S7]\n#pragma once\n";
    expect_one(unpaired_orders(tree_of(room, table + release + acquire)), "[S7] stands by no line of code");
}

BOOST_AUTO_TEST_CASE(a_synchronising_line_without_a_label_is_reported) {
    expect_one(unlabelled_orders(tree_of(room, "a();\nstore_release(x, y);\n")), "record_ring.hpp:2");
    expect_one(
        unlabelled_orders(tree_of(room, "f();  // [S1] acquire <- [S2]\nreturn load_acquire(x);  // so it is\n")),
        "record_ring.hpp:2");
    expect_none(unlabelled_orders(tree_of(room, "a();\n// [S1] acquire <- [S2]\nb(c,\n  load_acquire(x));\n")));
    expect_none(unlabelled_orders(tree_of(room, "store_release(x, y);  // [S2] release -> [S1]\n")));
    expect_none(unlabelled_orders(tree_of(room, "store_release(x,\n  y);  // [S2] release -> [S1]\n")));
    expect_none(unlabelled_orders(tree_of(room, "store_release(x, y);  // E2: nothing is planned before.\n")));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(files)

BOOST_AUTO_TEST_CASE(a_file_of_501_lines_is_reported) {
    for (const char* path : {"lib/os/futex.cpp", "include/noria/layout/FORMAT.md", "tests/run"}) {
        expect_none(long_files(tree_of(path, lines(500))));
        expect_one(long_files(tree_of(path, lines(501))), "501 lines");
    }
    expect_none(long_files(tree_of("tests/bench/results/raw.csv", lines(501))));
}

BOOST_AUTO_TEST_CASE(a_tutorial_of_40_lines_is_reported) {
    expect_none(long_tutorials(tree_of("examples/1_tutorial/typed.cpp", lines(39))));
    expect_one(long_tutorials(tree_of("examples/1_tutorial/typed.cpp", lines(40))), "40 lines");
}

BOOST_AUTO_TEST_CASE(a_name_that_says_nothing_is_reported) {
    expect_one(vague_names(tree_of("include/noria/detail/x.hpp", "")), "detail");
    expect_one(vague_names(tree_of("lib/queue/util.cpp", "")), "util");
    expect_one(vague_names(tree_of("tests/rig/test_helpers.hpp", "")), "helpers");
    expect_one(vague_names(tree_of("tests/misc/CMakeLists.txt", "")), "misc");
    expect_none(vague_names(tree_of("lib/queue/commons.cpp", "")));
}

BOOST_AUTO_TEST_CASE(a_note_for_later_is_reported) {
    for (const char* note : {"TO"
                             "DO",
                             "FIX"
                             "ME",
                             "XX"
                             "X",
                             "HA"
                             "CK"}) {
        expect_one(notes_for_later(tree_of("cmake/build", std::string{"a\n# "} + note + ": later")), "cmake/build:2");
    }
    expect_none(notes_for_later(tree_of("tests/rig/launcher.cpp", "mkdtemp(\"noria.XXXXXX\")")));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_opened_elsewhere_is_reported) {
    for (const char* line : {"const int file = open(path, how);", "if (::open(path, how) < 0) return;",
                             "x = openat(3, path, how);", "std::ifstream file(path);", "DIR* all = opendir(path);"}) {
        expect_one(strayed_openings(tree_of("lib/queue/space.cpp", line)), "space.cpp:1");
        expect_none(strayed_openings(tree_of("lib/os/descriptor.cpp", line)));
        expect_none(strayed_openings(tree_of("tests/rig/child.hpp", line)));
    }
    for (const char* line :
         {"file.open(path)", "failure queue_file::open(const path& name)", "fdopendir(file)", "reopen(file)"})
        expect_none(strayed_openings(tree_of("lib/queue/space.cpp", line)));
}

BOOST_AUTO_TEST_CASE(a_first_line_of_another_form_is_reported) {
    for (const char* line : {"// futex.hpp: waits on a word.", "// futex.cpp: waits on a word", "// futex.cpp:", "",
                             "#include <x>", "// futex.cpp: waits. And wakes."}) {
        expect_one(missing_first_lines(tree_of("lib/os/futex.cpp", line)), "futex.cpp: one sentence.");
    }
    expect_none(
        missing_first_lines(tree_of("lib/os/futex.cpp", "// futex.cpp: waits on a word, e.g. an event count.")));
}

BOOST_AUTO_TEST_CASE(a_file_without_its_licence_is_reported) {
    const std::string licence =
        "// SPDX-License"
        "-Identifier: BSL-1.0";
    expect_none(missing_licence_lines(tree_of("lib/os/futex.cpp", "int x;\n" + licence + "\n")));
    expect_one(missing_licence_lines(tree_of("lib/os/futex.cpp", licence + "\nint x;\n")), "int x;");
    expect_one(missing_licence_lines(tree_of("lib/os/futex.cpp", "")), "futex.cpp");
}

BOOST_AUTO_TEST_CASE(a_header_without_a_guard_is_reported) {
    expect_one(unguarded_headers(tree_of("include/noria/spsc.hpp", "int x;")), "spsc.hpp");
    expect_none(unguarded_headers(tree_of("include/noria/spsc.hpp", "// x\n#pragma once\n")));
}

BOOST_AUTO_TEST_CASE(a_sixth_folder_is_reported) {
    tree checkout;
    checkout.top_folders = {"lib", "include", "examples", "tests", "cmake", "docs"};
    expect_one(strange_top_folders(checkout), "docs/");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(reading)

BOOST_AUTO_TEST_CASE(a_comment_begins_outside_of_literals) {
    const auto parts = split(R"(    f("http://x\"//", '"', 1'000);  // a "comment")");
    BOOST_TEST(parts.code == R"(f("http://x\"//", '"', 1'000);)");
    BOOST_TEST(parts.comment == "a \"comment\"");
    BOOST_TEST(split("/// doc").comment == "doc");
    BOOST_TEST(split("no comment").code == "no comment");
}

BOOST_AUTO_TEST_CASE(an_include_inside_a_literal_or_comment_is_none) {
    BOOST_TEST(includes_of(tree_of("a.cpp", "// #include <x>\nf(\"#include <x>\");\n").files.front()).empty());
}

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
