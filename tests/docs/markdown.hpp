// markdown.hpp: as much of Markdown as the tests of documents read: fenced blocks, and tables below headings.
#pragma once

#include <string>
#include <vector>

namespace noria::docs {

std::string read_text(const std::string& path);

struct fenced_block {
    std::string language;
    std::string heading;  // the one it stands under
    std::string text;
};
std::vector<fenced_block> fenced_blocks(const std::string& markdown);

// The rows, without the two of the table's head, of the table that stands first below that heading; cells are trimmed,
// and `code` is given without its ticks.
using row = std::vector<std::string>;
std::vector<row> table_below(const std::string& markdown, const std::string& heading);

std::vector<std::string> lines_of(const std::string& text);

}  // namespace noria::docs

// SPDX-License-Identifier: BSL-1.0
