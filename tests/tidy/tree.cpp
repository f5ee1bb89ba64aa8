// tree.cpp: reads a source tree and takes its lines apart.
#include "tree.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <utility>

namespace noria::tidy {

namespace fs = std::filesystem;

namespace {

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return std::string{text.substr(first, text.find_last_not_of(" \t\r") - first + 1)};
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

}  // namespace

std::vector<std::string> words_between(std::string_view text, std::string_view separators) {
    std::vector<std::string> words(1);
    for (const char c : text) {
        if (separators.find(c) == std::string_view::npos) {
            words.back() += c;
        } else {
            words.emplace_back();
        }
    }
    return words;
}

std::string file_name(std::string_view path) { return std::string{path.substr(path.rfind('/') + 1)}; }

std::string stem(std::string_view path) {
    const std::string name = file_name(path);
    return name.substr(0, name.find('.'));
}

bool is_cpp(std::string_view path) { return path.ends_with(".hpp") || path.ends_with(".cpp"); }

void add(tree& to, std::string path, std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    to.files.push_back({std::move(path), words_between(text, "\n")});
}

tree tree_of(std::string path, std::string_view text) {
    tree one;
    add(one, std::move(path), text);
    return one;
}

tree read_tree(const fs::path& root) {
    tree found;
    for (const auto& entry : fs::directory_iterator{root}) {
        // Somebody's build tree is no part of the house.
        const bool built = fs::exists(entry.path() / "CMakeCache.txt");
        if (entry.is_directory() && !is_hidden(entry.path()) && !built) {
            found.top_folders.push_back(entry.path().filename().string());
        }
    }
    for (const char* folder : {"lib", "include", "examples", "tests", "cmake"}) {
        if (!fs::exists(root / folder)) continue;
        for (auto at = fs::recursive_directory_iterator{root / folder}; at != fs::end(at); ++at) {
            if (is_hidden(at->path())) {
                at.disable_recursion_pending();
            } else if (at->is_regular_file()) {
                std::ifstream in{at->path(), std::ios::binary};
                const std::string text{std::istreambuf_iterator<char>{in}, {}};
                if (text.find('\0') == std::string::npos) add(found, at->path().lexically_relative(root), text);
            }
        }
    }
    std::ranges::sort(found.files, {}, &source_file::path);
    return found;
}

line_parts split(std::string_view line) {
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != 0) {
            if (c == '\\') ++i;
            if (c == quote) quote = 0;
        } else if (c == '"' || (c == '\'' && (i == 0 || std::isalnum(static_cast<unsigned char>(line[i - 1])) == 0))) {
            quote = c;  // but not the ' of 1'000
        } else if (c == '/' && line.substr(i).starts_with("//")) {
            return {trimmed(line.substr(0, i)),
                    trimmed(line.substr(line.find_first_not_of('/', i) == line.npos ? line.size()
                                                                                    : line.find_first_not_of('/', i))),
                    i};
        }
    }
    return {trimmed(line), {}, line.size()};
}

std::vector<include_directive> includes_of(const source_file& file) {
    static const std::regex directive{R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"].*$)re"};
    std::vector<include_directive> found;
    for (const auto& line : file.lines) {
        std::smatch match;
        if (!std::regex_match(line, match, directive)) continue;
        const std::string name = match[2];
        if (name.starts_with("noria/")) {
            found.push_back({"include/" + name, true});
        } else if (match[1] == "<") {
            found.push_back({name, false});
        } else {
            found.push_back({(fs::path{file.path}.parent_path() / name).lexically_normal(), true});
        }
    }
    return found;
}

}  // namespace noria::tidy
// SPDX-License-Identifier: BSL-1.0
