// observed_file.hpp: a queue file for observers, whose bytes are copied by read calls and never mapped.
//
// A read of a hole allocates nothing, a read of a file that was truncated is short, and neither raises SIGBUS: so an observer
// of a sparse copy, on a full file system or in a small control group, costs its process a bounded copy and nothing else.
// What is copied cannot change any more while it is looked at.
//
// Torn words   The kernel copies bytes, and promises no word of 64 bits whole. On the machines of today a word that is aligned
//              is copied whole. If one were torn, a figure of that look would be wrong; nothing is decided by it.
// Order        What must be older than something else is read by an earlier call: what is sent before what is received, a
//              record before the question whether it lives, `turn` before and after the pages of a mutex.
// Bounds       A look reads everything in front of the ring (about 1 MiB with 4,095 endpoints), at most survey_limit words of
//              slots or records, and of each parking place its first bytes.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/visibility.hpp"
#include "noria/layout/header.hpp"
#include "noria/layout/parking_place.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/roster_entry.hpp"
#include "noria/os/file.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/os/open_description.hpp"
#include "noria/os/process.hpp"
#include "noria/ring/mutex_ring.hpp"
#include "noria/ring/ring_view.hpp"
#include "noria/ring/slot_ring.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace noria::inline v1::queue {

constexpr std::uint64_t survey_limit = 65536;        // slots or records that one look reads, and parking places
constexpr std::uint64_t lock_question_limit = 1024;  // endpoints that one look asks the kernel about

// What one look has copied: the sections in front of the ring as they stand in the file, and the words of the parking.
class NORIA_API observed_sections {
public:
    explicit observed_sections(const layout::header& header);

    [[nodiscard]] layout::roster_entry& entry(std::uint64_t index) noexcept;
    [[nodiscard]] layout::queue_words& words() noexcept;
    // The view of them for those who read words in front of the ring: there are no records.
    [[nodiscard]] ring::ring_view view() noexcept;
    // The same with parking places that have no room for a message: what was copied of them.
    [[nodiscard]] ring::ring_view parking_view() noexcept;

private:
    friend class observed_file;
    struct alignas(line_separation_bytes) line {
        std::byte bytes[line_separation_bytes];
    };
    // The memory of a part of the file, from that offset on.
    [[nodiscard]] std::span<std::byte> at(std::uint64_t offset, std::uint64_t bytes) noexcept;

    layout::shape shape_;
    layout::geometry where_;
    std::vector<line> lines_;  // from the roster to the ring
    std::vector<layout::parking_place> places_;
};

// What a survey of the ring has found.
struct observed_ring {
    std::vector<ring::hand> in_hand;
    ring::slots_seen slots;  // lock-free mpmc alone
    std::uint64_t looked_at = 0;
    bool all = true;
};

class NORIA_API observed_file final : public os::fork_sensitive {
public:
    // Opens any queue, for reading.
    static failure open(const std::filesystem::path& path, std::unique_ptr<observed_file>& file);
    ~observed_file() override;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] const layout::header& header() const noexcept { return header_; }
    [[nodiscard]] bool is_mpmc() const noexcept {
        return header_.kind == static_cast<std::uint32_t>(layout::queue_kind::mpmc);
    }

    // All figures in front of the ring, and the parking's. Whichever of the following fails says: truncated, or unreadable.
    failure read(observed_sections& now) const;
    // One entry again, since it may have changed.
    failure read_entry(observed_sections& now, std::uint64_t index) const;
    // The words of slots, or of records under a mutex.
    failure survey(observed_sections& now, observed_ring& seen) const;

    // A lock that another open file has on these bytes, counted from layout::lock_base on, or nothing. Returns 0, or an errno: the
    // kernel cannot be asked.
    int lock_on(std::uint64_t first, std::uint64_t bytes, std::optional<os::lock_seen>& found) const noexcept;

    // With which of so many endpoints on record a look begins to ask whether they live: each look with others.
    [[nodiscard]] std::uint64_t first_question(std::uint64_t alive) const noexcept;

    void forked() noexcept override;

private:
    observed_file() = default;
    failure use(int& file) const;
    failure reopen() const;
    failure read_part(int file, std::uint64_t offset, std::span<std::byte> part) const;
    failure read_tallies(int file, observed_sections& now) const;
    failure read_pages(int file, observed_sections& now) const;
    failure read_parking(int file, observed_sections& now) const;
    failure survey_records(int file, observed_sections& now, observed_ring& seen) const;
    [[nodiscard]] failure unreadable(std::int64_t got) const;

    std::filesystem::path path_;  // absolute
    layout::header header_{};
    os::file_identity identity_;
    mutable os::open_description open_file_;  // another one, if the program has closed its descriptor
    mutable std::uint64_t questions_ = 0;
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
