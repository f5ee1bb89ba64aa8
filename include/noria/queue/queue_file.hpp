// queue_file.hpp: one opened queue file: found or made, examined, mapped, and asked who lives.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/options.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/header.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/os/file.hpp"
#include "noria/os/mapped_file.hpp"
#include "noria/os/process.hpp"
#include "noria/queue/entry_locks.hpp"
#include "noria/queue/refusal.hpp"
#include "noria/ring/ring_view.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace noria::inline v1::queue {

// Reads the header of a file that was just opened, and refuses what is no queue, or stands where queues cannot be.
NORIA_API failure examine_start(const std::filesystem::path& path, int file, const struct stat& status,
                                layout::header& header);

// The shape that a creator with these options makes of a message type's bare shape; an objection if there is none.
NORIA_API failure complete(const std::filesystem::path& path, const options& wishes, layout::shape& shape);

// The size of the file that these options make of that shape. Throws errc::invalid_options.
NORIA_API std::uint64_t required_bytes(const options& wishes, const layout::shape& bare);

// Which file it is, of all that ever had the name: the header's uuid, drawn at its birth.
using birth_mark = decltype(layout::header::uuid);

class NORIA_API queue_file final : public os::fork_sensitive {
public:
    // All others take the path that this makes: it keeps its meaning when the process changes its working directory.
    static failure make_absolute(const std::filesystem::path& path, std::filesystem::path& absolute);

    // Makes the file, whole and empty, and says which it is. errc::exists if somebody else's has the name.
    static failure create(const std::filesystem::path& path, const options& wishes, const layout::shape& bare,
                          birth_mark& made);
    static failure create(const std::filesystem::path& path, const options& wishes, const layout::shape& bare) {
        birth_mark unasked{};
        return create(path, wishes, bare, unasked);
    }

    // Opens a file for an endpoint, if it is what was expected, and maps it.
    static failure open(const std::filesystem::path& path, const options& wishes, const layout::shape& bare,
                        std::unique_ptr<queue_file>& file);

    // Removes the file if nobody is attached.
    static failure remove(const std::filesystem::path& path);

    // Removes what create() has just made and its creator cannot use, if no other endpoint was ever attached to it; no other
    // file. `attached`: how often the creator itself was.
    static void take_back(const std::filesystem::path& path, const birth_mark& made, std::uint64_t attached) noexcept;

    ~queue_file() override;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] const layout::header& header() const noexcept { return header_; }  // our own, examined copy
    [[nodiscard]] layout::roster_entry& entry(std::uint64_t index) const noexcept;
    [[nodiscard]] layout::queue_words& words() const noexcept;
    [[nodiscard]] ring::ring_view view() const noexcept;
    [[nodiscard]] bool is_mpmc() const noexcept {
        return header_.kind == static_cast<std::uint32_t>(layout::queue_kind::mpmc);
    }

    // The index of the roster entry that this endpoint has.
    [[nodiscard]] std::uint64_t self() const noexcept { return self_; }
    // `role_byte`: the byte that is locked for a role that must be single; 0: none.
    void settle_at(std::uint64_t entry, std::uint64_t role_byte = 0) noexcept {
        self_ = entry;
        locks_.settle_at(entry, role_byte);
    }

    // Which roster entry is to be asked next whether its inhabitant lives; each time another.
    [[nodiscard]] std::uint64_t next_suspect() noexcept {
        suspect_ = suspect_ + 1 < header_.roster_length ? suspect_ + 1 : 0;
        return suspect_;
    }

    [[nodiscard]] entry_locks& locks() noexcept { return locks_; }
    [[nodiscard]] const entry_locks& locks() const noexcept { return locks_; }

    // Whether the name still stands for this file.
    [[nodiscard]] bool linked() const noexcept { return os::names(path_, identity_); }

    // Whether the truncation guard has found pages of the file gone; and the words for it.
    [[nodiscard]] bool truncated() const noexcept { return whole_->lost(); }
    [[nodiscard]] failure truncation() const;

    void forked() noexcept override;

private:
    queue_file() = default;
    // Under all of its locks.
    static failure remove_unused(queue_file& file, const os::located& where,
                                 std::optional<std::uint64_t> attaches_at_most);
    [[nodiscard]] std::uint64_t attaches() const noexcept;
    // `others_file`: whether a file of another user is welcome in a directory that every user may write to.
    static failure open_and_examine(const std::filesystem::path& path, const os::located& where, bool others_file,
                                    queue_file& file);

    std::filesystem::path path_;
    layout::header header_{};
    std::uint64_t self_ = ~std::uint64_t{0};  // none yet
    std::uint64_t suspect_ = 0;
    os::file_identity identity_;
    entry_locks locks_;
    std::shared_ptr<os::mapped_file> whole_;  // shared within the process
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
