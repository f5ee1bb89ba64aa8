// row.hpp: one row of the table: a verb in a state, killed at every place of its way.
//
// Hot verbs die by a real SIGKILL before each instruction, and in each sleep. Long verbs have tens of thousands of
// instructions, most of them over and over the header's checksum: there the file is copied wherever it has changed and
// judged as if the victim had died; and a real SIGKILL comes before and after each system call, and at 1,000 instructions
// of each verb, in equal parts over its states, drawn from those that run for the first eight times at their address.
//
// For a quick check `every` N thins the real kills: every N-th place stays, and both sides of each instruction that changed
// the file, and each sleep; of long verbs one in N of the draws and of the calls.
#pragma once

#include "crash/judge.hpp"
#include "crash/verbs.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <unordered_map>

namespace noria::crash {

struct result {
    std::uint64_t instructions = 0;
    std::uint64_t kills = 0;   // places at which a victim was really killed
    std::uint64_t copies = 0;  // places at which the file was judged as if it had been
    std::uint64_t survived = 0;
    std::uint64_t failed_at = 0;       // the first place of which the judge complained
    std::uint64_t failed_address = 0;  // and its instruction
    char complaint[400] = {};
};

// The victim's file as it is, and whether it has changed since the last look. It may not be there yet.
class watched_file {
public:
    explicit watched_file(std::filesystem::path path) : path_(std::move(path)) {}
    ~watched_file() {
        if (mapped_ != nullptr) munmap(mapped_, size_);
    }
    watched_file(const watched_file&) = delete;
    watched_file& operator=(const watched_file&) = delete;

    [[nodiscard]] bool has_changed() {
        if (mapped_ == nullptr && !map()) return false;
        if (std::memcmp(mapped_, seen_.data(), size_) == 0) return false;
        seen_.assign(static_cast<const char*>(mapped_), size_);
        return true;
    }
    [[nodiscard]] const std::string& content() const noexcept { return seen_; }

private:
    bool map() {
        const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) return false;
        size_ = std::filesystem::file_size(path_);
        void* const at = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
        close(file);
        if (at == MAP_FAILED) throw std::runtime_error("crash: the file cannot be watched");
        mapped_ = at;
        seen_.assign(size_, '\0');
        return true;
    }

    std::filesystem::path path_;
    void* mapped_ = nullptr;
    std::size_t size_ = 0;
    std::string seen_;
};

template <class Form>
undertaking undertaking_of(const verb<Form>& what) {
    return {.most_sent = what.by == role::producer ? what.most : 0,
            .most_received = what.by == role::consumer ? what.most : 0,
            .in_place = what.in_place,
            .refused = what.refused,
            .given_back = what.given_back,
            .together = what.together};
}

template <class Form>
class row {
public:
    row(const verb<Form>& what, state how, std::size_t every) : what_(what), how_(how), every_(every) {}

    result kill_everywhere() {
        result all;
        const rig::path way = walk(all);
        const auto places = way.places();
        all.instructions = way.address.size();
        for (const std::size_t at : what_.is_long() ? chosen(way, places) : all_of(places)) {
            kill_at(way, places, at, all);
            if (all.complaint[0] != 0) break;  // one failure is enough, and each may take long
        }
        return all;
    }

    // For a reproducer: at that place only.
    result kill_once(std::size_t at) {
        result all;
        result ignored;
        const rig::path way = walk(ignored);
        all.instructions = way.address.size();
        kill_at(way, way.places(), at, all);
        return all;
    }

private:
    [[nodiscard]] std::vector<std::size_t> all_of(const std::vector<rig::place>& places) const {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (i % every_ == 0 || places[i].asleep || changes_.contains(i) || changes_.contains(i + 1))
                all.push_back(i);
        }
        return all;
    }

    // The system calls' both sides, and some others. The same in every run: there is no chance in the choice.
    [[nodiscard]] std::vector<std::size_t> chosen(const rig::path& way, const std::vector<rig::place>& places) const {
        const std::size_t draws = (1000 + what_.states.size() * every_ - 1) / (what_.states.size() * every_);
        constexpr int times = 8;
        std::set<std::size_t> instructions;
        std::vector<std::size_t> fresh;
        std::unordered_map<std::uint64_t, int> came_by;
        for (std::size_t i = 0; i < way.address.size(); ++i) {
            if (++came_by[way.address[i]] <= times) fresh.push_back(i);
        }
        std::mt19937 random(4711);
        std::shuffle(fresh.begin(), fresh.end(), random);
        instructions.insert(fresh.begin(), fresh.begin() + static_cast<std::ptrdiff_t>(std::min(draws, fresh.size())));
        for (std::size_t i = 0; i < way.calls.size(); i += every_)
            instructions.insert({way.calls[i], way.calls[i] + 1});
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (places[i].asleep || instructions.contains(places[i].index)) all.push_back(i);
        }
        return all;
    }

    static void complain(result& all, std::size_t at, std::uint64_t address, const std::string& what) {
        if (all.complaint[0] != 0) return;
        all.failed_at = at;
        all.failed_address = address;
        what.copy(all.complaint, sizeof all.complaint - 1);
    }

    // The way of a victim that nobody kills; for a long verb, with a copy of the file judged wherever it changed.
    rig::path walk(result& all) {
        // What the first of all does once in this process, the later ones need not: it is not counted.
        (void)kill_and_judge([](scenario<Form>&, rig::instruction_stepper&) {});
        scenario<Form> scene(what_, how_);
        rig::instruction_stepper victim([&] { scene.be_victim(); });
        scene.let_sleep();
        watched_file file(scene.path());
        bool sound = true;
        std::size_t place = 0;
        changes_.clear();
        const auto watch = [&](rig::place) {
            const bool changed = file.has_changed();
            if (changed) changes_.insert(place);
            if (what_.is_long()) {
                if (changed) {
                    const std::string complaint = judge_copy(scene, victim.pid(), file.content());
                    sound = complaint.empty();
                    if (!sound) complain(all, place, victim.address(), "in a copy: " + complaint);
                }
                ++all.copies;
                all.survived += sound ? 1 : 0;
            }
            ++place;
        };
        return victim.walk(watch, [&] { scene.wake(); });
    }

    std::string judge_copy(const scenario<Form>& scene, pid_t victim, const std::string& content) {
        scenario<Form> copy(scene, content);
        copy.note_death(victim);
        if (scene.sleeper) copy.end_due = end::none;  // it may have heard of it before the file was copied
        return judge<Form>(copy, undertaking_of(what_)).complaint();
    }

    void kill_at(const rig::path& way, const std::vector<rig::place>& places, std::size_t at, result& all) {
        ++all.kills;
        std::string complaint;
        try {
            complaint = kill_and_judge(way, places[at]);
        } catch (const std::exception& thrown) {
            complaint = thrown.what();
        }
        if (complaint.empty())
            ++all.survived;
        else
            complain(all, at,
                     places[at].index < way.address.size() ? way.address[places[at].index] : way.address.back(),
                     complaint);
    }

    // A sleeper that has been woken works beside the victim, and may send it another way than the first victim's: then it
    // dies after as many instructions of whatever way it goes.
    std::string kill_and_judge(const rig::path& way, rig::place where) {
        try {
            return kill_and_judge([&](scenario<Form>& scene, rig::instruction_stepper& victim) {
                victim.run_to(way, where, [&] { scene.wake(); });
            });
        } catch (const rig::went_another_way&) {
            return kill_and_judge([&](scenario<Form>& scene, rig::instruction_stepper& victim) {
                victim.step_up_to(where.index, [&] { scene.wake(); });
            });
        }
    }
    template <class Bring>
    std::string kill_and_judge(Bring bring) {
        scenario<Form> scene(what_, how_);
        rig::instruction_stepper victim([&] { scene.be_victim(); });
        scene.let_sleep();
        bring(scene, victim);
        scene.note_death(victim.pid());
        victim.kill();
        return judge<Form>(scene, undertaking_of(what_)).complaint();
    }

    const verb<Form>& what_;
    state how_;
    std::size_t every_;
    std::set<std::size_t> changes_;  // the places before which the file has just changed
};

}  // namespace noria::crash

// SPDX-License-Identifier: BSL-1.0
