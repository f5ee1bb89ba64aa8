// space.hpp: the words for a queue file that finds too little room, or has lost some of it.
#pragma once

#include "noria/core/error.hpp"

#include <cstdint>
#include <filesystem>

namespace noria::inline v1::queue {

// ENOSPC or EDQUOT of allocating so many bytes. `group_limit`: what the control groups allow, if they allow less; else 0.
failure refuse_space(const std::filesystem::path& path, int error, std::uint64_t group_limit, std::uint64_t file_bytes);

// The same of making a file: no room for one more, whatever its size.
failure refuse_inode(const std::filesystem::path& path, int error);

// Pages of a file of that size are gone, although the size is as it was.
failure refuse_lost_pages(const std::filesystem::path& path, std::uint64_t file_bytes);

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
