// kernel/core/shared_walk.cpp -- see shared_walk.hpp.
#include "kernel/core/shared_walk.hpp"

#include <algorithm>

namespace larder {
namespace {

// The space by whose records entries in this store are judged; null: none of this namespace's are there.
const Space* judge_in(const Space* space, const Authority* store) {
    if (space == nullptr || space->authority == store) return space;
    return space->below != nullptr && space->below->authority == store ? space->below.get() : nullptr;
}

}  // namespace

larder_status SharedWalk::step(std::uint32_t keys, std::uint64_t deadline_ns) {
    if (cursor_ == 0) seen_.clear();
    larder_status status = LARDER_OK;
    const std::vector<Named> named = list(keys, deadline_ns, status);
    refused_ = status == LARDER_E_UNSUPPORTED;
    if (status != LARDER_OK) return status;
    if (!named.empty()) read(named, deadline_ns);
    return LARDER_OK;
}

// Counts what it sees; answers what is to be read.
std::vector<SharedWalk::Named> SharedWalk::list(std::uint32_t keys, std::uint64_t deadline_ns, larder_status& status) {
    struct Shown {
        std::string key;
        std::uint64_t size = 0;
    };
    std::vector<Shown> shown;
    larder_scan walk{};
    walk.struct_size = sizeof walk;
    walk.ns = UINT32_MAX;
    walk.cursor = cursor_;
    walk.count = keys;
    walk.flags = options_.reads ? LARDER_SCAN_LAPSED : LARDER_SCAN_LAPSED | LARDER_SCAN_KEYS;
    walk.ctx = &shown;
    walk.on_key = [](void* ctx, const larder_key* key, std::uint64_t size, std::int64_t) noexcept -> std::int32_t {
        static_cast<std::vector<Shown>*>(ctx)->push_back({std::string(key->data, key->size), size});
        return 0;
    };
    status = authority_->tier().scan(walk, deadline_ns);
    if (status != LARDER_OK) return {};
    cursor_ = walk.cursor;

    std::vector<Named> named;
    std::uint64_t bytes = 0;
    const ReadGuard guard;
    const State& s = *impl_.state.get();
    for (Shown& one : shown) {
        const Space* space = nullptr;
        EntryKey key;
        const bool whole = impl_.entry_of(s, one.key, space, key);
        if (judge_in(space, authority_.get()) == nullptr || (options_.ns != LARDER_NS_NONE && space->runtime->number != options_.ns)) continue;
        ++seen_[space->runtime->number];
        if (!whole || !options_.reads || one.size > options_.most_bytes - std::min(bytes, options_.most_bytes)) continue;
        bytes += one.size;
        named.push_back({space->runtime->number, std::move(one.key), std::string(key.canonical)});
    }
    return named;
}

void SharedWalk::read(const std::vector<Named>& named, std::uint64_t deadline_ns) {
    const std::uint64_t now_ns = impl_.clock.mono_ns();
    const auto read = std::make_shared<SharedRead>(impl_, authority_);
    read->expect(named.size());
    std::vector<const Named*> asked;
    {
        const ReadGuard guard;
        const State& s = *impl_.state.get();
        for (const Named& one : named) {
            const Space* const space = judge_in(s.space(one.ns), authority_.get());
            FieldedKey key;
            if (space == nullptr || !make_fields(*space, impl_.names, one.canonical, key)) continue;
            read->add(s, *space, key);
            asked.push_back(&one);
        }
    }
    if (asked.empty()) return;
    read->run(now_ns, deadline_ns);
    std::vector<std::pair<const Named*, std::uint64_t>> over;
    {
        const ReadGuard guard;
        const State& s = *impl_.state.get();
        for (std::size_t i = 0; i < asked.size(); ++i) {
            const SharedItem& item = read->items()[i];
            const Space* const space = s.space(asked[i]->ns);
            if (space == nullptr || item.status != LARDER_OK) continue;
            if (options_.on_entry) options_.on_entry(*space, asked[i]->canonical, item);
            if (options_.removes && item.over && item.id != 0) over.emplace_back(asked[i], item.id);
        }
    }
    for (const auto& [one, id] : over) {
        const larder_key key{one->whole.data(), static_cast<std::uint32_t>(one->whole.size()), one->ns, 0};
        if (authority_->tier().remove(key, id, now_ns, deadline_ns) == LARDER_OK) ++removed_;
    }
}

}  // namespace larder
