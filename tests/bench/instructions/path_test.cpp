// path_test.cpp: the instructions that a push and a pop execute with nobody asleep, one by one.
#include "rig/child.hpp"
#include "rig/instruction_stepper.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <capstone/capstone.h>
#include <fmt/format.h>
#include <noria/noria.hpp>

#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace {

struct message {
    std::uint64_t words[8];
};

template <class Queue>
constexpr bool of_bytes = std::is_same_v<typename Queue::message, noria::bytes>;

// What was executed, and how much of it is what a hot path should not have.
struct walked {
    std::string listing;
    int locked = 0;   // read-modify-writes that lock the line, and fences
    int calls = 0;    // of the kernel
    int fetched = 0;  // lines asked for ahead, which a compiler may leave out, and nothing fails but the time
};

walked decode(const noria::rig::path& way) {
    csh decoder = 0;
    BOOST_REQUIRE(cs_open(CS_ARCH_X86, CS_MODE_64, &decoder) == CS_ERR_OK);
    cs_option(decoder, CS_OPT_DETAIL, CS_OPT_ON);
    walked all;
    for (const std::uint64_t here : way.address) {
        cs_insn* instruction = nullptr;
        // The child was forked from this process: its code is ours.
        BOOST_REQUIRE(cs_disasm(decoder, reinterpret_cast<const std::uint8_t*>(here), 16, here, 1, &instruction) == 1);
        const cs_x86& x86 = instruction->detail->x86;
        bool memory = false;
        for (std::uint8_t i = 0; i < x86.op_count; ++i) memory = memory || x86.operands[i].type == X86_OP_MEM;
        const unsigned id = instruction->id;
        const bool fence = id == X86_INS_MFENCE || id == X86_INS_LFENCE || id == X86_INS_SFENCE || id == X86_INS_CPUID;
        if (x86.prefix[0] == X86_PREFIX_LOCK || (id == X86_INS_XCHG && memory) || fence) ++all.locked;
        if (id == X86_INS_SYSCALL || id == X86_INS_INT) ++all.calls;
        if (id == X86_INS_PREFETCHT0 || id == X86_INS_PREFETCHW) ++all.fetched;
        all.listing += fmt::format("{:#x} {} {}\n", here, instruction->mnemonic, instruction->op_str);
        cs_free(instruction, 1);
    }
    cs_close(&decoder);
    return all;
}

// The path of the verb in a child, after so many uses that the loader has done its work and the last look at the other side
// is good for more.
template <class Queue>
walked walk(const std::function<void(typename Queue::producer&, typename Queue::consumer&, bool sending)>& verb,
            bool sending) {
    const noria::rig::workspace folder;
    noria::rig::instruction_stepper child([&] {
        noria::options wishes;
        if constexpr (of_bytes<Queue>)
            wishes.capacity_bytes = 65536;
        else
            wishes.capacity = 1024;
        typename Queue::consumer in{folder / "queue", wishes};
        typename Queue::producer out{folder / "queue", wishes};
        for (int i = 0; i < 10; ++i) {
            verb(out, in, true);
            verb(out, in, false);
        }
        if (!sending) verb(out, in, true);
        noria::rig::mark();
        verb(out, in, sending);
        noria::rig::mark();
        if (sending) verb(out, in, false);
    });
    const noria::rig::path way = child.walk([](noria::rig::place) {}, [] {});
    BOOST_TEST(child.finish().exit_status == 0);
    return decode(way);
}

template <class Queue>
void copy(typename Queue::producer& out, typename Queue::consumer& in, bool sending) {
    static const message one{};
    if constexpr (of_bytes<Queue>) {
        if (sending ? !out.push(std::span<const std::byte>(std::as_bytes(std::span(one.words)))) : !in.pop()) _exit(1);
    } else {
        if (sending ? !out.push(one) : !in.pop()) _exit(1);
    }
}

template <class Queue>
void in_place(typename Queue::producer& out, typename Queue::consumer& in, bool sending) {
    if constexpr (of_bytes<Queue>) {
        if (sending && !out.claim(sizeof(message)).commit()) _exit(1);
    } else if (sending) {
        auto room = out.claim();
        if (!room) _exit(1);
        room->words[0] = 1;
        room.commit();
    }
    if (!sending) {
        const auto got = in.take();
        if (!got) _exit(1);
    }
}

template <class Queue>
void expect(int locked) {
    for (const bool sending : {true, false}) {
        for (const auto& verb : {copy<Queue>, in_place<Queue>}) {
            const walked found = walk<Queue>(verb, sending);
            BOOST_TEST_MESSAGE((sending ? "sending" : "receiving") << ":\n" << found.listing);  // --log_level=message
            BOOST_TEST_CONTEXT((sending ? "sending" : "receiving") << ":\n" << found.listing) {
                BOOST_TEST(found.locked == locked);
                BOOST_TEST(found.calls == 0);
                BOOST_TEST(found.fetched == 1);
                BOOST_TEST(found.listing.size() > 0U);
            }
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(paths)

BOOST_AUTO_TEST_CASE(spsc_with_nobody_asleep_locks_nothing_fences_nothing_and_calls_nobody) {
    expect<noria::spsc<message>>(0);
    expect<noria::spsc<noria::bytes>>(0);
}

BOOST_AUTO_TEST_CASE(mpmc_with_nobody_asleep_locks_once_for_each_push_and_each_pop) { expect<noria::mpmc<message>>(1); }

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
