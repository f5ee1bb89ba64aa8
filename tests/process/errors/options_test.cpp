// options_test.cpp: options that the file contradicts, options that make no queue, and what a queue will weigh.
#include "refusals.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace noria;
using namespace noria::errors;

namespace {

// Every way to open an existing file with these options.
template <class Queue>
std::vector<request> all_with(const std::filesystem::path& path, const options& wishes) {
    return {opening<typename Queue::producer>(path, wishes), opening<typename Queue::consumer>(path, wishes),
            constructing<typename Queue::producer>(path, wishes), constructing<typename Queue::consumer>(path, wishes)};
}

template <class Queue>
std::string complaint_of_all(const std::filesystem::path& path, const options& wishes, errc wanted,
                             std::initializer_list<std::string_view> words) {
    std::string all;
    for (const request& asked : all_with<Queue>(path, wishes)) all += complaint(asked, wanted, path, words);
    return all;
}

template <class Queue>
std::string complaint_of_any(const std::filesystem::path& path, const options& wishes) {
    std::string all;
    for (const request& asked : all_with<Queue>(path, wishes)) all += complaint_of_success(asked);
    return all;
}

// required_bytes() only throws, and there is no file to name.
template <class Queue>
std::string complaint_of_weighing(const options& wishes, std::initializer_list<std::string_view> words) {
    const auto weigh = [=] { (void)Queue::required_bytes(wishes); };
    const request asked{weigh, [=](std::error_code& code) {
                            const answer thrown = by_exception(weigh);
                            code = thrown.code;
                            return thrown.text;
                        }};
    return complaint(asked, errc::invalid_options, "(no file)", words);
}

template <std::size_t Size, std::size_t Align>
struct alignas(Align) block {
    std::byte filling[Size];
};

// The complaint about a created file that is not as long as was said before.
template <class Queue>
std::string complaint_of_size(const options& wishes) {
    const rig::workspace place;
    const std::uint64_t said = Queue::required_bytes(wishes);
    { const auto creator = Queue::consumer::create(place / "queue", wishes); }
    const auto made = std::filesystem::file_size(place / "queue");
    return made == said ? std::string() : fmt::format("said {} bytes, made {}\n", said, made);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(option)

BOOST_AUTO_TEST_CASE(another_capacity_than_the_files_is_refused_naming_both_and_the_file_stays_as_it_is) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer out(path, {.capacity = 16}); }
    const std::string before = content_of(path);
    // Nearly the same, wildly different, and such as no queue could have.
    for (const std::uint64_t asked : {0U, 1U, 8U, 15U, 17U, 32U, 4096U, 1U << 31}) {
        BOOST_TEST(complaint_of_all<numbers>(path, {.capacity = asked}, errc::other_geometry,
                                             {"found capacity 16,", fmt::format("expected {};", asked),
                                              "leave the option unset", "remove the file"}) == "");
    }
    BOOST_TEST((content_of(path) == before));
}

BOOST_AUTO_TEST_CASE(another_geometry_of_bytes_is_refused_naming_the_option_and_both) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const texts::producer out(path, {.capacity_bytes = 1024, .message_bytes_max = 100}); }
    const std::string before = content_of(path);
    for (const std::uint64_t asked : {0U, 512U, 1023U, 2048U}) {
        BOOST_TEST(complaint_of_all<texts>(path, {.capacity_bytes = asked}, errc::other_geometry,
                                           {"found capacity_bytes 1024,", fmt::format("expected {};", asked)}) == "");
        BOOST_TEST(complaint_of_all<texts>(path, {.capacity_bytes = asked, .message_bytes_max = 100},
                                           errc::other_geometry,
                                           {"found capacity_bytes 1024,", fmt::format("expected {};", asked)}) == "");
    }
    for (const std::uint64_t asked : {0U, 99U, 101U, 1008U}) {
        BOOST_TEST(complaint_of_all<texts>(path, {.message_bytes_max = asked}, errc::other_geometry,
                                           {"found message_bytes_max 100,", fmt::format("expected {};", asked)}) == "");
        BOOST_TEST(complaint_of_all<texts>(path, {.capacity_bytes = 1024, .message_bytes_max = asked},
                                           errc::other_geometry,
                                           {"found message_bytes_max 100,", fmt::format("expected {};", asked)}) == "");
    }
    BOOST_TEST((content_of(path) == before));
}

BOOST_AUTO_TEST_CASE(equal_options_and_unset_ones_open_the_file_and_tell_its_geometry) {
    const rig::workspace place;
    const auto path = place / "numbers";
    { const numbers::producer out(path, {.capacity = 16}); }
    BOOST_TEST(complaint_of_any<numbers>(path, {.capacity = 16}) == "");
    BOOST_TEST(complaint_of_any<numbers>(path, {}) == "");
    const auto in = numbers::consumer::open(path);
    BOOST_TEST(in.capacity() == 16U);
    BOOST_TEST(in.message_bytes_max() == 8U);

    const auto other = place / "texts";
    { const texts::producer out(other, {.capacity_bytes = 1024, .message_bytes_max = 100}); }
    BOOST_TEST(complaint_of_any<texts>(other, {.capacity_bytes = 1024, .message_bytes_max = 100}) == "");
    BOOST_TEST(complaint_of_any<texts>(other, {.capacity_bytes = 1024}) == "");
    BOOST_TEST(complaint_of_any<texts>(other, {.message_bytes_max = 100}) == "");
    BOOST_TEST(complaint_of_any<texts>(other, {}) == "");
    const auto reader = texts::consumer::open(other);
    BOOST_TEST(reader.capacity() == 1024U);
    BOOST_TEST(reader.message_bytes_max() == 100U);
}

BOOST_AUTO_TEST_CASE(options_left_unset_make_the_queue_that_the_readme_says) {
    const rig::workspace place;
    using crowd = mpmc<bytes, coordination::lock_free>;
    BOOST_TEST(numbers::producer(place / "numbers").capacity() == 4096U);
    BOOST_TEST(texts::producer(place / "texts").capacity() == 1U << 20);
    BOOST_TEST(texts::producer(place / "small", {.capacity_bytes = 1024}).message_bytes_max() == 256U);
    BOOST_TEST(crowd::producer(place / "crowd").message_bytes_max() == 1024U);
    BOOST_TEST(inspect(place / "crowd").shape.capacity == 4096U);
    BOOST_TEST(inspect(place / "crowd").shape.endpoints == 64U);
    BOOST_TEST(inspect(place / "crowd").shape.parking == 0U);
}

BOOST_AUTO_TEST_CASE(large_messages_have_a_default_capacity_that_is_a_moderate_file) {
    // Both sides of each limit: 4096 messages, or as many as 16 MiB hold, at least 4. By required_bytes, and by a file.
    struct page_of {
        std::byte bytes[4096];
    };
    struct page_and_more {
        std::byte bytes[4097];
    };
    struct picture {
        std::byte bytes[12 << 20];
    };
    const auto same = []<class Queue>(std::uint64_t capacity, options wishes = {}) {
        options stated = wishes;
        stated.capacity = capacity;
        return Queue::required_bytes(wishes) == Queue::required_bytes(stated);
    };
    BOOST_TEST((same.operator()<spsc<page_of, coordination::lock_free>>(4096)));
    BOOST_TEST((same.operator()<spsc<page_and_more, coordination::lock_free>>(2048)));
    BOOST_TEST((same.operator()<mpmc<page_of, coordination::lock_free>>(4096)));
    BOOST_TEST((same.operator()<mpmc<page_and_more, coordination::lock_free>>(2048)));
    BOOST_TEST((same.operator()<spsc<picture, coordination::lock_free>>(4)));
    BOOST_TEST((same.operator()<mpmc<picture, coordination::robust_mutex>>(4)));
    using crowd = mpmc<bytes, coordination::lock_free>;
    BOOST_TEST((same.operator()<crowd>(4, {.message_bytes_max = 6'000'000})));
    BOOST_TEST((same.operator()<crowd>(8, {.message_bytes_max = 2 << 20})));
    BOOST_TEST((same.operator()<crowd>(4096, {.message_bytes_max = 1})));
    const rig::workspace place;
    BOOST_TEST((spsc<picture, coordination::lock_free>::producer(place / "pictures").capacity()) == 4U);
}

BOOST_AUTO_TEST_CASE(options_of_a_crowd_are_misplaced_elsewhere_whether_the_file_is_there_or_not) {
    using single = spsc<std::uint64_t, coordination::lock_free>;
    using locked = mpmc<std::uint64_t, coordination::robust_mutex>;
    const rig::workspace place;
    const auto path = place / "single";
    const auto other = place / "locked";
    for (const bool there : {false, true}) {
        if (there) {
            const single::producer one(path, {.capacity = 4});
            const locked::producer another(other, {.capacity = 4});
        }
        BOOST_TEST(complaint_of_all<single>(path, {.endpoints = 2}, errc::invalid_options,
                                            {"found endpoints", "spsc", "leave it unset"}) == "");
        for (const options& wishes : {options{.deliveries_max = 1}, options{.parking = 4}, options{.parking = 0}}) {
            BOOST_TEST(complaint_of_all<single>(path, wishes, errc::invalid_options,
                                                {"deliveries_max or parking", "spsc", "leave them unset"}) == "");
            BOOST_TEST(complaint_of_all<locked>(other, wishes, errc::invalid_options,
                                                {"deliveries_max or parking", "robust mutex", "leave them unset"}) ==
                       "");
        }
        BOOST_TEST(place.files() == (there ? 2U : 0U));
    }
}

BOOST_AUTO_TEST_CASE(options_of_another_kind_of_file_do_not_matter_to_one_that_is_there) {
    // mode and copy_on_write are for creators: whoever only opens may say what he likes.
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer out(path, {.capacity = 16, .mode = 0640}); }
    BOOST_TEST(complaint_of_any<numbers>(path, {.mode = 0666, .copy_on_write = true, .prefault = false}) == "");
    BOOST_TEST((std::filesystem::status(path).permissions() == std::filesystem::perms(0640)));
}

BOOST_AUTO_TEST_CASE(misplaced_options_are_invalid_whether_the_file_is_there_or_not) {
    const rig::workspace place;
    const std::vector<options> for_bytes{{.capacity_bytes = 1024},
                                         {.message_bytes_max = 8},
                                         {.capacity_bytes = 1024, .message_bytes_max = 8},
                                         {.capacity = 4, .capacity_bytes = 1024},
                                         {.capacity = 4, .message_bytes_max = 8}};
    const std::vector<options> for_messages{{.capacity = 4}, {.capacity = 4, .capacity_bytes = 1024}};
    const std::initializer_list<std::string_view> wants_capacity{"capacity_bytes or message_bytes_max",
                                                                 "expected capacity,", "set that"};
    const std::initializer_list<std::string_view> wants_bytes{"found capacity for noria::bytes",
                                                              "expected capacity_bytes", "set these"};
    for (const bool there : {false, true}) {
        const auto path = place / "numbers";
        const auto other = place / "texts";
        if (there) {
            const numbers::producer one(path, {.capacity = 4});
            const texts::producer another(other, {.capacity_bytes = 1024, .message_bytes_max = 8});
        }
        for (const options& wishes : for_bytes) {
            BOOST_TEST(complaint_of_all<numbers>(path, wishes, errc::invalid_options, wants_capacity) == "");
            BOOST_TEST(complaint(creating<numbers::producer>(path, wishes), errc::invalid_options, path,
                                 wants_capacity) == "");
        }
        for (const options& wishes : for_messages) {
            BOOST_TEST(complaint_of_all<texts>(other, wishes, errc::invalid_options, wants_bytes) == "");
            BOOST_TEST(complaint(creating<texts::consumer>(other, wishes), errc::invalid_options, other, wants_bytes) ==
                       "");
        }
        BOOST_TEST(place.files() == (there ? 2U : 0U));
    }
}

BOOST_AUTO_TEST_CASE(required_bytes_is_the_size_of_the_file_to_the_byte) {
    for (const std::uint64_t capacity : {1U, 2U, 64U, 256U, 4096U, 32768U}) {
        BOOST_TEST_CONTEXT("capacity " << capacity) {
            BOOST_TEST(complaint_of_size<numbers>({.capacity = capacity}) == "");
            BOOST_TEST((complaint_of_size<spsc<block<1, 1>>>({.capacity = capacity}) == ""));
            BOOST_TEST((complaint_of_size<spsc<block<9, 1>>>({.capacity = capacity}) == ""));
            BOOST_TEST((complaint_of_size<spsc<block<56, 8>>>({.capacity = capacity}) == ""));
            BOOST_TEST((complaint_of_size<spsc<block<64, 64>>>({.capacity = capacity}) == ""));
            BOOST_TEST(
                (complaint_of_size<spsc<block<4096, 16>>>({.capacity = std::min<std::uint64_t>(capacity, 256)}) == ""));
        }
    }
    for (const std::uint64_t capacity : {64U, 128U, 4096U, 8192U, 1U << 20}) {
        BOOST_TEST_CONTEXT("capacity_bytes " << capacity) {
            BOOST_TEST(complaint_of_size<texts>({.capacity_bytes = capacity}) == "");
            BOOST_TEST(complaint_of_size<texts>({.capacity_bytes = capacity, .message_bytes_max = 1}) == "");
        }
    }
    BOOST_TEST(complaint_of_size<numbers>({}) == "");
    BOOST_TEST(complaint_of_size<texts>({}) == "");
    // Nothing but the geometry counts.
    BOOST_TEST(numbers::required_bytes({.capacity = 64, .mode = 0666, .prefault = false}) ==
               numbers::required_bytes({.capacity = 64}));
}

BOOST_AUTO_TEST_CASE(required_bytes_of_what_makes_no_queue_is_refused) {
    BOOST_TEST(complaint_of_weighing<numbers>({.capacity = 0}, {"capacity is 0", "from 1 to 2147483648"}) == "");
    BOOST_TEST(complaint_of_weighing<numbers>({.capacity = 5}, {"capacity is 5", "the next one is 8"}) == "");
    BOOST_TEST(complaint_of_weighing<numbers>({.capacity_bytes = 64}, {"expected capacity,"}) == "");
    BOOST_TEST(complaint_of_weighing<texts>({.capacity = 4}, {"expected capacity_bytes"}) == "");
    BOOST_TEST(complaint_of_weighing<texts>({.capacity_bytes = 32}, {"capacity_bytes is 32", "from 64 to"}) == "");
    BOOST_TEST(complaint_of_weighing<texts>({.capacity_bytes = 64, .message_bytes_max = 49},
                                            {"message_bytes_max is 49", "1 to 48"}) == "");
}

BOOST_AUTO_TEST_CASE(a_mode_without_the_owners_rights_or_beyond_0777_makes_no_queue) {
    const rig::workspace place;
    const auto path = place / "queue";
    for (const std::uint32_t mode : {0U, 0400U, 0200U, 0177U, 01600U, 04600U, ~0U}) {
        BOOST_TEST(complaint(creating<numbers::producer>(path, {.mode = mode}), errc::invalid_options, path,
                             {fmt::format("found mode {:#o},", mode), "0600 to 0777", "add 0600"}) == "");
        BOOST_TEST(complaint(constructing<texts::consumer>(path, {.capacity_bytes = 64, .mode = mode}),
                             errc::invalid_options, path, {"0600 to 0777"}) == "");
    }
    BOOST_TEST(place.files() == 0U);
    for (const std::uint32_t mode : {0600U, 0777U}) {
        BOOST_TEST(
            complaint_of_success(constructing<numbers::producer>(place / std::to_string(mode), {.mode = mode})) == "");
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
