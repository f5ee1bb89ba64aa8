// fuzz_endpoints.cpp: the input is a program of a producer's and a consumer's verbs, whose file is scribbled on.
//
// Goal: whatever stands in roster, words and ring, and whenever it changes, endpoints go on or report `corrupt`.
// Method: a real file with both endpoints in this process; between verbs the input scribbles on any word of it, and its
// ambushes change words between two loads of a verb. No verb waits longer than microseconds. Mappings stand between
// closed pages, and what of them is neither roster nor word nor ring is poisoned: no endpoint has any business there.
#include "ambush.hpp"
#include "fuzz_place.hpp"
#include "guarded_mappings.hpp"
#include "live_file.hpp"
#include "queues.hpp"
#include "tape.hpp"

#include <sanitizer/asan_interface.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

namespace {

using namespace noria::hostile;
namespace layout = noria::layout;

const live_file* present = nullptr;  // of the input that runs

bool is_hostile(const void* word) { return mapping_of(word) != nullptr; }

// Through the file: a mapping may be read-only, and a word of it poisoned.
void write_word(const void* word, std::size_t bytes, std::uint64_t value) {
    const auto offset = static_cast<std::uint64_t>(static_cast<const std::byte*>(word) - mapping_of(word)->data);
    if (bytes == sizeof(std::uint32_t))
        present->set(offset, static_cast<std::uint32_t>(value));
    else
        present->set(offset, value);
}

// Poison in the mappings of a whole file of that geometry; an endpoint's mapping of the first page is the kernel's
// affair.
void fence_off(const layout::shape& shape) {
    const layout::geometry where = layout::place(shape);
    const std::uint64_t used = words_end(where);
    const std::uint64_t end = ring_end(where, shape);
    for (const mapping& each : mappings) {
        if (each.bytes != where.file_bytes) continue;
        ASAN_POISON_MEMORY_REGION(each.data, where.roster_offset);
        ASAN_POISON_MEMORY_REGION(each.data + used, where.ring_offset - used);
        ASAN_POISON_MEMORY_REGION(each.data + end, where.file_bytes - end);
    }
}

template <class Queue>
class stage {
    using of = subject<Queue>;
    using producer = typename Queue::producer;
    using consumer = typename Queue::consumer;

public:
    stage() {
        present = &file_;
        file_.restore(clean_);
        settle({.hostile = is_hostile, .write = write_word, .capacity = of::shape().capacity});
        attach_producer();
        attach_consumer();
    }
    ~stage() {
        disarm();
        leave_producer();
        leave_consumer();
        settle({});
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    void act(tape& input) {
        begin_verb();
        const std::uint8_t verb = input.byte() % 32;
        if (verb < 12)
            produce(verb, input);
        else if (verb < 22)
            consume(verb, input);
        else
            disturb(verb, input);
    }

private:
    // One file serves all inputs: each begins with the bytes of its birth.
    static const live_file& made_once(const std::filesystem::path& path) {
        static const live_file file = [&] {
            (void)producer::create(path, of::wishes());
            return live_file(path);
        }();
        return file;
    }
    static const std::vector<std::byte>& image_once(const live_file& file) {
        static const std::vector<std::byte> image = file.image();
        return image;
    }

    void produce(unsigned verb, tape& input) {
        if (verb == 11) return leave_producer();
        if (!out_) return attach_producer();
        switch (verb) {
            case 0:
            case 1:
                demand(out_->try_push(of::sample(input.byte())) || out_->why() != noria::outcome::ok,
                       "not sent, and why() says why");
                break;
            case 2: (void)out_->push_for(of::sample(input.byte()), std::chrono::nanoseconds(0)); break;
            case 3: (void)out_->push_for(of::sample(input.byte()), std::chrono::microseconds(5)); break;
            case 4: try_push_some(input.byte()); break;
            case 5:
            case 6:
                if (!claim_) claim_.emplace(of::try_claim(*out_, input.byte()));
                if (*claim_) write(of::content(*claim_));
                break;
            case 7:
                if (claim_) (void)claim_->commit();
                claim_.reset();
                break;
            case 8: claim_.reset(); break;
            case 9: out_->interrupt(); break;
            default:
                (void)out_->counters();
                (void)out_->size();
                (void)out_->ended();
        }
    }
    void consume(unsigned verb, tape& input) {
        if (verb == 21) return leave_consumer();
        if (!in_) return attach_consumer();
        switch (verb) {
            case 12:
            case 13: tell(in_->try_pop()); break;
            case 14: tell(in_->pop_for(std::chrono::nanoseconds(0))); break;
            case 15: tell(in_->pop_for(std::chrono::microseconds(5))); break;
            case 16: (void)in_->try_consume_some([](const auto& each) { read_one(each); }, input.byte()); break;
            case 17:
                if (!lease_) lease_.emplace(in_->try_take());
                if (*lease_) (void)sum_of(of::content(*lease_));
                break;
            case 18: lease_.reset(); break;
            case 19: pop_into(input.byte()); break;
            default:
                (void)in_->counters();
                (void)in_->size();
                if (const auto parked = of::try_take_parked(*in_)) (void)sum_of(of::content(parked));
                in_->interrupt();
        }
    }
    void disturb(unsigned verb, tape& input) {
        switch (verb) {
            case 22: die_producer(); break;
            case 23: die_consumer(); break;
            case 24: inspect(); break;
            case 25:
                disarm();
                file_.restore(clean_);
                break;
            case 26:
            case 27:
            case 28: scribble(input); break;
            default: {
                const std::uint32_t loads = input.byte();
                const unsigned stroke = input.byte();
                const std::uint64_t draw = input.number(4);
                lay({.loads = loads,
                     .stroke = stroke,
                     .draw = draw,
                     .back = (stroke & 0x80) != 0,
                     .again = (stroke & 0x40) != 0,
                     .distance = static_cast<std::uint32_t>(draw % 32)});
            }
        }
    }

    void attach_producer() { attach(out_); }
    void attach_consumer() { attach(in_); }
    template <class Endpoint>
    void attach(std::optional<Endpoint>& to) {
        if (shut_out_ == shut_out_max) return;
        std::error_code code;
        to.emplace(Endpoint::open(path_, of::any(), code));
        demand_word(code, to->is_open());
        if (!to->is_open()) to.reset();
        fence_off(of::shape());
    }
    void demand_word(const std::error_code& code, bool open) const {
        if (code == noria::errc::role_taken) ++shut_out_;
        demand(open == !code, "an endpoint is open, or has a code that says why not");
        demand(open || code.category() == noria::noria_category(), "a refusal is one of noria's");
    }
    void leave_producer() {
        claim_.reset();
        out_.reset();
    }
    void leave_consumer() {
        lease_.reset();
        in_.reset();
    }
    // What a kill leaves is what was there; but what the living peer has done since is there, too.
    void die_producer() {
        const auto left = file_.image();
        leave_producer();
        file_.restore(left);
    }
    void die_consumer() {
        const auto left = file_.image();
        leave_consumer();
        file_.restore(left);
    }

    void try_push_some(std::size_t count) {
        const std::array few{of::sample(1), of::sample(40), of::sample(8), of::sample(112), of::sample(0)};
        (void)out_->try_push_some(std::span(few).first(count % (few.size() + 1)));
    }
    void pop_into(std::size_t size) {
        if constexpr (of::of_bytes) {
            std::vector<std::byte> buffer(size);
            (void)in_->try_pop(buffer);
        }
    }
    template <class Popped>
    static void read(const Popped& message) {
        if (message) (void)sum_of(of::content(message));
    }
    template <class Popped>
    void tell(const Popped& message) const {
        read(message);
        demand(static_cast<bool>(message) || in_->why() != noria::outcome::ok, "no message, and why() says why");
    }
    static void read_one(const typename Queue::message& message) {
        const auto* const one = &message;
        (void)sum_of(of::content(one));
    }
    template <class Room>
    static void write(Room room) {
        if (!room.empty()) std::memset(const_cast<std::byte*>(room.data()), 0x5a, room.size());
    }
    void inspect() const {
        std::error_code code;
        const noria::observer watcher(path_, code);
        demand_word(code, watcher.is_open());
        fence_off(of::shape());
        if (watcher.is_open()) (void)watcher.look();
    }
    void scribble(tape& input) {
        // Roster and words, and the ring behind them; one in 256 falls into the header, which no endpoint reads again.
        const auto [begin, end] = ground(of::shape());
        const std::uint64_t used = words_end(geometry_) - begin;
        std::uint64_t offset = input.number(2) * 8 % (used + (end - geometry_.ring_offset));
        offset = offset < used ? begin + offset : geometry_.ring_offset + (offset - used);
        const unsigned stroke = input.byte();
        if (stroke == 0xff) offset = input.byte() * 8;
        if (offset + 8 > end) return;
        file_.set(offset, struck(stroke, file_.get(offset), of::shape().capacity, input.number(4)));
    }

    // A role that seems to be just taken or left is waited for, for a second: an input may be told so once.
    static constexpr int shut_out_max = 1;
    mutable int shut_out_ = 0;
    layout::geometry geometry_ = layout::place(of::shape());
    const std::filesystem::path path_ = fuzz_place().string() + of::name;
    const live_file& file_ = made_once(path_);
    const std::vector<std::byte>& clean_ = image_once(file_);
    std::optional<producer> out_;
    std::optional<consumer> in_;
    std::optional<typename producer::claim_type> claim_;
    std::optional<typename consumer::lease_type> lease_;
};

template <class Queue>
void perform(tape& input) {
    stage<Queue> here;
    while (!input.over()) here.act(input);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    on_unmapping = [](const mapping& old) { ASAN_UNPOISON_MEMORY_REGION(old.data, old.bytes); };
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tape input(data, size);
    std::size_t chosen = input.byte() % std::tuple_size_v<queues>;
    for_each_queue([&]<class Queue>() {
        if (chosen-- == 0) perform<Queue>(input);
    });
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
