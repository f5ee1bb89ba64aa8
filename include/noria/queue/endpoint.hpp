// endpoint.hpp: what all endpoints share: attaching, waiting, hearing of the other side's end, interruption, fork.
//
// Waiting    spin; then arm our event word, look again at everything, and sleep for at most a slice. Whatever can end
//            the wait is looked at between arming and sleeping: the ring, interrupt(), the other side's end, the deadline.
// Ends       A stream has ended when no record of the other role is alive, nothing is left in the ring (for a producer:
//            the ring is still full), and nobody came and went while we looked. Each end has a number and is told once.
#pragma once

#include "noria/core/atomics.hpp"
#include "noria/core/error.hpp"
#include "noria/core/options.hpp"
#include "noria/core/outcome.hpp"
#include "noria/core/visibility.hpp"
#include "noria/os/process.hpp"
#include "noria/queue/queue_file.hpp"
#include "noria/queue/roster.hpp"
#include "noria/ring/ring_view.hpp"
#include "noria/sync/event_count.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace noria::inline v1::queue {

enum class opening { open_or_create, create, open };

// How long a verb may wait; resolved to a deadline only when it does.
class limit {
public:
    static constexpr limit at_once() noexcept { return {kind::at_once, 0}; }
    static constexpr limit never() noexcept { return {kind::never, 0}; }
    static limit until(os::monotonic::time_point when) noexcept {
        return {kind::until, when.time_since_epoch().count()};
    }
    // Negative and not-a-number wait not at all, what exceeds 292 years waits for ever.
    template <class Rep, class Period>
    static limit after(std::chrono::duration<Rep, Period> time) noexcept {
        const auto ns = std::chrono::duration<long double, std::nano>(time).count();
        if (!(ns > 0)) return at_once_but_waiting();
        if (ns > 9.2e18L) return never();
        return {kind::after, static_cast<std::int64_t>(ns)};
    }

    [[nodiscard]] bool waits() const noexcept { return kind_ != kind::at_once; }
    [[nodiscard]] NORIA_API os::monotonic::time_point deadline() const noexcept;

    // The same moment, however often it is asked for from now on.
    [[nodiscard]] limit fixed() const noexcept { return kind_ == kind::after ? until(deadline()) : *this; }

private:
    enum class kind : std::uint8_t { at_once, never, until, after };
    constexpr limit(kind what, std::int64_t ns) noexcept : ns_(ns), kind_(what) {}
    static limit at_once_but_waiting() noexcept { return {kind::after, 0}; }

    std::int64_t ns_;
    kind kind_;
};

class NORIA_API endpoint : public os::fork_sensitive {
public:
    // Opens or creates, takes the role, moves in. On failure the endpoint stays closed and last_error() says why.
    NORIA_ABI_DOOR bool attach(role wanted, opening how, const std::filesystem::path& path, const options& wishes,
                               const layout::shape& bare);

    // 0, or the reasons why a verb may not touch the ring.
    [[nodiscard]] std::uint32_t blocked() const noexcept { return static_cast<std::uint32_t>(standing_); }
    // That nothing blocks, and that why() is ok already: the one test that a hot path makes.
    [[nodiscard]] bool is_well() const noexcept { return standing_ == 0; }
    void begin_in_place() noexcept { standing_ |= busy_bit; }
    void end_in_place() noexcept { standing_ &= ~busy_bit; }
    [[nodiscard]] bool in_place() const noexcept { return (standing_ & busy_bit) != 0; }
    [[nodiscard]] bool usable() const noexcept { return (blocked() & ~(busy_bit | handing_bit)) == 0; }
    // The same while a function of the caller's is handed one message after the other.
    void begin_handing_in_place() noexcept { standing_ |= busy_bit | handing_bit; }
    void end_handing_in_place() noexcept { standing_ &= ~(busy_bit | handing_bit); }
    void no_longer_handing_in_place() noexcept { standing_ &= ~handing_bit; }
    [[nodiscard]] bool is_handing_in_place() const noexcept { return (standing_ & handing_bit) != 0; }

    // Seldom anything new: a store that is not made leaves room for those that others wait for.
    void went(outcome how) noexcept {
        if (why() != how) [[unlikely]]
            set_why(how);
    }
    [[nodiscard]] outcome why() const noexcept { return static_cast<outcome>(standing_ >> why_shift); }
    // Whether another endpoint kept the last verb from what it wanted, for a verb that did not wait or gave up waiting.
    [[nodiscard]] bool held_up() const noexcept {
        const outcome how = why();
        return how == outcome::stalled || ((how == outcome::timed_out || how == outcome::interrupted) && held_up_);
    }
    [[nodiscard]] end ended() const noexcept { return ended_; }
    [[nodiscard]] bool created() const noexcept { return created_; }
    [[nodiscard]] const failure& last_error() const noexcept;
    [[nodiscard]] const queue_file* file() const noexcept { return file_.get(); }

    // Wakes the other side if it sleeps: after each publication or release. False: what was published or released was no
    // longer in the file, and the endpoint is dead (ring_and_look).
    [[gnu::always_inline]] bool bell() noexcept {
        if (others_event_.asks()) [[unlikely]]
            return ring_and_look();
        return true;
    }

    // Wakes both sides: a hole is something to pass for the one and room for the other, and so is what was put back.
    bool bell_all() noexcept {
        if (own_event_.asks()) own_event_.ring();
        return bell();
    }

    // The same, as the last step of a verb that went well.
    bool announce() noexcept {
        if (others_event_.asks()) [[unlikely]] {
            if (!ring_and_look()) return false;
        }
        went(outcome::ok);
        return true;
    }

    // Waits until the ring has what the verb wants. True: it has. False: why() says why not.
    bool wait(limit how_long) noexcept;

    // So many times a verb of a contended ring may be shown something and find others quicker before it asks after its
    // limit. Each time somebody got on, which never takes so long; or somebody scribbles on the file and never rests: then
    // too a verb that does not wait comes to its end, and one that waits keeps its deadline. Chosen by feel.
    static constexpr unsigned races_at_most = 256;
    // One more such time. False: why() says stalled, timed_out or interrupted.
    bool may_race_on(limit how_long, unsigned& races) noexcept;

    // Whether the ring has what the verb wants, at once. Unlike wait() it tells of no end: it is for the further messages
    // of a batch, whose verb answers ok, and an end that is told to nobody would never be told again.
    bool glance() noexcept;

    // Ends this endpoint: its ring took back what it had just shown, or did not take what we had in hand.
    void found_corrupt(bool in_hand = true) noexcept;

    // Whether one of so many places of the parking names a free entry.
    [[nodiscard]] bool parking_lies(std::uint64_t places) noexcept;

    // Makes the present or the next wait return `interrupted`. From any thread, and from a signal handler.
    void interrupt() noexcept;

    void refuse_for_memory() noexcept;

    void forked() noexcept override;

protected:
    endpoint() = default;
    ~endpoint() override;
    // `holds`: it has a claim or a message in hand. A corrupt endpoint cannot put that back, so it stays on record.
    void detach(bool holds = false) noexcept;

    // What the ring says to the verb that wants to wait.
    virtual ring::sight look() noexcept = 0;
    // Takes the ring over; false: corrupt. Then where it stands: position and messages.
    virtual bool take_over(queue_file& file) noexcept = 0;
    [[nodiscard]] virtual std::uint64_t position() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t messages() const noexcept = 0;
    // mpmc: who keeps the slot that look() found in the way, as 1 + the index of its entry, or 0; whether that is why the
    // verb finds nothing; and whether nothing is left (`ready`), not even in the hands of others of this role; or `nothing`,
    // and its holder; or `busy`: not known.
    [[nodiscard]] virtual std::uint64_t obstacle() const noexcept { return 0; }
    [[nodiscard]] virtual bool stalled() const noexcept { return false; }
    [[nodiscard]] virtual ring::sight drained(std::uint64_t& /*holder*/) noexcept { return ring::sight::ready; }

    // The holder of a place of the parking, as 1 + the index of its entry, or 0.
    [[nodiscard]] virtual std::uint64_t parked_by(std::uint64_t /*place*/) const noexcept { return 0; }

    // Whether the locks stand, or could be taken again: else another process may have recovered from this endpoint.
    [[nodiscard]] bool still_holds_locks() noexcept;

    [[nodiscard]] std::chrono::nanoseconds spin() const noexcept { return waiting_.spin; }

private:
    // The two lowest are those of an endpoint that can be used: usable() is one comparison.
    static constexpr std::uint64_t busy_bit = 1;
    static constexpr std::uint64_t handing_bit = 2;
    static constexpr std::uint64_t closed_bit = 4;
    static constexpr std::uint64_t forked_bit = 8;
    static constexpr std::uint64_t corrupt_bit = 16;
    static constexpr std::uint64_t blocked_bit = 32;  // in the middle of a verb, recovery was blocked
    static constexpr unsigned why_shift = 32;

    void set_why(outcome how) noexcept { standing_ = blocked() | static_cast<std::uint64_t>(how) << why_shift; }
    void block(std::uint64_t how) noexcept { standing_ = (standing_ >> why_shift << why_shift) | how; }

    failure try_attach(const options& wishes, const layout::shape& bare, const std::filesystem::path& path,
                       bool& passing);
    bool settle(failure found) noexcept;
    outcome survey(bool probe) noexcept;
    outcome nothing() const noexcept { return role_ == role::producer ? outcome::full : outcome::empty; }
    ring::sight look_past_the_dead() noexcept;
    template <class Again>
    bool names_nobody(std::uint64_t name, const Again& again) noexcept;
    ring::sight look_for_others_messages(std::uint64_t& holder) noexcept;
    ring::sight look_through() noexcept;
    outcome die() noexcept;
    outcome nothing_behind(std::uint64_t name) noexcept;
    std::uint64_t blocked_peer() const noexcept;
    bool ring_and_look() noexcept;
    bool hear_end(std::uint64_t number, bool death) noexcept;
    bool probe_is_due(os::monotonic::time_point now) noexcept;
    bool question_is_due() noexcept;
    bool interrupted() noexcept;
    std::chrono::nanoseconds slice_of(std::chrono::nanoseconds longest, std::chrono::nanoseconds waited) const noexcept;

    // read by every verb
    std::uint64_t standing_ = closed_bit | std::uint64_t{static_cast<std::uint8_t>(outcome::closed)} << why_shift;
    sync::event_count others_event_;
    // read when waiting
    sync::event_count own_event_;
    std::uint32_t interrupted_ = 0;  // written by interrupt(), from anywhere
    std::uint32_t reachable_ = 0;    // 1 while interrupt() may touch the mapping
    role role_ = role::producer;
    end ended_ = end::none;
    bool created_ = false;
    bool await_successor_ = false;
    bool awaits_release_ = false;  // what is waited for is told on the other side's word
    bool shut_out_ = false;        // the last look was refused: the ring's mutex was in somebody's hands
    bool held_up_ = false;  // the last wait ended behind another endpoint: one with the mutex, or with the next slot
    bool left_in_hand_ = false;  // the ring lies, and we could not put back what we had of it
    bool crowded_ = false;       // when last looked: more endpoints than processors
    waiting waiting_;
    std::uint64_t told_ = 0;             // the last end reported
    std::uint64_t ended_at_attach_ = 0;  // the last end before we came
    std::uint64_t position_at_attach_ = 0;
    os::monotonic::time_point probed_;
    os::monotonic::time_point asked_;  // whether who is in our way lives
    std::unique_ptr<queue_file> file_;
    mutable failure error_;       // a fork's copy gets its text when it is asked for
    std::uint64_t attached_ = 0;  // how often this endpoint was alive on record
    birth_mark made_{};           // if created_: of the file
};

}  // namespace noria::inline v1::queue

// SPDX-License-Identifier: BSL-1.0
