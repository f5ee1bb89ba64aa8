// bytes_of_a_literal_with_a_zero.cpp: a literal with a zero inside ends where nobody knows.
// says: this_array_of_char_is_no_text_say_string_view_or_span
#include <noria/spsc.hpp>

#include <string>
#include <vector>

bool send(noria::spsc<noria::bytes>::producer& out) {
#ifdef REFUSED
    return out.push("before\0behind");
#else
    using namespace std::string_view_literals;
    return out.push("before\0behind"sv) && out.push(std::string(5, '\0')) && out.push(std::vector<std::byte>(5));
#endif
}
// SPDX-License-Identifier: BSL-1.0
