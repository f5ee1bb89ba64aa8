// pop_of_a_large_message.cpp: its copy would lie on the stack, even that of pop() from an empty queue.
// says: too small for this message; use take()
#include <noria/mpmc.hpp>
#include <noria/spsc.hpp>

template <std::size_t Bytes>
struct frame {
    std::byte pixels[Bytes];
};

bool receive(noria::spsc<frame<64 << 10>>::consumer& fits, noria::mpmc<frame<(64 << 10) + 1>>::consumer& in) {
#ifdef REFUSED
    return fits.pop() && in.try_pop();
#else
    return fits.pop() && in.try_take();
#endif
}
// SPDX-License-Identifier: BSL-1.0
