// truncation_guard.cpp: the list of watched mappings, the handler of SIGBUS, and how it passes on what is not ours.
#include "noria/os/truncation_guard.hpp"

#include "noria/core/atomics.hpp"
#include "noria/os/process.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <thread>
#include <utility>

namespace noria::inline v1::os {

struct watched {
    std::uint32_t state = 0;
    std::uint32_t lost = 0;  // 1 since a handler has found a page missing; stays until the place is another mapping's
    std::byte* begin = nullptr;
    std::uint64_t bytes = 0;
    access mode = access::read_only;
    loss_marks marks;
};

namespace {

constexpr std::uint32_t live = std::uint32_t{1} << 31;

struct watch_list {
    std::array<watched, 64> places;  // 64 queues are many for one process; chosen by feel
    watch_list* more = nullptr;
};
constinit watch_list first_list;

bool pin(watched& place) noexcept {
    for (;;) {
        const std::uint32_t now = load_relaxed(place.state);  // decided by the exchange
        if ((now & live) == 0) return false;
        // [S1] acquire <- [S2] in watch: the fields of a place that is live.
        if (compare_exchange(place.state, now, now + 1)) return true;
    }
}

void unpin(watched& place) noexcept {
    std::uint32_t now = load_relaxed(place.state);  // decided by the exchange
    // [S4] release -> [S3] in unwatch: the mapping is not touched any more.
    while (!compare_exchange(place.state, now, now - 1)) now = load_relaxed(place.state);
}

// Puts zeros, and the marks, in the place of the whole mapping. They are made aside and moved there by one system call, so
// that who sees the zeros sees the marks. Where there is no room aside (RLIMIT_AS, vm.max_map_count), they are made in
// place: then another thread's verb may miss the marks once.
bool replace(watched& place) noexcept {
    constexpr int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    store_relaxed(place.lost, 1U);  // G4
    void* const aside = mmap(nullptr, place.bytes, PROT_READ | PROT_WRITE, how, -1, 0);
    const bool in_place = aside == MAP_FAILED;
    void* const memory =
        in_place ? mmap(place.begin, place.bytes, PROT_READ | PROT_WRITE, how | MAP_FIXED, -1, 0) : aside;
    if (memory == MAP_FAILED) return false;
    for (const std::uint64_t offset : place.marks.offsets) {
        if (offset == 0) continue;
        // G4: behind `lost`.
        store_release(*reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(memory) + offset), place.marks.value);
    }
    if (place.mode == access::read_only) (void)mprotect(memory, place.bytes, PROT_READ);
    if (in_place) return true;
    if (mremap(aside, place.bytes, place.bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place.begin) != MAP_FAILED) return true;
    (void)munmap(aside, place.bytes);
    return false;
}

// Whether the address lies in a watched mapping, which now is memory again.
//
// Whoever faults in an endpoint's mapping is inside a verb of that endpoint, and the endpoint keeps the mapping: its place
// was live before the fault and stays so. Places that come or go meanwhile are not the one looked for; passed over or
// pinned, they do no harm (G2).
bool rescue(const void* address) noexcept {
    const auto where = reinterpret_cast<std::uintptr_t>(address);
    // [S5] acquire <- [S6] in watch: the list behind.
    for (watch_list* list = &first_list; list != nullptr; list = load_acquire(list->more)) {
        for (watched& place : list->places) {
            if (!pin(place)) continue;
            const auto begin = reinterpret_cast<std::uintptr_t>(place.begin);
            const bool here = where >= begin && where - begin < place.bytes;
            // Again, if it was replaced before: another thread may still be about to, and must not be waited for.
            const bool replaced = here && replace(place);
            unpin(place);
            if (here) return replaced;
        }
    }
    return false;
}

// One covering of an earlier handler by ours. Each has a handler function of its own: if that earlier handler in turn
// passes on to one of ours that it had covered, the two are told apart, and no circle arises.
struct covering {
    bool used = false;
    struct sigaction earlier = {};
    std::uint32_t spent = 0;  // 1: the earlier one asked to be called once (SA_RESETHAND), and has been
};
constexpr std::size_t coverings_max = 16;  // who installs handlers over ours without end has another problem
constinit std::array<covering, coverings_max> coverings;

bool is_function(const struct sigaction& action) noexcept {
    return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

// Calls the earlier handler under the mask under which the kernel would have called it. It may jump away, or throw.
void call(const struct sigaction& earlier, int signal, siginfo_t* info, void* context) {
    const sigset_t& interrupted = static_cast<const ucontext_t*>(context)->uc_sigmask;
    sigset_t mask = earlier.sa_mask;
    for (int each = 1; each < NSIG; ++each) {
        if (sigismember(&interrupted, each) == 1) sigaddset(&mask, each);
    }
    if ((earlier.sa_flags & SA_NODEFER) == 0) sigaddset(&mask, signal);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    if ((earlier.sa_flags & SA_SIGINFO) != 0)
        earlier.sa_sigaction(signal, info, context);
    else
        earlier.sa_handler(signal);
}

// What the kernel would have done had we not been there.
void pass_on(covering& over, int signal, siginfo_t* info, void* context) {
    const struct sigaction& earlier = over.earlier;
    const bool once = (earlier.sa_flags & static_cast<int>(SA_RESETHAND)) != 0;
    if (is_function(earlier) && !(once && exchange(over.spent, 1U) != 0)) return call(earlier, signal, info, context);
    // Ignored is only what was sent: by a process, or by the kernel about memory that nobody has touched yet. Who ignores
    // a fault dies of it.
    const bool sent = info->si_code <= 0 || info->si_code == BUS_MCEERR_AO;
    if (sent && !is_function(earlier) && earlier.sa_handler == SIG_IGN) return;
    // The default, and the same signal once more: this thread takes it when we return, at the instruction that it was at,
    // with the core dump that belongs to it. (Should a filter of system calls forbid that, the instruction faults again.)
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, info);
}

template <std::size_t Which>
void on_bus_error(int signal, siginfo_t* info, void* context) {
    const int errno_before = errno;
    // What the kernel says about a page that a file has not. A memory's hardware error is BUS_MCEERR_AR, and not for us.
    const bool rescued = info->si_code == BUS_ADRERR && rescue(info->si_addr);
    errno = errno_before;
    if (!rescued) pass_on(coverings[Which], signal, info, context);
}

using handler = void (*)(int, siginfo_t*, void*);
template <std::size_t... Which>
constexpr std::array<handler, sizeof...(Which)> handlers_for(std::index_sequence<Which...> /*all*/) noexcept {
    return {&on_bus_error<Which>...};
}
constexpr auto handlers = handlers_for(std::make_index_sequence<coverings_max>());

bool is_ours(const struct sigaction& action) noexcept {
    if ((action.sa_flags & SA_SIGINFO) == 0) return false;
    for (const handler each : handlers) {
        if (action.sa_sigaction == each) return true;
    }
    return false;
}

bool same(const struct sigaction& one, const struct sigaction& other) noexcept {
    if (one.sa_flags != other.sa_flags) return false;
    for (int each = 1; each < NSIG; ++each) {
        if (sigismember(&one.sa_mask, each) != sigismember(&other.sa_mask, each)) return false;
    }
    return (one.sa_flags & SA_SIGINFO) != 0 ? one.sa_sigaction == other.sa_sigaction
                                            : one.sa_handler == other.sa_handler;
}

}  // namespace

watched* watch(std::byte* begin, std::uint64_t bytes, access mode, const loss_marks& marks) noexcept {
    watch_list* list = &first_list;
    for (;; list = list->more) {
        for (watched& place : list->places) {
            if (load_relaxed(place.state) != 0) continue;  // G1: 0 stays 0 while we have the no_fork
            store_relaxed(place.lost, 0U);
            place.begin = begin;
            place.bytes = bytes;
            place.mode = mode;
            place.marks = marks;
            store_release(place.state, live);  // [S2] release -> [S1] in pin: the fields, before it is live
            return &place;
        }
        if (list->more != nullptr) continue;
        auto* const another = new (std::nothrow) watch_list;
        if (another == nullptr) return nullptr;
        store_release(list->more, another);  // [S6] release -> [S5] in rescue: the list, before it can be reached (G3)
    }
}

void unwatch(watched& place) noexcept {
    std::uint32_t now = load_relaxed(place.state);  // decided by the exchange
    while (!compare_exchange(place.state, now, now & ~live)) now = load_relaxed(place.state);
    // A handler works on it for as long as a few system calls take; it is one of a foreign thread, which has no business in
    // a mapping whose last endpoint goes, or it searches for another address.
    // [S3] acquire <- [S4] in unpin: its work is done.
    while (load_acquire(place.state) != 0) std::this_thread::yield();
}

void forget(watched& place) noexcept { store_relaxed(place.state, 0U); }  // nobody else is there to see it

bool lost(const watched& place) noexcept { return load_relaxed(place.lost) != 0; }  // ordered by what made one ask

int install_truncation_guard() noexcept {
    const no_fork one_at_a_time;
    struct sigaction now = {};
    if (sigaction(SIGBUS, nullptr, &now) != 0) return errno;
    if (is_ours(now)) return 0;
    for (std::size_t which = 0; which < coverings_max; ++which) {
        covering& over = coverings[which];
        if (over.used && !same(over.earlier, now)) continue;
        if (!over.used) over.earlier = now;  // a used one may be read at this moment, and says the same
        over.used = true;
        store_relaxed(over.spent, 0U);  // no handler can be running that we have not installed yet
        struct sigaction ours = {};
        ours.sa_sigaction = handlers[which];
        sigfillset(&ours.sa_mask);
        // On the stack on which the earlier one would have run; and a system call that a SIGBUS from kill() interrupts goes
        // on or not as it would have.
        constexpr int kept = SA_ONSTACK | SA_RESTART;
        ours.sa_flags = SA_SIGINFO | (is_function(now) ? now.sa_flags & kept : kept);
        if (sigaction(SIGBUS, &ours, nullptr) != 0) return errno;
        // Sanitizers can be told to keep their handler, and then answer 0 all the same.
        if (sigaction(SIGBUS, nullptr, &now) != 0) return errno;
        return is_ours(now) ? 0 : EBUSY;
    }
    return EAGAIN;
}

}  // namespace noria::inline v1::os

// SPDX-License-Identifier: BSL-1.0
