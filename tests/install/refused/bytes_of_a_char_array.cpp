// says: where does it end? Say std::string_view
// With its first zero as its end, a binary message would lose its rest.
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
