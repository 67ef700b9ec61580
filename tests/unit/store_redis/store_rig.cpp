// tests/unit/store_redis/store_rig.cpp -- see store_rig.hpp.
#include "store_rig.hpp"

#include "plugins/store_redis/record_bytes.hpp"
#include "plugins/store_redis/redis_store.hpp"

#include <time.h>

#include <algorithm>
#include <utility>

namespace larder::test {
namespace {

constexpr std::chrono::seconds patience{15};
const larder_component& component = plugin::Store<store_redis::RedisStore>::value;

std::uint64_t machine_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

// ---- Told ---------------------------------------------------------------------------------------

Told::Told() {
    sink_.struct_size = sizeof sink_;
    sink_.ctx = this;
    sink_.changed = [](void* ctx, const larder_bytes* told, std::size_t n) noexcept {
        Told& me = *static_cast<Told*>(ctx);
        const std::lock_guard lock(me.mutex_);
        for (std::size_t i = 0; i < n; ++i) {
            me.keys.emplace_back(plugin::text_of(told[i]));
        }
        me.comes_.notify_all();
    };
    sink_.changed_all = [](void* ctx) noexcept {
        Told& me = *static_cast<Told*>(ctx);
        const std::lock_guard lock(me.mutex_);
        ++me.alls;
        me.order += 'a';
        me.comes_.notify_all();
    };
    sink_.trust = [](void* ctx, std::int32_t answer) noexcept {
        Told& me = *static_cast<Told*>(ctx);
        const std::lock_guard lock(me.mutex_);
        ++(answer != 0 ? me.yes : me.no);
        me.trusted = answer != 0;
        me.order += answer != 0 ? 'y' : 'n';
        me.comes_.notify_all();
    };
    sink_.renewed = [](void* ctx, std::int32_t other) noexcept {
        Told& me = *static_cast<Told*>(ctx);
        const std::lock_guard lock(me.mutex_);
        ++me.renewed;
        me.older += other != 0 ? 1 : 0;
        me.comes_.notify_all();
    };
}

bool Told::until(const std::function<bool()>& seen) const {
    std::unique_lock lock(mutex_);
    return comes_.wait_for(lock, patience, seen);
}

bool Told::until_key(const std::string& key) const {
    return until([&] { return std::count(keys.begin(), keys.end(), key) != 0; });
}

// ---- Later --------------------------------------------------------------------------------------

larder_call Later::call(std::uint64_t deadline_ns) {
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = deadline_ns;
    call.done_ctx = this;
    call.done = [](void* ctx, larder_status status, larder_value* got) noexcept {
        Later& me = *static_cast<Later*>(ctx);
        const std::lock_guard lock(me.mutex_);
        me.value = plugin::Value(got);
        me.status_ = status;
        me.comes_.notify_all();
    };
    return call;
}

larder_status Later::wait() {
    std::unique_lock lock(mutex_);
    return comes_.wait_for(lock, patience, [&] { return status_.has_value(); }) ? *status_ : 100;
}

bool Later::ended() const {
    const std::lock_guard lock(mutex_);
    return status_.has_value();
}

// ---- StoreRig -----------------------------------------------------------------------------------

FakeConfig StoreRig::on(std::uint16_t port) {
    FakeConfig config;
    config.set("port", static_cast<int>(port));
    return config;
}

StoreRig::StoreRig(FakeConfig config, const std::string& password, const std::string& tls_key) {
    const auto fallback = [&](const char* name, std::int64_t value) {
        std::int64_t there = 0;
        if (FakeConfig::api().get_int(config.get(), name, &there) != LARDER_OK) {
            config.set(name, value);
        }
    };
    constexpr std::int64_t ms = 1'000'000;
    fallback("connect_timeout", 5000 * ms);
    fallback("command_timeout", 5000 * ms);
    fallback("max_staleness", 400 * ms);
    fallback("heartbeat", 50 * ms);
    config.name_instance("l2");
    if (!password.empty()) {
        fake_.set_secret("password", password);
    }
    if (!tls_key.empty()) {
        fake_.set_secret("tls_key", tls_key);
    }
    host_ = *fake_.get();
    host_.mono_ns = [](const larder_host*) noexcept -> std::uint64_t { return machine_ns(); };
    instance_.struct_size = sizeof instance_;
    char text[400];
    larder_errbuf err{text, sizeof text, 0};
    created_ = component.create(&host_, config.get(), &instance_, &err) == LARDER_OK;
    if (created_) {
        shared_ = static_cast<const larder_shared_v1*>(
            component.extension(instance_.self, LARDER_EXT_SHARED));
        started_ = component.start(instance_.self, &err) == LARDER_OK;
    }
    refusal_.assign(text, err.len);
}

StoreRig::~StoreRig() {
    if (created_) {
        stop();
        component.destroy(instance_.self);
    }
}

void StoreRig::stop() { component.stop(instance_.self, now_ns()); }

const larder_store_v1& StoreRig::store() const noexcept {
    return *static_cast<const larder_store_v1*>(instance_.vtable);
}

larder_health StoreRig::health() const {
    larder_health health{};
    health.struct_size = sizeof health;
    component.health(instance_.self, &health);
    return health;
}

bool StoreRig::until(const std::function<bool()>& holds) const {
    std::mutex mutex;
    std::condition_variable never;
    const std::uint64_t end = machine_ns() + static_cast<std::uint64_t>(patience.count()) * 1'000'000'000;
    while (!holds()) {
        if (machine_ns() > end) {
            return false;
        }
        std::unique_lock lock(mutex);
        never.wait_for(lock, std::chrono::milliseconds(2));
    }
    return true;
}

std::uint64_t StoreRig::now_ns() const { return machine_ns(); }

larder_call StoreRig::call(std::chrono::milliseconds within) const {
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = now_ns() + static_cast<std::uint64_t>(within.count()) * 1'000'000;
    return call;
}

larder_key StoreRig::key(std::string_view name, std::uint32_t ns) {
    return {name.data(), static_cast<std::uint32_t>(name.size()), ns, 0};
}

larder_status StoreRig::put(std::string_view name, std::string_view value, std::uint64_t ttl_ms,
                            std::uint32_t flags, std::uint64_t if_version) {
    larder_put put{};
    put.struct_size = sizeof put;
    put.flags = flags;
    put.value = plugin::bytes_of(value);
    put.ttl_ms = ttl_ms;
    put.version = 1;
    put.if_version = if_version;
    const larder_key k = key(name);
    const larder_call c = call();
    return store().put(self(), &k, &put, &c);
}

larder_status StoreRig::get(std::string_view name, std::string* value) {
    const larder_key k = key(name);
    const larder_call c = call();
    plugin::Value got;
    const larder_status status = store().get(self(), &k, &c, got.out());
    if (status == LARDER_OK && value != nullptr) {
        *value = got.text();
    }
    return status;
}

larder_status StoreRig::remove(std::string_view name, std::uint64_t if_version) {
    const larder_key k = key(name);
    const larder_call c = call();
    return store().remove(self(), &k, if_version, &c);
}

std::string envelope(std::uint64_t id, std::string_view payload) {
    std::string bytes(16, 'e');
    store_redis::append_number(bytes, id);
    bytes.append(40, 'h');
    return bytes + std::string(payload);
}

}  // namespace larder::test
