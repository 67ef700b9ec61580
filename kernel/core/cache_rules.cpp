// kernel/core/cache_rules.cpp -- requests and events: which rules fire, with what values.
//
// Order never matters: all rules that match fire, their changes are united, the strongest action wins
// for each target. A value that the request does not give makes its target wider, never narrower: one
// key becomes its namespace, a tag the namespaces that could carry such a tag. The receipt says so.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/request_values.hpp"

#include <algorithm>

namespace larder {
namespace {

constexpr const char* verb_of(dsl::Action action) {
    switch (action) {
        case dsl::Action::drop: return "drop ";
        case dsl::Action::refresh: return "refresh ";
        case dsl::Action::expire: return "expire ";
    }
    return "";
}

// The name of the first variable of `text` that has no value; empty: all have.
std::string missing(const dsl::Template& text, const std::vector<std::string_view>& values) {
    for (const dsl::Piece& piece : text.pieces)
        if ((piece.kind == dsl::Piece::Kind::variable || piece.kind == dsl::Piece::Kind::rest) &&
            (piece.slot >= values.size() || values[piece.slot].data() == nullptr))
            return piece.text;
    return {};
}

}  // namespace

void Cache::Impl::rule_orders(const State& s, const dsl::Rule& rule, const std::vector<std::string_view>& values,
                              std::vector<ChangeOrder>& orders, Receipt& receipt) {
    receipt.rules.push_back({rule.where.text(), rule.head});
    if (!receipt.rehearsal) s.fired[static_cast<std::size_t>(&rule - s.policy->rules.data())]->fetch_add(1, std::memory_order_relaxed);
    for (const dsl::Change& change : rule.changes) {
        ChangeOrder order;
        order.action = change.action;
        order.kind = change.kind;
        order.ns = change.ns;
        order.pattern = change.pattern;
        const std::string verb = verb_of(change.action);
        const std::string lost = missing(change.text, values);
        const auto whole = [&](dsl::NamespaceIndex ns) {
            ChangeOrder wide = order;
            wide.kind = dsl::TargetKind::namespace_;
            wide.ns = ns;
            wide.pattern = dsl::none;
            wide.shown = verb + s.policy->namespaces[ns].name;
            orders.push_back(std::move(wide));
        };
        if (!lost.empty()) {
            receipt.notes.push_back(change.where.text() + ": nothing gave {" + lost + "} a value, so more goes than need be");
            for (const dsl::NamespaceIndex ns : dsl::widened(*s.policy, change)) whole(ns);
            continue;
        }
        switch (change.kind) {
            case dsl::TargetKind::everything: order.shown = verb + "everything"; break;
            case dsl::TargetKind::namespace_: order.shown = verb + s.policy->namespaces[change.ns].name; break;
            case dsl::TargetKind::key:
                order.text = change.text.fill(values);
                order.shown = verb + shown_key(s.spaces[change.ns], order.text);
                break;
            case dsl::TargetKind::tag:
                order.text = change.text.fill(values);
                order.shown = verb + "tag \"" + order.text + "\"";
                break;
            case dsl::TargetKind::matching: {
                const dsl::Namespace& ns = s.policy->namespaces[change.ns];
                order.text = change.text.fill(values);
                order.shown = verb + ns.name + " matching \"" + order.text + "\"";
                if (change.pattern != dsl::none && change.pattern < ns.patterns.size())
                    order.tuple = dsl::Pattern(change.text).tuple(values);
                break;
            }
        }
        orders.push_back(std::move(order));
    }
    if (receipt.rehearsal) return;
    if (!rule.warm.empty())
        for (const dsl::NamespaceIndex ns : rule.warm) refresh(s, ns, receipt);
    for (const auto& [session, user] : rule.end_sessions)
        if (s.parts.end_sessions && missing(user, values).empty()) {
            std::string name;  // a user's name is data here, not a part of a key
            for (const dsl::Piece& piece : user.pieces)
                name += piece.kind == dsl::Piece::Kind::literal ? piece.text : std::string(values[piece.slot]);
            s.parts.end_sessions(session, name);
        }
}

larder_status Cache::request(const larder_request& rq, larder_receipt* receipt, const larder_call* call) {
    const std::uint64_t began = impl_->clock.fine_ns();
    const dsl::MethodSet method = dsl::method_of(view(rq.method));
    Receipt made;
    made.rehearsal = is_rehearsal(call);
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    if (method == 0 || rq.path.size == 0) {
        impl_->write_receipt(made, began, receipt);
        return rq.path.size == 0 ? LARDER_E_INVALID : LARDER_OK;  // an unknown method fires no rule
    }
    thread_local std::string buffer;
    thread_local dsl::RouteMatches matches;
    const std::string_view path = dsl::normalise_path(view(rq.path), buffer);
    if (impl_->tape.on() && !made.rehearsal) [[unlikely]] impl_->tape_request(s, rq, method, path);
    matches.clear();
    s.policy->routes.match(method, path, matches);
    if (matches.empty()) {
        impl_->write_receipt(made, began, receipt);
        return LARDER_OK;
    }
    const std::uint32_t status = rq.status == 0 ? 200 : rq.status;
    RequestValues given(rq);
    std::vector<ChangeOrder> orders;
    for (const dsl::RouteMatch& match : matches) {
        const dsl::Rule& rule = s.policy->rules[match.rule];
        if (!rule.fires_on(status)) continue;
        if (rule.changes.empty() && rule.warm.empty() && rule.end_sessions.empty()) continue;  // `serve` only
        std::vector<std::string> owned(rule.variables.size());
        std::vector<std::string_view> values(rule.variables.size());
        for (std::uint16_t i = 0; i < match.count && i < rule.captured; ++i) {
            owned[i] = percent_decode(match.captures[i]);
            values[i] = owned[i];
        }
        for (const dsl::Let& let : rule.lets)
            if (auto value = given.find(let.origin, let.field)) {
                owned[let.slot] = std::move(*value);
                values[let.slot] = owned[let.slot];
            }
        impl_->rule_orders(s, rule, values, orders, made);
    }
    if (!made.rules.empty()) {
        const Cause cause{made.rules.front().where + " " + std::string(view(rq.method)) + " " + std::string(path), call != nullptr ? call->client : 0, 0};
        impl_->carry_out(s, orders, cause, made);
    }
    impl_->write_receipt(made, began, receipt);
    return LARDER_OK;
}

larder_status Cache::event(std::string_view name, const larder_pair* pairs, std::size_t n, larder_receipt* receipt, const larder_call* call) {
    const std::uint64_t began = impl_->clock.fine_ns();
    Receipt made;
    made.rehearsal = is_rehearsal(call);
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    if (impl_->tape.on() && !made.rehearsal) [[unlikely]] impl_->tape_event(name, pairs, n);
    dsl::RouteMatches matches;
    s.policy->events.match(0, name, matches);
    std::vector<ChangeOrder> orders;
    for (const dsl::RouteMatch& match : matches) {
        const dsl::Rule& rule = s.policy->rules[match.rule];
        std::vector<std::string_view> values(rule.variables.size());
        for (std::uint16_t i = 0; i < match.count && i < rule.captured; ++i) values[i] = match.captures[i];
        for (std::size_t i = 0; i < rule.variables.size(); ++i)
            for (std::size_t p = 0; p < n; ++p)
                if (view(pairs[p].name) == rule.variables[i] && pairs[p].value.size > 0) values[i] = view(pairs[p].value);
        impl_->rule_orders(s, rule, values, orders, made);
    }
    if (!made.rules.empty()) impl_->carry_out(s, orders, {made.rules.front().where + " event " + std::string(name), call != nullptr ? call->client : 0, 1}, made);
    impl_->write_receipt(made, began, receipt);
    return LARDER_OK;
}

}  // namespace larder
