// kernel/core/cache_pack.cpp -- values made small on their way in, themselves again on their way out.
//
// How is a matter of packing.hpp; here it meets requests. A write costs its codec's time and, one in a few, a copy for
// learning. A read of a coded value costs one allocation and its codec's time. A read that lacks a
// dictionary is PENDING: whoever may wait fetches it, all others leave that to a thread that may.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/packed_formats.hpp"
#include "kernel/core/packing.hpp"

#include <algorithm>
#include <charconv>
#include <new>

namespace larder {
namespace {

constexpr std::chrono::seconds tend_every{10};
constexpr unsigned timed_one_in = 8;

bool is_timed() noexcept {
    thread_local unsigned count = 0;
    return ++count % timed_one_in == 0;
}

bool is_excepted(const PackPlan& plan, std::string_view value) {
    if (plan.except.empty()) return false;
    const std::string_view type = value_type(value);
    return std::any_of(plan.except.begin(), plan.except.end(), [&](const std::string& pattern) { return fits_type(type, pattern); });
}

void release_bytes(larder_value* v) noexcept { delete[] static_cast<char*>(v->pin); }

}  // namespace

PackRules pack_rules(const dsl::Namespace& ns) {
    PackRules rules;
    if (!ns.compress || !ns.key) return rules;
    const dsl::Compression& said = *ns.compress;
    rules.codec = said.codec;
    rules.chooses = said.codec == "auto";
    rules.except = said.except;
    if (said.above_bytes != 0) rules.from = said.above_bytes;
    for (const dsl::Option& option : said.options) {
        if ((option.name != "level" && option.name != "quality") || option.values.size() != 1) continue;
        int level = 0;
        const std::string& text = option.values.front();
        if (std::from_chars(text.data(), text.data() + text.size(), level).ec == std::errc{}) rules.level = level;
    }
    return rules;
}

Cache::Impl::Packed Cache::Impl::pack(const Space& space, std::string_view value) {
    Packing& packing = *space.runtime->packing;
    const PackPlan* const plan = packing.plan();
    if (plan == nullptr || value.empty()) return {};
    const PackPlan::Way& way = plan->way(value.size());
    const bool tries = way.coder != nullptr && value.size() >= way.from;
    if (!tries && !plan->samples) return {};
    if (!packed_format(value).empty() || is_excepted(*plan, value)) {
        packing.count_packed_already();
        return {};
    }
    if (plan->samples && packing.offer(value)) tend_soon(space.runtime->number);
    if (!tries) return {};

    thread_local std::string room;
    constexpr std::size_t most_kept = std::size_t{1} << 20;
    if (room.size() > most_kept) std::string().swap(room);
    using C = CoderCounts;
    CoderCounts& counts = *way.coder->counts();
    const bool timed = is_timed();
    const std::uint64_t began = timed ? clock.fine_ns() : 0;
    const std::string_view packed = way.coder->compress(value, room);
    if (timed) {
        counts.add(C::timed, value.size());
        counts.add(C::timed_ns, clock.fine_ns() - began);
    }
    counts.add(C::tried, value.size());
    counts.add(C::kept, packed.empty() ? value.size() : packed.size());
    if (packed.empty()) {
        counts.add(C::not_smaller);
        space.runtime->count(SpaceDetail::not_smaller);
        return {};
    }
    counts.add(C::values);
    counts.add(C::raw, value.size());
    counts.add(C::stored, packed.size());
    space.runtime->count(SpaceDetail::raw_bytes, value.size());
    space.runtime->count(SpaceDetail::stored_bytes, packed.size());
    space.runtime->count(SpaceDetail::compressed);
    return {packed, way.coder->codec(), way.coder->dictionary_id()};
}

larder_status Cache::Impl::unpack(const State& s, const Space& space, const Found& found, larder_value& out) {
    const EnvelopeHead& head = found.entry.head();
    const std::string_view payload = found.entry.payload();
    if (head.raw_size > options.max_value_bytes) return LARDER_E_CORRUPT;
    const std::uint32_t dictionary = found.entry.dictionary();
    Packing& packing = *space.runtime->packing;
    const PackPlan* const plan = packing.plan();
    const Coder* const coder = plan != nullptr ? plan->reader(head.codec, dictionary) : nullptr;
    const CodecHandle* const plain = dictionary == 0 && head.codec < s.by_codec.size() ? s.by_codec[head.codec] : nullptr;
    if (coder == nullptr && plain == nullptr) {
        if (dictionary == 0) return LARDER_E_CORRUPT;  // no such codec here
        if (dictionary_home(space) && !packing.missing(dictionary, clock.mono_ns())) {
            packing.want(dictionary);
            return LARDER_PENDING;
        }
        packing.count_unread();
        return LARDER_MISS;
    }
    char* const raw = new (std::nothrow) char[std::max<std::size_t>(head.raw_size, 1)];
    if (raw == nullptr) return LARDER_E_NOMEM;
    larder_value value{raw, head.raw_size, &release_bytes, raw};
    using C = CoderCounts;
    CoderCounts* const counts = coder != nullptr ? coder->counts() : nullptr;
    const bool timed = counts != nullptr && is_timed();
    const std::uint64_t began = timed ? clock.fine_ns() : 0;
    bool good = false;
    if (coder != nullptr) {
        good = coder->decompress(payload, raw, head.raw_size);
    } else {
        std::size_t size = head.raw_size;
        good = plain->table->decompress(plain->self, bytes_of(payload), raw, &size) == LARDER_OK && size == head.raw_size;
    }
    if (timed) {
        counts->add(C::read_timed, head.raw_size);
        counts->add(C::read_timed_ns, clock.fine_ns() - began);
    }
    if (counts != nullptr) counts->add(C::reads);
    if (!good) {
        release_bytes(&value);
        return LARDER_E_CORRUPT;
    }
    out = value;
    return LARDER_OK;
}

// ---- dictionaries

std::optional<DictionaryHome> Cache::Impl::dictionary_home(const Space& space) const {
    for (std::size_t i = space.tiers.size(); i-- > 0;) {
        Tier& tier = *space.tiers[i].tier;
        if (!tier.foreign()) continue;
        DictionaryHome::Options of;
        of.tier = tier.shared_from_this();
        of.prefix = space.authority != nullptr && i == space.authority_tier ? space.authority->prefix() : "larder";
        of.space = space.ns->name;
        const std::uint64_t life = longest_life_ms(space);
        constexpr std::uint64_t hour_ms = 3'600'000;
        of.life_ms = life == 0 ? 0 : 2 * life + hour_ms;
        of.timeout_ns = static_cast<std::uint64_t>(options.default_deadline.count()) * 1'000'000;
        return DictionaryHome(std::move(of), names, clock, random);
    }
    return std::nullopt;
}

std::uint64_t Cache::Impl::longest_life_ms(const Space& space) const {
    return space.ns->ttl ? static_cast<std::uint64_t>((absolute_limit(space) + space.stale).count()) : 0;
}

void Cache::Impl::fetch_dictionaries(const Space& space) {
    if (const auto home = dictionary_home(space)) space.runtime->packing->fetch_wanted(*home, clock);
}

void Cache::Impl::fill_item_here(const State& s, const Space& space, const EntryKey& key, Found& found, std::uint32_t flags,
                                 std::uint64_t now_ns, larder_cache_get& item) {
    fill_item(s, space, key, found, flags, now_ns, item);
    if (item.status != LARDER_PENDING) return;
    fetch_dictionaries(space);
    fill_item(s, space, key, found, flags, now_ns, item);
    if (item.status == LARDER_PENDING) item.status = LARDER_MISS;
}

void Cache::Impl::end_unread(std::span<larder_cache_get* const> items, const larder_call* call) {
    const ReadGuard guard;
    const State& s = *state.get();
    larder_call plain{};
    plain.struct_size = sizeof plain;
    if (call != nullptr) plain = *call;
    plain.done = nullptr;
    plain.flags &= ~static_cast<std::uint32_t>(LARDER_GET_FENCE);  // who asked fences what is a miss
    for (larder_cache_get* const item : items) {
        if (item->status != LARDER_PENDING) continue;
        const Space* const space = s.space(item->ns);
        if (space != nullptr) {
            fetch_dictionaries(*space);
            get_one(s, *item, &plain, false);
        }
        if (item->status == LARDER_PENDING) item->status = LARDER_MISS;
    }
}

// ---- learning

void Cache::Impl::tend_packing(std::uint32_t ns) {
    Packing::World world;
    std::optional<DictionaryHome> home;
    std::shared_ptr<Packing> packing;
    std::string name;
    {
        const ReadGuard guard;
        const Space* const space = state.get() == nullptr ? nullptr : state.get()->space(ns);
        if (space == nullptr) return;
        packing = space->runtime->packing;
        name = space->ns->name;
        if (auto found = dictionary_home(*space)) home.emplace(std::move(*found));
        world.life_ms = longest_life_ms(*space);
        constexpr double most_reads = 100;
        const auto puts = static_cast<double>(space->runtime->total(SpaceCount::puts)), hits = static_cast<double>(space->runtime->total(SpaceCount::hits));
        world.price.reads = puts == 0 ? 1 : std::min(hits / puts, most_reads);
    }
    world.home = home ? &*home : nullptr;
    world.clock = &clock;
    world.note = [&](std::string text) { events.add(clock.wall_ms(), LARDER_LOG_INFO, "compress", name + ": " + std::move(text)); };
    packing->tend(world);
}

void Cache::Impl::tend_soon(std::uint32_t ns) {
    executor.post(true, [this, ns] {
        if (!stopping.load()) tend_packing(ns);
    });
}

void Cache::Impl::start_tending() {
    tend_timer = executor.after(tend_every, [this] {
        if (stopping.load()) return;
        {
            const ReadGuard guard;
            if (const State* const s = state.get())
                for (const Space& space : s->spaces)
                    if (space.runtime->packing->learns()) tend_soon(space.runtime->number);
        }
        if (!stopping.load()) start_tending();
    });
}

}  // namespace larder
