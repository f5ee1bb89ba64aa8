// 3_bytes_consumer.cpp: prints messages of any size, in place and many at a time.
#include <noria/spsc.hpp>

#include <iostream>

using texts = noria::spsc<noria::bytes>;

int main(int argc, char** argv) try {
    texts::consumer in{argc > 1 ? argv[1] : "/dev/shm/noria-texts"};
    const auto print = [](noria::bytes text) { std::cout << text.text() << '\n'; };  // a view, valid until it returns
    while (in.consume_some(print) != 0) std::cout << std::flush;  // waits for the first, takes what else is there
    return in.ended() == noria::end::finished ? 0 : 1;
} catch (const noria::error& failure) {
    std::cerr << failure.what() << '\n';
    return 2;
}
// SPDX-License-Identifier: BSL-1.0
