// work_pool.cpp: jobs go to whichever worker is free; what a killed worker held goes to another.
//
//     work_pool [PATH]
//
// Three workers share a queue of a hundred jobs. Job 13 kills its worker, the first time: the others find it again in
// the queue, and deliveries() tells them that somebody had it before, who may have done half of it. Results say which job they
// are of, so that one that comes twice is told from a new one.
#include <noria/inspect.hpp>
#include <noria/mpmc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <thread>

struct job {
    std::uint64_t number;
};
struct result {
    std::uint64_t job;
    std::uint64_t square;
    unsigned deliveries;
};
using jobs = noria::mpmc<job>;
using results = noria::mpmc<result>;

namespace {

constexpr std::uint64_t how_many = 100;

int work(const std::string& path) {
    jobs::consumer in{path};
    results::producer out{path + ".results"};
    while (const auto next = in.take()) {  // held until the lease goes, at the end of each round
        if (next->number == 13 && next.deliveries() == 1) raise(SIGKILL);
        if (!out.push({next->number, next->number * next->number, next.deliveries()})) return 1;
    }
    return in.ended() == noria::end::finished ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "/dev/shm/noria-work-pool";
    std::optional<results::consumer> in{
        std::in_place, path + ".results",
        noria::options{.capacity = 128}};  // all fit: nobody reads them before all jobs are sent
    {
        jobs::producer out{path, {.capacity = 16}};
        for (int i = 0; i < 3; ++i) {
            if (fork() == 0) _exit(work(path));
        }
        // A worker that came when all is over would wait for another stream: it is told of no end that others have heard.
        while (noria::inspect(path).roster.size() < 4) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        for (std::uint64_t n = 0; n < how_many; ++n) {
            if (!out.push({n})) return 1;
        }
    }  // the stream of jobs ends here; the workers drain it and leave
    std::set<std::uint64_t> done;
    std::uint64_t again = 0;
    while (const auto got = in->pop()) {
        done.insert(got->job);
        again += got->deliveries > 1 ? 1 : 0;
    }
    while (wait(nullptr) > 0) continue;
    std::printf("%zu jobs done, %llu of them by a second worker\n", done.size(),
                static_cast<unsigned long long>(again));
    in.reset();
    noria::remove(path);
    noria::remove(path + ".results");
    return done.size() == how_many ? 0 : 1;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
