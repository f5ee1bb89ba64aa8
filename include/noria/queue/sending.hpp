// sending.hpp: a producer at its place in the file: an endpoint with a writer.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/cache_line.hpp"
#include "noria/queue/endpoint.hpp"
#include "noria/queue/handle.hpp"
#include "noria/ring/mutex_ring.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace noria::inline v1::queue {

template <class Writer>
class alignas(line_separation_bytes) sending final : public endpoint {
public:
    ~sending() override {
        assert((!in_place() || !usable()) && "noria: a claim must not outlive its producer");
        if constexpr (Writer::contended) {
            if (in_place() && usable() && still_holds_locks()) give_back_claim();
        }
        detach(in_place());
    }

    Writer ring;

    // Room for so many bytes, found on the slow path; null: why() says why.
    [[nodiscard]] std::byte* make_room(std::uint64_t bytes, limit how_long) noexcept {
        wanted_ = bytes;
        const limit until = how_long.fixed();
        if constexpr (!Writer::contended) {
            if (how_long.waits() && ring.is_close_behind()) stand_back(ring.pauses_behind());
            // Mostly there is room, and it was only not looked for: then nothing of what waiting needs.
            if (glance()) {
                if (std::byte* const room = ring.claim(bytes); room != nullptr) return room;
            }
        }
        for (unsigned races = 0; wait(until);) {
            std::byte* const room = ring.claim(bytes);
            if (!Writer::contended || room != nullptr) return room;
            if (!may_race_on(until, races)) break;
        }
        if (blocked() == 0) raise_by_one(ring.line().refused);  // `busy` did not ask for room
        return nullptr;
    }
    // The same for the further messages of a batch: at once, and telling of no end.
    [[nodiscard]] std::byte* more_room(std::uint64_t bytes) noexcept {
        wanted_ = bytes;
        for (unsigned races = 0; races < races_at_most && glance(); ++races) {
            std::byte* const room = ring.claim(bytes);
            if (!Writer::contended || room != nullptr) return room;
        }
        if (blocked() == 0) refuse_further();
        return nullptr;
    }
    void refuse_further() noexcept {
        raise_by_one(ring.line().refused);
        went(outcome::full);
    }
    // Publishes what stands in the room that was claimed last. False: the ring lies, which only one under a mutex can find here.
    [[gnu::always_inline]] bool commit(std::uint64_t bytes) noexcept {
        if constexpr (has_mutex<Writer>) {
            if (!ring.commit(bytes)) [[unlikely]] {
                found_corrupt();
                return false;
            }
        } else {
            ring.commit(bytes);
        }
        return true;
    }
    // As make_room and commit, for several messages at once.
    [[nodiscard]] std::byte* make_room_for(const ring::lengths& all,
                                           limit how_long) noexcept requires has_mutex<Writer> {
        together_ = &all;
        std::byte* room = nullptr;
        const limit until = how_long.fixed();
        while (room == nullptr && wait(until)) room = ring.claim_all(all);
        together_ = nullptr;
        if (room == nullptr && blocked() == 0) raise_by_one(ring.line().refused);
        return room;
    }
    bool commit_all(const ring::lengths& all) noexcept requires has_mutex<Writer> {
        if (ring.commit_all(all)) [[likely]]
            return announce();
        found_corrupt();
        return false;
    }
    // While a claim is open, no other verb may start: the hot path's one test sees it.
    void open_claim() noexcept {
        // For observers, to whom a contended ring's slots say it; stale is harmless.
        if constexpr (!Writer::contended) store_relaxed(ring.line().claim_open, std::uint64_t{1});
        begin_in_place();
    }
    void close_claim() noexcept {
        if constexpr (!Writer::contended) store_relaxed(ring.line().claim_open, std::uint64_t{0});
        end_in_place();
    }
    void give_back_claim() noexcept {
        if constexpr (has_mutex<Writer>) {
            if (!ring.give_back()) found_corrupt();
            (void)bell_all();
        } else if constexpr (Writer::contended) {
            ring.give_back();
            (void)bell_all();
        } else {
            raise_by_one(ring.line().given_back);
        }
        close_claim();
    }

protected:
    ring::sight look() noexcept override {
        if constexpr (has_mutex<Writer>) {
            if (together_ != nullptr) return ring.look_for(*together_);
        }
        return ring.look(wanted_);
    }
    bool take_over(queue_file& file) noexcept override {
        if constexpr (has_mutex<Writer>)
            return ring.attach(file, spin());
        else
            return ring.attach(file.view());
    }
    [[nodiscard]] std::uint64_t position() const noexcept override { return ring.position(); }
    [[nodiscard]] std::uint64_t messages() const noexcept override { return ring.messages(); }
    [[nodiscard]] std::uint64_t obstacle() const noexcept override {
        if constexpr (Writer::contended) return ring.obstacle();
        return 0;
    }
    [[nodiscard]] bool stalled() const noexcept override {
        if constexpr (Writer::contended) return ring.stalled();
        return false;
    }

private:
    // The line is ours alone to write: no read-modify-write is needed, and a stale read harms no reader of figures.
    static void raise_by_one(std::uint64_t& counter) noexcept { store_relaxed(counter, load_relaxed(counter) + 1); }

    std::uint64_t wanted_ = 0;
    const ring::lengths* together_ = nullptr;  // what is wanted, if that is several messages at once
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
