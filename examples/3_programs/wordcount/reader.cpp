// reader.cpp: the producer: maps files, and writes their lines in place into the queue.
//
//     find /usr/include/boost -type f -print0 | wordcount_reader /dev/shm/words -0
#include "arguments.hpp"
#include "give_up.hpp"
#include "lines.hpp"
#include "mapped_text.hpp"
#include "parent.hpp"
#include "progress.hpp"
#include "say.hpp"
#include "signals.hpp"

#include <noria/inspect.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace wordcount {

namespace {

constexpr std::string_view me = "wordcount_reader";

struct arguments {
    std::string queue;
    std::vector<std::string> files;
    bool files_from_input = false;
    std::uint64_t altered_message = 0;
    pid_t parent = 0;
};

class line_sender {
public:
    line_sender(const arguments& given, lines::producer& out)
        : out_(out), altered_message_(given.altered_message), progress_(given.files.size()) {}

    // False: not all was sent, and the producer's why() says why.
    bool send_files(const std::vector<std::string>& paths) {
        if (!send(mark::begin, {})) return false;
        for (const auto& path : paths) {
            const mapped_text file(path);
            if (!send_text(file.text())) return false;
            ++sent_.files;
        }
        if (!send(mark::end, {})) return false;
        progress_.finish(sent_);
        return true;
    }

private:
    bool send_text(std::string_view text) {
        while (!text.empty()) {
            const std::size_t length = std::min(text.find('\n'), text.size());
            if (length != 0 && !send_line(text.substr(0, length))) return false;
            const std::size_t with_newline = std::min(length + 1, text.size());
            text.remove_prefix(with_newline);
            sent_.bytes += with_newline;
        }
        return true;
    }

    bool send_line(std::string_view line) {
        for (; line.size() > text_bytes_max; line.remove_prefix(text_bytes_max)) {
            if (!send(mark::part, line.substr(0, text_bytes_max))) return false;
        }
        return send(mark::line, line);
    }

    bool send(mark what, std::string_view text) {
        auto message = out_.claim(sizeof(what) + text.size());
        if (!message) return false;
        std::byte* const to = message.data();
        to[0] = static_cast<std::byte>(what);
        if (!text.empty()) std::memcpy(to + sizeof(what), text.data(), text.size());
        if (++sent_.messages == altered_message_) to[message.size() - 1] ^= std::byte{0x80};
        message.commit();
        if (sent_.messages % 1024 == 0) progress_.show(sent_);
        return signals<lines::producer>::caught() == 0;
    }

    lines::producer& out_;
    const std::uint64_t altered_message_;
    amount sent_;
    progress progress_;
};

int send_all(const arguments& given) {
    // A run starts clean: what a killed one left is removed, unless the counter is there already and waits for us.
    std::error_code ignored;
    noria::remove(given.queue, ignored);

    lines::producer out(given.queue, line_queue());
    const signals<lines::producer> stop(out);
    if (line_sender(given, out).send_files(given.files)) return done;
    return give_up(me, "counter", out, stop.caught());
}

int run(int argc, char** argv) {
    arguments given;
    CLI::App program("Sends the lines of FILEs through QUEUE to wordcount_counter.");
    program.add_option("QUEUE", given.queue, "The queue's file; created if it is missing")->required();
    program.add_option("FILE", given.files, "The files to read");
    program.add_flag("-0", given.files_from_input, "Read more names of files from standard input, each ended by a NUL");
    program.add_option("--alter-message", given.altered_message)->group("");  // hidden: for tests of the check
    program.add_option("--parent", given.parent)->group("");                  // hidden: for wordcount
    if (const auto status = parse(program, argc, argv)) return *status;

    const parent starter(given.parent);
    if (given.files_from_input) {
        for (std::string name; std::getline(std::cin, name, '\0');) given.files.push_back(name);
    } else if (given.files.empty()) {
        say(me, "no FILE given; see --help");
        return misused;
    }
    const int status = send_all(given);
    starter.clear_up_if_dead(given.queue);
    return status;
}

}  // namespace

}  // namespace wordcount

int main(int argc, char** argv) {
    try {
        return wordcount::run(argc, argv);
    } catch (const std::exception& failure) {
        wordcount::say(wordcount::me, failure.what());
        return wordcount::misused;
    }
}
// SPDX-License-Identifier: BSL-1.0
