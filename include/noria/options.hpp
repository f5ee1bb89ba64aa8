// options.hpp: what can be said at opening; the words themselves stand in core/options.hpp.
#pragma once

#include "noria/core/options.hpp"

// SPDX-License-Identifier: BSL-1.0
