// take_back_test.cpp: a creator that cannot use the queue that it has made: what becomes of its file.
#include "refusals.hpp"
#include "rig/syscall_stepper.hpp"
#include "worlds.hpp"

#include <boost/test/unit_test.hpp>

using namespace noria;
using namespace noria::errors;

namespace {

// Makes the file, and finds no memory to use it. 0: and says so.
int create_in_vain(const std::filesystem::path& path, const options& wishes) {
    limit(RLIMIT_AS, address_space() + (1U << 20));
    return complaint(constructing<numbers::producer>(path, wishes), errc::out_of_memory, path, {}).empty() ? 0 : 1;
}

void halt_at_its_name(rig::stepped_child& creator, const std::filesystem::path& path) {
    while (!std::filesystem::exists(path) && creator.step()) {
    }
    BOOST_REQUIRE(std::filesystem::exists(path));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(take_back)

BOOST_AUTO_TEST_CASE(a_creator_that_cannot_use_its_queue_takes_its_file_back) {
    // Or its next try would find the name taken.
    const rig::workspace place;
    const auto path = place / "queue";
    const options wishes{.capacity = 1U << 18};
    judge(in_child([&] {
        limit(RLIMIT_AS, address_space() + (1U << 20));
        return complaint(constructing<numbers::producer>(path, wishes), errc::out_of_memory, path,
                         {"no memory to map it", "RLIMIT_AS"});
    }));
    BOOST_TEST(place.files() == 0U);
    const options large{.capacity_bytes = 1U << 20, .message_bytes_max = 1U << 19};
    judge(in_child([&] {
        // The mapping fits, and the buffer beside it does not.
        limit(RLIMIT_AS, address_space() + texts::required_bytes(large) + (1U << 18));
        return complaint(constructing<texts::consumer>(path, large), errc::out_of_memory, path,
                         {"buffer of message_bytes_max", "smaller maximum"});
    }));
    BOOST_TEST(place.files() == 0U);
    BOOST_TEST(complaint_of_success(constructing<numbers::producer>(path, wishes)) == "");
}

BOOST_AUTO_TEST_CASE(a_creator_that_cannot_use_its_queue_leaves_it_to_those_who_have_come_in) {
    // The creator is halted where its file has just got its name; a consumer attaches; then the creator finds no memory.
    const rig::workspace place;
    const auto path = place / "queue";
    const options wishes{.capacity = 1U << 18};
    rig::stepped_child creator([&] { return create_in_vain(path, wishes); });
    halt_at_its_name(creator, path);
    {
        const numbers::consumer in{path};
        BOOST_TEST((creator.finish() == rig::fate{.exit_status = 0, .signal = 0}));
        BOOST_TEST(std::filesystem::exists(path));
        BOOST_TEST(!in.orphaned());
        BOOST_TEST(complaint_of_success(opening<numbers::producer>(path, wishes)) == "");
    }
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_CASE(a_creator_that_cannot_use_its_queue_leaves_what_others_have_sent_and_gone) {
    // As above; but the other endpoint has left before the creator fails, or it has died.
    for (const bool dies : {false, true}) {
        const rig::workspace place;
        const auto path = place / "queue";
        const options wishes{.capacity = 1U << 18};
        rig::stepped_child creator([&] { return create_in_vain(path, wishes); });
        halt_at_its_name(creator, path);
        const rig::milestone sent;
        rig::child other([&] {
            numbers::producer out{path, wishes};
            for (std::uint64_t n = 0; n < 5; ++n) {
                if (!out.push(n)) return 1;
            }
            sent.tell();
            if (dies) pause();
            return 0;
        });
        sent.hear();
        if (dies)
            other.kill();
        else
            (void)other.wait();
        (void)creator.finish();
        BOOST_REQUIRE(std::filesystem::exists(path));
        numbers::consumer in{path};
        for (std::uint64_t n = 0; n < 5; ++n) {
            const auto got = in.try_pop();
            BOOST_TEST((got && *got == n));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_creator_that_cannot_use_its_queue_takes_no_other_file_for_its_own) {
    // As above; but meanwhile the name has become another queue's, to which nobody is attached.
    const rig::workspace place;
    const auto path = place / "queue";
    const options wishes{.capacity = 1U << 18};
    rig::stepped_child creator([&] { return create_in_vain(path, wishes); });
    halt_at_its_name(creator, path);
    std::filesystem::remove(path);
    { const numbers::producer other(path, wishes); }
    const auto uuid = inspect(path).uuid;
    (void)creator.finish();
    BOOST_REQUIRE(std::filesystem::exists(path));
    BOOST_TEST((inspect(path).uuid == uuid));
}

BOOST_AUTO_TEST_CASE(a_creator_that_cannot_use_its_queue_has_created_none) {
    const rig::workspace place;
    judge(in_child([&]() -> std::string {
        limit(RLIMIT_AS, address_space() + (1U << 20));
        std::error_code code;
        const auto out = numbers::producer::open_or_create(place / "queue", {.capacity = 1U << 18}, code);
        if (code != errc::out_of_memory) return "it is refused otherwise";
        return out.created() ? "it says that it has created a queue" : "";
    }));
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
