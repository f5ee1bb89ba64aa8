// bytes_of_a_char_array.cpp: with its first zero as its end, a binary message would lose its rest.
// says: where does it end? Say std::string_view
#include <noria/spsc.hpp>

bool send(noria::spsc<noria::bytes>::producer& out) {
    char binary[6] = {1, 0, 2};
#ifdef REFUSED
    return out.push(binary);
#else
    return out.push(std::span(binary)) && out.push({binary, 6}) && out.push("text");
#endif
}
// SPDX-License-Identifier: BSL-1.0
