// markdown.cpp: reading fenced blocks and tables, line by line.
#include "markdown.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace noria::docs {

namespace {

std::string trimmed(const std::string& text, const char* what) {
    const auto begin = text.find_first_not_of(what);
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(what) - begin + 1);
}

bool is_heading(const std::string& line) { return line.starts_with("#"); }
std::string heading_of(const std::string& line) { return trimmed(line, "# "); }

row cells_of(const std::string& line) {
    row cells;
    std::istringstream rest(line.substr(1));
    for (std::string cell; std::getline(rest, cell, '|');) cells.push_back(trimmed(trimmed(cell, " "), "`"));
    return cells;
}

}  // namespace

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("no file " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream rest(text);
    for (std::string line; std::getline(rest, line);) lines.push_back(line);
    return lines;
}

std::vector<fenced_block> fenced_blocks(const std::string& markdown) {
    std::vector<fenced_block> blocks;
    std::string heading;
    bool inside = false;
    for (const auto& line : lines_of(markdown)) {
        if (line.starts_with("```")) {
            inside = !inside;
            if (inside) blocks.push_back({line.substr(3), heading, ""});
        } else if (inside) {
            blocks.back().text += line + '\n';
        } else if (is_heading(line)) {
            heading = heading_of(line);
        }
    }
    return blocks;
}

std::vector<row> table_below(const std::string& markdown, const std::string& heading) {
    std::vector<row> rows;
    bool below = false;
    for (const auto& line : lines_of(markdown)) {
        if (is_heading(line)) {
            if (below && !rows.empty()) break;
            below = heading_of(line) == heading;
        } else if (below && line.starts_with("|")) {
            rows.push_back(cells_of(line));
        } else if (below && !rows.empty()) {
            break;
        }
    }
    if (rows.size() < 3) throw std::runtime_error("no table below the heading '" + heading + "'");
    rows.erase(rows.begin(), rows.begin() + 2);
    return rows;
}

}  // namespace noria::docs

// SPDX-License-Identifier: BSL-1.0
