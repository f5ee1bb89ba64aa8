// process.cpp: the fork handlers, and what /proc says of this process.
#include "noria/os/process.hpp"

#include "noria/os/descriptor.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string_view>

namespace noria::inline v1::os {

// The list of what forks must not have, and the lock that forks and openings take. Never destroyed: endpoints with
// static storage may outlive any static object of ours.
struct fork_roll {
    std::recursive_mutex mutex;
    fork_sensitive* first = nullptr;

    static fork_roll& get() {
        static fork_roll& roll = *new fork_roll;
        static const int installed = pthread_atfork(&prepare, &parent, &child);
        (void)installed;
        return roll;
    }
    static void prepare() { get().mutex.lock(); }
    static void parent() { get().mutex.unlock(); }
    static void child() {
        fork_roll& roll = get();
        // Then the list is empty: an object may stand on the stack of a thread that the child has not, and that memory will be
        // another thread's.
        while (roll.first != nullptr) {
            fork_sensitive* const each = roll.first;
            roll.first = each->next_;
            each->next_ = each->previous_ = nullptr;
            each->enlisted_ = false;
            each->forked();
        }
        // A recursive mutex knows its owner by the thread's number, which is another one here: the child cannot unlock
        // what prepare() locked, but it is the only thread and may begin with a new one.
        new (&roll.mutex) std::recursive_mutex;
    }
};

no_fork::no_fork() noexcept { fork_roll::get().mutex.lock(); }
no_fork::~no_fork() { fork_roll::get().mutex.unlock(); }

fork_sensitive::~fork_sensitive() {
    const no_fork still;
    delist();
}

void fork_sensitive::enlist() noexcept {
    if (enlisted_) return;
    fork_roll& roll = fork_roll::get();
    next_ = roll.first;
    if (next_ != nullptr) next_->previous_ = this;
    roll.first = this;
    enlisted_ = true;
}

void fork_sensitive::delist() noexcept {
    if (!enlisted_) return;
    if (next_ != nullptr) next_->previous_ = previous_;
    (previous_ != nullptr ? previous_->next_ : fork_roll::get().first) = next_;
    next_ = previous_ = nullptr;
    enlisted_ = false;
}

no_cancel::no_cancel() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
no_cancel::~no_cancel() { pthread_setcancelstate(before_, nullptr); }

std::uint32_t process_id() noexcept { return static_cast<std::uint32_t>(getpid()); }

process_identity this_process() noexcept {
    process_identity self;
    self.pid = static_cast<std::uint64_t>(getpid());
    const std::string_view program = program_invocation_short_name;
    std::memcpy(self.program.data(), program.data(), std::min(program.size(), self.program.size() - 1));
    // /proc/self/stat: the name in parentheses may hold anything, so the fields are counted from the last ')': the
    // start time is the 22nd of all, the 20th after it.
    std::array<char, 1024> text{};
    const descriptor file = open_at(AT_FDCWD, "/proc/self/stat", O_RDONLY);
    if (!file.is_open()) return self;
    const ssize_t got = read(file.get(), text.data(), text.size() - 1);
    if (got <= 0) return self;
    std::string_view rest(text.data(), static_cast<std::size_t>(got));
    const auto name_end = rest.rfind(')');
    if (name_end == std::string_view::npos) return self;
    rest.remove_prefix(name_end + 1);
    for (int field = 0; field < 20; ++field) {
        const auto space = rest.find(' ');
        if (space == std::string_view::npos) return self;
        rest.remove_prefix(space + 1);
    }
    self.start_time = std::strtoull(rest.data(), nullptr, 10);
    return self;
}

namespace {

// Asked when the library is loaded, so that no verb's way depends on who was the first to ask.
const long online = sysconf(_SC_NPROCESSORS_ONLN);

}  // namespace

unsigned processors() noexcept { return online > 1 ? static_cast<unsigned>(online) : 1U; }

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
