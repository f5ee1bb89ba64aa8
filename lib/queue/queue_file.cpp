// queue_file.cpp: finding, making, examining, mapping and removing a queue's file, with words for each refusal.
#include "noria/queue/queue_file.hpp"

#include "noria/core/shareable.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/queue/space.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace noria::inline v1::queue {

namespace {

failure refuse_lock(const std::filesystem::path& path, int error, std::uint64_t file_bytes) {
    return refuse(path, errc::out_of_memory,
                  fmt::format("found no way to lock it in memory ({}), expected room for {} bytes; raise "
                              "RLIMIT_MEMLOCK (ulimit -l), use a smaller capacity, or leave lock_in_memory unset",
                              os::words_for(error), file_bytes));
}

failure refuse_birth(const std::filesystem::path& path, const os::birth& born, std::uint64_t file_bytes) {
    using os::birth_step;
    if (born.step == birth_step::directory && born.error != EACCES) {
        failure failed = refuse_errno(path, born.error, "open its directory");
        if (failed.code == errc::not_found) {
            failed = refuse(path, errc::not_found, "found no such directory, expected one; make it first");
        }
        return failed;
    }
    if (born.step == birth_step::file && born.error == EOPNOTSUPP) {
        const bool copies = born.where.fitness == os::file_system_fitness::copies_on_write;
        return refuse(
            path, errc::unsupported_file_system,
            fmt::format("found the file system {}, expected a local one such as tmpfs, ext4 or xfs; {}",
                        born.where.name,
                        copies ? "choose another directory, or set copy_on_write and accept SIGBUS on a full disk"
                               : "choose another directory"));
    }
    if (born.step == birth_step::file && (born.error == EDQUOT || (born.error == ENOSPC && os::has_no_inode(path))))
        return refuse_inode(path, born.error);
    if (born.error == ENOSPC || born.error == EDQUOT)
        return refuse_space(path, born.error, born.group_limit, file_bytes);
    if (born.error == EFBIG) {
        return refuse(path, errc::file_size_limit,
                      fmt::format("found a file size limit below {} bytes, expected room for the queue; raise "
                                  "RLIMIT_FSIZE, or use a smaller capacity",
                                  file_bytes));
    }
    return refuse_errno(path, born.error, born.step == birth_step::name ? "give the file its name" : "create the file");
}

std::string_view kind_name(layout::queue_kind kind) { return kind == layout::queue_kind::spsc ? "spsc" : "mpmc"; }

std::string_view form_name(layout::message_form form) {
    return form == layout::message_form::fixed ? "messages of one size" : "messages of any size (noria::bytes)";
}

failure find_directory(const std::filesystem::path& path, os::located& where) {
    const int error = os::locate(path, where);
    return error == 0 ? failure{} : refuse_errno(path, error, "open its directory");
}

failure refuse_owner(const std::filesystem::path& path, unsigned owner) {
    return refuse(
        path, errc::foreign_owner,
        fmt::format("found a file of user {} in a directory where every user may make files, expected one of "
                    "user {} or of root: its owner could truncate it under you; use a directory of your own, or "
                    "set the option foreign_owner if you trust that user",
                    owner, geteuid()));
}

// Is the examined file what the program was built for, and what its options say?
failure compare(const std::filesystem::path& path, const layout::shape& found, const layout::shape& bare,
                const options& wishes) {
    if (found.kind != bare.kind || found.coordinated != bare.coordinated) {
        return refuse(
            path, errc::other_kind,
            fmt::format("found an {} queue with coordination {}, expected {} with {}; open it as what it is",
                        kind_name(found.kind), name(found.coordinated), kind_name(bare.kind), name(bare.coordinated)));
    }
    if (found.form != bare.form) {
        return refuse(path, errc::other_type,
                      fmt::format("found a queue of {}, expected {}; open it with its own type", form_name(found.form),
                                  form_name(bare.form)));
    }
    const bool fixed = bare.form == layout::message_form::fixed;
    const bool crowd = bare.kind == layout::queue_kind::mpmc;
    if (found.type_tag != bare.type_tag ||
        (fixed && (found.message_bytes != bare.message_bytes || found.message_align != bare.message_align))) {
        return refuse(
            path, errc::other_type,
            fmt::format("found messages of {} bytes, alignment {}, type tag {:#x}, expected {} bytes, alignment "
                        "{}, type tag {:#x}; build both programs with the same message type (size, alignment, kinds of "
                        "values and noria_name make the tag)",
                        found.message_bytes, found.message_align, found.type_tag, bare.message_bytes,
                        bare.message_align, bare.type_tag));
    }
    const auto differs = [&](const char* option, const std::optional<std::uint64_t>& wish, std::uint64_t is) {
        if (!wish || *wish == is) return failure{};
        return refuse(
            path, errc::other_geometry,
            fmt::format("found {} {}, expected {}; leave the option unset to take the file's, or remove the file",
                        option, is, *wish));
    };
    if (crowd) {
        if (auto failed = differs("endpoints", wishes.endpoints, found.endpoints)) return failed;
        if (auto failed = differs("deliveries_max", wishes.deliveries_max, found.deliveries_max)) return failed;
        if (auto failed = differs("parking", wishes.parking, found.parking)) return failed;
    }
    if (auto failed = counts_messages(bare) ? differs("capacity", wishes.capacity, found.capacity)
                                            : differs("capacity_bytes", wishes.capacity_bytes, found.capacity)) {
        return failed;
    }
    return fixed ? failure{} : differs("message_bytes_max", wishes.message_bytes_max, found.message_bytes);
}

// Options that belong to the other form of queue make no sense, whether the file exists or not.
failure misplaced(const std::filesystem::path& path, const options& wishes, const layout::shape& bare) {
    if (bare.kind == layout::queue_kind::spsc && wishes.endpoints) {
        return refuse(
            path, errc::invalid_options,
            "found endpoints for an spsc queue, which has one of each, expected none; leave it unset, or use mpmc");
    }
    if (bare.kind == layout::queue_kind::spsc && (wishes.deliveries_max || wishes.parking)) {
        return refuse(
            path, errc::invalid_options,
            "found deliveries_max or parking for an spsc queue, whose one consumer nobody stands in for, expected "
            "neither; leave them unset, or use mpmc");
    }
    if (layout::has_mutex(bare) && (wishes.deliveries_max || wishes.parking)) {
        return refuse(
            path, errc::invalid_options,
            "found deliveries_max or parking for a queue under a robust mutex, which has no parking, expected "
            "neither; leave them unset, or use lock_free");
    }
    if (bare.kind == layout::queue_kind::mpmc && counts_messages(bare) && wishes.capacity_bytes) {
        return refuse(path, errc::invalid_options,
                      "found capacity_bytes for an mpmc queue, expected capacity, which counts messages; set that");
    }
    if (bare.form == layout::message_form::fixed && (wishes.capacity_bytes || wishes.message_bytes_max)) {
        return refuse(path, errc::invalid_options,
                      "found capacity_bytes or message_bytes_max for messages of one type, expected capacity, which "
                      "counts messages; set that");
    }
    if (!counts_messages(bare) && wishes.capacity) {
        return refuse(path, errc::invalid_options,
                      "found capacity for noria::bytes, expected capacity_bytes and message_bytes_max; set these");
    }
    return {};
}

// Messages: as many as 16 MiB hold, so that a file is made at once wherever there is some room; at most 4096, at least 4, with
// which the two sides still need not wait for each other at each message.
constexpr std::uint64_t default_capacity_most = 4096;
constexpr std::uint64_t default_capacity_least = 4;
constexpr std::uint64_t default_messages_bytes = 16U << 20;
constexpr std::uint64_t default_capacity_bytes = 1U << 20;  // 1 MiB
constexpr std::uint64_t default_endpoints = 64;             // of mpmc
constexpr std::uint64_t default_parking = 64;               // of mpmc with deliveries_max
constexpr std::uint64_t default_slot_message_bytes = 1024;  // of mpmc, bytes form

std::uint64_t default_capacity(std::uint64_t message_bytes) {
    const std::uint64_t fit = default_messages_bytes / std::max<std::uint64_t>(message_bytes, 1);
    return std::bit_floor(std::clamp(fit, default_capacity_least, default_capacity_most));
}

}  // namespace

failure complete(const std::filesystem::path& path, const options& wishes, layout::shape& shape) {
    if (auto failed = misplaced(path, wishes, shape)) return failed;
    if (shape.kind == layout::queue_kind::mpmc) {
        shape.endpoints = wishes.endpoints.value_or(default_endpoints);
        shape.deliveries_max = wishes.deliveries_max.value_or(0);
        shape.parking = wishes.parking.value_or(wishes.deliveries_max ? default_parking : 0);
    }
    if (counts_messages(shape)) {
        if (shape.form == layout::message_form::bytes)
            shape.message_bytes = wishes.message_bytes_max.value_or(default_slot_message_bytes);
        shape.capacity = wishes.capacity.value_or(default_capacity(shape.message_bytes));
    } else {
        shape.capacity = wishes.capacity_bytes.value_or(default_capacity_bytes);
        shape.message_bytes =
            wishes.message_bytes_max.value_or(std::min<std::uint64_t>(shape.capacity / 4, message_bytes_limit));
    }
    if (auto text = layout::objection(shape); !text.empty())
        return refuse(path, errc::invalid_options, "found " + text);
    return {};
}

std::uint64_t required_bytes(const options& wishes, const layout::shape& bare) {
    layout::shape shape = bare;
    if (auto failed = complete("(no file)", wishes, shape)) raise(std::move(failed));
    return layout::place(shape).file_bytes;
}

failure queue_file::make_absolute(const std::filesystem::path& path, std::filesystem::path& absolute) {
    const int error = os::make_absolute(path, absolute);
    if (error == 0) return {};
    return refuse(path, error == ENOENT ? errc::not_found : errc::system,
                  fmt::format("found no working directory (errno {}: {}), expected the one in which the name is to be "
                              "looked for; change to a directory that exists, or use a path from the root on",
                              error, os::words_for(error)));
}

failure queue_file::create(const std::filesystem::path& path, const options& wishes, const layout::shape& bare,
                           birth_mark& made) {
    layout::shape shape = bare;
    if (auto failed = complete(path, wishes, shape)) return failed;
    // Otherwise the file would be made, and its own creator could not open it.
    if ((wishes.mode & 0600) != 0600 || wishes.mode > 0777) {
        return refuse(path, errc::invalid_options,
                      fmt::format("found mode {:#o}, expected 0600 to 0777 with the owner's right to read and write; "
                                  "add 0600",
                                  wishes.mode));
    }
    birth_mark uuid{};
    (void)!getrandom(uuid.data(), uuid.size(), 0);  // short only before the kernel's pool is ready: then it is zeros
    const layout::header page = layout::make_header(shape, uuid);
    const os::no_cancel whole;
    const os::birth born = os::create_whole(path,
                                            {.mode = wishes.mode,
                                             .file_bytes = page.file_bytes,
                                             .copy_on_write = wishes.copy_on_write,
                                             .lock_offset = layout::birth_lock},
                                            std::as_bytes(std::span(&page, 1)));
    if (born.error != 0) return refuse_birth(path, born, page.file_bytes);
    made = uuid;
    return {};
}

failure queue_file::open_and_examine(const std::filesystem::path& path, const os::located& where, bool others_file,
                                     queue_file& file) {
    struct stat status {};
    os::descriptor opened;
    file.path_ = path;
    const os::no_fork until_enlisted;
    file.enlist();
    if (const int error = os::open_regular(where, os::access::read_write, opened, status); error != 0) {
        return refuse_errno(path, error, "open it for writing");
    }
    file.identity_ = os::identity_of(status);
    // As fs.protected_regular has it, for programs that create.
    const bool trusted = others_file || status.st_uid == 0 || status.st_uid == geteuid() || !os::is_open_to_all(where);
    failure failed =
        trusted ? examine_start(path, opened.get(), status, file.header_) : refuse_owner(path, status.st_uid);
    // Also of a file that is refused: it may be one to be removed.
    if (const int error = file.locks_.adopt(std::move(opened), path, file.identity_); error != 0) {
        return refuse_errno(path, error, "set its file offset");
    }
    return failed;
}

failure examine_start(const std::filesystem::path& path, int file, const struct stat& status, layout::header& header) {
    if (const auto where = os::file_system_of(file); where.fitness == os::file_system_fitness::unfit) {
        return refuse(path, errc::unsupported_file_system,
                      fmt::format("found the file system {}, expected a local one such as tmpfs, ext4 or xfs; move the "
                                  "queue there",
                                  where.name));
    }
    const std::int64_t got = os::read_start(file, std::as_writable_bytes(std::span(&header, 1)));
    if (got < 0) return refuse_errno(path, static_cast<int>(-got), "read its header");
    if (got < static_cast<std::int64_t>(sizeof(layout::header))) {
        return refuse(path, errc::not_a_queue,
                      fmt::format("found {} bytes, expected a header of {}; check the path, the file was left as it is",
                                  got, sizeof(layout::header)));
    }
    if (auto found = layout::examine(header, static_cast<std::uint64_t>(status.st_size))) {
        return refuse(path, found->code, found->text);
    }
    return {};
}

failure queue_file::open(const std::filesystem::path& path, const options& wishes, const layout::shape& bare,
                         std::unique_ptr<queue_file>& file) {
    if (auto failed = misplaced(path, wishes, bare)) return failed;
    const os::no_cancel whole;
    os::located where;
    if (auto failed = find_directory(path, where)) return failed;
    std::unique_ptr<queue_file> opened(new queue_file);
    if (auto failed = open_and_examine(path, where, wishes.foreign_owner, *opened)) return failed;
    where.directory.reset();
    if (auto failed = compare(path, layout::shape_of(opened->header_), bare, wishes)) return failed;
    // A copy may be sparse, and a touched hole on a full file system is SIGBUS.
    std::uint64_t group_limit = 0;
    if (const int error = os::fill_holes(opened->locks_.number(), group_limit); error != 0) {
        return error == ENOSPC || error == EDQUOT ? refuse_space(path, error, group_limit, opened->header_.file_bytes)
                                                  : refuse_errno(path, error, "allocate all of it");
    }
    if (const int error = opened->locks_.keep(); error != 0) return refuse_errno(path, error, "map it");
    if (const int error = os::mapped_file::share(path, opened->identity_, opened->header_.file_bytes, opened->whole_);
        error != 0) {
        // ESTALE: removed, or replaced, since we opened it. That is as if it had not been there.
        return refuse_errno(path, error == ESTALE ? ENOENT : error, "map it");
    }
    // In memory that takes the place of a truncated file, both event words ask for a fence: so whoever rings one, which every
    // verb that publishes or releases does, leaves the hot path and hears of it (endpoint::ring_and_look).
    const std::uint64_t words = opened->header_.words_offset;
    if (const int error = opened->whole_->guard({.offsets = {words + offsetof(layout::queue_words, consumers_event),
                                                             words + offsetof(layout::queue_words, producers_event)},
                                                 .value = layout::event_needs_fence});
        error != 0) {
        return refuse_errno(path, error, "map it");
    }
    if (wishes.huge_pages) opened->whole_->use_huge_pages();
    if (wishes.prefault) opened->whole_->populate();
    if (wishes.lock_in_memory) {
        if (const int error = opened->whole_->lock(); error != 0) {
            return refuse_lock(path, error, opened->header_.file_bytes);
        }
    }
    file = std::move(opened);
    return {};
}

failure queue_file::remove(const std::filesystem::path& name) {
    const os::no_cancel whole;
    std::filesystem::path path;
    os::located where;
    if (auto failed = make_absolute(name, path)) return failed;
    if (auto failed = find_directory(path, where)) return failed;
    queue_file file;
    if (auto failed = open_and_examine(path, where, true, file)) {
        // A damaged queue is still a queue that one may want to be rid of; what is no queue is not ours to remove.
        if (failed.code != errc::corrupt && failed.code != errc::other_version &&
            failed.code != errc::other_byte_order && failed.code != errc::other_kind) {
            return failed;
        }
    }
    return remove_unused(file, where, std::nullopt);
}

void queue_file::take_back(const std::filesystem::path& path, const birth_mark& made, std::uint64_t attached) noexcept {
    try {
        const os::no_cancel whole;
        os::located where;
        if (find_directory(path, where)) return;
        queue_file file;
        if (open_and_examine(path, where, true, file) || file.header_.uuid != made) return;
        (void)remove_unused(file, where, attached);
    } catch (...) {  // no memory for that, either: the file stays, whole, and open() will find it
    }
}

failure queue_file::remove_unused(queue_file& file, const os::located& where,
                                  std::optional<std::uint64_t> attaches_at_most) {
    const std::filesystem::path& path = file.path_;
    // Every byte that an endpoint could hold, at once: while we have them no endpoint is attached, and none can attach; one
    // that waits for a role looks at the name again when it has the role.
    if (const int error = file.locks_.take(layout::lock_base, layout::lock_range_bytes); error != 0) {
        if (error != EAGAIN) return refuse_errno(path, error, "lock it");
        const os::lock_report lock = file.locks_.ask(layout::lock_base, layout::lock_range_bytes);
        if (lock.owner == os::lock_owner::foreign) {
            return refuse_foreign_lock(path, errc::foreign_lock, lock.lock,
                                       "the roster, while no endpoint may be attached");
        }
        return refuse(
            path, errc::in_use,
            "found an endpoint attached, expected none; stop the programs that use it (inspect() names them)");
    }
    if (attaches_at_most && file.attaches() > *attaches_at_most) {
        return refuse(path, errc::in_use, "found that other endpoints were attached, expected an unused file; keep it");
    }
    std::string displaced;
    const int error = os::remove_exactly(where, file.identity_, displaced);
    if (error == 0) return {};
    if (displaced.empty()) return refuse_errno(path, error, "remove it");
    return refuse(
        path, errc::exists,
        fmt::format("found two other files in its place, one after the other, expected none; the first is now "
                    "'{}' in that directory, where you may rename it",
                    displaced));
}

// How often endpoints were attached, of both roles, as the file says. An endpoint that died before
// it raised the generation is seen by its live record.
std::uint64_t queue_file::attaches() const noexcept {
    layout::queue_words words{};
    std::uint64_t all = 0;
    const auto read = [this](void* into, std::uint64_t bytes, std::uint64_t offset) {
        return pread(locks_.number(), into, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
    };
    if (!read(&words, sizeof words, header_.words_offset)) return ~std::uint64_t{0};
    all = words.producers.generation + words.consumers.generation;
    for (std::uint64_t i = 0; i < header_.roster_length; ++i) {
        layout::roster_entry entry{};
        if (!read(&entry, sizeof entry, header_.roster_offset + i * sizeof entry)) return ~std::uint64_t{0};
        if (entry.state == layout::entry_alive) return ~std::uint64_t{0};
    }
    return all;
}

failure queue_file::truncation() const {
    struct stat status {};
    const int file = locks_.number();
    const bool known = file >= 0 && fstat(file, &status) == 0;
    if (known && static_cast<std::uint64_t>(status.st_size) >= header_.file_bytes)
        return refuse_lost_pages(path_, header_.file_bytes);
    return refuse(path_, errc::corrupt,
                  fmt::format("found it truncated while in use, expected all of its {} bytes to stay; find out who "
                              "truncated it, stop its users, remove it and let them begin anew",
                              header_.file_bytes));
}

queue_file::~queue_file() {
    const os::no_cancel whole;  // close() is a cancellation point
    const os::no_fork until_gone;
    delist();
    locks_.close();
}

layout::roster_entry& queue_file::entry(std::uint64_t index) const noexcept {
    return reinterpret_cast<layout::roster_entry*>(whole_->data() + header_.roster_offset)[index];
}

layout::queue_words& queue_file::words() const noexcept {
    return *reinterpret_cast<layout::queue_words*>(whole_->data() + header_.words_offset);
}

ring::ring_view queue_file::view() const noexcept {
    const layout::shape shape = layout::shape_of(header_);
    return {.producer = &words().producer,
            .consumer = &words().consumer,
            .records = whole_->data() + header_.ring_offset,
            .shape = shape,
            .returned = &words().producers_event.returned,
            .tallies = reinterpret_cast<layout::tally_line*>(whole_->data() + header_.tally_offset),
            .parking = whole_->data() + header_.parking_offset,
            .self = self_,
            .mutual = reinterpret_cast<layout::mutex_words*>(whole_->data() + layout::place(shape).mutex_offset)};
}

// Closed, not unlocked: the locks belong to the open file that we share with our parent.
void queue_file::forked() noexcept { locks_.forked(); }

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
