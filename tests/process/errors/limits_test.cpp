// limits_test.cpp: limits of the process, of the options and of messages, from both sides: typed errors, nothing lost.
#include "refusals.hpp"
#include "rig/seccomp.hpp"
#include "worlds.hpp"

#include <boost/test/unit_test.hpp>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>

using namespace noria;
using namespace noria::errors;

namespace {

// A creation that can be asked for again and again: what was made is removed at once. A refused one leaves what it leaves.
template <class Endpoint>
request creating_anew(const std::filesystem::path& path, const options& wishes) {
    return {[=] {
                (void)Endpoint::create(path, wishes);
                std::filesystem::remove(path);
            },
            [=](std::error_code& code) {
                const std::string text = Endpoint::create(path, wishes, code).error_text();
                if (!code) std::filesystem::remove(path);
                return text;
            }};
}

void make_queue_of_three(const std::filesystem::path& path, std::uint64_t capacity = 4) {
    numbers::producer out(path, {.capacity = capacity, .prefault = false});
    for (const std::uint64_t n : {1U, 2U, 3U}) out.try_push(n);
}
std::string complaint_of_three(const std::filesystem::path& path) {
    auto in = numbers::consumer::open(path);
    for (const std::uint64_t n : {1U, 2U, 3U}) {
        const auto got = in.try_pop();
        if (!got || *got != n || got.deliveries() != 1) return fmt::format("message {} is lost\n", n);
    }
    if (in.try_pop()) return "there is a message too much\n";
    return in.counters().consumer_deaths + in.counters().producer_deaths == 0 ? "" : "somebody is said to have died\n";
}

volatile sig_atomic_t signals_handled = 0;

// The complaint about a creation under RLIMIT_FSIZE of a byte less than enough, a page, and nothing; then of enough.
template <class Endpoint>
std::string complaint_of_size_limits(const rig::workspace& place, const options& wishes, std::uint64_t needed) {
    const auto path = place / "queue";
    const auto below = fmt::format("below {} bytes", needed);
    std::string all;
    for (const std::uint64_t most : {needed - 1, needed - layout::page_bytes, layout::page_bytes, std::uint64_t{0}}) {
        limit(RLIMIT_FSIZE, most);
        for (const request& asked : {creating_anew<Endpoint>(path, wishes), constructing<Endpoint>(path, wishes)}) {
            all += complaint(asked, errc::file_size_limit, path, {below, "RLIMIT_FSIZE", "smaller capacity"});
        }
        if (place.files() != 0) return all + "a file is left\n";
    }
    limit(RLIMIT_FSIZE, needed);
    all += complaint_of_success(creating_anew<Endpoint>(path, wishes));
    if (signals_handled != 0) all += "a signal was delivered\n";
    return all;
}

std::string complaint_of_size_limits_everywhere() {
    const rig::workspace place;
    const options large{.capacity = 1U << 21, .prefault = false};  // 32 MiB, which are allocated in several steps
    return complaint_of_size_limits<numbers::producer>(place, {.capacity = 1},
                                                       numbers::required_bytes({.capacity = 1})) +
           complaint_of_size_limits<numbers::consumer>(place, large, numbers::required_bytes(large)) +
           complaint_of_size_limits<texts::producer>(place, {.capacity_bytes = 4096},
                                                     texts::required_bytes({.capacity_bytes = 4096}));
}

// Runs the checks where no file can be large: a library that made what it should refuse would fill the machine's memory.
std::string where_files_are_small(const std::function<std::string()>& checks) {
    return in_child([&] {
        limit(RLIMIT_FSIZE, 1U << 20);
        return checks();
    });
}

// The fewest free descriptors with which the request is granted, from 0 to 3; with fewer it is descriptor_limit, and all
// are given back. Complains otherwise.
std::string complaint_of_descriptors(const descriptors& here, const request& asked, const std::filesystem::path& path,
                                     int& enough) {
    enough = -1;
    std::string all;
    for (int free = 0; free <= 3; ++free) {
        here.leave_enough();
        const std::string before = content_of(path);
        here.leave(free);
        const std::string refused =
            complaint(asked, errc::descriptor_limit, path, {"no free descriptor", "RLIMIT_NOFILE"});
        const std::string granted = refused.empty() ? "refused\n" : complaint_of_success(asked);
        if (!refused.empty() && !granted.empty()) all += fmt::format("{} free: {}{}", free, refused, granted);
        if (granted.empty() && enough < 0) enough = free;
        if (enough >= 0 && !granted.empty()) all += fmt::format("{} do, and {} do not\n", enough, free);
        if (!here.left(free)) all += fmt::format("{} free: some are not given back\n", free);
        here.leave_enough();
        if (refused.empty() && content_of(path) != before) all += fmt::format("{} free: the file was changed\n", free);
    }
    if (enough < 1) all += fmt::format("{} are enough\n", enough);
    return all;
}

// What opening needs at most, at a time: the endpoint's own descriptor, and for a moment the mapping's.
constexpr int descriptors_to_open = 3;  // the file twice, and its directory meanwhile

template <class Endpoint>
std::string complaint_of_creating_with_few(const options& wishes) {
    const rig::workspace place;
    const descriptors here;
    int enough = 0;
    std::string all =
        complaint_of_descriptors(here, creating_anew<Endpoint>(place / "queue", wishes), place / "queue", enough);
    if (place.files() != 0) all += "something is left behind\n";
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(a_file_size_limit_is_an_error_leaves_nothing_and_sends_no_signal) {
    // SIGXFSZ ends a process by default: the child would be seen to die of it. A handler would be seen to run; ignored, it
    // must make no difference.
    judge(in_child([] {
        std::signal(SIGXFSZ, SIG_DFL);
        return complaint_of_size_limits_everywhere();
    }));
    judge(in_child([] {
        std::signal(SIGXFSZ, [](int) { signals_handled = 1; });
        return complaint_of_size_limits_everywhere();
    }));
    judge(in_child([] {
        std::signal(SIGXFSZ, SIG_IGN);
        return complaint_of_size_limits_everywhere();
    }));
}

BOOST_AUTO_TEST_CASE(a_file_size_limit_keeps_nobody_from_a_queue_that_is_there) {
    const rig::workspace place;
    const auto path = place / "queue";
    make_queue_of_three(path);
    judge(in_child([&] {
        limit(RLIMIT_FSIZE, 0);
        std::string all = complaint_of_three(path);
        numbers::producer out(path);
        auto in = numbers::consumer::open(path);
        for (std::uint64_t n = 0; n < 10; ++n) {
            if (!out.try_push(n) || !in.try_pop()) return all + "no message passes\n";
        }
        return all;
    }));
}

BOOST_AUTO_TEST_CASE(too_few_descriptors_at_any_step_of_opening_are_an_error_and_lose_nothing) {
    const rig::workspace place;
    const auto path = place / "queue";
    make_queue_of_three(path);
    judge(in_child([&] {
        const descriptors here;
        std::string all;
        for (const request& asked : {opening<numbers::producer>(path), opening<numbers::consumer>(path),
                                     constructing<numbers::producer>(path), constructing<numbers::consumer>(path)}) {
            int enough = 0;
            all += complaint_of_descriptors(here, asked, path, enough);
            if (enough != descriptors_to_open) all += fmt::format("{} are enough to open\n", enough);
        }
        int enough = 0;
        all += complaint_of_descriptors(here, observing(path), path, enough);
        if (enough != 2) all += fmt::format("{} are enough to observe\n", enough);
        here.leave(0);
        all += complaint(removing(path), errc::descriptor_limit, path, {"no free descriptor"});
        here.leave_enough();
        return all + complaint_of_three(path);
    }));
}

BOOST_AUTO_TEST_CASE(a_second_endpoint_of_a_process_needs_two_descriptors_while_it_opens) {
    const rig::workspace place;
    const auto path = place / "queue";
    judge(in_child([&] {
        numbers::producer out(path, {.capacity = 4});
        const descriptors here;
        here.leave(0);
        std::string all = complaint(opening<numbers::consumer>(path), errc::descriptor_limit, path, {"RLIMIT_NOFILE"});
        if (!out.try_push(7)) all += "the refusal ended the producer\n";
        here.leave(2);
        auto in = numbers::consumer::open(path);
        const auto got = in.try_pop();
        return got && *got == 7 ? all : all + "the message is lost\n";
    }));
}

BOOST_AUTO_TEST_CASE(too_few_descriptors_at_any_step_of_creating_are_an_error_and_leave_nothing) {
    // By a file without a name, and where the file system has none, by renaming.
    judge(in_child([] { return complaint_of_creating_with_few<numbers::producer>({.capacity = 4}); }));
    judge(in_child([] { return complaint_of_creating_with_few<texts::consumer>({.capacity_bytes = 64}); }));
    judge(in_child([]() -> std::string {
        if (!rig::deny({{.call = SYS_openat, .error = EOPNOTSUPP, .argument = 2, .bits = O_TMPFILE}}))
            return "skip: this kernel keeps no seccomp filters";
        return complaint_of_creating_with_few<numbers::consumer>({.capacity = 4});
    }));
}

BOOST_AUTO_TEST_CASE(too_little_address_space_is_an_error_at_any_step_and_loses_nothing) {
    // From none free, page by page, past what the queue needs: refused, then granted, and nothing in between.
    const rig::workspace place;
    const auto path = place / "queue";
    make_queue_of_three(path, 1024);
    const std::uint64_t needed =
        numbers::required_bytes({.capacity = 1024}) / layout::page_bytes + 1;  // the header twice
    judge(in_child([&] {
        std::string all = complaint_of_success(opening<numbers::producer>(path));  // the heap has grown as it must
        const std::uint64_t used = address_space();
        std::uint64_t refused = 0;
        for (std::uint64_t pages = 0; pages <= needed + 64; ++pages) {
            const std::string before = content_of(path);
            limit(RLIMIT_AS, used + pages * layout::page_bytes);
            std::error_code code;
            const std::string text = numbers::producer::open(path, {}, code).error_text();
            limit(RLIMIT_AS, RLIM_INFINITY);
            if (!code) continue;
            ++refused;
            if (content_of(path) != before) all += fmt::format("{} pages: the file was changed\n", pages);
            if (refused != pages + 1) all += fmt::format("{} pages: refused after a success\n", pages);
            if (code != errc::out_of_memory || text.find("no memory to map it") == std::string::npos)
                all += text + "\n";
        }
        if (refused < needed || refused > needed + 32) all += fmt::format("{} of {} refused\n", refused, needed);
        limit(RLIMIT_AS, used);
        for (const request& asked : {opening<numbers::consumer>(path), constructing<numbers::producer>(path)}) {
            all +=
                complaint(asked, errc::out_of_memory, path, {"no memory to map it", "RLIMIT_AS", "smaller capacity"});
        }
        all += complaint_of_success(observing(path));  // it maps nothing
        limit(RLIMIT_AS, RLIM_INFINITY);
        return all + complaint_of_three(path);
    }));
}

BOOST_AUTO_TEST_CASE(a_consumer_without_memory_for_its_buffer_is_refused_and_leaves_its_role) {
    const rig::workspace place;
    const auto path = place / "queue";
    const options wishes{.capacity_bytes = 1U << 20, .message_bytes_max = 1U << 19};
    {
        texts::producer out(path, wishes);
        out.try_push(bytes("still here"));
    }
    judge(in_child([&] {
        // The mapping fits, and the buffer beside it does not.
        limit(RLIMIT_AS, address_space() + texts::required_bytes(wishes) + (1U << 18));
        std::string all = complaint(opening<texts::consumer>(path), errc::out_of_memory, path,
                                    {"buffer of message_bytes_max", "smaller maximum"});
        all += complaint_of_success(opening<texts::producer>(path));
        limit(RLIMIT_AS, RLIM_INFINITY);
        if (!inspect(path).roster.empty()) all += "the role is still held\n";
        auto in = texts::consumer::open(path);
        const auto got = in.try_pop();
        return got && got->text() == "still here" ? all : all + "the message is lost\n";
    }));
}

BOOST_AUTO_TEST_CASE(capacities_are_powers_of_two_within_their_limits_and_nothing_is_made_of_others) {
    const rig::workspace place;
    const auto path = place / "queue";
    const auto complaint_of = [&](std::uint64_t asked, std::initializer_list<std::string_view> words) {
        const options wishes{.capacity = asked};
        return complaint(creating<numbers::producer>(path, wishes), errc::invalid_options, path, words) +
               complaint(constructing<numbers::consumer>(path, wishes), errc::invalid_options, path, words);
    };
    judge(where_files_are_small([&] {
        const std::string_view range = "expected a power of two from 1 to 2147483648; choose one of these";
        return complaint_of(0, {"found capacity is 0,", range}) +
               complaint_of((1ULL << 31) + 1, {"found capacity is 2147483649,", range}) +
               complaint_of(1ULL << 32, {"found capacity is 4294967296,", range}) +
               complaint_of(1ULL << 63, {"found capacity is 9223372036854775808,", range}) +
               complaint_of(~0ULL, {"found capacity is 18446744073709551615,", range}) +
               complaint_of(3, {"found capacity is 3,", "expected a power of two; the next one is 4"}) +
               complaint_of(4097, {"found capacity is 4097,", "the next one is 8192"}) +
               complaint_of((1ULL << 31) - 1, {"the next one is 2147483648"});
    }));
    BOOST_TEST(place.files() == 0U);
    BOOST_TEST(complaint_of_success(creating_anew<numbers::producer>(path, {.capacity = 1})) == "");
    BOOST_TEST(complaint_of_success(creating_anew<numbers::producer>(path, {.capacity = 4})) == "");
    // Seven to a line of 64 bytes, in whole pages.
    const std::uint64_t half = numbers::required_bytes({.capacity = 1ULL << 30});
    BOOST_TEST(half == 8192 + ((1ULL << 30) + 12) / 7 * 64 / 4096 * 4096 + 4096);
    BOOST_TEST(numbers::required_bytes({.capacity = 1ULL << 31}) - half == 9817067520U);
}

BOOST_AUTO_TEST_CASE(capacities_of_bytes_are_powers_of_two_within_their_limits_and_nothing_is_made_of_others) {
    const rig::workspace place;
    const auto path = place / "queue";
    const auto complaint_of = [&](std::uint64_t asked, std::initializer_list<std::string_view> words) {
        const options wishes{.capacity_bytes = asked};
        return complaint(creating<texts::producer>(path, wishes), errc::invalid_options, path, words) +
               complaint(constructing<texts::consumer>(path, wishes), errc::invalid_options, path, words);
    };
    judge(where_files_are_small([&] {
        const std::string_view range = "expected a power of two from 64 to 1099511627776; choose one of these";
        std::string all = complaint_of(65, {"found capacity_bytes is 65,", "the next one is 128"}) +
                          complaint_of((1ULL << 40) - 1, {"the next one is 1099511627776"});
        for (const unsigned long long asked :
             {0ULL, 1ULL, 32ULL, 63ULL, (1ULL << 40) + 1, 1ULL << 41, 1ULL << 63, ~0ULL}) {
            all += complaint_of(asked, {fmt::format("found capacity_bytes is {},", asked), range});
        }
        return all;
    }));
    BOOST_TEST(place.files() == 0U);
    BOOST_TEST(complaint_of_success(creating_anew<texts::producer>(path, {.capacity_bytes = 64})) == "");
    BOOST_TEST(texts::required_bytes({.capacity_bytes = 1ULL << 40}) > 1ULL << 40);
}

BOOST_AUTO_TEST_CASE(message_bytes_max_is_within_its_limits_and_nothing_is_made_of_others) {
    // A ring holds one message of the maximum, its word and the word behind it; no message has 2^30 bytes.
    const rig::workspace place;
    const auto path = place / "queue";
    const auto complaint_of = [&](std::uint64_t ring, std::uint64_t asked, std::string_view range) {
        const options wishes{.capacity_bytes = ring, .message_bytes_max = asked};
        return complaint(creating<texts::producer>(path, wishes), errc::invalid_options, path,
                         {fmt::format("found message_bytes_max is {},", asked), range});
    };
    constexpr std::uint64_t largest = (1ULL << 30) - 1;
    judge(where_files_are_small([&] {
        std::string all;
        for (const std::uint64_t ring : {64U, 1024U, 1U << 16}) {
            const std::uint64_t most = ring - 16;
            const auto range = fmt::format("expected 1 to {} in a ring of {} bytes; enlarge", most, ring);
            for (const std::uint64_t asked : {std::uint64_t{0}, most + 1, ring, 2 * ring}) {
                all += complaint_of(ring, asked, range);
            }
            for (const std::uint64_t asked : {std::uint64_t{1}, most - 1, most}) {
                const options wishes{.capacity_bytes = ring, .message_bytes_max = asked};
                all += complaint_of_success(creating_anew<texts::consumer>(path, wishes));
            }
        }
        for (const std::uint64_t asked : {largest + 1, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
            all += complaint_of(1ULL << 32, asked, "at most 1073741823; send larger things in parts");
        }
        return all;
    }));
    BOOST_TEST(place.files() == 0U);
    BOOST_TEST(texts::required_bytes({.capacity_bytes = 1ULL << 31, .message_bytes_max = largest}) > 1ULL << 31);
}

BOOST_AUTO_TEST_CASE(a_message_above_the_maximum_is_too_large_and_nothing_is_sent) {
    const rig::workspace place;
    for (const std::size_t most : {1U, 8U, 48U, 100U, 1008U}) {
        const auto path = place / fmt::format("queue of {}", most);
        texts::producer out(path, {.capacity_bytes = most <= 48 ? 64U : 1024U, .message_bytes_max = most});
        auto in = texts::consumer::open(path);
        const std::string fits(most, 'x');
        const std::string over(most + 1, 'x');
        const auto is_too_large = [&](bool sent) {
            BOOST_TEST(!sent);
            BOOST_TEST((out.why() == outcome::too_large));
            BOOST_TEST(out.empty());
            BOOST_TEST(out.counters().sent == 0U);
        };
        is_too_large(out.push(bytes(over)));
        is_too_large(out.try_push(bytes(over)));
        is_too_large(out.push_for(bytes(over), std::chrono::hours(1)));
        is_too_large(out.push_until(bytes(over), std::chrono::steady_clock::time_point::max()));
        is_too_large(static_cast<bool>(out.claim(most + 1)));
        is_too_large(static_cast<bool>(out.try_claim(most + 1)));
        is_too_large(static_cast<bool>(out.try_claim(~std::size_t{0})));
        is_too_large(static_cast<bool>(out.try_claim(std::size_t{1} << 32)));
        BOOST_TEST((!in.try_pop() && in.why() == outcome::empty));
        // The maximum itself passes, both ways. At the ring's end the reader has to look first: it passes the rest there.
        for (int turn = 0; turn < 3; ++turn) {
            const bool pushed = out.try_push(bytes(fits)) || (!in.try_pop() && out.try_push(bytes(fits)));
            BOOST_REQUIRE(pushed);
            BOOST_TEST((in.try_pop()->text() == fits));
            auto claim = out.try_claim(most);
            if (!claim && !in.try_pop()) claim = out.try_claim(most);
            BOOST_REQUIRE(claim);
            BOOST_TEST(claim.size() == most);
            std::fill_n(claim.data(), most, std::byte{'x'});
            BOOST_TEST(claim.commit());
            BOOST_TEST((in.try_pop()->text() == fits));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_batch_ends_before_the_message_that_is_too_large) {
    const rig::workspace place;
    texts::producer out(place / "queue", {.capacity_bytes = 1024, .message_bytes_max = 8});
    auto in = texts::consumer::open(place / "queue");
    const std::vector<bytes> messages{bytes("one"), bytes("12345678"), bytes("123456789"), bytes("four")};
    BOOST_TEST(out.try_push_some(messages) == 2U);
    BOOST_TEST((out.why() == outcome::too_large));
    BOOST_TEST(in.try_pop()->text() == "one");
    BOOST_TEST(in.try_pop()->text() == "12345678");
    BOOST_TEST((!in.try_pop() && in.why() == outcome::empty));
}

BOOST_AUTO_TEST_CASE(legal_capacities_beyond_the_file_system_are_no_space_and_give_all_back) {
    struct large {
        std::byte filling[message_bytes_limit - 7];
    };
    const rig::workspace place;
    judge(in_child([&] {
        if (auto objection = mount_small(place.path(), 1U << 20); !objection.empty()) return objection;
        const room before = room_in(place.path());
        const auto path = place / "queue";
        const auto refused = [&](const request& asked, std::uint64_t needed) {
            return complaint(asked, errc::no_space, path, {fmt::format("{} bytes", needed), "smaller capacity"}) +
                   complaint_of_litter(place.path(), before);
        };
        std::string all;
        for (const int log : {17, 20, 30, 31}) {
            const options wishes{.capacity = 1ULL << log};
            all += refused(creating<numbers::producer>(path, wishes), numbers::required_bytes(wishes));
            all += refused(constructing<numbers::consumer>(path, wishes), numbers::required_bytes(wishes));
        }
        for (const int log : {20, 31, 32, 40}) {
            const options wishes{.capacity_bytes = 1ULL << log};
            all += refused(creating<texts::consumer>(path, wishes), texts::required_bytes(wishes));
            all += refused(constructing<texts::producer>(path, wishes), texts::required_bytes(wishes));
        }
        // The largest queue there can be: 2^31 messages of nearly 2^30 bytes.
        const options most{.capacity = 1ULL << 31};
        all += refused(creating<spsc<large>::producer>(path, most), spsc<large>::required_bytes(most));
        return all;
    }));
}

BOOST_AUTO_TEST_CASE(a_queue_larger_than_memory_is_no_space_on_a_tmpfs_that_is_larger_still) {
    // Allocation would take all memory there is before it failed, or before the kernel killed somebody. Should it begin,
    // the limit ends it, with another error.
    const rig::workspace place;
    judge(in_child([&] {
        if (auto objection = mount_small(place.path(), std::uint64_t{1} << 42); !objection.empty()) return objection;
        const room before = room_in(place.path());
        limit(RLIMIT_FSIZE, 1U << 20);
        const options wishes{.capacity_bytes = std::uint64_t{1} << 40};
        return complaint(creating<texts::producer>(place / "queue", wishes), errc::no_space, place / "queue",
                         {"smaller capacity"}) +
               complaint_of_litter(place.path(), before);
    }));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
