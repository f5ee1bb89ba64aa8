// supervise.cpp: a worker that is killed is started again, and the stream goes on as if nothing had been.
//
//     supervise [PATH]
//
// await_successor: the producer does not hear that its consumer has died; it waits for the next one. What the dead one
// held comes again, and deliveries() says so.
#include <noria/inspect.hpp>
#include <noria/spsc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

struct step {
    std::uint64_t number;
};
using steps = noria::spsc<step>;

namespace {

constexpr std::uint64_t how_many = 1000;

// Status 0: the stream has ended. The worker dies at every hundredth message, the first time that it sees it.
int work(const std::string& path) {
    steps::consumer in{path};
    while (const auto next = in.take()) {
        if (next->number % 100 == 99 && next.deliveries() == 1) raise(SIGKILL);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "/dev/shm/noria-supervise";
    const pid_t sender = fork();
    if (sender == 0) {
        bool all = true;
        {
            steps::producer out{path, {.capacity = 16, .await_successor = true}};
            for (std::uint64_t n = 0; n < how_many; ++n) all = all && out.push({n});
        }  // ends the stream
        _exit(all ? 0 : 1);
    }
    int restarts = -1;
    int status = 1;
    do {  // the supervisor
        ++restarts;
        const pid_t worker = fork();
        if (worker == 0) _exit(work(path));
        waitpid(worker, &status, 0);
    } while (WIFSIGNALED(status));
    waitpid(sender, nullptr, 0);
    const auto figures = noria::inspect(path).counters;
    std::printf("%llu messages received, %llu of them again, %d restarts\n",
                static_cast<unsigned long long>(figures.received), static_cast<unsigned long long>(figures.redelivered),
                restarts);
    noria::remove(path);
    return figures.received == how_many && status == 0 ? 0 : 1;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
