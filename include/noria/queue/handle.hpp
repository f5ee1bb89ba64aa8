// handle.hpp: what a producer and a consumer have in common for their user: how they are, and how the queue is.
#pragma once

#include "noria/core/error.hpp"
#include "noria/core/outcome.hpp"
#include "noria/os/process.hpp"
#include "noria/queue/counters.hpp"
#include "noria/queue/endpoint.hpp"

#include <cassert>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace noria::inline v1::queue {

// Whether a ring's end has the ring under a mutex, and so can fail where others cannot.
template <class End>
constexpr bool has_mutex = requires {
    requires End::has_mutex;
};

// A moment of the monotonic clock, of whatever duration: now() + 0.05s. What lies beyond the clock's range is its end, and
// what is not a number has passed.
class moment {
public:
    template <class Duration>
    constexpr moment(std::chrono::time_point<os::monotonic, Duration> when) noexcept : when_(within(when)) {}
    constexpr operator os::monotonic::time_point() const noexcept { return when_; }

private:
    using exact = os::monotonic::time_point;

    template <class Duration>
    static constexpr exact within(std::chrono::time_point<os::monotonic, Duration> when) noexcept {
        if constexpr (std::is_same_v<Duration, exact::duration>) {
            return when;
        } else {
            const auto ns = std::chrono::duration<long double, std::nano>(when.time_since_epoch()).count();
            if (!(ns > -9.2e18L)) return exact::min();  // 2^63 ns are 292 years
            if (ns > 9.2e18L) return exact::max();
            return exact(std::chrono::duration_cast<exact::duration>(when.time_since_epoch()));
        }
    }

    exact when_;
};

// Place is the endpoint in the file: it stays where it is while the handle moves, so claims and leases stay valid.
template <class Place>
class handle {
public:
    // How the last verb went. Never waits.
    [[nodiscard]] outcome why() const noexcept { return place().why(); }

    // How the peers of the last reported end went: finished (closed), abandoned (died), none (no end was reported yet).
    [[nodiscard]] end ended() const noexcept { return place().ended(); }

    // Makes the present or the next wait of this endpoint return `interrupted`; a verb that finds what it wants does not
    // wait and is not interrupted.
    // Role: any thread at any time, and signal handlers, while the endpoint exists and is not being moved.
    void interrupt() noexcept { place().interrupt(); }

    // False: the opening that returned this endpoint failed, or this is a fork's copy, or the file proved corrupt.
    [[nodiscard]] bool is_open() const noexcept { return place().usable(); }

    // What keeps this endpoint from working, as code and as text (file, found, expected, what to do); empty if nothing.
    [[nodiscard]] std::error_code error_code() const noexcept { return place().last_error().code; }
    [[nodiscard]] const std::string& error_text() const noexcept { return place().last_error().text; }

    // Whether this endpoint's opening created the file.
    [[nodiscard]] bool created() const noexcept { return place().created(); }

    // Whether the file has lost its name, or the name now stands for another file: the present endpoints go on with
    // each other, newcomers will not find them. One system call.
    [[nodiscard]] bool orphaned() const noexcept { return is_open() && !place().file()->linked(); }

    [[nodiscard]] std::filesystem::path path() const {
        return place().file() != nullptr ? place().file()->path() : std::filesystem::path();
    }

    // Of the file: messages, or for noria::bytes bytes of ring. 0 on an endpoint that is not open.
    [[nodiscard]] std::uint64_t capacity() const noexcept {
        return place().file() != nullptr ? place().file()->header().capacity : 0;
    }
    // The largest message in bytes: sizeof(T), or for noria::bytes the file's message_bytes_max.
    [[nodiscard]] std::uint64_t message_bytes_max() const noexcept {
        return place().file() != nullptr ? place().file()->header().message_bytes : 0;
    }

    // Messages in the queue: committed and not released. Exact where nobody works on the other side. Never waits.
    [[nodiscard]] std::uint64_t size() const noexcept { return is_open() ? place_->ring.depth() : 0; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    // The queue's figures since its birth.
    [[nodiscard]] noria::counters counters() const noexcept {
        if (!is_open()) return {};
        (void)place_->ring.depth();  // a producer notes the high-water mark when it looks
        return count(place().file()->words(), place().file()->view());
    }
    [[nodiscard]] std::uint64_t high_water() const noexcept { return counters().high_water; }

protected:
    explicit handle(std::unique_ptr<Place> place) noexcept : place_(place.release()) {}

    [[nodiscard]] Place& place() const noexcept {
        assert(place_ != nullptr && "noria: this endpoint was moved from");
        return *place_;
    }
    void raise_if_closed() const {
        if (!is_open()) raise(place().last_error());
    }

    // A function that consume_some() calls may close its consumer: then that call still stands in the place.
    struct leaver {
        [[gnu::noinline]] void operator()(Place* place) const noexcept {
            if constexpr (requires { place->close_amid_handing(); }) {
                if (place->is_handing()) return place->close_amid_handing();
            }
            delete place;
        }
    };

    std::unique_ptr<Place, leaver> place_;
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
