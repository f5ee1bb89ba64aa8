// request_reply.cpp: many clients ask one queue; each is answered through a queue of its own.
//
//     request_reply [PATH]
//
// Requests go through an mpmc queue, to whichever server is free. A request says whose it is, and its client reads the answers
// from an spsc queue that it made before it asked. The server keeps one producer for each client that it knows.
#include <noria/inspect.hpp>
#include <noria/mpmc.hpp>
#include <noria/spsc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>

struct request {
    std::uint32_t client;
    std::uint32_t number;
};
struct reply {
    std::uint32_t number;
    std::uint32_t twice;
};
using requests = noria::mpmc<request>;
using replies = noria::spsc<reply>;

namespace {

std::string place_of(const std::string& path, std::uint32_t client) {
    return path + ".reply-" + std::to_string(client);
}

int serve(const std::string& path) {
    requests::consumer in{path};
    std::map<std::uint32_t, replies::producer> clients;
    while (const auto asked = in.take()) {
        auto found = clients.find(asked->client);
        if (found == clients.end())
            found = clients.emplace(asked->client, replies::producer::open(place_of(path, asked->client))).first;
        // A client that has died is answered by nobody's loss: the push says `ended`.
        if (!found->second.push({asked->number, 2 * asked->number})) clients.erase(found);
    }
    return 0;
}

int ask(const std::string& path, std::uint32_t self) {
    replies::consumer in{place_of(path, self), {.capacity = 8}};
    requests::producer out{path};
    std::uint64_t sum = 0;
    for (std::uint32_t n = 1; n <= 10; ++n) {
        if (!out.push({self, n})) return 1;
        const auto answer = in.pop_for(std::chrono::seconds(10));
        if (!answer || answer->number != n) return 1;
        sum += answer->twice;
    }
    return sum == 110 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "/dev/shm/noria-request-reply";
    int satisfied = 0;
    {
        const auto lobby = requests::producer{path, {.capacity = 16}};  // keeps the stream open until all have asked
        if (fork() == 0) _exit(serve(path));
        pid_t clients[3];
        for (std::uint32_t i = 0; i < 3; ++i) {
            clients[i] = fork();
            if (clients[i] == 0) _exit(ask(path, i));
        }
        for (const pid_t each : clients) {
            int status = 0;
            waitpid(each, &status, 0);
            satisfied += status == 0 ? 1 : 0;
        }
    }
    wait(nullptr);  // the server hears the end of the stream
    std::printf("%d clients had ten answers each\n", satisfied);
    for (std::uint32_t i = 0; i < 3; ++i) noria::remove(place_of(path, i));
    noria::remove(path);
    return satisfied == 3 ? 0 : 1;
} catch (const noria::error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
