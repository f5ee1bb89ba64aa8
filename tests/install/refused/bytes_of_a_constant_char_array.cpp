// bytes_of_a_constant_char_array.cpp: an array of char that is no text is no message by itself.
// says: this_array_of_char_is_no_text_say_string_view_or_span
#include <noria/mpmc.hpp>

bool send(noria::mpmc<noria::bytes>::producer& out) {
    static constexpr char binary[6] = {1, 0, 2};
#ifdef REFUSED
    return out.push(binary);
#else
    return out.push(std::span(binary));
#endif
}
// SPDX-License-Identifier: BSL-1.0
