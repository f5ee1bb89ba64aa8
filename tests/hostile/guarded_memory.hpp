// guarded_memory.hpp: memory that ends where its pages end, between pages that nobody may touch.
#pragma once

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace noria::hostile {

// The last byte stands before a closed page; what is left in front of the first is poisoned for the address sanitizer,
// and before that there is a closed page again.
class guarded_memory {
public:
    explicit guarded_memory(std::size_t bytes)
        : page_(static_cast<std::size_t>(getpagesize())), bytes_(bytes),
          open_bytes_((bytes + page_ - 1) / page_ * page_) {
        void* const all = mmap(nullptr, open_bytes_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED) throw std::runtime_error("hostile: no memory");
        begin_ = static_cast<std::byte*>(all);
        if (mprotect(begin_ + page_, open_bytes_, PROT_READ | PROT_WRITE) != 0) {
            throw std::runtime_error("hostile: no memory");
        }
        ASAN_POISON_MEMORY_REGION(begin_ + page_, open_bytes_ - bytes_);
    }
    ~guarded_memory() {
        ASAN_UNPOISON_MEMORY_REGION(begin_ + page_, open_bytes_ - bytes_);
        munmap(begin_, open_bytes_ + 2 * page_);
    }
    guarded_memory(const guarded_memory&) = delete;
    guarded_memory& operator=(const guarded_memory&) = delete;

    [[nodiscard]] std::byte* data() const noexcept { return begin_ + page_ + (open_bytes_ - bytes_); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool contains(const void* address) const noexcept {
        return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(data()) < bytes_;
    }

private:
    std::size_t page_;
    std::size_t bytes_;
    std::size_t open_bytes_;
    std::byte* begin_ = nullptr;
};

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
