// event_count.pml: nobody sleeps on while what he waits for is done; with store buffers, and with death at every step.
//
// Models     The event word (armed bit, epoch, needs-fence bit), a futex, membarrier, and for each process that
//            publishes a store buffer (TSO): a plain store goes into the buffer and drains when it likes. A
//            read-modify-write or a full fence drains its own process's buffer; membarrier drains those of all
//            registered processes. A killed process's buffer drains all the same: what it stored, it stored. Each load,
//            store and system call is one step, and any of DEATHS may take the place of any of them; a dead sleeper has
//            a successor.
// Leaves out weaker orders than TSO: acquire and release of the ring's words are the sanitisers' matter. Wake-ups by
//            signals: the sleeper does what it does after any other. The epoch's wrap within one sleep: 2^30 rings.
// Property   Nobody sleeps for ever on something that is done (sleeps are unlimited, so that no slice hides a lost
//            wake-up): when nothing can move any more, every sleeper has seen every publication. Wakers publish up to
//            ROUNDS times and may stop after any. PING_PONG: a producer and a consumer of a ring of one slot, each with
//            a word of its own, each waking and sleeping in turn.
// Limits     Two losses are the protocol's own, and SLICE, limited sleeps, closes both. A waker killed between its
//            store and its wake-up tells nobody, until somebody recovers from its death and rouses (RECOVERED). Without
//            either the property is asked only of runs without such a death, unless UNEXCUSED. And where no membarrier
//            is to be had (UNREACHED: for the last sleeper), the store of a waker that looked at the word just before
//            the needs-fence bit was first set may stay in its buffer while all fall asleep.
// More       EARLY: each sleeper once wakes for nothing, and then sleeps on a word that it has armed already. FENCED: the needs-fence bit is set from the start. STRANGER: waker 0 is in no membarrier, and sets the bit
//            before it publishes. CALLER: wakers publish and ring as interrupt() does, with an exchange. LEAVER: waker
//            0 rouses, as who leaves does, whose death nobody recovers from; the next waker makes up for what it did
//            not do.
//
// SOURCE include/noria/sync/event_count.hpp: void bell() const noexcept {
// SOURCE include/noria/sync/event_count.hpp: void sleep(std::uint32_t armed
// SOURCE include/noria/sync/event_count.hpp: void require_fences() const noexcept {
// SOURCE lib/sync/event_count.cpp: void event_count::ring() const noexcept {
// SOURCE lib/sync/event_count.cpp: std::uint32_t advanced(
// SOURCE lib/sync/event_count.cpp: void event_count::rouse() const noexcept {
// SOURCE lib/sync/event_count.cpp: std::uint32_t event_count::arm(std::uint32_t earlier) const noexcept {
// SOURCE include/noria/layout/ring_words.hpp: struct event_line {
// SOURCE include/noria/layout/ring_words.hpp: constexpr std::uint32_t event_armed
// SOURCE include/noria/layout/ring_words.hpp: constexpr std::uint32_t event_needs_fence
// SOURCE include/noria/sync/event_count.hpp: bool asks() const noexcept {
// SOURCE include/noria/queue/endpoint.hpp: bool bell() noexcept {
// SOURCE include/noria/queue/endpoint.hpp: bool announce() noexcept {
// SOURCE lib/queue/endpoint.cpp: bool endpoint::ring_and_look() noexcept {
// SOURCE lib/queue/endpoint.cpp: bool endpoint::wait(limit how_long) noexcept {
// SOURCE lib/queue/endpoint.cpp: void endpoint::interrupt() noexcept {
// SOURCE lib/os/membarrier.cpp: bool barrier_everywhere() noexcept {
// SOURCE lib/os/futex.cpp: void futex_wait(std::uint32_t& word
// SOURCE lib/os/futex.cpp: void futex_wake_all(std::uint32_t& word
//
// Runs       kind, options | states expected, or the text of what must be found | what it shows; about 25 s in all but for DEEP
// CHECK  -DWAKERS=2 | 234838 | two wakers
// CHECK  -DSLEEPERS=2 | 72036 | two sleepers
// CHECK  -DWAKERS=2 -DSLEEPERS=2 -DROUNDS=1 | 983150 | two of both
// CHECK  -DPING_PONG -DWAKERS=2 -DSLEEPERS=2 -DROUNDS=3 | 32077 | both sides of a ring
// CHECK  -DFENCED -DUNREACHED -DWAKERS=2 | 220056 | fences instead of the membarrier
// CHECK  -DSTRANGER -DWAKERS=2 | 324426 | fences for one, the membarrier for the other
// CHECK  -DCALLER -DWAKERS=2 -DUNREACHED | 181515 | interrupt() needs neither
// CHECK  -DCALLER -DSLEEPERS=2 -DUNREACHED | 132448 | the needs-fence bit comes between a waker's look and its exchange
// CHECK  -DWAKERS=2 -DDEATHS=2 -DROUNDS=1 | 136030 | nothing but a waker's death loses a wake-up
// CHECK  -DWAKERS=2 -DDEATHS=2 -DROUNDS=1 -DRECOVERED | 571125 | recovery makes up for that
// CHECK  -DWAKERS=2 -DDEATHS=1 -DROUNDS=1 -DLEAVER | 116326 | and the next waker for who had left the roster
// CHECK  -DWAKERS=2 -DDEATHS=2 -DSLICE | 3884379 | and with slices not even that
// CHECK  -DUNREACHED -DWAKERS=2 -DSLICE | 738636 | the first needs-fence bit, with slices
// CHECK  -DWAKERS=2 -DEARLY | 461198 | a word still armed as before needs no second barrier
// CHECK  -DWAKERS=2 -DSLEEPERS=2 -DROUNDS=1 -DEARLY | 3777962 | of two sleepers' neither
// LIMIT  -DDEATHS=1 -DUNEXCUSED | !((done[0]!=got | a waker killed before its wake-up call, without slices
// LIMIT  -DUNREACHED | !((done[0]!=got | the first needs-fence bit, without slices
// MUTANT -DNO_MEMBARRIER | !((done[0]!=got | arms, but lets the wakers' stores stay in their buffers
// MUTANT -DNO_SECOND_LOOK | !((done[0]!=got | sleeps without a look after arming
// MUTANT -DEARLY -DARMED_ONCE | !((done[0]!=got | no second barrier for a word that was rung since
// MUTANT -DTWO_WORDS | !((done[0]!=got | flag and epoch in two words
// MUTANT -DNO_EPOCH -DSLEEPERS=2 | !((done[0]!=got | a flag without epoch: armed again by the other sleeper, it seems not rung
// MUTANT -DFENCED -DUNREACHED -DFENCE_BIT_IGNORED | !((done[0]!=got | bell() looks at the armed bit alone
// MUTANT -DSTRANGER -DWAKERS=2 -DFENCE_BIT_IGNORED | !(((done[0]!=got | the same by a waker that no membarrier reaches
// MUTANT -DDEATHS=1 -DRECOVERED -DRECOVERER_RINGS | !((done[0]!=got | the dead one had made the word even: a ring does nothing
// MUTANT -DWAKERS=2 -DDEATHS=1 -DROUNDS=1 -DLEAVER -DLEAVER_RINGS | !(((done[0]!=got | the same of who had left the roster
// MUTANT -DWAKERS=2 -DDEATHS=1 -DROUNDS=1 -DLEAVER -DROUSE_DISARMS | !(((done[0]!=got | rouse leaves the word even, and dies before its wake
// MUTANT -DNO_LOOK_AFTER_MISS -DCALLER -DSLEEPERS=2 -DUNREACHED | !((done[0]!=got | gives up when the exchange fails
#ifndef WAKERS
#define WAKERS 1
#endif
#ifndef SLEEPERS
#define SLEEPERS 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef DEATHS
#define DEATHS 0
#endif

#define ARMED 1
#define FENCE 128
#define ADVANCED(now, by) (((now + by) & 127) | (now & FENCE)) /* the epoch wraps below the fence bit */

#ifdef FENCED
#define BIRTH (FENCE | 126)
#else
#define BIRTH 126 /* the last epoch: the first ring wraps it */
#endif

#ifdef PING_PONG
#define EVENTS 2
#define CARES(s, w) (w != s)
#define NEWS(s) (done[1 - s] != SEEN(s, 1 - s))
#else
#define EVENTS 1
#define CARES(s, w) true
#if WAKERS == 1
#define NEWS(s) (done[0] != SEEN(s, 0))
#else
#define NEWS(s) (done[0] != SEEN(s, 0) || done[1] != SEEN(s, 1))
#endif
#endif

byte word[EVENTS] = BIRTH;
byte done[WAKERS];           // how often waker w published, as memory knows it
byte buffered[WAKERS];       // ... and how often more, as its store buffer knows it
byte got[SLEEPERS * WAKERS]; // what sleeper s has seen of waker w
bool asleep[SLEEPERS];       // in the futex's queue
bool flag;                   // TWO_WORDS: armed, beside the epoch
byte deaths_left = DEATHS;
bool robbed;                 // the truth: a waker died owing a wake-up

#define SEEN(s, w) got[(s) * WAKERS + (w)]
#define DRAIN(w) done[w] = done[w] + buffered[w]; buffered[w] = 0

#if WAKERS == 1 || defined(STRANGER)
#define BARRIER DRAIN(WAKERS - 1)
#else
#define BARRIER DRAIN(0); DRAIN(1)
#endif
#if SLEEPERS == 1 || defined(PING_PONG)
#define WAKE_ALL(e) asleep[e] = false
#else
#define WAKE_ALL(e) asleep[0] = false; asleep[1] = false
#endif

// One step, or death in its place.
#define STEP(...) if :: d_step { __VA_ARGS__ } :: atomic { deaths_left > 0 -> deaths_left--; goto killed } fi

// event_count::ring, by process w.
inline ring(w, e) {
    STEP(DRAIN(w); now = word[e]) // full_fence() and load; what drains before the load may have drained earlier still
#ifdef TWO_WORDS
    if
    :: flag -> STEP(word[e] = ADVANCED(word[e], 1)); STEP(flag = false); STEP(WAKE_ALL(e))
    :: else
    fi;
#else
    if
    :: now & ARMED ->
#ifdef NO_EPOCH
        STEP(hit = (word[e] == now); word[e] = (hit -> now & ~ARMED : word[e]))
#else
        STEP(hit = (word[e] == now); word[e] = (hit -> ADVANCED(now, 1) : word[e])) // compare_exchange
#endif
#ifndef NO_LOOK_AFTER_MISS
        if
        :: !hit -> STEP(hit = (word[e] & ARMED))
        :: else
        fi;
#endif
        if
        :: hit -> STEP(WAKE_ALL(e))
        :: else
        fi
    :: else
    fi;
#endif
    now = 0; hit = false
}

// event_count::rouse, by process w, or by who recovers from its death.
inline rouse(w, e) {
    STEP(DRAIN(w); now = word[e])
#ifdef ROUSE_DISARMS
    STEP(word[e] = (word[e] == now -> ADVANCED(now, 2) & ~ARMED : word[e]))
#else
    STEP(word[e] = (word[e] == now -> ADVANCED((now | ARMED), 2) : word[e]))
#endif
    STEP(WAKE_ALL(e))
    now = 0
}

// event_count::bell, by process w.
inline bell(w, e) {
    STEP(now = word[e])
    if
#ifdef TWO_WORDS
    :: flag -> ring(w, e)
#elif defined(FENCE_BIT_IGNORED)
    :: now & ARMED -> ring(w, e)
#else
    :: now & (ARMED | FENCE) -> ring(w, e)
#endif
    :: else -> now = 0
    fi
}

inline barrier_everywhere(s, e) {
#if defined(NO_MEMBARRIER)
    skip;
#elif defined(UNREACHED)
    if
    :: s == SLEEPERS - 1 -> STEP(word[e] = word[e] | FENCE) // it fails; require_fences()
    :: else -> STEP(BARRIER)
    fi;
#else
    STEP(BARRIER)
#endif
}

#ifdef ARMED_ONCE
#define STILL_ARMED v != 0; word[e] = (v != 0 -> word[e] | ARMED : word[e]); v = (v != 0 -> word[e] : 0)
#else
#define STILL_ARMED ((v & ARMED) && word[e] == v)
#endif

// event_count::arm, by sleeper s, whose last arm() in this wait returned v.
inline arm(s, e) {
#ifdef TWO_WORDS
    STEP(flag = true); STEP(v = word[e])
    barrier_everywhere(s, e)
#else
    STEP(still = STILL_ARMED)
    if
    :: still
    :: else ->
        STEP(v = word[e] | ARMED; word[e] = v)
        barrier_everywhere(s, e)
    fi;
    still = false;
#endif
}

// endpoint::survey, as far as it matters here: one load after the other.
inline look(s) {
    there = false;
    k = 0;
    do
    :: k < WAKERS ->
        if
        :: CARES(s, k) -> STEP(there = there || done[k] != SEEN(s, k); SEEN(s, k) = done[k])
        :: else
        fi;
        k++
    :: else -> k = 0; break
    od
}

#if defined(SLICE)
#define WOKEN(s) !asleep[s] || NEWS(s)
#elif defined(EARLY)
#define WOKEN(s) !asleep[s] || !early
#else
#define WOKEN(s) !asleep[s]
#endif

// One turn of the loop in endpoint::wait.
inline wait(s, e) {
#ifdef NO_SECOND_LOOK
    look(s);
    arm(s, e)
#else
    arm(s, e)
    look(s);
#endif
    if
    :: there -> v = 0
    :: else ->
        STEP(asleep[s] = (word[e] == v)) // FUTEX_WAIT compares and queues in one
end_asleep:
        STEP(WOKEN(s) -> early = early || asleep[s]; asleep[s] = false)
    fi;
    there = false
}

proctype waker(byte w) {
    byte rounds, now;
    bool hit, owes, later;
#ifdef STRANGER
    if
    :: w == 0 -> STEP(word[0] = word[0] | FENCE) // register_for_barriers() fails; require_fences()
    :: else
    fi;
#endif
    do
    :: rounds < ROUNDS ->
        rounds++;
        later = robbed;
#ifdef CALLER
        STEP(done[w]++; owes = true) // exchange
        ring(w, 0)
#else
        STEP(buffered[w]++; owes = true)
#ifdef LEAVER
        if
#ifdef LEAVER_RINGS
        :: w == 0 -> ring(w, 0)
#else
        :: w == 0 -> rouse(w, 0)
#endif
        :: else -> bell(w, 0)
        fi;
#else
        bell(w, 0)
#endif
#endif
        owes = false;
#ifdef LEAVER
        robbed = robbed && !later // what another did not tell, this one did
#endif
    :: break
    od;
    goto gone;
killed:
#ifdef RECOVERED // by somebody who may die himself, and has a successor; all that was stored is in memory by then
    buffered[w] == 0;
#ifdef RECOVERER_RINGS
    ring(w, 0);
#else
    rouse(w, 0);
#endif
#else
    robbed = robbed || owes;
#endif
gone:
    skip
}

proctype sleeper(byte s) {
    byte v, k;
    bool there, still, early;
newcomer:
    do
    :: wait(s, 0)
    od;
killed:
    atomic { asleep[s] = false; v = 0; k = 0; there = false; still = false };
    goto newcomer
}

// Player 0 sends when the last message was released, player 1 releases what was sent.
proctype player(byte i) {
    byte rounds, now, v, k;
    bool hit, there, still, early;
    do
    :: rounds < ROUNDS && SEEN(i, 1 - i) == rounds + i ->
        rounds++;
        STEP(buffered[i]++)
        bell(i, 1 - i)
    :: rounds == ROUNDS && SEEN(i, 1 - i) == ROUNDS -> break
    :: else -> wait(i, i)
    od;
killed:
    skip
}

active proctype store_buffers() {
end:
    do
    :: d_step { buffered[0] > 0 -> done[0]++; buffered[0]-- }
#if WAKERS > 1
    :: d_step { buffered[1] > 0 -> done[1]++; buffered[1]-- }
#endif
    od
}

init {
    atomic {
#ifdef PING_PONG
        run player(0); run player(1)
#else
        run sleeper(0);
#if SLEEPERS > 1
        run sleeper(1);
#endif
        run waker(0);
#if WAKERS > 1
        run waker(1);
#endif
        skip
#endif
    };
    timeout; // nothing can move: who sleeps, sleeps for ever
#ifdef PING_PONG
    assert(done[0] == ROUNDS && done[1] == ROUNDS)
#else
#if !defined(SLICE) && !defined(RECOVERED) && !defined(UNEXCUSED)
    if :: robbed -> goto excused :: else fi;
#endif
    assert(!NEWS(0));
#if SLEEPERS > 1
    assert(!NEWS(1));
#endif
excused:
    skip
#endif
}
// SPDX-License-Identifier: BSL-1.0
