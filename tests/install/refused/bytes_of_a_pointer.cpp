// bytes_of_a_pointer.cpp: a pointer to text does not say how much of it is meant.
// says: where does it end? Say std::string_view
#include <noria/spsc.hpp>

bool send(noria::spsc<noria::bytes>::producer& out, const char* text) {
#ifdef REFUSED
    return out.push(text);
#else
    return out.push(std::string_view(text));
#endif
}
// SPDX-License-Identifier: BSL-1.0
