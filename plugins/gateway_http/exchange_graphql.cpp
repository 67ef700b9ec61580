// plugins/gateway_http/exchange_graphql.cpp -- a mutation's answer: what it holds is dropped before it is said.
#include "exchange.hpp"

#include "tags.hpp"

#include <algorithm>

namespace larder::http {

// An answer that cannot be read, or holds errors, may have changed anything: then what the path's queries are
// kept in goes as a whole.
void Exchange::drop_touched() {
    const auto keep = shared_from_this();
    targets_.clear();
    texts_.clear();
    constexpr std::size_t most = 1000;
    std::size_t objects = 0;
    const bool readable = each_object(kept_body_, [&](std::string_view tag) {
        if (++objects <= most) target_tag(tag);
    });
    if (!readable || objects > most) {
        Lookup queries;
        ask_policy(gateway_, request_, target_, "GraphQL-Key", graphql_.key, true, queries);
        targets_.clear();
        if (queries.served) targets_.push_back({LARDER_TARGET_NAMESPACE, queries.ns, {}});
    }
    if (targets_.empty()) return say_held();
    step_ = Step::firing;
    receipt_ = {};
    receipt_.struct_size = sizeof receipt_;
    const larder_call with_us = call();
    const larder_status status = gateway_.cache->change(gateway_.host.raw(), LARDER_DROP, targets_.data(), targets_.size(), &receipt_, &with_us);
    if (status == LARDER_PENDING) return later(&Exchange::say_held);
    say_held();
}

void Exchange::say_held() {
    if (client_ != nullptr) {
        CacheStatus status;
        status.forward = Forward::method;
        keep_alive_ = keep_alive_ && !client_->draining() && request_body_.over();
        net::Buffer& out = client_->channel.out;
        append_answer(out, gateway_, answer_, {}, status, Towards::length, kept_body_.size(), keep_alive_, false);
        out.append(kept_body_);
        head_said_ = true;
    }
    finish(keep_alive_);
}

}  // namespace larder::http
