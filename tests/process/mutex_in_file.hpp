// mutex_in_file.hpp: the mutex of a queue's file in a test's own hands, to be held, looked at and left at will.
#pragma once

#include "noria/layout/header.hpp"
#include "noria/layout/ring_words.hpp"
#include "noria/layout/tally_line.hpp"
#include "noria/sync/robust_mutex.hpp"
#include "process/scene.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>

namespace scene {

class mutex_in_file {
public:
    explicit mutex_in_file(const std::filesystem::path& path) {
        const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        insist(file >= 0, "the file is there");
        size_ = std::filesystem::file_size(path);
        mapped_ = static_cast<std::byte*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
        close(file);
        insist(mapped_ != MAP_FAILED, "it can be mapped");
    }
    ~mutex_in_file() { munmap(mapped_, size_); }
    mutex_in_file(const mutex_in_file&) = delete;
    mutex_in_file& operator=(const mutex_in_file&) = delete;

    [[nodiscard]] noria::layout::mutex_words& words() const noexcept {
        const auto& header = *reinterpret_cast<const noria::layout::header*>(mapped_);
        return *reinterpret_cast<noria::layout::mutex_words*>(mapped_ + header.words_offset +
                                                              sizeof(noria::layout::queue_words));
    }
    [[nodiscard]] noria::sync::robust_mutex mutex() const noexcept { return noria::sync::robust_mutex(words().line); }
    // In the name of one that lives, as it would itself.
    [[nodiscard]] bool take_for(std::uint32_t owner) const noexcept {
        noria::store_relaxed(tenure_of(owner), noria::load_relaxed(tenure_of(owner)) + 1);
        return mutex().try_take(owner);
    }
    [[nodiscard]] bool leave_for(std::uint32_t owner) const noexcept {
        const bool left = mutex().leave(owner);
        noria::store_release(tenure_of(owner), noria::load_relaxed(tenure_of(owner)) + 1);
        return left;
    }
    [[nodiscard]] bool contended() const noexcept {
        return (noria::load_relaxed(words().line.owner) & noria::layout::mutex_contended) != 0;
    }

    [[nodiscard]] std::uint64_t tenure(std::uint32_t owner) const noexcept {
        return noria::load_relaxed(tenure_of(owner));
    }

private:
    [[nodiscard]] std::uint64_t& tenure_of(std::uint32_t owner) const noexcept {
        auto* const behind = reinterpret_cast<std::byte*>(&words()) + sizeof(noria::layout::mutex_words);
        return reinterpret_cast<noria::layout::tally_line*>(behind)[owner - 1].tenure;
    }

    std::byte* mapped_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace scene

// SPDX-License-Identifier: BSL-1.0
