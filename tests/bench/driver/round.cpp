// round.cpp: starts the workers of a round by fork and exec, waits for them, and reads their page.
#include "bench/driver/round.hpp"

#include "bench/adapter.hpp"
#include "bench/driver/process.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <numeric>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace bench {

namespace {

// Far more than any round needs: whoever reaches it hangs.
constexpr int seconds_max = 30;

class control_page {
public:
    control_page() : path_(scratch_path() + ".control") {
        const int file = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0 || ftruncate(file, sizeof(control)) != 0)
            throw std::runtime_error(path_ + ": " + std::strerror(errno) + "; is /dev/shm full?");
        void* const mapped = mmap(nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
        if (mapped == MAP_FAILED) throw std::runtime_error(path_ + ": " + std::strerror(errno));
        all_ = static_cast<control*>(mapped);
    }
    ~control_page() {
        munmap(all_, sizeof(control));
        unlink(path_.c_str());
    }
    control_page(const control_page&) = delete;
    control_page& operator=(const control_page&) = delete;
    control* operator->() const { return all_; }
    control& operator*() const { return *all_; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
    control* all_ = nullptr;
};

// Starts a program that is to be these workers.
pid_t start_workers(const std::string& program, const std::string& page, const std::vector<unsigned>& workers) {
    std::vector<std::string> words{program, page};
    for (const unsigned each : workers) words.push_back(std::to_string(each));
    return start(words);
}

double quantile(std::vector<std::uint32_t>& samples, double q) {
    const auto at = samples.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(samples.size() - 1));
    std::nth_element(samples.begin(), at, samples.end());
    return *at;
}

void judge_stream(const control& all, measured& found) {
    std::uint64_t sent = 0;
    std::uint64_t sum = 0;
    std::int64_t begun = all.of[0].begun_ns;
    std::int64_t ended = 0;
    std::uint64_t errors = 0;
    for (unsigned i = 0; i < all.producers; ++i) {
        sent += all.of[i].messages;
        sum += all.of[i].sum;
        begun = std::min(begun, all.of[i].begun_ns);
    }
    for (unsigned i = all.producers; i < all.producers + all.consumers; ++i) {
        sent -= all.of[i].messages;
        sum -= all.of[i].sum;
        found.details["messages"] += static_cast<double>(all.of[i].messages);
        errors += all.of[i].errors;
        found.disorder += all.of[i].disorder;
        ended = std::max(ended, all.of[i].ended_ns);
    }
    if (sent != 0 || sum != 0) found.failure = "messages were lost or came twice";
    if (errors != 0) found.failure = fmt::format("{} messages were damaged", errors);
    const double mean = static_cast<double>(ended - begun) / std::max(found.details["messages"], 1.0);
    found.details["mean"] = mean;
    // One to one, the median of chunks: a preempted chunk does not move it. Of many, only the whole has a meaning.
    std::vector<std::uint32_t> chunks(all.sample, all.sample + all.sample_count);
    const bool chunked = all.producers == 1 && all.consumers == 1 && chunks.size() >= 5;
    found.figure = chunked ? quantile(chunks, 0.5) / 64 : mean;
}

void judge_echo(const control& all, measured& found) {
    if (all.of[0].errors + all.of[1].errors != 0) found.failure = "a message came back damaged or out of order";
    std::vector<std::uint32_t> trips(all.sample, all.sample + all.sample_count);
    if (trips.empty()) {
        found.failure = "no round trip was done in time";
        return;
    }
    for (const auto& [name, q] :
         {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}})
        found.details[name] = quantile(trips, q);
    found.details["trips"] = static_cast<double>(trips.size());
    found.figure = found.details["p50"];
}

}  // namespace

std::string scratch_path() { return fmt::format("/dev/shm/noria-bench-{}", getpid()); }

void clean_scratch() {
    const std::string prefix = scratch_path().substr(std::strlen("/dev/shm/"));
    for (const auto& each : std::filesystem::directory_iterator("/dev/shm")) {
        if (each.path().filename().string().starts_with(prefix + ".")) std::filesystem::remove(each.path());
    }
}

measured measure(const bench_case& what, const contender& who, const pair& where, std::int64_t duration_ns) {
    clean_scratch();
    const control_page all;
    const unsigned workers = what.what == kind::echo ? 2 : what.producers + what.consumers;
    who.name.copy(all->adapter, sizeof all->adapter - 1);
    (scratch_path() + ".queue").copy(all->path, sizeof all->path - 1);
    all->what = what.what;
    all->bytes = static_cast<std::uint32_t>(what.bytes);
    all->batch = what.batch;
    all->producers = what.producers;
    all->consumers = what.consumers;
    all->asleep = what.asleep ? 1 : 0;
    all->crowded = workers > usable_processors().size() ? 1 : 0;
    all->capacity = what.capacity != 0 ? what.capacity : capacity_for(what.bytes);
    all->endpoints = what.endpoints;
    all->duration_ns = duration_ns;
    // Producers and consumers take turns on the two processors, the first of each apart.
    for (unsigned i = 0; i < workers; ++i) {
        const unsigned side = i < what.producers ? i : i - what.producers + 1;
        all->processor[i] = side % 2 == 0 ? where.first : where.second;
    }
    measured found{.case_name = what.name, .contender = who.name, .pair = where.kind};
    std::vector<unsigned> everybody(workers);
    std::iota(everybody.begin(), everybody.end(), 0U);
    std::vector<pid_t> children;
    if (who.can("threads")) {
        children.push_back(start_workers(who.program, all.path(), everybody));
    } else {
        for (const unsigned each : everybody) children.push_back(start_workers(who.program, all.path(), {each}));
    }
    found.failure = await(children, seconds_max);
    found.hung = found.failure.starts_with(hangs);
    for (const auto& each : all->of) {
        if (each.complaint[0] != 0) found.failure = each.complaint;
    }
    clean_scratch();
    if (!found.failure.empty()) return found;
    if (what.what == kind::echo)
        judge_echo(*all, found);
    else
        judge_stream(*all, found);
    const double* const two = all->two_lines_ns;
    const double* const one = all->one_line_ns;
    found.floors = {two[0], two[1], one[0], one[1]};
    found.two_lines_ns = (two[0] + two[1]) / 2;
    found.one_line_ns = (one[0] + one[1]) / 2;
    found.dropped = std::max(two[0], two[1]) > 1.25 * std::min(two[0], two[1]);
    return found;
}

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
