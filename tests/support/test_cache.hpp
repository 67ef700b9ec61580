// tests/support/test_cache.hpp -- a cache on virtual time over plain stores, with two-word verbs.
#pragma once

#include "dsl/compile.hpp"
#include "kernel/core/cache.hpp"
#include "tests/support/map_store.hpp"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

inline larder_bytes b(std::string_view t) { return {t.data(), t.size()}; }

struct TestCacheOptions {
    std::vector<std::string> stores{"l1"};
    std::uint64_t caps = MapStore::default_caps;
    std::optional<std::uint64_t> lower_caps;  // of those behind the first; none: the same
    std::size_t demotions = 4096;
    std::size_t records = 1u << 16;
    std::size_t outbox = 10'000;
    std::uint64_t seed = 1;
    std::string profile;
    std::string path = "test.larder";  // of the policy's text: what `use` is relative to
    std::vector<CodecHandle> codecs;
    std::vector<SourceHandle> sources;
    std::string journal;                 // of what is written behind; empty: there is none
    std::map<std::string, std::string> env;
    std::vector<StoreHandle> below;      // stores of others, behind `stores`
    ManualClock* clock = nullptr;        // several caches' own; null: one for this one
    ManualExecutor* executor = nullptr;  // likewise
};

class TestCache {
  public:
    explicit TestCache(std::string policy, TestCacheOptions options = {})
        : options_(std::move(options)),
          clock(options_.clock != nullptr ? *options_.clock : own_clock_),
          random(options_.seed),
          own_executor_(clock),
          executor(options_.executor != nullptr ? *options_.executor : own_executor_) {
        for (std::size_t i = 0; i < options_.stores.size(); ++i)
            stores.push_back(std::make_unique<MapStore>(clock, i == 0 ? options_.caps : options_.lower_caps.value_or(options_.caps)));
        CacheOptions o;
        o.clock = &clock;
        o.random = &random;
        o.executor = &executor;
        o.records = options_.records;
        o.demotions = options_.demotions;
        o.outbox = options_.outbox;
        cache = std::make_unique<Cache>(o);
        if (!options_.journal.empty()) {
            WriteBehindOptions behind;
            behind.file = options_.journal;
            std::vector<std::string> said;
            std::string problem;
            if (!cache->open_writes(behind, said, problem)) throw std::runtime_error(problem);
        }
        install(std::move(policy));
    }
    ~TestCache() { own_executor_.stop(); }

    void install(std::string policy) {
        dsl::CompileOptions o;
        o.profile = options_.profile;
        o.env = [this](std::string_view name) -> std::optional<std::string> {
            const auto it = options_.env.find(std::string(name));
            if (it == options_.env.end()) return std::nullopt;
            return it->second;
        };
        const dsl::Compiled made = dsl::compile_text(options_.path, std::move(policy), o);
        if (!made.ok()) throw std::runtime_error(dsl::render_text(*made.sources, made.found, false));
        CacheParts parts;
        parts.policy = made.policy;
        for (std::size_t i = 0; i < stores.size(); ++i) {
            parts.stores.push_back(stores[i]->handle(options_.stores[i]));
            parts.stores.back().empty_on_reload = emptied_on_reload;
        }
        parts.stores.insert(parts.stores.end(), options_.below.begin(), options_.below.end());
        parts.codecs = options_.codecs;
        parts.sources = options_.sources;
        parts.warm = [this](const std::vector<std::uint32_t>& items) {
            warmed.insert(warmed.end(), items.begin(), items.end());
            return static_cast<std::uint32_t>(items.size());
        };
        parts.end_sessions = [this](std::string_view session, std::string_view user) { ended.emplace_back(std::string(session) + "/" + std::string(user)); };
        cache->install(std::move(parts));
    }

    std::uint32_t ns(std::string_view name) {
        std::uint32_t number = 0;
        if (cache->ns_find(name, &number) != LARDER_OK) throw std::runtime_error("no namespace " + std::string(name));
        return number;
    }

    // ---- verbs
    struct Got {
        larder_status status = LARDER_MISS;
        std::string value;
        std::int64_t ttl_ms = 0;
        std::uint64_t version = 0;
        std::uint32_t found = 0;
    };
    Got look(std::string_view space, std::string_view key, std::uint32_t flags = 0, std::uint64_t client = 0) {
        larder_cache_get item{};
        item.ns = ns(space);
        item.key = b(key);
        larder_call call = plain_call(flags, client);
        cache->get_many(&item, 1, &call);
        Got got{item.status, {}, item.ttl_ms, item.version, item.found};
        if (item.value.data != nullptr) got.value.assign(static_cast<const char*>(item.value.data), item.value.size);
        if (item.value.release != nullptr) item.value.release(&item.value);
        return got;
    }
    std::optional<std::string> get(std::string_view space, std::string_view key) {
        const Got got = look(space, key);
        if (got.status != LARDER_OK || (got.found & LARDER_FOUND_ABSENT) != 0) return std::nullopt;
        return got.value;
    }
    struct PutOptions {
        std::int64_t ttl_ms = 0;
        std::uint32_t flags = 0;
        std::vector<std::pair<std::string, std::string>> with;
        std::uint64_t if_version = 0, client = 0;
    };
    larder_cache_set set(std::string_view space, std::string_view key, std::string_view value, const PutOptions& o) {
        std::vector<larder_pair> with;
        for (const auto& [name, text] : o.with) with.push_back({b(name), b(text)});
        larder_cache_set item{};
        item.ns = ns(space);
        item.key = b(key);
        item.value = b(value);
        item.ttl_ms = o.ttl_ms;
        item.flags = o.flags;
        item.if_version = o.if_version;
        item.with = with.data();
        item.with_count = static_cast<std::uint32_t>(with.size());
        larder_call call = plain_call(0, o.client);
        cache->set_many(&item, 1, &call);
        return item;
    }
    larder_status put(std::string_view space, std::string_view key, std::string_view value, std::int64_t ttl_ms = 0) {
        PutOptions o;
        o.ttl_ms = ttl_ms;
        return set(space, key, value, o).status;
    }
    larder_status put_with(std::string_view space, std::string_view key, std::string_view value, std::vector<std::pair<std::string, std::string>> with) {
        PutOptions o;
        o.with = std::move(with);
        return set(space, key, value, o).status;
    }
    larder_status remove(std::string_view space, std::string_view key, std::uint64_t client = 0) {
        larder_cache_key item{ns(space), LARDER_OK, b(key)};
        larder_call call = plain_call(0, client);
        cache->remove_many(&item, 1, &call);
        return item.status;
    }
    larder_receipt change(std::uint32_t action, std::uint32_t kind, std::string_view space, std::string_view what) {
        const larder_target target{kind, space.empty() ? LARDER_NS_NONE : ns(space), b(what)};
        larder_receipt receipt{};
        receipt.struct_size = sizeof receipt;
        if (cache->change(action, &target, 1, &receipt, nullptr) != LARDER_OK) throw std::runtime_error("change refused");
        return receipt;
    }
    void drop_tag(std::string_view tag) { change(LARDER_DROP, LARDER_TARGET_TAG, "", tag); }
    void drop_space(std::string_view space) { change(LARDER_DROP, LARDER_TARGET_NAMESPACE, space, ""); }
    void drop_key(std::string_view space, std::string_view key) { change(LARDER_DROP, LARDER_TARGET_KEY, space, key); }
    void drop_matching(std::string_view space, std::string_view glob) { change(LARDER_DROP, LARDER_TARGET_MATCHING, space, glob); }
    // The receipt's JSON.
    std::string request(std::string_view method, std::string_view path, std::uint32_t status = 200,
                        std::vector<std::pair<std::string, std::string>> headers = {}, std::string_view body = {}) {
        std::vector<larder_pair> pairs;
        for (const auto& [name, text] : headers) pairs.push_back({b(name), b(text)});
        larder_request rq{};
        rq.struct_size = sizeof rq;
        rq.method = b(method);
        rq.path = b(path);
        rq.status = status;
        rq.headers = pairs.data();
        rq.header_count = static_cast<std::uint32_t>(pairs.size());
        rq.body = b(body);
        return with_json([&](larder_receipt* r) { cache->request(rq, r, nullptr); });
    }
    std::string event(std::string_view name, std::vector<std::pair<std::string, std::string>> values = {}) {
        std::vector<larder_pair> pairs;
        for (const auto& [n, v] : values) pairs.push_back({b(n), b(v)});
        return with_json([&](larder_receipt* r) { cache->event(name, pairs.data(), pairs.size(), r, nullptr); });
    }
    std::optional<std::string> load(std::string_view space, std::string_view key, const Loader& loader, larder_status* status = nullptr, std::uint32_t* found = nullptr) {
        larder_cache_get item{};
        item.ns = ns(space);
        item.key = b(key);
        cache->get_or_load(item, loader, nullptr);
        if (status != nullptr) *status = item.status;
        if (found != nullptr) *found = item.found;
        std::optional<std::string> value;
        if (item.status == LARDER_OK) value.emplace(static_cast<const char*>(item.value.data), item.value.size);
        if (item.value.release != nullptr) item.value.release(&item.value);
        return value;
    }
    void after(Ms by) { executor.advance(by); }
    std::vector<std::string> scan(std::string_view space, std::string_view glob = {}) {
        std::vector<std::string> keys;
        larder_cache_scan walk{};
        walk.struct_size = sizeof walk;
        walk.ns = space.empty() ? LARDER_NS_NONE : ns(space);
        walk.count = 100;
        walk.glob = b(glob);
        walk.ctx = &keys;
        walk.on_key = [](void* ctx, std::uint32_t, larder_bytes key) noexcept {
            static_cast<std::vector<std::string>*>(ctx)->emplace_back(static_cast<const char*>(key.data), key.size);
        };
        do cache->scan(&walk, nullptr);
        while (walk.cursor != 0);
        return keys;
    }
    std::uint64_t count(std::string_view space) {
        std::uint64_t n = 0;
        cache->count(space.empty() ? LARDER_NS_NONE : ns(space), &n, nullptr);
        return n;
    }
    SpaceCounts counts(std::string_view space) {
        for (SpaceCounts& c : cache->counts())
            if (c.name == space) return c;
        throw std::runtime_error("no counts of " + std::string(space));
    }

  private:
    TestCacheOptions options_;
    ManualClock own_clock_;
    static larder_call plain_call(std::uint32_t flags, std::uint64_t client) {
        larder_call call{};
        call.struct_size = sizeof call;
        call.flags = flags;
        call.client = client;
        return call;
    }
    template <class Fn>
    std::string with_json(Fn&& fn) {
        larder_receipt receipt{};
        receipt.struct_size = sizeof receipt;
        receipt.want_json = 1;
        fn(&receipt);
        std::string json;
        if (receipt.json.data != nullptr) json.assign(static_cast<const char*>(receipt.json.data), receipt.json.size);
        if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
        return json;
    }

  public:
    ManualClock& clock;
    SeededRandom random;

  private:
    ManualExecutor own_executor_;

  public:
    ManualExecutor& executor;
    std::vector<std::unique_ptr<MapStore>> stores;  // outlive the cache
    std::unique_ptr<Cache> cache;
    std::vector<std::uint32_t> warmed;
    std::vector<std::string> ended;
    bool emptied_on_reload = false;  // its own stores, by later installs
};

}  // namespace larder::test
