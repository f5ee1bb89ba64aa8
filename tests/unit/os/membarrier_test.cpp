// membarrier_test.cpp: barriers everywhere are to be had after registering, and their absence is an answer.
#include "noria/os/membarrier.hpp"

#include "rig/child.hpp"
#include "rig/seccomp.hpp"
#include "rig/skip.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/syscall.h>

#include <cerrno>

BOOST_AUTO_TEST_SUITE(membarrier)

BOOST_AUTO_TEST_CASE(registering_works_any_number_of_times_and_barriers_after_it) {
    if (!noria::os::register_for_barriers()) return noria::rig::skip("this kernel or its filters have no membarrier");
    BOOST_TEST(noria::os::register_for_barriers());
    for (int i = 0; i < 100; ++i) BOOST_TEST(noria::os::barrier_everywhere());
}

BOOST_AUTO_TEST_CASE(a_process_without_the_system_call_is_told_so) {
    noria::rig::child filtered([] {
        if (!noria::rig::deny({{.call = SYS_membarrier, .error = EPERM}})) return 77;
        return noria::os::register_for_barriers() || noria::os::barrier_everywhere() ? 1 : 0;
    });
    const auto fate = filtered.wait();
    if (fate.exit_status == 77) return noria::rig::skip("this kernel keeps no seccomp filters");
    BOOST_TEST(fate.exit_status == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
