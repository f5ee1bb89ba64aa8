// errors_test.cpp: the ledger of refusals: each errc there is, reached for real, and what it says.
#include "noria/mpmc.hpp"
#include "refusals.hpp"
#include "worlds.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <limits>
#include <optional>
#include <set>

using namespace noria;
using namespace noria::errors;

namespace {

// All values that have words, as the category itself knows them.
std::vector<errc> every_code() {
    const std::string unknown = noria_category().message(0);
    std::vector<errc> all;
    for (int value = -1000; value < 1000; ++value) {
        if (noria_category().message(value) != unknown) all.push_back(static_cast<errc>(value));
    }
    return all;
}

void make_queue(const std::filesystem::path& path, std::uint64_t capacity = 4) {
    const numbers::producer out(path, {.capacity = capacity, .prefault = false});
}

// The complaint about opening a queue whose header an edit has changed, with its sum put right.
template <class Edit>
std::string after(Edit edit, errc wanted, const std::filesystem::path& path,
                  std::initializer_list<std::string_view> words) {
    make_queue(path);
    write_file(path, with_header(content_of(path), edit));
    return complaint(opening<numbers::producer>(path), wanted, path, words);
}

std::string role_is_taken(const std::filesystem::path& path) {
    const numbers::producer out(path, {.capacity = 4});
    const auto holder = fmt::format("held by process {} (process_errors", getpid());
    return complaint(opening<numbers::producer>(path, {.wait_for_role = std::chrono::nanoseconds(0)}), errc::role_taken,
                     path, {"the producer's role", holder, "stop that process"});
}

std::string queue_is_in_use(const std::filesystem::path& path) {
    const numbers::consumer in(path, {.capacity = 4});
    return complaint(removing(path), errc::in_use, path, {"somebody attached", "expected nobody", "stop the programs"});
}

std::string space_is_too_small(const std::filesystem::path& path) {
    return in_child([&] {
        if (auto objection = mount_small(path.parent_path(), layout::page_bytes); !objection.empty()) return objection;
        const auto needed = fmt::format("{} bytes", numbers::required_bytes({.capacity = 4}));
        return complaint(creating<numbers::producer>(path, {.capacity = 4}), errc::no_space, path,
                         {needed, "too little space", "smaller capacity"});
    });
}

std::string size_is_limited(const std::filesystem::path& path) {
    return in_child([&] {
        limit(RLIMIT_FSIZE, layout::page_bytes);
        const auto needed = fmt::format("below {} bytes", numbers::required_bytes({.capacity = 4}));
        return complaint(creating<numbers::producer>(path, {.capacity = 4}), errc::file_size_limit, path,
                         {needed, "RLIMIT_FSIZE", "smaller capacity"});
    });
}

std::string nobody_is_permitted(const std::filesystem::path& path) {
    std::filesystem::permissions(path.parent_path(), std::filesystem::perms::all);
    return in_child([&] {
        if (auto objection = give_up_rights(); !objection.empty()) return objection;
        make_queue(path);
        std::filesystem::permissions(path, std::filesystem::perms::none);
        return complaint(opening<numbers::consumer>(path), errc::no_permission, path,
                         {"Permission denied", "check owner and mode", "directory"});
    });
}

std::string descriptors_are_limited(const std::filesystem::path& path) {
    make_queue(path);
    return in_child([&] {
        const descriptors here;
        here.leave(0);
        return complaint(opening<numbers::consumer>(path), errc::descriptor_limit, path,
                         {"no free descriptor", "RLIMIT_NOFILE"});
    });
}

std::string memory_is_limited(const std::filesystem::path& path) {
    make_queue(path, 1U << 18);
    return in_child([&] {
        limit(RLIMIT_AS, address_space() + (1U << 20));
        return complaint(opening<numbers::consumer>(path), errc::out_of_memory, path,
                         {"no memory to map it", "RLIMIT_AS", "smaller capacity"});
    });
}

std::string roster_is_full(const std::filesystem::path& path) {
    using crowd = mpmc<std::uint64_t>;
    const crowd::producer one(path, {.capacity = 4, .endpoints = 2});
    const crowd::consumer two(path);
    return complaint(opening<crowd::consumer>(path, {.wait_for_role = std::chrono::nanoseconds(0)}), errc::roster_full,
                     path, {"found 2 endpoints attached", "stop one"});
}

// Makes the library say so, and returns what is wrong with it. There is no default: a new code is reached here, or this
// does not compile.
std::string complaint_of(errc code, const rig::workspace& place) {
    const auto path = place / "queue";
    const std::filesystem::path foreign = "/proc/self/comm";
    const auto nameless = place / std::string(300, 'n');
    switch (code) {
        case errc::not_found:
            return complaint(opening<numbers::producer>(path), code, path, {"found nothing", "check the path"});
        case errc::exists:
            make_queue(path);
            return complaint(creating<numbers::producer>(path), code, path, {"expected none", "another name"});
        case errc::symbolic_link:
            std::filesystem::create_symlink("anywhere", path);
            return complaint(opening<numbers::producer>(path), code, path, {"that it points to"});
        case errc::not_a_regular_file:
            std::filesystem::create_directory(path);
            return complaint(opening<numbers::producer>(path), code, path, {"found a directory", "a file in it"});
        case errc::not_a_queue:
            write_file(path, "not a queue");
            return complaint(opening<numbers::producer>(path), code, path, {"found 11 bytes", "left as it is"});
        case errc::other_version:
            return after([](layout::header& page) { page.version = 77; }, code, path,
                         {"format 77", fmt::format("expected {},", format_version), "rebuild"});
        case errc::other_byte_order:
            return after([](layout::header& page) { page.byte_order = __builtin_bswap32(page.byte_order); }, code, path,
                         {"other byte order", "open it there"});
        case errc::other_kind:
            return after([](layout::header& page) { page.kind = 77; }, code, path, {"kind 77", "that made it"});
        case errc::other_type:
            make_queue(path);
            return complaint(opening<texts::producer>(path), code, path, {"one size", "any size", "its own type"});
        case errc::other_geometry:
            make_queue(path);
            return complaint(opening<numbers::producer>(path, {.capacity = 8}), code, path, {"4", "8", "unset"});
        case errc::corrupt:
            return after([](layout::header& page) { page.ring_offset = 1; }, code, path, {"sections", "remove"});
        case errc::role_taken: return role_is_taken(path);
        case errc::roster_full: return roster_is_full(path);
        case errc::in_use: return queue_is_in_use(path);
        case errc::invalid_options:
            return complaint(creating<numbers::producer>(path, {.capacity = 3}), code, path, {"is 3", "next one is 4"});
        case errc::no_space: return space_is_too_small(path);
        case errc::file_size_limit: return size_is_limited(path);
        case errc::no_permission: return nobody_is_permitted(path);
        case errc::descriptor_limit: return descriptors_are_limited(path);
        case errc::out_of_memory: return memory_is_limited(path);
        case errc::unsupported_file_system:
            return complaint(opening<numbers::producer>(foreign), code, foreign, {"proc", "tmpfs", "move the queue"});
        case errc::system:
            return complaint(opening<numbers::producer>(nameless), code, nameless,
                             {"too long", "errno 36", "errno(3)"});
    }
    return "nobody knows how to reach it\n";
}

// The standard's condition of the same meaning. Without a default, again.
std::optional<std::errc> kin_of(errc code) {
    switch (code) {
        case errc::not_found: return std::errc::no_such_file_or_directory;
        case errc::exists: return std::errc::file_exists;
        case errc::symbolic_link: return std::errc::too_many_symbolic_link_levels;
        case errc::role_taken:
        case errc::roster_full:
        case errc::in_use: return std::errc::device_or_resource_busy;
        case errc::invalid_options: return std::errc::invalid_argument;
        case errc::no_space: return std::errc::no_space_on_device;
        case errc::file_size_limit: return std::errc::file_too_large;
        case errc::no_permission: return std::errc::permission_denied;
        case errc::descriptor_limit: return std::errc::too_many_files_open;
        case errc::out_of_memory: return std::errc::not_enough_memory;
        case errc::unsupported_file_system: return std::errc::operation_not_supported;
        case errc::not_a_regular_file:
        case errc::not_a_queue:
        case errc::other_version:
        case errc::other_byte_order:
        case errc::other_kind:
        case errc::other_type:
        case errc::other_geometry:
        case errc::corrupt:
        case errc::system: return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(every_code_is_reached_by_exception_and_by_code_and_says_what_to_do) {
    // Each in a workspace of its own; what needs a limit, a user or a mount of its own, in a child.
    for (const errc code : every_code()) {
        const rig::workspace place;
        BOOST_TEST_CONTEXT(make_error_code(code).message()) judge(complaint_of(code, place));
    }
}

BOOST_AUTO_TEST_CASE(every_code_has_words_of_its_own_and_none_is_success) {
    const std::vector<errc> all = every_code();
    std::set<std::string> words;
    for (const errc code : all) {
        const std::error_code made = code;
        BOOST_TEST(static_cast<bool>(made));
        BOOST_TEST((made.category() == noria_category()));
        BOOST_TEST(made.message() != "");
        BOOST_TEST(words.insert(made.message()).second, made.message());
    }
    // Values are part of the binary interface: they run from 1 without a gap, and the last stays the last.
    BOOST_TEST((all.front() == errc::not_found));
    BOOST_TEST((all.back() == errc::system));
    BOOST_TEST(all.size() == 22U);
    BOOST_TEST(static_cast<std::size_t>(all.back()) == all.size());
    BOOST_TEST(std::string_view(noria_category().name()) == "noria");
}

BOOST_AUTO_TEST_CASE(values_that_are_no_codes_are_unknown) {
    for (const int value : {0, -1, 23, 1000, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
        const std::error_code made(value, noria_category());
        BOOST_TEST(made.message() == "unknown noria error");
        BOOST_TEST((made.default_error_condition() == std::error_condition(value, noria_category())));
    }
}

BOOST_AUTO_TEST_CASE(a_code_equals_the_standards_condition_of_its_meaning_and_no_other) {
    // Against every condition of the standard: their values are errnos, so all small ones are looked at.
    for (const errc code : every_code()) {
        const std::error_code made = code;
        BOOST_TEST_CONTEXT(made.message()) {
            const std::optional<std::errc> kin = kin_of(code);
            for (int number = 0; number < 200; ++number) {
                const auto other = static_cast<std::errc>(number);
                BOOST_TEST((made == std::make_error_condition(other)) == (kin == other));
            }
            BOOST_TEST((made == code));
            if (!kin) BOOST_TEST((made.default_error_condition().category() == noria_category()));
        }
    }
}

BOOST_AUTO_TEST_CASE(an_error_is_a_system_error_of_the_same_code_and_its_text_is_whole) {
    const rig::workspace place;
    try {
        (void)numbers::producer::open(place / "nothing");
        BOOST_TEST(false, "it was opened");
    } catch (const std::system_error& refused) {
        BOOST_TEST((refused.code() == errc::not_found));
        BOOST_TEST((refused.code() == std::errc::no_such_file_or_directory));
        BOOST_TEST(
            std::string_view(refused.what()).starts_with("'" + (place / "nothing").string() + "': found nothing"));
    }
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_could_not_be_opened_says_so_whatever_it_is_asked) {
    const rig::workspace place;
    std::error_code code;
    auto out = numbers::producer::open(place / "nothing", {}, code);
    auto in = texts::consumer::open(place / "nothing", {}, code);
    BOOST_TEST((code == errc::not_found));
    BOOST_TEST(!out.is_open());
    BOOST_TEST((out.error_code() == errc::not_found));
    BOOST_TEST(!out.push(1));
    BOOST_TEST((out.why() == outcome::closed));
    BOOST_TEST(!out.claim());
    BOOST_TEST(!in.pop());
    BOOST_TEST((in.why() == outcome::closed));
    BOOST_TEST(!in.take());
    BOOST_TEST((in.error_code() == errc::not_found));
    BOOST_TEST(out.size() == 0U);
    BOOST_TEST(out.capacity() == 0U);
    BOOST_TEST(!out.created());
    BOOST_TEST(!out.orphaned());
    BOOST_TEST(out.path().empty());
    // A success clears the code of the failure before it.
    out = numbers::producer::create(place / "queue", {.capacity = 4}, code);
    BOOST_TEST(!code);
    BOOST_TEST(out.error_text() == "");
    BOOST_TEST(out.is_open());
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
