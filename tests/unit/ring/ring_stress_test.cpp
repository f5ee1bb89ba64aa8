// ring_stress_test.cpp: two threads on one ring, as fast as they can; every message is whole and in its place.
//
// Goal: the orders [S1] to [S8] suffice. Method: a writer and a reader over one address, where the thread sanitizer
// sees each access; each message is told by its number alone, so that a torn, lost, doubled or displaced one differs.
#include "heap_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <thread>

using noria::ring::sight;
using namespace noria::unit;

namespace {

constexpr std::uint64_t message_words_max = 16;

std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 31)) * 0x7fb5d329728ea185;
    return value ^ (value >> 27);
}

// The n-th message: its size, if sizes may differ, and all its words follow from n.
struct numbered {
    std::array<std::uint64_t, message_words_max> words{};
    std::uint64_t bytes = 0;

    numbered(std::uint64_t n, std::uint64_t bytes_max, bool any_size) noexcept
        : bytes(any_size ? mix(n) % (bytes_max + 1) : bytes_max) {
        for (std::uint64_t i = 0; i < message_words_max; ++i) words[i] = mix(n * message_words_max + i + 1);
    }
};

template <class Pair>
void exchange(const noria::layout::shape& shape, std::uint64_t bytes_max, std::uint64_t messages,
              std::uint64_t position) {
    const bool any_size = shape.form == noria::layout::message_form::bytes;
    Pair ring(shape, position, position);
    bool writer_failed = false;
    std::thread writer([&] {
        for (std::uint64_t n = 0; n < messages; ++n) {
            const numbered message(n, bytes_max, any_size);
            sight found = push(ring.writer, message.words.data(), message.bytes);
            while (found == sight::nothing) {
                std::this_thread::yield();
                found = push(ring.writer, message.words.data(), message.bytes);
            }
            if (found != sight::ready) {
                writer_failed = true;
                return;
            }
        }
    });
    std::uint64_t wrong = 0;
    std::uint64_t received = 0;
    while (received < messages && wrong == 0) {
        sight found{};
        const std::byte* const got = first_message(ring.reader, found);
        if (got == nullptr) {
            if (found == sight::corrupt) break;
            std::this_thread::yield();
            continue;
        }
        const numbered expected(received, bytes_max, any_size);
        wrong +=
            ring.reader.taken_bytes() != expected.bytes || std::memcmp(got, expected.words.data(), expected.bytes) != 0;
        ring.reader.release();
        ++received;
    }
    if (received < messages) ring.memory.consumer().head = 1;  // let a writer that waits in vain see that it is over
    writer.join();
    BOOST_TEST(wrong == 0U);
    BOOST_TEST(received == messages);
    BOOST_TEST(!writer_failed);
}

#if defined(NORIA_SANITIZED)
constexpr std::uint64_t messages = 50000;
#else
constexpr std::uint64_t messages = 500000;
#endif
// Where only a few fit, each side waits for the other at every step, which takes long on a machine that is busy.
constexpr std::uint64_t messages_step_by_step = 3000;

}  // namespace

BOOST_AUTO_TEST_SUITE(ring_stress)

BOOST_AUTO_TEST_CASE(fixed_messages_cross_between_threads_whole_and_in_order) {
    exchange<fixed_pair>(fixed_shape(128, 1), 128, messages_step_by_step, 0);
    exchange<fixed_pair>(fixed_shape(128, 2), 128, messages_step_by_step, 0);
    exchange<fixed_pair>(fixed_shape(128, 1024), 128, messages, 0);
    exchange<fixed_pair>(fixed_shape(8, 256), 8, messages, (std::uint64_t{1} << 32) - messages / 2);
    exchange<fixed_pair>(fixed_shape(8, 1), 8, messages_step_by_step, 0);
}

BOOST_AUTO_TEST_CASE(records_cross_between_threads_whole_and_in_order) {
    exchange<record_pair>(bytes_shape(64), 48, messages_step_by_step, 0);
    exchange<record_pair>(bytes_shape(256, 128), 128, messages_step_by_step, 0);
    exchange<record_pair>(bytes_shape(65536, 128), 128, messages, 0);
    exchange<record_pair>(bytes_shape(65536, 8), 8, messages, UINT64_MAX - 65535);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
