// kernel/core/cache_measure.cpp -- how long operations take: one in 64 of each thread, with that weight.
//
// A measured operation is the ordinary one between two looks at the clock, so nothing on the way knows of
// it. One that is answered later is measured to the call of its `done`.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/noted_misses.hpp"

#include <array>
#include <memory>

namespace larder {
namespace {

// Of the measured gets one in so many is looked at for its key.
constexpr std::uint32_t keys_every = 16;

bool look_at_key() { return detail::sampled++ % keys_every == 0; }

// Stands in for the caller's `done`; lives until it is called.
struct Later {
    Cache::Impl* impl;
    larder_call call;
    larder_done_fn done;
    void* ctx;
    std::uint64_t began_ns;
    std::uint32_t ns;
    bool set;
    std::atomic<int> holders{2};  // the function that asked, and the answer

    static void LARDER_CALL on_done(void* context, larder_status status, larder_value* value) noexcept {
        auto* const self = static_cast<Later*>(context);
        self->impl->add_measured(self->ns, self->set, self->impl->clock.fine_ns() - self->began_ns, true);
        self->done(self->ctx, status, value);
        self->let_go();
    }
    void let_go() noexcept {
        if (holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
};

template <class Ask>
larder_status measured(Cache::Impl& impl, std::uint32_t ns, bool set, const larder_call* call, Ask&& ask) {
    const std::uint64_t began = impl.clock.fine_ns();
    detail::went_below = false;
    if (call == nullptr || call->done == nullptr) {
        const larder_status status = ask(call);
        impl.add_measured(ns, set, impl.clock.fine_ns() - began, detail::went_below);
        return status;
    }
    auto* const later = new Later{&impl, *call, call->done, call->done_ctx, began, ns, set};
    later->call.done = &Later::on_done;
    later->call.done_ctx = later;
    const larder_status status = ask(&later->call);
    if (status != LARDER_PENDING) {
        impl.add_measured(ns, set, impl.clock.fine_ns() - began, detail::went_below);
        later->let_go();
    }
    later->let_go();
    return status;
}

}  // namespace

void Cache::Impl::add_measured(std::uint32_t ns, bool set, std::uint64_t took_ns, bool below) {
    const ReadGuard guard;
    const Space* space = state.get()->space(ns);
    if (space == nullptr || space->runtime == nullptr) return;
    (set ? space->runtime->puts : space->runtime->gets).add(took_ns, detail::sample_every);
    // What never left the first tier is as good as its own time, where that is memory.
    if (!space->tiers.empty() && space->tiers[0].tier->sync() && (set ? space->tiers.size() == 1 : !below))
        space->tiers[0].tier->durations(set ? Tier::Timed::put : Tier::Timed::get).add(took_ns, detail::sample_every);
}

larder_status Cache::Impl::measured_get(Cache& cache, larder_cache_get* items, std::size_t n, const larder_call* call) {
    if (n == 0) return cache.get_many(items, n, call);
    if (look_at_key()) hot.add(items[0].ns, view(items[0].key), detail::sample_every * keys_every);
    const std::uint64_t misses = detail::noted_misses();
    const larder_status status = measured(*this, items[0].ns, false, call, [&](const larder_call* with) { return cache.get_many(items, n, with); });
    const bool looks = call != nullptr && (call->flags & LARDER_CALL_PEEK) != 0;
    if (accesses.on() && !looks && status == LARDER_OK && items[0].status == LARDER_OK && misses == detail::noted_misses()) note_measured(items[0].ns, view(items[0].key));
    return status;
}

larder_status Cache::Impl::measured_visit(Cache& cache, std::uint32_t ns, std::string_view raw, const larder_call* call,
                                          void (*fn)(void*, larder_bytes) noexcept, void* ctx) {
    if (look_at_key()) hot.add(ns, raw, detail::sample_every * keys_every);
    const std::uint64_t began = clock.fine_ns();
    detail::went_below = false;
    const std::uint64_t misses = detail::noted_misses();
    const larder_status status = cache.visit(ns, raw, call, fn, ctx);
    add_measured(ns, false, clock.fine_ns() - began, detail::went_below);
    if (accesses.on() && status == LARDER_OK && misses == detail::noted_misses()) note_measured(ns, raw);
    return status;
}

larder_status Cache::Impl::measured_set(Cache& cache, larder_cache_set* items, std::size_t n, const larder_call* call) {
    if (n == 0) return cache.set_many(items, n, call);
    return measured(*this, items[0].ns, true, call, [&](const larder_call* with) { return cache.set_many(items, n, with); });
}

void Cache::Impl::log_miss(const Space& space, const EntryKey& key, std::uint64_t took_ns) {
    if (!space.ns->log_misses || took_ns < static_cast<std::uint64_t>(space.ns->log_misses->count()) * 1'000'000) return;
    std::array<char, 32> hash{};
    std::snprintf(hash.data(), hash.size(), "%016llx", static_cast<unsigned long long>(names.binding(space.ns->name, key.canonical)));
    std::string line = "miss of " + space.ns->name + " key_hash=" + hash.data() + " took_us=" + std::to_string(took_ns / 1000);
    events.add(clock.wall_ms(), LARDER_LOG_INFO, "miss", line);
    const ReadGuard guard;
    if (const auto& log = state.get()->parts.log_miss) log(line);
}

// What its entry is, in the first tier of this process that has it.
void Cache::Impl::weigh(HotKey& one, std::uint32_t ns) {
    const ReadGuard guard;
    const Space* const space = state.get()->space(ns);
    EntryKey key;
    if (space == nullptr || !space->keeps_entries() || !find_key(*space, names, one.key, key)) return;
    const std::uint64_t now = clock.mono_ns(), epoch = records.epoch();
    for (const SpaceTier& use : space->tiers) {
        if (!use.tier->sync() || use.tier->foreign()) continue;
        Found found;
        if (use.tier->get(key.store_key(space->runtime->shelf), LARDER_CALL_PEEK, now, 0, found.value) != LARDER_OK) continue;
        const Verdict verdict = judge(*space, key, *use.tier, found.value.bytes(), now, epoch, found.entry, found.stale_since_ns);
        if (verdict != Verdict::live && verdict != Verdict::stale) continue;
        one.bytes = found.entry.head().stored_size;
        one.load_us = found.entry.cost_us();
        return;
    }
}

std::vector<Cache::HotKey> Cache::hot_keys() const {
    std::vector<HotKey> out;
    for (const HotKeys::Key& one : impl_->hot.top(50)) {
        larder_bytes name{};
        if (ns_name(one.ns, &name) != LARDER_OK) continue;
        out.push_back({std::string(view(name)), one.key, one.count});
        impl_->weigh(out.back(), one.ns);
    }
    return out;
}

}  // namespace larder
