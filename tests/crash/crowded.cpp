// crowded.cpp: death at the instructions of every mpmc verb, while another producer and another consumer live and work.
//
//     crowded                                         every instruction
//     crowded --every 8                               each eighth
//     crowded --queue 'mpmc<T>' --role consumer --verb pop --at 37
//
// The others send and receive without a rest; the victim is stepped so many instructions of its verb, and killed. Its way is
// not the same twice, since the others meet it: a failure is shown again by running its row a few times. Then the others go on
// until all is received, leave, and the ledger must be exact. Long verbs (open, detach) die at both sides of their system calls.
#include "crash/crowd_ledger.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace noria;
using namespace noria::crash;

namespace {

struct tally {
    std::uint64_t kills = 0;
    std::uint64_t failed_at = 0;
    std::string complaint;
};

template <class Form>
class row {
public:
    explicit row(const deed<Form>& what) : what_(what) {}

    tally kill_everywhere(std::size_t every, std::int64_t only) const {
        tally all;
        const std::size_t stride = is_long() ? 1 : every;
        bool through = false;
        for (std::size_t at = 0; !through && at < way_most && all.complaint.empty(); at += stride) {
            if (only >= 0) at = static_cast<std::size_t>(only);
            ++all.kills;
            all.failed_at = at;
            try {
                all.complaint = kill_at(at, through);
            } catch (const std::exception& thrown) {
                all.complaint = thrown.what();
            }
            if (only >= 0) break;
        }
        return all;
    }

private:
    // A verb that waits goes round and round, as long as the others are quicker: this is one round of any, and more.
    static constexpr std::size_t way_most = 2048;

    [[nodiscard]] bool is_long() const { return !what_.attached || what_.leaves; }

    // `at`: instructions, or of a long verb entries to and exits from the kernel. `through`: the victim has come to its verb's end.
    std::string kill_at(std::size_t at, bool& through) const {
        crowd<Form> here(2);
        rig::child producer([&] {
            member<Form> me{here.path(), *here.book, 1};
            me.out.emplace(here.path(), options{.await_successor = true});
            while (!here.book->producers_may_go) {
                if (here.book->begun[1] + 1 == messages_each)
                    sched_yield();
                else
                    me.push();
            }
            return 0;
        });
        rig::child consumer([&] {
            member<Form> me{here.path(), *here.book, 1};
            me.in.emplace(here.path(), options{.await_successor = true});
            // A slice of its own, so that it hears that it may go.
            while (me.note(me.in->pop_for(std::chrono::milliseconds(2))) || !here.book->consumers_may_go) {
            }
            return 0;
        });
        {
            rig::instruction_stepper victim([&] { here.be(what_, 0); });
            if (is_long())
                victim.wander(at, 0);
            else
                victim.step_up_to(at, [&] { feed(here); });
            through = victim.at_mark();
            here.note_death(victim.pid(), what_.by);
            victim.kill();
        }
        here.book->producers_may_go = true;
        if (producer.wait() != rig::fate{.exit_status = 0, .signal = 0}) return "the other producer fails";
        const observer eye(here.path());
        if (!rig::eventually([&] { return eye.look().depth == 0; })) return "what was sent is not received";
        here.book->consumers_may_go = true;
        if (consumer.wait() != rig::fate{.exit_status = 0, .signal = 0}) return "the other consumer fails";
        return here.complaint(what_.most_lost, what_.given_back ? 1 : 0);
    }

    // The victim sleeps. Who waits for room gets it from the other consumer; who waits for a message may have outlived all that
    // the other producer has to send.
    void feed(const crowd<Form>& here) const {
        if (what_.by == role::producer) return;
        member<Form> me{here.path(), *here.book, senders - 1};
        me.out.emplace(here.path());
        me.push();
    }

    const deed<Form>& what_;
};

const char* word(role one) { return one == role::producer ? "producer" : "consumer"; }

struct choice {
    std::string queue;
    std::string by;
    std::string verb;
    std::int64_t at = -1;
    std::size_t every = 1;
};

template <class Form>
bool run(const choice& chosen, std::uint64_t& kills) {
    bool well = true;
    for (const deed<Form>& what : deeds<Form>()) {
        if ((!chosen.queue.empty() && chosen.queue != Form::name) ||
            (!chosen.by.empty() && chosen.by != word(what.by)) || (!chosen.verb.empty() && chosen.verb != what.name))
            continue;
        const tally found = row<Form>(what).kill_everywhere(chosen.every, chosen.at);
        fmt::print("{:<12} {:<8} {:<17} {:>7}  {}\n", Form::name, word(what.by), what.name, found.kills,
                   found.complaint.empty() ? "all survived" : "FAILED");
        if (!found.complaint.empty()) {
            fmt::print("    {}\n    --queue '{}' --role {} --verb '{}' --at {}\n", found.complaint, Form::name,
                       word(what.by), what.name, found.failed_at);
            well = false;
        }
        (void)std::fflush(stdout);
        kills += found.kills;
    }
    return well;
}

}  // namespace

int main(int argc, char** argv) {
    rig::stand_still(argv);
    CLI::App app("Kills a member of a crowd at the instructions of its verbs, while others live and work.");
    choice chosen;
    app.add_option("--queue", chosen.queue, "only this queue");
    app.add_option("--role", chosen.by, "only victims of this role");
    app.add_option("--verb", chosen.verb, "only this verb");
    app.add_option("--at", chosen.at, "only after so many instructions, or system calls");
    app.add_option("--every", chosen.every, "only each so-manieth instruction")->check(CLI::Range(1, 1000));
    CLI11_PARSE(app, argc, argv);
    prepare_still_world();
    std::uint64_t kills = 0;
    const bool fixed = run<slots_form>(chosen, kills);
    const bool sized = run<slots_of_bytes_form>(chosen, kills);
    fmt::print("kill points: {}, all survived: {}\n", kills, fixed && sized ? "yes" : "no");
    return fixed && sized && kills != 0 ? 0 : 1;
}

// SPDX-License-Identifier: BSL-1.0
