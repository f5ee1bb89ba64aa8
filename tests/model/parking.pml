// parking.pml: messages of dead holders are parked by recoverers who die over it, and taken out by readers who die too.
//
// Models     park(), settle(), hand_over(), retrieve() and vacate(): entries that hold a message each, and are dead from the
//            beginning; recoverers who bury them, and each other's victims, under the entry's lock; a reader of the parking with an
//            entry of its own, buried likewise. Each store of a word is one step; any of DEATHS may take the place of any step.
// Merged     A load of a place's word with the exchange that it is for. The copy with the position: who may see them half done
//            looks at the word first. `copied` says whether they are whole.
// Leaves out The ring but for the slots of the messages in question (slot_ring.pml). Deliveries. A holder that parks what it threw
//            at is a recoverer of itself.
// Properties When nothing can move any more, each message is in one place: its slot, ready, since the parking was full; or a
//            place, whole; or it was taken out, once. No place is left in anybody's hands. What is read is whole.
//
// SOURCE lib/ring/parking.cpp: void hand_over(
// SOURCE lib/ring/parking.cpp: bool park(
// SOURCE lib/ring/parking.cpp: void settle(
// SOURCE lib/ring/parking.cpp: parking_place* retrieve(
// SOURCE lib/ring/parking.cpp: bool vacate(
// SOURCE lib/ring/slot_ring.cpp: void free_from_hand(
// SOURCE lib/ring/slot_ring.cpp: void release_dead(
//
// Runs       kind, options | states expected, or the text of what must be found | what it shows
// CHECK  -DPLACES=1 -DDEATHS=3 | 441624 | two messages for one place, three deaths
// CHECK  -DPLACES=2 -DDEATHS=3 | 1674918 | a place for each
// MUTANT -DPLACES=2 -DDEATHS=1 -DNO_SETTLE | where | what a dead recoverer was parking stays in its hands
// MUTANT -DPLACES=2 -DDEATHS=1 -DCLAIMED_COUNTS | copied | half a copy counts
// MUTANT -DPLACES=2 -DDEATHS=2 -DSLOT_FIRST | where | the slot is free before the copy counts
// MUTANT -DPLACES=2 -DDEATHS=1 -DOWNERLESS_FIRST | where | the place is anybody's before the slot is free
// MUTANT -DPLACES=2 -DDEATHS=1 -DLOST_WITH_READER | where | what a dead reader had taken out stays in its hands

#define ENTRIES 3 // two dead holders, and the reader of the parking
#define READER 2
#define NONE 3

mtype = { FREE, CLAIMED, READY, RETRIEVED, HELD };

mtype slot[2] = HELD;     // message m stands in slot m, held by entry m; READY: put back
mtype place[PLACES] = FREE;
byte owner[PLACES] = NONE;
byte message[PLACES];
bool copied[PLACES];
byte taken_out[2];
byte lock[ENTRIES];       // 0, or the process that has it
bool buried[ENTRIES];
bool left_alive;          // the reader has left by itself
byte deaths;

// One step; or a death, whereupon the kernel drops what the process has locked.
#define STEP(what) if :: d_step { what } :: d_step { deaths < DEATHS && _pid != immortal -> deaths++; drop() } -> goto killed fi
#define drop() if :: lock[0] == _pid -> lock[0] = 0 :: else fi; if :: lock[1] == _pid -> lock[1] = 0 :: else fi; \
    if :: lock[2] == _pid -> lock[2] = 0 :: else fi
byte immortal;

inline hand_over(e, p) {
#ifdef OWNERLESS_FIRST
    STEP(owner[p] = NONE);
#endif
    STEP(if :: message[p] == e && e < READER && slot[e] == HELD -> slot[e] = FREE :: else fi);
    STEP(owner[p] = NONE)
}

inline settle(e) {
    p = 0;
    do
    :: p < PLACES ->
        if
        :: owner[p] != e -> skip
#ifdef CLAIMED_COUNTS
        :: owner[p] == e && place[p] == CLAIMED -> STEP(place[p] = READY); hand_over(e, p)
#else
        :: owner[p] == e && place[p] == CLAIMED -> STEP(place[p] = FREE; owner[p] = NONE; copied[p] = false)
#endif
        :: owner[p] == e && place[p] == READY -> hand_over(e, p)
        :: owner[p] == e && place[p] == RETRIEVED ->
#ifdef LOST_WITH_READER
            skip
#else
            STEP(place[p] = READY; owner[p] = NONE)
#endif
        fi;
        p++
    :: else -> break
    od
}

inline park(e) {
    p = 0;
    do
    :: p == PLACES ->
        STEP(slot[e] = READY);
        break
    :: p < PLACES ->
        won = false;
        STEP(if :: place[p] == FREE -> place[p] = CLAIMED; owner[p] = e; won = true :: else fi);
        if
        :: won ->
#ifdef SLOT_FIRST
            STEP(slot[e] = FREE);
#endif
            STEP(message[p] = e; copied[p] = true);
            STEP(place[p] = READY);
            hand_over(e, p);
            break
        :: else -> p++
        fi
    od
}

#define TO_BURY(e) (lock[e] == 0 && !buried[e] && !(e == READER && left_alive))

proctype recoverer() {
    byte e, p;
    bool won;
again:
    e = 0; p = 0; won = false;
    do
    :: atomic { TO_BURY(0) -> e = 0; lock[0] = _pid }; goto bury
    :: atomic { TO_BURY(1) -> e = 1; lock[1] = _pid }; goto bury
    :: atomic { TO_BURY(2) -> e = 2; lock[2] = _pid }; goto bury
    :: buried[0] && buried[1] && (buried[2] || left_alive) -> break
    od;
    goto killed;
bury:
#ifndef NO_SETTLE
    settle(e);
#endif
    if
    :: e < READER && slot[e] == HELD -> park(e)
    :: else
    fi;
    STEP(buried[e] = true; lock[e] = 0);
    goto again;
killed:
    skip
}

// Takes out two messages at the most, from its own entry.
proctype reader() {
    byte p, rounds;
    bool won;
    do
    :: rounds < 2 ->
        rounds++;
        p = 0;
        do
        :: p < PLACES ->
            won = false;
            STEP(if :: place[p] == READY && owner[p] == NONE -> place[p] = RETRIEVED; owner[p] = READER; won = true :: else fi);
            if
            :: won ->
                assert(copied[p]);
                STEP(taken_out[message[p]]++; place[p] = FREE; owner[p] = NONE; copied[p] = false);
                break
            :: else -> p++
            fi
        :: else -> break
        od;
        won = false
    :: else -> break
    od;
    STEP(left_alive = true; lock[READER] = 0);
killed:
    skip
}

init {
    byte m, p, where;
    atomic {
        lock[READER] = run reader();
        run recoverer();
        run recoverer();
        immortal = run recoverer();
    };
    timeout;
    d_step {
        do
        :: m < 2 ->
            where = taken_out[m] + (slot[m] == READY -> 1 : 0);
            p = 0;
            do
            :: p < PLACES -> where = where + (place[p] == READY && message[p] == m -> 1 : 0); p++
            :: else -> break
            od;
            assert(where == 1 && slot[m] != HELD);
            m++
        :: else -> break
        od;
        p = 0;
        do
        :: p < PLACES ->
            bool left = (place[p] == CLAIMED || place[p] == RETRIEVED || owner[p] != NONE);
            assert(!left);
            assert(place[p] != READY || copied[p]);
            p++
        :: else -> break
        od
    }
}
// SPDX-License-Identifier: BSL-1.0
