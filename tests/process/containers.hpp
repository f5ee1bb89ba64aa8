// containers.hpp: processes that are PID 1, each in namespaces of its own, and share one directory and nothing else.
#pragma once

#include "process/scene.hpp"
#include "rig/container.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

namespace scene {

constexpr int everything = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUSER;

// A process that is PID 1 of namespaces of its own and sees one directory, as /queues. Its keeper, outside, is killed
// with it.
class container {
public:
    container(const std::filesystem::path& shared, const std::function<int()>& body)
        : keeper_([&, pid = &*pid_] {
              insist(rig::enter_namespaces(everything).empty(), "there are namespaces");
              const std::string objection = rig::enter_root_with_only(shared);
              insist(objection.empty(), objection.c_str());
              const rig::fate how = rig::run_as_init(
                  [&] {
                      insist(getpid() == 1, "it is PID 1");
                      insist(!std::filesystem::exists("/dev/shm"), "nothing but the shared directory is there");
                      insist(!std::filesystem::exists("/proc/self"), "not even /proc");
                      return body();
                  },
                  [&](pid_t as_seen_here) { *pid = as_seen_here; });
              return how.signal != 0 ? 100 + how.signal : how.exit_status;
          }) {}

    // SIGKILL from outside, and back when it is buried.
    void kill() {
        ::kill(*pid_, SIGKILL);
        insist(keeper_.wait() == rig::fate{.exit_status = 100 + SIGKILL, .signal = 0}, "it is killed");
    }
    void send(int signal) { ::kill(*pid_, signal); }
    rig::fate wait() { return keeper_.wait(); }

private:
    rig::shared_page<std::atomic<pid_t>> pid_;
    rig::child keeper_;
};

inline std::string objection_to_containers() {
    if (auto objection = rig::objection_to_namespaces(everything); !objection.empty()) return objection;
    const rig::workspace place;
    rig::child trial([&] {
        (void)rig::enter_namespaces(everything);
        const std::string objection = rig::enter_root_with_only(place.path());
        if (!objection.empty()) std::fprintf(stderr, "%s\n", objection.c_str());
        return objection.empty() ? 0 : 1;
    });
    return trial.wait() == well ? std::string() : "the kernel refuses a root of one's own";
}

}  // namespace scene

// SPDX-License-Identifier: BSL-1.0
