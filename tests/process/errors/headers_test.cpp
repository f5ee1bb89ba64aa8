// headers_test.cpp: headers that are not this library's, or not what this program wants: refused with a type and a reason.
#include "refusals.hpp"

#include <boost/test/unit_test.hpp>

using namespace noria;
using namespace noria::errors;

namespace {

// A queue file whose header was rewritten, and what each way of opening it says.
template <class Edit>
std::string complaint_about(Edit edit, errc wanted, std::initializer_list<std::string_view> words) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer out(path, {.capacity = 4}); }
    const std::string content = with_header(content_of(path), edit);
    write_file(path, content);
    std::string all;
    for (const auto& asked : {opening<numbers::producer>(path), opening<numbers::consumer>(path),
                              constructing<numbers::producer>(path), constructing<numbers::consumer>(path)}) {
        all += complaint(asked, wanted, path, words);
    }
    if (content_of(path) != content) all += "the file was changed\n";
    return all;
}

struct named {
    std::uint64_t value;
    static constexpr std::string_view noria_name = "named";
};
struct wider {
    std::uint64_t value[2];
};
struct alignas(64) straighter {
    std::uint64_t value[8];
};
struct looser {
    std::uint64_t value[8];
};

}  // namespace

BOOST_AUTO_TEST_SUITE(headers)

BOOST_AUTO_TEST_CASE(any_one_byte_changed_is_a_typed_error_and_the_file_stays_as_it_is) {
    // Goal: each of the 4096 bytes is watched. Method: one is changed, by one bit and by all; each way of opening must say
    // one of the errors that a strange header may have, in a child, so that a signal would show; the file is compared.
    judge(in_child([] {
        const rig::workspace place;
        const auto path = place / "queue";
        { const numbers::producer out(path, {.capacity = 1}); }
        const std::string whole = content_of(path);
        std::string complaints;
        const auto typed = [](const std::error_code& code, std::size_t at) {
            if (at < 8) return code == errc::not_a_queue;
            if (at < 12) return code == errc::corrupt;
            if (at < 16) return code == errc::other_version;
            return code == errc::corrupt;
        };
        for (std::size_t at = 0; at < 4096; ++at) {
            for (const int flip : {1 << (at % 8), 0xFF}) {
                std::string content = whole;
                content[at] = static_cast<char>(content[at] ^ flip);
                write_file(path, content);
                std::error_code code;
                const auto check = [&](const char* who) {
                    if (!typed(code, at)) complaints += fmt::format("byte {}, {}: {}\n", at, who, code.message());
                };
                (void)numbers::producer::open(path, {}, code);
                check("producer");
                (void)numbers::consumer::open_or_create(path, {}, code);
                check("consumer");
                const observer watch(path, code);
                check("observer");
                if (content_of(path) != content) complaints += fmt::format("byte {}: the file was changed\n", at);
            }
        }
        return complaints;
    }));
}

BOOST_AUTO_TEST_CASE(another_format_version_names_both) {
    for (const std::uint32_t version : {0U, format_version - 1, format_version + 1, 0xFFFFFFFFU}) {
        if (version == format_version) continue;
        const auto found = fmt::format("found format {},", version);
        const auto expected = fmt::format("expected {},", format_version);
        BOOST_TEST(complaint_about([&](layout::header& page) { page.version = version; }, errc::other_version,
                                   {found, expected, "rebuild"}) == "");
    }
}

BOOST_AUTO_TEST_CASE(another_byte_order_says_whose_file_it_is) {
    BOOST_TEST(
        complaint_about([](layout::header& page) { page.byte_order = __builtin_bswap32(layout::byte_order_mark); },
                        errc::other_byte_order, {"other byte order", "open it there"}) == "");
}

BOOST_AUTO_TEST_CASE(another_kind_of_queue_names_both) {
    const auto made = [](auto edit) {
        return [=](layout::header& page) {
            layout::shape shape = layout::shape_of(page);
            edit(shape);
            page = layout::make_header(shape, page.uuid);
        };
    };
    BOOST_TEST(complaint_about(made([](layout::shape& shape) { shape.kind = layout::queue_kind::mpmc; }),
                               errc::other_kind,
                               {"an mpmc queue", "expected spsc with", "open it as what it is"}) == "");
    BOOST_TEST(
        complaint_about(made([](layout::shape& shape) { shape.coordinated = layout::coordination::robust_mutex; }),
                        errc::other_kind, {"robust_mutex", "lock_free", "open it as what it is"}) == "");
    BOOST_TEST(complaint_about([](layout::header& page) { page.kind = 77; }, errc::other_kind,
                               {"kind 77", "this library knows"}) == "");
    BOOST_TEST(complaint_about([](layout::header& page) { page.coordinated = 0; }, errc::other_kind,
                               {"coordination 0", "this library knows"}) == "");
    BOOST_TEST(complaint_about([](layout::header& page) { page.form = 3; }, errc::other_kind,
                               {"form 3", "this library knows"}) == "");
}

BOOST_AUTO_TEST_CASE(a_header_that_contradicts_itself_is_corrupt_whatever_its_sum) {
    // Every field that follows from the others, a little and absurdly off; and shapes that are impossible.
    using page_edit = void (*)(layout::header&);
    const page_edit edits[] = {
        [](layout::header& page) { page.header_bytes += 8; },
        [](layout::header& page) { page.publication = 2; },
        [](layout::header& page) { page.message_align = 3; },
        [](layout::header& page) { page.message_align = 128; },
        [](layout::header& page) { page.reserved_word = 1; },
        [](layout::header& page) { page.message_bytes = ~std::uint64_t{0}; },
        [](layout::header& page) { page.message_bytes += 16; },
        [](layout::header& page) { page.capacity = 0; },
        [](layout::header& page) { page.capacity = 3; },
        [](layout::header& page) { page.capacity = std::uint64_t{1} << 63; },
        [](layout::header& page) { page.capacity *= 1024; },
        [](layout::header& page) { page.slot_bytes = 0; },
        [](layout::header& page) { page.slot_bytes = ~std::uint64_t{0}; },
        [](layout::header& page) { page.roster_length = 4096; },
        [](layout::header& page) { page.roster_offset = ~std::uint64_t{0} - 7; },
        [](layout::header& page) { page.words_offset += 8; },
        [](layout::header& page) { page.ring_offset = 0; },
        [](layout::header& page) { page.ring_bytes = ~std::uint64_t{0}; },
        [](layout::header& page) { page.file_bytes += 4096; },
        [](layout::header& page) { page.file_bytes = 0; },
        [](layout::header& page) { page.reserved.back() = 1; },
    };
    for (const page_edit edit : edits) {
        BOOST_TEST_CONTEXT("edit " << &edit - edits)
        BOOST_TEST(complaint_about(edit, errc::corrupt, {"remove the file"}) == "");
    }
}

BOOST_AUTO_TEST_CASE(another_message_type_names_sizes_alignments_and_tags) {
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer out(path, {.capacity = 4}); }
    const std::string before = content_of(path);
    const std::initializer_list<std::string_view> words{"8 bytes, alignment 8, type tag", "expected 16 bytes",
                                                        "same message type"};
    BOOST_TEST(complaint(opening<spsc<wider>::producer>(path), errc::other_type, path, words) == "");
    BOOST_TEST(complaint(constructing<spsc<wider>::consumer>(path), errc::other_type, path, words) == "");
    BOOST_TEST(complaint(opening<spsc<named>::producer>(path), errc::other_type, path,
                         {"type tag", "same message type"}) == "");
    BOOST_TEST(complaint(opening<texts::consumer>(path), errc::other_type, path, {"one size", "noria::bytes"}) == "");
    BOOST_TEST((content_of(path) == before));

    { const spsc<looser>::producer out(place / "looser", {.capacity = 4}); }
    BOOST_TEST(complaint(opening<spsc<straighter>::producer>(place / "looser"), errc::other_type, place / "looser",
                         {"alignment 8", "alignment 64"}) == "");
    { const texts::producer out(place / "texts", {.capacity_bytes = 1024}); }
    BOOST_TEST(complaint(opening<numbers::producer>(place / "texts"), errc::other_type, place / "texts",
                         {"noria::bytes", "one size"}) == "");
    // Types that agree in what counts are the same, whatever their names in the program.
    BOOST_TEST(complaint_of_success(opening<spsc<unsigned long long>::producer>(path)) == "");
    // The same size and alignment, and values of another kind.
    BOOST_TEST(complaint(opening<spsc<double>::producer>(path), errc::other_type, path,
                         {"type tag", "same message type"}) == "");
    BOOST_TEST(complaint(opening<spsc<std::int64_t>::consumer>(path), errc::other_type, path,
                         {"type tag", "same message type"}) == "");
}

BOOST_AUTO_TEST_CASE(a_queue_that_nobody_here_can_open_can_be_removed_all_the_same) {
    const auto removed = [](auto edit) {
        const rig::workspace place;
        const auto path = place / "queue";
        { const numbers::producer out(path, {.capacity = 4}); }
        write_file(path, with_header(content_of(path), edit));
        std::error_code code;
        noria::remove(path, code);
        return !code && place.files() == 0;
    };
    BOOST_TEST(removed([](layout::header& page) { page.version = 77; }));
    BOOST_TEST(removed([](layout::header& page) { page.byte_order = __builtin_bswap32(page.byte_order); }));
    BOOST_TEST(removed([](layout::header& page) { page.kind = 77; }));
    BOOST_TEST(removed([](layout::header& page) { page.ring_offset = 1; }));
    BOOST_TEST(!removed([](layout::header& page) { page.magic[0] = 'x'; }));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
