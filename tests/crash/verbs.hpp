// verbs.hpp: every verb of a queue, and the states in which it is killed; a new verb is one entry here.
#pragma once

#include "crash/scenario.hpp"

#include <string>
#include <utility>
#include <vector>

namespace noria::crash {

template <class Form>
std::vector<verb<Form>> verbs_of_producers() {
    using side = victim_side<Form>;
    using kind = typename verb<Form>::kind;
    using enum state;
    const std::vector<state> with_room{empty,       one_message,      wrapping,    padding,
                                       peer_asleep, peer_asleep_long, peer_absent, peer_dead};
    std::vector<verb<Form>> all{
        {"push", role::producer, kind::hot, 1, with_room,
         [](side& me) { me.known.sent += me.out->push(Form::make(me.next)) ? 1 : 0; }},
        {.name = "try_push",
         .by = role::producer,
         .what = kind::hot,
         .most = 0,
         .states = {full},
         .act = [](side& me) { me.known.refused += me.out->try_push(Form::make(me.next)) ? 0 : 1; },
         .refused = true},
        {"push_some", role::producer, kind::hot, 3, with_room,
         [](side& me) {
             const auto three = Form::make_three(me.next);
             me.known.sent += me.out->push_some(three);
         },
         false, true},
        {"claim, commit", role::producer, kind::hot, 1, with_room,
         [](side& me) {
             auto room = Form::claim(*me.out, me.next);
             Form::write(room, me.next);
             me.known.sent += room.commit() ? 1 : 0;
         }},
        {.name = "claim, give back",
         .by = role::producer,
         .what = kind::hot,
         .most = 0,
         .states = with_room,
         .act =
             [](side& me) {
                 {
                     auto room = Form::claim(*me.out, me.next);
                     Form::write(room, torn);
                 }
                 ++me.known.given_back;
             },
         .given_back = true},
        {"blocked push",
         role::producer,
         kind::hot,
         1,
         {full},
         [](side& me) { me.known.sent += me.out->push(Form::make(me.next)) ? 1 : 0; }},
        {.name = "find dead consumer",
         .by = role::producer,
         .what = kind::finding,
         .most = 0,
         .states = {peer_dead},
         .act = [](side& me) { me.known.refused += me.out->try_push(Form::make(me.next)) ? 0 : 1; },
         .refused = true},
        {"open",
         role::producer,
         kind::attaching,
         0,
         {empty, one_message, full, peer_asleep, peer_asleep_long, peer_absent, peer_dead, predecessor_dead},
         [](side& me) { me.out.emplace(Form::queue::producer::open(me.path)); }},
        {"open_or_create",
         role::producer,
         kind::attaching,
         0,
         {peer_absent},
         [](side& me) { me.out.emplace(me.path, Form::making()); }},
        {"create",
         role::producer,
         kind::creating,
         0,
         {peer_absent},
         [](side& me) { me.out.emplace(Form::queue::producer::create(me.path, Form::making())); }},
        {"open_or_create a file",
         role::producer,
         kind::creating,
         0,
         {peer_absent},
         [](side& me) { me.out.emplace(me.path, Form::making()); }},
        // For schedules alone.
        {"push, detach",
         role::producer,
         kind::hot,
         1,
         {},
         [](side& me) {
             me.known.sent += me.out->push(Form::make(me.next)) ? 1 : 0;
             me.out.reset();
         }},
        {"detach",
         role::producer,
         kind::leaving,
         0,
         {empty, one_message, full, peer_asleep, peer_asleep_long, peer_absent, peer_dead},
         [](side& me) { me.out.reset(); }},
    };
    if constexpr (Form::queue::is_robust) {
        all.push_back({.name = "push_all",
                       .by = role::producer,
                       .what = kind::hot,
                       .most = 3,
                       .states = with_room,
                       .act =
                           [](side& me) {
                               const auto three = Form::make_three(me.next);
                               me.known.sent += me.out->push_all(three) ? 3 : 0;
                           },
                       .together = true});
    }
    return all;
}

template <class Form>
std::vector<verb<Form>> verbs_of_consumers() {
    using side = victim_side<Form>;
    using kind = typename verb<Form>::kind;
    using enum state;
    const auto receive = [](side& me, const auto& got) {
        if (!got) return;
        me.came(Form::number_of(*got));
        ++me.known.received;
    };
    const std::vector<state> with_message{one_message,      full,        wrapping, padding, peer_asleep,
                                          peer_asleep_long, peer_absent, peer_dead};
    return {
        {"pop", role::consumer, kind::hot, 1, with_message, [receive](side& me) { receive(me, me.in->pop()); }},
        {"try_pop", role::consumer, kind::hot, 0, {empty}, [receive](side& me) { receive(me, me.in->try_pop()); }},
        {"take, release", role::consumer, kind::hot, 1, with_message,
         [](side& me) {
             auto message = me.in->take();
             if (message) {
                 me.came(Form::number_of(*message));
                 ++me.known.shown;
             }
             message.release();
             ++me.known.received;
         },
         true},
        {"consume_some", role::consumer, kind::hot, 3, with_message,
         [](side& me) {
             me.known.received += me.in->consume_some(
                 [&me](const auto& message) {
                     me.came(Form::number_of(message));
                     ++me.known.shown;
                 },
                 3);
         },
         true},
        {"blocked pop",
         role::consumer,
         kind::hot,
         1,
         {empty},
         [receive](side& me) {
             receive(me, me.in->pop());
             if (me.in->why() == outcome::ended && me.in->size() != 0) ++me.known.untrue;
         }},
        {"find dead producer",
         role::consumer,
         kind::finding,
         0,
         {peer_dead},
         [receive](side& me) { receive(me, me.in->try_pop()); }},
        {"open",
         role::consumer,
         kind::attaching,
         0,
         {empty, one_message, full, peer_asleep, peer_asleep_long, peer_absent, peer_dead, predecessor_dead},
         [](side& me) { me.in.emplace(Form::queue::consumer::open(me.path)); }},
        {"open_or_create",
         role::consumer,
         kind::attaching,
         0,
         {peer_absent},
         [](side& me) { me.in.emplace(me.path, Form::making()); }},
        {"create",
         role::consumer,
         kind::creating,
         0,
         {peer_absent},
         [](side& me) { me.in.emplace(Form::queue::consumer::create(me.path, Form::making())); }},
        {"open_or_create a file",
         role::consumer,
         kind::creating,
         0,
         {peer_absent},
         [](side& me) { me.in.emplace(me.path, Form::making()); }},
        {"detach",
         role::consumer,
         kind::leaving,
         0,
         {empty, one_message, full, peer_asleep, peer_asleep_long, peer_absent, peer_dead},
         [](side& me) { me.in.reset(); }},
    };
}

// Of a queue with a parking: what differs from one without.
template <class Form>
std::vector<verb<Form>> verbs_of_parking() {
    using side = victim_side<Form>;
    using kind = typename verb<Form>::kind;
    using enum state;
    std::vector<verb<Form>> all{{"take parked, release",
                                 role::consumer,
                                 kind::hot,
                                 1,
                                 {predecessor_dead},
                                 [](side& me) {
                                     auto message = me.in->try_take_parked();
                                     if (!message) return;
                                     me.came(Form::number_of(*message));
                                     ++me.known.shown;
                                     message.release();
                                     ++me.known.received;
                                 },
                                 true}};
    const auto add = [&all](std::vector<verb<Form>> from, const std::string& name, std::vector<state> states) {
        for (auto& each : from) {
            if (each.name != name) continue;
            each.states = std::move(states);
            all.push_back(std::move(each));
        }
    };
    add(verbs_of_consumers<Form>(), "take, release", {one_message, full, wrapping, peer_asleep_long});
    add(verbs_of_consumers<Form>(), "consume_some", {full});
    add(verbs_of_consumers<Form>(), "open", {predecessor_dead});
    add(verbs_of_producers<Form>(), "open", {peer_dead});
    return all;
}

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
