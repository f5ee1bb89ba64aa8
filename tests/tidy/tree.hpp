// tree.hpp: a source tree as the rules see it: paths, and lines of text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace noria::tidy {

struct source_file {
    std::string path;  // from the root of the checkout, with slashes
    std::vector<std::string> lines;
};

struct tree {
    std::vector<source_file> files;
    std::vector<std::string> top_folders;
};

/// Reads lib, include, examples, tests and cmake below root; what is hidden or binary is left out.
[[nodiscard]] tree read_tree(const std::filesystem::path& root);

/// A tree of one file: for trees that break a rule.
[[nodiscard]] tree tree_of(std::string path, std::string_view text);

/// Adds a file to a tree.
void add(tree& to, std::string path, std::string_view text);

struct line_parts {
    std::string code;     // without the white space after it
    std::string comment;  // without the slashes, and the white space after them
    std::size_t comment_column = 0;
};

/// Parts a line at the // that stands outside of string literals.
[[nodiscard]] line_parts split(std::string_view line);

struct include_directive {
    std::string target;  // a path in the tree, "include/noria/..."; for what is not ours, the text between the brackets
    bool ours = false;
};

/// All #include directives of a file. A quoted name is ours, relative to the file or to include/.
[[nodiscard]] std::vector<include_directive> includes_of(const source_file& file);

[[nodiscard]] std::string file_name(std::string_view path);
[[nodiscard]] std::string stem(std::string_view path);
[[nodiscard]] bool is_cpp(std::string_view path);
[[nodiscard]] std::vector<std::string> words_between(std::string_view text, std::string_view separators);

}  // namespace noria::tidy
// SPDX-License-Identifier: BSL-1.0
