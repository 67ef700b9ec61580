// plugins/gateway_http/client_purge.cpp -- PURGE: what operators and applications drop by hand.
//
//     PURGE /v1.0/user/42                    the entry that a GET of that path would be served from
//     PURGE /  with  Surrogate-Key: a b      everything that carries one of these tags (also xkey, Cache-Tag,
//                                            Cache-Groups)
//     Soft-Purge: 1, Fastly-Soft-Purge: 1    stale instead of gone: asked for again before it is served
#include "client.hpp"
#include "tags.hpp"

#include <deque>

namespace larder::http {

struct Client::Purge {
    std::deque<std::string> texts;
    std::vector<larder_target> targets;
    larder_receipt receipt{};
    larder_call call{};
    larder_status status = LARDER_OK;

    ~Purge() {
        if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
    }
    void say(Client& to) {
        to.state_ = State::reading;
        std::string text = "{\"purged\": " + std::to_string(receipt.dropped + receipt.expired) + "}";
        std::string fields = "X-Purged: " + std::to_string(receipt.dropped + receipt.expired) + "\r\n";
        std::uint16_t code = 200;
        if (status != LARDER_OK) {
            code = 503;
            text = "{\"error\": \"the cache could not drop it\"}";
        } else if (targets.empty()) {
            code = 404;
            text = "{\"purged\": 0, \"reason\": \"no rule of the policy serves this path\"}";
        }
        append_own(to.channel.out, to.gateway_, code, text, to.keep_alive_, false, fields, "application/json");
        to.closing_ = to.closing_ || !to.keep_alive_;
    }
};

void Client::purge() {
    if (framing_.kind != Framing::Kind::none) keep_alive_ = false;
    if (!gateway_.purge.allows(peer_)) {
        home_.counters().denied.add();
        gateway_.host.log(LARDER_LOG_WARN, {"refuses a PURGE of ", peer_});
        append_own(channel.out, gateway_, 405, "this method is not allowed", keep_alive_, false, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
        closing_ = closing_ || !keep_alive_;
        return;
    }
    home_.counters().purges.add();
    auto work = std::make_shared<Purge>();
    bool soft = request_.has(Name::soft_purge) && request_.first(Name::soft_purge) != "0";
    const auto take = [&](std::string_view tag) {
        each_spelling(tag, [&](std::string text) {
            const std::string& kept = work->texts.emplace_back(std::move(text));
            work->targets.push_back({LARDER_TARGET_TAG, LARDER_NS_NONE, bytes_of(kept)});
        });
    };
    each_tag(request_, take);
    request_.each(Name::xkey_softpurge, [&](std::string_view value) {
        soft = true;
        each_word(value, take);
    });
    if (work->targets.empty()) {
        larder_request rq{};
        rq.struct_size = sizeof rq;
        rq.method = bytes_of("GET");
        rq.path = bytes_of(target_.path);
        rq.query = bytes_of(target_.query);
        std::vector<larder_pair> fields;
        give_fields(request_, fields);
        rq.headers = fields.data();
        rq.header_count = static_cast<std::uint32_t>(fields.size());
        larder_serve serve{};
        serve.struct_size = sizeof serve;
        if (gateway_.cache->serve(gateway_.host.raw(), &rq, &serve) == LARDER_OK) {
            const std::string& kept = work->texts.emplace_back(text_of(serve.key));
            work->targets.push_back({LARDER_TARGET_KEY, serve.ns, bytes_of(kept)});
        }
    }
    if (work->targets.empty()) return work->say(*this);
    work->receipt.struct_size = sizeof work->receipt;
    work->call.struct_size = sizeof work->call;
    work->call.role = LARDER_ROLE_INVALIDATE;
    work->call.done_ctx = this;
    work->call.done = [](void* ctx, larder_status status, larder_value*) noexcept {
        auto* const me = static_cast<Client*>(ctx);
        me->home_.loop().post([me, status] {
            const auto self = std::move(me->self_);
            const auto done = std::move(me->purge_);
            if (me->state_ == State::closed) return;
            done->status = status;
            done->say(*me);
            me->read_on();
            if (me->state_ == State::reading) me->flush();
        });
    };
    state_ = State::purging;
    const auto action = static_cast<std::uint32_t>(soft ? LARDER_EXPIRE : LARDER_DROP);
    purge_ = std::move(work);
    const larder_status status = gateway_.cache->change(gateway_.host.raw(), action, purge_->targets.data(), purge_->targets.size(), &purge_->receipt, &purge_->call);
    if (status == LARDER_PENDING) {
        self_ = shared_from_this();
        return;
    }
    const auto done = std::move(purge_);
    done->status = status;
    done->say(*this);
}

}  // namespace larder::http
