// tests/unit/store_lmdb/lmdb_rig.cpp -- see lmdb_rig.hpp.
#include "lmdb_rig.hpp"

#include "plugins/store_lmdb/lmdb_store.hpp"

#include <array>
#include <thread>
#include <utility>

namespace larder::test {
namespace {

constexpr std::chrono::seconds patience{60};
const larder_component& component = plugin::Store<store_lmdb::LmdbStore>::value;

}  // namespace

larder_call Later::call() {
    larder_call call = LmdbRig::call();
    call.done_ctx = this;
    call.done = [](void* ctx, larder_status status, larder_value*) noexcept {
        Later& me = *static_cast<Later*>(ctx);
        const std::lock_guard lock(me.mutex_);
        me.status_ = status;
        me.comes_.notify_all();
    };
    return call;
}

larder_status Later::wait() {
    std::unique_lock lock(mutex_);
    return comes_.wait_for(lock, patience, [&] { return status_.has_value(); }) ? *status_ : 100;
}

LmdbRig::LmdbRig(const std::string& folder, FakeConfig config) {
    config.set("path", folder);
    host_ = *fake_.get();
    std::array<char, 400> text{};
    larder_errbuf err{text.data(), static_cast<std::uint32_t>(text.size()), 0};
    instance_.struct_size = sizeof instance_;
    created_ = component.create(fake_.get(), config.get(), &instance_, &err) == LARDER_OK;
    if (created_) {
        shared_ = static_cast<const larder_shared_v1*>(component.extension(self(), LARDER_EXT_SHARED));
        started_ = component.start(self(), &err) == LARDER_OK;
    }
    refusal_ = text.data();
}

LmdbRig::~LmdbRig() {
    stop();
    if (created_) {
        component.destroy(self());
    }
}

void LmdbRig::stop() {
    if (std::exchange(started_, false)) {
        component.stop(self(), 0);
    }
}

const larder_store_v1& LmdbRig::store() const noexcept {
    return *static_cast<const larder_store_v1*>(instance_.vtable);
}

larder_health LmdbRig::health() const {
    larder_health health{};
    health.struct_size = sizeof health;
    component.health(self(), &health);
    return health;
}

larder_status LmdbRig::reconfigure(FakeConfig config) {
    return component.reconfigure(self(), config.get(), nullptr);
}

// A change of nothing: all that was put in line before it is done then, and what the store's thread does for itself.
void LmdbRig::settle() {
    for (int i = 0; i < 2; ++i) {
        Later later;
        const larder_call call = later.call();
        const larder_key nothing = key("larder:v:{nothing}");
        if (store().remove(self(), &nothing, 0, &call) == LARDER_PENDING) {
            later.wait();
        }
    }
}

bool LmdbRig::until(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

void LmdbRig::pass(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds step{1000};
    for (; time.count() > 0; time -= std::min(time, step)) {
        fake_.advance(std::min(time, step));
        settle();
    }
}

larder_call LmdbRig::call() {
    larder_call call{};
    call.struct_size = sizeof call;
    return call;
}

larder_key LmdbRig::key(std::string_view name, std::uint32_t ns) {
    return {name.data(), static_cast<std::uint32_t>(name.size()), ns, 0};
}

larder_status LmdbRig::put(std::string_view name, std::string_view value, std::uint64_t ttl_ms, std::uint32_t flags,
                           std::uint64_t if_version, std::uint64_t version) {
    const larder_key k = key(name);
    const larder_call c = call();
    larder_put put{};
    put.struct_size = sizeof put;
    put.flags = flags;
    put.value = plugin::bytes_of(value);
    put.ttl_ms = ttl_ms;
    put.version = version;
    put.if_version = if_version;
    return store().put(self(), &k, &put, &c);
}

larder_status LmdbRig::get(std::string_view name, std::string* value, std::uint32_t flags) {
    const larder_key k = key(name);
    larder_call c = call();
    c.flags = flags;
    plugin::Value got;
    const larder_status status = store().get(self(), &k, &c, got.out());
    if (status == LARDER_OK && value != nullptr) {
        *value = got.text();
    }
    return status;
}

std::string LmdbRig::value(std::string_view name) {
    std::string got = "-";
    get(name, &got, LARDER_CALL_PEEK);
    return got;
}

larder_status LmdbRig::remove(std::string_view name, std::uint64_t if_version) {
    const larder_key k = key(name);
    const larder_call c = call();
    return store().remove(self(), &k, if_version, &c);
}

larder_status LmdbRig::make(larder_record& record, std::uint64_t ttl_ms) {
    const larder_call c = call();
    return shared().make(self(), &record, 1, ttl_ms, &c);
}

larder_status LmdbRig::change(larder_record& record) {
    const larder_call c = call();
    return shared().change(self(), &record, 1, 60'000, nullptr, 0, 0, &c);
}

larder_record LmdbRig::record(const std::string& name) {
    larder_record record = record_of(name, 0, 0);
    const larder_call c = call();
    if (const larder_status status = shared().read(self(), nullptr, 0, &record, 1, &c); status != LARDER_OK) {
        record.status = status;
    }
    return record;
}

larder_store_stats LmdbRig::stats() {
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    store().stats(self(), UINT32_MAX, &stats);
    return stats;
}

std::vector<std::string> LmdbRig::keys(std::uint32_t flags, std::uint32_t count) {
    std::vector<std::string> found;
    larder_scan scan{};
    scan.struct_size = sizeof scan;
    scan.ns = UINT32_MAX;
    scan.flags = flags;
    scan.count = count;
    scan.ctx = &found;
    scan.on_key = [](void* ctx, const larder_key* key, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
        static_cast<std::vector<std::string>*>(ctx)->emplace_back(key->data, key->size);
        return 0;
    };
    const larder_call c = call();
    do {
        if (store().scan(self(), &scan, &c) != LARDER_OK) {
            break;
        }
    } while (scan.cursor != 0);
    return found;
}

larder_record record_of(const std::string& name, std::uint64_t drop, std::uint64_t expire, std::uint64_t expired_at_ms) {
    larder_record record{};
    record.key = plugin::bytes_of(name);
    record.drop = drop;
    record.expire = expire;
    record.expired_at_ms = expired_at_ms;
    return record;
}

}  // namespace larder::test
