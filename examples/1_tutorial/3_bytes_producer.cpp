// 3_bytes_producer.cpp: sends the lines of its standard input, each as a message of its own size.
#include <noria/spsc.hpp>

#include <iostream>
#include <string>
#include <string_view>

using texts = noria::spsc<noria::bytes>;

int main(int argc, char** argv) try {
    texts::producer out{argc > 1 ? argv[1] : "/dev/shm/noria-texts",
                        {.capacity_bytes = 64 * 1024, .message_bytes_max = 1000}};
    for (std::string line; std::getline(std::cin, line);) {
        if (out.push(std::string_view(line))) continue;  // a message may also be empty
        if (out.why() != noria::outcome::too_large) {
            std::cerr << "The consumer is gone.\n";
            return 1;
        }
        std::cerr << "Not sent: a line of " << line.size() << " bytes; " << out.message_bytes_max() << " would fit.\n";
    }
    return 0;
} catch (const noria::error& failure) {
    std::cerr << failure.what() << '\n';
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
