// rules.hpp: the rules of the house and of the style guide that a program can check, each a function of a tree.
//
// Each returns a sentence for every place that breaks it, with path and, where there is one, line; nothing, if all is well.
#pragma once

#include "tree.hpp"

#include <string>
#include <vector>

namespace noria::tidy {

using violations = std::vector<std::string>;

/// A folder includes what lib/README.md's table of layers lets it include; a face includes no other face, but for
/// message.hpp, options.hpp and version.hpp (noria.hpp includes them all). The unit tests of a folder are bound as it is;
/// tools, examples and users include faces only. core, layout and ring cannot call the kernel.
[[nodiscard]] violations forbidden_includes(const tree& checkout);

/// No file includes itself by way of others.
[[nodiscard]] violations circular_includes(const tree& checkout);

/// Boost.Interprocess is seen in lib/os/mapped_file.cpp only.
[[nodiscard]] violations strayed_interprocess(const tree& checkout);

/// Who includes a header of ours needs the standard library only: no fmt and no Boost under include/.
[[nodiscard]] violations libraries_in_headers(const tree& checkout);

/// Only include/noria/core/atomics.hpp names a memory order.
[[nodiscard]] violations strayed_memory_orders(const tree& checkout);

/// The labels of synchronising lines pair up.
///
/// A label is a comment that begins with `[S2]`, at the end of a line of code or on the lines above one. After an arrow
/// (-> or <-) it names its partners, up to a colon: `// [S2] release -> [S1] in pop: publishes the slot.` A partner is
/// looked for in the same room, then in the same folder; `-> [S1] in event_count.hpp: ...` names one elsewhere. It must
/// exist, and name the label back. The comment that opens a file is a table of them: what it mentions must exist.
[[nodiscard]] violations unpaired_orders(const tree& checkout);

/// Each load_acquire and store_release has a comment with a label, or with the invariant that makes it do without (`E2`).
[[nodiscard]] violations unlabelled_orders(const tree& checkout);

/// No file of ours is over 500 lines.
[[nodiscard]] violations long_files(const tree& checkout);

/// No program of the tutorial has 40 lines or more.
[[nodiscard]] violations long_tutorials(const tree& checkout);

/// No folder and no file has a name that says nothing.
[[nodiscard]] violations vague_names(const tree& checkout);

/// Nothing is left for later in a comment.
[[nodiscard]] violations notes_for_later(const tree& checkout);

/// The library opens files by os::open_at only, which keeps off the numbers of standard streams.
[[nodiscard]] violations strayed_openings(const tree& checkout);

/// The first line is `// name: one sentence.`
[[nodiscard]] violations missing_first_lines(const tree& checkout);

/// The last line names the licence.
[[nodiscard]] violations missing_licence_lines(const tree& checkout);

/// Each header has #pragma once.
[[nodiscard]] violations unguarded_headers(const tree& checkout);

/// The top level has the owner's five folders.
[[nodiscard]] violations strange_top_folders(const tree& checkout);

}  // namespace noria::tidy
// SPDX-License-Identifier: BSL-1.0
