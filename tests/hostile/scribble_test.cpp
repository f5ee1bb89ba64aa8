// scribble_test.cpp: a victim is halted before each instruction that accesses the file, and a word is changed.
//
// Goal: a value that is checked and then read again, or trusted unchecked, shows. Method: a rehearsal lists which
// instructions of a verb access which words (rehearsal.hpp); the victim is traced to just before one of them, one word
// of the file is overwritten, and is left so, or is put right again after one instruction; then the victim plays on,
// and leaves. It may report what it likes, but must come to its end by itself, with no signal; its mappings stand
// between closed pages.
//
// The grid       a) each access x the word it is about to access x each stroke x {left, put right}
//                b) each access x each other word that the verb accesses x each stroke x {left, put right}
// is walked with an odd stride, so that all strokes take part, from a beginning that the seed draws.
// Arguments, after "--": --cases N, of each kind and scene (0: all; unset: as many as half a minute allows).
#include "guarded_mappings.hpp"
#include "puppet.hpp"
#include "queues.hpp"
#include "rehearsal.hpp"
#include "rig/seed.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"
#include "scenes.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string_view>

namespace {

using namespace noria::hostile;
namespace rig = noria::rig;

std::uint64_t argument(std::string_view name, std::uint64_t otherwise) {
    const auto& suite = boost::unit_test::framework::master_test_suite();
    for (int i = 1; i + 1 < suite.argc; ++i) {
        if (suite.argv[i] == name) return std::strtoull(suite.argv[i + 1], nullptr, 0);
    }
    return otherwise;
}

struct scribble {
    file_access before;
    std::uint32_t offset = 0;  // of the word
    unsigned stroke = 0;
    bool put_right = false;
};

std::ostream& operator<<(std::ostream& out, const scribble& one) {
    return out << "access " << one.before.visit << " of " << std::hex << one.before.instruction << " (file offset "
               << one.before.offset << "), stroke " << std::dec << one.stroke << " over offset " << std::hex
               << one.offset << std::dec << (one.put_right ? ", put right after one instruction" : ", left so");
}

// One queue's victim, its file, and what has happened to it.
class harness {
public:
    harness(std::filesystem::path path, std::uint64_t capacity, std::function<std::vector<scene>()> troupe)
        : path_(std::move(path)), capacity_(capacity), troupe_(std::move(troupe)), random_(rig::seed()) {}

    // Plays the scene, with cases of either kind; returns how many times the victim did not survive.
    std::size_t play(std::size_t which, std::size_t cases) {
        const std::vector<file_access> accesses = rehearse(troupe_, which);
        std::set<std::uint32_t> distinct;
        for (const file_access& each : accesses) distinct.insert(each.offset);
        const std::vector<std::uint32_t> words(distinct.begin(), distinct.end());
        const std::size_t deaths_before = deaths_;
        constexpr std::size_t kinds = 2 * strokes;
        walk(accesses.size() * kinds, cases, [&](std::size_t number) {
            const file_access& at = accesses[number / kinds];
            play_one(which, {at, at.offset, static_cast<unsigned>(number / 2 % strokes), number % 2 != 0});
        });
        walk(accesses.size() * words.size() * kinds, cases, [&](std::size_t number) {
            play_one(which, {accesses[number / kinds / words.size()], words[number / kinds % words.size()],
                             static_cast<unsigned>(number / 2 % strokes), number % 2 != 0});
        });
        return deaths_ - deaths_before;
    }

    // Single steps from one of its accesses on, and a word of those it accesses overwritten in front of each.
    std::size_t storm(std::size_t which, std::size_t storms) {
        const std::vector<file_access> accesses = rehearse(troupe_, which);
        const std::size_t deaths_before = deaths_;
        for (std::size_t i = 0; i < storms && !accesses.empty(); ++i) {
            ++tries_;
            const file_access& from = accesses[random_() % accesses.size()];
            if (!victim().begin(which)) return note_death("before any scribble");
            if (!victim_->run_to(from.instruction, from.visit)) {
                if (!victim_->gone()) (void)victim_->finish();
                continue;
            }
            ++halts_;
            // Most verbs are shorter; who formats the words of an error has nothing to do with the file any more.
            for (int steps = 0; steps < 300 && victim_->step(); ++steps) {
                strike(accesses[random_() % accesses.size()].offset, static_cast<unsigned>(random_() % strokes));
            }
            if (!victim_->gone()) (void)victim_->finish();
            if (victim_->gone()) note_death("in a storm");
        }
        return deaths_ - deaths_before;
    }

    [[nodiscard]] std::string deaths() const { return report_.str(); }
    [[nodiscard]] std::size_t tries() const noexcept { return tries_; }
    // How often the victim came to the instruction in question, and a word was changed.
    [[nodiscard]] std::size_t halts() const noexcept { return halts_; }

private:
    template <class Act>
    void walk(std::size_t grid, std::size_t cases, Act act) {
        const std::size_t stride = cases == 0 ? 1 : std::max<std::size_t>(grid / cases, 1) | 1;
        if (grid == 0) return;
        for (std::size_t number = random_() % std::min(stride, grid); number < grid; number += stride) act(number);
    }

    puppet& victim() {
        if (!victim_ || victim_->gone()) victim_ = std::make_unique<puppet>(troupe_);
        if (!file_) file_ = std::make_unique<live_file>(path_);
        return *victim_;
    }

    void play_one(std::size_t which, const scribble& one) {
        ++tries_;
        if (!victim().begin(which)) {
            note_death("before any scribble");
            return;
        }
        if (victim_->run_to(one.before.instruction, one.before.visit)) {
            ++halts_;
            const std::uint64_t right = file_->get(one.offset);
            strike(one.offset, one.stroke);
            if (one.put_right && victim_->step()) file_->set(one.offset, right);
        }
        if (!victim_->gone()) (void)victim_->finish();
        if (!victim_->gone()) return;
        std::ostringstream what;
        what << "scene " << which << ", " << one;
        note_death(what.str());
    }

    void strike(std::uint32_t offset, unsigned stroke) {
        file_->set(offset, struck(stroke, file_->get(offset), capacity_, random_()));
    }

    std::size_t note_death(const std::string& when) {
        constexpr std::size_t told_max = 10;
        if (++deaths_ <= told_max) {
            report_ << "\n  " << when << ": "
                    << (victim_->hung() ? std::string("hung") : "signal " + std::to_string(victim_->how().signal))
                    << ", status " << victim_->how().exit_status;
        }
        return deaths_;
    }

    std::filesystem::path path_;
    std::uint64_t capacity_;
    std::function<std::vector<scene>()> troupe_;
    std::mt19937_64 random_;
    std::unique_ptr<puppet> victim_;
    std::unique_ptr<live_file> file_;
    std::size_t tries_ = 0;
    std::size_t halts_ = 0;
    std::size_t deaths_ = 0;
    std::ostringstream report_;
};

constexpr const char* cannot = "this rig knows the instructions of x86-64 only";

// One file, that each rehearsal and each victim opens.
template <class Queue>
class troupe {
public:
    troupe() {
        (void)Queue::producer::create(path, subject<Queue>::wishes());
        birth_ = live_file(path).image();
    }
    [[nodiscard]] std::vector<scene> scenes() const {
        static std::unique_ptr<cast<Queue>> who;
        who = std::make_unique<cast<Queue>>(path, birth_);
        return scenes_of(*who);
    }

private:
    rig::workspace room_;

public:
    const std::filesystem::path path = room_ / "queue";

private:
    std::vector<std::byte> birth_;
};

template <class Queue, class Act>
void for_each_scene(Act act) {
    const troupe<Queue> all;
    harness stage(all.path, subject<Queue>::shape().capacity, [&] { return all.scenes(); });
    std::vector<const char*> names;
    for (const scene& each : all.scenes()) names.push_back(each.name);
    for (std::size_t which = 0; which < names.size(); ++which) {
        const std::size_t deaths = act(stage, which);
        BOOST_TEST(deaths == 0U,
                   subject<Queue>::name << ", " << names[which] << ": " << deaths << " deaths" << stage.deaths());
    }
    BOOST_TEST(10 * stage.halts() >= 9 * stage.tries(), "a rig that halts nobody proves nothing");
    std::cerr << subject<Queue>::name << ": halted " << stage.halts() << " of " << stage.tries() << " times"
              << std::endl;
}

// What the harness is to catch: a length is checked, and read again for its use.
scene careless(const std::filesystem::path& path, bool twice) {
    static std::byte* data = nullptr;
    return {.name = "careless",
            .prepare =
                [=] {
                    const live_file file(path);
                    file.set(0, std::uint64_t{8});
                    const int number = open(path.c_str(), O_RDWR | O_CLOEXEC);
                    data = static_cast<std::byte*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0));
                    close(number);
                },
            .verb =
                [=] {
                    const auto* const length = reinterpret_cast<const volatile std::uint64_t*>(data);
                    const std::uint64_t checked = *length;
                    if (checked == 0 || checked > 64) return;
                    const std::uint64_t used = twice ? *length : checked;
                    (void)sum_of({data + used - 1, 1});
                },
            .finish = [=] { munmap(data, 4096); }};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scribble_suite)

BOOST_AUTO_TEST_CASE(a_length_read_twice_is_caught_and_one_read_once_is_not) {
    if (!can_rehearse) return rig::skip(cannot);
    for (const bool twice : {true, false}) {
        const rig::workspace room;
        const auto path = room / "file";
        std::ofstream(path) << std::string(4096, '\0');
        harness stage(path, 64, [&] { return std::vector{careless(path, twice)}; });
        const std::size_t deaths = stage.play(0, 0);
        BOOST_TEST((deaths != 0) == twice, deaths << " deaths" << stage.deaths());
        BOOST_TEST(stage.halts() >= 64U);
    }
}

BOOST_AUTO_TEST_CASE(the_librarys_mappings_stand_between_closed_pages) {
    const auto touch = [](std::ptrdiff_t beyond) {
        rig::child trespasser([=] {
            const rig::workspace room;
            auto out = parcels::producer::create(room / "queue", subject<parcels>::wishes());
            const auto whole = std::ranges::max_element(mappings, {}, &mapping::bytes);
            const std::byte* const at = beyond < 0 ? whole->data : whole->data + whole->bytes - 1;
            std::filesystem::remove_all(room.path());  // this child may leave without a goodbye
            (void)sum_of({at + beyond, 1});
            return 0;
        });
        return trespasser.wait();
    };
    BOOST_TEST((touch(0) == rig::fate{.exit_status = 0, .signal = 0}));
    BOOST_TEST((touch(-1) == rig::fate{.exit_status = -1, .signal = SIGSEGV}));
    BOOST_TEST((touch(1) == rig::fate{.exit_status = -1, .signal = SIGSEGV}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_word_changed_before_any_access_ends_no_process, Queue, queues) {
    if (!can_rehearse) return rig::skip(cannot);
    // The ring under a mutex is one for all: four queues share what another has for itself.
    const std::size_t cases = argument("--cases", subject<Queue>::under_mutex ? 45 : 180);
    for_each_scene<Queue>([&](harness& stage, std::size_t which) { return stage.play(which, cases); });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(words_changing_at_every_instruction_end_no_process, Queue, queues) {
    if (!can_rehearse) return rig::skip(cannot);
    for_each_scene<Queue>([](harness& stage, std::size_t which) { return stage.storm(which, 4); });
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
