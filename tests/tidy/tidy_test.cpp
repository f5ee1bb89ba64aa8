// tidy_test.cpp: the checkout keeps the rules of the house and of the style guide.
#include "rules.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace noria::tidy;

const tree& checkout() {
    static const tree read = read_tree(NORIA_CHECKOUT);
    return read;
}

void expect_none(const violations& found) {
    for (const auto& violation : found) BOOST_ERROR(violation);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(the_checkout)

BOOST_AUTO_TEST_CASE(is_read_whole) {
    BOOST_TEST(checkout().files.size() > 10U);
    BOOST_TEST(checkout().top_folders.size() > 3U);
}

BOOST_AUTO_TEST_CASE(no_include_crosses_a_wall) { expect_none(forbidden_includes(checkout())); }

BOOST_AUTO_TEST_CASE(no_includes_go_in_a_circle) { expect_none(circular_includes(checkout())); }

BOOST_AUTO_TEST_CASE(interprocess_is_in_one_file) { expect_none(strayed_interprocess(checkout())); }

BOOST_AUTO_TEST_CASE(public_headers_need_the_standard_library_only) { expect_none(libraries_in_headers(checkout())); }

BOOST_AUTO_TEST_CASE(memory_orders_are_in_one_file) { expect_none(strayed_memory_orders(checkout())); }

BOOST_AUTO_TEST_CASE(synchronising_lines_come_in_pairs) { expect_none(unpaired_orders(checkout())); }

BOOST_AUTO_TEST_CASE(synchronising_lines_have_labels) { expect_none(unlabelled_orders(checkout())); }

BOOST_AUTO_TEST_CASE(no_file_is_over_500_lines) { expect_none(long_files(checkout())); }

BOOST_AUTO_TEST_CASE(tutorials_are_under_40_lines) { expect_none(long_tutorials(checkout())); }

BOOST_AUTO_TEST_CASE(names_say_something) { expect_none(vague_names(checkout())); }

BOOST_AUTO_TEST_CASE(nothing_is_left_for_later) { expect_none(notes_for_later(checkout())); }

BOOST_AUTO_TEST_CASE(files_are_opened_in_one_place) { expect_none(strayed_openings(checkout())); }

BOOST_AUTO_TEST_CASE(first_lines_say_what_a_file_is) { expect_none(missing_first_lines(checkout())); }

BOOST_AUTO_TEST_CASE(last_lines_name_the_licence) { expect_none(missing_licence_lines(checkout())); }

BOOST_AUTO_TEST_CASE(headers_are_guarded) { expect_none(unguarded_headers(checkout())); }

BOOST_AUTO_TEST_CASE(the_top_level_is_the_owners) { expect_none(strange_top_folders(checkout())); }

BOOST_AUTO_TEST_SUITE_END()
// SPDX-License-Identifier: BSL-1.0
