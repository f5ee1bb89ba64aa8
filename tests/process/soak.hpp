// soak.hpp: the ledger of the soak, which outlives all who write it, and the producer and consumer that keep it.
//
// Messages are numbered from 1. Each note is one store, made before or after the deed, so that whoever dies leaves at
// most one deed in doubt, and the ledger says which:
//   Producer   intent = n (the last of a batch), push, settled = n. Numbers in (settled, intent] are in doubt at its
//              death; its successor enters them as doubtful, and goes on behind them.
//   Consumer   one word: the last number received, and what it is about to do. Its successor knows from it what may be
//              missing (a popped message) and what may come again (a taken one).
#pragma once

#include "process/scene.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace scene::soak {

struct ledger {
    static constexpr std::size_t doubts_max = 1U << 16;
    struct range {
        std::atomic<std::uint64_t> first, last;
    };
    std::atomic<std::uint64_t> intent;
    std::atomic<std::uint64_t> settled;
    std::atomic<std::uint64_t> doubts;
    range doubtful[doubts_max];
    std::atomic<std::uint64_t> received;     // a reception, packed
    std::atomic<std::uint64_t> redelivered;  // receptions that said so
    std::atomic<bool> all_over;
    std::atomic<std::uint64_t> visits[2];  // by the visitor, who attaches and leaves: as producer, as consumer
};

// What the consumer's word says.
struct reception {
    std::uint64_t last = 0;     // the last number received
    std::uint64_t missing = 0;  // popped, perhaps, by consumers that died before they could note it
    bool popping = false;       // a pop has begun
    bool taking = false;        // a take has begun
    bool leased = false;        // `last` was received in a lease that was not noted as released
    bool seen = false;          // somebody who died may have had the next message in his hands

    static reception from(std::uint64_t word) {
        return {.last = word >> 16,
                .missing = (word >> 8) & 0xFF,
                .popping = (word & 1) != 0,
                .taking = (word & 2) != 0,
                .leased = (word & 4) != 0,
                .seen = (word & 8) != 0};
    }
    [[nodiscard]] std::uint64_t word() const {
        return (last << 16) | (missing << 8) | (popping ? 1U : 0U) | (taking ? 2U : 0U) | (leased ? 4U : 0U) |
               (seen ? 8U : 0U);
    }
};

// Enters what a dead producer left in doubt. Repeating it, after another death, is harmless.
inline void enter_doubts(ledger& book) {
    if (book.settled == book.intent) return;
    const std::uint64_t number = book.doubts;
    insist(number < ledger::doubts_max, "the ledger has room for doubts");
    book.doubtful[number].first = book.settled + 1;
    book.doubtful[number].last = book.intent.load();
    book.doubts = number + 1;
    book.settled = book.intent.load();
}

inline bool doubtful(const ledger& book, std::uint64_t n) {
    for (std::uint64_t i = book.doubts; i-- > 0;) {
        if (n > book.doubtful[i].last) return false;  // they are in order
        if (n >= book.doubtful[i].first) return true;
    }
    return false;
}

// Now and then a message is held so long that death comes upon it.
inline void linger(std::mt19937_64& random) {
    if (random() % 1000 == 0) std::this_thread::sleep_for(2ms);
}

// How a numbered message looks in a queue of either form.
template <class Queue>
struct form;

template <>
struct form<numbers> {
    static constexpr noria::options geometry{.capacity = 64};
    static numbered compose(std::uint64_t n, std::string&) { return number(n); }
    static auto claim(numbers::producer& out, std::uint64_t) { return out.claim_for(5ms); }
    template <class Claim>
    static void write(Claim& slot, std::uint64_t n) {
        *slot = number(n);
    }
    static std::uint64_t read(const numbered& message) {
        insist(whole(message), "the message is whole");
        return message.number;
    }
};

template <>
struct form<texts> {
    static constexpr noria::options geometry{.capacity_bytes = 4096, .message_bytes_max = 1024};
    static std::size_t size_of(std::uint64_t n) { return 8 + static_cast<std::size_t>(n * 2654435761U % 500); }
    static void compose_in(std::byte* room, std::uint64_t n) {
        std::memcpy(room, &n, sizeof n);
        std::memset(room + sizeof n, static_cast<int>(n & 0xFF), size_of(n) - sizeof n);
    }
    static noria::bytes compose(std::uint64_t n, std::string& buffer) {
        buffer.resize(size_of(n));
        compose_in(reinterpret_cast<std::byte*>(buffer.data()), n);
        return {std::string_view(buffer)};
    }
    static auto claim(texts::producer& out, std::uint64_t n) { return out.claim_for(size_of(n), 5ms); }
    template <class Claim>
    static void write(Claim& slot, std::uint64_t n) {
        compose_in(slot.data(), n);
    }
    static std::uint64_t read(noria::bytes message) {
        insist(message.size() >= 8, "the message has a number");
        std::uint64_t n = 0;
        std::memcpy(&n, message.data(), sizeof n);
        insist(message.size() == size_of(n), "the message has its size");
        const auto filling = message.span().subspan(sizeof n);
        insist(std::all_of(filling.begin(), filling.end(), [&](std::byte b) { return b == static_cast<std::byte>(n); }),
               "the message is whole");
        return n;
    }
};

// Sends until asked to end; by every verb there is.
template <class Queue>
class sender {
public:
    sender(ledger& book, typename Queue::producer& out, std::uint64_t seed) : book_(book), out_(out), random_(seed) {
        enter_doubts(book_);
    }

    // One call of some verb.
    void step() {
        const std::uint64_t n = book_.settled + 1;
        const auto kind = random_() % 6;
        if (kind == 5) return send_batch(n, 1 + random_() % 8);
        book_.intent = n;
        if (send_one(n, kind)) {
            book_.settled = n;
            return;
        }
        const auto why = out_.why();
        insist(why == noria::outcome::full || why == noria::outcome::timed_out || why == noria::outcome::ended ||
                   why == noria::outcome::interrupted || why == noria::outcome::ok,
               "a refusal is one of the ordinary ones");
        book_.intent = n - 1;
    }

private:
    bool send_one(std::uint64_t n, std::uint64_t kind) {
        std::string buffer;
        switch (kind) {
            case 0: return out_.push(form<Queue>::compose(n, buffer));
            case 1: return out_.try_push(form<Queue>::compose(n, buffer));
            case 2: return out_.push_for(form<Queue>::compose(n, buffer), 2ms);
            default: break;
        }
        auto slot = form<Queue>::claim(out_, n);
        if (!slot) return false;
        form<Queue>::write(slot, n);
        linger(random_);
        return kind == 3 && slot.commit();  // otherwise the claim is given back
    }
    void send_batch(std::uint64_t n, std::uint64_t many) {
        std::vector<std::string> buffers(many);
        std::vector<typename Queue::message> batch;
        for (std::uint64_t i = 0; i < many; ++i) batch.push_back(form<Queue>::compose(n + i, buffers[i]));
        book_.intent = n + many - 1;
        const auto sent = out_.push_some_for(std::span<const typename Queue::message>(batch), 2ms);
        book_.settled = n + sent - 1;
        book_.intent = n + sent - 1;
    }

    ledger& book_;
    typename Queue::producer& out_;
    std::mt19937_64 random_;
};

// Receives until asked to end, by every verb, and holds each message against the ledger.
template <class Queue>
class receiver {
public:
    receiver(ledger& book, typename Queue::consumer& in, std::uint64_t seed) : book_(book), in_(in), random_(seed) {
        // What the predecessor's death left open. Each of these stores may be the last of ours, too.
        now_ = reception::from(book_.received);
        if (now_.popping) now_.missing += 1;
        now_.seen = now_.seen || now_.taking || now_.leased;
        may_repeat_ = now_.leased;
        now_.popping = now_.taking = false;
        note();
    }

    // One call of some verb. False: there was nothing.
    bool step(std::chrono::milliseconds patience_here) {
        switch (random_() % 3) {
            case 0: {
                now_.popping = true;
                note();
                const auto got = in_.pop_for(patience_here);
                if (!got) break;
                receive(form<Queue>::read(*got), got.deliveries(), false);
                return true;
            }
            case 1: {
                now_.taking = true;
                note();
                auto lease = in_.take_for(patience_here);
                if (!lease) break;
                receive(form<Queue>::read(*lease), lease.deliveries(), true);
                lease.release();
                released();
                return true;
            }
            default: {
                now_.taking = true;
                note();
                const auto each = [&](const auto& message, unsigned deliveries) {
                    receive(form<Queue>::read(message), deliveries, true);
                };
                if (in_.consume_some_for(each, 1 + random_() % 8, patience_here) == 0) break;
                released();
                return true;
            }
        }
        now_.popping = now_.taking = false;
        note();
        const auto why = in_.why();
        insist(why == noria::outcome::timed_out || why == noria::outcome::ended || why == noria::outcome::interrupted,
               "a refusal is one of the ordinary ones");
        return false;
    }

private:
    void note() { book_.received = now_.word(); }

    void receive(std::uint64_t n, unsigned deliveries, bool leased) {
        if (n == now_.last) {
            insist(may_repeat_, "only what was taken and not released comes again");
            insist(deliveries > 1, "and it says so");
        } else {
            insist(n > now_.last, "the messages come in order");
            std::uint64_t absent = 0;
            for (std::uint64_t each = now_.last + 1; each != n; ++each) absent += doubtful(book_, each) ? 0 : 1;
            insist(absent <= now_.missing, "no committed message is missing");
        }
        if (deliveries > 1) {
            insist(now_.seen, "only what somebody may have had in his hands is said to come again");
            book_.redelivered += 1;
        }
        may_repeat_ = false;
        now_ = {.last = n, .missing = 0, .popping = false, .taking = false, .leased = leased, .seen = false};
        note();
        if (leased) linger(random_);
    }
    void released() {
        now_.leased = false;
        note();
    }

    ledger& book_;
    typename Queue::consumer& in_;
    std::mt19937_64 random_;
    reception now_;
    bool may_repeat_ = false;
};

}  // namespace scene::soak

// SPDX-License-Identifier: BSL-1.0
