// pipeline.cpp: three stages, each a process, with a queue between two; the end of the stream travels down the line.
//
//     pipeline [PATH]
//
// A stage that dies ends the stream below it as `abandoned`, so that the last stage never takes half a result for a whole one.
#include <noria/inspect.hpp>
#include <noria/spsc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

struct sample {
    std::uint64_t number;
    double value;
};
using samples = noria::spsc<sample>;

namespace {

int measure(const std::string& to) {
    samples::producer out{to, {.capacity = 64}};
    for (std::uint64_t n = 1; n <= 1000; ++n) {
        auto room = out.claim();  // written where the next stage reads it
        if (!room) return 1;
        *room = {n, static_cast<double>(n) / 2};
        room.commit();
    }
    return 0;
}

int smooth(const std::string& from, const std::string& to) {
    samples::consumer in{from};
    samples::producer out{to, {.capacity = 64}};
    double mean = 0;
    while (const auto next = in.take()) {
        mean += (next->value - mean) / static_cast<double>(next->number);
        if (!out.push({next->number, mean})) return 1;
    }
    if (in.ended() != noria::end::finished) _exit(1);  // dies without closing: what is below hears `abandoned`
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "/dev/shm/noria-pipeline";
    const std::string raw = path + ".raw";
    const std::string smoothed = path + ".smoothed";
    if (fork() == 0) _exit(measure(raw));
    if (fork() == 0) _exit(smooth(raw, smoothed));
    int status = 1;
    {
        samples::consumer in{smoothed};
        sample last{};
        while (const auto next = in.pop()) last = *next;
        if (in.ended() == noria::end::finished) status = 0;
        std::printf("%llu samples, mean %.2f%s\n", static_cast<unsigned long long>(last.number), last.value,
                    status == 0 ? "" : ": not all, for a stage has died");
    }
    while (wait(nullptr) > 0) continue;
    noria::remove(raw);
    noria::remove(smoothed);
    return status;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
