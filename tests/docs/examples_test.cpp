// examples_test.cpp: the programs of README.md and the examples in the headers' comments compile, and do what they say.
//
// README.md: a ```cpp block that begins with `// name.hpp` or `// name.cpp` is that file. Those under one heading share
// a directory; each .cpp with a main is compiled, and all of them run at once: each must end with status 0. Headers:
// lines of a comment that begin with exactly five spaces are an example; each of its paragraphs is a scope of its own,
// but types come first. `...` stands for what the reader does, and use(x) for his use of x. /dev/shm/ is replaced by a
// directory of the test's own.
#include "markdown.hpp"

#include "noria/inspect.hpp"
#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fs = std::filesystem;
using noria::docs::lines_of;
using noria::docs::read_text;

namespace {

const std::string checkout = NORIA_CHECKOUT;

// Starts a command; what it prints goes into that file.
noria::rig::child start(const std::vector<std::string>& command, const fs::path& output) {
    return noria::rig::child([&] {
        const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        dup2(file, STDOUT_FILENO);
        dup2(file, STDERR_FILENO);
        std::vector<char*> arguments;
        for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
        arguments.push_back(nullptr);
        execvp(arguments[0], arguments.data());
        return 127;
    });
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

// A directory of sources, compiled and run as their reader would.
class programs {
public:
    void write(const std::string& name, std::string text) {
        replace_all(text, "/dev/shm/", dir_.path().string() + "/");
        std::ofstream(dir_ / name) << text;
    }
    // The program's path, or nothing and a failed test.
    std::string compile(const std::string& source) {
        std::vector<std::string> command{NORIA_COMPILER, "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror"};
        for (const auto& each : std::vector<std::string>{NORIA_SANITIZERS}) {
            if (!each.empty()) command.push_back(each);
        }
        const std::string program = (dir_ / source).string() + ".program";
        for (const std::string& each :
             {std::string("-I"), checkout + "/include", (dir_ / source).string(), std::string(NORIA_LIBRARY),
              std::string(NORIA_FMT), std::string("-pthread"), std::string("-o"), program}) {
            command.push_back(each);
        }
        const fs::path log = dir_ / (source + ".log");
        const bool compiled = start(command, log).wait() == noria::rig::fate{.exit_status = 0, .signal = 0};
        BOOST_TEST(compiled, source << " does not compile:\n" << read_text(log.string()));
        return compiled ? program : "";
    }
    [[nodiscard]] fs::path file(const std::string& name) const { return dir_ / name; }
    // Runs them all at once; what each printed.
    std::map<std::string, std::string> run(const std::vector<std::string>& all) {
        std::map<std::string, noria::rig::child> running;
        for (const auto& each : all) running[each] = start({each}, each + ".output");
        std::map<std::string, std::string> printed;
        for (auto& [program, process] : running) {
            const auto fate = process.wait();
            printed[program] = read_text(program + ".output");
            BOOST_TEST(fate.signal == 0, program << ":\n" << printed[program]);
            BOOST_TEST(fate.exit_status == 0, program << ":\n" << printed[program]);
        }
        return printed;
    }

private:
    noria::rig::workspace dir_;
};

// "// producer.cpp" as a block's first line names the file.
std::string name_of(const std::string& block) {
    static const std::regex name{R"(^// ([a-z0-9_]+\.[ch]pp)\n)"};
    std::smatch found;
    return std::regex_search(block, found, name) ? found[1].str() : "";
}

// Whether it has ended, though nobody has waited for it yet.
bool has_ended(const noria::rig::child& process) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(process.pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

// The README's producer and consumer, with a stream that does not end by itself, at work on one queue.
struct pair_at_work {
    pair_at_work(const std::string& producer_program, const std::string& consumer_program, fs::path file)
        : queue(std::move(file)), programs{producer_program, consumer_program} {
        restart_producer();
        restart_consumer();
        BOOST_REQUIRE(become([](const noria::snapshot& now) { return now.counters.received != 0; }));
    }
    ~pair_at_work() {
        producer = {};
        consumer = {};
        fs::remove(queue);
    }
    void restart_producer() { producer = start({programs[0]}, queue.string() + ".producer"); }
    void restart_consumer() { consumer = start({programs[1]}, queue.string() + ".consumer"); }

    // Waits until the queue looks so. False: one of the programs ended before.
    template <class Look>
    bool become(Look look) {
        for (;;) {
            const bool over =
                (producer.pid() > 0 && has_ended(producer)) || (consumer.pid() > 0 && has_ended(consumer));
            try {
                if (look(noria::inspect(queue))) return true;
            } catch (const noria::error&) {  // not made yet
            }
            if (over) return false;
            std::this_thread::yield();
        }
    }
    [[nodiscard]] noria::counters figures() const { return noria::inspect(queue).counters; }

    fs::path queue;
    std::string programs[2];
    noria::rig::child producer;
    noria::rig::child consumer;
};

// The example in a header's comments, as a program. Empty: there is none.
std::string example_of(const fs::path& header) {
    static const std::regex example_line{R"(^ *//     (\S.*)$)"};
    static const std::regex empty_comment{R"(^ *//$)"};
    std::string types;
    std::vector<std::string> paragraphs;
    bool inside = false;
    bool begins_anew = true;
    for (const auto& line : lines_of(read_text(header.string()))) {
        std::smatch found;
        if (std::regex_match(line, found, example_line)) {
            const std::string code = found[1];
            inside = true;
            if (code.starts_with("struct ") || code.starts_with("using ")) {
                types += code + '\n';
            } else if (!code.starts_with("//")) {
                if (begins_anew) paragraphs.emplace_back();
                begins_anew = false;
                paragraphs.back() += "        " + std::regex_replace(code, std::regex(R"(\s\.\.\.)"), " {}") + '\n';
            }
        } else {
            inside = inside && std::regex_match(line, empty_comment);
            begins_anew = true;
        }
    }
    if (paragraphs.empty()) return "";
    // Where `...` stands, the reader would use what the line before it names.
    std::string program =
        "#pragma GCC diagnostic ignored \"-Wunused-variable\"\n"
        "#include <noria/noria.hpp>\n#include <cstdint>\n\n" +
        types + "\ntemplate <class T>\nvoid use(const T&) {}\n\nint main() {\n";
    for (const auto& each : paragraphs) program += "    {\n" + each + "    }\n";
    return program + "}\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(examples)

BOOST_AUTO_TEST_CASE(the_readmes_programs_compile_and_work_together_as_it_says) {
    const std::string readme = read_text(checkout + "/README.md");
    std::map<std::string, std::map<std::string, std::string>> sources;  // heading, file name, text
    for (const auto& block : noria::docs::fenced_blocks(readme)) {
        if (block.language != "cpp") continue;
        std::string name = name_of(block.text);
        const bool is_program = block.text.find("int main") != std::string::npos;
        if (name.empty() && is_program) name = "unnamed_" + std::to_string(sources[block.heading].size()) + ".cpp";
        if (!name.empty()) sources[block.heading][name] = block.text;
    }
    BOOST_REQUIRE(!sources.empty());
    std::size_t programs_run = 0;
    for (const auto& [heading, files] : sources) {
        programs here;
        for (const auto& [name, text] : files) here.write(name, text);
        std::vector<std::string> all;
        for (const auto& [name, text] : files) {
            if (text.find("int main") == std::string::npos) continue;
            if (const std::string program = here.compile(name); !program.empty()) all.push_back(program);
        }
        programs_run += all.size();
        for (const auto& [program, printed] : here.run(all)) {
            if (printed.empty()) continue;
            const std::string first_line = lines_of(printed).front();
            BOOST_TEST(readme.find("`" + first_line + "`") != std::string::npos,
                       program << " prints " << first_line << ", which README.md does not say");
        }
    }
    BOOST_TEST(programs_run >= 2U);  // a producer and a consumer at least
}

BOOST_AUTO_TEST_CASE(the_readmes_programs_end_or_go_on_as_it_says_when_one_is_killed) {
    // Goal: what the table below the two programs says, line by line. Method: the programs are the README's, but for the number
    // of ticks, and with the lines that it gives for its right column. Both work; one is killed; the other is looked at.
    const std::string readme = read_text(checkout + "/README.md");
    std::map<std::string, std::string> files;
    std::map<std::string, std::string> awaiting;  // the beginning of a line, and what stands there with the option
    for (const auto& block : noria::docs::fenced_blocks(readme)) {
        if (block.language != "cpp") continue;
        if (const std::string name = name_of(block.text); !name.empty()) files[name] = block.text;
        for (const auto& line : lines_of(block.text)) {
            if (line.starts_with("ticks::") && line.find("await_successor") != std::string::npos)
                awaiting[line.substr(0, line.find('{'))] = line;
        }
    }
    BOOST_REQUIRE_EQUAL(awaiting.size(), 2U);
    programs here;
    for (const bool awaits : {false, true}) {
        for (const auto& name : {"ticks.hpp", "producer.cpp", "consumer.cpp"}) {
            std::string text = files.at(name);
            replace_all(text, "1'000'000;", "1'000'000'000'000'000;");
            for (const auto& [begin, line] : awaiting) {
                if (const auto at = text.find(begin + "{"); awaits && at != std::string::npos)
                    text.replace(at, text.find(';', at) + 1 - at, line);
            }
            here.write(name, text);
        }
        const std::string producer = here.compile("producer.cpp");
        const std::string consumer = here.compile("consumer.cpp");
        BOOST_REQUIRE(!producer.empty());
        BOOST_REQUIRE(!consumer.empty());
        const auto is_full = [](const noria::snapshot& now) { return now.depth == now.shape.capacity; };
        // The one that lives has found the other dead, and recovered it.
        const auto is_alone = [](const noria::snapshot& now) { return now.roster.size() == 1; };
        const noria::rig::fate status_1{.exit_status = 1, .signal = 0};
        {
            pair_at_work both(producer, consumer, here.file("ticks"));
            both.producer.kill();
            if (awaits) {
                BOOST_TEST(both.become([&](const noria::snapshot& now) { return now.depth == 0 && is_alone(now); }));
                const std::uint64_t before = both.figures().received;
                both.restart_producer();
                BOOST_TEST(both.become([&](const noria::snapshot& now) { return now.counters.received > before; }));
                BOOST_TEST(!has_ended(both.consumer));
            } else {
                BOOST_TEST((both.consumer.wait() == status_1));
                BOOST_TEST(both.figures().received == both.figures().sent);
            }
        }
        {
            pair_at_work both(producer, consumer, here.file("ticks"));
            both.consumer.kill();
            if (awaits) {
                BOOST_TEST(both.become([&](const noria::snapshot& now) { return is_full(now) && is_alone(now); }));
                const std::uint64_t sent = both.figures().sent;
                both.restart_consumer();
                BOOST_TEST(both.become([&](const noria::snapshot& now) { return now.counters.received > sent; }));
                BOOST_TEST(!has_ended(both.producer));
            } else {
                BOOST_TEST((both.producer.wait() == status_1));
                BOOST_TEST(is_full(noria::inspect(both.queue)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_headers_examples_compile_and_run) {
    programs here;
    std::vector<fs::path> headers;
    for (const char* folder : {"/include/noria", "/include/noria/queue"}) {
        for (const auto& each : fs::directory_iterator(checkout + folder)) {
            if (each.path().extension() == ".hpp") headers.push_back(each.path());
        }
    }
    // spsc.hpp first: the others look at the queue that its example leaves.
    std::ranges::sort(headers, {}, [](const fs::path& each) { return std::pair(each.filename() != "spsc.hpp", each); });
    std::size_t found = 0;
    for (const auto& header : headers) {
        const std::string text = example_of(header);
        if (text.empty()) continue;
        ++found;
        BOOST_TEST_CONTEXT(header.string()) {
            const std::string name = header.stem().string() + ".cpp";
            here.write(name, text);
            if (const std::string program = here.compile(name); !program.empty()) here.run({program});
        }
    }
    BOOST_TEST(found >= 2U);  // spsc.hpp and inspect.hpp at least
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
