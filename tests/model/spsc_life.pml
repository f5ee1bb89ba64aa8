// spsc_life.pml: a producer and a consumer come, work, leave, die anywhere, and bury each other; nothing is lost.
//
// Models     The fixed ring (its words, tail, head), take, hold, release and put_back, the stream lines, the roster
//            with its journal, the locks on the entries' bytes, take_role, recover, move_in, move_out, inhabited,
//            survey and wait. Each store that another process, or the finder of a corpse, can see is one step; any of
//            DEATHS may take the place of any step. The kernel drops a dead one's locks; a newcomer takes its place,
//            some time. Of living endpoints LEAVES leave and come again. THROWS messages are put back by their
//            consumer.
// Merged     Stores that nobody reads before a later one: the journal's fields before journal_valid, those of a record
//            that is not alive yet. Loads of words that only their reader may write.
// Leaves out The role's byte: with one process for each role it is always free. Store buffers: nothing here relies on
//            the order of a store and a later load (event_count.pml does). The event word's inside: `armed` is all of
//            it. Slots of several messages: here each has a word. What their word adds, that a store may publish several and
//            a scan find several, the crash table and the schedules walk (spsc<T>: three to a slot).
//            `heard` of a producer: nobody reads it. Deadlines, interrupt(), await_successor, surveys that do not ask
//            the kernel (they find less), the bytes form (record_ring.pml).
// Properties Committed messages stand at successive positions, none over another, none missing; the consumer gets them
//            in order. deliveries() > 1 exactly if the message was handed out in a lease before. `deaths` counts every
//            inhabitant that died once; `redelivered` every redelivery once (a death between put_back's last two stores
//            loses one count). An end is told only if, at some moment, nobody of the other role was alive and nothing
//            was left to do; it is told as `abandoned` exactly if that stream's last inhabitant died. When nothing can
//            move any more, all has been sent and received, tail is right, and the last end was told. FINITE: no run
//            goes on for ever, so nobody goes round in circles waiting for another. With NO_SLICE sleepers sleep until
//            they are rung, and the same holds, but that an end may stay untold if who left died before it rang.
//
// SOURCE include/noria/ring/fixed_ring.hpp: std::byte* claim(std::uint64_t /*bytes*/) noexcept {
// SOURCE include/noria/ring/fixed_ring.hpp: static void publish_slot(
// SOURCE include/noria/ring/fixed_ring.hpp: const std::byte* first_in(
// SOURCE include/noria/ring/fixed_ring.hpp: void hold() noexcept {
// SOURCE include/noria/ring/fixed_ring.hpp: void release_first(
// SOURCE include/noria/ring/fixed_ring.hpp: bool seen_before() const noexcept {
// SOURCE include/noria/ring/fixed_ring.hpp: bool show_some(std::uint64_t most, Show&& show, Told&& told, const slot_plan& plan) {
// SOURCE lib/ring/fixed_ring.cpp: std::uint64_t find_tail(
// SOURCE lib/ring/fixed_ring.cpp: bool fixed_writer::attach(
// SOURCE lib/ring/fixed_ring.cpp: sight fixed_writer::look(
// SOURCE lib/ring/fixed_ring.cpp: bool fixed_reader::attach(
// SOURCE lib/ring/fixed_ring.cpp: void fixed_reader::put_back(
// SOURCE lib/ring/fixed_ring.cpp: sight fixed_reader::look(
// SOURCE lib/ring/fixed_ring.cpp: bool repair_fixed(
// SOURCE include/noria/ring/ring_view.hpp: constexpr redelivery redelivery_after(
// SOURCE include/noria/layout/ring_words.hpp: struct producer_line {
// SOURCE include/noria/layout/ring_words.hpp: struct consumer_line {
// SOURCE include/noria/layout/ring_words.hpp: struct stream_line {
// SOURCE include/noria/layout/roster_entry.hpp: struct roster_entry {
// SOURCE lib/queue/roster.cpp: failure take_role(
// SOURCE lib/queue/roster.cpp: std::uint64_t move_in(
// SOURCE lib/queue/roster.cpp: void move_out(
// SOURCE lib/queue/roster.cpp: presence inhabited(
// SOURCE lib/queue/recovery.cpp: repairs plan(
// SOURCE lib/queue/recovery.cpp: bool recover(
// SOURCE lib/queue/endpoint.cpp: failure endpoint::try_attach(
// SOURCE lib/queue/endpoint.cpp: void endpoint::detach(
// SOURCE lib/queue/endpoint.cpp: ring::sight endpoint::look_through(
// SOURCE lib/queue/endpoint.cpp: outcome endpoint::survey(
// SOURCE lib/queue/endpoint.cpp: bool endpoint::hear_end(
// SOURCE lib/queue/endpoint.cpp: bool endpoint::wait(limit how_long) noexcept {
// SOURCE include/noria/queue/receiving.hpp: ~receiving() override {
// SOURCE include/noria/queue/consumer.hpp: lease(receiving<Reader>* consumer, const std::byte* message) noexcept
// SOURCE include/noria/queue/consumer.hpp: popped<T> receive(limit how_long) noexcept {
// SOURCE include/noria/queue/consumer.hpp: struct showing {
// SOURCE include/noria/queue/producer.hpp: bool send(argument message, limit how_long) noexcept {
//
// Runs       kind, options | states expected, or the text of what must be found | what it shows; about 45 s in all but for DEEP
// CHECK  -DSCENES | 6988606 | deaths, leaves, throws, in rings of one and two slots
// CHECK  -DNO_SLICE -DLEAVES=2 | 356790 | every ring that is needed is there
// CHECK  -DNO_SLICE -DDEATHS=2 -DMESSAGES=1 | 533885 | and recovery rings for the dead
// FINITE -DDEATHS=1 | 271063 | no run goes on for ever
// DEEP   -DDEATHS=2 -DLEAVES=1 | 16272645 | more of it, for who has minutes
// DEEP   -DDEATHS=3 | 10686425 | a death over a death over a death
// DEEP   -DDEATHS=2 -DCAPACITY=2 -DMESSAGES=3 | 3539504 | two slots
// MUTANT -DDEATHS=1 -DCOUNT_FIRST | (closed&& | tail stored before the word
// MUTANT -DDEATHS=1 -DNO_SCAN | (at==sent) | a new writer believes the tail
// MUTANT -DDEATHS=1 -DNO_HOLD | ((mine>at)==held) | `taken` not stored before a message is handed out
// MUTANT -DDEATHS=1 -DTHROWS=1 -DTAKEN_FIRST | ((mine>at)==held) | put_back stores taken before seen
// MUTANT -DDEATHS=2 -DNO_JOURNAL | (deaths[me]==killed_in[me]) | a second recoverer makes a new plan
// MUTANT -DDEATHS=2 -DVALID_LATE | (deaths[me]==killed_in[me]) | the journal is applied before it is valid
// MUTANT -DDEATHS=2 -DJOURNAL_KEPT | (deaths[me]==killed_in[me]) | a newcomer leaves the old journal valid
// MUTANT -DDEATHS=2 -DFREE_FIRST | death== | the record is free before the targets are stored
// MUTANT -DDEATHS=2 -DNO_LOCK | (deaths[(1-me)]==killed_in[(1-me)]) | recovers without the entry's lock
// MUTANT -DNO_PROOF | (deaths[(1-me)]==killed_in[(1-me)]) | recovers from the living
// MUTANT -DLEAVES=1 -DNO_SECOND_LOOK | was_done | empty, then closed, without a second look
// MUTANT -DDEATHS=2 -DEND_UNCONFIRMED | death== | how it ended is read while the record may be alive
// MUTANT -DDEATHS=2 -DDEATH_UNCONFIRMED | death== | ... and may become so
// MUTANT -DDEATHS=2 -DNUMBER_UNCONFIRMED | was_done | the end's number is not looked at again
// MUTANT -DDEATHS=2 -DGENERATION_ONLY | death== | the generation looked at again, in place of these three; how it ended read after
// MUTANT -DDEATHS=2 -DNO_SLICE -DFREE_BEFORE_RING | (closed&& | recovery rings only when nobody will recover any more
// MUTANT -DLEAVES=1 -DNO_SLICE -DLEAVE_SILENTLY | (reported | leaves without ringing
// MUTANT -DNO_SLICE -DCOMMIT_SILENTLY | (closed&& | commits without ringing
// MUTANT -DNO_SLICE -DRELEASE_SILENTLY | (closed&& | releases without ringing
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#ifndef THROWS
#define THROWS 0
#endif

#define P 0
#define C 1
#define NOBODY 2
#define OTHER (1 - me)
#define BIT(number) (1 << (number))

#define NOTHING 0
#define READY 1
#define ENDED 2

// The file. What is indexed by two belongs to the role P or C.
byte word[2];                                               // of a slot: 1 + the number of its message; 0 before the first
byte tail, head, taken, seen, redelivered;                  // producer line, consumer line
byte generation[2], ended[2], died[2], heard[2], deaths[2]; // stream lines
bool alive[2];                                              // roster: the entry's state,
byte incarnation[2];                                        // whose it is,
bool journal_valid[2];                                      // and the journal of its recovery
byte journal_deaths[2], journal_seen, journal_redelivered;
bool armed[2];                                              // event words; event_count.pml has their inside

// The kernel: who has the lock on the entry's byte. With one process for each role, the role's byte is always free.
byte entry_lock[2] = NOBODY;

// The scene: how large the ring is, how many messages there will be, and what may happen yet.
byte capacity, all;
byte deaths_left, leaves_left, throws_left;

// The truth, which the protocol does not read.
byte sent;               // messages committed
bool held;               // the message at head was handed out in a lease before
byte again;              // redeliveries
byte uncounted;          // ... less those that a death in put_back() kept from being counted
byte killed_in[2];       // deaths of inhabitants
byte abandoned[2];       // bit n: stream n ended by a death
byte reported[2];        // bit n: somebody of the other role was told that stream n ended
bool unheard;            // a leaver died before it told the other role
bool closed;             // the last producer left, all sent

// One step, or death in its place.
#define STEP(...) if :: d_step { __VA_ARGS__ } :: atomic { deaths_left > 0 -> deaths_left--; goto killed } fi

#define HOLDS(position) (word[(position) % capacity] == (position) + 1)
#define ROOM (at - head < capacity)

// find_tail: what a dead writer published and did not count. Nobody writes words meanwhile: their writer is dead, or us.
#ifdef NO_SCAN
#define SCANNED tail
#else
#define SCANNED (HOLDS(tail) -> tail + 1 : tail)
#endif
#define REPAIR assert(SCANNED - head <= capacity); tail = SCANNED

#define HELD (taken > head)

// event_count::bell, ring or rouse. That nobody sleeps through it is event_count.pml's to show.
#define RING(role) STEP(armed[role] = false)

inline recover(gone) {
    if
#ifdef NO_JOURNAL
    :: true ->
#else
    :: !journal_valid[gone] ->
#endif
        STEP(
            if
            :: gone == C ->
                journal_seen = (HELD && seen < taken -> taken : seen);
                journal_redelivered = redelivered + (HELD -> 1 : 0)
            :: else fi;
            journal_deaths[gone] = deaths[gone] + 1
        )
#ifndef VALID_LATE
        STEP(journal_valid[gone] = true)
#endif
    :: else fi;
#ifdef FREE_FIRST
    STEP(alive[gone] = false)
#endif
    if
    :: gone == P -> STEP(REPAIR)
    :: else ->
        STEP(seen = journal_seen)
        STEP(redelivered = journal_redelivered)
        STEP(taken = head)
    fi;
    STEP(deaths[gone] = journal_deaths[gone])
#ifdef VALID_LATE
    STEP(journal_valid[gone] = true)
#endif
    STEP(died[gone] = incarnation[gone])
    STEP(ended[gone] = incarnation[gone])
#ifndef FREE_BEFORE_RING
    RING(1 - gone)
#endif
    STEP(
        alive[gone] = false;
        assert(deaths[gone] == killed_in[gone]);
        assert(gone == P || redelivered + uncounted == again)
    )
    RING(1 - gone)
}

// Nothing is left to do for me: then, and only then, is it an end that the other role is gone.
#define DONE (me == P -> !ROOM : at == sent)

// inhabited(), asking the kernel; `there`: somebody lives, or is about to be buried by somebody else.
inline inhabited() {
    STEP(there = alive[OTHER]; was_done = DONE)
    if
    :: there ->
        STEP( // is_locked, try_lock; and with the lock the record is read again, which nobody can change any more
            if
#ifdef NO_PROOF
            :: true ->
#else
            :: entry_lock[OTHER] == NOBODY ->
#endif
#ifndef NO_LOCK
                entry_lock[OTHER] = me;
#endif
                there = false;
                unburied = alive[OTHER]
            :: else fi
        )
        if
        :: !there ->
            if :: unburied -> unburied = false; recover(OTHER) :: else fi;
            STEP(if :: entry_lock[OTHER] == me -> entry_lock[OTHER] = NOBODY :: else fi; was_done = DONE)
        :: else fi
    :: else fi
}

inline look() {
    STEP(
        if
        :: me == P -> assert(at - head <= capacity); found = (ROOM -> READY : NOTHING)
        :: else ->
            assert(HOLDS(at) || word[at % capacity] == 0 || word[at % capacity] + capacity == at + 1);
            found = (HOLDS(at) -> READY : NOTHING)
        fi
    )
}

#define NEWS(number) ((number) != ended_at_attach || (me == C && (at != at_attach || heard[OTHER] != (number))))

inline survey() {
    look();
    if
    :: found == NOTHING ->
#ifdef GENERATION_ONLY
        STEP(g = generation[OTHER])
#endif
        inhabited();
        if
        :: !there ->
            STEP(number = ended[OTHER])
            if
            :: number != 0 && number != told ->
#ifndef NO_SECOND_LOOK
                look();
#endif
                if
                :: found == NOTHING ->
#ifdef GENERATION_ONLY
                    STEP(there = (g != generation[OTHER]))
#else
#ifndef END_UNCONFIRMED
                    STEP(there = alive[OTHER])
#endif
                    if
                    :: !there ->
                        STEP(death = (died[OTHER] == number))
#ifndef DEATH_UNCONFIRMED
                        STEP(there = alive[OTHER]; was_done = DONE)
#endif
#ifndef NUMBER_UNCONFIRMED
                        STEP(there = there || ended[OTHER] != number)
#endif
                    :: else fi;
#endif
                    if :: !there -> hear_end() :: else fi
                :: else fi
            :: else fi
        :: else fi
    :: else fi;
    there = false; g = 0; number = 0; was_done = false; death = false
}

inline hear_end() {
    STEP(there = NEWS(number))
    if
    :: there ->
#ifdef GENERATION_ONLY
        STEP(death = (died[OTHER] == number))
#endif
        STEP(
            if :: me == C -> heard[P] = number; reported[P] = reported[P] | BIT(number) :: else fi;
            told = number;
            found = ENDED;
            assert(was_done);
            assert(death == ((abandoned[OTHER] & BIT(number)) != 0))
        )
    :: else fi
}

// What a survey would find: whoever sleeps in slices will see it, whether or not somebody rings.
#define SOMETHING \
    ((me == P -> ROOM : HOLDS(at)) || (alive[OTHER] -> entry_lock[OTHER] == NOBODY : \
        ended[OTHER] != 0 && ended[OTHER] != told && NEWS(ended[OTHER])))
#ifdef NO_SLICE
#define WOKEN !armed[me]
#else
#define WOKEN (!armed[me] || SOMETHING)
#endif

inline wait() {
    do
    :: STEP(armed[me] = true)
        survey();
        if :: found != NOTHING -> break :: else fi;
end_asleep:
        STEP(WOKEN -> skip)
    od
}

inline come() {
    STEP(entry_lock[me] == NOBODY -> entry_lock[me] = me; unburied = alive[me])
    if :: unburied -> unburied = false; recover(me) :: else fi;
    STEP( // take_over
        if
        :: me == P -> REPAIR; at = tail
        :: else -> at = head; mine = seen; taken = head; assert(tail + 1 >= head)
        fi
    )
    inhabited();
    there = false; was_done = false;
    STEP(ended_at_attach = ended[OTHER]; at_attach = at)
    STEP(
#ifndef JOURNAL_KEPT
        journal_valid[me] = false;
#endif
        incarnation[me] = generation[me] + 1
    )
    STEP(generation[me] = generation[me] + 1)
    STEP(alive[me] = true; moved_in = true)
    if :: me == C -> RING(P) :: else fi
}

#define FORGET \
    at = 0; mine = 0; at_attach = 0; ended_at_attach = 0; told = 0; found = 0; g = 0; number = 0; \
    there = false; unburied = false; was_done = false; moved_in = false; leaving = false; death = false

inline leave(finally) {
    STEP(ended[me] = incarnation[me])
    STEP(alive[me] = false; moved_in = false; closed = closed || finally; leaving = true)
#ifndef LEAVE_SILENTLY
    STEP(armed[OTHER] = false; leaving = false)
#endif
    STEP(entry_lock[me] = NOBODY; FORGET)
}

inline die() {
    atomic {
        if
        :: moved_in ->
            killed_in[me]++;
            abandoned[me] = abandoned[me] | BIT(incarnation[me]);
            if :: me == C && HELD -> again++ :: else fi
        :: else -> unheard = unheard || leaving
        fi;
        if :: entry_lock[P] == me -> entry_lock[P] = NOBODY :: else fi;
        if :: entry_lock[C] == me -> entry_lock[C] = NOBODY :: else fi;
        FORGET
    }
}

inline send() {
#ifdef COUNT_FIRST
    STEP(tail = at + 1)
#endif
    STEP(
        assert(at == sent); // neither over a message that is there, nor behind a gap
        assert(ROOM);
        word[at % capacity] = at + 1;
        sent++
    )
    STEP(at++; tail = at)
#ifndef COMMIT_SILENTLY
    RING(C)
#endif
}

inline put_back() {
#ifdef TAKEN_FIRST
    STEP(taken = head; again++; uncounted++)
#endif
    if :: mine <= at -> STEP(mine = at + 1; seen = mine) :: else fi;
#ifndef TAKEN_FIRST
    STEP(taken = head; again++; uncounted++)
#endif
    STEP(redelivered++; uncounted--)
    found = NOTHING
}

inline receive() {
    d_step { // what the user is given
        assert(at == head && at < sent);
        assert((mine > at) == held) // deliveries()
    };
    if
    :: true // pop
    :: STEP( // hold
#ifndef NO_HOLD
            taken = at + 1;
#endif
            held = true
        )
        if
        :: true
        :: atomic { throws_left > 0 -> throws_left-- }; put_back()
        fi
    fi;
    if
    :: found == READY -> // release
        STEP(at++; head = at; held = false)
#ifndef RELEASE_SILENTLY
        RING(P)
#endif
    :: else fi
}

proctype endpoint(byte me) {
    byte at;                       // tail_ or head_
    byte mine;                     // seen_
    byte at_attach, ended_at_attach, told;
    byte found, g, number;
    bool there, unburied, was_done, death;
    bool moved_in, leaving;        // the truth: it is an inhabitant; it is none any more, and has the other role to tell
newcomer:
    come();
    do
    :: me == C || at < all ->
        wait();
        if
        :: found == READY && me == P -> send()
        :: found == READY && me == C -> receive()
        :: found == ENDED && closed && told == ended[P] -> break
        :: else fi;
        found = NOTHING
    :: atomic { leaves_left > 0 && (me == C || at < all) -> leaves_left-- }; leave(false); goto newcomer
    :: me == P && at == all -> break
    od;
    leave(me == P);
    goto gone;
killed:
    die();
    if
    :: me == P && closed // it had left, all but the lock
    :: else -> goto newcomer
    fi;
gone:
    skip
}

inline scene(room, messages, deaths_yet, leaves_yet, throws_yet) {
    capacity = room; all = messages; deaths_left = deaths_yet; leaves_left = leaves_yet; throws_left = throws_yet
}

init {
    atomic {
#if defined(SCENES)
        if // all in one search, for compiling takes longer than searching
        :: scene(1, 2, 2, 0, 0)
        :: scene(1, 1, 3, 0, 0)
        :: scene(1, 2, 1, 1, 0)
        :: scene(1, 2, 1, 0, 1)
        :: scene(2, 3, 1, 0, 0)
        fi;
#else
        scene(CAPACITY, MESSAGES, DEATHS, LEAVES, THROWS);
#endif
        run endpoint(P); run endpoint(C)
    };
    timeout; // whoever waits, waits for good
    assert(closed && sent == all && head == all && tail == all);
    assert(deaths[P] == killed_in[P] && deaths[C] == killed_in[C] && redelivered + uncounted == again);
#ifdef NO_SLICE
    if :: unheard -> goto excused :: else fi;
#endif
    assert(reported[P] & BIT(ended[P]));
excused:
    skip
}
// SPDX-License-Identifier: BSL-1.0
