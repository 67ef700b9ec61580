// kernel/core/cache_drop.cpp -- drop, expire, refresh: targets become changed scopes.
//
//   everything   the root record
//   namespace    its record; children carry the whole chain, so one is enough
//   tag          its record, and for entries that could carry it without saying so, one per namespace
//   key          its record, and the entry is taken out of every tier
//   matching     a declared pattern: the record of the tuple; else a ban
//
// No cost here grows with the number of entries.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/mutant.hpp"

#include <algorithm>
#include <tuple>

#include <boost/json.hpp>

namespace larder {

std::uint64_t Cache::Impl::change_scope(ScopeId scope, bool expire, const std::string& what, const Cause& cause) {
    const std::uint64_t epoch = expire ? records.expire(scope, clock.mono_ns()) : records.drop(scope);
    drops.add({scope, clock.wall_ms(), epoch, expire, what, cause.text});
    SharedChanges::add(scope, expire);
    return epoch;
}

void Cache::Impl::change_own_scope(const Space& space, const EntryKey& key, bool expire, const Cause& cause) {
    const std::uint64_t epoch = change_scope(names.key(space.ns->name, key.canonical), expire, shown_key(space, key.canonical), cause);
    stripe(key).changed.store(epoch, std::memory_order_release);
    if (space.ns->has_any_dependents) change_scope(names.any_of(space.ns->name), expire, space.ns->name, cause);
}

void Cache::Impl::new_shelves(const State& s, const std::vector<dsl::NamespaceIndex>& spaces) {
    for (const dsl::NamespaceIndex i : spaces) {
        const Space& space = s.spaces[i];
        if (!space.keeps_entries()) continue;
        const std::uint32_t next = next_shelf.fetch_add(1);
        space.limit(next, space.demotes ? demotion_sink() : larder_demotion{});
        const std::uint32_t old = space.runtime->shelf.exchange(next, std::memory_order_acq_rel);
        clear_shelf(s.tiers, old);
    }
}

void Cache::Impl::clear_shelf(const std::vector<std::shared_ptr<Tier>>& tiers, std::uint32_t shelf) {
    for (const auto& tier : tiers)
        if (!tier->foreign())
            executor.post(true, [tier, shelf] { tier->clear(shelf); });
}

void Cache::Impl::change_namespace(const State& s, dsl::NamespaceIndex ns, bool expire, const Cause& cause) {
    const dsl::Namespace& n = s.policy->namespaces[ns];
    change_scope(names.namespace_(n.name), expire, n.name, cause);
    if (!expire) new_shelves(s, s.policy->under(ns));
}

void Cache::Impl::change_key(const State& s, const ChangeOrder& order, const Cause& cause) {
    const Space& space = s.spaces[order.ns];
    EntryKey key;
    if (!space.keeps_entries() || !make_canonical_key(space, names, order.text, key)) return;
    const std::uint64_t now = clock.mono_ns(), until = deadline(nullptr, now);
    const std::lock_guard lock(stripe(key).mutex);
    if (order.action != dsl::Action::expire || space.stale.count() == 0) {
        erase(space, key, now, until, cause);
        return;
    }
    // Expired: it stays, its soft deadline is now. In the short form its own scope's record says so; what
    // carries a digest is given a new head.
    std::optional<EnvelopeHead> newest;
    const std::uint64_t epoch = records.epoch();
    if (space.authority != nullptr) return expire_shared(s, space, key, now, until, cause);
    for (const SpaceTier& use : space.tiers) {
        Found copy;
        if (use.tier->headed()) continue;
        const larder_status status = use.tier->get(key.store_key(space.runtime->shelf), LARDER_CALL_PEEK, now, until, copy.value);
        if (status < 0) use.tier->unremoved().add(key.binding, now);
        if (status == LARDER_OK) {
            copy.verdict = judge(space, key, *use.tier, copy.value.bytes(), now, epoch, copy.entry, copy.stale_since_ns);
            if (copy.any()) newest = copy.entry.head();
        }
    }
    change_own_scope(space, key, true, cause);
    if (newest) {  // tiers hold copies of one entry: writers leave them so
        EnvelopeHead head = *newest;
        const std::uint64_t soft = std::max<std::uint64_t>(head.age_ms(now), 1);
        const std::uint64_t hard = soft + static_cast<std::uint64_t>(space.stale.count());
        head.soft_ms = head.soft_ms == 0 ? soft : std::min(head.soft_ms, soft);
        head.hard_ms = head.hard_ms == 0 ? hard : std::min(head.hard_ms, hard);
        touch_tiers(space, key, head, now, until, true);
    }
    stripe(key).writes.fetch_add(1, std::memory_order_acq_rel);
}

// Put again as another entry, and not touched: who replaces what was live before, or loads since then, is refused.
// The price is the value's way there and back.
void Cache::Impl::expire_shared(const State& s, const Space& space, const EntryKey& key, std::uint64_t now, std::uint64_t until, const Cause& cause) {
    if (space.below != nullptr) {
        expire_shared(s, *space.below, key, now, until, cause);
        return forget_copies(space, key, now, until);
    }
    Found found = present(s, space, key, now, until);
    // Nothing is there that could become stale, but somebody may be loading it.
    if (!found.any()) return erase(space, key, now, until, cause);
    change_own_scope(space, key, true, cause);
    Remade again(space, *this, found);
    const EnvelopeHead& head = found.entry.head();
    const std::uint64_t age_ms = head.age_ms(now), window = static_cast<std::uint64_t>(space.stale.count()) + 1;
    again.live(1, head.hard_ms == 0 ? window : std::min(head.hard_ms - std::min(age_ms, head.hard_ms - 1), window));
    again.rename(random.next());
    NewEntry same;
    same.replaces = head.id;
    same.judged = &found;
    Envelope envelope = again.envelope();
    const std::vector<ScopeId> own = unsaid_scopes(s, space, names, key.canonical, envelope);
    same.own = own;
    const bool put = again.good() && put_shared(space, key, same, envelope, found.entry.payload(), now, until) == LARDER_OK;
    // Another one stands there, or nobody knows: it goes, now or from the outbox.
    if (!put) SharedChanges::remove(space, key.canonical);
    forget_above(space, key, now);
    stripe(key).writes.fetch_add(1, std::memory_order_acq_rel);
}

void Cache::Impl::change_tag(const State& s, const ChangeOrder& order, const Cause& cause) {
    const bool expire = order.action == dsl::Action::expire;
    const std::string what = "tag \"" + order.text + "\"";
    if (mutant(Mutant::tag_before_late)) change_scope(names.tag(order.text), expire, what, cause);
    // Late numbers first: who stamps a late tag reads them last (cache_shared.cpp).
    for (const Space& space : s.spaces) {
        const auto could = [&](const std::vector<dsl::Template>& tags) {
            return std::any_of(tags.begin(), tags.end(), [&](const dsl::Template& tag) { return tag.could_make(order.text); });
        };
        const bool late = could(space.ns->late_tags);
        if (late) change_scope(names.late_of(space.ns->name), expire, what, cause);
        if (space.ns->has_any_dependents && (late || could(space.ns->tags))) change_scope(names.any_of(space.ns->name), expire, what, cause);
    }
    if (!mutant(Mutant::tag_before_late)) change_scope(names.tag(order.text), expire, what, cause);
}

void Cache::Impl::ban(const State& s, const ChangeOrder& order, const Cause& cause, Receipt& receipt) {
    const bool expire = order.action == dsl::Action::expire;
    const std::uint64_t now = clock.mono_ns();
    for (const dsl::NamespaceIndex i : s.policy->under(order.ns)) {
        const Space& space = s.spaces[i];
        if (!space.keeps_entries()) continue;
        if (space.authority != nullptr) {
            receipt.notes.push_back("a pattern that the policy does not declare drops all of " + space.ns->name + ", which is shared");
            change_namespace(s, i, expire, cause);
            continue;
        }
        const std::string what = space.ns->name + " matching \"" + order.text + "\"";
        Ban entry;
        entry.ns = space.runtime->number;
        entry.expire = expire;
        entry.glob = order.text;
        entry.at_ns = now;
        const auto life = static_cast<std::uint64_t>((absolute_limit(space) + space.stale).count()) * 1'000'000;
        entry.retires_ns = space.ns->ttl ? now + life : 0;
        const std::uint64_t number = bans.add(std::move(entry), now);
        if (number == 0) {
            receipt.notes.push_back("too many patterns are remembered already: all of " + space.ns->name + " goes");
            change_namespace(s, i, expire, cause);
            continue;
        }
        // The ban's own record: nobody carries it but dependents; changing it moves the epoch on.
        bans.settle(number, change_scope(names.bans_of(space.ns->name), expire, what, cause));
        if (space.ns->has_any_dependents) change_scope(names.any_of(space.ns->name), expire, what, cause);
    }
}

void Cache::Impl::change_matching(const State& s, const ChangeOrder& order, const Cause& cause, Receipt& receipt) {
    const dsl::Namespace& target = s.policy->namespaces[order.ns];
    if (order.pattern == dsl::none || order.pattern >= target.patterns.size() || !target.patterns[order.pattern].bounded()) {
        ban(s, order, cause, receipt);
        return;
    }
    const bool expire = order.action == dsl::Action::expire;
    const std::string shape = target.patterns[order.pattern].shape();
    for (const dsl::NamespaceIndex i : s.policy->under(order.ns)) {
        const dsl::Namespace& ns = s.policy->namespaces[i];
        const auto same = [&](const dsl::Pattern& pattern) { return pattern.shape() == shape; };
        if (std::none_of(ns.patterns.begin(), ns.patterns.end(), same)) continue;
        const std::string what = ns.name + " matching \"" + order.text + "\"";
        change_scope(names.pattern(ns.name, shape, order.tuple), expire, what, cause);
        change_scope(names.overflow(ns.name, shape), expire, what, cause);
        if (ns.has_any_dependents) change_scope(names.any_of(ns.name), expire, what, cause);
    }
}

void Cache::Impl::refresh(const State& s, const ChangeOrder& order, Receipt& receipt) {
    if (order.kind == dsl::TargetKind::key && s.parts.reload) {
        const Space& space = s.spaces[order.ns];
        if (space.source != nullptr && space.source->loads() && s.parts.reload(space.runtime->number, space.ns->key->raw(order.text))) ++receipt.warmed;
    }
    refresh(s, order.ns, receipt);
}

void Cache::Impl::refresh(const State& s, dsl::NamespaceIndex ns, Receipt& receipt) {
    if (!s.parts.warm || ns == dsl::none) return;
    const std::vector<dsl::NamespaceIndex> reach = s.policy->under(ns);
    std::vector<std::uint32_t> items;
    for (std::uint32_t i = 0; i < s.policy->warms.size(); ++i)
        if (std::find(reach.begin(), reach.end(), s.policy->warms[i].ns) != reach.end()) items.push_back(i);
    if (!items.empty()) receipt.warmed += s.parts.warm(items);
}

// Rules `on drop of` that this statement can reach: each fires once for each key that is named, once for all others.
void Cache::Impl::fire_on_drop(const State& s, const ChangeOrder& order, std::vector<ChangeOrder>& more, FiredOnDrop& fired, Receipt& receipt) {
    std::vector<dsl::NamespaceIndex> reached;
    switch (order.kind) {
        case dsl::TargetKind::key: reached = {order.ns}; break;
        case dsl::TargetKind::namespace_:
        case dsl::TargetKind::matching: reached = s.policy->under(order.ns); break;
        case dsl::TargetKind::everything:
            for (const Space& space : s.spaces) reached.push_back(space.index);
            break;
        case dsl::TargetKind::tag:
            for (const Space& space : s.spaces) {
                const auto could = [&](const dsl::Template& tag) { return tag.could_make(order.text); };
                if (std::any_of(space.ns->tags.begin(), space.ns->tags.end(), could) ||
                    std::any_of(space.ns->late_tags.begin(), space.ns->late_tags.end(), could))
                    reached.push_back(space.index);
            }
            break;
    }
    for (const dsl::NamespaceIndex ns : reached)
        for (const std::uint32_t r : s.on_drop[ns]) {
            if (fired.contains({r, {}})) continue;  // for all keys
            const dsl::Rule& rule = s.policy->rules[r];
            std::vector<std::string_view> values(rule.variables.size());
            std::optional<std::vector<std::string>> fields;
            if (rule.of_key && order.kind == dsl::TargetKind::key) {
                fields = rule.of_key->parse_canonical(order.text);
                if (!fields) continue;  // another key than the rule speaks of
                for (std::size_t i = 0; i < fields->size() && i < values.size(); ++i) values[i] = (*fields)[i];
            }
            if (!fired.insert({r, fields ? order.text : std::string()}).second) continue;
            rule_orders(s, rule, values, more, receipt);
        }
}

void Cache::Impl::tell(const State& s, const std::vector<ChangeOrder>& orders) {
    if (!s.parts.changed || orders.empty()) return;
    std::vector<Change> changes;
    changes.reserve(orders.size());
    for (const ChangeOrder& order : orders) {
        Change change{order.action, order.kind, order.text, {}};
        if (order.kind == dsl::TargetKind::key)
            change.namespaces = {s.policy->namespaces[order.ns].name};
        else if (order.kind == dsl::TargetKind::namespace_ || order.kind == dsl::TargetKind::matching)
            for (const dsl::NamespaceIndex i : s.policy->under(order.ns)) change.namespaces.push_back(s.policy->namespaces[i].name);
        changes.push_back(std::move(change));
    }
    s.parts.changed(changes);
}

void Cache::Impl::carry_out(const State& s, std::vector<ChangeOrder>& orders, const Cause& cause, Receipt& receipt) {
    FiredOnDrop fired;
    SharedChanges shared(*this, s);
    for (std::size_t i = 0; i < orders.size(); ++i) {
        std::vector<ChangeOrder> more;
        fire_on_drop(s, orders[i], more, fired, receipt);
        for (ChangeOrder& order : more) orders.push_back(std::move(order));
    }
    // One target, the strongest action: Action counts from the strongest.
    std::stable_sort(orders.begin(), orders.end(), [](const ChangeOrder& a, const ChangeOrder& b) { return a.order() < b.order(); });
    orders.erase(std::unique(orders.begin(), orders.end(),
                             [](const ChangeOrder& a, const ChangeOrder& b) {
                                 return std::tie(a.kind, a.ns, a.text, a.pattern, a.tuple) == std::tie(b.kind, b.ns, b.text, b.pattern, b.tuple);
                             }),
                 orders.end());
    if (receipt.rehearsal) return rehearse(s, orders, receipt);
    const std::uint64_t began_ns = clock.fine_ns();
    for (const ChangeOrder& order : orders) {
        const bool expire = order.action == dsl::Action::expire;
        targets.add(static_cast<std::size_t>(order.kind) * 3 + cause.kind);
        switch (order.kind) {
            case dsl::TargetKind::key: change_key(s, order, cause); break;
            case dsl::TargetKind::namespace_: change_namespace(s, order.ns, expire, cause); break;
            case dsl::TargetKind::matching: change_matching(s, order, cause, receipt); break;
            case dsl::TargetKind::tag: change_tag(s, order, cause); break;
            case dsl::TargetKind::everything: {
                change_scope(names.root(), expire, "everything", cause);
                std::vector<dsl::NamespaceIndex> all;
                for (const Space& space : s.spaces) all.push_back(space.index);
                if (!expire) new_shelves(s, all);
                if (cause.client != 0) fences.forget_client(cause.client);
                break;
            }
        }
        switch (order.action) {
            case dsl::Action::drop: ++receipt.dropped; break;
            case dsl::Action::expire: ++receipt.expired; break;
            case dsl::Action::refresh: ++receipt.refreshed; break;
        }
        receipt.lines.push_back(order.shown);
    }
    const std::uint64_t sent_ns = clock.mono_ns();
    if (!shared.send(sent_ns, deadline(nullptr, sent_ns))) receipt.notes.push_back("a shared store does not answer: what it has to be told waits");
    // When everybody has been told: what is loaded now is newer.
    for (const ChangeOrder& order : orders)
        if (order.action == dsl::Action::refresh) refresh(s, order, receipt);
    changing.add(clock.fine_ns() - began_ns);
    if (!orders.empty()) {
        std::string text = cause.text + ":";
        for (const std::string& line : receipt.lines) text += " " + line + ";";
        text.pop_back();
        events.add(clock.wall_ms(), LARDER_LOG_INFO, "invalidate", std::move(text));
    }
    tell(s, orders);
}

void Cache::Impl::write_receipt(const Receipt& from, std::uint64_t began_ns, larder_receipt* to) const {
    if (to == nullptr) return;
    to->rules = static_cast<std::uint32_t>(from.rules.size());
    to->dropped = from.dropped;
    to->expired = from.expired;
    to->refreshed = from.refreshed;
    to->warmed = from.warmed;
    to->took_ns = clock.fine_ns() - began_ns;
    if (to->want_json == 0) return;
    boost::json::object o;
    boost::json::array rules;
    for (const auto& rule : from.rules) rules.push_back({{"where", rule.where}, {"rule", rule.head}});
    o["rules"] = std::move(rules);
    o["changes"] = boost::json::array(from.lines.begin(), from.lines.end());
    o["dropped"] = from.dropped;
    o["expired"] = from.expired;
    o["refreshed"] = from.refreshed;
    o["warmed"] = from.warmed;
    if (from.rehearsal) {
        o["rehearsal"] = true;
        o["entries"] = from.entries;
        o["counted"] = from.counted;
        o["sample"] = boost::json::array(from.samples.begin(), from.samples.end());
    }
    if (!from.refused.empty()) {
        boost::json::array refused;
        for (const GuardBreach& breach : from.refused)
            refused.push_back({{"guard", breach.guard.text},
                               {"where", breach.guard.where.text()},
                               {"of", breach.of},
                               {"entries", breach.goes},
                               {"kept", breach.live},
                               {"counted", breach.unknown ? "unknown" : std::string(word_of(breach.counted))},
                               {"share", breach.share},
                               {"text", breach_text(breach)}});
        o["refused"] = std::move(refused);
    }
    if (!from.notes.empty()) o["notes"] = boost::json::array(from.notes.begin(), from.notes.end());
    o["took_us"] = to->took_ns / 1000;
    to->json = owned_value(boost::json::serialize(o));
}

larder_status Cache::Impl::refuse(const Receipt& made, const std::string& what, std::uint64_t began_ns, larder_receipt* receipt) {
    guard_refusals.fetch_add(1, std::memory_order_relaxed);
    events.add(clock.wall_ms(), LARDER_LOG_WARN, "guard", "refused " + what + ": " + breach_text(made.refused.front()));
    if (receipt != nullptr) receipt->want_json = 1;
    write_receipt(made, began_ns, receipt);
    if (receipt != nullptr) receipt->dropped = receipt->expired = receipt->refreshed = 0;
    return LARDER_E_REFUSED;
}

larder_status Cache::Impl::empty_tier(const State& s, std::string_view name, std::uint64_t began_ns, larder_receipt* receipt) {
    for (const auto& tier : s.tiers) {
        if (tier->store().name != name) continue;
        if (const larder_status status = tier->clear(UINT32_MAX); status != LARDER_OK) return status;
        Receipt made;
        made.dropped = 1;
        made.lines.push_back("drop tier " + std::string(name));
        events.add(clock.wall_ms(), LARDER_LOG_INFO, "invalidate", "by request: " + made.lines.back());
        write_receipt(made, began_ns, receipt);
        return LARDER_OK;
    }
    return LARDER_MISS;
}

larder_status Cache::change(std::uint32_t action, const larder_target* targets, std::size_t n, larder_receipt* receipt, const larder_call* call) {
    if (action > LARDER_REFRESH) return LARDER_E_INVALID;
    const std::uint64_t began = impl_->clock.fine_ns();
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    static constexpr dsl::Action actions[] = {dsl::Action::drop, dsl::Action::expire, dsl::Action::refresh};
    static constexpr const char* verbs[] = {"drop", "expire", "refresh"};
    std::vector<ChangeOrder> orders;
    for (std::size_t i = 0; i < n; ++i) {
        const larder_target& target = targets[i];
        ChangeOrder order;
        order.action = actions[action];
        const std::string_view what = view(target.what);
        const std::string verb = std::string(verbs[action]) + " ";
        if (target.kind == LARDER_TARGET_TIER) {
            if (action != LARDER_DROP || n != 1 || is_rehearsal(call)) return LARDER_E_INVALID;
            if (is_guarded(call) && !s.policy->guards.shares.empty()) {
                Receipt made;
                made.refused = impl_->judge_guards_of_tier(s, what);
                if (!made.refused.empty()) return impl_->refuse(made, verb + "tier " + std::string(what), began, receipt);
            }
            return impl_->empty_tier(s, what, began, receipt);
        }
        if (target.kind == LARDER_TARGET_TAG) {
            order.kind = dsl::TargetKind::tag;
            order.text = what;
            order.shown = verb + "tag \"" + order.text + "\"";
        } else if (target.kind == LARDER_TARGET_EVERYTHING) {
            order.kind = dsl::TargetKind::everything;
            order.shown = verb + "everything";
        } else {
            const Space* space = s.space(target.ns);
            if (space == nullptr) return LARDER_E_INVALID;
            order.ns = space->index;
            if (target.kind == LARDER_TARGET_KEY) {
                order.kind = dsl::TargetKind::key;
                EntryKey key;
                if (!space->keeps_entries() || !find_key(*space, impl_->names, what, key)) return LARDER_E_INVALID;
                order.text = key.canonical;
                order.shown = verb + shown_key(*space, key.canonical);
            } else if (target.kind == LARDER_TARGET_NAMESPACE) {
                order.kind = dsl::TargetKind::namespace_;
                order.shown = verb + space->ns->name;
            } else if (target.kind == LARDER_TARGET_MATCHING) {
                order.kind = dsl::TargetKind::matching;
                order.text = what;
                order.shown = verb + space->ns->name + " matching \"" + order.text + "\"";
            } else {
                return LARDER_E_INVALID;
            }
        }
        orders.push_back(std::move(order));
    }
    if (impl_->tape.on() && !is_rehearsal(call)) [[unlikely]]
        for (std::size_t i = 0; i < n; ++i) impl_->tape_change(action, targets[i]);
    Receipt made;
    made.rehearsal = is_rehearsal(call);
    Cause cause{std::string(verbs[action]) + " by request", call != nullptr ? call->client : 0};
    if (is_guarded(call)) {
        Receipt counts;
        counts.refused = impl_->judge_guards(s, orders, cause, counts);
        if (!counts.refused.empty() && !made.rehearsal) return impl_->refuse(counts, orders.front().shown, began, receipt);
        made.refused = std::move(counts.refused);
    }
    impl_->carry_out(s, orders, cause, made);
    impl_->write_receipt(made, began, receipt);
    return LARDER_OK;
}

}  // namespace larder
