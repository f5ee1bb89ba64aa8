// message.hpp: what travels: noria::bytes and popped; the words themselves stand in core/message.hpp.
#pragma once

#include "noria/core/message.hpp"

// SPDX-License-Identifier: BSL-1.0
