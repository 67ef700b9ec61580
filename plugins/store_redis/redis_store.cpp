// plugins/store_redis/redis_store.cpp -- see redis_store.hpp.
#include "redis_store.hpp"

#include "operations.hpp"
#include "shared_table.hpp"
#include "topologies.hpp"
#include "walk.hpp"

#include <algorithm>
#include <cstring>
#include <future>
#include <utility>

namespace larder::store_redis {

RedisStore::RedisStore(plugin::Host host, const plugin::Config& config)
    : host_(host),
      options_(Options::read(host, config)),
      journal_(host, "redis " + options_.instance),
      counters_(host, options_.instance),
      loop_(host, options_.looks),
      topology_(make_topology({loop_, options_, journal_, counters_}, *this)),
      facts_(host, *topology_),
      shop_{options_, loop_, *topology_, journal_, counters_} {}

RedisStore::~RedisStore() { stop(0); }

// Does not wait: a cache starts without its store, and finds it later.
void RedisStore::start() {
    if (std::exchange(started_, true)) {
        return;
    }
    loop_.start();
    topology_->start();
    running_.store(true);
}

void RedisStore::stop(std::uint64_t) noexcept {
    if (!std::exchange(started_, false)) {
        return;
    }
    running_.store(false);
    topology_->stop();
    loop_.join();
    trusted_ = false;
}

const void* RedisStore::extension(std::string_view id) {
    if (id == LARDER_EXT_INFO) {
        return info_table();
    }
    return id == LARDER_EXT_SHARED ? shared_table() : nullptr;
}

// ---- larder_store_v1 ----------------------------------------------------------------------------

larder_status RedisStore::run(std::unique_ptr<Operation> operation, larder_value* value) {
    return Operation::run(std::move(operation), value);
}

larder_status RedisStore::get(const larder_key& key, const larder_call& call, plugin::Reply out) {
    return running_.load() ? run(make_get(shop_, key, call), out.raw()) : LARDER_E_CLOSED;
}

larder_status RedisStore::put(const larder_key& key, const larder_put& put,
                              const larder_call& call) {
    if (!running_.load()) {
        return LARDER_E_CLOSED;
    }
    if (put.value.size > options_.limits.value_bytes) {
        return LARDER_E_TOO_LARGE;  // it could be written, and never be read
    }
    return run(make_put(shop_, key, put, call));
}

larder_status RedisStore::remove(const larder_key& key, std::uint64_t if_version,
                                 const larder_call& call) {
    return running_.load() ? run(make_remove(shop_, key, if_version, call)) : LARDER_E_CLOSED;
}

larder_status RedisStore::touch(const larder_key& key, const larder_touch& touch,
                                const larder_call& call) {
    return running_.load() ? run(make_touch(shop_, key, touch, call)) : LARDER_E_CLOSED;
}

larder_status RedisStore::get_many(std::span<larder_get_item> items, const larder_call& call) {
    if (items.empty()) {
        return LARDER_OK;
    }
    return running_.load() ? run(make_read(shop_, items, {}, call)) : LARDER_E_CLOSED;
}

larder_status RedisStore::remove_many(std::span<const larder_key> keys, const larder_call& call) {
    if (keys.empty()) {
        return LARDER_OK;
    }
    return running_.load() ? run(make_remove_many(shop_, keys, call)) : LARDER_E_CLOSED;
}

larder_status RedisStore::clear_ns(std::uint32_t ns, const larder_call& call) {
    if (ns != UINT32_MAX) {
        return LARDER_E_UNSUPPORTED;  // the number is this process's, and keys know none
    }
    return running_.load() ? clear(shop_, call) : LARDER_E_CLOSED;
}

larder_status RedisStore::scan(larder_scan& scan, const larder_call& call) {
    return running_.load() ? store_redis::scan(shop_, scan, call) : LARDER_E_CLOSED;
}

larder_status RedisStore::stats(std::uint32_t ns, larder_store_stats& out) {
    if (ns != UINT32_MAX) {
        return LARDER_E_UNSUPPORTED;
    }
    out.hits = counters_.hits.load(std::memory_order_relaxed);
    out.misses = counters_.misses.load(std::memory_order_relaxed);
    out.errors = counters_.errors.load(std::memory_order_relaxed);
    return LARDER_OK;
}

// ---- who is told --------------------------------------------------------------------------------

larder_status RedisStore::listen(const larder_sink* sink) {
    if (!started_ || loop_.here()) {
        sink_.take(sink, trusted_);
        return LARDER_OK;
    }
    std::promise<void> taken;
    loop_.post([&] {
        sink_.take(sink, trusted_);
        taken.set_value();
    });
    taken.get_future().wait();
    return LARDER_OK;
}

void RedisStore::on_changed(const larder_bytes* keys, std::size_t n) noexcept { sink_.changed(keys, n); }
void RedisStore::on_changed_all() noexcept { sink_.changed_all(); }
void RedisStore::on_trust(bool yes) noexcept {
    trusted_ = yes;
    sink_.trust(yes);
}
void RedisStore::on_renewed(bool older) noexcept { sink_.renewed(older); }

}  // namespace larder::store_redis
