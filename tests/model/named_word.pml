// named_word.pml: a verb behind a word that names an entry asks whether that word is a lie; and no honest word is taken for one.
//
// Models     endpoint::names_nobody() beside one entry of the roster: endpoints that come to it one after the other, take and free
//            words in its name, leave, or die and are recovered. One at a time has the lock of the entry, so they are one process.
//            Each load and each store is one step. The words may be those of any two slots, records or places of the parking.
// Leaves out What else stands in a word: the answer does not depend on it, so a word that was freed and taken again is the same.
//            Store buffers: the loads are acquire, and the stores that matter are releases or exchanges.
// Properties The answer is never "a lie".
//
// SOURCE lib/queue/endpoint.cpp: bool endpoint::names_nobody(
// SOURCE lib/queue/endpoint.cpp: void endpoint::detach(
// SOURCE lib/queue/crowd.cpp: void leave_crowd(
// SOURCE lib/queue/crowd.cpp: bool recover_entry(
// SOURCE lib/queue/roster.cpp: void move_out(
// SOURCE lib/queue/recovery.cpp: bool recover(
//
// Runs       kind, options | states expected, or the text of what must be found | what it shows
// CHECK  -DLIVES=4 | 1300 | four endpoints, one after the other, any of which dies
// MUTANT -DLIVES=3 -DNO_DEPARTURES | assert | that nobody came and went meanwhile is not asked
// MUTANT -DLIVES=2 -DNO_SECOND_STATE | assert | the record is not looked at again
// MUTANT -DLIVES=2 -DNO_SECOND_WORD | assert | the word is not looked at again
// MUTANT -DLIVES=2 -DENDED_LAST | assert | the record is free before the departure is counted
// MUTANT -DLIVES=2 -DRECORD_FIRST | assert | the record is free before the words are

bool alive;       // the state of the entry
bool named[2];    // a word names it
byte ended;       // departures

inline free_words() {
    named[0] = false;
    named[1] = false
}

active proctype endpoints() {
    byte lives = LIVES;
    do
    :: lives == 0 -> break
    :: else ->
        lives--;
        alive = true;
        do
        :: named[0] = true
        :: named[0] = false
        :: named[1] = true
        :: named[1] = false
        :: break // it leaves, or has died and is recovered: the same steps
        od;
#ifdef RECORD_FIRST
        ended++;
        alive = false;
        free_words()
#else
        free_words();
#ifdef ENDED_LAST
        alive = false;
        ended++
#else
        ended++;
        alive = false
#endif
#endif
    od
}

active proctype verb() {
    byte before;
    bool is_named;
    if
    :: named[0]
    :: named[1]
    :: goto honest // it finds no such word
    fi;
    before = ended;
    if
    :: alive -> goto honest
    :: !alive
    fi;
#ifndef NO_SECOND_WORD
    if
    :: is_named = named[0]
    :: is_named = named[1]
    fi;
    if
    :: !is_named -> goto honest
    :: else
    fi;
#endif
#ifndef NO_SECOND_STATE
    if
    :: alive -> goto honest
    :: !alive
    fi;
#endif
#ifdef NO_DEPARTURES
    assert(false);
#else
    assert(before != ended); // else it is said to be a lie
#endif
honest:
    skip
}

// SPDX-License-Identifier: BSL-1.0
