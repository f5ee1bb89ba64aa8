// space.cpp: what to do about too little room, by its kind.
#include "noria/queue/space.hpp"

#include "noria/os/file.hpp"
#include "noria/queue/queue_file.hpp"

#include <fmt/format.h>

namespace noria::inline v1::queue {

failure refuse_space(const std::filesystem::path& path, int error, std::uint64_t group_limit,
                     std::uint64_t file_bytes) {
    if (group_limit != 0) {
        return refuse(
            path, errc::no_space,
            fmt::format("found that the control groups of this process allow {} bytes of memory, expected room "
                        "for {} bytes; raise the limit of the group (memory.max), use a file system on a "
                        "disk, or a smaller capacity",
                        group_limit, file_bytes));
    }
    return refuse(path, errc::no_space,
                  fmt::format("found too little space ({}), expected {} bytes; free some, use another file system, "
                              "or a smaller capacity",
                              os::words_for(error), file_bytes));
}

failure refuse_inode(const std::filesystem::path& path, int error) {
    return refuse(path, errc::no_space,
                  fmt::format("found no room for one more file, whatever its size ({}), expected a free inode (df -i) "
                              "and a quota that allows it; remove files there, or use another file system",
                              os::words_for(error)));
}

failure refuse_lost_pages(const std::filesystem::path& path, std::uint64_t file_bytes) {
    return refuse(
        path, errc::corrupt,
        fmt::format("found pages of it gone while in use (the size is unchanged: a hole was punched, or the file "
                    "system is full or damaged), expected all of its {} bytes to stay; find out which program did "
                    "that, stop its users, remove it and let them begin anew",
                    file_bytes));
}

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
