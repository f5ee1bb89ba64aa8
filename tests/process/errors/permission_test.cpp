// permission_test.cpp: files, directories and mounts that forbid something: an error that says what to check, no litter.
#include "refusals.hpp"
#include "worlds.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/stat.h>

#include <functional>

using namespace noria;
using namespace noria::errors;

namespace {

using perms = std::filesystem::perms;

const std::initializer_list<std::string_view> what_to_check{"no permission", "check owner and mode",
                                                            "the file and its directory", "option mode"};

// Everything that wants to write to a file that is there.
std::string complaint_of_writers(const std::filesystem::path& path, std::initializer_list<std::string_view> words) {
    return complaint(opening<numbers::producer>(path), errc::no_permission, path, words) +
           complaint(opening<numbers::consumer>(path), errc::no_permission, path, words) +
           complaint(constructing<numbers::producer>(path), errc::no_permission, path, words) +
           complaint(constructing<numbers::consumer>(path), errc::no_permission, path, words) +
           complaint(constructing<numbers::consumer>(path, {.capacity = 4}), errc::no_permission, path, words) +
           complaint(removing(path), errc::no_permission, path, words);
}
std::string complaint_of_creators(const std::filesystem::path& path, std::initializer_list<std::string_view> words) {
    return complaint(creating<numbers::producer>(path), errc::no_permission, path, words) +
           complaint(creating<texts::consumer>(path), errc::no_permission, path, words) +
           complaint(constructing<numbers::producer>(path), errc::no_permission, path, words) +
           complaint(constructing<numbers::consumer>(path, {.capacity = 4}), errc::no_permission, path, words);
}

std::string complaint_of_traffic(const std::filesystem::path& path) {
    auto out = numbers::producer::open(path);
    auto in = numbers::consumer::open(path);
    if (!out.try_push(7)) return "nothing can be sent\n";
    const auto got = in.try_pop();
    return got && *got == 7 ? "" : "nothing is received\n";
}

// A directory that everybody may use, and in it a queue with that mode, of this process's user.
struct open_place {
    open_place() { std::filesystem::permissions(place.path(), perms::all); }
    void make(perms mode) const {
        { const numbers::producer out(path, {.capacity = 4}); }
        std::filesystem::permissions(path, mode);
    }

    rig::workspace place;
    std::filesystem::path path = place / "queue";
};

// Runs the checks as somebody without rights over a queue of his own, with that mode.
std::string as_owner(perms mode, const std::function<std::string(const std::filesystem::path&)>& checks) {
    const open_place here;
    return in_child([&]() -> std::string {
        if (auto objection = give_up_rights(); !objection.empty()) return objection;
        here.make(mode);
        const std::string before = mode == perms::none ? std::string() : content_of(here.path);
        std::string all = checks(here.path);
        if (mode != perms::none && content_of(here.path) != before) all += "the file was changed\n";
        return here.place.files() == 1 ? all : all + "there is something beside it\n";
    });
}

// The same as another user than its owner.
std::string as_another(perms mode, const std::function<std::string(const std::filesystem::path&)>& checks) {
    const open_place here;
    here.make(mode);
    const std::string before = content_of(here.path);
    std::string all = in_child([&] {
        const std::string objection = become_another_user();
        return objection.empty() ? checks(here.path) : objection;
    });
    if (content_of(here.path) != before) all += "the file was changed\n";
    return here.place.files() == 1 ? all : all + "there is something beside it\n";
}

// Runs the checks as somebody without rights in a directory of his own with that mode and a queue in it. What they leave
// in it is looked for by its owner again.
std::string in_directory(perms mode, const std::function<std::string(const std::filesystem::path&)>& checks) {
    const open_place here;
    return in_child([&]() -> std::string {
        if (auto objection = give_up_rights(); !objection.empty()) return objection;
        const auto below = here.place / "below";
        std::filesystem::create_directory(below);
        { const numbers::producer out(below / "queue", {.capacity = 4}); }
        std::filesystem::permissions(below, mode);
        std::string all = checks(below);
        std::filesystem::permissions(below, perms::owner_all);
        for (const auto& each : std::filesystem::directory_iterator(below)) {
            if (each.path().filename() != "queue") all += fmt::format("left behind: {}\n", each.path().string());
        }
        return all + complaint_of_traffic(below / "queue");
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(permission)

BOOST_AUTO_TEST_CASE(a_file_that_may_only_be_read_is_for_observers_even_its_owners) {
    for (const auto mode : {perms(0400), perms(0444)}) {
        judge(as_owner(mode, [](const std::filesystem::path& path) {
            return complaint_of_writers(path, what_to_check) +
                   complaint_of_writers(path, {"to open it for writing (Permission denied)"}) +
                   complaint_of_success(observing(path));
        }));
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_be_read_is_for_nobody) {
    judge(as_owner(perms::none, [](const std::filesystem::path& path) {
        return complaint_of_writers(path, what_to_check) +
               complaint(observing(path), errc::no_permission, path, {"to open it for reading (Permission denied)"}) +
               complaint(observing(path), errc::no_permission, path, what_to_check);
    }));
}

BOOST_AUTO_TEST_CASE(a_file_of_another_user_is_open_as_far_as_its_mode_says) {
    judge(as_another(perms(0600), [](const std::filesystem::path& path) {
        return complaint_of_writers(path, what_to_check) +
               complaint(observing(path), errc::no_permission, path, what_to_check);
    }));
    for (const auto mode : {perms(0644), perms(0444)}) {
        judge(as_another(mode, [](const std::filesystem::path& path) {
            return complaint_of_writers(path, what_to_check) + complaint_of_success(observing(path));
        }));
    }
    const open_place here;
    here.make(perms(0666));
    judge(in_child([&] {
        const std::string objection = become_another_user();
        return objection.empty() ? complaint_of_traffic(here.path) : objection;
    }));
}

BOOST_AUTO_TEST_CASE(a_directory_that_may_not_be_searched_hides_what_is_in_it) {
    for (const auto mode : {perms::none, perms(0400), perms(0600)}) {
        judge(in_directory(mode, [](const std::filesystem::path& below) {
            return complaint_of_writers(below / "queue", what_to_check) +
                   complaint(observing(below / "queue"), errc::no_permission, below / "queue", what_to_check) +
                   complaint_of_creators(below / "fresh", what_to_check);
        }));
    }
}

BOOST_AUTO_TEST_CASE(a_directory_that_may_not_be_written_to_keeps_its_queues_and_gets_no_others) {
    judge(in_directory(perms(0500), [](const std::filesystem::path& below) {
        return complaint(creating<numbers::producer>(below / "fresh"), errc::no_permission, below / "fresh",
                         what_to_check) +
               complaint_of_creators(below / "fresh", {"to create the file (Permission denied)"}) +
               complaint(removing(below / "queue"), errc::no_permission, below / "queue", {"to remove it"}) +
               complaint_of_traffic(below / "queue") + complaint_of_success(observing(below / "queue"));
    }));
}

BOOST_AUTO_TEST_CASE(a_directory_that_may_not_be_listed_will_do) {
    judge(in_directory(perms(0300), [](const std::filesystem::path& below) {
        std::string all = complaint_of_success(constructing<numbers::producer>(below / "fresh"));
        all += complaint_of_traffic(below / "fresh") + complaint_of_traffic(below / "queue");
        noria::remove(below / "fresh");
        return all;
    }));
}

BOOST_AUTO_TEST_CASE(a_queue_of_another_user_in_a_sticky_directory_can_be_used_and_not_removed) {
    const open_place here;
    std::filesystem::permissions(here.place.path(), perms::all | perms::sticky_bit);
    here.make(perms(0666));
    judge(in_child([&] {
        if (auto objection = become_another_user(); !objection.empty()) return objection;
        return complaint(removing(here.path), errc::no_permission, here.path,
                         {"to remove it (Operation not permitted)"}) +
               complaint_of_traffic(here.path);
    }));
    BOOST_TEST(here.place.files() == 1U);
}

BOOST_AUTO_TEST_CASE(a_read_only_file_system_is_for_observers_and_says_that_it_is_one) {
    for (const char* const root : {"/dev/shm", "/var/tmp"}) {
        const rig::workspace place(root);
        const auto path = place / "queue";
        { const numbers::producer out(path, {.capacity = 4}); }
        const std::string before = content_of(path);
        judge(in_child([&] {
            if (auto objection = make_read_only(place.path()); !objection.empty()) return objection;
            const std::initializer_list<std::string_view> words{"Read-only file system", "mounted for writing",
                                                                "another directory"};
            return complaint_of_writers(path, words) + complaint_of_creators(place / "fresh", words) +
                   complaint_of_success(observing(path));
        }));
        BOOST_TEST((content_of(path) == before));
        BOOST_TEST(place.files() == 1U);
    }
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
