// error.cpp: the words of each error code, and its kinship with the standard's conditions.
#include "noria/core/error.hpp"

#include <cstddef>
#include <new>
#include <utility>

namespace noria::inline v1 {

namespace {

class category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "noria"; }

    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::not_found: return "no such queue file";
            case errc::exists: return "a file of that name exists";
            case errc::symbolic_link: return "the name is a symbolic link";
            case errc::not_a_regular_file: return "not a regular file";
            case errc::not_a_queue: return "not a queue file";
            case errc::other_version: return "another format version";
            case errc::other_byte_order: return "another byte order";
            case errc::other_kind: return "another kind of queue";
            case errc::other_type: return "another message type";
            case errc::other_geometry: return "another geometry than asked for";
            case errc::corrupt: return "the queue file is corrupt";
            case errc::role_taken: return "the role has a living holder";
            case errc::roster_full: return "no place left in the roster";
            case errc::in_use: return "the queue is in use";
            case errc::invalid_options: return "invalid options";
            case errc::no_space: return "no space left";
            case errc::file_size_limit: return "file size limit";
            case errc::no_permission: return "permission denied";
            case errc::descriptor_limit: return "too many open files";
            case errc::out_of_memory: return "out of memory";
            case errc::unsupported_file_system: return "unsupported file system";
            case errc::system: return "refused by the system";
            case errc::foreign_owner: return "the file belongs to another user";
            case errc::foreign_lock: return "a foreign lock is in the way";
            case errc::recovery_blocked: return "a peer's death cannot be found out or recovered";
            case errc::lock_lost: return "the endpoint's lock was lost";
            case errc::forked: return "a fork's copy of an endpoint";
        }
        return "unknown noria error";
    }

    [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
        switch (static_cast<errc>(code)) {
            case errc::not_found: return std::errc::no_such_file_or_directory;
            case errc::exists: return std::errc::file_exists;
            case errc::symbolic_link: return std::errc::too_many_symbolic_link_levels;
            case errc::role_taken:
            case errc::roster_full:
            case errc::foreign_lock:
            case errc::in_use: return std::errc::device_or_resource_busy;
            case errc::invalid_options: return std::errc::invalid_argument;
            case errc::no_space: return std::errc::no_space_on_device;
            case errc::file_size_limit: return std::errc::file_too_large;
            case errc::foreign_owner:
            case errc::no_permission: return std::errc::permission_denied;
            case errc::descriptor_limit: return std::errc::too_many_files_open;
            case errc::out_of_memory: return std::errc::not_enough_memory;
            case errc::unsupported_file_system: return std::errc::operation_not_supported;
            default: return {code, *this};
        }
    }
};

}  // namespace

const std::error_category& noria_category() noexcept {
    // Never destroyed: an endpoint with static storage may fail after the static objects are gone.
    alignas(category) static std::byte memory[sizeof(category)];
    static const category& one = *new (memory) category;
    return one;
}

error::error(failure what_failed) : std::system_error(what_failed.code), text_(std::move(what_failed.text)) {}
error::~error() = default;
const char* error::what() const noexcept { return text_.c_str(); }

void raise(failure what_failed) { throw error(std::move(what_failed)); }

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
