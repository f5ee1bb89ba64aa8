// producer.hpp: the sending end of a queue, whatever its ring: push and its kin, and claims for writing in place.
//
// A Queue names its message type, its writer and its shape: see spsc.hpp. What every verb promises:
//   Role    any thread, one at a time; interrupt() from any thread at any time, and from signal handlers.
//   Waits   try_... never; ..._for and ..._until at most so long, on the monotonic clock; the others until there is room
//           or the consumer is gone. The message is there, or it is not: with room, every verb is wait-free; of mpmc, lock-free.
//           Under a mutex every verb waits for it, too: a try_ for a moment, then it is stalled; a commit and a giving back
//           until its owner leaves, or is found dead.
//   Order   whoever receives a message sees everything that this thread did before it was committed.
//   Crash   dead before the committing store: the message never was; mpmc counts the claim as `skipped`. After: it is
//           there, whole.
//   Returns true, or what converts to it: done. Otherwise nothing was sent, and why() says why: full, stalled (mpmc: the slot
//           that is next is in the hands of somebody who lives), timed_out, interrupted, ended (the consumers are gone:
//           see ended()), too_large, busy, forked, closed, corrupt.
#pragma once

#include "noria/core/message.hpp"
#include "noria/core/shareable.hpp"
#include "noria/queue/handle.hpp"
#include "noria/queue/sending.hpp"
#include "noria/ring/mutex_ring.hpp"

#include <cassert>
#include <chrono>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace noria::inline v1::queue {

// Room in the ring for one message, to be written in place. Destroyed uncommitted, it is given back and nothing was sent.
// Lifetime: until commit() or destruction; it may be moved, and so may its producer, but the producer must outlive it.
template <class Writer, class T>
class claim {
public:
    claim() noexcept = default;
    claim(sending<Writer>* producer, std::byte* room, std::size_t size) noexcept
        : producer_(producer), room_(room), size_(size) {
        producer_->open_claim();
    }
    claim(claim&& from) noexcept { *this = std::move(from); }
    claim& operator=(claim&& from) noexcept {
        if (this == &from) return *this;
        give_back();
        producer_ = std::exchange(from.producer_, nullptr);
        room_ = from.room_;
        size_ = from.size_;
        return *this;
    }
    ~claim() { give_back(); }

    // False: there was no room, why() of the producer says why; or it is committed or given back.
    explicit operator bool() const noexcept { return producer_ != nullptr; }

    // The message to be written. Its bytes are what an earlier turn of the ring left there: write all that is to be read.
    T& operator*() const noexcept requires(!std::is_same_v<T, bytes>) {
        return *std::launder(reinterpret_cast<T*>(room_));
    }
    T* operator->() const noexcept requires(!std::is_same_v<T, bytes>) { return std::addressof(**this); }
    [[nodiscard]] std::span<std::byte> operator*() const noexcept requires std::is_same_v<T, bytes> {
        return {room_, size_};
    }
    [[nodiscard]] std::byte* data() const noexcept requires std::is_same_v<T, bytes> { return room_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // Sends the message. Never waits. False: not sent, since this is a fork's copy.
    bool commit() noexcept { return commit_bytes(size_); }
    // Sends the first so many bytes, at most size(), of what was claimed.
    bool commit(std::size_t bytes_used) noexcept requires std::is_same_v<T, bytes> {
        assert(bytes_used <= size_ && "noria: more bytes committed than claimed");
        return commit_bytes(bytes_used < size_ ? bytes_used : size_);
    }

    // Sends nothing; the room is the producer's again. Counted (given_back).
    void give_back() noexcept {
        auto* producer = std::exchange(producer_, nullptr);
        if (producer == nullptr || !producer->usable()) return;
        producer->give_back_claim();
    }

private:
    bool commit_bytes(std::size_t used) noexcept {
        auto* producer = std::exchange(producer_, nullptr);
        if (producer == nullptr) return false;
        if (!producer->usable()) {
            (void)producer->wait(limit::at_once());  // sets why()
            return false;
        }
        const bool sent = producer->commit(used);
        producer->close_claim();
        return sent && producer->announce();
    }

    sending<Writer>* producer_ = nullptr;
    std::byte* room_ = nullptr;
    std::size_t size_ = 0;
};

template <class Queue>
class producer : public handle<sending<typename Queue::writer>> {
    using T = typename Queue::message;
    using writer = typename Queue::writer;
    using place_type = sending<writer>;
    using base = handle<place_type>;
    static constexpr bool of_bytes = std::is_same_v<T, bytes>;
    using argument = std::conditional_t<of_bytes, bytes, const T&>;

public:
    using claim_type = queue::claim<writer, T>;

    // Opens the queue, or creates it if the file is missing, and takes the producer's role.
    // Waits: for a role that is held, at most options.wait_for_role.
    // Throws: noria::error with any errc but not_found and exists; see core/error.hpp.
    explicit producer(const std::filesystem::path& path, const options& wishes = {})
        : producer(attach(path, opening::open_or_create, wishes)) {
        this->raise_if_closed();
    }

    // create only creates: errc::exists if the name is taken. open only opens: errc::not_found if there is no file, after
    // options.wait_for_file (unset: at once). The forms with an error_code throw std::bad_alloc at most: on failure they
    // return an endpoint that is not open, whose error_text() is what the exception's what() would have been.
    [[nodiscard]] static producer create(const std::filesystem::path& path, const options& wishes = {}) {
        return attach(path, opening::create, wishes).or_raise();
    }
    [[nodiscard]] static producer create(const std::filesystem::path& path, const options& wishes,
                                         std::error_code& code) {
        return attach(path, opening::create, wishes).and_tell(code);
    }
    [[nodiscard]] static producer open(const std::filesystem::path& path, const options& wishes = {}) {
        return attach(path, opening::open, wishes).or_raise();
    }
    [[nodiscard]] static producer open(const std::filesystem::path& path, const options& wishes,
                                       std::error_code& code) {
        return attach(path, opening::open, wishes).and_tell(code);
    }
    [[nodiscard]] static producer open_or_create(const std::filesystem::path& path, const options& wishes,
                                                 std::error_code& code) {
        return attach(path, opening::open_or_create, wishes).and_tell(code);
    }

    // Destruction ends the stream: the consumer drains what is there and is told `finished`. The file stays.
    // Moving is cheap and leaves claims valid; a moved-from producer may only be destroyed or assigned to.
    producer(producer&&) noexcept = default;
    producer& operator=(producer&&) noexcept = default;

    // Sends a copy of one message.
    bool push(argument message) noexcept { return send(message, limit::never()); }
    bool try_push(argument message) noexcept { return send(message, limit::at_once()); }
    template <class Rep, class Period>
    bool push_for(argument message, std::chrono::duration<Rep, Period> time) noexcept {
        return send(message, limit::after(time));
    }
    bool push_until(argument message, moment when) noexcept { return send(message, limit::until(when)); }

    // Sends as many of the messages, in order, as there is room for; waits only for the first. Each is committed by
    // itself; the consumer is woken once. Returns how many were sent, 0 (why() says why) to messages.size().
    std::size_t push_some(std::span<const T> messages) noexcept { return send_some(messages, limit::never()); }
    std::size_t try_push_some(std::span<const T> messages) noexcept { return send_some(messages, limit::at_once()); }
    template <class Rep, class Period>
    std::size_t push_some_for(std::span<const T> messages, std::chrono::duration<Rep, Period> time) noexcept {
        return send_some(messages, limit::after(time));
    }
    std::size_t push_some_until(std::span<const T> messages, moment when) noexcept {
        return send_some(messages, limit::until(when));
    }

    // Under a mutex: sends all of the messages, in order and with none of others in between, or none of them: whoever dies,
    // a consumer sees all or none. Waits for room for all. Returns false, with why() too_large: they exceed the queue's
    // capacity together, or one of them message_bytes_max.
    bool push_all(std::span<const T> messages) noexcept requires has_mutex<writer> {
        return send_all(messages, limit::never());
    }
    bool try_push_all(std::span<const T> messages) noexcept requires has_mutex<writer> {
        return send_all(messages, limit::at_once());
    }
    template <class Rep, class Period>
    bool push_all_for(std::span<const T> messages,
                      std::chrono::duration<Rep, Period> time) noexcept requires has_mutex<writer> {
        return send_all(messages, limit::after(time));
    }
    bool push_all_until(std::span<const T> messages, moment when) noexcept requires has_mutex<writer> {
        return send_all(messages, limit::until(when));
    }

    // Room for one message, to be written in place and then committed. One claim at a time; while it is open the other
    // sending verbs answer `busy`.
    [[nodiscard]] claim_type claim() noexcept requires(!of_bytes) { return reserve(sizeof(T), limit::never()); }
    [[nodiscard]] claim_type try_claim() noexcept requires(!of_bytes) { return reserve(sizeof(T), limit::at_once()); }
    template <class Rep, class Period>
    [[nodiscard]] claim_type claim_for(std::chrono::duration<Rep, Period> time) noexcept requires(!of_bytes) {
        return reserve(sizeof(T), limit::after(time));
    }
    [[nodiscard]] claim_type claim_until(moment when) noexcept requires(!of_bytes) {
        return reserve(sizeof(T), limit::until(when));
    }

    // The same for noria::bytes: room for up to `size` bytes, of which commit(used) sends the first `used`.
    [[nodiscard]] claim_type claim(std::size_t size) noexcept requires of_bytes {
        return reserve(size, limit::never());
    }
    [[nodiscard]] claim_type try_claim(std::size_t size) noexcept requires of_bytes {
        return reserve(size, limit::at_once());
    }
    template <class Rep, class Period>
    [[nodiscard]] claim_type claim_for(std::size_t size,
                                       std::chrono::duration<Rep, Period> time) noexcept requires of_bytes {
        return reserve(size, limit::after(time));
    }
    [[nodiscard]] claim_type claim_until(std::size_t size, moment when) noexcept requires of_bytes {
        return reserve(size, limit::until(when));
    }

private:
    using base::place;

    explicit producer(std::unique_ptr<place_type> where) noexcept : base(std::move(where)) {}

    static producer attach(const std::filesystem::path& path, opening how, const options& wishes) {
        auto where = std::make_unique<place_type>();
        where->attach(role::producer, how, path, wishes, Queue::shape());
        return producer(std::move(where));
    }
    producer or_raise() && {
        this->raise_if_closed();
        return std::move(*this);
    }
    producer and_tell(std::error_code& code) && {
        code = this->error_code();
        return std::move(*this);
    }

    // Whether a message of that size may go on the short way: nothing to say no to, and nothing new to say.
    static bool is_short(const place_type& at, std::size_t size) noexcept {
        if constexpr (has_mutex<writer>)
            return false;
        else if constexpr (of_bytes)
            return at.is_well() && size <= at.ring.message_bytes_max();
        else
            return at.is_well();
    }

    // Room for a message of that size, or null: why() says why.
    static std::byte* room_for(place_type& at, std::size_t size, limit how_long, bool further = false) noexcept {
        if constexpr (of_bytes) {
            if (at.blocked() == 0 && size > at.ring.message_bytes_max()) {
                at.went(outcome::too_large);
                return nullptr;
            }
        }
        std::byte* const room = at.blocked() == 0 ? at.ring.claim(size) : nullptr;
        if (room != nullptr) [[likely]]
            return room;
        return further ? at.more_room(size) : at.make_room(size, how_long);
    }

    [[gnu::always_inline]] static std::size_t write(std::byte* room, argument message) noexcept {
        if constexpr (of_bytes) {
            copy_into_room(room, message);
            return message.size();
        } else {
            copy_into_room<sizeof(T), alignof(T)>(room, __builtin_addressof(message));
            return sizeof(T);
        }
    }
    static std::size_t size_of(argument message) noexcept {
        if constexpr (of_bytes) return message.size();
        return sizeof(T);
    }

    // The short way is a leaf: it leaves by tail calls, so a caller's loop keeps its registers.
    bool send(argument message, limit how_long) noexcept {
        place_type& at = place();
        if (is_short(at, size_of(message))) [[likely]] {
            if (std::byte* const room = at.ring.claim(size_of(message)); room != nullptr) [[likely]] {
                at.commit(write(room, message));
                return at.bell();
            }
        }
        return send_by_the_long_way(at, message, how_long);
    }
    [[gnu::noinline]] static bool send_by_the_long_way(place_type& at, argument message, limit how_long) noexcept {
        std::byte* const room = room_for(at, size_of(message), how_long);
        return room != nullptr && at.commit(write(room, message)) && at.announce();
    }

    std::size_t send_some(std::span<const T> messages, limit how_long) noexcept {
        place_type& at = place();
        std::size_t sent = 0;
        [[maybe_unused]] bool looked =
            false;  // and has had all that there was: what is freed since is for the next call
        while (sent < messages.size()) {
            if constexpr (requires { at.ring.commit_some(1, [](std::byte*, std::uint64_t) {}); }) {
                if (at.blocked() == 0) {
                    const std::span<const T> rest = messages.subspan(sent);
                    sent += at.ring.commit_some(rest.size(), [rest](std::byte* room, std::uint64_t i) {
                        copy_into_room<sizeof(T), alignof(T)>(room, __builtin_addressof(rest[i]));
                    });
                    if (sent == messages.size()) break;
                    if (looked && at.ring.is_close_behind()) {
                        at.refuse_further();
                        break;
                    }
                    looked = true;
                }
            }
            const T& message = messages[sent];
            std::byte* const room = room_for(at, size_of(message), how_long, sent != 0);
            if (room == nullptr) break;
            if (!at.commit(write(room, message))) return sent;
            ++sent;
        }
        if (sent != 0 && !at.bell()) return 0;
        if (sent == messages.size()) at.went(outcome::ok);
        return sent;
    }

    static std::uint64_t length_of(const void* messages, std::uint64_t which) noexcept {
        return size_of(static_cast<const T*>(messages)[which]);
    }
    bool send_all(std::span<const T> messages, limit how_long) noexcept {
        place_type& at = place();
        if (messages.empty()) at.went(outcome::ok);
        if (messages.empty()) return true;
        const ring::lengths all{.count = messages.size(),
                                .one = sizeof(T),
                                .messages = messages.data(),
                                .of = of_bytes ? length_of : nullptr};
        std::byte* room = nullptr;
        if (at.blocked() == 0) {
            bool fits = true;
            if constexpr (of_bytes) {
                for (const auto& each : messages) fits = fits && each.size() <= at.ring.message_bytes_max();
            }
            if (!fits || !at.ring.could_fit(all)) {
                at.went(outcome::too_large);
                return false;
            }
            room = at.ring.claim_all(all);
        }
        if (room == nullptr) room = at.make_room_for(all, how_long);
        if (room == nullptr) return false;
        write(room, messages[0]);
        for (std::size_t i = 1; i < messages.size(); ++i) write(at.ring.next_of(all, i), messages[i]);
        return at.commit_all(all);
    }

    claim_type reserve(std::size_t size, limit how_long) noexcept {
        place_type& at = place();
        std::byte* room = is_short(at, size) ? at.ring.claim(size) : nullptr;
        if (room == nullptr) [[unlikely]]
            room = reserve_by_the_long_way(at, size, how_long);
        return room != nullptr ? claim_type(&at, room, size) : claim_type();
    }
    [[gnu::noinline]] static std::byte* reserve_by_the_long_way(place_type& at, std::size_t size,
                                                                limit how_long) noexcept {
        std::byte* const room = room_for(at, size, how_long);
        if (room != nullptr) at.went(outcome::ok);
        return room;
    }
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
