// order_rules.cpp: that each synchronising line says with whom it synchronises, and that the other agrees.
#include "rules.hpp"

#include <algorithm>
#include <map>
#include <regex>

namespace noria::tidy {

namespace {

const std::string atomics = "include/noria/core/atomics.hpp";

bool is_library(const source_file& file) {
    return is_cpp(file.path) && (file.path.starts_with("include/") || file.path.starts_with("lib/"));
}

// One label beside code, with the labels it names; or, without code, a mention in the comment that opens a file.
struct label {
    struct partner {
        std::string name;
        std::string room;  // empty: this one, or another in the folder
    };
    std::string name;
    std::vector<partner> partners;
    std::string path;
    std::size_t line = 0;  // from 1

    [[nodiscard]] std::string folder() const {
        const auto parts = words_between(path, "/");
        return parts.size() > 1 ? parts[parts.size() - 2] : "";
    }
    [[nodiscard]] std::string where() const { return path + ":" + std::to_string(line) + ": [" + name + "]"; }
};

// "[S2] release -> [S1] in pop, [S4] in file.hpp: why" gives S2 with the partners S1 and S4. A label in front of an arrow
// is the line's own; the labels behind it are its partners. What comes after the colon is for people.
std::vector<label> parse_labels(std::string text) {
    static const std::regex end{R"(:(\s|$))"};
    static const std::regex token{R"(\[(S\d+)\]|<->|<-|->)"};
    static const std::regex room{R"(\bin (?:[a-z0-9_/]*/)?([a-z0-9_]+)\.[ch]pp)"};
    std::smatch colon;
    if (std::regex_search(text, colon, end)) text.resize(static_cast<std::size_t>(colon.position()));

    const std::vector<std::smatch> tokens(std::sregex_iterator{text.begin(), text.end(), token}, {});
    std::vector<label> found;
    std::size_t own_from = 0;  // the labels that the coming partners belong to
    bool behind_an_arrow = false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::string name = tokens[i][1];
        const bool before_an_arrow = i + 1 < tokens.size() && tokens[i + 1][1].str().empty();
        if (name.empty()) {
            behind_an_arrow = true;
        } else if (!behind_an_arrow || before_an_arrow) {
            if (behind_an_arrow) own_from = found.size();
            behind_an_arrow = false;
            found.push_back({name, {}, {}, 0});
        } else {
            const auto after = tokens[i].suffix().first;
            const auto until = i + 1 < tokens.size() ? tokens[i + 1].prefix().second : text.cend();
            std::smatch named;
            const bool elsewhere = std::regex_search(after, until, named, room);
            for (std::size_t own = own_from; own < found.size(); ++own) {
                found[own].partners.push_back({name, elsewhere ? named[1].str() : ""});
            }
        }
    }
    return found;
}

bool begins_with_label(const std::string& comment) {
    static const std::regex begin{R"(^\[S\d+\].*)"};
    return std::regex_match(comment, begin);
}

struct parted_file {
    const source_file* source = nullptr;
    std::vector<line_parts> lines;
    std::size_t first_code = 0;

    explicit parted_file(const source_file& file) : source{&file} {
        for (const auto& line : file.lines) lines.push_back(split(line));
        const auto at = std::ranges::find_if(lines, [](const auto& line) { return !line.code.empty(); });
        first_code = static_cast<std::size_t>(at - lines.begin());
    }
    [[nodiscard]] bool is_comment(std::size_t i) const {
        return i < lines.size() && lines[i].code.empty() && !lines[i].comment.empty();
    }
};

// The labels that stand by code, and in `astray` those that stand by none.
std::vector<label> labels_of(const parted_file& file, violations& astray) {
    std::vector<label> found;
    for (std::size_t i = file.first_code; i < file.lines.size(); ++i) {
        const auto& line = file.lines[i];
        if (!begins_with_label(line.comment)) continue;
        // The comment goes on in the lines below that begin in the same column, until another label begins.
        std::string text = line.comment;
        std::size_t next = i + 1;
        while (file.is_comment(next) && file.lines[next].comment_column == line.comment_column &&
               !begins_with_label(file.lines[next].comment)) {
            text += ' ' + file.lines[next++].comment;
        }
        std::size_t code = i;
        while (file.is_comment(code)) ++code;
        for (auto& one : parse_labels(text)) {
            one.path = file.source->path;
            one.line = i + 1;
            if (code == file.lines.size() || file.lines[code].code.empty()) {
                astray.push_back(one.where() + " stands by no code");
            }
            found.push_back(std::move(one));
        }
    }
    return found;
}

// Whom a label's partner may be: in the room it names, or else in its own room, or else in its own folder.
std::vector<const label*> candidates(const label::partner& wanted, const label& from, const std::vector<label>& all) {
    std::vector<const label*> same_room;
    std::vector<const label*> same_folder;
    const std::string room = wanted.room.empty() ? stem(from.path) : wanted.room;
    for (const auto& one : all) {
        if (one.name != wanted.name) continue;
        if (stem(one.path) == room && (!wanted.room.empty() || one.folder() == from.folder())) {
            same_room.push_back(&one);
        } else if (wanted.room.empty() && one.folder() == from.folder()) {
            same_folder.push_back(&one);
        }
    }
    return same_room.empty() ? same_folder : same_room;
}

void check_partners(const label& one, const std::vector<label>& all, violations& found) {
    if (one.partners.empty()) found.push_back(one.where() + " names no partner");
    for (const auto& partner : one.partners) {
        const auto others = candidates(partner, one, all);
        const bool agreed = std::ranges::any_of(others, [&](const label* other) {
            return std::ranges::any_of(other->partners, [&](const auto& back) { return back.name == one.name; });
        });
        if (others.empty()) {
            found.push_back(one.where() + " names [" + partner.name + "], which stands by no line of code");
        } else if (!agreed) {
            found.push_back(one.where() + " names [" + partner.name + "], which does not name it back");
        }
    }
}

void check_opening_table(const parted_file& file, const std::vector<label>& all, violations& found) {
    static const std::regex mention{R"(\[(S\d+)\])"};
    for (std::size_t i = 0; i < file.first_code; ++i) {
        const std::string& text = file.lines[i].comment;
        for (auto at = std::sregex_iterator{text.begin(), text.end(), mention}; at != std::sregex_iterator{}; ++at) {
            const label here{(*at)[1], {}, file.source->path, i + 1};
            if (candidates({here.name, ""}, here, all).empty()) {
                found.push_back(here.where() + " stands by no line of code");
            }
        }
    }
}

}  // namespace

violations strayed_memory_orders(const tree& checkout) {
    violations found;
    for (const auto& file : checkout.files) {
        if (!is_library(file) || file.path == atomics) continue;
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (file.lines[i].find("memory_order") != std::string::npos) {
                found.push_back(file.path + ":" + std::to_string(i + 1) + ": a memory order belongs in " + atomics);
            }
        }
    }
    return found;
}

violations unpaired_orders(const tree& checkout) {
    violations found;
    std::vector<parted_file> files;
    std::vector<label> all;
    for (const auto& file : checkout.files) {
        if (!is_library(file)) continue;
        files.emplace_back(file);
        for (auto& one : labels_of(files.back(), found)) all.push_back(std::move(one));
    }
    for (const auto& one : all) check_partners(one, all, found);
    for (const auto& file : files) check_opening_table(file, all, found);
    return found;
}

violations unlabelled_orders(const tree& checkout) {
    static const std::regex call{R"(\b(load_acquire|store_release)\()"};
    static const std::regex reason{R"(\[S\d+\]|\b[A-Z]\d+\b)"};
    violations found;
    for (const auto& source : checkout.files) {
        if (!is_library(source) || source.path == atomics) continue;
        const parted_file file{source};
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (!std::regex_search(file.lines[i].code, call)) continue;
            // Down and up to the ends of the statement, and through the comment above it.
            const auto ends = [&](std::size_t line) {
                const std::string& code = file.lines[line].code;
                return code.empty() || std::string_view{";{}:"}.find(code.back()) != std::string_view::npos;
            };
            std::string comments = file.lines[i].comment;
            for (std::size_t below = i; !ends(below) && below + 1 < file.lines.size();) {
                comments += ' ' + file.lines[++below].comment;
            }
            std::size_t at = i;
            while (at > 0 && !ends(at - 1)) comments += ' ' + file.lines[--at].comment;
            while (at > 0 && file.is_comment(at - 1)) comments += ' ' + file.lines[--at].comment;
            if (!std::regex_search(comments, reason)) {
                found.push_back(source.path + ":" + std::to_string(i + 1) + ": with whom does this line synchronise?");
            }
        }
    }
    return found;
}

}  // namespace noria::tidy
// SPDX-License-Identifier: BSL-1.0
