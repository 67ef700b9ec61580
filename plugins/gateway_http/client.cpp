// plugins/gateway_http/client.cpp -- see client.hpp.
#include "client.hpp"

#include "exchange.hpp"
#include "source_value.hpp"

#include <sys/epoll.h>

#include <algorithm>

namespace larder::http {
namespace {

constexpr std::size_t one_read = 16u << 10;
constexpr std::size_t enough_pending = 256u << 10;  // then the client has to read first
constexpr std::size_t copied = 16u << 10;           // larger bodies are written from where the cache has them
constexpr std::uint64_t linger_ns = 1'000'000'000;
constexpr std::size_t largest_graphql = 256u << 10;  // a larger request is passed through

}  // namespace

Client::Client(Gateway& gateway, Home& home, net::Stream stream, std::string peer, bool secure)
    : channel(std::move(stream)), gateway_(gateway), home_(home), peer_(std::move(peer)), secure_(secure), heard_ns_(gateway.now_ns()) {}

void Client::start() {
    if (!home_.loop().watch(channel.descriptor(), *this)) close();
}

void Client::on_ready(std::uint32_t events) {
    if (state_ == State::closed) return;
    const auto keep = shared_from_this();
    if (events == 0) queued_ = false;
    channel.note(events);
    try {
        if (exchange_ != nullptr) {
            if (channel.hung_up() && state_ == State::exchanging) {
                const auto exchange = exchange_;
                exchange->client_gone();
                return close();
            }
            flush();
            if (exchange_ != nullptr) exchange_->on_client();
            return;
        }
        if (channel.pending() != 0) flush();
        read_on();
    } catch (const std::bad_alloc&) {
        close();
    }
}

void Client::read_on() {
    if (state_ == State::lingering) {
        while (channel.readable()) {
            channel.receive(one_read);
            channel.in.consume(channel.in.size());
        }
        if (channel.ended() || channel.failed()) close();
        return;
    }
    turn();
    for (int turns = 0; state_ == State::reading && !closing_ && channel.readable() && channel.pending() < enough_pending; ++turns) {
        if (turns == 8) {  // then it is somebody else's turn
            if (!queued_) home_.loop().again(shared_from_this());
            queued_ = true;
            return;
        }
        if (!channel.receive(one_read)) break;
        if (channel.failed()) return close();
        heard_ns_ = gateway_.now_ns();
        turn();
    }
    if (state_ == State::reading && channel.ended()) {
        closing_ = true;
        end_if_over();
    }
}

// ---- requests -----------------------------------------------------------------------------------

void Client::turn() {
    if (turning_ || state_ != State::reading) return;
    const auto room = [this] { return state_ == State::reading && !closing_ && channel.free_to_say() && channel.pending() < enough_pending; };
    for (bool more = true; more;) {
        turning_ = true;
        while (room() && (more = next_request())) {
        }
        turning_ = false;
        if (state_ == State::reading) flush();
        more = more && room();  // what filled the output has gone: no event will tell
    }
}

bool Client::next_request() {
    if (channel.in.empty()) {
        head_since_ns_ = 0;
        return false;
    }
    const Parsed parsed = parse_request(channel.in.view(), gateway_.options.head, searched_, request_, framing_);
    if (parsed.state == Parsed::State::more) {
        if (head_since_ns_ == 0) head_since_ns_ = heard_ns_;
        return false;
    }
    searched_ = 0;
    if (parsed.state == Parsed::State::refused) {
        head_since_ns_ = 0;
        home_.counters().requests.add();
        refuse(parsed.status, parsed.why);
        return false;
    }
    if (!gateway_.options.graphql.empty() && !read_graphql(parsed.used)) {
        if (head_since_ns_ == 0) head_since_ns_ = heard_ns_;
        return false;
    }
    head_since_ns_ = 0;
    home_.counters().requests.add();
    channel.in.consume(parsed.used);
    keep_alive_ = request_.minor >= 1;
    if (request_.has(Name::connection)) {
        if (request_.lists(Name::connection, "close")) keep_alive_ = false;
        else if (request_.minor == 0) keep_alive_ = false;  // as if it had not asked: an answer may have no length
    }
    if (draining_) keep_alive_ = false;
    if (!read_target(request_, target_) || request_.method() == "CONNECT") {
        refuse(request_.method() == "CONNECT" ? 405 : 400, "the target is none that this gateway can be asked for");
        return false;
    }
    if (gateway_.options.max_body != 0 && framing_.kind == Framing::Kind::length && framing_.length > gateway_.options.max_body) {
        refuse(413, "the body is larger than this gateway takes");
        return false;
    }
    handle();
    return state_ == State::reading;
}

void Client::refuse(std::uint16_t status, const char* why) {
    home_.counters().refused.add();
    gateway_.host.log(LARDER_LOG_INFO, {"refuses a request of ", peer_.empty() ? "a local client" : peer_, ": ", why});
    append_own(channel.out, gateway_, status, why, false, false);
    closing_ = true;
}

void Client::handle() {
    const std::string_view method = request_.method();
    if (method == "PURGE") return purge();
    lookup_.number = home_.next_number();
    const bool query = graphql_.kind == GraphqlRequest::Kind::query;
    if (graphql_.kind == GraphqlRequest::Kind::none) ask_policy(gateway_, request_, target_, {}, {}, false, lookup_);
    else ask_policy(gateway_, request_, target_, "GraphQL-Key", graphql_.key, query, lookup_);
    if (secure_) lookup_.identity.insert(0, "https://");  // what an application says may depend on it
    if (query) lookup_.identity += graphql_.text;  // two queries are never one for their hash's sake
    if (graphql_.kind == GraphqlRequest::Kind::mutation) lookup_.served = false;
    if (lookup_.from_source() && graphql_.kind != GraphqlRequest::Kind::none) lookup_.served = false;  // a query is no key of a source
    const bool plain = (framing_.kind == Framing::Kind::none || query) && !request_.has(Name::upgrade);
    if (!lookup_.served || !plain) {
        lookup_.served = false;
        return exchange();
    }
    look();
}

bool Client::read_graphql(std::size_t head_size) {
    graphql_ = {};
    const std::string_view target = request_.target();
    const std::string_view path = target.substr(0, target.find('?'));
    const auto& paths = gateway_.options.graphql;
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) return true;
    if (request_.method() == "GET") {
        graphql_ = graphql_of_query(target.substr(std::min(path.size() + 1, target.size())));
    } else if (request_.method() == "POST" && framing_.kind == Framing::Kind::length && framing_.length <= largest_graphql && !request_.has(Name::expect)) {
        const std::size_t size = framing_.length;
        if (channel.in.size() < head_size + size) return false;
        graphql_ = graphql_of_body(channel.in.view().substr(head_size, size));
        graphql_.body_size = size;
    }
    return true;
}

void Client::look() {
    state_ = State::looking;
    const larder_status status = read_entry(gateway_, lookup_, false, &Client::on_found, this);
    if (status == LARDER_PENDING) {
        self_ = shared_from_this();
        return;
    }
    found();
}

void Client::on_found(void* ctx, larder_status, larder_value*) noexcept {
    auto* const me = static_cast<Client*>(ctx);
    me->home_.loop().post([me] {
        const auto self = std::move(me->self_);
        if (me->state_ == State::closed) return me->lookup_.release();
        me->found();
        if (me->state_ == State::reading) me->read_on();
        else me->flush();
    });
}

void Client::found() {
    state_ = State::reading;
    if (lookup_.from_source()) return answer_value();
    judge_entry(gateway_, request_, lookup_);
    const bool behind = lookup_.use == Use::revalidating;
    if (lookup_.found && lookup_.use != Use::ask && !(behind && framing_.kind != Framing::Kind::none)) {
        channel.in.consume(graphql_.body_size);
        CacheStatus status;
        status.hit = true;
        status.has_ttl = lookup_.ttl_s < 2'147'483'648;
        status.ttl_s = lookup_.ttl_s;
        status.where = lookup_.where;
        if (lookup_.use == Use::revalidating || lookup_.ttl_s < 0) home_.counters().stale.add();
        else home_.counters().hits.add();
        if (lookup_.use == Use::revalidating) revalidate_behind();
        return answer_stored(status);
    }
    if (lookup_.control.only_if_cached) {
        channel.in.consume(graphql_.body_size);
        append_own(channel.out, gateway_, 504, "the cache has no answer to this request", keep_alive_, request_.method() == "HEAD");
        closing_ = closing_ || !keep_alive_;
        return lookup_.release();
    }
    exchange();
}

void Client::answer_stored(const CacheStatus& status) {
    const Serving serving = append_stored(channel.out, gateway_, request_, lookup_.stored, status, keep_alive_, gateway_.now_s());
    closing_ = closing_ || !keep_alive_;
    if (serving.body.size() <= copied) {
        channel.out.append(serving.body);
        return lookup_.release();
    }
    channel.say(serving.body, lookup_.item.value);
    lookup_.item.value = {};
    lookup_.release();
}

// Loaded already, where it was missing: the cache asked the namespace's source.
void Client::answer_value() {
    const larder_cache_get& item = lookup_.item;
    if (item.status != LARDER_OK || (item.found & LARDER_FOUND_ABSENT) != 0) {
        const NoValue none = no_value(item.status);
        home_.counters().misses.add();
        append_own(channel.out, gateway_, none.status, none.why, keep_alive_, request_.method() == "HEAD");
        closing_ = closing_ || !keep_alive_;
        return lookup_.release();
    }
    CacheStatus status;
    status.where = lookup_.where;
    const bool stale = (item.found & LARDER_FOUND_STALE) != 0;
    status.hit = item.version != 0;  // what was loaded for this request has none yet
    if (status.hit) {
        status.has_ttl = stale || item.ttl_ms >= 0;
        status.ttl_s = item.ttl_ms / 1000;
        (stale ? home_.counters().stale : home_.counters().hits).add();
    } else {
        status.forward = Forward::uri_miss;
        home_.counters().misses.add();
    }
    lookup_.stored = answer_of_value(gateway_, lookup_, value_head_);
    answer_stored(status);
}

void Client::exchange() {
    state_ = State::exchanging;
    exchange_ = std::make_shared<Exchange>(gateway_, home_, this);
    home_.began(exchange_);
    const auto keep = exchange_;  // it may be over before it returns
    keep->start(std::move(request_), framing_, lookup_, keep_alive_, graphql_);
}

void Client::revalidate_behind() {
    if (!gateway_.flights.leads_alone(lookup_.identity, gateway_.now_ns())) return;
    auto behind = std::make_shared<Exchange>(gateway_, home_, nullptr);
    home_.began(behind);
    behind->start_behind(request_, lookup_);
}

void Client::exchange_over(bool keep) {
    exchange_.reset();
    if (state_ != State::exchanging) return;
    state_ = State::reading;
    closing_ = closing_ || !keep || draining_;
    heard_ns_ = gateway_.now_ns();
    if (turning_) return;
    read_on();
    if (state_ == State::reading) flush();
}

void Client::broken() {
    exchange_.reset();
    home_.counters().aborted.add();
    close();
}

// ---- the end ------------------------------------------------------------------------------------

void Client::flush() {
    if (state_ == State::closed) return;
    const std::size_t before = channel.pending();
    const bool well = channel.flush();
    if (channel.pending() != before) heard_ns_ = gateway_.now_ns();
    if (!well) {
        if (const auto exchange = exchange_) exchange->client_gone();
        return close();
    }
    end_if_over();
}

void Client::end_if_over() {
    if (closing_ && state_ == State::reading && channel.pending() == 0) linger();
}

// Closing with unread bytes in the socket would tell the client "reset", and throw away what it was sent.
void Client::linger() {
    if (channel.ended() || channel.failed()) return close();
    channel.finish();
    state_ = State::lingering;
    linger_until_ns_ = gateway_.now_ns() + linger_ns;
    if (channel.readable()) read_on();
}

void Client::drain() {
    draining_ = true;
    if (state_ == State::reading && channel.in.empty()) {
        closing_ = true;
        end_if_over();
    }
}

void Client::close() {
    if (state_ == State::closed) return;
    const auto keep = shared_from_this();
    if (const auto exchange = std::move(exchange_)) exchange->client_gone();
    state_ = State::closed;
    channel.close();
    if (self_ == nullptr) lookup_.release();
    home_.closed(*this);
}

void Client::tick(std::uint64_t now_ns) {
    Counters& counters = home_.counters();
    counters.bytes_in.add(channel.bytes_in - told_in_);
    counters.bytes_out.add(channel.bytes_out - told_out_);
    told_in_ = channel.bytes_in;
    told_out_ = channel.bytes_out;
    const Options& options = gateway_.options;
    const auto over = [&](std::uint64_t since, std::uint64_t limit) { return since != 0 && now_ns > since && now_ns - since > limit; };
    if (state_ == State::lingering) return now_ns > linger_until_ns_ ? close() : void();
    if (channel.pending() != 0 && over(heard_ns_, options.timeout_ns)) {
        counters.timeouts.add();
        gateway_.host.log(LARDER_LOG_INFO, {"closes the connection of ", peer_, ": it does not read its answer"});
        return close();
    }
    if (state_ != State::reading) return;
    if (over(head_since_ns_, options.timeout_ns)) {
        counters.timeouts.add();
        head_since_ns_ = 0;
        refuse(408, "the request did not come in time");
        return flush();
    }
    if (channel.in.empty() && channel.pending() == 0 && over(heard_ns_, std::min(options.idle_timeout_ns, std::uint64_t{1'000'000'000}))) {
        channel.in.release();
        channel.out.release();
        if (request_.text.capacity() != 0) {
            request_ = Head();
            lookup_.key = std::string();
            lookup_.where = std::string();
            lookup_.identity = std::string();
        }
        if (over(heard_ns_, options.idle_timeout_ns)) close();
    }
}

}  // namespace larder::http
