// outcome.cpp: outcomes and ends by name.
#include "noria/core/outcome.hpp"

namespace noria::inline v1 {

std::string_view name(outcome value) noexcept {
    switch (value) {
        case outcome::ok: return "ok";
        case outcome::full: return "full";
        case outcome::empty: return "empty";
        case outcome::stalled: return "stalled";
        case outcome::timed_out: return "timed_out";
        case outcome::interrupted: return "interrupted";
        case outcome::ended: return "ended";
        case outcome::too_large: return "too_large";
        case outcome::buffer_too_small: return "buffer_too_small";
        case outcome::busy: return "busy";
        case outcome::forked: return "forked";
        case outcome::closed: return "closed";
        case outcome::corrupt: return "corrupt";
        case outcome::recovery_blocked: return "recovery_blocked";
    }
    return "unknown";
}

std::string_view name(end value) noexcept {
    switch (value) {
        case end::none: return "none";
        case end::finished: return "finished";
        case end::abandoned: return "abandoned";
    }
    return "unknown";
}

}  // namespace noria::inline v1

// SPDX-License-Identifier: BSL-1.0
