// inspect.cpp: reading a queue's state through a read-only mapping.
#include "noria/inspect.hpp"

#include "noria/core/atomics.hpp"
#include "noria/os/file_lock.hpp"
#include "noria/queue/queue_file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace noria::inline v1 {

namespace {

// Relaxed where nothing else says so: an observer decides nothing by what it reads, and each figure is true by itself.
stream_state stream_seen(const layout::stream_line& stream, const layout::event_line& event) {
    return {.attaches = load_relaxed(stream.generation),
            .ended = load_relaxed(stream.ended),
            .abandoned = load_relaxed(stream.ended) != 0 && load_relaxed(stream.died) == load_relaxed(stream.ended),
            .told = load_relaxed(stream.heard),
            .sleeper_armed = (load_relaxed(event.word) & layout::event_armed) != 0};
}

std::optional<inhabitant> inhabitant_seen(queue::queue_file& file, role asked, std::uint64_t messages_now) {
    const layout::roster_entry& entry = file.entry(queue::entry_of(asked));
    if (load_acquire(entry.state) != layout::entry_alive) return std::nullopt;  // E1: the record is filled in
    return inhabitant{.role = asked,
                      .alive = os::is_locked(file.locks(), layout::lock_base + queue::entry_of(asked)),
                      .incarnation = load_relaxed(entry.incarnation),
                      .pid = load_relaxed(entry.pid),
                      .start_time = load_relaxed(entry.start_time),
                      .program = std::string(entry.program, strnlen(entry.program, sizeof entry.program)),
                      .messages = messages_now - load_relaxed(entry.first_message)};
}

}  // namespace

observer::observer(const std::filesystem::path& path) {
    error_ = queue::queue_file::observe(path, file_);
    if (error_) raise(error_);
}

observer::observer(const std::filesystem::path& path, std::error_code& code) {
    error_ = queue::queue_file::observe(path, file_);
    code = error_.code;
}

observer::observer(observer&&) noexcept = default;
observer& observer::operator=(observer&&) noexcept = default;
observer::~observer() = default;

snapshot observer::look() const {
    std::error_code code;
    snapshot now = look(code);
    if (code) raise(file_->truncation());
    return now;
}

snapshot observer::look(std::error_code& code) const {
    const layout::header& header = file_->header();
    const layout::spsc_words& words = file_->words();
    snapshot now;
    now.path = file_->path();
    now.format_version = header.version;
    now.shape = layout::shape_of(header);
    now.file_bytes = header.file_bytes;
    now.uuid = header.uuid;
    now.counters = queue::count(words, now.shape.form);
    now.head = load_relaxed(words.consumer.head);
    now.tail = load_relaxed(words.producer.tail);
    now.depth = now.counters.sent - now.counters.received;
    now.producers = stream_seen(words.producers, words.producers_event);
    now.consumers = stream_seen(words.consumers, words.consumers_event);
    now.needs_fences = ((load_relaxed(words.producers_event.word) | load_relaxed(words.consumers_event.word)) &
                        layout::event_needs_fence) != 0;
    if (auto producer = inhabitant_seen(*file_, role::producer, now.counters.sent)) {
        if (load_relaxed(words.producer.claim_open) != 0)
            now.claimed = held_work{role::producer, producer->pid, now.tail};
        now.roster.push_back(std::move(*producer));
    }
    if (auto consumer = inhabitant_seen(*file_, role::consumer, now.counters.received)) {
        const std::uint64_t taken = load_relaxed(words.consumer.taken);
        const std::uint64_t head = load_relaxed(words.consumer.head);
        if (static_cast<std::int64_t>(taken - head) > 0) now.taken = held_work{role::consumer, consumer->pid, head};
        now.roster.push_back(std::move(*consumer));
    }
    // Under the truncation guard the figures may have been zeros of our own.
    code = file_->truncated() ? make_error_code(errc::corrupt) : std::error_code();
    return now;
}

snapshot inspect(const std::filesystem::path& path) { return observer(path).look(); }

void remove(const std::filesystem::path& path) {
    if (auto failed = queue::queue_file::remove(path)) raise(std::move(failed));
}

void remove(const std::filesystem::path& path, std::error_code& code) { code = queue::queue_file::remove(path).code; }

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
