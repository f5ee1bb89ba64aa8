// role.hpp: what reader and worker share: they are killed at any moment, and so need no other way to end.
#pragma once

#include "arguments.hpp"
#include "say.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <exception>
#include <string_view>

namespace wordcount {

// A role dies with the process that started it: the kernel kills it.
inline void end_with(pid_t starter) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != starter) raise(SIGKILL);  // it died before we asked the kernel for that
}

// Why an endpoint did not do its work: the queue is damaged, for all else is waited for.
template <class Endpoint>
int give_up(std::string_view me, const Endpoint& endpoint) {
    say(me, fmt::format("{} {}", noria::name(endpoint.why()), endpoint.error_text()));
    return failed;
}

template <class Program>
int run_role(std::string_view me, Program program) {
    try {
        return program();
    } catch (const std::exception& failure) {
        say(me, failure.what());
        return misused;
    }
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
