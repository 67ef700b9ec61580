// plugins/store_redis/server.cpp -- see server.hpp.
#include "server.hpp"

#include "counters.hpp"
#include "server_impl.hpp"
#include "wire.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

namespace larder::store_redis {
namespace {

// Deadlines later than this need nobody to be woken: the timer looks at least so often.
constexpr std::uint64_t look_ns = 250'000'000;
constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

std::string canary_key(const Options& options) {
    char node[17];
    std::snprintf(node, sizeof node, "%016llx", static_cast<unsigned long long>(options.seed));
    return options.prefix + ":g:canary:" + node;
}

}  // namespace

// The first exchange of a connection.
struct Server::Impl::Hello final : Exchange {
    Hello(Impl& i, Place& p) : impl(i), place(p) {
        replies = write_hello(i.around.options, wire);
        deadline_ns = never;  // the attempt has a timer of its own
        sent_again = true;    // it belongs to this connection
    }
    bool on_reply(std::uint32_t index, Reply& reply) override {
        if (wrong.empty()) {
            wrong = judge_hello(impl.around.options, index, reply);
        }
        return true;
    }
    void on_end(larder_status status) noexcept override {
        const std::unique_ptr<Hello> ended(this);
        if (status == LARDER_OK && wrong.empty()) {
            impl.greeted(place);
        } else if (status == LARDER_OK) {
            place.link.fail(wrong);
        }
    }
    const char* name() const noexcept override { return "PING"; }

    Impl& impl;
    Place& place;
    std::string wrong;
};

Server::Impl::Impl(Server& me, const Surroundings& a, Endpoint e, ServerEvents& ev)
    : self(me),
      around(a),
      endpoint(std::move(e)),
      events(ev),
      side(a, endpoint, *this, Lane::side),
      lender(a, endpoint),
      alarm(a.loop),
      heart(a.loop),
      alarm_ns(never) {
    if (endpoint.tls) {
        tls.emplace(a.options);
    }
    for (std::uint32_t i = 0; i < a.options.connections; ++i) {
        shared.push_back(std::make_unique<Place>(a, endpoint, *this, Lane::data));
    }
    stream.emplace(around, endpoint, tls ? &*tls : nullptr, canary_key(a.options), *this);
}

// ---- connections --------------------------------------------------------------------------------

Server::Impl::Place& Server::Impl::place_of(Link& link) {
    for (const auto& place : shared) {
        if (&place->link == &link) {
            return *place;
        }
    }
    return side;
}

std::size_t Server::Impl::retired() const {
    std::size_t n = side.link.retired();
    for (const auto& place : shared) {
        n += place->link.retired();
    }
    return n;
}

void Server::Impl::connect(Place& place) {
    if (!place.trying) {
        place.trying = true;
        if (place.lane == Lane::data) {
            const std::lock_guard lock(mutex);
            ++attempts;
            hopeless = false;
        }
    }
    place.timer.at(around.loop.now_ns() + around.options.connect_timeout_ns,
                   [&place] { place.link.fail("no connection in time"); });
    place.link.connect(tls ? &*tls : nullptr);
}

void Server::Impl::on_connected(Link& link) { link.greet(*new Hello(*this, place_of(link))); }

void Server::Impl::greeted(Place& place) {
    place.timer.cancel();
    place.failures = 0;
    place.trying = false;
    place.up = true;
    if (std::exchange(place.ever_up, true)) {
        around.counters.reconnects.add();
    }
    around.counters.connections.add(1);
    place.link.opened();
    std::deque<Exchange*> ready;
    {
        const std::lock_guard lock(mutex);
        if (place.lane == Lane::data) {
            --attempts;
            up_links.fetch_add(1);
            ready.swap(waiting);
            cause.clear();
        } else {
            side_wanted = false;
            ready.swap(for_side);
        }
    }
    for (Exchange* exchange : ready) {
        if (!place.link.send(*exchange)) {
            exchange->on_end(LARDER_E_IO);
        }
    }
    if (place.lane == Lane::side) {
        return;
    }
    const bool first = !std::exchange(told_up, true);
    if (first) {
        events.on_up(self);
    }
    if (around.options.sentinel) {
        return;
    }
    load_scripts();
    if (first) {
        memory_asked = false;
        beat();
    }
}

void Server::Impl::went_down(Place& place) {
    place.timer.cancel();
    if (std::exchange(place.up, false)) {
        around.counters.connections.add(-1);
        if (place.lane == Lane::data) {
            up_links.fetch_sub(1);
        }
    }
    if (std::exchange(place.trying, false)) {
        ++place.failures;
        if (place.lane == Lane::data) {
            const std::lock_guard lock(mutex);
            --attempts;
        }
    }
}

void Server::Impl::next_attempt(Place& place) {
    const std::uint64_t pause = pause_ns(place.failures, around.options.seed);
    if (pause == 0) {
        connect(place);
    } else {
        place.timer.at(around.loop.now_ns() + pause, [this, &place] { connect(place); });
    }
}

void Server::Impl::on_broken(Link& link, const std::string& why) {
    Place& place = place_of(link);
    if (place.up) {
        lender.renew();  // they lead to the same server, and would break one by one
    }
    went_down(place);
    around.journal.trouble("connection", endpoint.text(), why);
    {
        const std::lock_guard lock(mutex);
        cause = why;
    }
    if (place.lane == Lane::data) {
        next_attempt(place);
    }
    settle(why);
}

// The shared links, the side link and the stream are always there.
bool Server::Impl::may_replace(const Link&) const {
    if (retired() + lender.count() + shared.size() + 2 < around.options.pool) {
        return true;
    }
    around.counters.exhausted.add();
    return false;
}

void Server::Impl::on_retired(Link& link) {
    Place& place = place_of(link);
    went_down(place);
    if (place.lane == Lane::data) {
        connect(place);
    }
}

// What waits for a connection that will not be is told now.
void Server::Impl::settle(const std::string& why) {
    std::deque<Exchange*> lost;
    bool down = false;
    {
        const std::lock_guard lock(mutex);
        down = attempts == 0 && up_links.load() == 0;
        if (down) {
            hopeless = true;
            lost.swap(waiting);
        }
        if (!side.trying && !side.up) {
            side_wanted = false;
            lost.insert(lost.end(), for_side.begin(), for_side.end());
            for_side.clear();
        }
    }
    for (Exchange* exchange : lost) {
        exchange->on_end(LARDER_E_IO);
    }
    if (down && std::exchange(told_up, false)) {
        heart.cancel();
        events.on_down(self, why);
    }
}

void Server::Impl::on_orphan(Exchange& exchange, bool unsent, const std::string& why) {
    if (!exchange.sent_again && (unsent || exchange.repeatable) &&
        exchange.deadline_ns > around.loop.now_ns()) {
        // All links may break at the same moment, and be noticed one by one.
        exchange.sent_again = ++exchange.resent >= shared.size();
        exchange.on_again();
        if (send(exchange) == LARDER_OK) {
            around.counters.again.add();
            return;
        }
    }
    around.journal.trouble(exchange.name(), endpoint.text(), why);
    exchange.on_end(LARDER_E_IO);
}

// ---- sending ------------------------------------------------------------------------------------

Link* Server::Impl::best() noexcept {
    Link* found = nullptr;
    for (const auto& place : shared) {
        Link& link = place->link;
        if (link.open() && (found == nullptr || link.under_way() < found->under_way())) {
            found = &link;
        }
    }
    return found;
}

std::uint64_t Server::Impl::in_flight() const noexcept {
    std::uint64_t n = side.link.under_way();
    for (const auto& place : shared) {
        n += place->link.under_way();
    }
    return n;
}

larder_status Server::Impl::send(Exchange& exchange) {
    if (exchange.lane == Lane::data) {
        if (in_flight() >= around.options.in_flight) {
            around.counters.exhausted.add();
            return LARDER_E_BUSY;
        }
        const std::uint64_t deadline_ns = exchange.deadline_ns;  // it may be gone when it is sent
        Link* const link = best();
        if (link != nullptr && link->send(exchange)) {
            arm(deadline_ns);
            return LARDER_OK;
        }
    }
    return wait_for_link(exchange);
}

larder_status Server::Impl::run_here(Exchange& exchange) {
    if (exchange.lane == Lane::data && up_links.load() != 0) {
        Lender::Visit visit(lender);
        const Lender::Outcome outcome = visit.serve(exchange);
        if (outcome.served == Lender::Served::broken) {
            // By the shared links, which may break just as it did and send it again in their turn.
            if (!exchange.sent_again && (outcome.unsent || exchange.repeatable) && exchange.deadline_ns > around.loop.now_ns()) {
                exchange.on_again();
                if (send(exchange) == LARDER_OK) {
                    around.counters.again.add();
                    return LARDER_OK;
                }
            }
            around.journal.trouble(exchange.name(), endpoint.text(), outcome.cause);
            exchange.on_end(LARDER_E_IO);
        }
        if (outcome.served != Lender::Served::not_taken) {
            return LARDER_OK;
        }
    }
    return send(exchange);
}

larder_status Server::Impl::wait_for_link(Exchange& exchange) {
    const std::uint64_t deadline_ns = exchange.deadline_ns;
    bool connect_side = false;
    {
        const std::lock_guard lock(mutex);
        if (!opened) {
            return LARDER_E_CLOSED;
        }
        auto& line = exchange.lane == Lane::data ? waiting : for_side;
        Link* const link = exchange.lane == Lane::data ? best() : &side.link;
        if (link != nullptr && link->send(exchange)) {
            // It opened meanwhile.
        } else if (line.size() >= around.options.in_flight) {
            around.counters.exhausted.add();
            return LARDER_E_BUSY;
        } else if (exchange.lane == Lane::data) {
            if (hopeless) {
                return LARDER_E_IO;
            }
            line.push_back(&exchange);
        } else {
            line.push_back(&exchange);
            connect_side = !std::exchange(side_wanted, true);
        }
    }
    if (connect_side) {
        around.loop.post([this] {
            if (!side.trying && !side.up) {
                connect(side);
            }
        });
    }
    arm(deadline_ns);
    return LARDER_OK;
}

// ---- deadlines ----------------------------------------------------------------------------------

void Server::Impl::arm(std::uint64_t deadline_ns) {
    std::uint64_t set = alarm_ns.load();
    while (deadline_ns < set) {
        if (alarm_ns.compare_exchange_weak(set, deadline_ns)) {
            around.loop.post([this] {
                const std::uint64_t when = alarm_ns.load();
                if (when != never) {
                    alarm.at(when, [this] { look(); });
                }
            });
            return;
        }
    }
}

void Server::Impl::look() {
    alarm_ns.store(never);  // whoever sends from here on sets it for himself
    const std::uint64_t now = around.loop.now_ns();
    std::uint64_t next = now + look_ns;
    for (const auto& place : shared) {
        next = std::min(next, place->link.expire(now));
    }
    next = std::min(next, side.link.expire(now));
    std::vector<Exchange*> late;
    {
        const std::lock_guard lock(mutex);
        for (auto* line : {&waiting, &for_side}) {
            std::erase_if(*line, [&](Exchange* exchange) {
                if (exchange->deadline_ns <= now) {
                    late.push_back(exchange);
                    return true;
                }
                next = std::min(next, exchange->deadline_ns);
                return false;
            });
        }
        if (!opened) {
            return;
        }
    }
    for (Exchange* exchange : late) {
        around.counters.timeouts.add();
        around.journal.trouble(exchange->name(), endpoint.text(), "no connection in time");
        exchange->on_end(LARDER_E_TIMEOUT);
    }
    std::uint64_t set = alarm_ns.load();
    while (next < set && !alarm_ns.compare_exchange_weak(set, next)) {
    }
    alarm.at(std::min(set, next), [this] { look(); });
}

// ---- the stream ---------------------------------------------------------------------------------

void Server::Impl::on_keys(const larder_bytes* keys, std::size_t n) {
    events.on_changed(self, keys, n);
}

void Server::Impl::on_all() { events.on_changed_all(self); }

void Server::Impl::on_proved(bool yes) {
    trusted.store(yes);
    if (yes) {
        around.journal.say(LARDER_LOG_INFO, endpoint.text(), "the invalidation stream is proved");
        events.on_changed_all(self);
    } else {
        around.counters.canary_age_ms.set(-1);
    }
    events.on_trust(self, yes);
}

void Server::Impl::on_listening() { write_canary(); }

// ---- the server ---------------------------------------------------------------------------------

Server::Server(const Surroundings& around, Endpoint endpoint, ServerEvents& events)
    : impl_(std::make_unique<Impl>(*this, around, std::move(endpoint), events)) {}
Server::~Server() = default;

void Server::open(bool stream) {
    Impl& me = *impl_;
    {
        const std::lock_guard lock(me.mutex);
        me.opened = true;
        me.hopeless = false;
        ++me.attempts;  // there will be one: who comes before it waits for it
    }
    me.lender.open();
    me.around.loop.post([&me, stream] {
        for (const auto& place : me.shared) {
            place->failures = 0;
            me.connect(*place);
        }
        {
            const std::lock_guard lock(me.mutex);
            --me.attempts;
        }
        if (stream) {
            me.stream->open();
        }
        me.look();
    });
}

void Server::set_canary_tag(std::string_view tag) {
    std::string key = canary_key(impl_->around.options);
    if (!tag.empty()) {
        key.append(":{").append(tag).append("}");
    }
    if (key != impl_->stream->canary()) {
        impl_->stream->set_canary(std::move(key));
    }
}

void Server::close(larder_status status) noexcept {
    Impl& me = *impl_;
    std::deque<Exchange*> ended;
    {
        const std::lock_guard lock(me.mutex);
        me.opened = false;
        me.attempts = 0;
        me.side_wanted = false;
        ended.swap(me.waiting);
        ended.insert(ended.end(), me.for_side.begin(), me.for_side.end());
        me.for_side.clear();
    }
    me.alarm.cancel();
    me.heart.cancel();
    me.stream->close();
    me.trusted.store(false);
    me.told_up = false;
    for (const auto& place : me.shared) {
        me.went_down(*place);
        place->link.close(status);
    }
    me.went_down(me.side);
    me.side.link.close(status);
    me.lender.close();
    {
        const std::lock_guard lock(me.mutex);
        me.attempts = 0;
    }
    for (Exchange* exchange : ended) {
        exchange->on_end(status);
    }
    me.beating = false;
    me.alarm_ns.store(never);
}

larder_status Server::send(Exchange& exchange) { return impl_->send(exchange); }
larder_status Server::run_here(Exchange& exchange) { return impl_->run_here(exchange); }

void Server::cancel(const void* tag) {
    impl_->around.loop.post([me = impl_.get(), tag] {
        for (const auto& place : me->shared) {
            if (place->link.cancel(tag)) {
                return;
            }
        }
        if (me->side.link.cancel(tag)) {
            return;
        }
        Exchange* found = nullptr;
        {
            const std::lock_guard lock(me->mutex);
            for (auto* line : {&me->waiting, &me->for_side}) {
                const auto at = std::find_if(line->begin(), line->end(),
                                             [&](const Exchange* x) { return x->tag == tag; });
                if (at != line->end()) {
                    found = *at;
                    line->erase(at);
                    break;
                }
            }
        }
        if (found != nullptr) {
            found->on_end(LARDER_E_CANCELLED);
        }
    });
}

const Endpoint& Server::endpoint() const noexcept { return impl_->endpoint; }
bool Server::up() const noexcept { return impl_->up_links.load() != 0; }
bool Server::trusted() const noexcept { return impl_->trusted.load(); }
std::uint64_t Server::now_ms() const noexcept {
    return impl_->clock.now_ms(impl_->around.loop.now_ns());
}
std::string Server::cause() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->cause;
}
std::string Server::version() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->version;
}
std::string Server::role() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->role;
}

}  // namespace larder::store_redis
