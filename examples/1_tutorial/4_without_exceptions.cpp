// 4_without_exceptions.cpp: the consumer of lesson 1 for programs that throw nothing and never wait.
#include "ticks.hpp"

#include <cstdio>
#include <system_error>

int main(int argc, char** argv) {
    std::error_code code;
    auto in = ticks::consumer::open(argc > 1 ? argv[1] : "/dev/shm/noria-ticks", {}, code);  // opens, never creates
    if (code == noria::errc::not_found) std::puts("Nobody has made the queue yet.");
    if (code) {
        std::fprintf(stderr, "%s\n", in.error_text().c_str());  // the file, what was found, and what to do
        return 2;
    }
    while (true) {
        if (const auto tick = in.try_pop()) {
            std::printf("%.2f\n", tick->price);
            continue;
        }
        switch (in.why()) {  // "nothing there" is no error: it is a value
            case noria::outcome::empty: std::puts("Nothing there: time for something else."); return 0;
            case noria::outcome::ended: return in.ended() == noria::end::finished ? 0 : 1;
            default: std::fprintf(stderr, "%s\n", in.error_text().c_str()); return 2;  // the file proved corrupt
        }
    }
}
// SPDX-License-Identifier: BSL-1.0
