// descriptor_test.cpp: a file is never opened as a standard stream, whichever of these the program has closed.
#include "noria/os/descriptor.hpp"

#include "rig/child.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

using noria::os::descriptor;
using noria::os::open_at;

BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_AUTO_TEST_CASE(a_file_is_opened_above_the_standard_streams_whichever_are_closed) {
    const noria::rig::workspace dir;
    std::ofstream(dir / "file") << "text";
    for (int closed = 0; closed < 8; ++closed) {
        noria::rig::child process([&] {
            for (int number = 0; number < 3; ++number) {
                if ((closed >> number & 1) != 0) close(number);
            }
            const descriptor one = open_at(AT_FDCWD, (dir / "file").c_str(), O_RDWR);
            const descriptor two = open_at(AT_FDCWD, (dir / "file").c_str(), O_RDWR);
            if (one.get() < 3 || two.get() < 3) return 1;
            for (int number = 0; number < 3; ++number) {
                const bool is_closed = fcntl(number, F_GETFD) < 0;
                if (is_closed != ((closed >> number & 1) != 0)) return 2;  // it is as the program left it
            }
            return (fcntl(one.get(), F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 3;
        });
        BOOST_TEST(process.wait().exit_status == 0, "closed: " << closed);
    }
}

BOOST_AUTO_TEST_CASE(a_failed_opening_says_why_though_standard_streams_are_closed) {
    noria::rig::child process([] {
        close(0);
        close(1);
        const descriptor none = open_at(AT_FDCWD, "/no/such/file", O_RDONLY);
        return !none.is_open() && errno == ENOENT ? 0 : 1;
    });
    BOOST_TEST(process.wait().exit_status == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
