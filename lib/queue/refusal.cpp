// refusal.cpp: the texts of refusals.
#include "noria/queue/refusal.hpp"

#include "noria/core/printable.hpp"
#include "noria/os/file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string>

namespace noria::inline v1::queue {

failure refuse(const std::filesystem::path& path, errc code, std::string_view text) {
    return {code, fmt::format("'{}': {}", printable(path.string()), text)};
}

failure refuse_errno(const std::filesystem::path& path, int error, std::string_view doing) {
    const std::string words = os::words_for(error);
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return refuse(
                path, errc::not_found,
                fmt::format("found nothing ({}), expected a queue; check the path, and that its creator runs", words));
        case EEXIST:
            return refuse(path, errc::exists,
                          "found a file of that name, expected none; open it, or choose another name");
        case ELOOP:
            return refuse(path, errc::symbolic_link,
                          "found a symbolic link, expected a regular file; name the file that it points to");
        case EISDIR:
            return refuse(path, errc::not_a_regular_file,
                          "found a directory, expected a regular file; name a file in it");
        case ENXIO:
            return refuse(path, errc::not_a_regular_file,
                          "found a FIFO, socket or device, expected a regular file; choose another name");
        case EACCES:
        case EPERM:
            return refuse(path, errc::no_permission,
                          fmt::format("found no permission to {} ({}), expected to be allowed; check owner and mode of "
                                      "the file and its directory, and the option mode of its creator",
                                      doing, words));
        case EROFS:
            return refuse(path, errc::no_permission,
                          fmt::format("found no way to {} ({}), expected a file system mounted for writing; mount it "
                                      "so, or use another directory",
                                      doing, words));
        case EMFILE:
        case ENFILE:
            return refuse(
                path, errc::descriptor_limit,
                fmt::format("found no free descriptor ({}), expected one per endpoint; raise RLIMIT_NOFILE", words));
        case ENOMEM:
            return refuse(path, errc::out_of_memory,
                          fmt::format("found no memory to {} ({}), expected enough; use a smaller capacity, or raise "
                                      "RLIMIT_AS",
                                      doing, words));
        default:
            return refuse(
                path, errc::system,
                fmt::format("could not {}: found {} (errno {}), expected success; see errno(3)", doing, words, error));
    }
}

failure refuse_foreign_lock(const std::filesystem::path& path, errc code, const os::lock_seen& lock,
                            std::string_view where) {
    const std::string owner = lock.pid != 0 ? fmt::format("process {}", lock.pid) : "a process that is not an endpoint";
    return refuse(
        path, code,
        fmt::format("found a {} lock of {} on {}, expected locks of endpoints only; find the program (lslocks "
                    "or /proc/locks names it) and end it, and give read permission only to users that you trust "
                    "(mode 0600)",
                    lock.writes ? "write" : "read", owner, where));
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
