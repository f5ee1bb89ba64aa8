// skip.hpp: how a test case says that it cannot run here: `if (!can) return noria::rig::skip("needs root");`.
//
// The other cases of the program run and count; only a program of which no case could run counts as skipped itself.
// tests/run shows each case with its reason. Under CI a skip is a failure, unless tests/README.md lists it.
#pragma once

#include <string>

namespace noria::rig {

/// Notes that the running test case could not do its work, and why. Role: the thread that runs the test case.
void skip(const std::string& reason);

}  // namespace noria::rig
// SPDX-License-Identifier: BSL-1.0
