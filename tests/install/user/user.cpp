// user.cpp: the smallest program of a user: one message through a queue, in one process.
#include <noria/noria.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

struct tick {
    std::int64_t time_ns;
    double price;
};
using ticks = noria::spsc<tick>;

int main() {
    std::string folder = std::filesystem::temp_directory_path() / "noria_user_XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return 1;
    const std::filesystem::path path = folder + "/ticks";

    bool exact = false;
    {
        ticks::producer out{path, {.capacity = 16}};
        const bool pushed = out.push({.time_ns = 1, .price = 2.0});
        ticks::consumer in{path};
        const auto received = in.try_pop();
        exact = pushed && received && received->time_ns == 1 && received->price == 2.0 && !in.try_pop();
    }
    std::filesystem::remove_all(folder);
    std::puts(exact ? "received what was sent" : "received something else");
    return exact ? 0 : 1;
}
// SPDX-License-Identifier: BSL-1.0
