// plugins/gateway_http/lookup.cpp -- see lookup.hpp.
#include "lookup.hpp"

#include <algorithm>
#include <utility>

namespace larder::http {
namespace {

// Upwards; none at all stays none.
std::int64_t whole_seconds(std::int64_t ms) { return ms <= 0 ? 0 : (ms + 999) / 1000; }

}  // namespace

std::string_view word_of(Forward why) noexcept {
    switch (why) {
        case Forward::none: return "none";
        case Forward::bypass: return "bypass";
        case Forward::method: return "method";
        case Forward::uri_miss: return "uri-miss";
        case Forward::vary_miss: return "vary-miss";
        case Forward::stale: return "stale";
        case Forward::request: return "request";
        case Forward::miss: return "miss";
    }
    return "miss";
}

void Lookup::swap(Lookup& other) noexcept {
    std::swap(served, other.served);
    std::swap(ns, other.ns);
    std::swap(flags, other.flags);
    key.swap(other.key);
    where.swap(other.where);
    std::swap(ttl_ms, other.ttl_ms);
    std::swap(revalidating_ms, other.revalidating_ms);
    std::swap(on_error_ms, other.on_error_ms);
    std::swap(refuse_above, other.refuse_above);
    identity.swap(other.identity);
    std::swap(number, other.number);
    std::swap(control, other.control);
    std::swap(item, other.item);
    std::swap(found, other.found);
    std::swap(stored, other.stored);
    std::swap(use, other.use);
    std::swap(ttl_s, other.ttl_s);
    std::swap(forward, other.forward);
}

void give_fields(const Head& request, std::vector<larder_pair>& out) {
    for (const Field& field : request.fields) out.push_back({bytes_of(request.name(field)), bytes_of(request.value(field))});
}

void ask_policy(Gateway& gateway, const Head& request, const Target& target, std::string_view extra_field, std::string_view extra_value,
                bool also_post, Lookup& out) {
    thread_local std::vector<larder_pair> fields;
    thread_local std::string query;
    out.release();
    out.served = false;
    out.forward = Forward::bypass;
    out.where.clear();
    const std::string_view method = request.method();
    if (method != "GET" && method != "HEAD" && !(also_post && method == "POST")) {
        out.forward = Forward::method;
        return;
    }
    const std::string_view shown_query = gateway.ignored.strip(target.query, query);
    fields.clear();
    give_fields(request, fields);
    if (!extra_field.empty()) fields.push_back({bytes_of(extra_field), bytes_of(extra_value)});
    larder_request rq{};
    rq.struct_size = sizeof rq;
    rq.method = bytes_of(method);
    rq.path = bytes_of(target.path);
    rq.query = bytes_of(shown_query);
    rq.headers = fields.data();
    rq.header_count = static_cast<std::uint32_t>(fields.size());
    larder_serve serve{};
    serve.struct_size = sizeof serve;
    const larder_status status = gateway.cache->serve(gateway.host.raw(), &rq, &serve);
    if (status < 0 || status == LARDER_MISS) return;
    out.where.assign(text_of(serve.where));
    if (status != LARDER_OK) return;
    out.served = true;
    out.forward = Forward::none;
    out.ns = serve.ns;
    out.flags = serve.flags;
    out.key.assign(text_of(serve.key));
    out.ttl_ms = serve.ttl_ms;
    out.revalidating_ms = serve.stale_revalidating_ms;
    out.on_error_ms = serve.stale_on_error_ms;
    out.refuse_above = serve.refuse_above;
    out.identity.clear();
    append_identity(out.identity, target, shown_query);
    if (!extra_value.empty()) (out.identity += '#') += extra_value;
    out.control = request.has(Name::cache_control) || request.has(Name::pragma) ? request_control(request) : CacheControl{};
}

larder_status read_entry(Gateway& gateway, Lookup& lookup, bool to_load, larder_done_fn done, void* ctx) {
    lookup.item = {};
    lookup.item.ns = lookup.ns;
    lookup.item.key = bytes_of(lookup.key);
    larder_call call{};
    call.struct_size = sizeof call;
    if (lookup.from_source()) call.deadline_ns = gateway.now_ns() + gateway.options.upstream_timeout_ns;
    else call.flags = (to_load ? std::uint32_t{LARDER_GET_FENCE} : 0) | std::uint32_t{LARDER_GET_STALE};
    call.role = LARDER_ROLE_READ;
    call.client = lookup.number;
    call.done = done;
    call.done_ctx = ctx;
    return gateway.cache->get_many(gateway.host.raw(), &lookup.item, 1, &call);
}

void judge_entry(Gateway& gateway, const Head& request, Lookup& lookup) {
    const larder_cache_get& item = lookup.item;
    lookup.found = false;
    lookup.use = Use::ask;
    lookup.forward = Forward::uri_miss;
    if (item.status != LARDER_OK || (item.found & LARDER_FOUND_ABSENT) != 0) return;
    const StoredAnswers answers({static_cast<const char*>(item.value.data), item.value.size});
    bool other = false;
    lookup.found = answers.find(lookup.identity, request, lookup.stored, other);
    if (!lookup.found) {
        lookup.forward = other ? Forward::vary_miss : Forward::uri_miss;
        return;
    }
    // The policy's windows and the answer's own: the longer one holds.
    Kept& kept = lookup.stored.kept;
    kept.revalidating_s = std::max(kept.revalidating_s, whole_seconds(lookup.revalidating_ms));
    kept.on_error_s = std::max(kept.on_error_s, whole_seconds(lookup.on_error_ms));
    const bool stale = (item.found & LARDER_FOUND_STALE) != 0;
    constexpr std::int64_t for_ever = 2'147'483'648;
    const std::int64_t ttl_s = !stale && item.ttl_ms < 0 ? for_ever : item.ttl_ms / 1000;
    lookup.use = judge(lookup.stored.kept, lookup.control, gateway.now_s(), stale, ttl_s, lookup.ttl_s);
    if (lookup.use == Use::ask) lookup.forward = lookup.ttl_s > 0 && !stale && !lookup.stored.kept.no_cache ? Forward::request : Forward::stale;
}

}  // namespace larder::http
