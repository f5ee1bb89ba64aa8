// scenes.hpp: what a victim does while it is scribbled on: every verb of both roles, in every state that it meets.
#pragma once

#include "live_file.hpp"
#include "queues.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace noria::hostile {

// The stage is set, the verb is what is scribbled on, and then all is cleared away, whatever came of it.
struct scene {
    const char* name;
    std::function<void()> prepare;
    std::function<void()> verb;
    std::function<void()> finish;
};

// The endpoints that the scenes of one queue play with, all in one process.
template <class Queue>
class cast {
    using of = subject<Queue>;
    using producer = typename Queue::producer;
    using consumer = typename Queue::consumer;

public:
    // Before each scene the file is brought back to its birth.
    cast(std::filesystem::path path, std::vector<std::byte> birth)
        : path_(std::move(path)), file_(path_), birth_(std::move(birth)) {}

    // Seven eighths of them are gone, and the next message does not fit before the ring's end.
    void begin(std::size_t left) {
        reset();
        attach_producer();
        attach_consumer();
        for (std::size_t i = 0; i < 4; ++i) expect(out_->try_push(of::sample(size)));
        for (std::size_t i = left; i < 4; ++i) expect(static_cast<bool>(in_->try_pop()));
    }
    void reset() {
        file_.restore(birth_);
        throwing_ = false;
    }
    void fill() {
        while (out_->try_push(of::sample(size))) {
        }
    }
    void leave() {
        claim_.reset();
        lease_.reset();
        out_.reset();
        in_.reset();
    }
    // What a killed process leaves: its words as they were, and no lock.
    void die_producer() {
        const auto left = file_.image();
        claim_.reset();
        out_.reset();
        file_.restore(left);
    }
    void die_consumer() {
        const auto left = file_.image();
        lease_.reset();
        in_.reset();
        file_.restore(left);
    }

    void attach_producer() { attach(out_); }
    void attach_consumer() { attach(in_); }
    void push() { (void)out_->try_push(of::sample(size)); }
    void push_waiting() { (void)out_->push_for(of::sample(size), std::chrono::microseconds(20)); }
    void push_some() {
        const std::array three{of::sample(size), of::sample(8), of::sample(0)};
        (void)out_->try_push_some(three);
    }
    void claim() {
        claim_.emplace(of::try_claim(*out_, size));
        if (!*claim_) return;
        const auto room = of::content(*claim_);
        if (!room.empty()) std::memset(const_cast<std::byte*>(room.data()), 0x5a, room.size());
    }
    void commit() {
        if (*claim_) (void)claim_->commit();
    }
    void give_back() { claim_.reset(); }
    void pop() { read(in_->try_pop()); }
    void pop_waiting() { read(in_->pop_for(std::chrono::microseconds(20))); }
    void take() {
        lease_.emplace(in_->try_take());
        read(*lease_);
    }
    void release() { lease_.reset(); }
    void consume_some() {
        const auto each = [this](const typename Queue::message& message) {
            const auto* const one = &message;
            (void)sum_of(of::content(one));
            if (throwing_) throw std::runtime_error("thrown by a caller's function");
        };
        try {
            (void)in_->try_consume_some(each, 8);
        } catch (const std::runtime_error&) {
            throwing_ = false;
        }
    }
    void throw_next() { throwing_ = true; }
    void take_parked() { read(of::try_take_parked(*in_)); }
    void leave_producer() { out_.reset(); }
    void leave_consumer() { in_.reset(); }
    void look_on() {
        (void)out_->counters();
        (void)out_->size();
        (void)in_->size();
        std::error_code code;
        const observer watcher(path_, code);
        if (watcher.is_open()) (void)watcher.look();
    }

private:
    static constexpr std::size_t size = 40;  // a record of 48 bytes, as a parcel's slot: five fit into a ring of 256

    // In a scene's verb it may be refused; when the stage is set it may not, and the verb will show it.
    template <class Endpoint>
    void attach(std::optional<Endpoint>& to) {
        std::error_code code;
        to.emplace(Endpoint::open(path_, of::any(), code));
        if (!to->is_open() && code.category() != noria_category()) throw std::runtime_error("a refusal without words");
    }
    template <class Held>
    static void read(const Held& message) {
        if (message) (void)sum_of(of::content(message));
    }
    static void expect(bool holds) {
        if (!holds) throw std::runtime_error("the stage cannot be set");
    }

    std::filesystem::path path_;
    live_file file_;
    std::vector<std::byte> birth_;
    std::optional<producer> out_;
    std::optional<consumer> in_;
    std::optional<typename producer::claim_type> claim_;
    std::optional<typename consumer::lease_type> lease_;
    bool throwing_ = false;
};

// All that can happen to a queue of this type. The cast must outlive them.
template <class Queue>
std::vector<scene> scenes_of(cast<Queue>& who) {
    cast<Queue>* const all = &who;
    std::vector<scene> made;
    const auto add = [&](const char* name, auto prepare, auto verb) {
        made.push_back({name, [=] { prepare(*all); }, [=] { verb(*all); }, [=] { all->leave(); }});
    };
    const auto with = [](std::size_t left) { return [left](auto& at) { at.begin(left); }; };
    const auto full = [](auto& at) {
        at.begin(2);
        at.fill();
    };
    add("push", with(1), [](auto& at) { at.push(); });
    add("push_twice_round_the_rings_end", with(1), [](auto& at) { at.push(), at.push(); });
    add("push_into_a_full_ring", full, [](auto& at) { at.push(); });
    add("push_waiting_at_a_full_ring", full, [](auto& at) { at.push_waiting(); });
    add("push_some", with(3), [](auto& at) { at.push_some(); });
    add("claim_and_commit", with(1), [](auto& at) { at.claim(), at.commit(); });
    add("claim_and_give_back", with(1), [](auto& at) { at.claim(), at.give_back(); });
    add("pop", with(2), [](auto& at) { at.pop(); });
    add("pop_round_the_rings_end", full, [](auto& at) { at.pop(), at.pop(), at.pop(), at.pop(); });
    add("pop_from_an_empty_ring", with(0), [](auto& at) { at.pop(); });
    add("pop_waiting_at_an_empty_ring", with(0), [](auto& at) { at.pop_waiting(); });
    add("take_and_release", with(2), [](auto& at) { at.take(), at.release(); });
    add("consume_some", full, [](auto& at) { at.consume_some(); });
    add("consume_and_throw", with(2), [](auto& at) { at.throw_next(), at.consume_some(), at.pop(); });
    add(
        "attach_producer", [](auto& at) { at.begin(2), at.leave_producer(); }, [](auto& at) { at.attach_producer(); });
    add(
        "attach_consumer", [](auto& at) { at.begin(2), at.leave_consumer(); }, [](auto& at) { at.attach_consumer(); });
    add(
        "succeed_a_dead_producer", [](auto& at) { at.begin(3), at.claim(), at.die_producer(); },
        [](auto& at) { at.attach_producer(); });
    add(
        "succeed_a_dead_consumer", [](auto& at) { at.begin(3), at.take(), at.die_consumer(); },
        [](auto& at) { at.attach_consumer(); });
    add(
        "find_the_producer_dead", [](auto& at) { at.begin(0), at.claim(), at.die_producer(); },
        [](auto& at) { at.pop(); });
    add(
        "find_the_consumer_dead", [](auto& at) { at.begin(2), at.fill(), at.take(), at.die_consumer(); },
        [](auto& at) { at.push(); });
    if constexpr (subject<Queue>::of_crowd && !subject<Queue>::under_mutex) {
        add("park_and_take_out", with(2),
            [](auto& at) { at.throw_next(), at.consume_some(), at.throw_next(), at.consume_some(), at.take_parked(); });
    }
    add("detach_producer", with(2), [](auto& at) { at.leave_producer(); });
    add("detach_consumer", with(2), [](auto& at) { at.take(), at.release(), at.leave_consumer(); });
    add("look_on", with(2), [](auto& at) { at.look_on(); });
    return made;
}

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
