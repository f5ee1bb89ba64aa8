// parent.hpp: a role that wordcount started ends with it, and clears up if wordcount cannot any more.
#pragma once

#include "clear_away.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace wordcount {

class parent {
public:
    // The process that started us; 0: a person did, and the roles live and die for themselves.
    explicit parent(pid_t pid) : pid_(pid) {
        if (pid_ == 0) return;
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (died()) raise(SIGTERM);  // before we asked the kernel to tell us
    }

    [[nodiscard]] bool died() const { return pid_ != 0 && getppid() != pid_; }

    // For a role that has closed its end of the queue: removes the queue, and the directory that was made for it.
    void clear_up_if_dead(const std::filesystem::path& queue) const {
        if (!died()) return;
        clear_away(queue);
        std::error_code ignored;  // not empty: the other role has not left yet, and will remove it
        std::filesystem::remove(queue.parent_path(), ignored);
    }

private:
    pid_t pid_;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
