// record_ring.pml: records of any size, skips, and the word 0 behind the last; each side dies anywhere and is replaced.
//
// Models     The bytes form in units of 8 bytes: a claim of any size that fits, of which commit() sends any part; the
//            skip; the word 0 behind the last record (R2); the writer's walk; the counts of messages on both sides, and
//            how a new reader finds its own when they lag. Each store is one step; any of DEATHS may take the place of
//            any step. A newcomer attaches at once or later; that it is alone, and that the dead one is buried, is
//            spsc_life.pml's.
// Leaves out take, hold and put_back, the same as in spsc_life.pml. Sleep: event_count.pml. The high-water mark's early
//            looks. Of weak memory only this: a new reader loads the writer's count and the first word in either order.
// Properties Nothing is written over that the reader has not given back, nor the word of what is first in the ring.
//            Nobody takes a message's bytes for a word (JUNK), nobody finds the ring corrupt, and the reader gets every
//            message once, in order. A new writer knows tail and count exactly. When nothing can move any more, all has
//            been received.
//
// SOURCE include/noria/ring/record_ring.hpp: [[nodiscard]] std::byte* claim(
// SOURCE include/noria/ring/record_ring.hpp: void commit(
// SOURCE include/noria/ring/record_ring.hpp: [[nodiscard]] const std::byte* take() noexcept {
// SOURCE include/noria/ring/record_ring.hpp: void hold() noexcept {
// SOURCE include/noria/ring/record_ring.hpp: void release() noexcept {
// SOURCE include/noria/ring/record_ring.hpp: bool is_next_record(
// SOURCE include/noria/layout/record.hpp: constexpr std::uint64_t skip_word(
// SOURCE include/noria/layout/record.hpp: constexpr std::uint64_t record_bytes(
// SOURCE lib/ring/record_ring.cpp: bool plausible(
// SOURCE lib/ring/record_ring.cpp: extent walk(
// SOURCE lib/ring/record_ring.cpp: bool within(
// SOURCE lib/ring/record_ring.cpp: bool record_writer::attach(
// SOURCE lib/ring/record_ring.cpp: sight record_writer::look(
// SOURCE lib/ring/record_ring.cpp: bool record_reader::attach(
// SOURCE lib/ring/record_ring.cpp: void record_reader::put_back(
// SOURCE lib/ring/record_ring.cpp: sight record_reader::look(
// SOURCE lib/ring/record_ring.cpp: bool repair_records(
//
// Runs       kind, options | states expected, or the text of what must be found | what it shows; about 10 s in all but for DEEP
// CHECK  -DDEATHS=2 -DMESSAGES=4 | 1063111 | a ring of four units, records of one to three
// CHECK  -DDEATHS=1 -DMESSAGES=3 -DCAPACITY=8 -DLARGEST=4 | 616370 | a ring of eight
// DEEP   -DDEATHS=3 -DMESSAGES=4 | 2188585 | more of it, for who has minutes
// DEEP   -DDEATHS=2 -DMESSAGES=3 -DCAPACITY=8 -DLARGEST=4 | 2176941 | the same
// MUTANT -DNO_ROOM_BEHIND | ((t+used) | room for the record, none for the word behind it
// MUTANT -DNOT_CLEARED | (word!=255) | the word behind a record is not cleared
// MUTANT -DCLEARED_LATE | (word!=255) | ... or only after the record is published
// MUTANT -DSKIP_ALONE | assertion violated 0  | a skip is published, the word that it leads to not cleared
// MUTANT -DCOUNTED_FIRST | (n==sent) | the writer counts before it publishes
// MUTANT -DTAIL_BEFORE_COUNT | (n==sent) | ... and stores the tail before it counts
// MUTANT -DNOT_MENDED | assertion violated 0  | a reader one behind calls the ring corrupt
// MUTANT -DMENDED_SILENTLY | ((released+1)>=received) | it mends its own count and not the file's: one more death, and the file's is two behind
#ifndef CAPACITY
#define CAPACITY 4
#endif
#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

// In units of 8 bytes. A word has 4 bits of number, 1 of skip, 3 of size (the record's, its word included).
#define WORD(number, size) (((number) << 4) | (size))
#define SKIP(number, size) (WORD(number, size) | 8)
#define NUMBER(word) ((word) >> 4)
#define SIZE(word) ((word) & 7)
#define IS_SKIP(word) (((word) & 8) != 0)
#define JUNK 255 /* a message's bytes, looking like a word */
#ifndef LARGEST
#define LARGEST (CAPACITY - 1)
#endif
#define INDEX(position) ((position) % CAPACITY)
#define LEFT(position) (CAPACITY - INDEX(position))

#ifdef NO_ROOM_BEHIND
#define ROOM_BEHIND 0
#else
#define ROOM_BEHIND 1 /* the word behind the record */
#endif

byte ring[CAPACITY];
byte tail, messages;     // producer line
byte head, released;     // consumer line; `released` is its `messages`
byte deaths_left = DEATHS;

// The truth.
byte sent, received;     // messages published, messages released
byte end;                // position behind what is published, skips included

#define STEP(...) if :: d_step { __VA_ARGS__ } :: atomic { deaths_left > 0 -> deaths_left--; goto killed } fi

// Only what the reader gave back is written over, and the word of the first record in the ring is not.
#define WRITABLE(position) assert((position) >= end && (position) < head + CAPACITY)

proctype writer() {
    byte t, n;           // tail_, messages_
    byte limit, size, used, h, k;
    byte word;
newcomer:
    // repair_records: the walk. Nobody writes the ring meanwhile.
    STEP(
        t = tail; n = messages;
        do
        :: word = ring[INDEX(t)];
            assert(word != JUNK);
            if
            :: word == 0 -> break
            :: else
            fi;
            assert(SIZE(word) <= LEFT(t) && (!IS_SKIP(word) || SIZE(word) == LEFT(t)));
            assert(NUMBER(word) == n || NUMBER(word) + 1 == n);
            n = NUMBER(word) + (IS_SKIP(word) -> 0 : 1);
            t = t + SIZE(word);
            assert(t - tail < CAPACITY)
        od;
        word = 0
    )
    STEP(assert(t >= head && t - head <= CAPACITY - 1))
    STEP(messages = n; assert(n == sent))
    STEP(tail = t; assert(t == end))
    limit = t;
    do
    :: n == MESSAGES -> break
    :: n < MESSAGES ->
        select(size : 1 .. LARGEST);
        do
        :: size + ROOM_BEHIND <= limit - t && INDEX(t) + size <= CAPACITY -> break
        :: else -> // look
            STEP(h = head; assert(t >= h && t - h <= CAPACITY - 1))
            if
            :: size > LEFT(t) && LEFT(t) + 1 <= CAPACITY - (t - h) -> // publish a skip
#ifndef SKIP_ALONE
                STEP(WRITABLE(t + LEFT(t)); ring[0] = 0)
#endif
                STEP(ring[INDEX(t)] = SKIP(n, LEFT(t)); end = end + LEFT(t))
                STEP(t = t + LEFT(t); limit = t; tail = t)
            :: size <= LEFT(t) && size + ROOM_BEHIND <= CAPACITY - (t - h) -> limit = t + size + ROOM_BEHIND
            :: else ->
end_full:
                STEP(h != head -> skip)
            fi;
            h = 0
        od;
        // write the message
        k = 1;
        do
        :: k < size -> STEP(WRITABLE(t + k); ring[INDEX(t + k)] = JUNK); k++
        :: else -> k = 0; break
        od;
        select(used : 1 .. size);
        // commit
#define CLEAR STEP(WRITABLE(t + used); ring[INDEX(t + used)] = 0)
#if !defined(NOT_CLEARED) && !defined(CLEARED_LATE)
        CLEAR
#endif
#ifdef COUNTED_FIRST
        STEP(messages = n + 1)
#endif
        STEP(assert(n == sent); WRITABLE(t); ring[INDEX(t)] = WORD(n, used); end = end + used; sent++)
#ifdef CLEARED_LATE
        CLEAR
#endif
#ifdef TAIL_BEFORE_COUNT
        STEP(tail = t + used)
#endif
        STEP(n++; messages = n)
        STEP(t = t + used; tail = t; size = 0; used = 0)
    od;
    goto gone;
killed:
    atomic { t = 0; n = 0; limit = 0; size = 0; used = 0; h = 0; k = 0 };
    goto newcomer;
gone:
    skip
}

proctype reader() {
    byte h, n;           // head_, messages_
    byte word, count;
    bool fresh;          // nothing passed since attach, nothing mended
newcomer:
    STEP(h = head; n = released);
    if // relaxed loads: in either order
    :: STEP(count = messages); STEP(word = ring[INDEX(h)])
    :: STEP(word = ring[INDEX(h)]); STEP(count = messages)
    fi;
    STEP(
        assert(word != JUNK);
        n = n + ((word != 0 -> NUMBER(word) : count) == n + 1 -> 1 : 0);
        released = n;
        fresh = true; count = 0; word = 0
    )
    do
    :: received == MESSAGES -> break
    :: received < MESSAGES ->
end_empty:
        STEP(ring[INDEX(h)] != 0 -> word = ring[INDEX(h)]; assert(word != JUNK))
        if
        :: !IS_SKIP(word) && NUMBER(word) == n ->
            d_step { assert(NUMBER(word) == received) };
            STEP(h = h + SIZE(word); n++; head = h; received++; fresh = false; word = 0)
            STEP(released = n)
        :: IS_SKIP(word) && NUMBER(word) == n ->
            STEP(h = h + LEFT(h); head = h; fresh = false; word = 0)
#ifndef NOT_MENDED
        :: fresh && NUMBER(word) == n + 1 -> n++; fresh = false;
#ifndef MENDED_SILENTLY
            STEP(released = n)
#endif
            word = 0
        :: fresh && NUMBER(word) + 1 == n -> n--; fresh = false;
#ifndef MENDED_SILENTLY
            STEP(released = n)
#endif
            word = 0
#endif
        :: else -> assert(false) // corrupt
        fi
    od;
    goto gone;
killed:
    atomic { h = 0; n = 0; word = 0; count = 0; fresh = false };
    goto newcomer;
gone:
    skip
}

init {
    atomic { run writer(); run reader() };
    timeout;
    assert(sent == MESSAGES && received == MESSAGES);
    assert(head == tail && tail == end && messages == sent && released + 1 >= received)
}
// SPDX-License-Identifier: BSL-1.0
