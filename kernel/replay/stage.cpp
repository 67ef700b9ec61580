// kernel/replay/stage.cpp -- traffic played on one policy.
#include "kernel/replay/stage.hpp"

#include "kernel/core/event_log.hpp"
#include "kernel/core/figures.hpp"
#include "kernel/replay/request_texts.hpp"

#include <algorithm>
#include <functional>

namespace larder::replay {
namespace {

constexpr std::uint64_t look_every = 32'768;        // operations between two looks at the memory used
constexpr std::uint64_t tend_every = 1024;         // operations between two rounds of the kernel's timers
constexpr std::uint64_t largest_value = 64u << 20;  // as the kernel's own bound
constexpr std::uint64_t a_client = 1;
constexpr std::size_t most_redirects = 1u << 20;

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(larder_bytes text) { return {static_cast<const char*>(text.data), text.size}; }

std::uint32_t flag(bool on, std::uint32_t bit) { return on ? bit : 0; }

std::uint64_t hash_of(std::uint32_t number, std::string_view key) {
    return std::hash<std::string_view>()(key) ^ (number * 0x9e3779b97f4a7c15u);
}

larder_call plain_call(std::uint32_t flags = 0) {
    larder_call call{};
    call.struct_size = sizeof call;
    call.flags = flags;
    call.client = a_client;
    call.role = LARDER_ROLE_ADMIN;
    return call;
}

bool does_something(const dsl::Rule& rule) { return !rule.changes.empty() || !rule.warm.empty() || !rule.end_sessions.empty(); }

const char* needs_of(const dsl::Rule& rule) {
    for (const dsl::Let& let : rule.lets)
        if (let.origin != dsl::Origin::query) return let.origin == dsl::Origin::header || let.origin == dsl::Origin::cookie ? "a header" : "the body";
    return nullptr;
}

}  // namespace

std::unique_ptr<Stage> Stage::open(const StageOptions& options, std::uint64_t recorded, std::string& problem) {
    std::unique_ptr<Stage> out(new Stage());
    out->kernel_ = StageKernel::open(options, problem);
    if (!out->kernel_) return nullptr;
    out->same_policy_ = recorded != 0 && out->policy().fingerprint == recorded;
    out->began_ms_ = options.began_ms;
    const dsl::Policy& policy = out->kernel_->policy();
    for (const dsl::Namespace& space : policy.namespaces) {
        if (!space.key) continue;
        Slot slot;
        if (out->cache().ns_find(space.name, &slot.number) != LARDER_OK) continue;
        slot.space = &space;
        slot.can_be_stale = space.stale_while_revalidating || space.stale_on_error;
        slot.tally.name = space.name;
        if (slot.number >= out->slot_by_number_.size()) out->slot_by_number_.resize(slot.number + 1, UINT32_MAX);
        out->slot_by_number_[slot.number] = static_cast<std::uint32_t>(out->slots_.size());
        out->slots_.push_back(std::move(slot));
    }
    for (const dsl::Rule& rule : policy.rules) {
        out->tally_.rules.push_back({rule.where.text(), rule.head, 0, 0});
        if (rule.kind == dsl::TriggerKind::route && does_something(rule)) out->changing_methods_ |= rule.methods;
    }
    return out;
}

void Stage::bind(const std::vector<TrafficSpace>& spaces) {
    slot_by_traffic_.clear();
    traffic_ttl_.clear();
    for (const TrafficSpace& space : spaces) {
        std::uint32_t number = 0;
        const bool found = cache().ns_find(space.name, &number) == LARDER_OK && number < slot_by_number_.size();
        slot_by_traffic_.push_back(found ? slot_by_number_[number] : UINT32_MAX);
        traffic_ttl_.push_back(space.ttl_ms);
    }
}

Stage::Slot* Stage::slot_of(std::uint32_t number) {
    const std::uint32_t slot = number < slot_by_number_.size() ? slot_by_number_[number] : UINT32_MAX;
    return slot < slots_.size() ? &slots_[slot] : nullptr;
}

Stage::Place Stage::place(const Operation& op) {
    Place at;
    if (!redirects_.empty())
        if (const auto found = redirects_.find(hash_of(op.space, op.key)); found != redirects_.end()) {
            at.slot = found->second.first < slots_.size() ? &slots_[found->second.first] : nullptr;
            at.key = found->second.second;
            if (at.slot != nullptr) at.hash = hash_of(at.slot->number, at.key);
            return at;
        }
    const std::uint32_t slot = op.space < slot_by_traffic_.size() ? slot_by_traffic_[op.space] : UINT32_MAX;
    if (slot >= slots_.size()) {
        ++tally_.unknown;
        return at;
    }
    at.slot = &slots_[slot];
    at.key = op.key;
    at.hash = hash_of(at.slot->number, at.key);
    return at;
}

void Stage::play(const Operation& op) {
    ++tally_.operations;
    if (op.at_ms > now_ms_) {
        now_ms_ = op.at_ms;
        kernel_->advance_to(now_ms_);
    }
    if (tally_.operations % tend_every == 0) [[unlikely]] kernel_->run_due();
    if (--until_look_ == 0) [[unlikely]] look_at_memory();
    switch (op.kind) {
        case OperationKind::get: return play_get(op);
        case OperationKind::put: return play_put(op);
        case OperationKind::http: return play_http(op);
        case OperationKind::remove: return play_remove(op);
        case OperationKind::life: return play_life(op);
        case OperationKind::change: return play_change(op);
        case OperationKind::request: return play_request(op);
        case OperationKind::ask: return play_ask(op);
        case OperationKind::event: return play_event(op);
        case OperationKind::lost: tally_.lost += op.count; return;
        case OperationKind::reloaded: same_policy_ = policy().fingerprint == op.count; return;
    }
}

Stage::Answer Stage::ask(const Place& at, bool fence, bool stale) {
    larder_cache_get item{};
    item.ns = at.slot->number;
    item.key = bytes(at.key);
    const larder_call call = plain_call(flag(fence, LARDER_GET_FENCE) | flag(stale, LARDER_GET_STALE));
    cache().get_many(&item, 1, &call);
    if (item.value.release != nullptr) item.value.release(&item.value);
    if (item.status != LARDER_OK) return {};
    if ((item.found & LARDER_FOUND_STALE) != 0) return {Outcome::stale, static_cast<std::uint64_t>(-std::min<std::int64_t>(item.ttl_ms, 0))};
    return {(item.found & LARDER_FOUND_ABSENT) != 0 ? Outcome::absent : Outcome::hit, 0};
}

bool Stage::serves_stale(const Slot& slot, std::uint64_t stale_ms, bool failed) const {
    const auto within = [&](const std::optional<dsl::Ms>& window) {
        return window && stale_ms < static_cast<std::uint64_t>(std::max<dsl::Ms::rep>(window->count(), 0));
    };
    return within(slot.space->stale_while_revalidating) || (failed && within(slot.space->stale_on_error));
}

void Stage::play_get(const Operation& op) {
    const Place at = place(op);
    if (at.slot == nullptr) return;
    Slot& slot = *at.slot;
    const bool had = op.outcome == Outcome::hit || op.outcome == Outcome::absent;
    Answer answer = ask(at, op.fence, op.takes_stale && slot.can_be_stale);
    if (answer.outcome == Outcome::hit || answer.outcome == Outcome::absent) [[likely]] {
        ++(answer.outcome == Outcome::hit ? slot.tally.hits : slot.tally.absent);
        if (!had) [[unlikely]] book_.at(at.hash).has_answer = true;
        return;
    }
    KeyNote& note = book_.at(at.hash);
    if (answer.outcome == Outcome::miss && had && !note.asked && note.filled_ms == 0 && op.fresh_text && seed(op, at, note)) {
        note.asked = true;
        ++slot.tally.hits;
        return;
    }
    note.asked = true;
    note.has_answer = false;
    // Whoever asked for stale entries serves them as the policy allows, or has asked the origin in vain.
    if (answer.outcome == Outcome::stale && (serves_stale(slot, answer.stale_ms, false) || (op.outcome == Outcome::stale && same_policy_))) {
        ++slot.tally.stale;
        if (had) load(at, note, 0, 0);
        return;
    }
    count_miss(at, note);
    if (had) load(at, note, op.size, 0);  // else its load was recorded, or nobody loaded it
}

// An entry that was there before anybody looked: put with the age it had. False: it would have been over.
bool Stage::seed(const Operation& op, const Place& at, KeyNote& note) {
    const std::int64_t theirs = op.space < traffic_ttl_.size() ? traffic_ttl_[op.space] : 0;
    const std::int64_t ours = at.slot->space->ttl ? at.slot->space->ttl->ttl.count() : 0;
    std::int64_t left = op.ttl_ms;
    if (ours != theirs && ours > 0) left = theirs > 0 && op.ttl_ms >= 0 ? ours - std::max<std::int64_t>(theirs - op.ttl_ms, 0) : ours;
    else if (ours != theirs) left = -1;
    if (left == 0 || left < -1) return false;
    note.size = static_cast<std::uint32_t>(std::min(op.size, largest_value));
    const bool sliding = at.slot->space->ttl && at.slot->space->ttl->sliding;
    const std::uint64_t puts = at.slot->tally.puts;
    const bool kept = write(at, note, nullptr, op.size, 0, left < 0 || sliding ? 0 : left);
    at.slot->tally.puts = puts;
    return kept && ask(at, false, false).outcome == Outcome::hit;
}

void Stage::count_miss(const Place& at, const KeyNote& note) {
    SpaceTally& tally = at.slot->tally;
    ++tally.misses;
    if (note.filled_ms == 0) {
        ++tally.first;
        return;
    }
    if (now_ms_ >= note.until_ms) {
        ++tally.expired;
        return;
    }
    if (const auto removal = cache().removal(at.slot->number, at.key); removal && removal->at_ms >= began_ms_ + note.filled_ms - 1) {
        ++tally.dropped;
        for (RuleTally& rule : tally_.rules)
            if (removal->cause.size() > rule.where.size() && removal->cause[rule.where.size()] == ' ' && removal->cause.starts_with(rule.where)) {
                ++rule.misses;
                break;
            }
        return;
    }
    // A tag that only the value named, or no room. Where nothing was ever evicted it is the first.
    if (tally_.evictions == 0 && unsure_++ % 256 == 0) look_at_memory();
    ++(tally_.evictions == 0 ? tally.dropped : tally.evicted);
}

void Stage::load(const Place& at, KeyNote& note, std::uint64_t size, std::uint64_t cost_us) {
    SpaceTally& tally = at.slot->tally;
    if (size == 0) size = note.size;
    if (size == 0 && tally.loads > 0) size = at.slot->loaded_bytes / tally.loads;
    if (cost_us == 0) cost_us = note.cost_us;
    if (cost_us == 0 && tally.timed_loads > 0) cost_us = tally.load_us / tally.timed_loads;
    count_load(*at.slot, note, size, cost_us);
    write(at, note, nullptr, size, 0, 0);
}

void Stage::count_load(Slot& slot, KeyNote& note, std::uint64_t size, std::uint64_t cost_us) {
    SpaceTally& tally = slot.tally;
    ++tally.loads;
    slot.loaded_bytes += size;
    if (cost_us != 0) {
        tally.load_us += cost_us;
        ++tally.timed_loads;
        note.cost_us = static_cast<std::uint32_t>(std::min<std::uint64_t>(cost_us, UINT32_MAX));
    }
    if (slot.second != now_ms_ / 1000) {
        slot.second = now_ms_ / 1000;
        slot.in_second = 0;
    }
    tally.peak_loads = std::max(tally.peak_loads, ++slot.in_second);
}

bool Stage::write(const Place& at, KeyNote& note, const Operation* op, std::uint64_t size, std::uint32_t flags, std::int64_t ttl_ms) {
    const auto kept_size = static_cast<std::size_t>(std::min(size, largest_value));
    if (value_.size() < kept_size) value_.resize(std::max(kept_size, value_.size() * 2));
    std::vector<larder_pair> with;
    if (op != nullptr)
        for (const Given& one : op->given) with.push_back({bytes(one.name), bytes(one.value)});
    larder_cache_set item{};
    item.ns = at.slot->number;
    item.key = bytes(at.key);
    item.value = {value_.data(), kept_size};
    item.ttl_ms = ttl_ms;
    item.flags = flags;
    item.with = with.data();
    item.with_count = static_cast<std::uint32_t>(with.size());
    const larder_call call = plain_call();
    cache().set_many(&item, 1, &call);
    SpaceTally& tally = at.slot->tally;
    if (item.status != LARDER_OK) {
        ++tally.refused;
        return false;
    }
    if (item.kept == 0) return false;
    ++tally.puts;
    note.filled_ms = now_ms_ + 1;
    note.size = static_cast<std::uint32_t>(kept_size);
    const std::int64_t life = ttl_ms > 0 ? ttl_ms : at.slot->space->ttl ? at.slot->space->ttl->ttl.count() : 0;
    const double jitter = ttl_ms == 0 && at.slot->space->ttl ? at.slot->space->ttl->jitter : 0;
    note.until_ms = life <= 0 ? UINT64_MAX : now_ms_ + static_cast<std::uint64_t>(static_cast<double>(life) * (1 - jitter));
    return true;
}

void Stage::play_put(const Operation& op) {
    const Place at = place(op);
    if (at.slot == nullptr) return;
    KeyNote& note = book_.at(at.hash);
    if (op.fill && note.has_answer) {  // here the get before it has found its entry
        note.has_answer = false;
        return;
    }
    if (op.fill) count_load(*at.slot, note, op.size, op.cost_us);
    const bool negative = op.negative && at.slot->space->absent;
    if (op.negative && !negative) return;
    write(at, note, &op, op.size, flag(op.fill, LARDER_SET_FENCED) | flag(negative, LARDER_SET_ABSENT), op.ttl_ms);
}

void Stage::play_remove(const Operation& op) {
    const Place at = place(op);
    if (at.slot == nullptr) return;
    larder_cache_key item{at.slot->number, LARDER_OK, bytes(at.key)};
    const larder_call call = plain_call();
    cache().remove_many(&item, 1, &call);
    ++at.slot->tally.removes;
}

void Stage::play_life(const Operation& op) {
    const Place at = place(op);
    if (at.slot == nullptr) return;
    const larder_call call = plain_call();
    if (op.ttl_ms < 0) cache().persist(at.slot->number, at.key, &call);
    else cache().expire(at.slot->number, at.key, op.ttl_ms, 0, &call);
    KeyNote& note = book_.at(at.hash);
    if (note.filled_ms != 0) note.until_ms = op.ttl_ms < 0 ? UINT64_MAX : now_ms_ + static_cast<std::uint64_t>(op.ttl_ms);
}

void Stage::play_change(const Operation& op) {
    larder_target target{};
    target.kind = op.target;
    target.ns = LARDER_NS_NONE;
    target.what = bytes(op.key);
    if (op.target <= LARDER_TARGET_MATCHING) {
        const std::uint32_t slot = op.space < slot_by_traffic_.size() ? slot_by_traffic_[op.space] : UINT32_MAX;
        if (slot >= slots_.size()) {
            ++tally_.unknown;
            return;
        }
        target.ns = slots_[slot].number;
    }
    ++tally_.changes;
    const larder_call call = plain_call();
    cache().change(op.action, &target, 1, nullptr, &call);
}

void Stage::play_event(const Operation& op) {
    ++tally_.events;
    std::vector<larder_pair> values;
    for (const Given& one : op.given) values.push_back({bytes(one.name), bytes(one.value)});
    const larder_call call = plain_call();
    cache().event(op.key, values.data(), values.size(), nullptr, &call);
}

void Stage::play_request(const Operation& op) {
    ++tally_.requests;
    if ((dsl::method_of(op.method) & changing_methods_) == 0) return;
    const RequestTexts texts(op);
    const larder_call call = plain_call();
    cache().request(texts.request(), nullptr, &call);
}

void Stage::play_ask(const Operation& op) {
    if (same_policy_) {
        if (!op.served) ++tally_.passed;
        return;
    }
    const RequestTexts texts(op);
    larder_serve served{};
    served.struct_size = sizeof served;
    const larder_status status = cache().serve(texts.request(), served);
    Slot* const slot = status == LARDER_OK ? slot_of(served.ns) : nullptr;
    if (op.served) {
        // What the gateway asks next it would ask of another entry here, or of none.
        const std::uint32_t was = op.space < slot_by_traffic_.size() ? slot_by_traffic_[op.space] : UINT32_MAX;
        const std::uint64_t recorded = hash_of(op.space, op.key);
        const auto here = slot == nullptr ? UINT32_MAX : static_cast<std::uint32_t>(slot - slots_.data());
        if (slot == nullptr) ++tally_.passed;
        if (here == was && slot != nullptr && view(served.key) == op.key) redirects_.erase(recorded);
        else if (redirects_.size() < most_redirects) redirects_[recorded] = {here, std::string(view(served.key))};
        return;
    }
    if (slot == nullptr) {
        ++(status == LARDER_EXISTS ? tally_.unkeyed : tally_.passed);
        return;
    }
    // Nothing of the kind was cached when it was recorded: its loads are not in the trace.
    const Place at{slot, view(served.key), hash_of(slot->number, view(served.key))};
    if (ask(at, false, false).outcome != Outcome::miss) {
        ++slot->tally.hits;
        return;
    }
    KeyNote& note = book_.at(at.hash);
    count_miss(at, note);
    note.asked = true;
    load(at, note, 0, 0);
}

void Stage::play_http(const Operation& op) {
    ++tally_.requests;
    saw_http_ = true;
    const dsl::MethodSet method = dsl::method_of(op.method);
    larder_request request{};
    request.struct_size = sizeof request;
    request.status = op.status;
    request.method = bytes(op.method);
    request.path = bytes(op.path);
    request.query = bytes(op.query);
    if (method == dsl::method_get) {
        larder_serve served{};
        served.struct_size = sizeof served;
        const larder_status status = cache().serve(request, served);
        Slot* const slot = status == LARDER_OK ? slot_of(served.ns) : nullptr;
        if (slot == nullptr) {
            ++(status == LARDER_EXISTS ? tally_.unkeyed : tally_.passed);
            tally_.passed_us += op.cost_us;
        } else {
            const bool good = op.status == 200 || op.status == 304, failed = op.status >= 500;
            const Place at{slot, view(served.key), hash_of(slot->number, view(served.key))};
            const Answer answer = ask(at, false, slot->can_be_stale);
            const bool stale = answer.outcome == Outcome::stale && serves_stale(*slot, answer.stale_ms, failed);
            if (answer.outcome == Outcome::hit || answer.outcome == Outcome::absent) {
                ++slot->tally.hits;
            } else {
                KeyNote& note = book_.at(at.hash);
                if (stale) ++slot->tally.stale;
                else count_miss(at, note);
                note.asked = true;
                if (good) load(at, note, op.status == 304 ? 0 : op.size, op.cost_us);
                else count_load(*slot, note, 0, op.cost_us);  // asked for, and nothing that is kept
            }
        }
    }
    if ((method & changing_methods_) != 0) {
        const larder_call call = plain_call();
        cache().request(request, nullptr, &call);
    }
}

void Stage::look_at_memory() {
    until_look_ = look_every;
    const Figures figures = cache().figures();
    std::uint64_t used = 0;
    tally_.evictions = 0;
    for (const TierFigures& tier : figures.tiers) {
        used += tier.bytes;
        tally_.evictions += tier.evictions;
    }
    tally_.peak_bytes = std::max(tally_.peak_bytes, used);
}

Tally Stage::finish() {
    kernel_->run_due();
    look_at_memory();
    const Figures figures = cache().figures();
    tally_.spaces.clear();
    for (Slot& slot : slots_) {
        if (const SpaceFigures* const space = figures.space(slot.tally.name)) {
            slot.tally.entries = space->entries;
            slot.tally.bytes = space->bytes;
        }
        tally_.spaces.push_back(slot.tally);
    }
    for (const TierFigures& tier : figures.tiers) {
        tally_.ended_read += tier.ends.expired_used + tier.ends.evicted_used + tier.ends.removed_used;
        tally_.ended_unread += tier.ends.expired_unused + tier.ends.evicted_unused + tier.ends.removed_unused;
    }
    for (std::size_t i = 0; i < tally_.rules.size() && i < figures.rules.size(); ++i) tally_.rules[i].fired = figures.rules[i].fired;
    tally_.lasted_ms = now_ms_;
    for (const dsl::Rule& rule : policy().rules)
        if (const char* const needs = needs_of(rule); saw_http_ && needs != nullptr && rule.kind == dsl::TriggerKind::route)
            tally_.notes.push_back(rule.where.text() + " takes a value from " + needs);
    return tally_;
}

}  // namespace larder::replay
