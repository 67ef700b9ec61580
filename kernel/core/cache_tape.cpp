// kernel/core/cache_tape.cpp -- what callers do, put on the tape while somebody records it.
//
// Out of line, all of it: who does not record passes by one branch. An operation is put down when its answer
// is known, with the cache's own time of it.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/request_values.hpp"

#include <algorithm>

namespace larder {
namespace {

constexpr std::array<std::string_view, 5> origins{"header", "query", "cookie", "json", "form"};

// The values that rules and guards of a policy take out of a request, with the texts they stand in.
class GivenTexts {
  public:
    void add(dsl::Origin origin, std::string_view field, std::string value) {
        std::string name(origins[static_cast<std::size_t>(origin)]);
        (name += ':').append(field);
        if (texts_.size() + 2 > Tape::most_parts - 8 || std::find(texts_.begin(), texts_.end(), name) != texts_.end()) return;
        texts_.push_back(std::move(name));
        texts_.push_back(std::move(value));
    }
    void append_to(std::vector<std::string_view>& parts) const { parts.insert(parts.end(), texts_.begin(), texts_.end()); }

  private:
    std::vector<std::string> texts_;
};

GivenTexts given_of(const State& s, const larder_request& rq, dsl::MethodSet method, std::string_view path) {
    GivenTexts out;
    dsl::RouteMatches matches;
    s.policy->routes.match(method, path, matches);
    RequestValues values(rq);
    const auto take = [&](dsl::Origin origin, const std::string& field) {
        if (origin == dsl::Origin::query) return;  // stands in the query itself
        if (auto value = values.find(origin, field)) out.add(origin, field, std::move(*value));
    };
    for (const dsl::RouteMatch& match : matches) {
        const dsl::Rule& rule = s.policy->rules[match.rule];
        for (const dsl::Let& let : rule.lets) take(let.origin, let.field);
        if (rule.serve)
            for (const auto& [origin, field] : rule.serve->unless) take(origin, field);
    }
    return out;
}

}  // namespace

void Cache::Impl::tape_get(const Space& space, const EntryKey& key, TapedOutcome outcome, std::uint32_t flags, std::int64_t ttl_ms,
                           std::uint64_t size, std::uint64_t now_ns) const {
    if (!tape.takes(key.hash)) return;
    Taped what;
    what.kind = TapedKind::get;
    what.ns = space.runtime->number;
    what.at_ns = now_ns;
    what.outcome = static_cast<std::uint8_t>(outcome);
    if ((flags & LARDER_GET_FENCE) != 0) what.flags |= Taped::fence;
    if ((flags & LARDER_GET_STALE) != 0) what.flags |= Taped::takes_stale;
    what.ttl_ms = ttl_ms;
    what.size = size;
    const std::array<std::string_view, 1> parts{key.canonical};
    tape.write(what, parts);
}

void Cache::Impl::tape_item(const Space& space, const EntryKey& key, TapedOutcome outcome, std::uint32_t flags, const larder_cache_get& item,
                            std::uint64_t now_ns) const {
    tape_get(space, key, outcome, flags, item.ttl_ms, item.value.size, now_ns);
}

void Cache::Impl::tape_visit(const Space& space, const EntryKey& key, Tier& tier, std::uint64_t now_ns) {
    if (!tape.takes(key.hash)) return;
    Found found;
    std::int64_t ttl = -1;
    std::uint64_t size = 0;
    if (tier.get(key.store_key(space.runtime->shelf), LARDER_CALL_PEEK, now_ns, 0, found.value) == LARDER_OK &&
        judge(space, key, tier, found.value.bytes(), now_ns, records.epoch(), found.entry, found.stale_since_ns) == Verdict::live) {
        ttl = ttl_left(found.entry.head(), now_ns);
        size = found.entry.head().raw_size;
    }
    tape_get(space, key, TapedOutcome::hit, 0, ttl, size, now_ns);
}

void Cache::Impl::tape_put(const Space& space, const EntryKey& key, const NewEntry& entry, std::uint64_t now_ns) const {
    if (!tape.takes(key.hash)) return;
    Taped what;
    what.kind = TapedKind::put;
    what.ns = space.runtime->number;
    what.at_ns = now_ns;
    what.size = entry.value.size();
    what.ttl_ms = entry.ttl_ms;
    what.cost_us = entry.cost_us;
    if (entry.absent) what.flags |= Taped::negative;
    if (entry.fence != nullptr) {
        what.flags |= Taped::fill;
        if (what.cost_us == 0 && entry.fence->at_ns != 0) what.cost_us = (now_ns - std::min(now_ns, entry.fence->at_ns)) / 1000;
    }
    std::vector<std::string_view> parts{key.canonical};
    for (std::size_t i = 0; i < entry.with_count; ++i) {
        parts.push_back(view(entry.with[i].name));
        parts.push_back(view(entry.with[i].value));
    }
    tape.write(what, parts);
}

void Cache::Impl::tape_key(TapedKind kind, const Space& space, const EntryKey& key, std::int64_t ttl_ms, std::uint64_t now_ns) const {
    if (!tape.takes(key.hash)) return;
    Taped what;
    what.kind = kind;
    what.ns = space.runtime->number;
    what.at_ns = now_ns;
    what.ttl_ms = ttl_ms;
    const std::array<std::string_view, 1> parts{key.canonical};
    tape.write(what, parts);
}

void Cache::Impl::tape_change(std::uint32_t action, const larder_target& target) const {
    Taped what;
    what.kind = TapedKind::change;
    what.at_ns = clock.mono_ns();
    what.action = static_cast<std::uint8_t>(action);
    what.target = static_cast<std::uint8_t>(target.kind);
    if (target.kind <= LARDER_TARGET_MATCHING) what.ns = target.ns;
    const std::array<std::string_view, 1> parts{view(target.what)};
    tape.write(what, parts);
}

void Cache::Impl::tape_request(const State& s, const larder_request& rq, dsl::MethodSet method, std::string_view path) const {
    Taped what;
    what.kind = TapedKind::request;
    what.at_ns = clock.mono_ns();
    what.status = static_cast<std::uint16_t>(rq.status == 0 ? 200 : std::min<std::uint32_t>(rq.status, 999));
    const GivenTexts given = given_of(s, rq, method, path);
    std::vector<std::string_view> parts{view(rq.method), path, view(rq.query)};
    given.append_to(parts);
    tape.write(what, parts);
}

void Cache::Impl::tape_ask(const State& s, const larder_request& rq, std::string_view path, const larder_serve* served) const {
    // The paths of one key in so many: each of them whole.
    if (!tape.takes(std::hash<std::string_view>()(path))) {
        if (served == nullptr) return;
    }
    Taped what;
    what.kind = TapedKind::ask;
    what.at_ns = clock.mono_ns();
    std::string_view key;
    if (served != nullptr) {
        const Space* const space = s.space(served->ns);
        EntryKey entry;
        if (space == nullptr || !find_key(*space, names, view(served->key), entry) || !tape.takes(entry.hash)) return;
        what.ns = served->ns;
        what.flags |= Taped::served;
        key = view(served->key);
    }
    const GivenTexts given = given_of(s, rq, dsl::method_get, path);
    std::vector<std::string_view> parts{key, view(rq.method), path, view(rq.query)};
    given.append_to(parts);
    tape.write(what, parts);
}

void Cache::Impl::tape_event(std::string_view name, const larder_pair* pairs, std::size_t n) const {
    Taped what;
    what.kind = TapedKind::event;
    what.at_ns = clock.mono_ns();
    std::vector<std::string_view> parts{name};
    for (std::size_t i = 0; i < std::min<std::size_t>(n, 64); ++i) {
        parts.push_back(view(pairs[i].name));
        parts.push_back(view(pairs[i].value));
    }
    tape.write(what, parts);
}

Tape& Cache::tape() { return impl_->tape; }

}  // namespace larder
