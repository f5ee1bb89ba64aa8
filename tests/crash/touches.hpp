// touches.hpp: which bytes of the queue's file the instruction touches that a stepped child stands before.
//
// Capstone says which memory an instruction names, and the registers say where that is. What an instruction touches
// without naming it (push, call, ret) is the stack. A system call touches everything, since the kernel's state is shared
// too; but for futex, which is about one word, and membarrier, which does nothing where one process runs at a time.
#pragma once

#include "rig/instruction_stepper.hpp"

#include <capstone/capstone.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace noria::crash {

// What one instruction does to the file, or what many do.
struct touched {
    struct bytes {
        std::uint64_t begin;  // offsets in the file
        std::uint64_t end;
        bool written;  // perhaps
    };
    bool here = false;        // anything at all; a call of the kernel counts, whatever it does
    bool everything = false;  // the kernel's state, and any byte
    std::vector<bytes> parts{};

    void add(const touched& more) {
        here = here || more.here;
        everything = everything || more.everything;
        parts.insert(parts.end(), more.parts.begin(), more.parts.end());
    }
    // Whether it is all there.
    [[nodiscard]] bool is_within(const bytes& where) const {
        return !everything && !parts.empty() && std::all_of(parts.begin(), parts.end(), [&](const bytes& mine) {
            return where.begin <= mine.begin && mine.end <= where.end;
        });
    }
    // Whether it matters which of the two comes first.
    [[nodiscard]] bool meets(const touched& other) const {
        if (!here || !other.here) return false;
        if (everything || other.everything) return true;
        return std::any_of(parts.begin(), parts.end(), [&](const bytes& mine) {
            return std::any_of(other.parts.begin(), other.parts.end(), [&](const bytes& its) {
                return mine.begin < its.end && its.begin < mine.end && (mine.written || its.written);
            });
        });
    }
};

class touches {
public:
    struct mapping {
        std::uint64_t begin;
        std::uint64_t end;
        std::uint64_t offset;  // of its first byte, in the file
    };

    touches() {
        if (cs_open(CS_ARCH_X86, CS_MODE_64, &decoder_) != CS_ERR_OK) throw std::runtime_error("crash: no capstone");
        cs_option(decoder_, CS_OPT_DETAIL, CS_OPT_ON);
    }
    ~touches() { cs_close(&decoder_); }
    touches(const touches&) = delete;
    touches& operator=(const touches&) = delete;

    // The mappings of that file in the child, where a look counts.
    static std::vector<mapping> mappings_of(pid_t child, const std::string& file) {
        std::vector<mapping> all;
        std::ifstream maps("/proc/" + std::to_string(child) + "/maps");
        for (std::string line; std::getline(maps, line);) {
            if (line.find(file) == std::string::npos) continue;
            const std::size_t dash = line.find('-');
            const std::size_t rights = line.find(' ');
            all.push_back({std::stoull(line, nullptr, 16), std::stoull(line.substr(dash + 1), nullptr, 16),
                           std::stoull(line.substr(line.find(' ', rights + 1)), nullptr, 16)});
        }
        return all;
    }

    // The child was forked from this process: its code is ours.
    touched of(const rig::instruction_stepper& child, const std::vector<mapping>& mappings) {
        const std::uint64_t here = child.address();
        const auto known = named_.find(here);
        const std::vector<named>& operands = known != named_.end() ? known->second : decode(here);
        if (always_.contains(here)) return of_kernel(child, mappings);
        touched found;
        if (operands.empty()) return found;
        const user_regs_struct now = child.registers();
        for (const auto& [operand, written] : operands) {
            const std::uint64_t address =
                value(now, operand.mem.base, here) +
                value(now, operand.mem.index, here) * static_cast<std::uint64_t>(operand.mem.scale) +
                static_cast<std::uint64_t>(operand.mem.disp);
            for (const mapping& each : mappings) add(found, each, address, operand.size, written);
        }
        return found;
    }

private:
    // An operand in memory.
    struct named {
        cs_x86_op operand;
        bool written;
    };

    static void add(touched& found, const mapping& where, std::uint64_t address, std::uint64_t size, bool written) {
        if (address + size <= where.begin || address >= where.end) return;
        found.here = true;
        found.parts.push_back(
            {address + where.offset - where.begin, address + where.offset - where.begin + size, written});
    }

    static touched of_kernel(const rig::instruction_stepper& child, const std::vector<mapping>& mappings) {
        touched found{.here = true};
        const long call = child.call_ahead();
        if (call == SYS_futex) {
            for (const mapping& each : mappings) add(found, each, child.registers().rdi, sizeof(std::uint32_t), true);
        } else {
            found.everything = call != SYS_membarrier || child.registers().rdi != MEMBARRIER_CMD_GLOBAL_EXPEDITED;
        }
        return found;
    }

    const std::vector<named>& decode(std::uint64_t here) {
        cs_insn* instruction = nullptr;
        const auto* const code = reinterpret_cast<const std::uint8_t*>(here);
        std::vector<named>& operands = named_[here];
        if (cs_disasm(decoder_, code, 16, here, 1, &instruction) != 1) {
            always_.insert(here);  // newer than capstone: it may touch anything
            return operands;
        }
        length_[here] = instruction->size;
        // What names memory and accesses none.
        const bool computes_only = instruction->id == X86_INS_LEA || instruction->id == X86_INS_NOP ||
                                   instruction->id == X86_INS_PREFETCHT0 || instruction->id == X86_INS_PREFETCHW;
        if (instruction->id == X86_INS_SYSCALL) always_.insert(here);
        // The first operand is where the result goes, unless the instruction only compares; what exchanges has a lock.
        const bool compares = instruction->id == X86_INS_CMP || instruction->id == X86_INS_TEST;
        const bool locked = instruction->detail->x86.prefix[0] == X86_PREFIX_LOCK || instruction->id == X86_INS_XCHG;
        for (std::uint8_t i = 0; i < instruction->detail->x86.op_count && !computes_only; ++i) {
            const cs_x86_op& operand = instruction->detail->x86.operands[i];
            if (operand.type == X86_OP_MEM && operand.mem.segment != X86_REG_FS)
                operands.push_back({operand, locked || (i == 0 && !compares)});
        }
        cs_free(instruction, 1);
        return operands;
    }

    [[nodiscard]] std::uint64_t value(const user_regs_struct& now, x86_reg which, std::uint64_t here) const {
        switch (which) {
            case X86_REG_INVALID: return 0;
            case X86_REG_RIP: return here + length_.at(here);
            case X86_REG_RAX: return now.rax;
            case X86_REG_RBX: return now.rbx;
            case X86_REG_RCX: return now.rcx;
            case X86_REG_RDX: return now.rdx;
            case X86_REG_RSI: return now.rsi;
            case X86_REG_RDI: return now.rdi;
            case X86_REG_RBP: return now.rbp;
            case X86_REG_RSP: return now.rsp;
            case X86_REG_R8: return now.r8;
            case X86_REG_R9: return now.r9;
            case X86_REG_R10: return now.r10;
            case X86_REG_R11: return now.r11;
            case X86_REG_R12: return now.r12;
            case X86_REG_R13: return now.r13;
            case X86_REG_R14: return now.r14;
            case X86_REG_R15: return now.r15;
            default: throw std::runtime_error("crash: an address in a register of another kind");
        }
    }

    csh decoder_ = 0;
    std::unordered_map<std::uint64_t, std::vector<named>> named_;
    std::unordered_map<std::uint64_t, std::size_t> length_;
    std::unordered_set<std::uint64_t> always_;  // calls of the kernel, and what is not understood
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
