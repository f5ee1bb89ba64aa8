// job.hpp: one run: two queues, the crew that works on them, and the wait for its results.
//
// The process that calls this is not killed: it starts the others, again when they are killed, and collects what they send. It
// waits in one place, for the next result: the moment of the next kill is the deadline of that wait, and signals interrupt it.
// All is over when each block has been counted; nobody's end has to be guessed at, and nothing of a crew that is done is needed:
// so it is killed. If this process is killed after all, the kernel kills the others, and the next run removes the files.
#pragma once

#include "collector.hpp"
#include "crew.hpp"
#include "inputs.hpp"
#include "progress.hpp"

#include <filesystem>
#include <vector>

namespace wordcount {

// `place`: as for run_place. When this returns, nobody works any more. Returns `done`, or the status to end with: people have
// been told why. Throws std::exception.
int count(const std::filesystem::path& place, const crew_plan& plan, const std::vector<input>& inputs,
          collector& collected, amount& in_all);

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
