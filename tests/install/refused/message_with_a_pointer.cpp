// message_with_a_pointer.cpp: a message is no address.
// says: a pointer means nothing in another process
#include <noria/spsc.hpp>

#ifdef REFUSED
using letters = noria::spsc<const char*>;
#else
using letters = noria::spsc<char>;
#endif
bool send(letters::producer& out) { return out.push({}); }
// SPDX-License-Identifier: BSL-1.0
