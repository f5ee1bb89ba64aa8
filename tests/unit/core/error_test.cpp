// error_test.cpp: each error code has words of its own and, where the standard has a word for it, is equal to that.
#include "noria/core/error.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>

using noria::errc;

namespace {

// What the standard has a word for; the others are equal to nothing but themselves.
const std::map<errc, std::errc> standard_words{
    {errc::not_found, std::errc::no_such_file_or_directory},
    {errc::exists, std::errc::file_exists},
    {errc::symbolic_link, std::errc::too_many_symbolic_link_levels},
    {errc::role_taken, std::errc::device_or_resource_busy},
    {errc::roster_full, std::errc::device_or_resource_busy},
    {errc::in_use, std::errc::device_or_resource_busy},
    {errc::invalid_options, std::errc::invalid_argument},
    {errc::no_space, std::errc::no_space_on_device},
    {errc::file_size_limit, std::errc::file_too_large},
    {errc::no_permission, std::errc::permission_denied},
    {errc::descriptor_limit, std::errc::too_many_files_open},
    {errc::out_of_memory, std::errc::not_enough_memory},
    {errc::unsupported_file_system, std::errc::operation_not_supported},
};

template <class Visit>
void for_each_code(Visit visit) {
    for (int value = 1; value <= static_cast<int>(errc::system); ++value) visit(static_cast<errc>(value));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(each_code_has_a_message_of_its_own) {
    std::set<std::string> messages;
    for_each_code([&](errc code) {
        const std::string message = make_error_code(code).message();
        BOOST_TEST(!message.empty());
        BOOST_TEST(message != noria::noria_category().message(0));  // the one for what is no code
        BOOST_TEST(messages.insert(message).second, "two codes say: " << message);
    });
    BOOST_TEST(messages.size() == 22U);
}

BOOST_AUTO_TEST_CASE(a_number_that_is_no_code_has_a_message_too) {
    BOOST_TEST(!noria::noria_category().message(0).empty());
    BOOST_TEST(!noria::noria_category().message(-1).empty());
    BOOST_TEST(!noria::noria_category().message(static_cast<int>(errc::system) + 1).empty());
}

BOOST_AUTO_TEST_CASE(each_code_is_an_error_of_our_category) {
    for_each_code([](errc code) {
        const std::error_code error = code;
        BOOST_TEST(static_cast<bool>(error));
        BOOST_TEST((error.category() == noria::noria_category()));
        BOOST_TEST((error == code));
    });
    BOOST_TEST(std::string(noria::noria_category().name()) == "noria");
}

BOOST_AUTO_TEST_CASE(each_code_is_equivalent_to_the_standards_word_for_it_and_to_no_other) {
    for_each_code([](errc code) {
        const auto word = standard_words.find(code);
        for (const auto& [ours, standard] : standard_words) {
            const bool expected = word != standard_words.end() && word->second == standard;
            BOOST_TEST((make_error_code(code) == standard) == expected,
                       make_error_code(code).message() << " against " << std::make_error_code(standard).message());
        }
    });
}

BOOST_AUTO_TEST_CASE(a_failure_is_true_if_there_is_one) {
    BOOST_TEST(!noria::failure{});
    BOOST_TEST(static_cast<bool>(noria::failure{errc::corrupt, "text"}));
}

BOOST_AUTO_TEST_CASE(raise_throws_the_code_and_the_text) {
    try {
        noria::raise({errc::role_taken, "'/dev/shm/ticks': found ..., expected ..."});
        BOOST_FAIL("raise returned");
    } catch (const std::system_error& caught) {
        BOOST_TEST((caught.code() == errc::role_taken));
        BOOST_TEST(std::string(caught.what()) == "'/dev/shm/ticks': found ..., expected ...");
        BOOST_TEST(dynamic_cast<const noria::error*>(&caught) != nullptr);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
