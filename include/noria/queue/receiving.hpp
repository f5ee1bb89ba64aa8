// receiving.hpp: a consumer at its place in the file: an endpoint with a reader.
#pragma once

#include "noria/core/cache_line.hpp"
#include "noria/queue/endpoint.hpp"
#include "noria/queue/handle.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace noria::inline v1::queue {

template <class Reader>
class alignas(line_separation_bytes) receiving final : public endpoint {
public:
    ~receiving() override {
        assert(((!in_place() && leases_ == 0) || !usable()) && "noria: a lease must not outlive its consumer");
        put_back_what_is_held();
        detach(in_place() || leases_ != 0);
    }

    Reader ring;

    // The first message, found on the slow path; null: why() says why.
    [[nodiscard]] const std::byte* await_message(limit how_long) noexcept {
        if constexpr (Reader::contended) {
            const limit until = how_long.fixed();
            for (unsigned races = 0; wait(until);) {
                if (const std::byte* const message = ring.take(); message != nullptr) return message;
                if (ring.left_too_long()) return nullptr;
                if (!may_race_on(until, races)) break;
            }
            return nullptr;
        } else {
            return wait(how_long) ? take_seen() : nullptr;
        }
    }
    // The same for the further messages of a batch: at once, and telling of no end.
    [[nodiscard]] const std::byte* next_message() noexcept {
        if (blocked() == 0) {
            if (const std::byte* const message = ring.take(); message != nullptr) return message;
        }
        if constexpr (Reader::contended) {
            for (unsigned races = 0; races < races_at_most && glance(); ++races) {
                if (const std::byte* const message = ring.take(); message != nullptr) return message;
            }
            return nullptr;
        } else {
            return glance() ? take_seen() : nullptr;
        }
    }
    [[nodiscard]] unsigned deliveries() const noexcept {
        if constexpr (Reader::contended)
            return ring.deliveries();
        else
            return ring.seen_before() ? 2 : 1;
    }

    // A message that was taken and held is shown to the caller, and is the caller's until end_showing().
    void begin_showing() noexcept {
        if constexpr (Reader::many_leases)
            leases_ += lease;
        else
            begin_in_place();
    }
    void end_showing() noexcept {
        if constexpr (Reader::many_leases)
            leases_ -= lease;
        else
            end_in_place();
    }
    // The same while messages are shown to a function of the caller's, one after the other.
    void begin_handing() noexcept {
        if constexpr (Reader::many_leases)
            leases_ += lease + 1;
        else
            begin_handing_in_place();
    }
    void end_handing() noexcept {
        if constexpr (Reader::many_leases)
            leases_ -= lease + 1;
        else
            end_handing_in_place();
    }
    [[nodiscard]] bool is_handing() const noexcept {
        if constexpr (Reader::many_leases) return leases_ % lease != 0;
        return is_handing_in_place();
    }

    // That function has closed its consumer: the endpoint leaves at once, and the message in hand stays for the next consumer.
    // The place itself goes with the last verb that is under way in it.
    [[gnu::noinline]] void close_amid_handing() noexcept {
        assert(leases_ / lease == leases_ % lease && "noria: a lease must not outlive its consumer");
        put_back_what_is_held();
        is_left_ = true;
        detach(in_place() || leases_ != 0);
    }
    // Of a verb whose endpoint can no longer be used. If the function has closed it, the place is gone with the last such verb.
    [[gnu::noinline]] void end_handing_unusable() noexcept {
        if constexpr (Reader::many_leases)
            --leases_;
        else
            no_longer_handing_in_place();  // what was in hand stays so
        if (is_left_ && !is_handing()) delete this;
    }

    // False: the file was truncated, and so may be what was read of the message; or somebody has scribbled on its word.
    bool release(const std::byte* message) noexcept {
        if (!let_go(message)) [[unlikely]]
            return false;
        went(outcome::ok);
        return true;
    }
    // The same, and why() is as it was.
    bool let_go(const std::byte* message) noexcept {
        if constexpr (Reader::contended) {
            if (!ring.release(message)) [[unlikely]] {
                found_corrupt();
                return false;
            }
        } else {
            ring.release();
        }
        return bell();
    }
    // The same of the message that was taken last, if nothing was done since.
    bool let_go_of_taken(const std::byte* message) noexcept {
        if constexpr (requires { ring.release_taken(); }) {
            ring.release_taken();
            return bell();
        } else {
            return let_go(message);
        }
    }

    // Keeps the message in the ring: it was delivered, and its next delivery says so.
    void put_back(const std::byte* message) noexcept {
        if constexpr (Reader::contended) {
            if (!ring.put_back(message, true)) return found_corrupt();
            (void)bell_all();
        } else {
            ring.put_back();
        }
    }

protected:
    ring::sight look() noexcept override { return ring.look(); }
    bool take_over(queue_file& file) noexcept override {
        if constexpr (has_mutex<Reader>)
            return ring.attach(file, spin());
        else
            return ring.attach(file.view());
    }
    [[nodiscard]] std::uint64_t position() const noexcept override { return ring.position(); }
    [[nodiscard]] std::uint64_t messages() const noexcept override { return ring.messages(); }
    [[nodiscard]] std::uint64_t obstacle() const noexcept override {
        if constexpr (Reader::contended) return ring.obstacle();
        return 0;
    }
    [[nodiscard]] bool stalled() const noexcept override {
        if constexpr (Reader::contended) return ring.stalled();
        return false;
    }
    [[nodiscard]] ring::sight drained(std::uint64_t& holder) noexcept override {
        if constexpr (Reader::contended) return ring.drained(holder);
        return ring::sight::ready;
    }

    [[nodiscard]] std::uint64_t parked_by(std::uint64_t place) const noexcept override {
        if constexpr (requires { ring.parked_by(place); }) return ring.parked_by(place);
        return 0;
    }

private:
    static constexpr std::size_t lease =
        256;  // below it: how many verbs hand out to a function, each within the one before

    std::size_t leases_ = 0;  // where there may be many
    bool is_left_ = false;    // by close_amid_handing()

    void put_back_what_is_held() noexcept {
        if (!still_holds_locks()) return;  // the words may be an heir's
        if constexpr (Reader::contended) {
            if ((leases_ != 0 || in_place()) && usable() && !ring.put_all_back()) found_corrupt();
        } else {
            if (in_place() && usable()) ring.put_back();
        }
    }

    // The message that look() has just seen. It stays until we release it: if its word is gone, somebody scribbled on it.
    [[nodiscard]] const std::byte* take_seen() noexcept {
        const std::byte* const message = ring.take();
        if (message == nullptr) [[unlikely]]
            found_corrupt(false);
        return message;
    }
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
