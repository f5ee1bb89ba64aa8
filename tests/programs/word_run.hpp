// word_run.hpp: a run of wordcount in a place of its own, and what is known about it from outside.
#pragma once

#include "programs/launched.hpp"
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <noria/inspect.hpp>

#include <sys/prctl.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace noria::rig {

inline std::string wordcount_program(const std::string& name) { return WORDCOUNT_DIRECTORY "/" + name; }

// What the words of the files are, by tools that have nothing to do with us.
inline std::uint64_t words_by_grep(const std::vector<std::string>& files) {
    std::uint64_t sum = 0;
    for (const auto& file : files) {
        const std::string command = "LC_ALL=C tr -s ' \\t\\n\\v\\f\\r' '\\n' <'" + file + "' | LC_ALL=C grep -ac .";
        std::FILE* const pipe = popen(command.c_str(), "r");
        unsigned long long words = 0;
        if (pipe == nullptr || std::fscanf(pipe, "%llu", &words) != 1) throw std::runtime_error(command);
        pclose(pipe);
        sum += words;
    }
    return sum;
}

// Where runs find room for their queues, and leave nothing.
struct word_place {
    workspace folder;

    [[nodiscard]] bool empty() const { return folder.files() == 0; }
    [[nodiscard]] std::optional<snapshot> look(const std::string& queue = "blocks") const {
        std::error_code code;
        for (const auto& run : std::filesystem::directory_iterator(folder.path(), code)) {
            const observer observer(run.path() / queue, code);
            if (!code) return observer.look();
        }
        return std::nullopt;
    }

    // Waits until the workers have done so many blocks.
    void await_received(std::uint64_t messages) const {
        if (!eventually([&] {
                const auto now = look();
                return now && now->counters.received >= messages;
            })) {
            throw std::runtime_error("wordcount does not get on");
        }
    }
    // The process in that role; 0: none.
    [[nodiscard]] pid_t pid_of(role wanted) const {
        if (const auto now = look()) {
            for (const auto& each : now->roster) {
                if (each.role == wanted && each.alive) return static_cast<pid_t>(each.pid);
            }
        }
        return 0;
    }
};

class word_run : public launched {
public:
    explicit word_run(
        const word_place& place, const std::vector<std::string>& arguments,
        const std::function<void()>& prepare = [] {})
        : launched(command(place, arguments), "", prepare) {}

    // The number in the line "words: ...".
    [[nodiscard]] std::uint64_t words() const {
        const std::string text = out();
        const std::string key = "\nwords: ";
        const auto at = text.find(key);
        if (at == std::string::npos) throw std::runtime_error("no words in: " + text + err());
        return std::stoull(text.substr(at + key.size()));
    }
    [[nodiscard]] bool claims_exactness() const { return out().find("exact: yes") != std::string::npos; }

    // The figures in the line "killed: ...".
    struct incidents {
        unsigned workers = 0, readers = 0, redelivered = 0, repeats = 0, skipped = 0;
    };
    [[nodiscard]] incidents incidents_told() const {
        incidents told;
        const std::string text = out();
        const auto at = text.find("\nkilled: ");
        if (at == std::string::npos ||
            std::sscanf(text.c_str() + at,
                        "\nkilled: %u workers, %u readers; redelivered: %u, repeats dropped: %u, claims skipped: %u",
                        &told.workers, &told.readers, &told.redelivered, &told.repeats, &told.skipped) != 5)
            throw std::runtime_error("no incidents in: " + text + err());
        return told;
    }

private:
    static std::vector<std::string> command(const word_place& place, const std::vector<std::string>& arguments) {
        std::vector<std::string> all{wordcount_program("wordcount"), "--place", place.folder.path()};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return all;
    }
};

}  // namespace noria::rig

// SPDX-License-Identifier: BSL-1.0
