// kernel/core/cache_probe.cpp -- whether every store does what it says: a key of nobody goes in, comes
// back, and goes away.
//
// The key belongs to no namespace, so no entry is touched and no rule fires. It has a random name and a
// life of ten seconds, in case the store takes it and then fails.
#include "kernel/core/cache_impl.hpp"

#include <cstring>

namespace larder {

std::vector<StoreProbe> Cache::probe() {
    std::vector<std::shared_ptr<Tier>> tiers;
    {
        const ReadGuard guard;
        tiers = impl_->state.get()->tiers;
    }
    std::vector<StoreProbe> out;
    for (const auto& tier : tiers) {
        StoreProbe probe;
        probe.store = tier->store().name;
        const std::uint64_t now = impl_->clock.mono_ns(), until = impl_->deadline(nullptr, now);
        const std::uint64_t number = impl_->random.next() | 1;
        std::string name = "probe:" + std::to_string(number);
        if (tier->store().shared != nullptr)
            name = std::string(view(tier->store().shared->prefix(tier->store().sharing()))) + ":l:{" + name + "}";
        const larder_key key{name.data(), static_cast<std::uint32_t>(name.size()), impl_->next_shelf.fetch_add(1), number};
        const std::string value = "is it there " + name;
        larder_put put{};
        put.struct_size = sizeof put;
        put.value = bytes_of(value);
        put.ttl_ms = 10'000;
        put.version = number;
        probe.set = tier->put(key, put, now, until) == LARDER_OK;
        Pinned back;
        probe.get = probe.set && tier->get(key, LARDER_CALL_PEEK, now, until, back) == LARDER_OK && view(back.bytes()) == value;
        Pinned again;
        probe.exists = probe.set && tier->get(key, LARDER_CALL_PEEK, now, until, again) == LARDER_OK;
        probe.removed = probe.set && tier->remove(key, 0, now, until) == LARDER_OK;
        Pinned nothing;
        probe.gone = probe.removed && tier->get(key, LARDER_CALL_PEEK, now, until, nothing) == LARDER_MISS;
        out.push_back(std::move(probe));
    }
    return out;
}

}  // namespace larder
