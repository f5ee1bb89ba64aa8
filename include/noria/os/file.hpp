// file.hpp: how a file is named, opened without surprises, born whole or not at all, and removed.
//
// Birth. The file is made without a name (O_TMPFILE), given its mode, all its bytes and its contents, and only then
// linked to its name: nobody ever sees half a file, and a creator killed on the way leaves nothing behind. Where that is
// impossible (no O_TMPFILE, or neither /proc nor the right to link a descriptor), the file is made under a temporary
// name whose lock tells the living from the dead, and moved to its name by a rename that replaces nothing.
#pragma once

#include "noria/core/visibility.hpp"
#include "noria/os/descriptor.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace noria::inline v1::os {

// Which file it is, whatever its name: the pair is unique while anybody has the file open.
struct file_identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const file_identity&, const file_identity&) = default;
};

NORIA_API file_identity identity_of(const struct stat& status) noexcept;

enum class access { read_only, read_write };

// The path from the root directory on: it keeps its meaning when the process changes its working directory. Returns 0, or
// an errno: ENOENT if the working directory exists no more. An empty path stays empty.
NORIA_API int make_absolute(const std::filesystem::path& path, std::filesystem::path& absolute);

// A name in a directory that was found once: all that is asked and done by this name concerns the same directory, even if
// another one takes its place meanwhile.
struct located {
    descriptor directory;  // of O_PATH
    std::string name;
};
// Returns 0 or an errno: the directory's.
NORIA_API int locate(const std::filesystem::path& path, located& where);

// Opens an existing regular file, following no symbolic link and waiting for nothing. Returns 0, or an errno: ELOOP for
// a symbolic link, EISDIR for a directory, ENXIO for any other thing that is no regular file.
NORIA_API int open_regular(const located& where, access mode, descriptor& file, struct stat& status) noexcept;
NORIA_API int open_regular(const std::filesystem::path& path, access mode, descriptor& file, struct stat& status);

// Whether the name stands for that very file now. A question, not a promise.
NORIA_API bool names(const std::filesystem::path& path, const file_identity& file) noexcept;

// Whether every user may make files in the directory, and none may remove another's: /tmp and /dev/shm are such.
NORIA_API bool is_open_to_all(const located& where) noexcept;

// Removes the name if it stands for that very file, and no other file, even one that takes the name meanwhile. The name is
// changed to a private one first, and the file looked at there. A file left under a private name by a process that died
// here is removed by the next creation or removal in that directory. Returns 0, ENOENT if the name stands for no such
// file, EEXIST if another file was displaced to `displaced` and could not get its name back, or another errno.
NORIA_API int remove_exactly(const located& where, const file_identity& file, std::string& displaced);

enum class file_system_fitness { fit, copies_on_write, unfit };
struct file_system {
    file_system_fitness fitness = file_system_fitness::fit;
    std::string name;
    std::uint64_t magic = 0;
};

// Whether mappings are coherent, locks are kept and allocation is real there: by the file system's magic number.
NORIA_API file_system file_system_of(int file);

// What birth was doing when it failed, for the error's text.
enum class birth_step { directory, file, mode, allocation, contents, name };
struct birth {
    int error = 0;  // an errno; EEXIST in step `name`: somebody else's file has the name
    birth_step step = birth_step::directory;
    file_system where;
    std::uint64_t group_limit =
        0;  // ENOSPC in step `allocation`: all that this process's control groups allow; 0: not that
};

struct birth_wish {
    std::uint32_t mode = 0600;
    std::uint64_t file_bytes = 0;
    bool copy_on_write = false;     // accept a file system that cannot promise that its bytes are there
    std::uint64_t lock_offset = 0;  // the byte whose lock a temporary name carries
};

// Makes the file, all its bytes allocated and zero but for `contents` at its start, and gives it its name.
NORIA_API birth create_whole(const std::filesystem::path& path, const birth_wish& wish,
                             std::span<const std::byte> contents);

// Gives a file that has holes, such as a sparse copy, all its bytes; what is there stays as it is, whoever is at work on it.
// Returns 0 or an errno: ENOSPC, with `group_limit` as in birth. Where the file system cannot be asked, 0.
NORIA_API int fill_holes(int file, std::uint64_t& group_limit);

// Whether the file system there has room for no further file, whatever its size.
NORIA_API bool has_no_inode(const std::filesystem::path& path);

// Reads exactly that many bytes from the start; returns how many there were, or a negative errno.
NORIA_API std::int64_t read_start(int file, std::span<std::byte> buffer) noexcept;

// The same, from an offset on. What is a hole is read as zeros, and stays a hole.
NORIA_API std::int64_t read_at(int file, std::uint64_t offset, std::span<std::byte> buffer) noexcept;

// The words the system has for an errno.
NORIA_API std::string words_for(int error_number);

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
