// printable_test.cpp: which bytes of a text from outside are shown, and which only as numbers.
#include "noria/core/printable.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

using noria::printable;

BOOST_AUTO_TEST_SUITE(printable_text)

BOOST_AUTO_TEST_CASE(text_stays_as_it_is) {
    for (const char* each :
         {"", "plain", "with spaces ~", "\\x1b is text", "'/dev/shm/ticks'", "\xc2\xa0", "\xc3\xa9t\xc3\xa9",
          "\xe2\x82\xac", "\xf0\x9f\x8c\x8a", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        BOOST_TEST(printable(each) == each);
    }
}

BOOST_AUTO_TEST_CASE(what_steers_a_terminal_is_shown_as_numbers) {
    BOOST_TEST(printable("\x1b[2J") == R"(\x1b[2J)");
    BOOST_TEST(printable("a\nb\rc\td") == R"(a\x0ab\x0dc\x09d)");
    BOOST_TEST(printable(std::string_view("a\0b", 3)) == R"(a\x00b)");
    BOOST_TEST(printable("\x7f") == R"(\x7f)");
    BOOST_TEST(printable("\xc2\x80\xc2\x9b\xc2\x9f") == R"(\xc2\x80\xc2\x9b\xc2\x9f)");  // C1
    BOOST_TEST(printable("\xe2\x80\xa8\xe2\x80\xa9") == R"(\xe2\x80\xa8\xe2\x80\xa9)");  // line, paragraph separator
    BOOST_TEST(printable("\xe2\x80\xae\xe2\x81\xa6") == R"(\xe2\x80\xae\xe2\x81\xa6)");  // turn the direction
    BOOST_TEST(printable("\xd8\x9c\xe2\x80\x8e") == R"(\xd8\x9c\xe2\x80\x8e)");
}

BOOST_AUTO_TEST_CASE(what_is_no_utf_8_is_shown_as_numbers) {
    BOOST_TEST(printable("\xff\xfe") == R"(\xff\xfe)");
    BOOST_TEST(printable("\x80z") == R"(\x80z)");
    BOOST_TEST(printable("\x9b[2J") == R"(\x9b[2J)");            // C1 of an 8-bit terminal
    BOOST_TEST(printable("\xc0\x80") == R"(\xc0\x80)");          // too long a form of 0
    BOOST_TEST(printable("\xe0\x80\x9b") == R"(\xe0\x80\x9b)");  // ... of ESC with the high bit
    BOOST_TEST(printable("\xf0\x80\x80\x9b") == R"(\xf0\x80\x80\x9b)");
    BOOST_TEST(printable("\xed\xa0\x80") == R"(\xed\xa0\x80)");          // a surrogate
    BOOST_TEST(printable("\xf4\x90\x80\x80") == R"(\xf4\x90\x80\x80)");  // beyond Unicode
    BOOST_TEST(printable("\xc3") == R"(\xc3)");                          // cut off
    BOOST_TEST(printable("\xe2\x82") == R"(\xe2\x82)");
    BOOST_TEST(printable("\xe2(\xa1") == R"(\xe2(\xa1)");
}

BOOST_AUTO_TEST_CASE(any_bytes_become_text_that_stays_as_it_is) {
    std::mt19937 random(7);
    for (int round = 0; round < 20000; ++round) {
        std::string text(random() % 12, '\0');
        for (char& each : text) each = static_cast<char>(random() % 2 == 0 ? random() : 0x80 + random() % 0x80);
        const std::string shown = printable(text);
        for (const char each : shown) {
            const auto byte = static_cast<unsigned char>(each);
            BOOST_REQUIRE((byte >= 0x20 && byte != 0x7f));
        }
        BOOST_REQUIRE(printable(shown) == shown);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
