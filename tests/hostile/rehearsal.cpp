// rehearsal.cpp: the closed mappings, the two handlers, and the list.
#include "rehearsal.hpp"

#include "guarded_mappings.hpp"
#include "rig/child.hpp"
#include "rig/shared_page.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace noria::hostile {

namespace {

#if defined(__x86_64__)

struct record {
    std::uint32_t count = 0;
    bool too_many = false;
    std::array<file_access, 4096> list;
};
record* notes = nullptr;
bool watching = false;

void open_or_close(const mapping& each, int protection) {
    if (each.bytes == 0) return;
    // An observer's file is open for reading only.
    if (mprotect(each.data, each.bytes, protection) != 0) mprotect(each.data, each.bytes, PROT_READ);
}
void all(int protection) {
    for (const mapping& each : mappings) open_or_close(each, protection);
}

constexpr greg_t trap_flag = 0x100;

void note(std::uint64_t instruction, std::uint32_t offset) {
    if (notes->count == notes->list.size()) {
        notes->too_many = true;
        return;
    }
    const auto same = std::count_if(notes->list.begin(), notes->list.begin() + notes->count,
                                    [&](const auto& each) { return each.instruction == instruction; });
    notes->list[notes->count++] = {instruction, static_cast<std::uint32_t>(same), offset / 8 * 8};
}

void on_fault(int /*signal*/, siginfo_t* info, void* context) {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const mapping* const where = mapping_of(info->si_addr);
    if (where == nullptr || !watching) {
        signal(SIGSEGV, SIG_DFL);  // a true one: the instruction faults again
        return;
    }
    note(static_cast<std::uint64_t>(registers[REG_RIP]),
         static_cast<std::uint32_t>(static_cast<const std::byte*>(info->si_addr) - where->data));
    all(PROT_READ | PROT_WRITE);
    registers[REG_EFL] |= trap_flag;
}

void on_step(int /*signal*/, siginfo_t* /*info*/, void* context) {
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
    if (watching) all(PROT_NONE);
}

void watch(bool on) {
    struct sigaction fault = {};
    fault.sa_sigaction = on_fault;
    fault.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &fault, nullptr);
    struct sigaction step = fault;
    step.sa_sigaction = on_step;
    sigaction(SIGTRAP, &step, nullptr);
    on_mapped = [](const mapping& fresh) {
        if (watching) open_or_close(fresh, PROT_NONE);
    };
    watching = on;
    all(on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

#endif

}  // namespace

std::vector<file_access> rehearse(const std::function<std::vector<scene>()>& troupe, std::size_t which) {
#if defined(__x86_64__)
    const rig::shared_page<record> page;
    notes = &*page;
    rig::child player([&] {
        const scene one = troupe().at(which);
        one.prepare();
        watch(true);
        one.verb();
        watch(false);
        one.finish();
        return 0;
    });
    if (player.wait() != rig::fate{.exit_status = 0, .signal = 0} || page->too_many) {
        throw std::runtime_error("hostile: scene " + std::to_string(which) + " does not come to its end by itself");
    }
    return {page->list.begin(), page->list.begin() + page->count};
#else
    (void)troupe;
    (void)which;
    return {};
#endif
}

}  // namespace noria::hostile

// SPDX-License-Identifier: BSL-1.0
