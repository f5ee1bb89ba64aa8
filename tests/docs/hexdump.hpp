// hexdump.hpp: bytes as people read them, in the form of `hexdump -C`, lines of zeros left out, the size at the end.
#pragma once

#include <string>

namespace noria::docs {

std::string hexdump(const std::string& bytes);

}  // namespace noria::docs

// SPDX-License-Identifier: BSL-1.0
