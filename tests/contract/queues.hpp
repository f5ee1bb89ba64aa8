// queues.hpp: what the laws are about: each queue under test, whatever its ring and its face, is one line in `queues`.
//
// A queue under test says how to make one in which a known number of messages fits, what message number n looks like, and
// how to claim room for it. The messages are numbered, and every byte of a message follows from its number, so a torn, a
// lost, a doubled or a misplaced one is seen at once.
#pragma once

#include "noria/noria.hpp"
#include "rig/workspace.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

namespace noria::inline v1 {

// So that a failed check prints words.
inline std::ostream& operator<<(std::ostream& out, outcome value) { return out << name(value); }
inline std::ostream& operator<<(std::ostream& out, end value) { return out << name(value); }
inline std::ostream& operator<<(std::ostream& out, errc value) { return out << make_error_code(value).message(); }

}  // namespace noria::inline v1

namespace noria::contract {

constexpr std::uint64_t torn = ~std::uint64_t{0};

// Byte `at` of message `number`: up to eight bytes of the number itself, then bytes that follow from it.
constexpr std::byte byte_of(std::uint64_t number, std::size_t at) {
    if (at < 8) return static_cast<std::byte>(number >> (8 * at));
    return static_cast<std::byte>(number * 167 + at * 31 + (number >> 8));
}

inline void write_number(std::span<std::byte> room, std::uint64_t number) {
    for (std::size_t at = 0; at < room.size(); ++at) room[at] = byte_of(number, at);
}

// The number that a message bears, `torn` if its bytes do not belong together.
inline std::uint64_t read_number(std::span<const std::byte> message) {
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < message.size() && at < 8; ++at) {
        number |= std::to_integer<std::uint64_t>(message[at]) << (8 * at);
    }
    for (std::size_t at = 8; at < message.size(); ++at) {
        if (message[at] != byte_of(number, at)) return torn;
    }
    return number;
}

template <std::size_t Size, std::size_t Align>
struct alignas(Align) block {
    std::array<std::byte, Size> content;
};

// Whether a role has one holder at a time, and an endpoint one claim and one lease.
template <class Queue>
struct is_spsc : std::false_type {};
template <class T, coordination How>
struct is_spsc<spsc<T, How>> : std::true_type {};
template <class Q>
constexpr bool roles_are_single = is_spsc<typename Q::queue>::value;
template <class Q>
constexpr bool one_in_hand = is_spsc<typename Q::queue>::value;

// A queue of one type.
template <class Queue>
struct typed {
    using queue = Queue;
    using producer = typename Queue::producer;
    using consumer = typename Queue::consumer;
    using message = typename Queue::message;
    using sample = message;
    static constexpr bool of_bytes = false;
    static constexpr bool under_mutex = Queue::is_robust;
    static constexpr std::uint64_t positions_of_one = 1;
    // Messages bear their number modulo this.
    static constexpr std::uint64_t numbers =
        sizeof(message) < 8 ? std::uint64_t{1} << (8 * sizeof(message)) : std::uint64_t{1} << 63;

    static options sized(std::uint64_t least, options wishes = {}) {
        wishes.capacity = std::bit_ceil(least);
        return wishes;
    }
    // How many messages fit into a queue made for so many.
    static constexpr std::uint64_t fits(std::uint64_t least) { return std::bit_ceil(least); }
    // Of the high-water mark, in messages: an eighth of the capacity, or one. Many producers note it now and then.
    static constexpr std::uint64_t high_water_error(std::uint64_t least) {
        if (!is_spsc<Queue>::value) return fits(least);
        return fits(least) < 8 ? 1 : fits(least) / 8;
    }
    static std::uint64_t stated_capacity(std::uint64_t least) { return std::bit_ceil(least); }

    static sample make(std::uint64_t number) {
        sample made;
        write_number(std::as_writable_bytes(std::span(&made, 1)), number);
        return made;
    }
    static const message& view(const sample& from) { return from; }
    static std::uint64_t number(const message& from) { return read_number(std::as_bytes(std::span(&from, 1))); }

    static auto claim(producer& out) { return out.claim(); }
    static auto try_claim(producer& out) { return out.try_claim(); }
    template <class Time>
    static auto claim_for(producer& out, Time time) {
        return out.claim_for(time);
    }
    static auto claim_until(producer& out, std::chrono::steady_clock::time_point when) { return out.claim_until(when); }
    template <class Claim>
    static void write(Claim& into, std::uint64_t number) {
        write_number(std::as_writable_bytes(std::span(&*into, 1)), number);
    }
};

// A queue of bytes; its laws are tried with messages of one size, the laws of many sizes are in bytes_test.cpp.
template <class Queue>
struct untyped {
    using queue = Queue;
    using producer = typename Queue::producer;
    using consumer = typename Queue::consumer;
    using message = bytes;
    using sample = std::array<std::byte, 24>;
    static constexpr bool of_bytes = true;
    static constexpr std::uint64_t numbers = std::uint64_t{1} << 63;
    static constexpr bool under_mutex = Queue::is_robust;
    // A record's header has 8 bytes, and so many stay free, unless under a mutex (ring/record_ring.hpp, R1).
    static constexpr std::uint64_t record_bytes = sizeof(sample) + 8;
    static constexpr std::uint64_t positions_of_one = record_bytes;

    static options sized(std::uint64_t least, options wishes = {}) {
        wishes.capacity_bytes = stated_capacity(least);
        wishes.message_bytes_max = sizeof(sample);
        return wishes;
    }
    static constexpr std::uint64_t fits(std::uint64_t least) {
        return stated_capacity(least) / record_bytes - (under_mutex ? 0 : 1);
    }
    static constexpr std::uint64_t high_water_error(std::uint64_t least) {
        return fits(least) < 8 ? 1 : stated_capacity(least) / 8 / record_bytes;
    }
    static constexpr std::uint64_t stated_capacity(std::uint64_t least) {
        return std::bit_ceil(under_mutex && least > 1 ? least : least + 1) * record_bytes;
    }

    static sample make(std::uint64_t number) {
        sample made;
        write_number(made, number);
        return made;
    }
    static bytes view(const sample& from) { return bytes(std::span<const std::byte>(from)); }
    static std::uint64_t number(bytes from) { return from.size() == sizeof(sample) ? read_number(from.span()) : torn; }

    static auto claim(producer& out) { return out.claim(sizeof(sample)); }
    static auto try_claim(producer& out) { return out.try_claim(sizeof(sample)); }
    template <class Time>
    static auto claim_for(producer& out, Time time) {
        return out.claim_for(sizeof(sample), time);
    }
    static auto claim_until(producer& out, std::chrono::steady_clock::time_point when) {
        return out.claim_until(sizeof(sample), when);
    }
    template <class Claim>
    static void write(Claim& into, std::uint64_t number) {
        write_number(*into, number);
    }
};

// A queue of bytes in slots of one size.
template <class Queue>
struct untyped_slots : untyped<Queue> {
    static constexpr std::uint64_t positions_of_one = 1;
    static options sized(std::uint64_t least, options wishes = {}) {
        wishes.capacity = std::bit_ceil(least);
        wishes.message_bytes_max = sizeof(typename untyped<Queue>::sample);
        return wishes;
    }
    static constexpr std::uint64_t fits(std::uint64_t least) { return std::bit_ceil(least); }
    static constexpr std::uint64_t high_water_error(std::uint64_t least) { return fits(least); }
    static constexpr std::uint64_t stated_capacity(std::uint64_t least) { return std::bit_ceil(least); }
};

// The queues under test. A further ring, coordination or face is one line more. Instrumented code takes long to build, and
// differs by ring, and not by the size of messages. The ring under a mutex is one for all: two queues show all of it.
// Where the mutex is what one gets unasked, these are the two that are not under it elsewhere.
// NORIA_ONE_SIZE_OF_EACH is for laws to which the size of a message is nothing: how streams end, who may open what.
#ifdef NORIA_ROBUST_MUTEX
using queues = std::tuple<typed<mpmc<block<8, 8>>>, untyped<spsc<bytes>>>;
#elif defined(NORIA_SANITIZED)
using queues = std::tuple<typed<spsc<block<8, 8>>>, untyped<spsc<bytes>>, typed<mpmc<block<8, 8>>>,
                          untyped<mpmc<bytes, coordination::robust_mutex>>>;
#elif defined(NORIA_ONE_SIZE_OF_EACH)
using queues =
    std::tuple<typed<spsc<block<8, 8>>>, untyped<spsc<bytes>>, typed<mpmc<block<8, 8>>>,
               untyped_slots<mpmc<bytes, coordination::lock_free>>,
               typed<spsc<block<8, 8>, coordination::robust_mutex>>, untyped<mpmc<bytes, coordination::robust_mutex>>>;
#else
using queues =
    std::tuple<typed<spsc<block<8, 8>>>, typed<spsc<block<64, 8>>>, typed<spsc<block<3, 1>>>, typed<spsc<block<20, 4>>>,
               typed<spsc<block<4096, 64>>>, untyped<spsc<bytes>>, typed<mpmc<block<8, 8>>>,
               untyped_slots<mpmc<bytes, coordination::lock_free>>,
               typed<spsc<block<8, 8>, coordination::robust_mutex>>, untyped<mpmc<bytes, coordination::robust_mutex>>>;
#endif

// A queue of a test's own, in a directory of its own, with both endpoints in this process.
template <class Q>
struct pair_of {
    explicit pair_of(std::uint64_t least, const options& wishes = {})
        : size(least), out(file(), Q::sized(least, wishes)), in(file(), wishes) {}

    [[nodiscard]] std::filesystem::path file() const { return place / "queue"; }

    // Pushes the messages of these numbers without waiting; true: all of them.
    bool push(std::uint64_t first, std::uint64_t count) {
        for (std::uint64_t number = first; number != first + count; ++number) {
            if (!out.try_push(Q::view(Q::make(number)))) return false;
        }
        return true;
    }
    // Pops without waiting; true: these numbers, in order.
    bool pop(std::uint64_t first, std::uint64_t count) {
        for (std::uint64_t number = first; number != first + count; ++number) {
            const auto got = in.try_pop();
            if (!got || Q::number(*got) != number % Q::numbers) return false;
        }
        return true;
    }
    bool fill() { return push(0, fits()); }
    [[nodiscard]] std::uint64_t fits() const { return Q::fits(size); }

    rig::workspace place;
    std::uint64_t size;
    typename Q::producer out;
    typename Q::consumer in;
};

// Pushes the messages of these numbers through an endpoint that stands alone.
template <class Q>
bool push_numbers(typename Q::producer& out, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t number = first; number != first + count; ++number) {
        if (!out.try_push(Q::view(Q::make(number)))) return false;
    }
    return true;
}

// The number of the message that came, `torn` if none did.
template <class Q, class Received>
std::uint64_t number_of(const Received& received) {
    return received ? Q::number(*received) : torn;
}

}  // namespace noria::contract

// SPDX-License-Identifier: BSL-1.0
