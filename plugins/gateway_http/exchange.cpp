// plugins/gateway_http/exchange.cpp -- how a request gets to the application. See exchange.hpp.
#include "exchange.hpp"

#include <algorithm>

namespace larder::http {
namespace {

constexpr std::size_t one_read = 32u << 10, enough_pending = 256u << 10;
constexpr std::size_t largest_captured = 1u << 20;  // more gives a rule no value, see request_values.hpp

bool safe_method(std::string_view method) noexcept {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

}  // namespace

void Exchange::start(Head&& request, const Framing& framing, Lookup& lookup, bool keep_alive, const GraphqlRequest& graphql) {
    request_ = std::move(request);
    request.clear();
    static_cast<void>(read_target(request_, target_));  // it was read before
    framing_ = framing;
    lookup_.swap(lookup);
    keep_alive_ = keep_alive;
    graphql_ = graphql;
    to_head_ = request_.method() == "HEAD";
    // Nothing but WebSocket: an h2c tunnel would carry requests past every rule.
    wants_upgrade_ = request_.minor >= 1 && same_word(request_.first(Name::upgrade), "websocket") && request_.lists(Name::connection, "upgrade");
    continue_due_ = request_.minor >= 1 && same_word(request_.first(Name::expect), "100-continue") && framing.kind != Framing::Kind::none;
    capturing_ = !safe_method(request_.method()) && framing.kind != Framing::Kind::none;
    request_body_.begin(framing_);
    moved_ns_ = gateway_.now_ns();
    if (lookup_.served) home_.counters().misses.add();
    else home_.counters().passes.add();
    board();
}

void Exchange::start_behind(const Head& request, Lookup& lookup) {
    request_ = request;
    static_cast<void>(read_target(request_, target_));  // it was read before
    lookup_.served = true;
    lookup_.ns = lookup.ns;
    lookup_.flags = lookup.flags;
    lookup_.key = lookup.key;
    lookup_.where = lookup.where;
    lookup_.ttl_ms = lookup.ttl_ms;
    lookup_.refuse_above = lookup.refuse_above;
    lookup_.identity = lookup.identity;
    lookup_.number = home_.next_number();
    keep_alive_ = false;
    leads_ = true;
    moved_ns_ = gateway_.now_ns();
    look();  // its value has to stay while its validators are asked about
}

// ---- who goes ------------------------------------------------------------------------------------

void Exchange::board() {
    if (!lookup_.served || to_head_) return connect();
    if (!gateway_.options.collapse || lookup_.control.no_cache || lookup_.control.no_store || request_.has(Name::range) || lookup_.forward == Forward::request)
        return look();
    const auto landed_here = [weak = weak_from_this(), &loop = home_.loop()](bool kept) {
        loop.post([weak, kept] {
            if (const auto self = weak.lock()) self->landed(kept);
        });
    };
    switch (gateway_.flights.board(lookup_.identity, gateway_.now_ns(), landed_here)) {
        case Flights::Seat::leads: leads_ = true; return look();
        case Flights::Seat::alone: return look();
        case Flights::Seat::waits: step_ = Step::waiting; return;
    }
}

void Exchange::landed(bool kept) {
    if (step_ != Step::waiting) return;
    collapsed_ = kept;
    look();
}

// The entry once more, by whoever is about to load it: another one may have brought it since it was missed, and
// from this moment on the cache judges whether what will be brought may be kept.
void Exchange::look() {
    step_ = Step::looking;
    lookup_.release();
    const larder_status status = read_entry(gateway_, lookup_, true, &Exchange::on_found, this);
    if (status == LARDER_PENDING) {
        self_ = shared_from_this();
        return;
    }
    found();
}

void Exchange::on_found(void* ctx, larder_status, larder_value*) noexcept {
    auto* const me = static_cast<Exchange*>(ctx);
    me->home_.loop().post([me] {
        const auto self = std::move(me->self_);
        if (me->step_ == Step::over) return me->lookup_.release();
        me->found();
    });
}

void Exchange::found() {
    judge_entry(gateway_, request_, lookup_);
    const bool fresh = lookup_.found && lookup_.use == Use::fresh;
    if (fresh && client_ == nullptr) return finish(false, true);  // another one has brought it
    if (!fresh) {
        collapsed_ = false;
        return connect();
    }
    CacheStatus status;
    status.where = lookup_.where;
    if (collapsed_) {
        home_.counters().collapsed.add();
        status.forward = Forward::uri_miss;
        status.collapsed = true;
    } else {
        status.hit = true;
        status.has_ttl = lookup_.ttl_s < 2'147'483'648;
        status.ttl_s = lookup_.ttl_s;
    }
    serve_stored(status, true);
}

// ---- there ---------------------------------------------------------------------------------------

void Exchange::connect() {
    const auto keep = shared_from_this();
    step_ = Step::connecting;
    const std::uint64_t now = gateway_.now_ns();
    moved_ns_ = now;
    bool known = false;
    origin_ = gateway_.origins->choose(target_.path, now, known);
    if (origin_ == nullptr) return known ? fail(503, "the application is down; it is tried again in a while") : fail(502, "no application is configured for this path");
    const char* why = "";
    bool crowded = false;
    upstream_ = home_.pool().take(*origin_, *this,
                                  tries_ > 0 ? UpstreamPool::Want::fresh : replayable() ? UpstreamPool::Want::any : UpstreamPool::Want::steady, why, crowded);
    if (upstream_ == nullptr) {
        if (crowded) return fail(503, why);
        origin_->went_wrong(now);
        return fail(502, why);
    }
    if (!upstream_->connecting) ask();
}

void Exchange::on_connected(bool well) {
    const auto keep = shared_from_this();
    moved_ns_ = gateway_.now_ns();
    if (well) return ask();
    home_.counters().upstream_errors.add();
    if (origin_->went_wrong(moved_ns_)) gateway_.host.log(LARDER_LOG_WARN, {"leaves ", origin_->url(), " alone for a while: it cannot be connected to"});
    // Its name may mean another address by now.
    gateway_.host.post(true, [&origin = *origin_] { static_cast<void>(origin.look_up()); });
    release_upstream(false);
    fail(502, "the application cannot be connected to");
}

void Exchange::ask() {
    step_ = Step::asking;
    requested_s_ = gateway_.now_s();
    searched_ = 0;
    Asking asking;
    revalidating_ = lookup_.found && (lookup_.use == Use::ask || client_ == nullptr) && framing_.kind == Framing::Kind::none;
    if (revalidating_) {
        asking.unconditional = true;
        asking.etag = lookup_.stored.etag;
        if (lookup_.stored.last_modified) {
            const std::size_t at = lookup_.stored.head.find("\r\n");
            for (std::string_view rest = lookup_.stored.head.substr(at + 2); !rest.empty();) {
                const std::string_view one = rest.substr(0, rest.find("\r\n"));
                rest.remove_prefix(std::min(one.size() + 2, rest.size()));
                const std::size_t colon = one.find(':');
                if (name_of(one.substr(0, colon)) == Name::last_modified) asking.last_modified = trimmed(one.substr(colon + 1));
            }
        }
        revalidating_ = !asking.etag.empty() || !asking.last_modified.empty();
    }
    append_request(upstream_->channel.out, gateway_, request_, target_, framing_, asking, client_ != nullptr ? std::string_view(client_->peer()) : std::string_view(),
                   client_ != nullptr && client_->secure(), wants_upgrade_);
    said_request_ = true;
    if (continue_due_ && client_ != nullptr) {
        continue_due_ = false;
        client_->channel.out.append("HTTP/1.1 100 Continue\r\n\r\n");
        client_->flush();
        if (step_ != Step::asking) return;
    }
    if (pump_request()) on_upstream();
}

// Client's body to the application. False: the exchange is over.
bool Exchange::pump_request() {
    if (upstream_ == nullptr) return true;
    Channel& to = upstream_->channel;
    while (client_ != nullptr && !request_body_.over()) {
        if (to.pending() >= enough_pending && (!to.flush() || to.pending() >= enough_pending)) break;
        Channel& from = client_->channel;
        std::size_t used = 0;
        std::string_view piece;
        const BodyReader::State state = request_body_.next(from.in.view(), used, piece);
        if (state == BodyReader::State::piece) {
            body_seen_ += piece.size();
            if (gateway_.options.max_body != 0 && body_seen_ > gateway_.options.max_body) {
                fail(413, "the body is larger than this gateway takes");
                return false;
            }
            if (framing_.kind == Framing::Kind::chunked) {
                char size[20];
                const int n = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
                to.out.append({size, static_cast<std::size_t>(n)});
                to.out.append(piece);
                to.out.append("\r\n");
            } else {
                to.out.append(piece);
            }
            if (capturing_ && captured_.size() + piece.size() <= largest_captured) captured_ += piece;
            else capturing_ = false;
            from.in.consume(used);
            moved_ns_ = gateway_.now_ns();
            continue;
        }
        from.in.consume(used);
        if (state == BodyReader::State::broken) {
            home_.counters().refused.add();
            fail(400, request_body_.why());
            return false;
        }
        if (state == BodyReader::State::done) break;
        if (!from.receive(one_read)) break;
        if (from.ended() || from.failed()) {
            keep_alive_ = false;
            const auto keep = shared_from_this();
            Client* const client = client_;
            client_gone();
            client->close();
            return false;
        }
    }
    if (request_body_.over() && framing_.kind == Framing::Kind::chunked && said_request_) {
        to.out.append("0\r\n\r\n");
        said_request_ = false;  // once
    }
    if (!to.flush()) return true;  // the answer may still be there; reading will tell
    return true;
}

void Exchange::on_client() {
    const auto keep = shared_from_this();
    if (step_ == Step::tunnel) return pump_tunnel();
    if ((step_ == Step::asking || step_ == Step::answering) && !request_body_.over() && !pump_request()) return;
    if (step_ == Step::answering) pump_answer();
}

void Exchange::on_upstream() {
    const auto keep = shared_from_this();
    moved_ns_ = gateway_.now_ns();
    switch (step_) {
        case Step::asking:
            if (pump_request() && step_ == Step::asking) read_head();
            return;
        case Step::answering:
            if (!request_body_.over() && !pump_request()) return;
            if (step_ == Step::answering) pump_answer();
            return;
        case Step::tunnel: return pump_tunnel();
        default: return;
    }
}

// ---- when it does not go well ---------------------------------------------------------------------

// Whether sending it a second time does no harm, and can be done.
bool Exchange::replayable() const noexcept {
    return framing_.kind == Framing::Kind::none && (safe_method(request_.method()) || request_.method() == "PUT" || request_.method() == "DELETE");
}

void Exchange::retry_or_fail(std::uint16_t status, const char* why) {
    // One that had rested may have been closed while the request was on its way.
    const bool rested = upstream_ != nullptr && upstream_->used_before;
    release_upstream(false);
    if (rested && replayable() && tries_ == 0) {
        ++tries_;
        home_.counters().retries.add();
        return connect();
    }
    home_.counters().upstream_errors.add();
    if (origin_ != nullptr && origin_->went_wrong(gateway_.now_ns()))
        gateway_.host.log(LARDER_LOG_WARN, {"leaves ", origin_->url(), " alone for a while: ", why});
    fail(status, why);
}

void Exchange::fail(std::uint16_t status, const char* why) {
    release_upstream(false);
    if (client_ == nullptr) return finish(false);
    if (status >= 500 && lookup_.found && may_serve_on_error(lookup_.stored.kept, lookup_.control, lookup_.ttl_s)) {
        home_.counters().stale.add();
        CacheStatus said;
        said.hit = true;
        said.has_ttl = true;
        said.ttl_s = lookup_.ttl_s;
        said.where = lookup_.where;
        said.detail = "stale-if-error";
        serve_stored(said);
        return;
    }
    gateway_.host.log(LARDER_LOG_WARN, {request_.method(), " ", target_.path.substr(0, 200), " answered ", std::to_string(status), ": ", why});
    const bool keep = keep_alive_ && request_body_.over() && status >= 500;
    append_own(client_->channel.out, gateway_, status, why, keep, to_head_);
    finish(keep);
}

void Exchange::serve_stored(const CacheStatus& status, bool kept) {
    Channel& to = client_->channel;
    if (framing_.kind != Framing::Kind::none && !request_body_.over()) {  // a query's, which is here in whole
        to.in.consume(std::min(graphql_.body_size, to.in.size()));
        request_body_.begin({});
    }
    const bool keep = keep_alive_ && !client_->draining();
    const Serving serving = append_stored(to.out, gateway_, request_, lookup_.stored, status, keep, gateway_.now_s());
    if (serving.body.size() <= one_read || !to.free_to_say()) {
        to.out.append(serving.body);
    } else {
        to.say(serving.body, lookup_.item.value);
        lookup_.item.value = {};
    }
    finish(keep, kept);
}

void Exchange::release_upstream(bool reusable) {
    if (upstream_ == nullptr) return;
    const auto upstream = std::move(upstream_);
    home_.pool().give_back(upstream, reusable);
}

// kept: others who waited may look. uncacheable: others need not wait again.
void Exchange::finish(bool keep, bool kept, bool uncacheable) {
    if (step_ == Step::over) return;
    const auto self = shared_from_this();
    step_ = Step::over;
    release_upstream(false);
    lookup_.release();
    if (leads_) gateway_.flights.land(lookup_.identity, kept, uncacheable, gateway_.now_ns());
    leads_ = false;
    home_.ended(*this);
    if (Client* const client = std::exchange(client_, nullptr)) client->exchange_over(keep && request_body_.over());
}

void Exchange::client_gone() {
    client_ = nullptr;
    keep_alive_ = false;
    if (step_ == Step::over) return;
    const auto self = shared_from_this();
    // What will be kept is brought home all the same, if the application has all it needs for it.
    if ((keeping_ || (leads_ && step_ != Step::waiting && !head_said_)) && request_body_.over()) return;
    if (step_ == Step::firing) return;  // the rules of a write fire in any case
    if (step_ == Step::asking && !safe_method(request_.method()) && request_body_.over()) return;
    finish(false);
}

void Exchange::end(const char* why) {
    if (step_ == Step::over) return;
    const auto keep = shared_from_this();
    if (client_ != nullptr && head_said_) return cut_short(why);
    fail(503, why);
}

void Exchange::tick(std::uint64_t now_ns) {
    const Options& options = gateway_.options;
    const auto over = [&](std::uint64_t limit) { return now_ns > moved_ns_ && now_ns - moved_ns_ > limit; };
    const auto keep = shared_from_this();
    switch (step_) {
        case Step::waiting:
            if (over(options.collapse_wait_ns)) look();
            return;
        case Step::connecting:
            if (upstream_ == nullptr || !over(options.connect_timeout_ns)) return;
            home_.counters().timeouts.add();
            home_.counters().upstream_errors.add();
            if (origin_->went_wrong(now_ns)) gateway_.host.log(LARDER_LOG_WARN, {"leaves ", origin_->url(), " alone for a while: it does not accept connections"});
            return fail(504, "the application did not accept the connection in time");
        case Step::asking: {
            if (!request_body_.over() && over(options.timeout_ns)) {
                home_.counters().timeouts.add();
                return fail(408, "the request's body did not come in time");
            }
            if (!over(options.upstream_timeout_ns)) return;
            home_.counters().timeouts.add();
            home_.counters().upstream_errors.add();
            if (origin_->went_wrong(now_ns)) gateway_.host.log(LARDER_LOG_WARN, {"leaves ", origin_->url(), " alone for a while: it does not answer in time"});
            return fail(504, "the application did not answer in time");
        }
        case Step::answering:
            if (client_ != nullptr && client_->channel.pending() != 0) return;  // the client is who is slow
            if (over(options.upstream_timeout_ns)) {
                home_.counters().timeouts.add();
                cut_short("the application stopped in the middle of its answer");
            }
            return;
        default: return;
    }
}

}  // namespace larder::http
