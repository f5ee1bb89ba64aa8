// truncation.hpp: what the tests of truncated files share: the cut, guarded processes, and what a dead endpoint answers.
#pragma once

#include "process/scene.hpp"

#include "noria/guard.hpp"
#include "noria/mpmc.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace scene {

constexpr rig::fate bus_error{.exit_status = -1, .signal = SIGBUS};
constexpr std::uint64_t page = 4096;

// What "somebody else" does to the file. Its size before.
inline std::uint64_t cut(const std::filesystem::path& path, std::uint64_t bytes) {
    const std::uint64_t before = std::filesystem::file_size(path);
    insist(truncate(path.c_str(), static_cast<off_t>(bytes)) == 0, "the file is truncated");
    return before;
}

// A process of its own, since handlers belong to processes, which leaves no core where it is to die.
inline rig::child unguarded(const std::function<int()>& body) {
    return rig::child([&] {
        constexpr rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        return body();
    });
}
inline rig::child guarded(const std::function<int()>& body) {
    return unguarded([&] {
        noria::guard_against_truncation();
        return body();
    });
}

struct of_numbers {
    using queue = numbers;
    static noria::options wishes() { return {.capacity = 256}; }  // 64 bytes each: 4 pages of ring
    static bool push(numbers::producer& out) { return out.try_push(number(1)); }
    static bool pop(numbers::consumer& in) { return static_cast<bool>(in.try_pop()); }
    static auto claim(numbers::producer& out) { return out.try_claim(); }
};
struct of_texts {
    using queue = texts;
    static noria::options wishes() { return {.capacity_bytes = 4 * page, .message_bytes_max = 600}; }
    static bool push(texts::producer& out) { return out.try_push(noria::bytes(std::string(517, 't'))); }
    static bool pop(texts::consumer& in) { return static_cast<bool>(in.try_pop()); }
    static auto claim(texts::producer& out) { return out.try_claim(std::size_t{500}); }
};

// The same of queues for many: slots of 24 bytes, and of 512: 6 and 4 pages of ring.
struct of_jobs {
    using queue = noria::mpmc<numbered>;
    static noria::options wishes() { return {.capacity = 1024, .endpoints = 4}; }
    static bool push(queue::producer& out) { return out.try_push(number(1)); }
    static bool pop(queue::consumer& in) { return static_cast<bool>(in.try_pop()); }
    static auto claim(queue::producer& out) { return out.try_claim(); }
};
struct of_parcels {
    using queue = noria::mpmc<noria::bytes>;
    static noria::options wishes() { return {.capacity = 32, .message_bytes_max = 496, .endpoints = 4}; }
    static bool push(queue::producer& out) { return out.try_push(noria::bytes(std::string(417, 'p'))); }
    static bool pop(queue::consumer& in) { return static_cast<bool>(in.try_pop()); }
    static auto claim(queue::producer& out) { return out.try_claim(std::size_t{400}); }
};

// The endpoint is dead, and says of what.
template <class Endpoint>
void insist_truncated(const Endpoint& endpoint, const std::filesystem::path& path, spot where = spot::here()) {
    insist(endpoint.why() == noria::outcome::corrupt, "the verb answers corrupt", where);
    insist(!endpoint.is_open(), "the endpoint is dead", where);
    insist(endpoint.error_code() == noria::errc::corrupt, "the error is corrupt", where);
    insist(endpoint.error_text().find(path.string() + "': found it truncated") == 1, "the text says so", where);
    insist(endpoint.error_text().find("expected") != std::string::npos, "the text says what was expected", where);
}

template <class Of>
void insist_all_verbs_corrupt(typename Of::queue::producer& out, const std::filesystem::path& path) {
    insist(!Of::push(out), "nothing is sent any more");
    insist_truncated(out, path);
    insist(!Of::claim(out), "nothing is claimed any more");
    insist_truncated(out, path);
    insist(out.size() == 0 && out.counters().sent == 0 && !out.orphaned(), "a dead endpoint has no figures");
}
template <class Of>
void insist_all_verbs_corrupt(typename Of::queue::consumer& in, const std::filesystem::path& path) {
    insist(!in.pop() && in.why() == noria::outcome::corrupt, "no pop waits any more");
    insist(!in.pop_for(patience) && in.why() == noria::outcome::corrupt, "no pop waits for a while any more");
    insist(!in.take() && in.why() == noria::outcome::corrupt, "nothing is taken any more");
    insist(in.consume_some([](auto&&) {}) == 0, "nothing is consumed any more");
    insist_truncated(in, path);
}

// Both ends of another queue of this process.
struct bystander {
    numbers::producer out;
    numbers::consumer in;
    explicit bystander(const std::filesystem::path& path) : out{path, {.capacity = 4}}, in{path} {}
    void insist_unharmed() {
        for (std::uint64_t n = 0; n < 20; n += 2) {
            send(out, n, n + 2);
            receive(in, n, n + 2);
        }
    }
};

// Goal: from the loss on, traffic ends within two turns of the ring by `corrupt`, then everything of that queue is dead and
// nothing else is; and neither destructors nor locks are left hanging.
template <class Of>
int lose_and_go_on(const std::filesystem::path& path, const std::function<void()>& loss) {
    bystander beside(path.string() + ".beside");
    {
        typename Of::queue::producer out{path, Of::wishes()};
        typename Of::queue::consumer in{path};
        for (int n = 0; n < 10; ++n) insist(Of::push(out) && Of::pop(in), "traffic goes");
        loss();
        int turns = 0;
        while (Of::push(out) && Of::pop(in)) insist(++turns < 512, "the loss is met within two turns");
        // Who met it says so, at once; and the other at its next verb, which is the first after the loss.
        const auto dead = [](const auto& end) { return end.why() == noria::outcome::corrupt && !end.is_open(); };
        insist(dead(out) || dead(in), "who meets the loss says that it is corrupt");
        insist_all_verbs_corrupt<Of>(out, path);
        insist_all_verbs_corrupt<Of>(in, path);
        beside.insist_unharmed();
    }
    beside.insist_unharmed();
    return 0;
}

}  // namespace scene

// SPDX-License-Identifier: BSL-1.0
