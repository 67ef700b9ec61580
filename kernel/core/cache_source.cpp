// kernel/core/cache_source.cpp -- what is missing is loaded from the namespace's source, what is put is written there.
//
// Reading: tiers first; a miss becomes a load as any other (cache_load.cpp: one flight, the fence, stale answers,
// `absent`), with the source as its loader.
//
// Writing, one key at a time (key_turns.hpp), the caller answered when it is done:
//   through   the source, then the tiers. A source that refuses leaves everything as it was. One of which
//             nobody knows whether it took the write (a lost connection, a deadline) takes the entry with it:
//             the next read asks the source.
//   behind    the journal's buffer, then the tiers, then the journal on the disk: of a call with many items once.
//             What a source does not have yet is what a load of that key brings (WriteBehind::newest).
//
// A load that began before a write brings what was there before it. So a write overtakes the loads of its key
// that are under way, by changing the key's scope, which is also what entries that depend on it wait for.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/run_or_post.hpp"

#include <algorithm>

namespace larder {
namespace {

// The fields of a key by name, each owned.
struct Fields {
    std::vector<std::string> values;
    std::vector<larder_pair> pairs;
    Fields(const SourceUse& use, std::string_view canonical, std::span<const larder_pair> more = {}) : pairs(more.begin(), more.end()) {
        if (auto parsed = use.key.parse_canonical(canonical)) values = std::move(*parsed);
        for (std::size_t i = 0; i < values.size() && i < use.field_names.size(); ++i) pairs.push_back({bytes_of(use.field_names[i]), bytes_of(values[i])});
    }
};

std::vector<larder_pair> options_of(const SourceUse& use) {
    std::vector<larder_pair> out;
    for (const auto& [name, value] : use.options) out.push_back({bytes_of(name), bytes_of(value)});
    return out;
}

// Whether an answer is the fault of the source, and not of what it was asked.
bool is_trouble(larder_status status) {
    switch (status) {
        case LARDER_E_IO:
        case LARDER_E_TIMEOUT:
        case LARDER_E_CANCELLED:
        case LARDER_E_CLOSED:
        case LARDER_E_INTERNAL:
        case LARDER_E_EXCEPTION: return true;
        default: return false;
    }
}

void note_answer(SourceRun& run, bool trouble, std::uint64_t now_ns) {
    if (trouble) run.breaker.failure(now_ns);
    else run.breaker.success();
}

bool is_read_only_look(const larder_call* call) {
    return call != nullptr && (call->flags & (LARDER_GET_META | LARDER_GET_STALE | LARDER_CALL_PEEK)) != 0;
}

template <class Item, class Of>
bool any_of_kind(const State& s, std::span<Item> items, Of&& of) {
    return std::any_of(items.begin(), items.end(), [&](const Item& item) {
        const Space* space = s.space(item.ns);
        return space != nullptr && of(*space);
    });
}

bool has_far(const Space& space) { return space.below != nullptr; }
bool has_loads(const Space& space) { return space.source != nullptr && space.source->loads(); }
bool has_writes(const Space& space) { return space.writes_source(); }

constexpr std::uint32_t conditions =
    LARDER_SET_IF_ABSENT | LARDER_SET_IF_PRESENT | LARDER_SET_IF_VERSION | LARDER_SET_KEEP_TTL | LARDER_SET_RETURN_OLD;

// The same call, answered before it returns.
larder_call blocking(const larder_call* call) {
    larder_call out{};
    out.struct_size = sizeof out;
    if (call != nullptr) out = *call;
    out.done = nullptr;
    out.flags = 0;
    return out;
}

std::uint64_t left_ns(std::uint64_t until_ns, std::uint64_t now_ns) { return until_ns > now_ns ? until_ns - now_ns : 0; }

}  // namespace

void Cache::Impl::join_sources(State& next, const State* old) {
    for (const SourceHandle& given : next.parts.sources) {
        std::shared_ptr<SourceRun> run;
        if (old != nullptr)
            for (const auto& known : old->sources)
                if (known->handle.self == given.self && known->handle.name == given.name) run = known;
        next.sources.push_back(run != nullptr ? run : std::make_shared<SourceRun>(given));
    }
    bool any = false;
    for (Space& space : next.spaces) {
        const dsl::Namespace& n = *space.ns;
        if (!n.source || !n.key) continue;
        auto use = std::make_shared<SourceUse>();
        for (const auto& run : next.sources)
            if (run->handle.name == n.source->name) use->run = run;
        use->ns = space.runtime->number;
        use->space = n.name;
        use->key = *n.key;
        use->field_names.assign(n.parameters.begin(), n.parameters.begin() + n.fields);
        use->address = n.source->address;
        for (const dsl::Option& option : n.source->options) {
            std::string text;
            for (const std::string& value : option.values) (text += text.empty() ? "" : " ") += value;
            use->options.emplace_back(option.name, std::move(text));
        }
        use->mode = n.write;
        use->delay = n.write_delay;
        use->target = n.write_to;
        use->ttl_ms = space.ttl.count();
        space.source = std::move(use);
        any = true;
    }
    if (any) sourced.store(true, std::memory_order_relaxed);
    join_far(next);
}

bool Cache::open_writes(const WriteBehindOptions& options, std::vector<std::string>& said, std::string& problem) {
    Impl& impl = *impl_;
    impl.behind = WriteBehind::open(
        options, {&impl.clock, &impl.random, &impl.executor, [&impl](std::string_view space, std::span<SourceWrite> writes) { impl.send_behind(space, writes); }},
        said, problem);
    return impl.behind != nullptr;
}

void Cache::stop_writes(std::uint64_t deadline_ns) {
    if (impl_->behind != nullptr) impl_->behind->stop(deadline_ns);
}

// ---- reading

Loaded Cache::Impl::load_from(const SourceUse& use, const std::string& canonical, std::uint64_t deadline_ns, const WarmAsk* warm) const {
    if (behind != nullptr)
        if (auto newest = behind->newest(use.space, canonical)) {
            if (newest->remove) return {LARDER_MISS, {}, 0, {}};
            return {LARDER_OK, std::move(newest->value), 0, {}};
        }
    SourceRun& run = *use.run;
    const std::uint64_t now = clock.mono_ns();
    if (!run.breaker.allow(now)) {
        run.bypassed.fetch_add(1, std::memory_order_relaxed);
        return {LARDER_E_CLOSED, {}, 0, {}};
    }
    const Fields fields(use, canonical, warm != nullptr ? warm->fields : std::span<const larder_pair>{});
    const std::vector<larder_pair> pairs = options_of(use);
    const std::string raw = use.key.raw(canonical);
    SourceAsk ask{use.ns, use.space, raw, use.address, fields.pairs, pairs, use.ttl_ms, 0};
    if (warm != nullptr) {
        ask.reason = warm->reason;
        ask.priority = warm->priority;
    }
    ask.deadline_ns = std::min(deadline_ns, now + static_cast<std::uint64_t>(run.handle.timeout.count()) * 1'000'000);
    const std::uint64_t began = clock.fine_ns();
    Loaded out{LARDER_E_EXCEPTION, {}, 0, {}};
    try {
        out = run.handle.load(ask);
    } catch (...) {
        // The host's; counted below.
    }
    run.loads.add(clock.fine_ns() - began);
    (out.status < 0 ? run.load_errors : run.loaded).fetch_add(1, std::memory_order_relaxed);
    note_answer(run, is_trouble(out.status), clock.mono_ns());
    return out;
}

std::optional<larder_status> Cache::Impl::get_sourced(std::span<larder_cache_get> items, const larder_call* call) {
    // Who only looks is told of what the far tier has, and of nothing that would have to be loaded.
    const bool looks = is_read_only_look(call);
    {
        const ReadGuard guard;
        if (!any_of_kind(*state.get(), items, looks ? has_far : has_loads)) return std::nullopt;
    }
    const auto is_missing = [looks](const State& s, const larder_cache_get& item) {
        const Space* space = s.space(item.ns);
        // Tiers that fail are no reason not to ask.
        return space != nullptr && (looks ? has_far(*space) : has_loads(*space)) && item.status != LARDER_OK && item.status != LARDER_PENDING && item.status != LARDER_E_INVALID;
    };
    bool later = get_here(items, call);
    if (!later) {
        const ReadGuard guard;
        const State& s = *state.get();
        later = std::any_of(items.begin(), items.end(), [&](const larder_cache_get& item) { return is_missing(s, item); });
    }
    if (!later) return LARDER_OK;
    const auto finish = [this, items, is_missing, looks](const larder_call* c) {
        const std::uint64_t until = deadline(c, clock.mono_ns());
        larder_call still = blocking(c);
        for (larder_cache_get& item : items) {
            std::shared_ptr<const SourceUse> use;
            std::string canonical;
            {
                const ReadGuard guard;
                const State& s = *state.get();
                if (item.status == LARDER_PENDING) get_one(s, item, c, false);
                if (larder_cache_get* const unread = &item; item.status == LARDER_PENDING) end_unread({&unread, 1}, c);
                if (!is_missing(s, item)) continue;
                EntryKey key;
                const Space& space = *s.space(item.ns);
                if (!find_key(space, names, view(item.key), key)) continue;
                canonical = key.canonical;
                use = space.source;
            }
            // A stale answer, or a miss that its caller will fill, is as good as a use: what is far is copied up.
            const bool copies = looks && (c->flags & (std::uint32_t{LARDER_GET_META} | LARDER_CALL_PEEK)) == 0 && use->far_only;
            if (looks && !copies) {
                if (get_far(item, until) && item.status < 0) item.status = LARDER_MISS;
                if ((c->flags & LARDER_GET_META) != 0) {
                    const Pinned unwanted(item.value);
                    item.value = {};
                }
                continue;
            }
            load_missed(item, [this, use, canonical, until] { return load_from(*use, canonical, until); }, &still);
            if (!use->far_only) item.ttl_ms = use->ttl_ms > 0 ? use->ttl_ms : -1;
        }
        return larder_status{LARDER_OK};
    };
    const larder_status status = run_or_post(*this, true, call, finish);
    if (status == LARDER_E_BUSY)
        for (larder_cache_get& item : items)
            if (item.status != LARDER_OK) item.status = LARDER_E_BUSY;
    return status == LARDER_PENDING ? status : larder_status{LARDER_OK};
}

// ---- writing

larder_status Cache::Impl::write_to(const SourceUse& use, std::string_view canonical, std::string_view value, bool remove, std::uint64_t deadline_ns) const {
    if (use.run == nullptr) return LARDER_E_CLOSED;
    SourceRun& run = *use.run;
    if (run.handle.write == nullptr) return LARDER_E_UNSUPPORTED;
    const std::uint64_t now = clock.mono_ns();
    if (!run.breaker.allow(now)) {
        run.bypassed.fetch_add(1, std::memory_order_relaxed);
        return LARDER_E_CLOSED;
    }
    const Fields fields(use, canonical);
    const std::vector<larder_pair> pairs = options_of(use);
    const std::string raw = use.key.raw(canonical);
    SourceAsk ask{use.ns, use.space, raw, use.address, fields.pairs, pairs, use.ttl_ms, 0};
    ask.deadline_ns = std::min(deadline_ns, now + static_cast<std::uint64_t>(run.handle.timeout.count()) * 1'000'000);
    SourceChange change{raw, value, remove, remove ? use.target.remove_address : use.target.address, fields.pairs, LARDER_E_IO};
    const std::uint64_t began = clock.fine_ns();
    try {
        run.handle.write(ask, {&change, 1});
    } catch (...) {
        change.status = LARDER_E_TIMEOUT;  // nobody knows
    }
    run.writes.add(clock.fine_ns() - began);
    (change.status < 0 ? run.write_errors : run.written).fetch_add(1, std::memory_order_relaxed);
    note_answer(run, is_trouble(change.status), clock.mono_ns());
    return change.status;
}

void Cache::Impl::send_behind(std::string_view space, std::span<SourceWrite> writes) const {
    std::shared_ptr<const SourceUse> use;
    {
        const ReadGuard guard;
        const State* s = state.get();
        const auto index = s == nullptr ? std::nullopt : s->policy->find(space);
        if (index) use = s->spaces[*index].source;
    }
    // A policy without it: they wait for one that has it again.
    if (use == nullptr || use->run == nullptr || use->run->handle.write == nullptr) return;
    SourceRun& run = *use->run;
    // No breaker: the pauses after failures are its own.
    const std::uint64_t now = clock.mono_ns();
    std::vector<Fields> fields;
    std::vector<std::string> keys;
    fields.reserve(writes.size());
    keys.reserve(writes.size());
    std::vector<SourceChange> changes;
    for (const SourceWrite& write : writes) {
        fields.emplace_back(*use, write.key);
        keys.push_back(use->key.raw(write.key));
        changes.push_back({keys.back(), write.value, write.remove, write.remove ? use->target.remove_address : use->target.address, fields.back().pairs, LARDER_E_IO});
    }
    const std::vector<larder_pair> pairs = options_of(*use);
    SourceAsk ask{use->ns, use->space, {}, use->address, {}, pairs, use->ttl_ms, 0};
    ask.deadline_ns = now + static_cast<std::uint64_t>(run.handle.timeout.count()) * 1'000'000;
    const std::uint64_t began = clock.fine_ns();
    try {
        run.handle.write(ask, changes);
    } catch (...) {
        for (SourceChange& change : changes) change.status = LARDER_E_EXCEPTION;
    }
    run.writes.add(clock.fine_ns() - began);
    std::uint64_t failed = 0;
    for (std::size_t i = 0; i < writes.size(); ++i) {
        writes[i].status = changes[i].status;
        if (changes[i].status < 0) ++failed;
    }
    run.write_errors.fetch_add(failed, std::memory_order_relaxed);
    run.written.fetch_add(writes.size() - failed, std::memory_order_relaxed);
}

void Cache::Impl::overtake_loads(const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (!space.ns->has_dependents && !space.ns->has_any_dependents && !flights.flying(space.runtime->number, key.canonical)) return;
    const std::lock_guard lock(stripe(key).mutex);
    erase(space, key, now_ns, deadline_ns, {"SET", 0});
}

std::uint64_t Cache::Impl::set_one_sourced(Cache& cache, larder_cache_set& item, const larder_call* call) {
    item.old = {};
    item.version = 0;
    item.kept = 1;
    const std::uint64_t now = clock.mono_ns(), until = deadline(call, now);
    std::shared_ptr<const SourceUse> use;
    std::string canonical;
    bool shared = false;
    const auto find = [&](const State& s, EntryKey& key) -> const Space* {
        const Space* space = s.space(item.ns);
        if (space == nullptr || !space->keeps_entries() || item.key.size > options.max_key_bytes || !find_key(*space, names, view(item.key), key)) return nullptr;
        return space;
    };
    {
        const ReadGuard guard;
        EntryKey key;
        const Space* space = find(*state.get(), key);
        item.status = space == nullptr ? LARDER_E_INVALID : item.value.size > space->max_bytes ? LARDER_E_TOO_LARGE : LARDER_OK;
        if (item.status == LARDER_E_TOO_LARGE) space->runtime->count(SpaceCount::refused);
        if (item.status != LARDER_OK) return 0;
        use = space->source;
        canonical = key.canonical;
        shared = space->authority != nullptr;
    }
    const KeyTurns::Turn turn(turns, item.ns, canonical, std::chrono::nanoseconds(left_ns(until, now)));
    if (!turn) {
        item.status = LARDER_E_TIMEOUT;
        return 0;
    }
    larder_call still = blocking(call);
    larder_cache_set plain = item;
    plain.flags &= ~std::uint32_t{LARDER_SET_FENCED | LARDER_SET_KEEP_TTL | LARDER_SET_RETURN_OLD};
    if ((item.flags & conditions) != 0) {
        // Judged by what the source has, where no tier knows.
        larder_cache_get was{};
        was.ns = item.ns;
        was.key = item.key;
        cache.get_many(&was, 1, &still);
        Pinned old(was.value);
        if (was.status < 0) {
            item.status = was.status;
            return 0;
        }
        const bool there = was.status == LARDER_OK && (was.found & LARDER_FOUND_ABSENT) == 0;
        const std::uint64_t id = there ? was.version : 0;
        if ((item.flags & LARDER_SET_RETURN_OLD) != 0 && there) item.old = old.give();
        if ((item.flags & LARDER_SET_KEEP_TTL) != 0 && there && was.ttl_ms > 0) plain.ttl_ms = was.ttl_ms;
        item.version = id;
        if ((item.flags & LARDER_SET_IF_ABSENT) != 0 && there) item.status = LARDER_EXISTS;
        else if ((item.flags & LARDER_SET_IF_PRESENT) != 0 && !there) item.status = LARDER_MISS;
        else if ((item.flags & LARDER_SET_IF_VERSION) != 0 && id != item.if_version) item.status = LARDER_E_CONFLICT;
        if (item.status != LARDER_OK) return 0;
        // Nobody of this process writes it meanwhile.
        if (!shared) plain.flags &= ~conditions;
    }
    std::uint64_t number = 0;
    if (use->mode == dsl::WriteMode::through) {
        item.status = write_to(*use, canonical, view(item.value), false, until);
    } else if (behind == nullptr) {
        item.status = LARDER_E_CONFIG;
    } else {
        number = behind->add(use->space, canonical, view(item.value), false, use->delay, until);
        item.status = number != 0 ? LARDER_OK : LARDER_E_BUSY;
    }
    const ReadGuard guard;
    const State& s = *state.get();
    EntryKey key;
    const Space* space = find(s, key);
    const std::uint64_t then = clock.mono_ns();
    const auto erase_it = [&] {
        const std::lock_guard lock(stripe(key).mutex);
        erase(*space, key, then, until, {"SET", 0});
    };
    if (item.status < 0) {
        if (item.status == LARDER_E_TIMEOUT && space != nullptr) erase_it();
        return 0;
    }
    if (space == nullptr) return number;  // another policy meanwhile: the source has it
    overtake_loads(*space, key, then, until);
    set_one(s, plain, &still, then);
    item.version = plain.version;
    item.kept = plain.kept;
    item.status = plain.status;
    if (plain.status == LARDER_OK) return number;
    // The source has this one: no tier may go on with another.
    erase_it();
    if ((plain.flags & conditions) == 0) {
        item.status = LARDER_OK;
        item.kept = 0;
    }
    return number;
}

std::optional<larder_status> Cache::Impl::set_sourced(Cache& cache, std::span<larder_cache_set> items, const larder_call* call) {
    {
        const ReadGuard guard;
        if (!any_of_kind(*state.get(), items, has_writes)) return std::nullopt;
    }
    return run_or_post(*this, true, call, [this, &cache, items](const larder_call* c) -> larder_status {
        std::vector<std::size_t> waiting;
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < items.size(); ++i) {
            bool writes = false;
            {
                const ReadGuard guard;
                const State& s = *state.get();
                const Space* space = s.space(items[i].ns);
                writes = space != nullptr && has_writes(*space) && (items[i].flags & LARDER_SET_ABSENT) == 0;
                if (!writes) set_one(s, items[i], c, clock.mono_ns());
            }
            const std::uint64_t number = writes ? set_one_sourced(cache, items[i], c) : 0;
            if (number == 0) continue;
            waiting.push_back(i);
            last = std::max(last, number);
        }
        if (last != 0 && !behind->sync(last))
            for (const std::size_t i : waiting) items[i].status = LARDER_E_IO;
        return LARDER_OK;
    });
}

std::uint64_t Cache::Impl::remove_one_sourced(larder_cache_key& item, const larder_call* call) {
    const std::uint64_t now = clock.mono_ns(), until = deadline(call, now);
    std::shared_ptr<const SourceUse> use;
    std::string canonical;
    const auto find = [&](const State& s, EntryKey& key) -> const Space* {
        const Space* space = s.space(item.ns);
        return space != nullptr && space->keeps_entries() && find_key(*space, names, view(item.key), key) ? space : nullptr;
    };
    {
        const ReadGuard guard;
        EntryKey key;
        const Space* space = find(*state.get(), key);
        item.status = space == nullptr ? LARDER_E_INVALID : LARDER_OK;
        if (space == nullptr) return 0;
        use = space->source;
        canonical = key.canonical;
    }
    const KeyTurns::Turn turn(turns, item.ns, canonical, std::chrono::nanoseconds(left_ns(until, now)));
    if (!turn) {
        item.status = LARDER_E_TIMEOUT;
        return 0;
    }
    larder_status removed = LARDER_MISS;
    std::uint64_t number = 0;
    if (use != nullptr && use->writes() && use->target.removes) {
        if (use->mode == dsl::WriteMode::through) {
            removed = write_to(*use, canonical, {}, true, until);
        } else {
            number = behind == nullptr ? 0 : behind->add(use->space, canonical, {}, true, use->delay, until);
            removed = number != 0 ? LARDER_OK : behind == nullptr ? LARDER_E_CONFIG : LARDER_E_BUSY;
        }
        // Nobody knows: what the tiers have may be gone there.
        if (removed < 0 && removed != LARDER_E_TIMEOUT) {
            item.status = removed;
            return 0;
        }
    }
    const ReadGuard guard;
    EntryKey key;
    const Space* space = find(*state.get(), key);
    const bool there = space != nullptr && remove_one(*space, key, call, {"DEL", call != nullptr ? call->client : 0});
    item.status = removed < 0 ? removed : there || removed == LARDER_OK ? LARDER_OK : LARDER_MISS;
    return number;
}

std::optional<larder_status> Cache::Impl::remove_sourced(std::span<larder_cache_key> items, const larder_call* call) {
    {
        const ReadGuard guard;
        if (!any_of_kind(*state.get(), items, has_writes)) return std::nullopt;
    }
    return run_or_post(*this, true, call, [this, items](const larder_call* c) -> larder_status {
        std::vector<std::size_t> waiting;
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < items.size(); ++i) {
            const std::uint64_t number = remove_one_sourced(items[i], c);
            if (number == 0) continue;
            waiting.push_back(i);
            last = std::max(last, number);
        }
        if (last != 0 && !behind->sync(last))
            for (const std::size_t i : waiting) items[i].status = LARDER_E_IO;
        return LARDER_OK;
    });
}

}  // namespace larder
