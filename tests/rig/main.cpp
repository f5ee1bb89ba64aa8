// main.cpp: the main() of each test program: Boost.Test's, with a status of its own for "could not run here".
#define BOOST_TEST_NO_MAIN
#include <boost/test/tree/observer.hpp>
#include <boost/test/unit_test.hpp>

#include "rig/skip.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

namespace {

int cases_begun = 0;
int cases_skipped = 0;
bool current_is_skipped = false;

// Names each case as it begins, so that the last line of a program that crashed says where.
struct namer : boost::unit_test::test_observer {
    void test_unit_start(const boost::unit_test::test_unit& unit) override {
        if (unit.p_type != boost::unit_test::TUT_CASE) return;
        std::cerr << unit.full_name() << std::endl;
        ++cases_begun;
        current_is_skipped = false;
    }
    // Behind Boost's own: 1.74 asks its watcher of fixtures for a failure after each observer's start, and before the
    // watcher's own start the answer is what the stack holds by chance.
    int priority() override { return 10; }
};

}  // namespace

void noria::rig::skip(const std::string& reason) {
    if (!current_is_skipped) ++cases_skipped;
    current_is_skipped = true;
    const std::string in_case = boost::unit_test::framework::current_test_case().full_name() + ": " + reason;
    std::cerr << "skipped: " << in_case << std::endl;
    const char* const file = std::getenv("NORIA_SKIP_REASON");
    if (file == nullptr) return;
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path(), failed);
    std::ofstream record{file, std::ios::app};
    record << "skipped: " << std::filesystem::path(file).filename().string() << '/' << in_case << std::endl;
    if (!record) std::cerr << "the reason could not be written to " << file << std::endl;
}

#if defined(NORIA_SANITIZED_ADDRESS)
// The leak check stops the program's threads by way of /proc. In a chroot without it the other checks remain; and this is
// the way to say so there, for the sanitizer reads its environment from /proc, too.
extern "C" __attribute__((no_sanitize("address", "undefined"))) const char* __asan_default_options() {
    return access("/proc/self/task", F_OK) == 0 ? "" : "detect_leaks=0";
}
#endif

int main(int argc, char** argv) {
    // Boost.Test's signal handlers would carry a crashed child of fork() back into the tests, as a second parent.
    setenv("BOOST_TEST_CATCH_SYSTEM_ERRORS", "no", 0);
    setenv("BOOST_TEST_COLOR_OUTPUT", "no", 0);
    static namer observer;
    const auto set_up = [] {
        boost::unit_test::framework::register_observer(observer);
        return true;
    };
    const int status = boost::unit_test::unit_test_main(set_up, argc, argv);
    constexpr int skip_status = 77;  // what automake and ctest take for "not run": here, if no case could run
    return status == 0 && cases_skipped != 0 && cases_skipped == cases_begun ? skip_status : status;
}
// SPDX-License-Identifier: BSL-1.0
