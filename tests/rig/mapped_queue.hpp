// mapped_queue.hpp: a queue file mapped for reading, for a judge of its ring.
// It must not be truncated meanwhile.
#pragma once

#include "noria/layout/header.hpp"
#include "noria/ring/ring_view.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace noria::rig {

class mapped_queue {
public:
    explicit mapped_queue(const std::filesystem::path& path) {
        const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        struct stat status {};
        if (file >= 0 && fstat(file, &status) == 0) {
            bytes_ = static_cast<std::size_t>(status.st_size);
            data_ = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file, 0);
        }
        if (file >= 0) close(file);
        if (data_ == MAP_FAILED) throw std::runtime_error("'" + path.string() + "' can be mapped");
        const auto* const page = static_cast<const layout::header*>(data_);
        const auto objection = layout::examine(*page, bytes_);
        shape_ = layout::shape_of(*page);
        if (objection) throw std::runtime_error("'" + path.string() + "' is a sound queue: " + objection->text);
    }
    ~mapped_queue() { munmap(data_, bytes_); }
    mapped_queue(const mapped_queue&) = delete;
    mapped_queue& operator=(const mapped_queue&) = delete;

    [[nodiscard]] ring::ring_view view() const noexcept {
        const layout::geometry where = layout::place(shape_);
        auto& words = *reinterpret_cast<layout::queue_words*>(at(where.words_offset));
        return {.producer = &words.producer,
                .consumer = &words.consumer,
                .records = at(where.ring_offset),
                .shape = shape_,
                .returned = &words.producers_event.returned,
                .tallies = reinterpret_cast<layout::tally_line*>(at(where.tally_offset)),
                .parking = at(where.parking_offset),
                .mutual = reinterpret_cast<layout::mutex_words*>(at(where.mutex_offset))};
    }

private:
    [[nodiscard]] std::byte* at(std::uint64_t offset) const noexcept { return static_cast<std::byte*>(data_) + offset; }

    void* data_ = MAP_FAILED;
    std::size_t bytes_ = 0;
    layout::shape shape_;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
