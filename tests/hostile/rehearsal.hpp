// rehearsal.hpp: which instructions of a scene's verb access the file, and which words of it.
//
// Method: in a forked child the mappings are closed (PROT_NONE) before the verb. Each access faults; the handler notes
// it, opens the mappings and sets the trap flag; after the one instruction the next handler closes them again. The
// children of one process have the same addresses, so what is noted here holds for the victim.
//
// It is what thins the grid without a loss: a scribble makes a difference only at the next access, so "between every
// two instructions" is "before each instruction that accesses the file". (What the kernel reads for a futex call is not
// listed; the call's own look at the word before is.)
#pragma once

#include "scenes.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace noria::hostile {

struct file_access {
    std::uint64_t instruction = 0;  // its address
    std::uint32_t visit = 0;        // its so-manieth access, from 0
    std::uint32_t offset = 0;       // of the word in the file, a multiple of 8
};

// Throws std::runtime_error if the scene does not come to its end.
std::vector<file_access> rehearse(const std::function<std::vector<scene>()>& troupe, std::size_t which);

// Whether instructions can be told apart here at all: the rig knows x86-64.
constexpr bool can_rehearse =
#if defined(__x86_64__)
    true;
#else
    false;
#endif

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
