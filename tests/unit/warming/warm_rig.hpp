// tests/unit/warming/warm_rig.hpp -- a cache, its warming and an origin that counts, on virtual time.
#pragma once

#include "kernel/core/warming.hpp"
#include "tests/support/test_cache.hpp"

#include <larder/plugin/warmer.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace larder::test {

struct WarmRig {
    ManualClock clock;
    SeededRandom random{7};
    ManualExecutor executor{clock};
    MapStore store;
    std::vector<std::string> asked;  // "space key by address name=value ..."
    larder_status fail = LARDER_OK;
    std::function<void()> during;
    std::map<std::string, std::string> values;  // of keys; others are "of KEY"
    std::vector<std::string> notes;
    std::map<std::string, std::string> env;
    std::function<std::vector<Warming::Foreseen>(std::uint32_t, const dsl::Warm&, std::size_t)> foresee;
    Warming::Options options;
    std::unique_ptr<Cache> cache;
    std::unique_ptr<Warming> warming;

    // Without CAP_SCAN nobody walks the store once a second.
    explicit WarmRig(const std::string& policy, std::map<std::string, std::string> environment = {}, Warming::Options given = {},
                     std::uint64_t caps = MapStore::default_caps)
        : store(clock, caps), env(std::move(environment)), options(given) {
        CacheOptions o;
        o.clock = &clock;
        o.random = &random;
        o.executor = &executor;
        cache = std::make_unique<Cache>(o);
        Warming::Parts parts;
        parts.cache = cache.get();
        parts.clock = &clock;
        parts.random = &random;
        parts.timers = parts.workers = &executor;
        parts.note = [this](int, std::string text) { notes.push_back(std::move(text)); };
        parts.foresee = [this](std::uint32_t ns, const dsl::Warm& warm, std::size_t most) {
            return foresee ? foresee(ns, warm, most) : std::vector<Warming::Foreseen>{};
        };
        warming = std::make_unique<Warming>(std::move(parts), options);
        install(policy);
    }
    ~WarmRig() {
        warming->stop();
        executor.stop();
    }

    void install(const std::string& text) {
        dsl::CompileOptions o;
        o.env = [this](std::string_view name) -> std::optional<std::string> {
            const auto it = env.find(std::string(name));
            return it == env.end() ? std::nullopt : std::optional(it->second);
        };
        const dsl::Compiled made = dsl::compile_text("test.larder", text, o);
        if (!made.ok()) throw std::runtime_error(dsl::render_text(*made.sources, made.found, false));
        CacheParts parts;
        parts.policy = made.policy;
        parts.stores.push_back(store.handle("l1"));
        SourceHandle db;
        db.name = "db";
        db.self = this;
        db.load = [this](const SourceAsk& ask) -> Loaded {
            const auto text_of = [](larder_bytes bytes) { return std::string(static_cast<const char*>(bytes.data), bytes.size); };
            std::string line = std::string(ask.space) + " " + std::string(ask.key) + " by " + std::string(ask.address);
            for (const larder_pair& field : ask.fields) line += " " + text_of(field.name) + "=" + text_of(field.value);
            asked.push_back(std::move(line));
            if (during) std::exchange(during, nullptr)();
            if (fail != LARDER_OK) return {fail, {}, 0, {}};
            const auto it = values.find(std::string(ask.key));
            return {LARDER_OK, it == values.end() ? "of " + std::string(ask.key) : it->second, 0, {}};
        };
        parts.sources.push_back(std::move(db));
        parts.warm = [this, of = made.policy](const std::vector<std::uint32_t>& items) {
            return static_cast<std::uint32_t>(warming->queue(*of, items, LARDER_WARM_AFTER_INVALIDATION).size());
        };
        parts.reload = [this](std::uint32_t ns, std::string_view key) { return warming->reload(ns, key); };
        cache->install(std::move(parts));
        warming->install(made.policy);
    }
    std::uint32_t ns(std::string_view name) const {
        std::uint32_t number = 0;
        if (cache->ns_find(name, &number) != LARDER_OK) throw std::runtime_error("no namespace");
        return number;
    }
    // Of the tiers alone.
    bool has(std::string_view space, std::string_view key) const {
        larder_cache_get item{};
        item.ns = ns(space);
        item.key = b(key);
        larder_call call{};
        call.struct_size = sizeof call;
        call.flags = LARDER_CALL_PEEK;
        cache->get_many(&item, 1, &call);
        const bool found = item.status == LARDER_OK;
        if (item.value.release != nullptr) item.value.release(&item.value);
        return found;
    }
    std::string get(std::string_view space, std::string_view key) const {
        larder_cache_get item{};
        item.ns = ns(space);
        item.key = b(key);
        cache->get_many(&item, 1, nullptr);
        std::string out = item.status == LARDER_OK ? std::string(static_cast<const char*>(item.value.data), item.value.size) : std::string("none");
        if (item.value.release != nullptr) item.value.release(&item.value);
        return out;
    }
    larder_status put(std::string_view space, std::string_view key, std::string_view value) const {
        larder_cache_set item{};
        item.ns = ns(space);
        item.key = b(key);
        item.value = {value.data(), value.size()};
        cache->set_many(&item, 1, nullptr);
        return item.status;
    }
    void change(std::uint32_t action, std::string_view space, std::string_view key = {}) const {
        larder_target target{};
        target.kind = key.empty() ? LARDER_TARGET_NAMESPACE : LARDER_TARGET_KEY;
        target.ns = ns(space);
        target.what = b(key);
        larder_receipt receipt{};
        receipt.struct_size = sizeof receipt;
        cache->change(action, &target, 1, &receipt, nullptr);
    }
    std::vector<std::uint64_t> warm(std::string_view space, bool force = false) {
        const auto index = cache->policy()->find(space);
        return warming->queue_under(index ? *index : dsl::none, LARDER_WARM_DEMAND, force);
    }
    WarmRun last() const { return warming->runs().at(0); }
};

}  // namespace larder::test
