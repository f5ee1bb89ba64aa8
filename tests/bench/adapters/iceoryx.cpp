// iceoryx.cpp: Eclipse iceoryx, untyped publisher and subscriber, with its daemon.
// Debian: iceoryx libiceoryx-posh-dev libacl1-dev
// Link: -isystem /usr/include/iceoryx/v2.0.3 -w -liceoryx_posh -liceoryx_hoofs -liceoryx_platform
#include "bench/worker/work.hpp"

#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <memory>

namespace {

iox::capro::ServiceDescription service(const bench::place& at) {
    static const bool once = [] {
        iox::runtime::PoshRuntime::initRuntime(
            iox::RuntimeName_t(iox::cxx::TruncateToCapacity, "bench-" + std::to_string(getpid())));
        return true;
    }();
    (void)once;
    return {"bench", "queue",
            iox::capro::IdString_t(iox::cxx::TruncateToCapacity, at.path.substr(at.path.size() - 20))};
}

struct iceoryx {
    static constexpr std::string_view name = "iceoryx";
    static constexpr std::string_view setup =
        "2.0.3, iox-roudi with default pools; untyped, in place, blocking producer, 256 messages; asleep: WaitSet";
    static constexpr bench::abilities can{.largest = 65536, .sleeps = true, .in_place = true, .daemon = "iox-roudi"};

    template <std::size_t Bytes>
    struct sender {
        iox::popo::UntypedPublisher out;
        explicit sender(const bench::place& at) : out(service(at), options()) {}
        static iox::popo::PublisherOptions options() {
            iox::popo::PublisherOptions all;
            all.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
            return all;
        }
        bool send(auto&& write) {
            while (!out.hasSubscribers()) std::this_thread::yield();
            auto room = out.loan(Bytes, 8);
            if (room.has_error()) return false;
            write(static_cast<std::byte*>(room.value()));
            out.publish(room.value());
            return true;
        }
    };
    template <std::size_t Bytes>
    struct receiver {
        std::unique_ptr<iox::popo::WaitSet<1>> waits;  // before what it waits for
        iox::popo::UntypedSubscriber in;
        explicit receiver(const bench::place& at) : in(service(at), options()) {
            if (!at.asleep) return;
            waits = std::make_unique<iox::popo::WaitSet<1>>();
            waits->attachState(in, iox::popo::SubscriberState::HAS_DATA).or_else([](auto) { std::abort(); });
        }
        ~receiver() { waits.reset(); }
        static iox::popo::SubscriberOptions options() {
            iox::popo::SubscriberOptions all;
            all.queueCapacity = 256;
            all.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
            return all;
        }
        bool receive(auto&& read) {
            if (waits != nullptr) (void)waits->timedWait(iox::units::Duration::fromMilliseconds(100));
            auto message = in.take();
            if (message.has_error()) return false;
            read(static_cast<const std::byte*>(message.value()));
            in.release(message.value());
            return true;
        }
    };
};

}  // namespace

int main(int argc, char** argv) { return bench::work<iceoryx>(argc, argv); }

// SPDX-License-Identifier: BSL-1.0
