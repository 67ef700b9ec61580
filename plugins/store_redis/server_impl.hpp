// plugins/store_redis/server_impl.hpp -- what a Server is made of.
#pragma once

#include "lender.hpp"
#include "link.hpp"
#include "server.hpp"
#include "server_clock.hpp"
#include "server_info.hpp"
#include "stream.hpp"
#include "wire.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace larder::store_redis {

struct Server::Impl final : Link::Owner, Stream::Owner {
    Impl(Server& self, const Surroundings& around, Endpoint endpoint, ServerEvents& events);

    // A link, and what its connection is at.
    struct Place {
        Place(const Surroundings& a, const Endpoint& e, Impl& owner, Lane l)
            : link(a, e, owner), timer(a.loop), lane(l) {}
        Link link;
        Loop::Timer timer;  // ends an attempt, or begins the next
        const Lane lane;
        std::uint32_t failures = 0;  // in a row
        bool trying = false, up = false, ever_up = false;
    };
    struct Hello;
    struct Beat;
    struct Canary;
    struct Scripts;
    struct Bounds;

    Place& place_of(Link& link);
    void connect(Place& place);
    void greeted(Place& place);
    void went_down(Place& place);
    void next_attempt(Place& place);
    void settle(const std::string& why);
    std::size_t retired() const;

    void on_connected(Link& link) override;
    void on_broken(Link& link, const std::string& why) override;
    void on_retired(Link& link) override;
    bool may_replace(const Link& link) const override;
    void on_orphan(Exchange& exchange, bool unsent, const std::string& why) override;

    void on_keys(const larder_bytes* keys, std::size_t n) override;
    void on_all() override;
    void on_proved(bool yes) override;
    void on_listening() override;

    // heartbeat.cpp
    void beat();
    void heard(const ServerInfo& now);
    void write_canary();
    void load_scripts();
    // Tells it what it may hold, where the options say so and it says otherwise. False: there is nothing to tell.
    bool set_bounds(const ServerInfo& now);
    void advise(const ServerInfo& now);

    Link* best() noexcept;
    std::uint64_t in_flight() const noexcept;
    larder_status send(Exchange& exchange);
    larder_status run_here(Exchange& exchange);
    larder_status wait_for_link(Exchange& exchange);
    void arm(std::uint64_t deadline_ns);
    void look();

    Server& self;
    const Surroundings around;
    const Endpoint endpoint;
    ServerEvents& events;
    std::optional<TlsContext> tls;
    std::vector<std::unique_ptr<Place>> shared;
    Place side;
    Lender lender;
    std::optional<Stream> stream;
    Loop::Timer alarm, heart;
    bool told_up = false, beating = false, memory_asked = false;
    ServerInfo info;
    ServerClock clock;
    std::atomic<std::uint64_t> alarm_ns;    // when `alarm` is set for, or is about to be
    std::atomic<std::uint32_t> up_links{0}; // of the shared ones
    std::atomic<bool> trusted{false};

    mutable std::mutex mutex;  // guards what follows
    bool opened = false;
    std::uint32_t attempts = 0;       // shared links being connected
    bool hopeless = false;            // none is up, and none is being connected: judged by settle()
    std::deque<Exchange*> waiting;    // for one of them
    std::deque<Exchange*> for_side;   // for the side link
    bool side_wanted = false;         // it is being connected
    std::string cause, version, role;
};

}  // namespace larder::store_redis
