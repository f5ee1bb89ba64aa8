// run_place.cpp: a directory for the queues of one run, gone when the run is over.
#include "run_place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace wordcount {

namespace {

constexpr const char* prefix = "noria-wordcount-";

int open_directory(const std::filesystem::path& path) {
    return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Removes the directories of runs that are dead.
void sweep(const std::filesystem::path& root) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(root, ignored)) {
        if (!entry.path().filename().string().starts_with(prefix)) continue;
        const int lock = open_directory(entry.path());
        if (lock < 0) continue;
        if (flock(lock, LOCK_EX | LOCK_NB) == 0) std::filesystem::remove_all(entry.path(), ignored);
        close(lock);
    }
}

std::vector<std::filesystem::path> usual_roots() {
    std::vector<std::filesystem::path> roots{"/dev/shm"};
    if (const char* const own = std::getenv("XDG_RUNTIME_DIR")) roots.emplace_back(own);
    std::error_code ignored;
    roots.push_back(std::filesystem::temp_directory_path(ignored));
    return roots;
}

}  // namespace

run_place::run_place(const std::filesystem::path& root) {
    for (const auto& each : root.empty() ? usual_roots() : std::vector{root}) {
        if (settle(each)) return;
    }
    const std::string reason = std::strerror(errno);
    throw std::runtime_error((root.empty() ? "/dev/shm" : root.string()) + ": no place for the queues: " + reason +
                             "; name another directory with --place");
}

run_place::~run_place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    close(lock_);
}

bool run_place::settle(const std::filesystem::path& root) {
    sweep(root);
    while (true) {
        std::string name = root / (std::string(prefix) + "XXXXXX");
        if (mkdtemp(name.data()) == nullptr) return false;
        lock_ = open_directory(name);
        // Before we had the lock, another run may have taken the directory for one left behind.
        struct stat about = {};
        if (lock_ >= 0 && flock(lock_, LOCK_EX) == 0 && fstat(lock_, &about) == 0 && about.st_nlink != 0) {
            path_ = name;
            return true;
        }
        if (lock_ >= 0) close(lock_);
    }
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
