// kernel/core/cache_install.cpp -- a policy and stores become a State.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/packing.hpp"

#include <algorithm>

namespace larder {
namespace {

void release_owned(larder_value* v) noexcept { delete static_cast<std::string*>(v->pin); }

RampOptions ramp_options(const dsl::Policy& policy, std::string_view store) {
    RampOptions options;
    for (const dsl::Breaker& breaker : policy.breakers)
        if (breaker.store == store) options = {breaker.ramp, breaker.ramp_step};
    return options;
}

BreakerOptions breaker_options(const dsl::Policy& policy, std::string_view store) {
    BreakerOptions options;
    for (const dsl::Breaker& breaker : policy.breakers)
        if (breaker.store == store) options = {breaker.failures, breaker.probes, breaker.retry_after};
    return options;
}

// Records live twice as long as the longest entry, so that one that is renewed at its first use in the second
// half never lapses under an entry.
Ms longest_life(const State& s) {
    Ms longest = default_absolute_limit;
    for (const Space& space : s.spaces)
        if (space.ns->ttl) longest = std::max(longest, std::max(space.ttl, space.ns->ttl->at_most) + space.stale);
    return 2 * longest;
}

}  // namespace

larder_value owned_value(std::string text) {
    auto* keep = new std::string(std::move(text));
    return {keep->data(), keep->size(), &release_owned, keep};
}

std::string shown_key(const Space& space, std::string_view canonical) {
    return space.ns->name + " \"" + space.ns->key->raw(canonical) + "\"";
}

Cache::Impl::Impl(const CacheOptions& given)
    : options(given),
      clock(*given.clock),
      random(*given.random),
      executor(*given.executor),
      names(given.binding_secret),
      records(given.records, random),
      bans(random.next()),
      fences(given.fences),
      pending(executor),
      process_secret{random.next(), random.next()} {}

Cache::Impl::~Impl() {
    stopping.store(true);
    if (behind != nullptr) behind->stop(0);
    executor.cancel(sweep_timer.load());
    if (const State* last = state.get())
        for (const auto& authority : last->authorities)
            if (authority != nullptr) authority->close();
    executor.cancel(tend_timer.load());
    for (const auto& [name, runtime] : runtimes) runtime->packing->close();
    if (demotions != nullptr) demotions->close();
    // Now, and what reloads left behind too: a State holds plugins, which call services of the owner.
    state.replace(nullptr);
}

Cache::Cache(const CacheOptions& options) : impl_(std::make_unique<Impl>(options)) { impl_->start_sweep(); }
Cache::~Cache() = default;

SpaceRuntime& Cache::Impl::runtime(std::string_view name) {
    const auto it = runtimes.find(name);
    if (it != runtimes.end()) return *it->second;
    auto made = std::make_unique<SpaceRuntime>();
    made->name = name;
    made->number = next_number++;
    made->shelf = next_shelf.fetch_add(1);
    made->packing = std::make_shared<Packing>();
    return *runtimes.emplace(made->name, std::move(made)).first->second;
}

void Cache::Impl::install(CacheParts parts) {
    const std::lock_guard lock(install_mutex);
    auto next = std::make_unique<State>();
    next->policy = parts.policy;
    next->parts = std::move(parts);
    const dsl::Policy& p = *next->policy;

    // A store that stays keeps its tier, and with it its breaker and counters. No guard: only install
    // replaces the state, and its mutex is held.
    const State* old = state.get();
    std::vector<std::shared_ptr<Authority>> fresh;
    for (const StoreHandle& store : next->parts.stores) {
        std::shared_ptr<Tier> tier;
        if (old != nullptr)
            for (const auto& known : old->tiers)
                if (known->store().self == store.self && known->store().name == store.name) tier = known;
        if (tier == nullptr) tier = std::make_shared<Tier>(store, breaker_options(p, store.name), clock, pending);
        else tier->breaker().configure(breaker_options(p, store.name));
        tier->ramp().configure(ramp_options(p, store.name));
        std::shared_ptr<Authority> authority;
        if (old != nullptr)
            for (std::size_t i = 0; i < old->tiers.size(); ++i)
                if (old->tiers[i] == tier) authority = old->authorities[i];
        if (authority == nullptr && store.shared != nullptr) {
            Authority::Options bounds;
            bounds.records = options.shared_records;
            bounds.outbox = options.outbox;
            authority = std::make_shared<Authority>(tier, names.root(), clock, random, executor, listener(store.name), bounds);
            fresh.push_back(authority);
        }
        next->tiers.push_back(std::move(tier));
        next->authorities.push_back(std::move(authority));
    }
    std::vector<std::shared_ptr<Authority>> gone;
    if (old != nullptr)
        for (const auto& authority : old->authorities)
            if (authority != nullptr && std::find(next->authorities.begin(), next->authorities.end(), authority) == next->authorities.end())
                gone.push_back(authority);
    for (const CodecHandle& codec : next->parts.codecs) {
        const std::uint32_t id = codec.table->codec_id;
        if (id >= next->by_codec.size()) next->by_codec.resize(id + 1, nullptr);
        next->by_codec[id] = &codec;
    }
    std::vector<std::pair<ScopeId, RecordTable::Cell*>> watches;
    std::vector<std::uint32_t> left;  // shelves
    if (demotions == nullptr && std::any_of(p.namespaces.begin(), p.namespaces.end(), [](const dsl::Namespace& n) { return n.demote; }))
        demotions = std::make_unique<Demotions>(executor, process_secret, Demotions::Bounds{options.demotions, options.demotion_bytes},
                                                [this](Demotions::Victim& victim) { demote(victim); }, [this](std::uint32_t shelf) { count_lost(shelf); });
    next->spaces.resize(p.namespaces.size());
    next->on_drop.resize(p.namespaces.size());
    for (dsl::NamespaceIndex i = 0; i < p.namespaces.size(); ++i) {
        Space& space = next->spaces[i];
        space.ns = &p.namespaces[i];
        space.index = i;
        space.runtime = &runtime(space.ns->name);
        space.hash_secret = {process_secret.first, process_secret.second + space.runtime->number};
        build_space(space, *next, names, options.max_value_bytes);
        SpaceRuntime& run = *space.runtime;
        // Below may lie what was put before it demoted, and nobody took note of that.
        const auto before = old != nullptr ? old->policy->find(space.ns->name) : std::nullopt;
        const bool begins_to_demote = space.demotes && before && !old->spaces[*before].demotes;
        if (run.schema != space.schema || begins_to_demote) {
            // Its entries lack scopes or have others: none is valid, and their memory comes back now. An
            // operation that still runs under the old policy may put one more; the generation tells.
            if (run.schema != 0) left.push_back(run.shelf.exchange(next_shelf.fetch_add(1), std::memory_order_acq_rel));
            run.schema = space.schema;
            ++run.generation;
        }
        space.generation = run.generation & HeadedMark::generation_mask;
        for (const ScopeId scope : space.chain) watches.emplace_back(scope, &run.changed);
        if (space.suspect != 0) watches.emplace_back(space.suspect, &run.changed);
        watches.emplace_back(names.bans_of(space.ns->name), &run.changed);
        if (space.runtime->number >= next->by_number.size()) next->by_number.resize(space.runtime->number + 1, nullptr);
        next->by_number[space.runtime->number] = &space;
        space.limit(space.runtime->shelf, demotion_sink());
        run.packing->configure(pack_rules(*space.ns), next->parts.codecs);
    }
    join_sources(*next, old);
    for (std::uint32_t r = 0; r < p.rules.size(); ++r)
        if (p.rules[r].kind == dsl::TriggerKind::drop_of)
            for (const dsl::NamespaceIndex i : p.under(p.rules[r].of)) next->on_drop[i].push_back(r);
    for (const dsl::Rule& rule : p.rules) next->fired.push_back(&rule_counts[rule.where.text() + " " + rule.head]);
    policy = next->policy;
    const std::vector<std::shared_ptr<Tier>> tiers = next->tiers;
    std::vector<std::shared_ptr<Tier>> emptied;
    for (std::size_t i = 0; i < tiers.size(); ++i)
        if (old != nullptr && next->parts.stores[i].empty_on_reload) emptied.push_back(tiers[i]);
    records.watch(std::move(watches));
    for (const auto& authority : next->authorities)
        if (authority != nullptr) authority->set_record_life(longest_life(*next));
    state.replace(std::move(next));
    for (const auto& tier : emptied) executor.post(true, [tier] { tier->clear(UINT32_MAX); });
    for (const auto& authority : fresh) authority->open();
    for (const auto& authority : gone) authority->close();
    for (const std::uint32_t shelf : left) clear_shelf(tiers, shelf);
    const bool learns = std::any_of(runtimes.begin(), runtimes.end(), [](const auto& one) { return one.second->packing->learns(); });
    if (learns && tend_timer.load() == 0) start_tending();
    if (behind != nullptr) behind->start();
}

void Cache::install(CacheParts parts) { impl_->install(std::move(parts)); }

std::shared_ptr<const dsl::Policy> Cache::policy() const {
    const std::lock_guard lock(impl_->install_mutex);
    return impl_->policy;
}

larder_status Cache::ns_find(std::string_view name, std::uint32_t* ns) const {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    const auto index = s.policy->find(name);
    if (!index) return LARDER_MISS;
    *ns = s.number(*index);
    return LARDER_OK;
}

larder_status Cache::ns_name(std::uint32_t ns, larder_bytes* name) const {
    const ReadGuard guard;
    const Space* space = impl_->state.get()->space(ns);
    if (space == nullptr) return LARDER_MISS;
    *name = bytes_of(space->runtime->name);  // a runtime lives as long as the cache
    return LARDER_OK;
}

larder_status Cache::resolve(std::string_view full_key, std::uint32_t fallback, std::uint32_t* ns, std::uint32_t* prefix) const {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    if (const auto found = s.policy->resolve(full_key)) {
        *ns = s.number(found->ns);
        *prefix = found->prefix;
        return LARDER_OK;
    }
    if (fallback == LARDER_NS_NONE) return LARDER_MISS;
    *ns = fallback;
    *prefix = 0;
    return LARDER_OK;
}

larder_status Cache::check_key(std::uint32_t ns, std::string_view key, larder_errbuf* err) const {
    const ReadGuard guard;
    const Space* space = impl_->state.get()->space(ns);
    const auto refuse = [&](const std::string& why) {
        if (err != nullptr && err->cap > 0) {
            err->len = static_cast<std::uint32_t>(std::min<std::size_t>(why.size(), err->cap - 1));
            std::copy_n(why.data(), err->len, err->buf);
            err->buf[err->len] = 0;
        }
        return LARDER_E_INVALID;
    };
    if (space == nullptr) return refuse("there is no such namespace");
    if (!space->keeps_entries()) return refuse("namespace " + space->ns->name + " has no key and keeps no entries itself");
    if (key.size() > impl_->options.max_key_bytes)
        return refuse("the key has " + std::to_string(key.size()) + " bytes, the limit is " + std::to_string(impl_->options.max_key_bytes));
    dsl::Fields fields;
    if (!space->ns->key->read(key, fields))
        return refuse("the key does not fit: keys of " + space->ns->name + " look like \"" + space->ns->key->pattern().source + "\"");
    return LARDER_OK;
}

}  // namespace larder
