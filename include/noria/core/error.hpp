// error.hpp: what can keep a queue file from being opened, created or used, with texts that say what to do.
//
// Errors are of four kinds and never mixed: ordinary outcomes are values (outcome.hpp); what the world refuses is an
// errc, by std::error_code or by exception; a file that lies is errc::corrupt, and kills the endpoint but never the
// process; a programmer's mistake is an assertion in debug builds.
#pragma once

#include "noria/core/visibility.hpp"

#include <string>
#include <system_error>

namespace noria::inline v1 {

enum class errc {
    not_found = 1,            // no file of that name (or no such directory), and this call does not create
    exists,                   // create() found a file of that name
    symbolic_link,            // the name is a symbolic link; they are never followed
    not_a_regular_file,       // a directory, FIFO, socket or device
    not_a_queue,              // too short for a header, or it does not begin as a queue file does
    other_version,            // written in another format version
    other_byte_order,         // written on a machine of the other byte order
    other_kind,               // another kind of queue, or another coordination
    other_type,               // messages of another type
    other_geometry,           // an option was set, and the file was created with another value
    corrupt,                  // the file contradicts itself
    role_taken,               // a role that must be single has a living holder
    roster_full,              // as many endpoints are attached as the mpmc queue was made for
    in_use,                   // remove() found somebody attached
    invalid_options,          // options that make no queue
    no_space,                 // the file system (or its quota, or a memory control group) cannot hold the queue
    file_size_limit,          // RLIMIT_FSIZE, or the file system's own limit, is below the queue's size
    no_permission,            // the caller may not open, or may not create here
    descriptor_limit,         // RLIMIT_NOFILE (or the system's own limit) is reached
    out_of_memory,            // room for the mapping or a buffer is not to be had, or not to be locked in memory
    unsupported_file_system,  // a file system on which mappings, locks or allocation do not keep the promises
    system,                   // anything else the system refused; the text holds its words
    foreign_owner,            // the file belongs to another user, in a directory where every user may make files
    foreign_lock,      // a lock that no endpoint takes keeps this one from attaching, or the file from being removed
    recovery_blocked,  // whether a peer lives cannot be asked, or a dead one cannot be recovered; may pass
    lock_lost,         // the program closed the descriptor with the endpoint's lock; others have recovered from it
    forked,            // this is a fork's copy of an endpoint; it belongs to the parent
};

NORIA_API const std::error_category& noria_category() noexcept;
inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), noria_category()}; }

// A refusal in full: the code, and a text that names the file, what was found, what was expected and what to do.
struct failure {
    std::error_code code;
    std::string text;
    explicit operator bool() const noexcept { return static_cast<bool>(code); }
};

// What throwing constructors throw: the code, and a text that names the file, what was found, what was expected and
// what to do.
class NORIA_API error : public std::system_error {
public:
    explicit error(failure what_failed);
    ~error() override;
    const char* what() const noexcept override;

private:
    std::string text_;
};

// Throws noria::error; out of line, so that headers compile without exceptions.
[[noreturn]] NORIA_API void raise(failure what_failed);

}  // namespace noria::inline v1

template <>
struct std::is_error_code_enum<noria::errc> : std::true_type {};

// SPDX-License-Identifier: BSL-1.0
