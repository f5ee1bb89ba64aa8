// file_rules.cpp: what each file looks like, whatever it says.
#include "rules.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <string_view>

namespace noria::tidy {

namespace {

constexpr std::size_t lines_max = 500;
constexpr std::size_t tutorial_lines_max = 39;

// What people write and read; raw results and test data may be as long as they are.
bool is_written_by_hand(const source_file& file) {
    const std::string name = file_name(file.path);
    return is_cpp(name) || name.ends_with(".md") || name.ends_with(".cmake") || name == "CMakeLists.txt" ||
           name.ends_with(".pml") || name.find('.') == std::string::npos;
}

violations longer_than(std::size_t limit, const tree& checkout, bool (*concerned)(const source_file&)) {
    violations found;
    for (const auto& file : checkout.files) {
        if (concerned(file) && file.lines.size() > limit) {
            found.push_back(file.path + ": " + std::to_string(file.lines.size()) + " lines, at most " +
                            std::to_string(limit));
        }
    }
    return found;
}

}  // namespace

violations long_files(const tree& checkout) { return longer_than(lines_max, checkout, is_written_by_hand); }

violations long_tutorials(const tree& checkout) {
    return longer_than(tutorial_lines_max, checkout, [](const source_file& file) {
        return file.path.starts_with("examples/1_tutorial/") && is_cpp(file.path);
    });
}

violations vague_names(const tree& checkout) {
    static const std::set<std::string> vague{"detail", "details", "util",    "utils", "utility", "utilities",
                                             "common", "helper",  "helpers", "misc",  "impl"};
    violations found;
    for (const auto& file : checkout.files) {
        for (const auto& word : words_between(file.path, "/_.-")) {
            if (vague.contains(word)) found.push_back(file.path + ": '" + word + "' says nothing");
        }
    }
    return found;
}

violations notes_for_later(const tree& checkout) {
    // In two parts, so that this file may be read by itself.
    static const std::regex note{
        "\\b(TO"
        "DO|FIX"
        "ME|XX"
        "X|HA"
        "CK)\\b"};
    violations found;
    for (const auto& file : checkout.files) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (std::regex_search(file.lines[i], note)) {
                found.push_back(file.path + ":" + std::to_string(i + 1) + ": " + file.lines[i]);
            }
        }
    }
    return found;
}

violations strayed_openings(const tree& checkout) {
    static const std::regex opening{
        R"(\b(openat|creat|fopen|opendir)\(|(^|[^\w>])::open\(|(=|\(|return) open\(|\bstd::[io]?fstream\b)"};
    violations found;
    for (const auto& file : checkout.files) {
        if (!file.path.starts_with("lib/") || !is_cpp(file.path) || file.path == "lib/os/descriptor.cpp") continue;
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (std::regex_search(file.lines[i], opening))
                found.push_back(file.path + ":" + std::to_string(i + 1) + ": opens a file, and not by os::open_at");
        }
    }
    return found;
}

violations missing_first_lines(const tree& checkout) {
    static const std::regex several_sentences{R"([.!?] [A-Z])"};
    violations found;
    for (const auto& file : checkout.files) {
        if (!is_cpp(file.path)) continue;
        const std::string& line = file.lines.front();
        const std::string opening = "// " + file_name(file.path) + ": ";
        if (!line.starts_with(opening) || !line.ends_with('.') || line.size() < opening.size() + 2 ||
            std::regex_search(line, several_sentences)) {
            found.push_back(file.path + ": the first line is not '" + opening + "one sentence.', but: " + line);
        }
    }
    return found;
}

violations missing_licence_lines(const tree& checkout) {
    // In two parts, for it is not the licence of this line.
    static const std::string licence =
        "// SPDX-License"
        "-Identifier: BSL-1.0";
    violations found;
    for (const auto& file : checkout.files) {
        if (is_cpp(file.path) && file.lines.back() != licence) {
            found.push_back(file.path + ": the last line is not '" + licence + "', but: " + file.lines.back());
        }
    }
    return found;
}

violations unguarded_headers(const tree& checkout) {
    violations found;
    for (const auto& file : checkout.files) {
        if (file.path.ends_with(".hpp") && std::ranges::count(file.lines, "#pragma once") != 1) {
            found.push_back(file.path + ": a header has one line '#pragma once'");
        }
    }
    return found;
}

violations strange_top_folders(const tree& checkout) {
    static const std::set<std::string> house{"lib", "include", "examples", "tests", "cmake"};
    violations found;
    for (const auto& folder : checkout.top_folders) {
        if (!house.contains(folder)) found.push_back(folder + "/: the top level has no such folder");
    }
    return found;
}

}  // namespace noria::tidy
// SPDX-License-Identifier: BSL-1.0
