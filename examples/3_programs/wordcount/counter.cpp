// counter.cpp: the consumer: counts the words of the lines where they lie in the queue, and prints each with its number.
//
//     wordcount_counter /dev/shm/words | sort -rn | head
#include "arguments.hpp"
#include "clear_away.hpp"
#include "give_up.hpp"
#include "lines.hpp"
#include "parent.hpp"
#include "say.hpp"
#include "signals.hpp"
#include "word_counts.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>

namespace wordcount {

namespace {

constexpr std::string_view me = "wordcount_counter";

// What the messages say, from `begin` to `end`.
class line_counter {
public:
    void operator()(noria::bytes message) {
        const std::string_view text = message.text();
        const mark what = text.empty() ? mark{} : static_cast<mark>(text.front());
        switch (what) {
            case mark::begin: begin(); return;
            case mark::part:
            case mark::line: words_.add(text.substr(sizeof(what)), what == mark::part); return;
            case mark::end: complete_ = begun_; return;
        }
    }

    // From the first line to the last, and not only the rest of what a killed counter has begun.
    [[nodiscard]] bool complete() const { return complete_; }
    [[nodiscard]] const word_counts::map& counts() const { return words_.counts(); }

private:
    void begin() {
        words_.clear();
        begun_ = true;
        complete_ = false;
    }

    word_counts words_;
    bool begun_ = false;
    bool complete_ = false;
};

// A line for each word, which has no space in it: its number, a space, the word. False: they could not be written.
bool print(const word_counts::map& counts) {
    fmt::memory_buffer text;
    const auto flush = [&] {
        const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
        text.clear();
        return written;
    };
    for (const auto& [word, count] : counts) {
        fmt::format_to(std::back_inserter(text), "{} {}\n", count, word);
        if (text.size() > (1U << 16U) && !flush()) return false;
    }
    return flush() && std::fflush(stdout) == 0;
}

int count_all(const std::string& queue) {
    line_counter lines_counted;
    lines::consumer in(queue, line_queue());
    const signals<lines::consumer> stop(in);

    // By the thousand, for a look at the signals now and then: where there is always a line, nothing waits.
    while (stop.caught() == 0 && in.consume_some(lines_counted, 1000) != 0) {
    }

    const bool over = in.why() == noria::outcome::ended && in.ended() == noria::end::finished;
    if (stop.caught() != 0 || !over || !lines_counted.complete()) return give_up(me, "reader", in, stop.caught());
    if (print(lines_counted.counts())) return done;
    say(me, "the counts could not be written");
    return failed;
}

int run(int argc, char** argv) {
    std::string queue;
    pid_t starter_pid = 0;
    CLI::App program("Counts the words that wordcount_reader sends through QUEUE.");
    program.add_option("QUEUE", queue, "The queue's file; created if it is missing, removed when all is counted")
        ->required();
    program.add_option("--parent", starter_pid)->group("");  // hidden: for wordcount
    if (const auto status = parse(program, argc, argv)) return *status;

    const parent starter(starter_pid);
    const int status = count_all(queue);
    if (status == done) clear_away(queue);
    starter.clear_up_if_dead(queue);
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
