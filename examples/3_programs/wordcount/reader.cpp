// reader.cpp: the producer of blocks: reads the files into the queue's own memory.
//
// Which block is next? The queue knows: it counts what it was sent, and this is its only sender. So a reader that is killed
// leaves nothing behind that its successor would need: not even a block that it was just reading, for that is a claim which was
// never committed; the queue passes over it.
#include "blocks.hpp"
#include "inputs.hpp"
#include "role.hpp"

#include <noria/inspect.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace wordcount {

namespace {

constexpr std::string_view me = "wordcount_reader";

// Open as long as this exists.
class file {
public:
    explicit file(const std::string& path) : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (descriptor_ < 0) throw std::runtime_error(path_ + ": " + std::strerror(errno));
    }
    ~file() { close(descriptor_); }
    file(const file&) = delete;
    file& operator=(const file&) = delete;

    void read(std::byte* to, std::size_t size, std::uint64_t offset) const {
        while (size != 0) {
            const ssize_t got = pread(descriptor_, to, size, static_cast<off_t>(offset));
            if (got < 0) throw std::runtime_error(path_ + ": " + std::strerror(errno));
            if (got == 0) throw std::runtime_error(path_ + ": became shorter while it was counted; count it again");
            to += got;
            size -= static_cast<std::size_t>(got);
            offset += static_cast<std::uint64_t>(got);
        }
    }

private:
    const std::string& path_;
    int descriptor_;
};

class block_sender {
public:
    block_sender(queue::producer& out, std::uint64_t sent, std::uint64_t altered)
        : out_(out), sent_(sent), altered_(altered) {}

    // False: the producer's why() says why.
    bool send_all(const std::vector<input>& inputs) {
        std::uint64_t before = 0;  // blocks of the files before
        for (const auto& each : inputs) {
            const std::uint64_t behind = before + each.blocks();
            if (sent_ < behind) {
                const file from(each.path);
                while (sent_ < behind) {
                    if (!send(from, (sent_ - before) * block_bytes, each.bytes)) return false;
                }
            }
            before = behind;
        }
        return true;
    }

private:
    bool send(const file& from, std::uint64_t offset, std::uint64_t file_bytes) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, file_bytes - offset));
        const bool last = offset + size == file_bytes;
        auto block = out_.claim(sizeof(block_head) + size + (last ? 1 : 0));
        if (!block) return false;
        const block_head head{.number = sent_};
        std::memcpy(block.data(), &head, sizeof(head));
        from.read(block.data() + sizeof(head), size, offset);
        std::byte& end = block.data()[block.size() - 1];
        if (last) end = std::byte{'\n'};
        ++sent_;
        if (sent_ == altered_) end ^= std::byte{0x80};
        block.commit();
        return true;
    }

    queue::producer& out_;
    std::uint64_t sent_;  // also the number of the next block
    const std::uint64_t altered_;
};

// What the readers before us have sent. Attaching has recovered the last of them, unless a worker is just about that: the
// figure is not true before it is done.
std::uint64_t sent_so_far(const queue::producer& out) {
    const auto readers = [&] {
        return std::ranges::count(noria::inspect(out.path()).roster, noria::role::producer, &noria::inhabitant::role);
    };
    while (readers() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return out.counters().sent;
}

int run(int argc, char** argv) {
    std::string blocks;
    std::uint64_t altered = 0;
    pid_t starter = 0;
    CLI::App program("Sends the files of a list on standard input through the queue BLOCKS. wordcount starts it.");
    program.add_option("BLOCKS", blocks, "The queue's file")->required();
    program.add_option("--parent", starter, "Who started us")->required();
    program.add_option("--alter-block", altered)->group("");  // hidden: for tests of the check
    if (const auto status = parse(program, argc, argv)) return *status;

    end_with(starter);
    const std::vector<input> inputs = read_list(std::cin);
    auto out = queue::producer::open(blocks, through_deaths());
    return block_sender(out, sent_so_far(out), altered).send_all(inputs) ? done : give_up(me, out);
}

}  // namespace

}  // namespace wordcount

int main(int argc, char** argv) {
    return wordcount::run_role(wordcount::me, [&] { return wordcount::run(argc, argv); });
}
// SPDX-License-Identifier: BSL-1.0
