// plugins/gateway_http/exchange_keep.cpp -- what of an answer is kept, and what a write makes stale. See
// exchange.hpp.
#include "exchange.hpp"

#include "cdn.hpp"
#include "tags.hpp"
#include "vary.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace larder::http {
namespace {

constexpr std::size_t most_tags = 28;  // of one answer; the policy's own scopes need room too

bool changes_things(std::string_view method) noexcept {
    return method != "GET" && method != "HEAD" && method != "OPTIONS" && method != "TRACE";
}

}  // namespace

larder_call Exchange::call() noexcept {
    larder_call out{};
    out.struct_size = sizeof out;
    out.role = LARDER_ROLE_INVALIDATE;
    out.client = lookup_.number;
    out.deadline_ns = gateway_.now_ns() + gateway_.options.call_timeout_ns;
    out.done = &Exchange::on_done;
    out.done_ctx = this;
    return out;
}

// The cache has been given something and answers later: then it goes on with `next`.
void Exchange::later(void (Exchange::*next)()) {
    self_ = shared_from_this();
    next_ = next;
}

void Exchange::on_done(void* ctx, larder_status status, larder_value*) noexcept {
    auto* const me = static_cast<Exchange*>(ctx);
    me->home_.loop().post([me, status] {
        const auto self = std::move(me->self_);
        me->done_status_ = status;
        (me->*std::exchange(me->next_, nullptr))();
    });
}

// ---- keeping -------------------------------------------------------------------------------------

void Exchange::decide_keeping(std::string tags) {
    keeping_ = false;
    not_kept_why_ = nullptr;
    cdn_lines_.clear();
    tags_ = std::move(tags);
    if (!lookup_.served || to_head_) return;
    FreshnessRules rules;
    rules.by_policy = gateway_.options.by_policy;
    rules.heuristic = gateway_.options.heuristic;
    if (lookup_.ttl_ms >= 0) rules.policy_s = std::max<std::int64_t>(lookup_.ttl_ms / 1000, 1);
    lifetime_ = lifetime_of(facts_, rules);
    RequestFacts asked;
    asked.control = lookup_.control;
    asked.authorized = request_.has(Name::authorization) && (lookup_.flags & LARDER_SERVE_KEYED_BY_AUTHORIZATION) == 0;
    not_kept_why_ = why_not_stored(asked, facts_, lifetime_);
    if (not_kept_why_ == nullptr && answer_framing_.kind == Framing::Kind::length && answer_framing_.length > gateway_.options.max_object) not_kept_why_ = "too-large";
    if (not_kept_why_ != nullptr) return;
    keeping_ = true;
    kept_head_ = head_to_keep(gateway_, answer_, received_s_);
    vary_ = answer_.has(Name::vary) ? vary_of(answer_, request_) : std::string();
    // The objects of a GraphQL answer are known only at its end, and it is asked for by POST.
    if (graphql_.kind == GraphqlRequest::Kind::query) return;
    std::vector<std::string_view> said;
    each_tag_line(tags_, [&](std::string_view tag) { said.push_back(tag); });
    cdn_lines_ = cdn_lines(gateway_, lookup_, answer_, facts_, lifetime_, initial_age(facts_, requested_s_, received_s_), said);
}

// 304: what is kept holds for a while longer, with what the answer says anew.
void Exchange::refreshed() {
    Head merged;
    kept_head_ = head_refreshed(gateway_, lookup_.stored.head, answer_);
    Framing ignored;
    std::size_t searched = 0;
    if (parse_answer(kept_head_ + "\r\n", gateway_.options.head, searched, false, merged, ignored).state != Parsed::State::done)
        return retry_or_fail(502, "the application's 304 does not fit what is kept");
    const std::uint16_t answered = answer_.status;
    std::string tags = named_tags(answer_);
    if (tags.empty()) tags = lookup_.stored.tags;
    release_upstream(!answer_.has(Name::connection) || !answer_.lists(Name::connection, "close"));
    answer_ = std::move(merged);
    facts_ = facts_of(answer_, received_s_, gateway_.options.name);
    origin_->went_well();
    kept_body_.assign(lookup_.stored.body);
    answer_framing_ = {};
    const std::string refreshed_head = kept_head_;
    decide_keeping(std::move(tags));
    kept_head_ = refreshed_head;
    if (client_ != nullptr) {
        StoredAnswer now = lookup_.stored;
        now.head = kept_head_;
        now.cdn = cdn_lines_;
        now.kept.received_s = received_s_;
        now.kept.initial_age_s = initial_age(facts_, requested_s_, received_s_);
        now.last_modified = facts_.last_modified;
        now.etag = facts_.has_etag ? answer_.first(Name::etag) : std::string_view();
        CacheStatus status;
        status.forward = Forward::stale;
        status.forward_status = answered;
        status.stored = keeping_;
        status.where = lookup_.where;
        keep_alive_ = keep_alive_ && !client_->draining();
        const Serving serving = append_stored(client_->channel.out, gateway_, request_, now, status, keep_alive_, received_s_);
        client_->channel.out.append(serving.body);
        head_said_ = true;
    }
    if (keeping_) return keep();
    finish(keep_alive_, false, true);
}

bool Exchange::withhold() {
    const larder_cache_api& cache = *gateway_.cache;
    if (!LARDER_HAS(gateway_.cache, storable) || cache.withheld == nullptr || cache.storable == nullptr) return true;
    std::vector<std::pair<std::size_t, std::size_t>> lines;  // of the kept head: where, how long
    std::vector<larder_pair> fields;
    const std::string_view head = kept_head_;
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos && at + 2 < head.size();) {
        const std::size_t begin = at + 2, end = head.find("\r\n", begin);
        const std::string_view line = head.substr(begin, end - begin);
        lines.emplace_back(begin, line.size() + 2);
        fields.push_back({bytes_of(line.substr(0, line.find(':'))), larder_bytes{}});
        at = end;
    }
    std::vector<std::uint8_t> verdicts(fields.size());
    if (cache.withheld(gateway_.host.raw(), lookup_.ns, fields.data(), fields.size(), verdicts.data()) != LARDER_OK) return true;
    if (std::find(verdicts.begin(), verdicts.end(), LARDER_STORE_REFUSED) != verdicts.end()) return false;
    // What is encoded cannot be looked into: it is judged as something that nobody can read.
    larder_value left{};
    const std::string_view unreadable = "{";
    const larder_status body = cache.storable(gateway_.host.raw(), lookup_.ns, bytes_of(answer_.has(Name::content_encoding) ? unreadable : std::string_view(kept_body_)), &left);
    if (body == LARDER_E_REFUSED) return false;
    if (body == LARDER_EXISTS) {
        kept_body_.assign(static_cast<const char*>(left.data), left.size);
        left.release(&left);
        facts_.has_etag = false;  // which was of another body
    }
    for (std::size_t i = lines.size(); i-- > 0;) {
        const bool is_etag = same_word({static_cast<const char*>(fields[i].name.data), fields[i].name.size}, "etag");
        if (verdicts[i] == LARDER_STORE_STRIPPED || (is_etag && body == LARDER_EXISTS)) kept_head_.erase(lines[i].first, lines[i].second);
    }
    return true;
}

void Exchange::keep() {
    if (!withhold()) return kept_done(LARDER_E_INVALID);
    StoredAnswer fresh;
    fresh.status = answer_.status;
    fresh.date_s = facts_.date;
    fresh.last_modified = facts_.last_modified;
    fresh.target = lookup_.identity;
    fresh.vary = vary_;
    fresh.head = kept_head_;
    fresh.body = kept_body_;
    fresh.tags = tags_;
    fresh.cdn = cdn_lines_;
    if (facts_.has_etag) {
        // Where it stands in the kept head, which has the same fields in the same order.
        const std::string_view etag = answer_.first(Name::etag);
        for (std::size_t at = kept_head_.find("\r\n"); at != std::string::npos && at + 2 < kept_head_.size(); at = kept_head_.find("\r\n", at + 2)) {
            const std::string_view rest = std::string_view(kept_head_).substr(at + 2);
            if (rest.size() > 5 && same_word(rest.substr(0, 5), "etag:")) {
                const std::size_t found = rest.find(etag);
                if (found != std::string_view::npos) fresh.etag = rest.substr(found, etag.size());
                break;
            }
        }
    }
    const CacheControl& control = facts_.control;
    Kept& kept = fresh.kept;
    kept.received_s = received_s_;
    kept.initial_age_s = initial_age(facts_, requested_s_, received_s_);
    kept.lifetime_s = lifetime_.by_policy ? by_kernel : lifetime_.seconds;
    kept.revalidating_s = control.stale_while_revalidate.value_or(0);
    kept.on_error_s = control.stale_if_error.value_or(0);
    const bool stale_allowed = control.stale_while_revalidate || control.stale_if_error;
    kept.must_revalidate = control.must_revalidate || control.proxy_revalidate || (control.s_maxage && !stale_allowed);
    kept.no_cache = control.no_cache;

    std::int64_t life_s = 0;  // the namespace's
    if (!lifetime_.by_policy) {
        const std::int64_t left = std::max<std::int64_t>(lifetime_.seconds - kept.initial_age_s, 0);
        std::int64_t after = std::max({kept.revalidating_s, kept.on_error_s, lookup_.revalidating_ms / 1000, lookup_.on_error_ms / 1000});
        if (facts_.has_validator()) after = std::max(after, gateway_.options.keep_s);
        life_s = left + after;
        if (life_s <= 0) return kept_done(LARDER_E_INVALID);
    }
    const StoredAnswers others({static_cast<const char*>(lookup_.item.value.data), lookup_.item.status == LARDER_OK ? lookup_.item.value.size : 0});
    value_ = others.with(fresh, gateway_.options.variants, gateway_.options.max_object * 2);

    set_ = {};
    set_.ns = lookup_.ns;
    set_.key = bytes_of(lookup_.key);
    set_.value = bytes_of(value_);
    set_.ttl_ms = life_s * 1000;
    // A live entry is replaced only if nobody else did meanwhile; else the fence of the miss judges.
    const bool live = lookup_.item.status == LARDER_OK && (lookup_.item.found & LARDER_FOUND_STALE) == 0;
    set_.flags = static_cast<std::uint32_t>(live ? LARDER_SET_IF_VERSION : LARDER_SET_FENCED);
    set_.if_version = live ? lookup_.item.version : 0;
    with_.clear();
    texts_.clear();
    if ((lookup_.flags & LARDER_SERVE_TAKES_TAGS) != 0) {
        constexpr std::string_view tag = "tag";
        std::size_t tags = 0;
        const auto take = [&](std::string_view text) {
            if (++tags <= most_tags) with_.push_back({bytes_of(tag), bytes_of(texts_.emplace_back(text))});
        };
        each_tag_line(tags_, take);
        if (graphql_.kind == GraphqlRequest::Kind::query && !each_object(kept_body_, take)) return kept_done(LARDER_E_INVALID);
        if (tags > most_tags) return kept_done(LARDER_E_TOO_LARGE);  // one that is not told of all would outlive some
        // Said to have none; an entry that says nothing goes with every tag that it could have.
        if (with_.empty()) with_.push_back({bytes_of(tag), bytes_of(std::string_view(""))});
    }
    set_.with = with_.data();
    set_.with_count = static_cast<std::uint32_t>(with_.size());
    larder_call with_us = call();
    with_us.role = LARDER_ROLE_WRITE;
    const larder_status status = gateway_.cache->set_many(gateway_.host.raw(), &set_, 1, &with_us);
    if (status == LARDER_PENDING) {
        later(&Exchange::set_answered);
        // The client need not wait for it.
        if (Client* const client = client_) {
            client_ = nullptr;
            client->exchange_over(keep_alive_);
            client->flush();
        }
        return;
    }
    kept_done(status);
}

// The set was answered later.
void Exchange::set_answered() { kept_done(done_status_); }

void Exchange::kept_done(larder_status status) {
    const bool kept = status == LARDER_OK && set_.status == LARDER_OK && set_.kept != 0;
    Counters& counters = home_.counters();
    if (kept) counters.stored.add();
    else if (status == LARDER_OK && (set_.status == LARDER_OK || set_.status == LARDER_E_CONFLICT)) counters.fenced.add();
    else counters.not_stored.add();
    finish(keep_alive_, kept, false);
}

// ---- what a write makes stale ---------------------------------------------------------------------

// RFC 9111 4.4: what is kept of the target, and of what Location and Content-Location name here; RFC 9875:
// the groups that the answer names.
void Exchange::collect_targets() {
    targets_.clear();
    const auto drop_path = [&](const Target& at) {
        larder_request rq{};
        rq.struct_size = sizeof rq;
        rq.method = bytes_of("GET");
        rq.path = bytes_of(at.path);
        rq.query = bytes_of(at.query);
        rq.headers = fields_.data();
        rq.header_count = static_cast<std::uint32_t>(fields_.size());
        larder_serve serve{};
        serve.struct_size = sizeof serve;
        if (gateway_.cache->serve(gateway_.host.raw(), &rq, &serve) != LARDER_OK) return;
        const std::string& key = texts_.emplace_back(text_of(serve.key));
        targets_.push_back({LARDER_TARGET_KEY, serve.ns, bytes_of(key)});
    };
    drop_path(target_);
    for (const Name name : {Name::location, Name::content_location}) {
        const std::string_view named = answer_.first(name);
        if (named.empty()) continue;
        Head other;
        other.text = std::string(named);
        other.target_size = static_cast<std::uint32_t>(named.size());
        Target at;
        if (!read_target(other, at)) continue;
        if (at.host.empty() || same_ignoring_case(at.host, target_.host)) drop_path(at);
    }
    if (!gateway_.options.groups) return;
    each_group(answer_, Name::cache_group_invalidation, [&](std::string_view group) { target_tag(group); });
}

void Exchange::target_tag(std::string_view tag) {
    each_spelling(tag, [&](std::string text) {
        const std::string& kept = texts_.emplace_back(std::move(text));
        targets_.push_back({LARDER_TARGET_TAG, LARDER_NS_NONE, bytes_of(kept)});
    });
}

void Exchange::fire() {
    if (!changes_things(request_.method()) || graphql_.kind == GraphqlRequest::Kind::query) return say_head();
    holding_ = graphql_.kind == GraphqlRequest::Kind::mutation && answer_.status < 300 && client_ != nullptr;
    step_ = Step::firing;
    fields_.clear();
    texts_.clear();
    give_fields(request_, fields_);
    rule_request_ = {};
    rule_request_.struct_size = sizeof rule_request_;
    rule_request_.status = answer_.status;
    rule_request_.method = bytes_of(request_.method());
    rule_request_.path = bytes_of(target_.path);
    rule_request_.query = bytes_of(target_.query);
    rule_request_.headers = fields_.data();
    rule_request_.header_count = static_cast<std::uint32_t>(fields_.size());
    if (capturing_) rule_request_.body = bytes_of(captured_);
    receipt_ = {};
    receipt_.struct_size = sizeof receipt_;
    const larder_call with_us = call();
    const larder_status status = gateway_.cache->request(gateway_.host.raw(), &rule_request_, &receipt_, &with_us);
    if (status == LARDER_PENDING) return later(&Exchange::fired);
    done_status_ = status;
    fired();
}

void Exchange::fired() {
    if (done_status_ < 0)
        gateway_.host.log(LARDER_LOG_ERROR, {"the rules of ", request_.method(), " ", target_.path.substr(0, 200), " could not be carried out"});
    home_.counters().rules.add(receipt_.rules);
    if (answer_.status < 200 || answer_.status >= 400) return say_head();
    collect_targets();
    if (targets_.empty()) return say_head();
    receipt_ = {};
    receipt_.struct_size = sizeof receipt_;
    const larder_call with_us = call();
    const larder_status status = gateway_.cache->change(gateway_.host.raw(), LARDER_DROP, targets_.data(), targets_.size(), &receipt_, &with_us);
    if (status == LARDER_PENDING) return later(&Exchange::say_head);
    say_head();
}

}  // namespace larder::http
