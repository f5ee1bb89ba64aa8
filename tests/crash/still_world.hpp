// still_world.hpp: between its marks a victim sees a clock, a /proc and a heap that are the same in every run.
//
// How many instructions a verb takes must not depend on the time, on the process's number or on what was allocated before.
// So the test program itself defines clock_gettime(), open() and malloc() with its kin, which the linker prefers to
// libc's. On a still world the clock advances by 11 ms at each look, so that it is always time to ask the kernel whether a
// peer lives; /proc/self/stat has a fixed text; and memory is given out by counting up and never taken back. The library
// under test is the one that users link.
#pragma once

namespace noria::crash {

// Before any victim is forked: prepares the fixed text.
void prepare_still_world();

// In the victim, before its first mark. There is no way back: the victim is to die.
void hold_world_still() noexcept;

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
