// meanwhile_cases.hpp: the cases of meanwhile.cpp: who else is there, what X does, what the others do meanwhile, and the judgement.
//
// A case has: be(), what X's process runs, with its marks; at_mark(), before X goes; meanwhile(x), at X's point, or where it has
// `stages`, meanwhile(x, stage) at so many points; judge(), when X has come to its end; complaint(); and saw(), whether this
// schedule has shown what the case is about.
#pragma once

#include "crash/forms.hpp"
#include "crash/scenario.hpp"
#include "crash/still_world.hpp"
#include "noria/inspect.hpp"
#include "rig/child.hpp"
#include "rig/instruction_stepper.hpp"
#include "rig/raw_figures.hpp"
#include "rig/seccomp.hpp"
#include "rig/shared_page.hpp"
#include "rig/workspace.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace noria::crash {

// What a case has: a queue of four messages, and its complaint, the first of all.
class scene {
public:
    [[nodiscard]] std::filesystem::path path() const { return directory_ / "queue"; }
    [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

protected:
    scene() {
        options making = slots_form::making();
        making.endpoints = 8;
        maker_.emplace(slots_form::queue::producer::create(path(), making));
    }
    void insist(bool holds, const std::string& what) {
        if (!holds && complaint_.empty()) complaint_ = what;
    }
    void send(std::uint64_t messages) {
        for (std::uint64_t n = 0; n < messages; ++n)
            insist(maker_->try_push(slots_form::make(n)), "the queue takes no message");
    }
    void leave() { maker_.reset(); }
    // A process that comes in that role, takes what it can get in hand, and stays until it is killed.
    template <class Come>
    rig::child stays(const Come& come) {
        const rig::milestone there;
        rig::child made([&]() -> int {
            leave();  // of a fork's copy: it does nothing
            const auto inside = come();
            there.tell();
            for (;;) pause();
        });
        there.hear();
        return made;
    }

private:
    rig::workspace directory_;
    std::optional<slots_form::queue::producer> maker_;
    std::string complaint_;
};

// A reader that has passed a message which then comes back: it must find it, whenever it looks.
class behind_a_reader : public scene {
public:
    void meanwhile() { look(); }
    void judge() {
        look();
        insist(came_ == 1, fmt::format("the message that came back was received {} times", came_));
        insist(rig::raw_figures(path()).redelivered == 1, "it was not counted once");
    }

protected:
    static constexpr std::uint64_t of_x = 9;

    // All but the first message, which another endpoint has.
    void begin_to_read() {
        leave();
        in_.emplace(slots_form::queue::consumer::open(path()));
        for (std::uint64_t n = 1; n < 4; ++n) {
            const auto got = in_->try_pop();
            insist(got && slots_form::number_of(*got) == n, "the reader does not get the others");
        }
    }
    void forget_reader() { in_.reset(); }  // of a fork's copy

private:
    void look() {
        while (const auto got = in_->try_pop()) {
            if (slots_form::number_of(*got) == of_x) continue;  // there was room for it by then
            ++came_;
            insist(slots_form::number_of(*got) == 0 && got.deliveries() == 2,
                   "it comes torn, or not as a further delivery");
        }
    }
    std::optional<slots_form::queue::consumer> in_;
    std::uint64_t came_ = 0;
};

// X is a producer that finds no room, and its obstacle dead: so it recovers it.
class recoverer_beside_reader : public behind_a_reader {
public:
    static constexpr const char* name = "recovers; a reader beyond";
    recoverer_beside_reader() {
        send(4);
        holder_ = stays([&] {
            auto in = std::make_unique<slots_form::queue::consumer>(slots_form::queue::consumer::open(path()));
            auto lease = in->try_take();
            return std::pair(std::move(in), std::move(lease));
        });
        holder_pid_ = static_cast<std::uint64_t>(holder_.pid());
        begin_to_read();
    }
    void be() {
        forget_reader();
        slots_form::queue::producer out = slots_form::queue::producer::open(path(), waiting_options(false));
        hold_world_still();
        rig::mark();
        (void)out.try_push(slots_form::make(of_x));
        rig::mark();
    }
    void at_mark() { holder_.kill(); }
    void meanwhile(pid_t x) {
        for (const auto& each : inspect(path()).roster) {
            if (each.pid != holder_pid_) continue;
            insist(each.recoverer == 0 || (each.recoverer == static_cast<std::uint64_t>(x) && !each.alive),
                   "another process is named as the recoverer, or the dead one as alive");
            named_ = named_ || each.recoverer != 0;
        }
        behind_a_reader::meanwhile();
    }
    [[nodiscard]] bool saw() const noexcept { return named_; }

private:
    rig::child holder_;
    std::uint64_t holder_pid_ = 0;
    bool named_ = false;
};

// X is a consumer whose function throws: it puts its message back itself.
class thrower_beside_reader : public behind_a_reader {
public:
    static constexpr const char* name = "throws; a reader beyond";
    thrower_beside_reader() { send(4); }
    void be() {
        leave();
        slots_form::queue::consumer in = slots_form::queue::consumer::open(path(), waiting_options(false));
        const auto refuse = [](const auto&) {
            hold_world_still();
            rig::mark();
            throw 1;
        };
        try {
            (void)in.try_consume_some(refuse, 1);
        } catch (int) {
            rig::mark();
        }
    }
    void at_mark() { begin_to_read(); }
    void meanwhile(pid_t) { behind_a_reader::meanwhile(); }
    [[nodiscard]] static bool saw() noexcept { return true; }
};

// X recovers a dead producer; meanwhile a later one comes and dies, and another process recovers that. The later death counts.
class two_recoverers : public scene {
public:
    static constexpr const char* name = "two recoverers";
    two_recoverers() {
        in_.emplace(slots_form::queue::consumer::open(path()));
        first_ = claimant();
        leave();
    }
    void be() {
        in_.reset();  // of a fork's copy
        slots_form::queue::consumer in = slots_form::queue::consumer::open(path(), waiting_options(false));
        hold_world_still();
        rig::mark();
        (void)in.try_pop();
        rig::mark();
    }
    void at_mark() { first_.kill(); }
    void meanwhile(pid_t) {
        rig::child second = claimant();
        second.kill();
        other_.emplace(slots_form::queue::consumer::open(path()));  // coming buries the dead
    }
    void judge() {
        (void)in_->pop_for(patience);
        insist(in_->why() == outcome::ended && in_->ended() == end::abandoned,
               fmt::format("the end after two deaths is told as {}, {}", noria::name(in_->why()),
                           noria::name(in_->ended())));
        insist(rig::raw_figures(path()).producer_deaths == 2, "two deaths were not counted");
        insist(rig::raw_figures(path()).skipped == 2, "two claims were not skipped");
    }
    [[nodiscard]] static bool saw() noexcept { return true; }

private:
    rig::child claimant() {
        return stays([&] {
            auto out = std::make_unique<slots_form::queue::producer>(slots_form::queue::producer::open(path()));
            auto room = out->try_claim();
            return std::pair(std::move(out), std::move(room));
        });
    }
    std::optional<slots_form::queue::consumer> in_;
    std::optional<slots_form::queue::consumer> other_;
    rig::child first_;
};

// X is a producer that wakes a sleeper; meanwhile an endpoint comes that may make no barrier, and says so in the word of the bell.
class waker_beside_newcomer : public scene {
public:
    static constexpr const char* name = "wakes; one without barriers comes";
    waker_beside_newcomer() {
        sleeper_ = rig::child([&] {
            slots_form::queue::consumer in = slots_form::queue::consumer::open(path(), waiting_options(false));
            const auto got = in.pop();
            *woken_ = static_cast<bool>(got);
            return 0;
        });
    }
    void be() {
        leave();
        slots_form::queue::producer out = slots_form::queue::producer::open(path(), waiting_options(false));
        hold_world_still();
        rig::mark();
        (void)out.push(slots_form::make(1));
        rig::mark();
    }
    void at_mark() {
        const bool asleep = rig::eventually(
            [&] { return inspect(path()).consumers.sleeper_armed && rig::sleeps_in_futex(sleeper_.pid()); });
        if (!asleep) throw std::logic_error("crash: the sleeper does not fall asleep");
    }
    void meanwhile(pid_t) {
        newcomer_ = stays([&] {
            if (!rig::deny({{.call = SYS_membarrier, .error = EPERM}})) throw std::runtime_error("rig: no filters");
            return std::make_unique<slots_form::queue::consumer>(slots_form::queue::consumer::open(path()));
        });
    }
    void judge() {
        insist(rig::eventually([&] { return woken_->load(); }), "the sleeper is not woken");
    }
    [[nodiscard]] static bool saw() noexcept { return true; }

private:
    rig::shared_page<std::atomic<bool>> woken_;
    rig::child sleeper_;
    rig::child newcomer_;
};

// X is a producer behind a message that another endpoint holds. The holder leaves; another comes, to the same place of the roster, takes the
// same message, whose word is the same by now, and leaves. This happens between any two looks of X, and no word is a lie.
class holders_change : public scene {
public:
    static constexpr const char* name = "looks twice; holders change";
    static constexpr std::size_t stages = 3;
    holders_change() {
        send(4);
        slots_form::queue::consumer in = slots_form::queue::consumer::open(path());
        for (int i = 0; i < 8; ++i) {  // from then on each delivery is the eighth
            try {
                (void)in.try_consume_some([](const auto&) { throw 1; }, 1);
            } catch (int) {
            }
        }
    }
    void be() {
        slots_form::queue::producer out = slots_form::queue::producer::open(path(), waiting_options(false));
        hold_world_still();
        rig::mark();
        (void)out.try_push(slots_form::make(9));
        *answer_ = out.why();
        rig::mark();
    }
    void at_mark() { come(first_); }
    void meanwhile(pid_t, std::size_t stage) {
        if (stage == 0) go(first_);
        if (stage == 1) come(second_);
        if (stage == 2) go(second_);
    }
    void judge() {
        insist(*answer_ != outcome::corrupt, "honest holders are taken for a lie");
        insist(inspect(path()).in_hand.empty(), "something is still in hand");
    }
    // While X has the lock of the first one's entry, the second comes to another.
    [[nodiscard]] bool saw() const noexcept { return second_.word == first_.word; }

private:
    struct holder {
        rig::milestone taken;
        rig::milestone may_go;
        rig::child process;
        std::uint64_t word = 0;
    };
    void come(holder& who) {
        who.process = rig::child([&] {
            leave();
            slots_form::queue::consumer in = slots_form::queue::consumer::open(path());
            try {
                (void)in.try_consume_some(
                    [&](const auto&) {
                        who.taken.tell();
                        who.may_go.hear();
                        throw 1;
                    },
                    1);
            } catch (int) {
                return 0;
            }
            return 1;
        });
        who.taken.hear();
        who.word = first_word();
    }
    void go(holder& who) {
        who.may_go.tell();
        insist(who.process.wait() == rig::fate{.exit_status = 0, .signal = 0}, "a holder fails");
    }
    [[nodiscard]] std::uint64_t first_word() const {
        std::uint64_t word = 0;
        layout::header header{};
        std::ifstream file(path(), std::ios::binary);
        file.read(reinterpret_cast<char*>(&header), sizeof header);
        file.seekg(static_cast<std::streamoff>(header.ring_offset));
        file.read(reinterpret_cast<char*>(&word), sizeof word);
        return word;
    }
    rig::shared_page<outcome> answer_;
    holder first_;
    holder second_;
};

// X pops into a buffer that is too small for the first message; another consumer takes what it can. No message overtakes another.
template <class Form>
class short_buffer {
public:
    static constexpr const char* name = Form::held_by_page ? "too small a buffer, mutex" : "too small a buffer";
    short_buffer() {
        typename Form::queue::producer out = Form::queue::producer::create(path(), Form::making);
        for (const std::string_view each : {"a long one", "b", "c"}) (void)out.try_push(bytes(each));
        in_.emplace(Form::queue::consumer::open(path()));
    }
    void be() {
        in_.reset();  // of a fork's copy
        typename Form::queue::consumer in = Form::queue::consumer::open(path(), waiting_options(false));
        std::array<std::byte, 4> buffer{};
        hold_world_still();
        rig::mark();
        const auto got = in.try_pop(buffer);
        if (got) *took_ = std::to_integer<char>(buffer[0]);
        rig::mark();
    }
    void at_mark() {}
    void meanwhile(pid_t) { drain(); }
    void judge() {
        drain();
        // X may have taken one, where the long one was gone by then.
        if (complaint_.empty() && came_ != without(*took_)) complaint_ = "they came as " + came_;
    }
    [[nodiscard]] std::filesystem::path path() const { return directory_ / "queue"; }
    [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }
    [[nodiscard]] static bool saw() noexcept { return true; }

private:
    static std::string without(char one) {
        std::string all = "abc";
        std::erase(all, one);
        return all;
    }
    void drain() {
        while (const auto got = in_->try_pop()) {
            came_ += got->text()[0];
            if (got.deliveries() != 1) complaint_ = "a message comes as a further delivery";
        }
    }
    rig::workspace directory_;
    std::optional<typename Form::queue::consumer> in_;
    rig::shared_page<std::atomic<char>> took_;
    std::string came_;
    std::string complaint_;
};
struct short_slots {
    using queue = mpmc<bytes, coordination::lock_free>;
    static constexpr bool held_by_page = false;
    inline static const options making{.capacity = 4, .message_bytes_max = 40, .endpoints = 8};
};
struct short_records {
    using queue = mpmc<bytes, coordination::robust_mutex>;
    static constexpr bool held_by_page = true;
    inline static const options making{.capacity_bytes = 256, .message_bytes_max = 40, .endpoints = 8};
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
