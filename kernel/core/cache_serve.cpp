// kernel/core/cache_serve.cpp -- which entry answers a request: the `serve` rules.
//
// Of the rules that fit the one with the narrowest route is taken. What it cannot tell (a header its key needs is not
// there, its `unless` holds) is asked of the application, never guessed.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/request_values.hpp"

#include <algorithm>
#include <array>
#include <memory>

namespace larder {
namespace {

// What one request needs and the next one can use again.
struct Served {
    std::string path, key, escaped, where, buffer;
    std::array<std::string, dsl::max_captures> owned;
    std::vector<std::string_view> values;
    dsl::RouteMatches matches;
};

bool takes_tags(const dsl::Namespace& ns) {
    return std::find(ns.parameters.begin() + ns.fields, ns.parameters.end(), "tag") != ns.parameters.end();
}

bool same_name(std::string_view a, std::string_view lower_case) {
    return a.size() == lower_case.size() && std::equal(a.begin(), a.end(), lower_case.begin(), [](char x, char y) {
               return (x >= 'A' && x <= 'Z' ? static_cast<char>(x | 0x20) : x) == y;
           });
}

// Caches know these two, and act on them before they look.
bool known_to_caches(std::string_view field) { return same_name(field, "cache-control") || same_name(field, "pragma"); }

std::uint32_t flags_of(const dsl::Rule& rule, const dsl::Namespace& ns) {
    std::uint32_t flags = takes_tags(ns) ? LARDER_SERVE_TAKES_TAGS : 0;
    for (const auto& [origin, field] : rule.serve->unless)
        if (origin != dsl::Origin::query && !(origin == dsl::Origin::header && known_to_caches(field))) flags |= LARDER_SERVE_BY_MORE_THAN_URL;
    for (const dsl::Let& let : rule.lets) {
        if (!rule.serve->key->uses(let.slot)) continue;
        if (let.origin != dsl::Origin::query) flags |= LARDER_SERVE_BY_MORE_THAN_URL;
        if (let.origin == dsl::Origin::cookie) flags |= LARDER_SERVE_KEYED_BY_COOKIE;
        if (let.origin == dsl::Origin::header && same_name(let.field, "authorization")) flags |= LARDER_SERVE_KEYED_BY_AUTHORIZATION;
        if (let.origin == dsl::Origin::header && same_name(let.field, "cookie")) flags |= LARDER_SERVE_KEYED_BY_COOKIE;
    }
    return flags;
}

std::int64_t ms_or_none(const std::optional<Ms>& duration) { return duration ? duration->count() : -1; }

// As a client would write the key, which is what larder.cache/1 takes; `at.escaped` as rules write it.
void fill_texts(const dsl::Template& text, Served& at) {
    at.key.clear();
    at.escaped.clear();
    for (const dsl::Piece& piece : text.pieces) at.key += piece.kind == dsl::Piece::Kind::literal ? std::string_view(piece.text) : at.values[piece.slot];
    text.fill(at.values, at.escaped);
}

// Whether a client's spelling of the key is the entry that rules name. Where a value that is not the last
// has the byte in it that ends it, it is not, and that one request goes uncached.
bool same_entry(const Space& space, const ScopeNames& names, Served& at) {
    if (at.key == at.escaped) return true;
    FieldedKey key;
    return make_key(space, names, at.key, at.buffer, key) && key.canonical == at.escaped;
}

// False: the request does not say all that the key needs.
bool fill_key(const dsl::Rule& rule, const dsl::RouteMatch& match, RequestValues& given, Served& at) {
    at.values.assign(rule.variables.size(), {});
    for (std::uint16_t i = 0; i < match.count && i < rule.captured; ++i) at.values[i] = dsl::capture_value(match.captures[i], at.owned[i]);
    std::vector<std::string> taken(rule.lets.size());
    for (std::size_t i = 0; i < rule.lets.size(); ++i) {
        auto value = given.find(rule.lets[i].origin, rule.lets[i].field);
        if (!value) return false;
        taken[i] = std::move(*value);
        at.values[rule.lets[i].slot] = taken[i];
    }
    fill_texts(*rule.serve->key, at);
    return true;
}

// The match whose rule serves the request; null: none does.
const dsl::RouteMatch* narrowest(const dsl::Policy& policy, const dsl::RouteMatches& matches) {
    const dsl::RouteMatch* best = nullptr;
    for (const dsl::RouteMatch& match : matches) {
        const auto& serve = policy.rules[match.rule].serve;
        if (!serve || !serve->key) continue;
        if (best == nullptr || serve->narrowness > policy.rules[best->rule].serve->narrowness) best = &match;
    }
    return best;
}

}  // namespace

larder_status Cache::serve(const larder_request& rq, larder_serve& out) const {
    // On the heap: what is thread-local in liblarder shares little room with every other late-loaded library.
    thread_local const auto kept = std::make_unique<Served>();
    Served& at = *kept;
    dsl::MethodSet method = dsl::method_of(view(rq.method));
    if (method == dsl::method_head) method = dsl::method_get;
    if (method == 0 || rq.path.size == 0) return LARDER_MISS;
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    const std::string_view path = dsl::normalise_path(view(rq.path), at.path);
    at.matches.clear();
    s.policy->routes.match(method, path, at.matches);
    if (const dsl::RouteMatch* const best = narrowest(*s.policy, at.matches)) {
        const dsl::RouteMatch& match = *best;
        const dsl::Rule& rule = s.policy->rules[match.rule];
        const Space& space = s.spaces[rule.serve->ns];
        const dsl::Namespace& ns = *space.ns;
        const std::string_view file = rule.where.file;
        at.where.assign(file.substr(file.rfind('/') + 1)).append(":").append(std::to_string(rule.where.line));
        out.ns = space.runtime->number;
        out.rule = match.rule;
        out.flags = flags_of(rule, ns);
        if (space.source != nullptr && space.source->loads() && !space.source->far_only) out.flags |= LARDER_SERVE_FROM_SOURCE;
        out.where = bytes_of(at.where);
        out.ttl_ms = ns.ttl ? ns.ttl->ttl.count() : -1;
        out.stale_revalidating_ms = ms_or_none(ns.stale_while_revalidating);
        out.stale_on_error_ms = ms_or_none(ns.stale_on_error);
        out.refuse_above = space.max_bytes == UINT64_MAX ? 0 : space.max_bytes;
        RequestValues given(rq);
        const auto& unless = rule.serve->unless;
        if (std::any_of(unless.begin(), unless.end(), [&](const auto& guarded) { return given.find(guarded.first, guarded.second).has_value(); }) ||
            !fill_key(rule, match, given, at) || !same_entry(space, impl_->names, at)) {
            if (impl_->tape.on()) [[unlikely]] impl_->tape_ask(s, rq, path, nullptr);
            return LARDER_EXISTS;
        }
        out.key = bytes_of(at.key);
        if (impl_->tape.on()) [[unlikely]] impl_->tape_ask(s, rq, path, &out);
        return LARDER_OK;
    }
    if (impl_->tape.on()) [[unlikely]] impl_->tape_ask(s, rq, path, nullptr);
    return LARDER_MISS;
}

larder_status Cache::names(std::uint32_t ns, std::string_view raw, const larder_pair* with, std::size_t with_count,
                           const std::function<void(std::string_view)>& out) const {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    const Space* const space = s.space(ns);
    std::string buffer;
    FieldedKey key;
    if (space == nullptr || !space->keeps_entries() || !make_key(*space, impl_->names, raw, buffer, key)) return LARDER_MISS;
    return entry_names(s, *space, key, with, with_count, out) ? LARDER_OK : LARDER_EXISTS;
}

}  // namespace larder
