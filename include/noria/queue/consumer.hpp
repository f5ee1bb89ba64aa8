// consumer.hpp: the receiving end of a queue, whatever its ring: pop and its kin, leases, and consume_some.
//
// A Queue names its message type, its reader and its shape: see spsc.hpp. What every verb promises:
//   Role    any thread, one at a time; interrupt() from any thread at any time, and from signal handlers.
//   Waits   try_... never; ..._for and ..._until at most so long, on the monotonic clock; the others until there is a
//           message or the stream has ended. With a message there, every verb is wait-free; of mpmc, lock-free.
//           Under a mutex every verb waits for it, too: a try_ for a moment, then it is stalled; a release until its owner
//           leaves, or is found dead.
//   Order   spsc: in the order of their commits. mpmc: they are taken in the order of the queue, which keeps each producer's;
//           what is delivered again comes later. Whoever receives a message sees all that came before its commit.
//   Crash   pop: dead before it releases, the message stays first in the queue; after, it is gone. take, consume_some, and
//           every verb of mpmc: dead before the release, the message is delivered again, and deliveries() > 1 says so.
//   Returns what converts to true: a message. Otherwise why() says why: empty, stalled (mpmc: the next message is still being
//           written), timed_out, interrupted, ended (the stream is over: see ended()), buffer_too_small, busy, forked,
//           closed, corrupt.
#pragma once

#include "noria/core/message.hpp"
#include "noria/core/shareable.hpp"
#include "noria/queue/handle.hpp"
#include "noria/queue/receiving.hpp"

#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace noria::inline v1::queue {

// A message held in place. It is released when the lease goes, and delivered again if the holder dies before that.
// Lifetime: of the message, the lease's. It may be moved, and so may its consumer, but the consumer must outlive it.
template <class Reader, class T>
class lease {
    static constexpr bool of_bytes = std::is_same_v<T, bytes>;

public:
    lease() noexcept = default;
    lease(receiving<Reader>* consumer, const std::byte* message) noexcept
        : consumer_(consumer), message_(message), size_(consumer->ring.taken_bytes()),
          deliveries_(consumer->deliveries()) {
        consumer_->ring.hold();
        consumer_->begin_showing();
    }
    lease(lease&& from) noexcept { *this = std::move(from); }
    lease& operator=(lease&& from) noexcept {
        if (this == &from) return *this;
        release();
        consumer_ = std::exchange(from.consumer_, nullptr);
        message_ = from.message_;
        size_ = from.size_;
        deliveries_ = from.deliveries_;
        return *this;
    }
    ~lease() { release(); }

    // False: there was no message, why() of the consumer says why; or it has been released.
    explicit operator bool() const noexcept { return consumer_ != nullptr; }

    const T& operator*() const noexcept requires(!of_bytes) {
        return *std::launder(reinterpret_cast<const T*>(message_));
    }
    const T* operator->() const noexcept requires(!of_bytes) { return std::addressof(**this); }
    [[nodiscard]] bytes operator*() const noexcept requires of_bytes { return {message_, size_}; }
    [[nodiscard]] const std::byte* data() const noexcept requires of_bytes { return message_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // 1, or more if an earlier holder of this message died, or threw, before it released it.
    [[nodiscard]] unsigned deliveries() const noexcept { return deliveries_; }

    // Lets the message go before the lease does. Never waits.
    void release() noexcept {
        auto* consumer = std::exchange(consumer_, nullptr);
        if (consumer == nullptr || !consumer->usable()) return;
        consumer->end_showing();
        consumer->release(message_);
    }

private:
    receiving<Reader>* consumer_ = nullptr;
    const std::byte* message_ = nullptr;
    std::size_t size_ = 0;
    unsigned deliveries_ = 0;
};

template <class Queue>
class consumer : public handle<receiving<typename Queue::reader>> {
    using T = typename Queue::message;
    using reader = typename Queue::reader;
    using place_type = receiving<reader>;
    using base = handle<place_type>;
    static constexpr bool of_bytes = std::is_same_v<T, bytes>;
    static constexpr bool is_large = sizeof(T) > 1024;  // to copy it twice would show; chosen by feel

public:
    using lease_type = queue::lease<reader, T>;

    // Opens the queue and takes the consumer's role. If the file is missing: with a capacity in the options it creates
    // the queue; without one it waits for the file, options.wait_for_file (unset: 5 s).
    // Throws: noria::error with any errc but exists; see core/error.hpp.
    explicit consumer(const std::filesystem::path& path, const options& wishes = {})
        : consumer(attach(path, opening::open_or_create, wishes)) {
        this->raise_if_closed();
    }

    // As the producer's: see producer.hpp.
    [[nodiscard]] static consumer create(const std::filesystem::path& path, const options& wishes = {}) {
        return attach(path, opening::create, wishes).or_raise();
    }
    [[nodiscard]] static consumer create(const std::filesystem::path& path, const options& wishes,
                                         std::error_code& code) {
        return attach(path, opening::create, wishes).and_tell(code);
    }
    [[nodiscard]] static consumer open(const std::filesystem::path& path, const options& wishes = {}) {
        return attach(path, opening::open, wishes).or_raise();
    }
    [[nodiscard]] static consumer open(const std::filesystem::path& path, const options& wishes,
                                       std::error_code& code) {
        return attach(path, opening::open, wishes).and_tell(code);
    }
    [[nodiscard]] static consumer open_or_create(const std::filesystem::path& path, const options& wishes,
                                                 std::error_code& code) {
        return attach(path, opening::open_or_create, wishes).and_tell(code);
    }

    // Destruction leaves what was not released for the next consumer; a producer that waits on a full queue is told that
    // the consumers are gone. Moving is cheap and leaves leases valid; a moved-from consumer may only be destroyed or
    // assigned to.
    consumer(consumer&&) noexcept = default;
    consumer& operator=(consumer&&) noexcept = default;

    // Copies the first message out and releases it. For noria::bytes the copy lies in a buffer of the consumer's, until
    // its next pop. A type larger than popped_bytes_limit does not compile: take() its messages.
    [[nodiscard]] popped<T> pop() noexcept { return receive(limit::never()); }
    [[nodiscard]] popped<T> try_pop() noexcept { return receive(limit::at_once()); }
    template <class Rep, class Period>
    [[nodiscard]] popped<T> pop_for(std::chrono::duration<Rep, Period> time) noexcept {
        return receive(limit::after(time));
    }
    [[nodiscard]] popped<T> pop_until(moment when) noexcept { return receive(limit::until(when)); }

    // The same into a buffer of the caller's. buffer_too_small: the message stays first, and size() of what is returned
    // says how many bytes it has.
    [[nodiscard]] popped<T> pop(std::span<std::byte> buffer) noexcept requires of_bytes {
        return receive_into(buffer, limit::never());
    }
    [[nodiscard]] popped<T> try_pop(std::span<std::byte> buffer) noexcept requires of_bytes {
        return receive_into(buffer, limit::at_once());
    }
    template <class Rep, class Period>
    [[nodiscard]] popped<T> pop_for(std::span<std::byte> buffer,
                                    std::chrono::duration<Rep, Period> time) noexcept requires of_bytes {
        return receive_into(buffer, limit::after(time));
    }
    [[nodiscard]] popped<T> pop_until(std::span<std::byte> buffer, moment when) noexcept requires of_bytes {
        return receive_into(buffer, limit::until(when));
    }

    // Holds the first message in place until the lease goes. spsc: one lease at a time; while it is held the other receiving
    // verbs answer `busy`. mpmc: any number, released in any order.
    [[nodiscard]] lease_type take() noexcept { return hold(limit::never()); }
    [[nodiscard]] lease_type try_take() noexcept { return hold(limit::at_once()); }
    template <class Rep, class Period>
    [[nodiscard]] lease_type take_for(std::chrono::duration<Rep, Period> time) noexcept {
        return hold(limit::after(time));
    }
    [[nodiscard]] lease_type take_until(moment when) noexcept { return hold(limit::until(when)); }

    // mpmc with deliveries_max: a message that is parked since so many of its holders died or threw. Held in place like any
    // other, and gone from the parking when the lease goes; deliveries() is one more than they were. Never waits, and does
    // not disturb the queue. empty: none is parked, or others hold those that are.
    [[nodiscard]] lease_type try_take_parked() noexcept requires(reader::contended && !has_mutex<reader>) {
        place_type& at = place();
        if (at.blocked() != 0) {
            (void)at.wait(limit::at_once());  // says why
            return {};
        }
        const std::byte* const message = at.ring.take_parked();
        if (message == nullptr) {
            at.went(outcome::empty);
            return {};
        }
        at.went(outcome::ok);
        return lease_type(&at, message);
    }

    // Calls f with each of the next messages, in place: f(message) or f(message, deliveries), message being const T& or
    // noria::bytes; at most `limit` of them, waiting only for the first. Each is released when f returns. If f throws,
    // the exception passes through, and that message stays first in the queue, its next delivery marked as a further one.
    // If f closes the consumer (destroys it, or assigns another to it), this call ends, too: it counts the message in hand, which
    // stays first in the queue likewise. Returns how many were consumed, 0 (why() says why) to limit.
    template <class F>
    std::size_t consume_some(F&& f, std::size_t most = SIZE_MAX) {
        return consume(f, most, limit::never());
    }
    template <class F>
    std::size_t try_consume_some(F&& f, std::size_t most = SIZE_MAX) {
        return consume(f, most, limit::at_once());
    }
    template <class F, class Rep, class Period>
    std::size_t consume_some_for(F&& f, std::size_t most, std::chrono::duration<Rep, Period> time) {
        return consume(f, most, limit::after(time));
    }
    template <class F>
    std::size_t consume_some_until(F&& f, std::size_t most, moment when) {
        return consume(f, most, limit::until(when));
    }

private:
    using base::place;

    explicit consumer(std::unique_ptr<place_type> where) noexcept : base(std::move(where)) {}

    static consumer attach(const std::filesystem::path& path, opening how, const options& wishes) {
        auto where = std::make_unique<place_type>();
        where->attach(role::consumer, how, path, wishes, Queue::shape());
        consumer made(std::move(where));
        if constexpr (of_bytes) {
            if (made.is_open()) {
                made.buffer_.reset(new (std::nothrow) std::byte[made.message_bytes_max()]);
                if (made.buffer_ == nullptr) made.place().refuse_for_memory();
            }
        }
        return made;
    }
    consumer or_raise() && {
        this->raise_if_closed();
        return std::move(*this);
    }
    consumer and_tell(std::error_code& code) && {
        code = this->error_code();
        return std::move(*this);
    }

    // Whether a verb may go the short way: nothing to say no to, and nothing new to say.
    static bool is_short(const place_type& at) noexcept { return !has_mutex<reader> && at.is_well(); }

    static const std::byte* first_message(place_type& at, limit how_long) noexcept {
        const std::byte* const message = at.blocked() == 0 ? at.ring.take() : nullptr;
        return message != nullptr ? message : at.await_message(how_long);
    }

    popped<T> receive(limit how_long) noexcept {
        static_assert(of_bytes || sizeof(T) <= popped_bytes_limit,
                      "noria: pop() returns its copy on the stack, which is too small for this message; use take()");
        if constexpr (of_bytes) {
            return receive_into({buffer_.get(), this->message_bytes_max()}, how_long);
        } else {
            place_type& at = place();
            if (is_short(at)) [[likely]] {
                if (const std::byte* const message = at.ring.take(); message != nullptr) [[likely]] {
                    if constexpr (is_large) {
                        return copy_and_let_go(at, message);
                    } else {
                        if (at.deliveries() != 1) [[unlikely]]
                            return copy_and_let_go(at, message);
                        const popped<T> copy(message, 1);  // so that the compiler knows that it is one
                        if (at.let_go_of_taken(message)) [[likely]]
                            return copy;
                        return {};
                    }
                }
            }
            return receive_by_the_long_way(at, how_long);
        }
    }
    [[gnu::noinline]] static popped<T> copy_and_let_go(place_type& at, const std::byte* message) noexcept
        requires(!of_bytes) {
        popped<T> copy(message, at.deliveries());  // at once where the caller wants it: there is no second one
        if (!at.let_go(message)) [[unlikely]]
            copy.forget();
        return copy;
    }
    [[gnu::noinline]] static popped<T> receive_by_the_long_way(place_type& at, limit how_long) noexcept
        requires(!of_bytes) {
        const std::byte* const message = first_message(at, how_long);
        if (message == nullptr) return {};
        at.went(outcome::ok);
        return copy_and_let_go(at, message);
    }

    popped<T> receive_into(std::span<std::byte> buffer, limit how_long) noexcept requires of_bytes {
        place_type& at = place();
        const std::byte* const message = first_message(at, how_long);
        if (message == nullptr) [[unlikely]]
            return {};
        const std::size_t size = at.ring.taken_bytes();
        if (size > buffer.size()) {
            at.put_back(message, false);
            at.went(outcome::buffer_too_small);
            return popped<T>(bytes(nullptr, size), 0);
        }
        if (size != 0) std::memcpy(buffer.data(), message, size);
        const unsigned deliveries = at.deliveries();
        if (!at.release(message)) [[unlikely]]
            return {};
        return popped<T>(bytes(buffer.data(), size), deliveries);
    }

    lease_type hold(limit how_long) noexcept {
        place_type& at = place();
        const std::byte* message = is_short(at) ? at.ring.take() : nullptr;
        if (message == nullptr) [[unlikely]]
            message = hold_by_the_long_way(at, how_long);
        return message != nullptr ? lease_type(&at, message) : lease_type();
    }
    [[gnu::noinline]] static const std::byte* hold_by_the_long_way(place_type& at, limit how_long) noexcept {
        const std::byte* const message = first_message(at, how_long);
        if (message != nullptr) at.went(outcome::ok);
        return message;
    }

    // While it exists, messages are shown to the caller's function, one after the other. What is in hand when the function
    // throws stays in the queue.
    struct showing {
        place_type& at;
        const std::byte* in_hand = nullptr;
        explicit showing(place_type& where) noexcept : at(where) { at.begin_handing(); }
        ~showing() {
            if (!at.usable()) [[unlikely]] {
                at.end_handing_unusable();
                return;
            }
            at.end_handing();
            if (in_hand != nullptr) at.put_back(in_hand, true);
        }
        showing(const showing&) = delete;
        showing& operator=(const showing&) = delete;
    };

    template <class F>
    std::size_t consume(F& f, std::size_t most, limit how_long) {
        using view = std::conditional_t<of_bytes, bytes, const T&>;
        place_type& at = place();
        std::size_t consumed = 0;
        const auto call = [&](view each, unsigned deliveries) {
            if constexpr (std::is_invocable_v<F&, view, unsigned>)
                f(each, deliveries);
            else
                f(each);
            ++consumed;
            return at.usable();  // This may be a fork's copy by now, or closed.
        };
        const std::byte* message = most != 0 ? first_message(at, how_long) : nullptr;
        while (message != nullptr) {
            if (!show_from(at, message, call, [&] { return most - consumed; })) return consumed;
            message = consumed < most ? at.next_message() : nullptr;
        }
        if (consumed != 0 && at.usable()) at.went(outcome::ok);
        return consumed;
    }

    // Shows the message and those that follow at once, as many as left() allows. False: no more can be had.
    template <class Call, class Left>
    static bool show_from(place_type& at, const std::byte* message, Call& call, const Left& left) {
        showing now(at);
        const auto show = [&](const std::byte* each, unsigned deliveries) {
            now.in_hand = each;
            bool usable = false;
            if constexpr (of_bytes)
                usable = call(bytes(each, at.ring.taken_bytes()), deliveries);
            else
                usable = call(*std::launder(reinterpret_cast<const T*>(each)), deliveries);
            now.in_hand = nullptr;
            return usable;
        };
        if constexpr (requires { at.ring.show_some(1, show, show); }) {
            return at.ring.show_some(left(), show, [&at] { return at.bell(); });
        } else {
            for (; message != nullptr; message = left() != 0 ? at.ring.take() : nullptr) {
                const unsigned deliveries = at.deliveries();
                at.ring.hold();
                if (!show(message, deliveries) || !at.let_go(message)) return false;
            }
            return true;
        }
    }

    std::unique_ptr<std::byte[]> buffer_;  // of message_bytes_max, for pop() of noria::bytes
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
