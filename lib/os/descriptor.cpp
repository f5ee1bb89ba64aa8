// descriptor.cpp: opening above the standard streams.
#include "noria/os/descriptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace noria::inline v1::os {

namespace {

constexpr int standard_streams = 3;

// Occupies the free numbers of standard streams while it exists. A write to one of these descriptors fails, as a write to
// a closed one does: a descriptor of O_PATH cannot be written to.
class standard_streams_occupied {
public:
    explicit standard_streams_occupied(bool needed) noexcept {
        if (!needed) return;
        std::array<pollfd, standard_streams> streams{{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}}};
        if (poll(streams.data(), streams.size(), 0) <= 0) return;  // none is closed: one call says it of all
        for (std::size_t i = 0; i < streams.size(); ++i) {
            if ((streams[i].revents & POLLNVAL) != 0) occupied_[i] = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
        }
    }
    ~standard_streams_occupied() {
        const int errno_before = errno;
        for (const int each : occupied_) {
            // Another thread may have put a stream of its own there meanwhile (dup2).
            if (each >= 0 && (fcntl(each, F_GETFL) & O_PATH) != 0) close(each);
        }
        errno = errno_before;
    }
    standard_streams_occupied(const standard_streams_occupied&) = delete;
    standard_streams_occupied& operator=(const standard_streams_occupied&) = delete;

private:
    std::array<int, standard_streams> occupied_{-1, -1, -1};
};

}  // namespace

void descriptor::reset(int number) noexcept {
    if (number_ >= 0) close(number_);
    number_ = number;
}

descriptor open_at(int directory, const char* path, int how, unsigned mode) noexcept {
    // A descriptor that cannot be written to may be a standard stream for a moment.
    const bool writes = (how & O_ACCMODE) != O_RDONLY && (how & O_PATH) == 0;
    const standard_streams_occupied meanwhile(writes);
    int number = openat(directory, path, how | O_CLOEXEC, mode);
    if (number >= 0 && number < standard_streams) {
        const int low = number;
        number = fcntl(low, F_DUPFD_CLOEXEC, standard_streams);
        const int error = errno;
        close(low);
        errno = error;
    }
    return descriptor(number);
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
