// roles.cpp: starts the two roles, and watches them until both are gone.
#include "roles.hpp"

#include "arguments.hpp"
#include "role_process.hpp"
#include "say.hpp"
#include "temporary_text.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <initializer_list>
#include <optional>

namespace wordcount {

namespace {

// For the survivor to notice by itself what has happened, and to say it: it looks twenty times a second. Then it is asked
// to end, and then it is killed: all in all within a second.
constexpr auto time_to_notice = std::chrono::milliseconds(400);
constexpr auto time_to_end = std::chrono::milliseconds(200);

// Until both are gone. Returns the signal that we were sent meanwhile, or 0.
int watch(role_process& reader, role_process& counter, const waited_signals& signals) {
    std::optional<std::chrono::steady_clock::time_point> patience;
    int last_word = SIGTERM;
    int caught = 0;
    while (reader.running() || counter.running()) {
        const int signal = signals.wait(patience);
        reader.look();
        counter.look();
        const auto now = std::chrono::steady_clock::now();
        const bool failed = (!reader.running() && !reader.succeeded()) || (!counter.running() && !counter.succeeded());
        if (signal != 0 && signal != SIGCHLD) {
            caught = signal;
            patience = now;
        } else if (failed && !patience) {
            patience = now + time_to_notice;
        }
        if (patience && now >= *patience) {
            reader.send(last_word);
            counter.send(last_word);
            last_word = SIGKILL;
            patience = now + time_to_end;
        }
    }
    return caught;
}

}  // namespace

result run_roles(const work& given, const waited_signals& signals) {
    std::string names;
    for (const auto& file : given.files) names.append(file).push_back('\0');
    temporary_text files("files");
    files.fill(names);
    temporary_text counts("counts");

    const std::string us = fmt::format("--parent={}", getpid());
    const std::string falsify = fmt::format("--alter-message={}", given.altered_message);
    role_process counter("counter", {given.queue, us},
                         {.input = -1, .output = counts.descriptor(), .blocked = signals.before()});
    role_process reader("reader", {given.queue, us, falsify, "-0"},
                        {.input = files.descriptor(), .output = -1, .blocked = signals.before()});

    const int caught = watch(reader, counter, signals);
    if (caught != 0) {
        say("wordcount", fmt::format("stopped by signal {} ({})", caught, strsignal(caught)));
        return {.exit_status = signalled + caught};
    }
    for (const auto* role : {&reader, &counter}) {
        const int signal = role->killed_by();
        if (signal != 0)
            say("wordcount", fmt::format("the {} was killed: signal {} ({})", role->name(), signal, strsignal(signal)));
    }
    if (reader.refused() || counter.refused()) return {.exit_status = misused};
    if (!reader.succeeded() || !counter.succeeded()) return {.exit_status = failed};
    return {.exit_status = done, .counts = counts.text()};
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
