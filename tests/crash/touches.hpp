// touches.hpp: whether the instruction that a stepped child stands before touches the queue's mapping or calls the kernel.
//
// Capstone says which memory an instruction names, and the registers say where that is. What an instruction touches
// without naming it (push, call, ret) is the stack.
#pragma once

#include "rig/instruction_stepper.hpp"

#include <capstone/capstone.h>
#include <sys/user.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace noria::crash {

class touches {
public:
    touches() {
        if (cs_open(CS_ARCH_X86, CS_MODE_64, &decoder_) != CS_ERR_OK) throw std::runtime_error("crash: no capstone");
        cs_option(decoder_, CS_OPT_DETAIL, CS_OPT_ON);
    }
    ~touches() { cs_close(&decoder_); }
    touches(const touches&) = delete;
    touches& operator=(const touches&) = delete;

    // The mappings of that file in the child, where a look counts.
    static std::vector<std::pair<std::uint64_t, std::uint64_t>> mappings_of(pid_t child, const std::string& file) {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
        std::ifstream maps("/proc/" + std::to_string(child) + "/maps");
        for (std::string line; std::getline(maps, line);) {
            if (line.find(file) == std::string::npos) continue;
            const std::size_t dash = line.find('-');
            all.emplace_back(std::stoull(line, nullptr, 16), std::stoull(line.substr(dash + 1), nullptr, 16));
        }
        return all;
    }

    // The child was forked from this process: its code is ours.
    bool of(const rig::instruction_stepper& child,
            const std::vector<std::pair<std::uint64_t, std::uint64_t>>& mappings) {
        const std::uint64_t here = child.address();
        const auto known = named_.find(here);
        const std::vector<cs_x86_op>& operands = known != named_.end() ? known->second : decode(here);
        if (operands.empty()) return always_.contains(here);
        const user_regs_struct now = child.registers();
        for (const cs_x86_op& operand : operands) {
            const std::uint64_t address =
                value(now, operand.mem.base, here) +
                value(now, operand.mem.index, here) * static_cast<std::uint64_t>(operand.mem.scale) +
                static_cast<std::uint64_t>(operand.mem.disp);
            for (const auto& [begin, end] : mappings) {
                if (address + operand.size > begin && address < end) return true;
            }
        }
        return false;
    }

private:
    const std::vector<cs_x86_op>& decode(std::uint64_t here) {
        cs_insn* instruction = nullptr;
        const auto* const code = reinterpret_cast<const std::uint8_t*>(here);
        std::vector<cs_x86_op>& operands = named_[here];
        if (cs_disasm(decoder_, code, 16, here, 1, &instruction) != 1) {
            always_.insert(here);  // newer than capstone: it may touch anything
            return operands;
        }
        length_[here] = instruction->size;
        const bool computes_only = instruction->id == X86_INS_LEA || instruction->id == X86_INS_NOP;
        if (instruction->id == X86_INS_SYSCALL) always_.insert(here);
        for (std::uint8_t i = 0; i < instruction->detail->x86.op_count && !computes_only; ++i) {
            const cs_x86_op& operand = instruction->detail->x86.operands[i];
            if (operand.type == X86_OP_MEM && operand.mem.segment != X86_REG_FS) operands.push_back(operand);
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
    std::unordered_map<std::uint64_t, std::vector<cs_x86_op>> named_;
    std::unordered_map<std::uint64_t, std::size_t> length_;
    std::unordered_set<std::uint64_t> always_;  // calls of the kernel, and what is not understood
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
