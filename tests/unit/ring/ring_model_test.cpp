// ring_model_test.cpp: both rings against a std::deque, through random verbs, deaths and successions.
#include "heap_ring.hpp"
#include "rig/seed.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <deque>
#include <random>
#include <string>

namespace layout = noria::layout;
using noria::ring::sight;
using namespace noria::unit;

namespace {

struct expected_message {
    std::string text;
    bool held_before = false;
};

// One ring and what must be in it. Each step is one verb of one side, or the death of one and its successor's coming.
template <class Writer, class Reader>
class model {
public:
    model(const layout::shape& shape, std::uint64_t position, std::uint64_t messages, std::mt19937_64& random)
        : shape_(shape), random_(random), ring_(shape, position, messages), sent_(messages), received_(messages) {
        BOOST_REQUIRE(ring_.attached);
    }

    void step() {
        switch (random_() % 12) {
            case 0: return writer_dies();
            case 1: return reader_dies();
            case 2: return claim_and_give_back();
            case 3: return take_and_put_back();
            case 4: return reader_dies_holding();
            default: return random_() % 2 == 0 ? push_one() : pop_one();
        }
    }

    void check() {
        const char* const wrong = fixed() ? check_fixed(ring_.memory.view()) : check_records(ring_.memory.view());
        BOOST_REQUIRE_MESSAGE(wrong == nullptr, wrong);
        BOOST_REQUIRE_EQUAL(ring_.writer.messages(), sent_);
        BOOST_REQUIRE_EQUAL(ring_.reader.messages(), received_);
        BOOST_REQUIRE_EQUAL(ring_.writer.depth(), expected_.size());
        BOOST_REQUIRE_EQUAL(ring_.reader.depth(), expected_.size());
        BOOST_REQUIRE_EQUAL(ring_.memory.consumer().redelivered, redelivered_);
    }

    void drain() {
        while (!expected_.empty()) pop_one();
        pop_one();
    }

private:
    [[nodiscard]] bool fixed() const { return shape_.form == layout::message_form::fixed; }

    std::string draw_message() {
        const std::uint64_t size = fixed() ? shape_.message_bytes : random_() % (shape_.message_bytes + 1);
        std::string text(size, '\0');
        for (char& each : text) each = static_cast<char>(random_());
        return text;
    }

    void push_one() {
        const std::string text = draw_message();
        switch (push(ring_.writer, text)) {
            case sight::ready:
                expected_.push_back({text});
                ++sent_;
                BOOST_REQUIRE(!fixed() || expected_.size() <= shape_.capacity);
                return;
            case sight::nothing:
                BOOST_REQUIRE(fixed() ? expected_.size() == shape_.capacity : not_empty_or_skip_ahead());
                return;
            default: BOOST_FAIL("the writer calls it corrupt");
        }
    }

    // Bytes form: no room is right while something is in the ring, a skip that is not passed included.
    [[nodiscard]] bool not_empty_or_skip_ahead() { return ring_.writer.position() != ring_.reader.position(); }

    const std::byte* first() {
        sight found{};
        const std::byte* const message = first_message(ring_.reader, found);
        if (expected_.empty()) {
            BOOST_REQUIRE(message == nullptr);
            BOOST_REQUIRE(found == sight::nothing);
            return nullptr;
        }
        BOOST_REQUIRE(message != nullptr);
        BOOST_REQUIRE(std::string(reinterpret_cast<const char*>(message), ring_.reader.taken_bytes()) ==
                      expected_.front().text);
        BOOST_REQUIRE_EQUAL(ring_.reader.seen_before(), expected_.front().held_before);
        return message;
    }

    void pop_one() {
        if (first() == nullptr) return;
        if (random_() % 2 == 0) ring_.reader.hold();
        ring_.reader.release();
        expected_.pop_front();
        ++received_;
    }

    void claim_and_give_back() {
        sight found{};
        const std::string text = draw_message();
        std::byte* const room = room_for(ring_.writer, text.size(), found);
        if (room != nullptr && !text.empty()) std::memcpy(room, text.data(), text.size());
    }

    void take_and_put_back() {
        if (first() == nullptr) return;
        ring_.reader.hold();
        ring_.reader.put_back();
        expected_.front().held_before = true;
        ++redelivered_;
    }

    void writer_dies() {
        // Killed at any store of its last commit: the tail lags, or tail and count do, or the message was not sent at
        // all.
        const layout::producer_line before = ring_.memory.producer();
        if (const std::uint64_t sent = sent_; push_one(), sent_ != sent) {
            if (random_() % 2 == 0) {
                ring_.memory.producer().tail = before.tail;
                if (random_() % 2 == 0) ring_.memory.producer().messages = before.messages;
            }
            // A skip published on the way has stored its tail before the record began.
            if (!fixed() && ring_.memory.producer().tail == before.tail) {
                const std::uint64_t record = layout::record_bytes(expected_.back().text.size());
                ring_.memory.producer().tail = ring_.writer.position() - record;
            }
        }
        ring_.writer = Writer{};
        BOOST_REQUIRE(ring_.writer.attach(ring_.memory.view()));
    }

    void reader_dies() {
        if (!fixed() && random_() % 2 == 0 && received_ > 0 && sent_ - received_ > 0) {
            pop_one();
            ring_.memory.consumer().messages -= 1;  // killed between head and count
        }
        succeed_reader();
    }

    void reader_dies_holding() {
        if (first() == nullptr) return;
        ring_.reader.hold();
        expected_.front().held_before = true;
        ++redelivered_;
        succeed_reader();
    }

    void succeed_reader() {
        recover_consumer(ring_.memory);
        ring_.reader = Reader{};
        BOOST_REQUIRE(ring_.reader.attach(ring_.memory.view()));
    }

    layout::shape shape_;
    std::mt19937_64& random_;
    pair<Writer, Reader> ring_;
    std::deque<expected_message> expected_;
    std::uint64_t sent_;
    std::uint64_t received_;
    std::uint64_t redelivered_ = 0;
};

template <class Writer, class Reader>
void compare(const layout::shape& shape, std::uint64_t position, std::uint64_t messages, std::mt19937_64& random) {
    BOOST_TEST_CONTEXT("capacity " << shape.capacity << ", position " << position << ", messages " << messages) {
        model<Writer, Reader> ring(shape, position, messages, random);
        for (int i = 0; i < 4000; ++i) {
            ring.step();
            ring.check();
        }
        ring.drain();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ring_model)

BOOST_AUTO_TEST_CASE(a_fixed_ring_behaves_as_a_deque) {
    std::mt19937_64 random(noria::rig::seed());
    for (const std::uint64_t bytes : {3U, 8U, 16U, 40U}) {  // 14, 7, 3 and 1 to a slot
        for (const std::uint64_t capacity : {1U, 2U, 8U, 64U}) {
            for (const std::uint64_t position : {std::uint64_t{0}, (std::uint64_t{1} << 32) - 100, UINT64_MAX - 5000}) {
                compare<noria::ring::fixed_writer, noria::ring::fixed_reader>(
                    fixed_shape(bytes, capacity, bytes == 3 ? 4 : 8), position, position, random);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_record_ring_behaves_as_a_deque) {
    std::mt19937_64 random(noria::rig::seed());
    for (const std::uint64_t capacity : {64U, 128U, 1024U}) {
        for (const std::uint64_t largest : {std::uint64_t{1}, capacity / 4, capacity - 16}) {
            for (const std::uint64_t position : {std::uint64_t{0}, UINT64_MAX - 1023}) {
                compare<noria::ring::record_writer, noria::ring::record_reader>(bytes_shape(capacity, largest),
                                                                                position, position / 8 - 100, random);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
