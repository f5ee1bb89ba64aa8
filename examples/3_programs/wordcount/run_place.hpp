// run_place.hpp: a directory for the queues of one run, gone when the run is over.
#pragma once

#include <filesystem>
#include <string>

namespace wordcount {

// A run that was killed leaves its directory behind; the next one removes it. Which directories
// are alive is no guess: each run holds a lock on its own, and the kernel drops it when the run dies.
class run_place {
public:
    // Below `root`; if that is empty, below the first of /dev/shm, $XDG_RUNTIME_DIR and the directory for temporary
    // files where we may write. Throws std::runtime_error.
    explicit run_place(const std::filesystem::path& root);
    ~run_place();
    run_place(const run_place&) = delete;
    run_place& operator=(const run_place&) = delete;

    [[nodiscard]] std::string blocks() const { return path_ / "blocks"; }
    [[nodiscard]] std::string results() const { return path_ / "results"; }

private:
    bool settle(const std::filesystem::path& root);

    std::filesystem::path path_;
    int lock_ = -1;
};

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
