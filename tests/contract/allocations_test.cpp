// allocations_test.cpp: whoever finds no memory is told so and leaves nothing behind; what works on an open queue needs none.
//
// Method: this program's operator new fails when it is told to: at the k-th allocation of a thread alone, or at that and
// all that follow; for every k, until what is tried needs no k-th.
#include <boost/test/unit_test.hpp>

#include "queues.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <vector>

using namespace noria;
using namespace noria::contract;
using namespace std::chrono_literals;

namespace {

enum class failing : unsigned char { one, all_that_follow };

// What this thread may still allocate before it fails; negative: all it wants.
thread_local std::int64_t left = -1;
thread_local failing how_many = failing::one;
thread_local std::uint64_t failed = 0;

void* allocate(std::size_t size, std::size_t align) {
    if (left == 0) {
        ++failed;
        if (how_many == failing::one) left = -1;
        throw std::bad_alloc();
    }
    if (left > 0) --left;
    void* const memory = std::aligned_alloc(align, (size + align - 1) / align * align);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

// Does it with memory for so many allocations. True: one was asked for that failed.
bool with(std::int64_t allocations, failing which, const std::function<void()>& what) {
    failed = 0;
    how_many = which;
    left = allocations;
    try {
        what();
    } catch (const std::bad_alloc&) {
    } catch (const error& told) {
        left = -1;
        BOOST_TEST(told.code() == make_error_code(errc::out_of_memory));
    }
    left = -1;
    return failed != 0;
}

// Does it with less memory than it needs, in every way: before() it, with memory; and then(which) looks at what it left.
void without_memory(const std::function<void()>& what, const std::function<void(failing)>& then,
                    const std::function<void()>& before = nullptr) {
    for (const failing which : {failing::one, failing::all_that_follow}) {
        for (std::int64_t enough = 0;; ++enough) {
            if (before) before();
            if (!with(enough, which, what)) {
                BOOST_TEST(enough > 0);
                break;
            }
            BOOST_TEST_CONTEXT("memory for " << enough << " allocations, then for "
                                             << (which == failing::one ? "all but one" : "none"))
            then(which);
        }
    }
}

// With no memory at all.
bool needs_none(const std::function<void()>& what) { return !with(0, failing::all_that_follow, what); }

// Descriptors of this process, and mappings of queues.
std::ptrdiff_t held() {
    using all = std::filesystem::directory_iterator;
    std::ptrdiff_t count = std::distance(all("/proc/self/fd"), all());
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find("/noria-test-") != std::string::npos) ++count;
    }
    return count;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t align) { return allocate(size, static_cast<std::size_t>(align)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

BOOST_AUTO_TEST_SUITE(allocations)

BOOST_AUTO_TEST_CASE_TEMPLATE(opening_without_memory_takes_no_role_no_descriptor_and_no_mapping, Q, queues) {
    const rig::workspace place;
    const auto file = place / "queue";
    typename Q::producer out(file, Q::sized(4));
    BOOST_REQUIRE(push_numbers<Q>(out, 0, 1));
    const std::ptrdiff_t before = held();
    std::error_code code;
    without_memory([&] { (void)Q::consumer::open(file, {}, code); },
                   [&](failing) {
                       BOOST_TEST(held() == before);
                       BOOST_TEST(inspect(file).roster.size() == 1U);
                       typename Q::consumer next(file, {.wait_for_role = 0ns});
                       BOOST_TEST(next.size() == 1U);
                   });
    BOOST_TEST(code == std::error_code());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(creating_without_memory_leaves_no_file_or_a_whole_one, Q, queues) {
    const rig::workspace place;
    const auto file = place / "queue";
    const std::ptrdiff_t before = held();
    std::error_code code;
    without_memory([&] { (void)Q::producer::create(file, Q::sized(4), code); },
                   [&](failing which) {
                       BOOST_TEST(held() == before);
                       // It is taken back, unless there is no memory for that either.
                       BOOST_TEST(place.files() <= (which == failing::one ? 0U : 1U));
                       if (place.files() != 0) BOOST_TEST(Q::producer::open(file).is_open());
                   },
                   [&] { std::filesystem::remove(file); });
    BOOST_TEST(code == std::error_code());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(looking_and_removing_without_memory_change_nothing, Q, queues) {
    const rig::workspace place;
    const auto file = place / "queue";
    const std::ptrdiff_t before = held();
    const auto fill = [&] {
        if (place.files() != 0) return;
        typename Q::producer out(file, Q::sized(4));
        BOOST_TEST(push_numbers<Q>(out, 0, 1));
    };
    const auto as_it_was = [&](failing) {
        BOOST_TEST(held() == before);
        BOOST_TEST(inspect(file).depth == 1U);
    };
    without_memory([&] { (void)inspect(file); }, as_it_was, fill);
    without_memory([&] { noria::remove(file); }, as_it_was, fill);
    BOOST_TEST(place.files() == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_refusal_without_memory_for_its_words_is_told_all_the_same, Q, queues) {
    const rig::workspace place;
    const std::ptrdiff_t before = held();
    const auto refused = [&](const std::filesystem::path& file, const options& wishes, errc expected) {
        std::error_code code;
        without_memory([&] { (void)Q::consumer::open(file, wishes, code); },
                       [&](failing) { BOOST_TEST(held() == before); });
        BOOST_TEST(code == make_error_code(expected));
    };
    refused(place / "none", {}, errc::not_found);
    std::ofstream(place / "other") << "no queue";
    refused(place / "other", {}, errc::not_a_queue);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(working_and_leaving_need_no_memory, Q, queues) {
    pair_of<Q> queue(4);
    std::optional<typename Q::producer> out(std::move(queue.out));
    std::optional<typename Q::consumer> in(std::move(queue.in));
    const auto sample = Q::make(0);
    std::vector<typename Q::message> few(2, Q::view(sample));
    std::uint64_t consumed = 0;
    BOOST_TEST(needs_none([&] {
        for (int i = 0; i < 3; ++i) {
            out->push(Q::view(sample));
            if (auto claim = Q::claim(*out)) {
                Q::write(claim, 1);
                claim.commit();
            }
            out->try_push_some(few);
            if (const auto lease = in->take()) consumed += lease ? 1 : 0;
            consumed += in->consume_some([](const auto&) {}, 8);
            Q::claim(*out).give_back();
            out->interrupt();
        }
        while (out->try_push(Q::view(sample))) ++consumed;
        (void)out->push_for(Q::view(sample), 1ms);
        while (in->try_take()) --consumed;
        (void)in->consume_some_for([](const auto&) {}, 8, 1ms);
        (void)in->size();
        (void)in->counters();
        out.reset();
        (void)in->take();
        in.reset();
    }));
    BOOST_TEST(consumed == 12U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_finds_the_ring_corrupt_needs_no_memory_to_say_so, Q, queues) {
    pair_of<Q> queue(4);
    BOOST_REQUIRE(queue.push(0, 1));
    {
        const layout::geometry at = layout::place(inspect(queue.file()).shape);
        const std::uint64_t begins = Q::under_mutex ? at.mutex_offset + sizeof(layout::mutex_line) : at.ring_offset;
        std::fstream ring(queue.file(), std::ios::in | std::ios::out | std::ios::binary);
        ring.seekp(static_cast<std::streamoff>(begins));
        ring << std::string(std::filesystem::file_size(queue.file()) - begins, '\x5a');
    }
    (void)with(0, failing::all_that_follow, [&] { (void)queue.in.try_take(); });
    BOOST_TEST(queue.in.why() == outcome::corrupt);
    BOOST_TEST(!queue.in.is_open());
    BOOST_TEST(queue.in.error_code() == make_error_code(errc::corrupt));
    BOOST_TEST(failed != 0U);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
