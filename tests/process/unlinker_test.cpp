// unlinker_test.cpp: an opening beside a program that removes the name each time comes to its end, by its deadline.
#include "process/creation.hpp"
#include "process/scene.hpp"
#include "rig/skip.hpp"
#include "rig/syscall_stepper.hpp"
#include "rig/workspace.hpp"

#include "noria/mpmc.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>

using namespace scene;

namespace {

constexpr noria::options at_once{.capacity = 64, .wait_for_file = 0ns};

// What the opening answered: refused as it should be, the file being removed each time; anything else is a fault.
int refused(const std::function<std::string(std::error_code&)>& open) {
    std::error_code code;
    const std::string text = open(code);
    insist(code == noria::errc::not_found, "the refusal is not_found");
    insist(text.find("expected it to stay") != std::string::npos, "the text says what was expected");
    insist(text.find("had created it 1 time,") != std::string::npos, "the text says how often it was created");
    return 0;
}

template <class Endpoint>
std::string open_or_create(const std::filesystem::path& path, std::error_code& code) {
    const auto opened = Endpoint::open_or_create(path, at_once, code);
    insist(!opened.created(), "a closed endpoint has created nothing");
    return opened.error_text();
}
template <class Endpoint>
std::string create(const std::filesystem::path& path, std::error_code& code) {
    return Endpoint::create(path, at_once, code).error_text();
}
template <class Endpoint>
std::string construct(const std::filesystem::path& path, std::error_code& code) {
    try {
        const Endpoint opened(path, at_once);
        return {};
    } catch (const noria::error& refusal) {
        code = refusal.code();
        return refusal.what();
    }
}

// Lets the opener run, and removes the name each time after it was given. How often it was; after five times the name stays,
// so that an opener that does not end by itself ends too.
int names_given(rig::stepped_child& opener, std::uint64_t call, const std::filesystem::path& path) {
    int given = 0;
    while (opener.step()) {
        if (opener.entering() != call || !opener.step()) continue;
        if (!std::filesystem::exists(path)) continue;
        ++given;
        if (given <= 5) unlink(path.c_str());
    }
    return given;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unlinker)

BOOST_AUTO_TEST_CASE(who_creates_a_file_that_is_removed_each_time_is_refused_by_its_deadline) {
    const rig::workspace place;
    const auto path = place / "queue";
    using crowd = noria::mpmc<numbered>;
    const auto none = [&](std::error_code& code) { return open_or_create<numbers::producer>(path, code); };
    const auto consumer = [&](std::error_code& code) { return open_or_create<numbers::consumer>(path, code); };
    const auto made = [&](std::error_code& code) { return create<numbers::producer>(path, code); };
    const auto thrown = [&](std::error_code& code) { return construct<crowd::producer>(path, code); };
    const auto many = [&](std::error_code& code) { return construct<crowd::consumer>(path, code); };
    for (const auto& how :
         {std::function<std::string(std::error_code&)>(none), std::function<std::string(std::error_code&)>(consumer),
          std::function<std::string(std::error_code&)>(made), std::function<std::string(std::error_code&)>(thrown),
          std::function<std::string(std::error_code&)>(many)}) {
        rig::stepped_child opener([&] { return refused(how); });
        BOOST_TEST(names_given(opener, SYS_linkat, path) == 1);
        BOOST_TEST(opener.finish() == well);
        BOOST_TEST(place.files() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(so_is_who_creates_it_by_a_rename) {
    if (const auto objection = objection_to(birth_by::rename_for_want_of_tmpfile); !objection.empty())
        return rig::skip(objection);
    const rig::workspace place;
    const auto path = place / "queue";
    rig::stepped_child opener([&] {
        go_by(birth_by::rename_for_want_of_tmpfile);
        return refused([&](std::error_code& code) { return open_or_create<numbers::producer>(path, code); });
    });
    BOOST_TEST(names_given(opener, SYS_renameat2, path) == 1);
    BOOST_TEST(opener.finish() == well);
    BOOST_TEST(place.files() == 0U);
}

BOOST_AUTO_TEST_CASE(so_is_who_finds_the_name_taken_each_time_and_then_gone) {
    // Method: the name is a stranger's whenever the opener is about to give it, and nobody's when it looks.
    const rig::workspace place;
    const auto path = place / "queue";
    { const numbers::producer creator{place / "another", {.capacity = 64}}; }
    rig::stepped_child opener([&] {
        std::error_code code;
        (void)numbers::producer::open_or_create(path, at_once, code);
        return code == noria::errc::not_found ? 0 : 1;
    });
    int met = 0;
    while (opener.step()) {
        if (opener.entering() != SYS_linkat) continue;
        if (++met > 5) continue;
        std::filesystem::create_hard_link(place / "another", path);
        (void)opener.step();
        unlink(path.c_str());
    }
    BOOST_TEST(met == 1);
    BOOST_TEST(opener.finish() == well);
    BOOST_TEST(place.files() == 1U);
}

BOOST_AUTO_TEST_CASE(openers_beside_a_restless_unlinker_end_open_or_refused) {
    const rig::workspace place;
    const auto path = place / "queue";
    const rig::child unlinker([&] {
        for (;;) unlink(path.c_str());
        return 0;
    });
    for (int round = 0; round < 50; ++round) {
        std::error_code code;
        const noria::options brief{.capacity = 1U << 10, .wait_for_file = 1ms};
        const auto out = numbers::producer::open_or_create(path, brief, code);
        BOOST_TEST((out.is_open() ? !code : code == noria::errc::not_found), out.error_text());
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
