// give_up.hpp: a role that cannot finish says why, and which of the two is to blame.
#pragma once

#include "arguments.hpp"
#include "say.hpp"

#include <noria/spsc.hpp>

#include <fmt/format.h>

#include <string_view>

namespace wordcount {

// Says why the endpoint's last verb did not do its work; `signal` is the one that was caught, or 0. Returns the status to
// exit with.
template <class Endpoint>
int give_up(std::string_view me, std::string_view peer, const Endpoint& endpoint, int signal) {
    if (signal != 0) {
        say(me, fmt::format("stopped by signal {}", signal));
        return signalled + signal;
    }
    if (endpoint.why() == noria::outcome::ended && endpoint.ended() == noria::end::abandoned) {
        say(me, fmt::format("the {} died", peer));
    } else if (endpoint.why() == noria::outcome::ended) {
        say(me, fmt::format("the {} left before everything was counted", peer));
    } else {
        say(me, fmt::format("{} {}", noria::name(endpoint.why()), endpoint.error_text()));
    }
    return failed;
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
