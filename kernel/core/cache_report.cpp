// kernel/core/cache_report.cpp -- what the cache says about itself.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/ledger.hpp"
#include "kernel/core/compression_report.hpp"

#include <boost/json.hpp>

namespace larder {
namespace {

constexpr const char* breaker_word(Breaker::State state) {
    switch (state) {
        case Breaker::State::closed: return "closed";
        case Breaker::State::open: return "open";
        case Breaker::State::half_open: return "half open";
    }
    return "";
}

boost::json::object json_of(const SpaceCounts& c) {
    const std::uint64_t asked = c.hits + c.misses;
    boost::json::object o{{"hits", c.hits}, {"misses", c.misses}, {"stale", c.stale}, {"absent", c.absent},
                          {"puts", c.puts}, {"removes", c.removes}, {"refused", c.refused}, {"errors", c.errors},
                          {"fenced", c.fenced}, {"loads", c.loads}, {"load_errors", c.load_errors}, {"waits", c.waits},
                          {"damaged", c.damaged}, {"dropped", c.dropped}, {"migrated", c.migrated}, {"unmigrated", c.unmigrated},
                          {"warmed", c.warmed}, {"withheld", c.withheld}, {"stripped", c.stripped}};
    o["hit_rate"] = asked == 0 ? 0.0 : static_cast<double>(c.hits) / static_cast<double>(asked);
    return o;
}

}  // namespace

std::vector<SpaceCounts> Cache::counts() const {
    const std::lock_guard lock(impl_->install_mutex);
    std::vector<SpaceCounts> all;
    for (const auto& [name, runtime] : impl_->runtimes) all.push_back(counts_of(*runtime));
    return all;
}

Remembers Cache::remembers() const {
    const ReadGuard guard;
    Remembers all{impl_->records.size(), 0, 0};
    for (const auto& authority : impl_->state.get()->authorities) {
        if (authority == nullptr) continue;
        const Authority::Counts c = authority->counts();
        all.shared_records = std::max<std::size_t>(all.shared_records, c.known);
        all.outbox = std::max<std::size_t>(all.outbox, c.outbox);
    }
    return all;
}

std::string Cache::stats_json(std::string_view section) const {
    if (section == "compression") return compression_json(figures());
    return section == "versions" ? impl_->versions_json() : impl_->stats(section);
}

std::string Cache::Impl::stats(std::string_view section) const {
    const ReadGuard guard;
    const State& s = *state.get();
    boost::json::object root;
    const auto wanted = [&](std::string_view name) { return section.empty() || section == name; };
    if (wanted("namespaces")) {
        boost::json::object spaces;
        for (const Space& space : s.spaces) {
            if (!space.keeps_entries()) continue;
            boost::json::object o = json_of(counts_of(*space.runtime));
            std::uint64_t entries = 0, bytes = 0;
            for (const SpaceTier& use : space.tiers) {
                const larder_store_stats stats = use.tier->stats(space.runtime->shelf);
                entries = space.demotes ? entries + stats.entries : std::max(entries, stats.entries);
                bytes += stats.bytes;
            }
            o["entries"] = entries;
            o["bytes"] = bytes;
            o["ttl_ms"] = space.ttl.count();
            if (const SpaceRuntime& run = *space.runtime; space.demotes)
                o["demotions"] = boost::json::object{{"placed", run.demoted.load()}, {"lost", run.undemoted.load()}, {"overtaken", run.overtaken.load()}};
            const Ledger ledger = ledger_of(counts_of(*space.runtime), space.runtime->loads.figures(), bytes);
            o["ledger"] = boost::json::object{{"queries_avoided", ledger.queries_avoided}, {"origin_queries", ledger.origin_queries}, {"warmed", ledger.ahead},
                                              {"ms_saved", std::round(ledger.ms_saved)}, {"load_ms", std::round(ledger.load_ms * 1000) / 1000}, {"bytes_spent", ledger.bytes},
                                              {"exact", ledger.exact}};
            spaces[space.ns->name] = std::move(o);
        }
        root["namespaces"] = std::move(spaces);
    }
    if (wanted("tiers")) {
        boost::json::object tiers;
        const std::uint64_t now = clock.mono_ns();
        for (const auto& tier : s.tiers) {
            const larder_store_stats stats = tier->stats(UINT32_MAX);
            boost::json::object one{
                {"plugin", tier->store().plugin}, {"entries", stats.entries}, {"bytes", stats.bytes},
                {"capacity_bytes", stats.capacity_bytes}, {"evictions", stats.evictions}, {"expirations", stats.expirations},
                {"hits", tier->counters().sum(Tier::hits)}, {"misses", tier->counters().sum(Tier::misses)},
                {"errors", tier->counters().sum(Tier::errors)}, {"bypassed", tier->counters().sum(Tier::bypassed)},
                {"breaker", breaker_word(tier->breaker().state(now))}, {"opened", tier->breaker().opened()}};
            const Ramp::Counts ramp = tier->ramp().counts();
            one["ramp"] = boost::json::object{{"loads_at_once", tier->ramp().limit(now)}, {"began", ramp.began}, {"waited", ramp.waited}, {"overran", ramp.overran}};
            for (const auto& authority : s.authorities) {
                if (authority == nullptr || &authority->tier() != tier.get()) continue;
                const Authority::Counts c = authority->counts();
                one["shared"] = boost::json::object{
                    {"trusted", authority->trusted()}, {"known_records", c.known}, {"pushes", c.pushes}, {"asked_again", c.verified},
                    {"taken_over", c.renewed}, {"outbox", c.outbox}, {"outbox_overflows", c.overflows}, {"sent_again", c.replayed}};
            }
            tiers[tier->store().name] = std::move(one);
        }
        root["tiers"] = std::move(tiers);
    }
    if (wanted("validity")) {
        root["validity"] = boost::json::object{{"records", records.size()}, {"epoch", records.epoch()}, {"bans", bans.list().size()},
                                               {"pending", pending.waiting()}, {"unexpected_answers", pending.unexpected()},
                                               {"guard_refusals", guard_refusals.load(std::memory_order_relaxed)}};
    }
    if (wanted("removals")) {
        boost::json::array last;
        for (const Removal& r : drops.last(32))
            last.push_back({{"at_ms", r.at_ms}, {"what", r.what}, {"cause", r.cause}, {"expire", r.expire}});
        root["removals"] = std::move(last);
    }
    if (wanted("policy")) {
        boost::json::array files;
        for (const std::string& file : s.policy->files) files.emplace_back(file);
        root["policy"] = boost::json::object{{"files", std::move(files)}, {"profile", s.policy->profile}, {"namespaces", s.policy->namespaces.size()},
                                             {"rules", s.policy->rules.size()}, {"fingerprint", std::to_string(s.policy->fingerprint)}};
    }
    return boost::json::serialize(root);
}

std::uint64_t Cache::each_event(std::uint64_t after, const std::function<void(std::uint64_t, std::uint64_t, int, std::string_view, std::string_view)>& fn) const {
    return impl_->events.each(after, [&](const Event& e) { fn(e.number, e.at_ms, e.severity, e.type, e.text); });
}

void Cache::note(int severity, std::string_view type, std::string text) {
    impl_->events.add(impl_->clock.wall_ms(), severity, type, std::move(text));
}

std::optional<Removal> Cache::removal(std::uint32_t ns, std::string_view raw) const {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    const Space* space = s.space(ns);
    std::string buffer;
    FieldedKey key;
    if (space == nullptr || !space->keeps_entries() || !make_key(*space, impl_->names, raw, buffer, key)) return std::nullopt;
    ScopeList scopes;
    entry_scopes(s, *space, impl_->names, key, nullptr, 0, scopes);
    scopes.add(impl_->names.key(space->ns->name, key.canonical));
    return impl_->drops.find(scopes.ids().data(), scopes.ids().size());
}

std::string Cache::why(std::uint32_t ns, std::string_view raw) const {
    const auto removal = this->removal(ns, raw);
    if (!removal) return {};
    const ReadGuard guard;
    const Space* space = impl_->state.get()->space(ns);
    std::string buffer;
    FieldedKey key;
    if (space == nullptr || !make_key(*space, impl_->names, raw, buffer, key)) return {};
    return shown_key(*space, key.canonical) + (removal->expire ? " was expired with " : " was dropped with ") + removal->what + " by " + removal->cause;
}

}  // namespace larder
