// noria.hpp: everything.
#pragma once

#include "noria/guard.hpp"
#include "noria/inspect.hpp"
#include "noria/message.hpp"
#include "noria/mpmc.hpp"
#include "noria/options.hpp"
#include "noria/spsc.hpp"
#include "noria/version.hpp"

// SPDX-License-Identifier: BSL-1.0
