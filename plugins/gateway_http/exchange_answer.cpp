// plugins/gateway_http/exchange_answer.cpp -- how an answer gets to the client. See exchange.hpp.
#include "exchange.hpp"

#include "tags.hpp"

#include <algorithm>
#include <cstdio>

namespace larder::http {
namespace {

constexpr std::size_t one_read = 32u << 10, enough_pending = 256u << 10, one_turn = 1u << 20;

}  // namespace

void Exchange::read_head() {
    Channel& from = upstream_->channel;
    for (;;) {
        if (!from.in.empty()) {
            const Parsed parsed = parse_answer(from.in.view(), gateway_.options.head, searched_, to_head_, answer_, answer_framing_);
            if (parsed.state == Parsed::State::refused) return retry_or_fail(502, parsed.why);
            if (parsed.state == Parsed::State::done) {
                from.in.consume(parsed.used);
                searched_ = 0;
                take_head();
                if (step_ == Step::asking && upstream_ != nullptr) continue;  // it was a 1xx
                return;
            }
        }
        if (!from.receive(one_read)) return;
        if (from.failed() || (from.ended() && from.in.empty())) return retry_or_fail(502, "the application closed the connection without an answer");
        if (from.ended()) return retry_or_fail(502, "the application closed the connection in the middle of its head");
    }
}

void Exchange::take_head() {
    if (answer_.status < 200) {
        if (answer_.status == 101) {
            if (wants_upgrade_ && client_ != nullptr) return begin_tunnel();
            return retry_or_fail(502, "the application changes protocols without having been asked");
        }
        return informational();
    }
    origin_->went_well();
    answer_head();
}

void Exchange::informational() {
    // 100 was said here, when the application had been reached.
    if (answer_.status == 100 || client_ == nullptr || request_.minor == 0) return;
    append_answer(client_->channel.out, gateway_, answer_, {}, {}, Towards::none, 0, true, false);
    client_->flush();
}

// ---- tunnels: WebSocket and whatever else is upgraded to -------------------------------------------

void Exchange::begin_tunnel() {
    home_.counters().tunnels.add();
    origin_->went_well();
    append_answer(client_->channel.out, gateway_, answer_, {}, {}, Towards::none, 0, true, true);
    step_ = Step::tunnel;
    head_said_ = true;
    pump_tunnel();
}

void Exchange::pump_tunnel() {
    const auto keep = shared_from_this();
    const auto pump = [](Channel& from, Channel& to) {
        for (;;) {
            if (!from.in.empty()) {
                to.out.append(from.in.view());
                from.in.consume(from.in.size());
            }
            if (!to.flush()) return false;
            if (to.pending() >= enough_pending || !from.receive(one_read)) return true;
            if (from.ended() || from.failed()) return false;
        }
    };
    if (client_ == nullptr || upstream_ == nullptr) return;
    if (pump(client_->channel, upstream_->channel) && pump(upstream_->channel, client_->channel)) return;
    static_cast<void>(client_->channel.flush());
    Client* const client = client_;
    finish(false);
    client->flush();
}

// ---- the head ----------------------------------------------------------------------------------------

void Exchange::answer_head() {
    received_s_ = gateway_.now_s();
    facts_ = facts_of(answer_, received_s_, gateway_.options.name);
    if (revalidating_ && answer_.status == 304) return refreshed();
    const bool failed = answer_.status == 500 || answer_.status == 502 || answer_.status == 503 || answer_.status == 504;
    if (failed && lookup_.found && lookup_.ttl_s <= 0 && may_serve_on_error(lookup_.stored.kept, lookup_.control, lookup_.ttl_s))
        return fail(answer_.status, "the application answered with an error");
    decide_keeping(named_tags(answer_));
    fire();
}

void Exchange::say_head() {
    step_ = Step::answering;
    answer_body_.begin(answer_framing_);
    if (client_ == nullptr || holding_) return pump_answer();
    keep_alive_ = keep_alive_ && !client_->draining();
    switch (answer_framing_.kind) {
        case Framing::Kind::none:
            towards_ = to_head_ || answer_.status == 304 || answer_.status == 204 ? Towards::none : Towards::length;
            break;
        case Framing::Kind::length: towards_ = Towards::length; break;
        default: towards_ = request_.minor >= 1 ? Towards::chunked : Towards::close; break;
    }
    if (towards_ == Towards::close) keep_alive_ = false;
    if (!request_body_.over()) keep_alive_ = false;  // it answered before it had heard all
    CacheStatus status;
    status.forward = lookup_.forward == Forward::none ? Forward::miss : lookup_.forward;
    status.forward_status = lookup_.served ? answer_.status : std::uint16_t{0};
    status.stored = keeping_;
    status.where = lookup_.where;
    if (lookup_.served && not_kept_why_ != nullptr) status.detail = not_kept_why_;
    append_answer(client_->channel.out, gateway_, answer_, cdn_lines_, status, towards_, answer_framing_.length, keep_alive_, false);
    head_said_ = true;
    pump_answer();
}

// ---- the body ----------------------------------------------------------------------------------------

void Exchange::pump_answer() {
    const auto keep = shared_from_this();
    std::size_t moved = 0;
    while (step_ == Step::answering) {
        if (client_ != nullptr && client_->channel.pending() >= enough_pending) {
            client_->flush();
            if (client_ == nullptr || step_ != Step::answering) continue;
            if (client_->channel.pending() >= enough_pending) return;  // until it reads
        }
        Channel& from = upstream_->channel;
        std::size_t used = 0;
        std::string_view piece;
        const BodyReader::State state = answer_body_.next(from.in.view(), used, piece);
        if (state == BodyReader::State::piece) {
            take_body(piece);
            if (upstream_ == nullptr) return;
            moved += used;
            from.in.consume(used);
            continue;
        }
        from.in.consume(used);
        if (state == BodyReader::State::done) return answer_over();
        if (state == BodyReader::State::broken) return cut_short(answer_body_.why());
        if (moved >= one_turn) {
            if (client_ != nullptr) client_->flush();
            if (upstream_ != nullptr) upstream_->again();
            return;
        }
        if (!from.receive(one_read)) break;
        if (from.failed()) return cut_short("the application reset the connection in the middle of its answer");
        if (from.ended() && from.in.empty()) {
            if (answer_body_.may_end_here()) return answer_over();
            return cut_short("the application closed the connection in the middle of its answer");
        }
    }
    if (client_ != nullptr && step_ == Step::answering) client_->flush();
}

bool Exchange::take_body(std::string_view piece) {
    if (holding_) {
        kept_body_ += piece;
        if (kept_body_.size() > gateway_.options.max_object) cut_short("the answer to a mutation is larger than max_object");
        return false;
    }
    if (keeping_) {
        const std::size_t most = lookup_.refuse_above != 0 ? static_cast<std::size_t>(std::min<std::uint64_t>(lookup_.refuse_above, gateway_.options.max_object))
                                                           : gateway_.options.max_object;
        if (kept_body_.size() + piece.size() > most) {
            keeping_ = false;
            not_kept_why_ = "too-large";
            std::string().swap(kept_body_);
        } else {
            kept_body_ += piece;
        }
    }
    if (client_ == nullptr) return keeping_;
    net::Buffer& out = client_->channel.out;
    if (towards_ == Towards::chunked) {
        char size[20];
        const int n = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        out.append({size, static_cast<std::size_t>(n)});
        out.append(piece);
        out.append("\r\n");
    } else if (towards_ != Towards::none) {
        out.append(piece);
    }
    return true;
}

void Exchange::answer_over() {
    const bool stays = answer_.minor >= 1 ? !answer_.has(Name::connection) || !answer_.lists(Name::connection, "close")
                                          : answer_.has(Name::connection) && answer_.lists(Name::connection, "keep-alive");
    if (client_ != nullptr && towards_ == Towards::chunked) client_->channel.out.append("0\r\n\r\n");
    release_upstream(stays && request_body_.over() && answer_framing_.kind != Framing::Kind::until_close);
    if (holding_) return drop_touched();
    if (keeping_) return keep();
    if (lookup_.served && !to_head_) home_.counters().not_stored.add();
    finish(keep_alive_, false, lookup_.served);
}

// The answer cannot be whole: the client is told so in the only way that is left, and nothing is kept.
void Exchange::cut_short(const char* why) {
    home_.counters().upstream_errors.add();
    gateway_.host.log(LARDER_LOG_WARN, {request_.method(), " ", target_.path.substr(0, 200), " was cut short: ", why});
    keeping_ = false;
    if (origin_ != nullptr && origin_->went_wrong(gateway_.now_ns()))
        gateway_.host.log(LARDER_LOG_WARN, {"leaves ", origin_->url(), " alone for a while: ", why});
    release_upstream(false);
    Client* const client = std::exchange(client_, nullptr);
    finish(false);
    if (client != nullptr) client->broken();
}

}  // namespace larder::http
