// container.hpp: namespaces for tests: a private view of mounts, a root of one's own, a PID 1, a small file system.
#pragma once

#include "rig/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

namespace noria::rig {

// Out of a chroot, in which "/" is no mount that could be made private, and user namespaces are refused: up to the root of
// all mounts. Where the old root stands there; "/" if there was no chroot, or no right to leave it.
inline std::string leave_chroot() {
    char inner[] = "/tmp/noria-XXXXXX";
    const int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old_root < 0 || mkdtemp(inner) == nullptr) return "/";
    std::string place = "/";
    // With the root further down than where we stand, nothing keeps us from climbing.
    if (chdir("/") == 0 && chroot(inner) == 0) {
        struct stat here {};
        struct stat above {};
        while (stat(".", &here) == 0 && stat("..", &above) == 0 &&
               (here.st_dev != above.st_dev || here.st_ino != above.st_ino) && chdir("..") == 0) {
        }
        if (chroot(".") != 0 || fchdir(old_root) != 0) throw std::runtime_error("rig: lost outside a chroot");
        place = std::filesystem::current_path().string();
    }
    close(old_root);
    rmdir((place + inner).c_str());
    return place;
}

// Enters new namespaces (CLONE_NEWNS and its like); whoever may not do that as he is does it in a user namespace of his
// own, where he is root. In a child only: there is no way back. Empty: done; otherwise why the kernel refused.
inline std::string enter_namespaces(int which) {
    const uid_t user = geteuid();
    const gid_t group = getegid();
    const std::string root = leave_chroot();
    int error = unshare(which) == 0 ? 0 : errno;
    if (error == EPERM) {
        which |= CLONE_NEWUSER;
        error = unshare(which) == 0 ? 0 : errno;
    }
    if (error != 0) return std::string("the kernel refuses namespaces: ") + std::strerror(error);
    if ((which & CLONE_NEWUSER) != 0) {
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
        std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
    }
    // Nothing that is mounted from here on shows outside.
    if ((which & CLONE_NEWNS) != 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return std::string("the kernel refuses private mounts: ") + std::strerror(errno);
    }
    if (root != "/" && (chroot(root.c_str()) != 0 || chdir("/") != 0)) return "the kernel refuses chroot";
    return {};
}

// Whether enter_namespaces would succeed here: tried in a child. Empty: yes.
inline std::string objection_to_namespaces(int which) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("rig: pipe failed");
    child trial([&] {
        const std::string objection = enter_namespaces(which);
        return write(ends[1], objection.data(), objection.size()) < 0 ? 1 : 0;
    });
    (void)trial.wait();
    close(ends[1]);
    char text[256];
    const ssize_t got = read(ends[0], text, sizeof text);
    close(ends[0]);
    return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : std::string();
}

// Makes a new root of which only one directory is shared with the outside, as /queues. There is no /proc and no /dev.
// After enter_namespaces(CLONE_NEWNS | ...). Empty: done.
inline std::string enter_root_with_only(const std::filesystem::path& shared) {
    const std::filesystem::path root = "/tmp";  // a mount point that exists everywhere; hidden from here on
    const int directory = open(shared.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (mount("none", root.c_str(), "tmpfs", 0, "mode=755,size=1m") != 0) return "the kernel refuses a tmpfs";
    const auto inside = root / "queues";
    mkdir(inside.c_str(), 0755);
    const std::string source = "/proc/self/fd/" + std::to_string(directory);
    if (mount(source.c_str(), inside.c_str(), nullptr, MS_BIND, nullptr) != 0) return "the kernel refuses a bind mount";
    close(directory);
    if (chroot(root.c_str()) != 0 || chdir("/") != 0) return "the kernel refuses chroot";
    return {};
}

// Forks the PID 1 of a new PID namespace, after enter_namespaces(CLONE_NEWPID), and dies with it if it is killed.
// `announce` hears, in the parent, the child's PID as the outside knows it, before the body begins. Returns its fate.
inline fate run_as_init(const std::function<int()>& body, const std::function<void(pid_t)>& announce = {}) {
    const milestone known;
    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error("rig: fork failed");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int status = 99;
        try {
            known.hear();
            status = body();
        } catch (...) {
            status = 99;
        }
        _exit(status);
    }
    if (announce) announce(pid);
    known.tell();
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) return {.exit_status = -1, .signal = WTERMSIG(status)};
    return {.exit_status = WEXITSTATUS(status), .signal = 0};
}

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
