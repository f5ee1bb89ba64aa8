// extent_test.cpp: very large and very small queues, positions at the edges of 32 and 64 bits, and a full file system.
#include "process/scene.hpp"
#include "rig/container.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include "noria/layout/geometry.hpp"
#include "noria/layout/ring_words.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <string>

using namespace scene;

namespace {

// Makes a quiet, drained queue's file stand at that position, as if so much had gone through it.
void move_to(const std::filesystem::path& path, std::uint64_t position, std::uint64_t messages) {
    namespace layout = noria::layout;
    const std::uint64_t words = layout::place(noria::inspect(path).shape).words_offset;
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    const auto put = [&](std::size_t offset, std::uint64_t value) {
        const auto where = static_cast<off_t>(words + offset);
        insist(pwrite(file, &value, sizeof value, where) == sizeof value, "the word is overwritten");
    };
    const auto producer = offsetof(layout::queue_words, producer);
    const auto consumer = offsetof(layout::queue_words, consumer);
    put(producer + offsetof(layout::producer_line, tail), position);
    put(producer + offsetof(layout::producer_line, messages), messages);
    put(consumer + offsetof(layout::consumer_line, head), position);
    put(consumer + offsetof(layout::consumer_line, taken), position);
    put(consumer + offsetof(layout::consumer_line, seen), position);
    put(consumer + offsetof(layout::consumer_line, messages), messages);
    close(file);
}

constexpr std::uint64_t edge_32 = std::uint64_t{1} << 32;

}  // namespace

BOOST_AUTO_TEST_SUITE(extent)

BOOST_AUTO_TEST_CASE(positions_pass_2_to_the_32_and_wrap_at_2_to_the_64) {
    // The queue starts a few messages before the edge; producer and consumer are restarted at each message, so that
    // somebody attaches at each position around the edge; a lease is lost there too.
    for (const std::uint64_t capacity : {1U, 4U}) {
        for (const std::uint64_t edge : {edge_32, std::uint64_t{0}, std::uint64_t{1} << 63}) {
            BOOST_TEST_CONTEXT("capacity " << capacity << ", edge " << edge) {
                const rig::workspace place;
                const auto path = place / "queue";
                { const numbers::consumer creator{path, {.capacity = capacity}}; }
                const std::uint64_t begin = edge - 6;
                move_to(path, begin, 0);
                for (std::uint64_t n = begin; n != edge + 6; ++n) {
                    rig::child victim([&] {
                        numbers::producer out{path};
                        for (std::uint64_t m = 0; m < capacity; ++m) insist(out.try_push(number(m)), "there is room");
                        insist(!out.try_push(number(9)) && out.why() == noria::outcome::full, "then it is full");
                        numbers::consumer in{path};
                        insist(in.size() == capacity, "the size is the capacity");
                        receive(in, 0, capacity - 1);
                        const auto lease = in.take();
                        insist(lease && lease.deliveries() == 1, "the last is taken");
                        ::kill(getpid(), SIGKILL);
                        return 1;
                    });
                    BOOST_REQUIRE(victim.wait() == killed);
                    numbers::consumer in{path};
                    const auto again = in.pop_for(patience);
                    BOOST_REQUIRE(again);
                    BOOST_REQUIRE(again->number == capacity - 1);
                    BOOST_REQUIRE(again.deliveries() > 1U);
                    hear_end(in, noria::end::abandoned);
                    numbers::producer out{path};
                    send(out, 0, capacity);
                    receive(in, 0, capacity);
                    BOOST_REQUIRE(in.counters().sent == begin + (n - begin + 1) * 2 * capacity);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(positions_of_bytes_pass_2_to_the_32_and_wrap_at_2_to_the_64) {
    for (const std::uint64_t edge : {edge_32, std::uint64_t{0}, std::uint64_t{1} << 63}) {
        for (const std::uint64_t messages : {std::uint64_t{7}, edge_32 - 20}) {  // the record's sequence wraps, too
            BOOST_TEST_CONTEXT("edge " << edge << ", message " << messages) {
                const rig::workspace place;
                const auto path = place / "queue";
                { const texts::consumer creator{path, {.capacity_bytes = 128, .message_bytes_max = 60}}; }
                move_to(path, edge - 256, messages);
                for (std::size_t n = 0; n < 30; ++n) {
                    const std::string text(n * 7 % 61, static_cast<char>('a' + n % 26));
                    rig::child producer([&] {
                        texts::producer out{path};
                        insist(out.push_for(noria::bytes(text), patience), "there is room");
                        const auto claim = out.claim_for(std::size_t{20}, patience);
                        ::kill(getpid(), SIGKILL);
                        return 1;
                    });
                    texts::consumer in{path, {.waiting = {.slice = 2ms}}};  // it is to see many deaths
                    const auto got = in.pop_for(patience);
                    BOOST_REQUIRE_MESSAGE(got, "message " << n << ": " << in.why());
                    BOOST_REQUIRE(got->text() == text);
                    BOOST_REQUIRE(got.deliveries() == 1U);
                    BOOST_REQUIRE(producer.wait() == killed);
                    hear_end(in, noria::end::abandoned);
                    BOOST_REQUIRE(in.counters().sent == messages + n + 1);
                    BOOST_REQUIRE(in.counters().received == messages + n + 1);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(queue_of_five_gibibytes_works_to_its_last_slot) {
    // On a disk, where the space is reserved and not written. Each message is marked at its first and last byte, so
    // that a few pages of each are touched; all 1,024 fit and no more, in two turns of the ring, received by another
    // process.
    struct block {
        std::uint64_t first;
        std::byte filling[(5 << 20) - 2 * sizeof(std::uint64_t)];
        std::uint64_t last;
    };
    using blocks = noria::spsc<block>;
    const rig::workspace place("/var/tmp");
    const auto path = place / "queue";
    const noria::options wishes{.capacity = 1024, .prefault = false, .await_successor = true};
    const auto space = std::filesystem::space(place.path()).available;
    if (const auto need = blocks::required_bytes(wishes); space < need + (std::uint64_t{1} << 30)) {
        return rig::skip(
            fmt::format("{} bytes are free in /var/tmp, the queue and its neighbours need {} and 1 GiB", space, need));
    }
    blocks::producer out{path, wishes};
    BOOST_TEST(std::filesystem::file_size(path) >= std::uint64_t{5} << 30);
    for (std::uint64_t turn = 0; turn < 2; ++turn) {
        for (std::uint64_t n = 0; n < 1024; ++n) {
            auto slot = out.try_claim();
            BOOST_REQUIRE(slot);
            slot->first = turn * 1024 + n;
            slot->last = ~slot->first;
            slot.commit();
        }
        BOOST_REQUIRE(!out.try_claim());
        BOOST_REQUIRE(out.why() == noria::outcome::full);
        rig::child consumer([&] {
            blocks::consumer in{path, {.prefault = false}};
            for (std::uint64_t n = 0; n < 1024; ++n) {
                const auto got = in.try_take();
                insist(got && got->first == turn * 1024 + n && got->last == ~got->first, "the block is right");
            }
            insist(!in.try_take() && in.why() == noria::outcome::empty, "there are no more");
            return 0;
        });
        BOOST_REQUIRE(consumer.wait() == well);
    }
}

BOOST_AUTO_TEST_CASE(queue_of_one_message_works_between_processes) {
    const rig::workspace place;
    const auto path = place / "queue";
    numbers::consumer in{path, {.capacity = 1}};
    rig::child producer([&] {
        numbers::producer out{path, {.capacity = 1}};
        send(out, 0, 500);
        return 0;
    });
    receive(in, 0, 500);
    hear_end(in, noria::end::finished);
    BOOST_TEST(producer.wait() == well);
    BOOST_TEST(in.counters().high_water == 1U);
}

BOOST_AUTO_TEST_CASE(messages_of_no_bytes_are_messages) {
    const rig::workspace place;
    const auto path = place / "queue";
    texts::consumer in{path, {.capacity_bytes = 64, .message_bytes_max = 48}};
    rig::child producer([&] {
        texts::producer out{path};
        for (std::size_t n = 0; n < 300; ++n) {
            const std::string text(n % 3 == 0 ? 48 : 0, 'x');
            insist(out.push_for(noria::bytes(text), patience), "there is room");
        }
        insist(!out.try_push(noria::bytes(std::string(49, 'x'))), "a byte more is too much");
        insist(out.why() == noria::outcome::too_large, "and it says so");
        return 0;
    });
    for (std::size_t n = 0; n < 300; ++n) {
        const auto got = in.pop_for(patience);
        BOOST_REQUIRE(got);
        BOOST_REQUIRE(got->size() == (n % 3 == 0 ? 48U : 0U));
    }
    hear_end(in, noria::end::finished);
    BOOST_TEST(producer.wait() == well);
    BOOST_TEST(in.counters().received == 300U);
}

BOOST_AUTO_TEST_CASE(queue_goes_on_when_a_stranger_fills_the_file_system) {
    // A small tmpfs of the test's own; when the queue stands and nobody has touched its pages, a stranger takes every
    // free byte. Then each slot is used several times over. Were a page missing, this would end by SIGBUS.
    if (const auto objection = rig::objection_to_namespaces(CLONE_NEWNS); !objection.empty())
        return rig::skip(objection);
    const rig::workspace place;
    rig::child process([&] {
        insist(rig::enter_namespaces(CLONE_NEWNS).empty(), "there is a namespace");
        insist(mount("none", place.path().c_str(), "tmpfs", 0, "size=2m") == 0, "there is a small tmpfs");
        const auto path = place / "queue";
        const noria::options wishes{.capacity = 4096, .prefault = false};
        { const numbers::producer creator{path, wishes}; }
        const int stranger = open((place / "stranger").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        static const char filling[4096] = {1};
        while (write(stranger, filling, sizeof filling) > 0) {
        }
        insist(std::filesystem::space(place.path()).available == 0, "the file system is full");
        numbers::producer out{path, wishes};
        numbers::consumer in{path, {.prefault = false}};
        for (std::uint64_t turn = 0; turn < 3; ++turn) {
            send(out, turn * 4096, turn * 4096 + 4096);
            insist(!out.try_push(number(0)), "it holds its capacity, and no more");
            receive(in, turn * 4096, turn * 4096 + 4096);
        }
        std::error_code code;
        (void)numbers::producer::create(place / "another", {.capacity = 4096}, code);
        insist(code == noria::errc::no_space, "another queue has no room");
        return 0;
    });
    BOOST_TEST(process.wait() == well);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
