// moodycamel.cpp: moodycamel's queues, which are for the threads of one process: ReaderWriterQueue and ConcurrentQueue.
// Debian: libconcurrentqueue-dev libreaderwriterqueue-dev
#include "bench/worker/work.hpp"

#include <concurrentqueue/concurrentqueue.h>
#include <map>
#include <memory>
#include <mutex>
#include <readerwriterqueue/readerwriterqueue.h>

namespace {

// The process's queues by their paths: whoever comes first makes one.
template <class Queue>
Queue& queue_at(const bench::place& at) {
    static std::mutex lock;
    static std::map<std::string, std::unique_ptr<Queue>> all;
    const std::scoped_lock held(lock);
    auto& found = all[at.path];
    if (found == nullptr) found = std::make_unique<Queue>(at.capacity);
    return *found;
}

struct reader_writer {
    static constexpr std::string_view name = "moodycamel ReaderWriterQueue";
    static constexpr std::string_view setup = "threads; try_enqueue copies, peek and pop read in place";
    static constexpr bench::abilities can{.largest = 65536, .threads = true};

    template <std::size_t Bytes>
    using queue = moodycamel::ReaderWriterQueue<bench::message<Bytes>>;
    template <std::size_t Bytes>
    struct sender {
        queue<Bytes>& all;
        bench::message<Bytes> own;
        explicit sender(const bench::place& at) : all(queue_at<queue<Bytes>>(at)) {}
        bool send(auto&& write) {
            write(own.bytes);
            return all.try_enqueue(own);
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        queue<Bytes>& all;
        explicit receiver(const bench::place& at) : all(queue_at<queue<Bytes>>(at)) {}
        bool receive(auto&& read) {
            const auto* const message = all.peek();
            if (message == nullptr) return false;
            read(message->bytes);
            return all.pop();
        }
    };
};

struct concurrent {
    static constexpr std::string_view name = "moodycamel ConcurrentQueue";
    static constexpr std::string_view setup = "threads; try_enqueue, try_dequeue, implicit producers";
    static constexpr bench::abilities can{.producers = 16, .consumers = 16, .largest = 4096, .threads = true};

    // So that each producer may have blocks enough.
    template <std::size_t Bytes>
    struct queue : moodycamel::ConcurrentQueue<bench::message<Bytes>> {
        explicit queue(std::size_t capacity)
            : moodycamel::ConcurrentQueue<bench::message<Bytes>>(std::max<std::size_t>(capacity, 64), 0, 16) {}
    };
    template <std::size_t Bytes>
    struct sender {
        queue<Bytes>& all;
        bench::message<Bytes> own;
        explicit sender(const bench::place& at) : all(queue_at<queue<Bytes>>(at)) {}
        bool send(auto&& write) {
            write(own.bytes);
            return all.try_enqueue(own);
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        queue<Bytes>& all;
        bench::message<Bytes> own;
        explicit receiver(const bench::place& at) : all(queue_at<queue<Bytes>>(at)) {}
        bool receive(auto&& read) {
            if (!all.try_dequeue(own)) return false;
            read(own.bytes);
            return true;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<reader_writer, concurrent>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
