// slot_ring.pml: producers and consumers of an mpmc queue claim, hold, give back, put back, die anywhere and bury each other.
//
// Models     The ring of slots: claim, write, commit, give back; take, release, put back; the walks from private positions; the
//            look behind after a raise of `returned`; the tallies with their notes; the roster of a crowd: coming, leaving,
//            burying, the journal, the departures; the end of a stream. Each store that another process, or the finder of a
//            corpse, can see is one step; any of DEATHS may take the place of any step. The kernel drops a dead one's lock; a
//            newcomer takes its place, some time, with a hint as old as can be; one of two dead consumers may stay away.
// Merged     A load of a slot's word with the exchange that it is for: the exchange fails if the word has changed. The journal's
//            fields before journal_valid; the tally's targets, which only sums read; the scan of a dead one's slots, which nobody
//            changes. Going on by a slot's lap: here an endpoint goes on by one position.
// Leaves out Event words (event_count.pml): whoever waits here looks again when something has changed. Roles' comings do not
//            move entries: each takes its own. Hints: a newcomer begins at 0. Lengths, interrupt(), deadlines; parking (parking.pml).
// Properties Each committed message is received, and no other; again only when it says so, which it does exactly if it was in
//            somebody's hands before. One holder at a time. Positions are claimed without a gap. When nothing can move any more:
//            everybody has left, `sent`, `received`, `given_back`, `skipped` are what was done, and every slot is free. An end is
//            told only if, at some moment, no producer was alive and nothing was left to do.
//
// SOURCE include/noria/ring/slot_ring.hpp: [[nodiscard]] std::byte* claim(
// SOURCE include/noria/ring/slot_ring.hpp: void commit(
// SOURCE include/noria/ring/slot_ring.hpp: [[nodiscard]] const std::byte* take() noexcept {
// SOURCE include/noria/ring/slot_ring.hpp: bool release(
// SOURCE include/noria/ring/slot_ring.hpp: void free(
// SOURCE include/noria/layout/slot_word.hpp: constexpr bool is_impossible(
// SOURCE include/noria/layout/tally_line.hpp: struct tally_line {
// SOURCE lib/ring/slot_ring.cpp: void slot_writer::give_back(
// SOURCE lib/ring/slot_ring.cpp: sight slot_writer::look(
// SOURCE lib/ring/slot_ring.cpp: bool slot_reader::look_behind(
// SOURCE lib/ring/slot_ring.cpp: sight slot_reader::look(
// SOURCE lib/ring/slot_ring.cpp: bool slot_reader::put_back(
// SOURCE lib/ring/slot_ring.cpp: sight slot_reader::drained(
// SOURCE lib/ring/slot_ring.cpp: layout::tally_line tally_after(
// SOURCE lib/ring/slot_ring.cpp: void release_dead(
// SOURCE lib/ring/slot_ring.cpp: void raise_returned(
// SOURCE lib/queue/crowd.cpp: bool recover_entry(
// SOURCE lib/queue/crowd.cpp: bool bury_before_joining(
// SOURCE lib/queue/crowd.cpp: int take_free_entry(
// SOURCE lib/queue/crowd.cpp: failure join_crowd(
// SOURCE lib/queue/crowd.cpp: std::uint64_t show_in_crowd(
// SOURCE lib/queue/crowd.cpp: void leave_crowd(
// Not modelled: a question to the kernel that stays without an answer, or a foreign lock (entry_locks.hpp). Then an endpoint
// does nothing but say so: it recovers nothing and tells of no end.
// SOURCE lib/queue/crowd.cpp: presence crowd_has(
// SOURCE lib/queue/crowd.cpp: fate bury(
// SOURCE lib/queue/endpoint.cpp: ring::sight endpoint::look_past_the_dead(
// SOURCE lib/queue/endpoint.cpp: outcome endpoint::survey(
//
// Runs       kind, options | states expected, or the text of what must be found | what it shows
// CHECK  -DSLOTS=1 -DMESSAGES=2 -DDEATHS=2 | 324050 | a death over a death
// CHECK  -DPRODUCERS=2 -DSLOTS=1 -DDEATHS=1 -DGIVES=1 | 4100990 | two writers at one slot, a hole, a death
// CHECK  -DCONSUMERS=2 -DSLOTS=1 -DDEATHS=1 -DTHROWS=1 | 3969305 | two readers, one puts back, one dies
// CHECK  -DPRODUCERS=2 -DCONSUMERS=2 -DSLOTS=2 | 1383257 | two and two, nobody dies
// DEEP   -DPRODUCERS=2 -DCONSUMERS=2 -DSLOTS=1 -DDEATHS=1 | 1 | ... one dies
// DEEP   -DCONSUMERS=2 -DSLOTS=2 -DMESSAGES=2 -DDEATHS=1 | 5378426 | two slots
// DEEP   -DPRODUCERS=2 -DSLOTS=2 -DDEATHS=1 -DGIVES=1 | 5983279 | two slots, a hole
// MUTANT -DCONSUMERS=2 -DDEATHS=1 -DNO_RAISE | released==committed | recovery does not say that something is ready again
// MUTANT -DCONSUMERS=2 -DMESSAGES=2 -DDEATHS=1 -DRAISE_FIRST | released==committed | recovery says so before it is
// MUTANT -DCONSUMERS=2 -DTHROWS=1 -DPUT_BACK_SILENTLY | released==committed | so does not who puts back
// MUTANT -DDEATHS=1 -DNO_SWEEP | released==committed | a newcomer does not look for what was put back before
// MUTANT -DDEATHS=1 -DNO_FLAG | seen_by | a redelivery does not say that it is one
// MUTANT -DDEATHS=1 -DNO_NOTES | s==committed | what was counted counts, done or not
// MUTANT -DDEATHS=2 -DNO_JOURNAL | k==lost | a second recoverer makes a new plan
// MUTANT -DDEATHS=2 -DFREE_FIRST | s==committed | the record is free before its claims and leases are
// MUTANT -DPRODUCERS=2 -DDEATHS=1 -DOWNER_APART | released==committed | the owner is stored apart from the claim
// MUTANT -DPRODUCERS=2 -DSLOTS=1 -DNO_PROOF | assert | recovers from the living
// MUTANT -DPRODUCERS=2 -DGIVES=1 -DHOLE_IN_ITS_LAP | assert | a hole does not end its slot's lap
// MUTANT -DCONSUMERS=2 -DMESSAGES=2 -DDEATHS=1 -DON_FROM_AN_EARLIER_LAP | released==committed | a reader goes on from a slot of an earlier lap
// MUTANT -DCONSUMERS=2 -DHELD_IS_NOTHING | was_done | an end is told while a message is in another's hands
// MUTANT -DPRODUCERS=2 -DNO_SECOND_LOOK | was_done | empty, then closed, without a second look
// MUTANT -DPRODUCERS=2 -DNUMBER_UNCONFIRMED | released==committed | the end's number is not looked at again
#ifndef PRODUCERS
#define PRODUCERS 1
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef MESSAGES
#define MESSAGES 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef GIVES
#define GIVES 0
#endif
#ifndef THROWS
#define THROWS 0
#endif

#define ALL (PRODUCERS + CONSUMERS)
#define NOBODY ALL
#define PRODUCES(who) ((who) < PRODUCERS)

#define FREE 0
#define CLAIMED 1
#define READY 2
#define HELD 3

// The file.
typedef slot_type {
    byte lap, phase, owner, deliveries; // the word; owner counts where phase is claimed or held
    byte message                        // 1 + its producer + PRODUCERS * its number
}
typedef tally_type {
    byte sent, given_back, received, skipped, redelivered;
    byte committing[2], giving_back[2], releasing[2] // 1 + the position
}
typedef entry_type {
    bool alive, journal_valid;
    byte j_sent, j_given_back, j_received, j_skipped, j_redelivered
}
slot_type slot[SLOTS];
tally_type tally[ALL];
entry_type entry[ALL];
byte returned;
byte departures; // `ended` of the producers

byte entry_lock[ALL] = NOBODY; // the kernel's

// The truth, which the protocol does not read.
byte deaths_left = DEATHS, gives_left = GIVES, throws_left = THROWS;
byte committed, released, holes, lost, handed; // messages, messages, claims given back, claims that died, returns
byte claims;                                   // the true tail
byte number[PRODUCERS];                        // of the next message that a producer sends
byte seen_by[PRODUCERS * MESSAGES + 1];        // how often that message was in somebody's hands
bool quit[ALL];                                // that endpoint has left for good
bool gone[PRODUCERS * MESSAGES + 1];           // it was released
byte left;                                     // leavings for good
bool missing;                                  // one of two consumers died, and stayed away

#define STEP(...) if :: d_step { __VA_ARGS__ } :: atomic { deaths_left > 0 -> deaths_left--; goto killed } fi

#define AT(position) slot[(position) % SLOTS]
#define LAP(position) ((position) / SLOTS)
#define POSITION(i) (slot[i].lap * SLOTS + (i))
#define OWNED(i, who) ((slot[i].phase == CLAIMED || slot[i].phase == HELD) && slot[i].owner == (who))

// tally_after: one that was counted and is still in its owner's hands was not done.
#ifdef NO_NOTES
#define UNDONE(count, notes, i) false
#else
#define UNDONE(count, notes, i) ((count) > 0 && notes[((count) - 1) % 2] == POSITION(i) + 1)
#endif
inline plan(dead) {
    entry[dead].j_sent = tally[dead].sent;
    entry[dead].j_given_back = tally[dead].given_back;
    entry[dead].j_received = tally[dead].received;
    entry[dead].j_skipped = tally[dead].skipped;
    entry[dead].j_redelivered = tally[dead].redelivered;
    i = 0;
    do
    :: i < SLOTS ->
        if
        :: OWNED(i, dead) && slot[i].phase == CLAIMED ->
            if :: UNDONE(tally[dead].sent, tally[dead].committing, i) -> entry[dead].j_sent-- :: else fi;
            if :: UNDONE(tally[dead].given_back, tally[dead].giving_back, i) -> entry[dead].j_given_back-- :: else fi;
            entry[dead].j_skipped++
        :: OWNED(i, dead) && slot[i].phase == HELD ->
            if :: UNDONE(tally[dead].received, tally[dead].releasing, i) -> entry[dead].j_received-- :: else fi;
            entry[dead].j_redelivered++
        :: else fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline recover(dead) {
    if
#ifdef NO_JOURNAL
    :: true ->
#else
    :: !entry[dead].journal_valid ->
#endif
        STEP(plan(dead))
        STEP(entry[dead].journal_valid = true)
    :: else fi;
#ifdef RAISE_FIRST
    STEP(returned++)
#endif
#ifdef FREE_FIRST
    STEP(entry[dead].alive = false)
#endif
    do
    :: k < SLOTS ->
        STEP(
            if
            :: OWNED(k, dead) && slot[k].phase == CLAIMED ->
                slot[k].phase = FREE; slot[k].lap++; slot[k].message = 0; lost++
            :: OWNED(k, dead) && slot[k].phase == HELD ->
                slot[k].phase = READY; handed++;
#ifndef NO_FLAG
                slot[k].deliveries++
#endif
            :: else fi;
            k++
        )
    :: else -> break
    od;
    k = 0;
#if !defined(NO_RAISE) && !defined(RAISE_FIRST)
    STEP(returned++)
#endif
    STEP(
        tally[dead].sent = entry[dead].j_sent;
        tally[dead].given_back = entry[dead].j_given_back;
        tally[dead].received = entry[dead].j_received;
        tally[dead].skipped = entry[dead].j_skipped;
        tally[dead].redelivered = entry[dead].j_redelivered
    )
    STEP(if :: PRODUCES(dead) -> departures++ :: else fi)
    STEP(entry[dead].alive = false)
}

// Whoever then has the lock, and finds the record alive, has the proof of death.
inline bury(who) {
    STEP(
        if
#ifdef NO_PROOF
        :: entry[who].alive -> entry_lock[who] = me; mine = true
#else
        :: entry[who].alive && entry_lock[who] == NOBODY -> entry_lock[who] = me; mine = true
#endif
        :: else fi
    )
    if
    :: mine ->
        mine = false;
        STEP(dead = entry[who].alive)
        if :: dead -> dead = false; recover(who) :: else fi;
        STEP(entry_lock[who] = NOBODY)
    :: else fi
}

#ifdef NO_PROOF
#define CORPSE(who) (entry[who].alive && !quit[who])
#else
#define CORPSE(who) (entry[who].alive && entry_lock[who] == NOBODY)
#endif
inline bury_somebody() {
    w = 0;
    do
    :: w < ALL && w != me && CORPSE(w) -> bury(w); break
    :: w < ALL && !(w != me && CORPSE(w)) -> w++
    :: else -> break
    od;
    w = 0
}
#define ANY_CORPSE \
    ((0 != me && CORPSE(0)) || (1 != me && CORPSE(1)) || (ALL > 2 && 2 != me && CORPSE(2 % ALL)) || \
        (ALL > 3 && 3 != me && CORPSE(3 % ALL)))

inline come() {
    STEP(entry_lock[me] == NOBODY -> entry_lock[me] = me; dead = entry[me].alive)
    if :: dead -> dead = false; recover(me) :: else fi;
#ifdef NO_SWEEP
    STEP(entry[me].journal_valid = false; at = claims; seen = returned)
#else
    STEP(entry[me].journal_valid = false; at = 0; seen = 255)
#endif
    STEP(entry[me].alive = true)
}

inline leave() {
    STEP(if :: PRODUCES(me) -> departures++ :: else fi)
    STEP(entry[me].alive = false; left++; quit[me] = true)
    STEP(entry_lock[me] = NOBODY)
}

inline produce() {
    do
    :: // claim: to the first position that nobody has claimed
        STEP(
            found = 0;
            if
            :: AT(at).lap == LAP(at) && AT(at).phase == FREE ->
                assert(at == claims); // L1
#ifdef OWNER_APART
                AT(at).phase = CLAIMED; AT(at).owner = NOBODY; claims++; found = 1
#else
                AT(at).phase = CLAIMED; AT(at).owner = me; claims++; found = 1
#endif
            :: AT(at).lap > LAP(at) || (AT(at).lap == LAP(at) && AT(at).phase != FREE) -> at++; found = 2
            :: AT(at).lap < LAP(at) -> assert(AT(at).lap + 1 == LAP(at) && AT(at).phase != FREE)
            fi
        )
#ifdef OWNER_APART
        if :: found == 1 -> STEP(AT(at).owner = me) :: else fi;
#endif
        if
        :: found == 1 -> break
        :: found == 2
        :: found == 0 -> // full
            if
            :: ANY_CORPSE -> bury_somebody()
            :: AT(at).lap >= LAP(at)
            fi
        fi
    od;
    if
    :: atomic { gives_left > 0 -> gives_left-- };
        STEP(tally[me].giving_back[tally[me].given_back % 2] = at + 1)
        STEP(tally[me].given_back++)
#ifdef HOLE_IN_ITS_LAP
        STEP(AT(at).phase = FREE; holes++)
#else
        STEP(AT(at).phase = FREE; AT(at).lap++; holes++)
#endif
    :: true ->
        STEP(AT(at).message = 1 + me + PRODUCERS * number[me])
        STEP(tally[me].committing[tally[me].sent % 2] = at + 1)
        STEP(tally[me].sent++)
        STEP(AT(at).phase = READY; AT(at).deliveries = 0; committed++; number[me]++)
    fi;
    found = 0;
    STEP(at++)
}

// No message is left, and none is in another's hands.
#define OPEN(i) (slot[i].phase != FREE && !(slot[i].phase == HELD && slot[i].owner == me))
#define DRAINED (!OPEN(0) && !OPEN(SLOTS - 1))
#ifdef HELD_IS_NOTHING
#define EMPTY (slot[0].phase % 3 == FREE && slot[SLOTS - 1].phase % 3 == FREE)
#else
#define EMPTY DRAINED
#endif
#define PRODUCERS_ALIVE (entry[0].alive || entry[PRODUCERS - 1].alive)

// One look; found: 1 ours, 2 look on, 3 the stream has ended, 0 nothing.
inline look() {
    found = 0;
    if
    :: seen != returned -> // look behind
        STEP(seen = returned; first = at)
        do
        :: k < SLOTS -> STEP(if :: slot[k].phase == READY && POSITION(k) < first -> first = POSITION(k) :: else fi; k++)
        :: else -> break
        od;
        k = 0;
        STEP(at = first; first = 0)
    :: else fi;
    STEP(
        if
        :: AT(at).lap == LAP(at) && AT(at).phase == READY -> // take
            AT(at).phase = HELD; AT(at).owner = me; held = at + 1; found = 1;
            assert(!gone[AT(at).message] && AT(at).message != 0);
            assert((AT(at).deliveries > 0) == (seen_by[AT(at).message] > 0));
            seen_by[AT(at).message]++;
            at++
        :: AT(at).lap > LAP(at) || (AT(at).lap == LAP(at) && AT(at).phase == HELD) -> at++; found = 2
        :: AT(at).lap == LAP(at) && (AT(at).phase == FREE || AT(at).phase == CLAIMED)
        :: AT(at).lap < LAP(at) ->
#ifdef ON_FROM_AN_EARLIER_LAP
            if :: at < 6 -> at++; found = 2 :: else fi
#else
            assert(AT(at).lap + 1 == LAP(at) && (AT(at).phase == READY || AT(at).phase == HELD))
#endif
        fi
    )
}

inline survey_end() {
    STEP(there = PRODUCERS_ALIVE)
    if
    :: !there ->
        STEP(count = departures)
#ifdef NO_SECOND_LOOK
        STEP(was_done = DRAINED && !PRODUCERS_ALIVE)
#else
        STEP(there = (seen != returned) || !EMPTY; was_done = DRAINED && !PRODUCERS_ALIVE)
#endif
        if
        :: !there ->
            STEP(there = PRODUCERS_ALIVE; was_done = was_done || (DRAINED && !PRODUCERS_ALIVE))
#ifdef NUMBER_UNCONFIRMED
            count = departures;
#endif
            STEP(there = there || departures != count; last = quit[0] && quit[PRODUCERS - 1])
            if
            :: !there && count != 0 -> assert(was_done); found = 3
            :: else fi
        :: else fi
    :: else fi;
    there = false; count = 0; was_done = false
}

// Whether a look would find something, or an end; whoever waits looks again then, whoever rang.
#define SOMETHING \
    (seen != returned || AT(at).lap > LAP(at) || (AT(at).lap == LAP(at) && (AT(at).phase == READY || AT(at).phase == HELD)))

inline consume() {
    do
    :: look();
        if
        :: found == 1 -> break
        :: found == 2
        :: found == 0 ->
            survey_end();
            if
            :: found == 3 -> break
            :: found == 0 ->
end_waiting:
                if
                :: ANY_CORPSE -> bury_somebody()
                :: SOMETHING
                :: !PRODUCERS_ALIVE && departures != 0 && DRAINED
                fi
            fi
        fi
    od;
    if
    :: found == 1 ->
        if
        :: atomic { throws_left > 0 -> throws_left-- };
            STEP(AT(held - 1).phase = READY; AT(held - 1).deliveries++; handed++)
            STEP(tally[me].redelivered++)
#ifndef PUT_BACK_SILENTLY
            STEP(returned++)
#endif
        :: true ->
            STEP(tally[me].releasing[tally[me].received % 2] = held)
            STEP(tally[me].received++)
            STEP(
                gone[AT(held - 1).message] = true;
                AT(held - 1).phase = FREE; AT(held - 1).lap++; AT(held - 1).message = 0; released++
            )
        fi
    :: else fi;
    held = 0
}

#define FORGET \
    at = 0; held = 0; seen = 0; first = 0; found = 0; k = 0; w = 0; i = 0; count = 0; \
    mine = false; dead = false; there = false; was_done = false; last = false

proctype endpoint(byte me) {
    byte at, held, seen, first, found, k, w, i, count;
    bool mine, dead, there, was_done, last; // last: it was the end of all producers
newcomer:
    come();
    do
    :: PRODUCES(me) && number[me] < MESSAGES -> produce()
    :: PRODUCES(me) && number[me] == MESSAGES -> break
    :: !PRODUCES(me) ->
        consume();
        if
        :: found == 3 && last -> break
        :: else -> found = 0; last = false
        fi
    od;
    leave();
    goto over;
killed:
    atomic {
        w = 0;
        do
        :: w < ALL -> if :: entry_lock[w] == me -> entry_lock[w] = NOBODY :: else fi; w++
        :: else -> break
        od;
        FORGET;
        if
        :: true
        :: CONSUMERS == 2 && !PRODUCES(me) && !missing -> missing = true; left++; goto over // nobody comes in its place
        fi
    };
    goto newcomer;
over:
    skip
}

init {
    byte e, s, g, r, k;
    atomic {
        do
        :: e < ALL -> run endpoint(e); e++
        :: else -> break
        od
    };
    timeout; // whoever waits, waits for good
    atomic {
        assert(committed == PRODUCERS * MESSAGES && released == committed);
        assert(left >= ALL);
        e = 0;
        do
        :: e < ALL ->
            s = s + tally[e].sent; g = g + tally[e].given_back; r = r + tally[e].received; k = k + tally[e].skipped; e++
        :: else -> break
        od;
        assert(s == committed && r == released && g == holes && k == lost);
        assert(claims == s + g + k);
        e = 0;
        do
        :: e < SLOTS -> assert(slot[e].phase == FREE); e++
        :: else -> break
        od
    }
}
// SPDX-License-Identifier: BSL-1.0
