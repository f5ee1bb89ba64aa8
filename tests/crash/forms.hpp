// forms.hpp: the queues under the crash tests, and messages that know their number and whether they are whole.
//
// To put another queue to the test, write another form here and name it in the table of verbs.hpp.
#pragma once

#include "noria/inspect.hpp"
#include "noria/mpmc.hpp"
#include "noria/ring/fixed_ring.hpp"
#include "noria/ring/mutex_ring.hpp"
#include "noria/ring/record_ring.hpp"
#include "noria/ring/slot_ring.hpp"
#include "noria/spsc.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace noria::crash {

constexpr std::uint64_t torn = ~std::uint64_t{0};  // the number of what is not a whole message

// Messages of one type, three of which share a slot; the ring holds four, in two slots.
struct fixed_form {
    static constexpr bool of_slots = false;
    static constexpr bool parks = false;
    static constexpr bool held_by_word = false;  // a message is its reader's from the moment on that it is taken
    static constexpr bool is_brief = false;      // a quick look is content with a few of its rows
    struct message {
        std::uint64_t number;
        std::uint64_t complement;
    };
    using queue = spsc<message>;
    static constexpr const char* name = "spsc<T>";
    static constexpr std::uint64_t many = 8;  // messages, twice what the ring holds
    static options making() { return {.capacity = 4}; }

    static message make(std::uint64_t n) noexcept { return {n, ~n}; }
    static std::uint64_t number_of(const message& it) noexcept {
        return it.complement == ~it.number ? it.number : torn;
    }
    static std::array<message, 3> make_three(std::uint64_t n) noexcept { return {make(n), make(n + 1), make(n + 2)}; }

    static auto claim(queue::producer& out, std::uint64_t /*n*/) noexcept { return out.claim(); }
    static void write(queue::producer::claim_type& room, std::uint64_t n) noexcept { *room = make(n); }

    // Whether the next message goes to the last room of the ring.
    static bool wraps(const snapshot& now, std::uint64_t /*next*/) noexcept { return now.tail % 6 == 5; }
    static bool pads(const snapshot& /*now*/, std::uint64_t /*next*/) noexcept { return false; }
    static constexpr bool has_padding = false;
    static const char* check(const ring::ring_view& view) noexcept { return ring::check_fixed(view); }
};

// The same, where each has a slot of its own.
struct wide_form : fixed_form {
    static constexpr bool is_brief = true;  // a simpler case of the other, and copied by more instructions
    struct message {
        std::uint64_t number;
        std::uint64_t filling[3];
        std::uint64_t complement;
    };
    using queue = spsc<message>;
    static constexpr const char* name = "spsc<T>, wide";

    static message make(std::uint64_t n) noexcept { return {n, {n + 1, n + 2, n + 3}, ~n}; }
    static std::uint64_t number_of(const message& it) noexcept {
        const message right = make(it.number);
        return std::memcmp(&it, &right, sizeof it) == 0 ? it.number : torn;
    }
    static std::array<message, 3> make_three(std::uint64_t n) noexcept { return {make(n), make(n + 1), make(n + 2)}; }

    static auto claim(queue::producer& out, std::uint64_t /*n*/) noexcept { return out.claim(); }
    static void write(queue::producer::claim_type& room, std::uint64_t n) noexcept { *room = make(n); }

    static bool wraps(const snapshot& now, std::uint64_t /*next*/) noexcept { return now.tail % 4 == 3; }
};

// The same in a queue for many; the ring holds four.
struct slots_form : wide_form {
    static constexpr bool is_brief = false;
    static constexpr bool of_slots = true;
    static constexpr bool held_by_word = true;
    using queue = mpmc<message>;
    static constexpr const char* name = "mpmc<T>";
    static options making() { return {.capacity = 4, .endpoints = 4}; }

    static auto claim(queue::producer& out, std::uint64_t /*n*/) noexcept { return out.claim(); }
    static void write(queue::producer::claim_type& room, std::uint64_t n) noexcept { *room = make(n); }
    static const char* check(const ring::ring_view& view) noexcept { return ring::check_slots(view); }
};

// The same, where the first death of a holder parks the message.
struct parking_form : slots_form {
    static constexpr bool parks = true;
    static constexpr const char* name = "mpmc<T>, parking";
    static options making() { return {.capacity = 4, .endpoints = 4, .deliveries_max = 1, .parking = 2}; }
};

// Messages of 8 to 40 bytes; the ring has 256.
struct bytes_form {
    static constexpr bool of_slots = false;
    static constexpr bool parks = false;
    static constexpr bool held_by_word = false;
    static constexpr bool is_brief = false;
    using queue = spsc<bytes>;
    static constexpr const char* name = "spsc<bytes>";
    static constexpr std::uint64_t many =
        24;  // messages of 32 bytes with their headers: above twice what the ring holds
    static options making() { return {.capacity_bytes = 256, .message_bytes_max = 40}; }

    static constexpr std::size_t size_of(std::uint64_t n) noexcept { return 8 + n * 13 % 33; }
    static bytes make_in(std::span<std::byte, 40> room, std::uint64_t n) noexcept {
        std::memcpy(room.data(), &n, sizeof n);
        for (std::size_t i = sizeof n; i < size_of(n); ++i) room[i] = static_cast<std::byte>(n + i);
        return {room.data(), size_of(n)};
    }
    static bytes make(std::uint64_t n) noexcept {
        static std::array<std::byte, 40> room;
        return make_in(room, n);
    }
    static std::uint64_t number_of(bytes it) noexcept {
        std::uint64_t n = 0;
        if (it.size() < sizeof n) return torn;
        std::memcpy(&n, it.data(), sizeof n);
        std::array<std::byte, 40> room;
        const bytes right = make_in(room, n);
        return it.size() == right.size() && std::memcmp(it.data(), right.data(), it.size()) == 0 ? n : torn;
    }
    static std::array<bytes, 3> make_three(std::uint64_t n) noexcept {
        static std::array<std::array<std::byte, 40>, 3> rooms;
        return {make_in(rooms[0], n), make_in(rooms[1], n + 1), make_in(rooms[2], n + 2)};
    }

    static auto claim(queue::producer& out, std::uint64_t n) noexcept { return out.claim(size_of(n)); }
    static void write(queue::producer::claim_type& room, std::uint64_t n) noexcept {
        const bytes all = make(n);
        std::memcpy(room.data(), all.data(), all.size());
    }

    // Whether the next record ends where the ring does; whether it does not fit before its end.
    static std::uint64_t left(const snapshot& now) noexcept {
        return now.shape.capacity - now.tail % now.shape.capacity;
    }
    static bool wraps(const snapshot& now, std::uint64_t next) noexcept {
        return left(now) == layout::record_bytes(size_of(next));
    }
    static bool pads(const snapshot& now, std::uint64_t next) noexcept {
        return left(now) < layout::record_bytes(size_of(next));
    }
    static constexpr bool has_padding = true;
    static const char* check(const ring::ring_view& view) noexcept { return ring::check_records(view); }
};

// The same under a mutex, for many.
struct mutex_form : bytes_form {
    static constexpr bool is_brief = true;  // roster and waiting are those of the others
    static constexpr bool held_by_word = true;
    using queue = mpmc<bytes, coordination::robust_mutex>;
    static constexpr const char* name = "mutex";
    static options making() { return {.capacity_bytes = 256, .message_bytes_max = 40, .endpoints = 4}; }

    static auto claim(queue::producer& out, std::uint64_t n) noexcept { return out.claim(size_of(n)); }
    static void write(queue::producer::claim_type& room, std::uint64_t n) noexcept {
        const bytes all = make(n);
        std::memcpy(room.data(), all.data(), all.size());
    }
    static const char* check(const ring::ring_view& view) noexcept {
        ring::mutex_ring ring;
        return ring.attach(view) ? ring.complaint() : "the ring's page contradicts itself";
    }
};

// Messages of one type under a mutex, for many; the ring holds four: what one pop frees is enough for one push.
struct mutex_types_form : wide_form {
    static constexpr bool is_brief = false;
    static constexpr bool held_by_word = true;
    using queue = mpmc<message, coordination::robust_mutex>;
    static constexpr const char* name = "mutex<T>";
    static options making() { return {.capacity = 4, .endpoints = 4}; }

    static auto claim(queue::producer& out, std::uint64_t /*n*/) noexcept { return out.claim(); }
    static void write(queue::producer::claim_type& room, std::uint64_t n) noexcept { *room = make(n); }
    static const char* check(const ring::ring_view& view) noexcept { return mutex_form::check(view); }
};

// The same in slots, for many; the ring holds four.
struct slots_of_bytes_form : bytes_form {
    static constexpr bool is_brief = true;  // a message's length and its copying alone differ from mpmc<T>
    static constexpr bool of_slots = true;
    static constexpr bool held_by_word = true;
    using queue = mpmc<bytes>;
    static constexpr const char* name = "mpmc<bytes>";
    static constexpr std::uint64_t many = 8;
    static options making() { return {.capacity = 4, .message_bytes_max = 40, .endpoints = 4}; }

    static auto claim(queue::producer& out, std::uint64_t n) noexcept { return out.claim(size_of(n)); }
    static void write(queue::producer::claim_type& room, std::uint64_t n) noexcept {
        const bytes all = make(n);
        std::memcpy(room.data(), all.data(), std::min(room.size(), all.size()));
    }
    static bool wraps(const snapshot& now, std::uint64_t next) noexcept { return wide_form::wraps(now, next); }
    static bool pads(const snapshot& /*now*/, std::uint64_t /*next*/) noexcept { return false; }
    static constexpr bool has_padding = false;
    static const char* check(const ring::ring_view& view) noexcept { return ring::check_slots(view); }
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
