// outcome_test.cpp: each outcome and each end has a name of its own.
#include "noria/core/outcome.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string_view>

namespace {

// The names of an enumeration whose last value is `last`, checked one by one.
template <class Enum>
std::set<std::string_view> names_up_to(Enum last) {
    std::set<std::string_view> names;
    for (int value = 0; value <= static_cast<int>(last); ++value) {
        const std::string_view name = noria::name(static_cast<Enum>(value));
        BOOST_TEST(!name.empty());
        BOOST_TEST(name != "unknown");
        BOOST_TEST(names.insert(name).second, name << " names two values");
    }
    return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(outcome)

BOOST_AUTO_TEST_CASE(each_outcome_has_a_name_of_its_own) {
    BOOST_TEST(names_up_to(noria::outcome::corrupt).size() == 13U);
    BOOST_TEST(noria::name(noria::outcome::ok) == "ok");
    BOOST_TEST(noria::name(noria::outcome::full) == "full");
    BOOST_TEST(noria::name(noria::outcome::empty) == "empty");
    BOOST_TEST(noria::name(noria::outcome::timed_out) == "timed_out");
    BOOST_TEST(noria::name(noria::outcome::interrupted) == "interrupted");
    BOOST_TEST(noria::name(noria::outcome::ended) == "ended");
    BOOST_TEST(noria::name(noria::outcome::too_large) == "too_large");
    BOOST_TEST(noria::name(noria::outcome::buffer_too_small) == "buffer_too_small");
    BOOST_TEST(noria::name(noria::outcome::busy) == "busy");
    BOOST_TEST(noria::name(noria::outcome::forked) == "forked");
    BOOST_TEST(noria::name(noria::outcome::closed) == "closed");
    BOOST_TEST(noria::name(noria::outcome::corrupt) == "corrupt");
}

BOOST_AUTO_TEST_CASE(each_end_has_a_name_of_its_own) {
    BOOST_TEST(names_up_to(noria::end::abandoned).size() == 3U);
    BOOST_TEST(noria::name(noria::end::none) == "none");
    BOOST_TEST(noria::name(noria::end::finished) == "finished");
    BOOST_TEST(noria::name(noria::end::abandoned) == "abandoned");
}

BOOST_AUTO_TEST_CASE(a_value_that_is_none_is_named_unknown) {
    BOOST_TEST(noria::name(static_cast<noria::outcome>(200)) == "unknown");
    BOOST_TEST(noria::name(static_cast<noria::end>(200)) == "unknown");
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
