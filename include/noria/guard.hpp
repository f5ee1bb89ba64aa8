// guard.hpp: surviving the truncation of a queue's file, for processes that ask for it.
//
// A queue has all its bytes allocated from the start, so a full file system never harms it. But whoever may write the file
// may also truncate it while it is mapped (`> file`, `cp x file`, O_TRUNC), and then the kernel answers the next touch of a
// page that is gone with SIGBUS, which ends the process: every process that has the queue open. No check beforehand can
// prevent that, and Noria installs no signal handler by itself. With
//
//     noria::guard_against_truncation();    // once, early in main()
//
// the process lives on, the truncated queue's endpoints answer `corrupt`, and all other queues are unharmed.
#pragma once

#if __cplusplus < 202002L
#error "noria needs C++20: compile with -std=c++20 or later (CMake: target_compile_features, cxx_std_20)"
#else

#include "noria/core/visibility.hpp"

#include <system_error>

namespace noria::inline v1 {

// Installs a handler of SIGBUS that puts memory of zeros in the place of a queue's mapping whose file has lost pages. It
// covers every endpoint and observer of this process, opened before or after.
//
// Role     any thread. Calling it again does nothing while the handler is in place. Call it again when somebody else has
//          installed a handler of SIGBUS over it (a runtime such as a JVM, a crash reporter): up to 16 of them.
// Cost     none on the hot path. Should it happen, one exchange of the mapping, in the thread that meets the loss.
// Queue    From then on each endpoint of this process on that file is dead: why() is `corrupt`, error_text() names the
//          file and what to do, is_open() is false. The verb that meets the loss answers so itself, and each later one; a
//          wait within a slice (options::waiting). No verb reports a message as sent that went where the file was, and no
//          pop returns one whose bytes are missing; what a verb that answers `corrupt` had sent before the loss may have
//          arrived. What a lease shows in place may turn to zeros: why() is `corrupt` after its release. So it is with the
//          last message that consume_some hands out, which is counted. An opening is refused, errc::corrupt. Destroying the
//          endpoint is as ever. An observer's look() is refused, too. Other processes that have the file open meet the loss
//          by themselves.
// Signals  Other SIGBUS (faults in memory that is not a queue's, hardware errors, kill()) are passed on to the handler that
//          was there before, with the arguments, mask, stack and one-shot flag that it asked for; if there was none, the
//          process dies of the signal, with the core dump that it would have had. Sanitizers' handlers are such handlers. A
//          thread that blocks SIGBUS is not guarded: the kernel ends the process. A system call that is given an address in
//          a lost page answers EFAULT, guard or not. The library must stay loaded (no dlclose).
// Memory   Private pages for what is touched after the loss; address space for the mapping twice over, for a moment.
//          Where the kernel refuses the memory, the signal is passed on.
// Fork     A child inherits the handler; it guards what the child opens for itself.
// Throws   noria::error, errc::system: somebody keeps SIGBUS to himself (a sanitizer with handle_sigbus=2), or the handler
//          was covered too often. Nothing has changed then.
NORIA_API void guard_against_truncation();
NORIA_API void guard_against_truncation(std::error_code& code) noexcept;

}  // namespace noria::inline v1

#endif  // C++20

// SPDX-License-Identifier: BSL-1.0
