// shared_page.hpp: memory that a test shares with the children it forks: what they write there outlives their death.
#pragma once

#include <sys/mman.h>

#include <new>
#include <stdexcept>
#include <type_traits>

namespace noria::rig {

// Holds one T, zero at first; T's members are atomics or written by one side at a time. Make it before the fork.
template <class T>
class shared_page {
    static_assert(std::is_trivially_destructible_v<T>);

public:
    shared_page() {
        void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::runtime_error("rig: no shared memory");
        value_ = new (memory) T{};
    }
    ~shared_page() { munmap(value_, sizeof(T)); }
    shared_page(const shared_page&) = delete;
    shared_page& operator=(const shared_page&) = delete;

    T* operator->() const noexcept { return value_; }
    T& operator*() const noexcept { return *value_; }

private:
    T* value_ = nullptr;
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
