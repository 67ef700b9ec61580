// plugins/store_lmdb/lmdb_store.cpp -- see lmdb_store.hpp.
#include "lmdb_store.hpp"

#include "failure.hpp"
#include "shared_table.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace larder::store_lmdb {
namespace {

constexpr std::uint64_t ms = 1'000'000, tend_ns = 1000 * ms, tend_soon_ns = 20 * ms;
constexpr std::size_t longest_key = 480;        // LMDB takes 511 bytes
constexpr std::uint64_t largest_share = 8;      // of the capacity, for one value
constexpr std::size_t cleared_at_once = 4096;   // entries

// A copy that its holder frees.
struct Block {
    static void unpin(void* block) noexcept { std::free(block); }
};

larder_status copy_to(larder_value* out, larder_bytes bytes) {
    void* const block = std::malloc(std::max<std::size_t>(bytes.size, 1));
    if (block == nullptr) {
        return LARDER_E_NOMEM;
    }
    std::memcpy(block, bytes.data, bytes.size);
    return plugin::Reply(out).pinned<Block>(block, bytes.size, block);
}

}  // namespace

LmdbStore::LmdbStore(plugin::Host host, Options options)
    : host_(host),
      options_(std::move(options)),
      vault_(host, {options_.folder, options_.instance, options_.capacity, options_.sync, options_.begins_empty}),
      writer_(host, vault_, sieve_, leases_, bounds_,
              {[this](std::span<const std::string> records) { tell_lapsed(records); },
               [this](const std::string& why) { begin_anew(why); }}) {
    bounds_.bytes = options_.capacity;
    bounds_.entries = options_.entries;
    bounds_.queue = options_.queue;
    const std::string of = "store=" + options_.instance;
    shown_.file_bytes = host.gauge("file_bytes", "How long the file is.", of.c_str());
    shown_.records = host.gauge("records", "Records of scopes in the file.", of.c_str());
    shown_.commits = host.counter("commits_total", "Transactions that were committed.", of.c_str());
    shown_.changes = host.counter("changes_total", "Changes in them.", of.c_str());
    shown_.refused = host.counter("refused_total", "Changes that were refused: no room, or too many in line.", of.c_str());
    shown_.set_aside = host.counter("set_aside_total", "Files that could not be used and were set aside.", of.c_str());
}

LmdbStore::~LmdbStore() { stop(0); }

// ---- life

void LmdbStore::start() {
    if (running_.exchange(true)) {
        return;
    }
    try {
        vault_.open();
    } catch (...) {
        running_.store(false);
        vault_.close();
        throw;
    }
    writer_.start();
    writer_.mend();
    tell_trust(vault_.is_open());
    tend_later(tend_ns);
}

void LmdbStore::stop(std::uint64_t) noexcept {
    if (!running_.exchange(false)) {
        return;
    }
    {
        const std::lock_guard lock(tending_mutex_);
        timer_.cancel();
    }
    writer_.stop();
    const std::lock_guard lock(sink_mutex_);
    trusted_ = false;
    vault_.close();
}

void LmdbStore::resize(const Options& changed) {
    try {
        writer_.between_changes([&] { vault_.resize(changed.capacity); });
    } catch (const Failure& failure) {
        throw plugin::Error(status_of(failure.code), "capacity cannot be changed: " + text_of_failure(failure.code));
    }
    bounds_.entries = changed.entries;
    bounds_.bytes = changed.capacity;
}

plugin::Health LmdbStore::health() const {
    if (!running_.load()) {
        return {LARDER_HEALTH_DOWN, "stopped"};
    }
    if (!vault_.is_open()) {
        return {LARDER_HEALTH_DOWN, vault_.trouble()};
    }
    if (const std::string cramped = writer_.cramped(); !cramped.empty()) {
        return {LARDER_HEALTH_DEGRADED, "less room than the capacity: " + cramped};
    }
    return {};
}

const void* LmdbStore::extension(std::string_view id) { return id == LARDER_EXT_SHARED ? shared_table() : nullptr; }

// Another process may have ended, or the disk may have room again. On the store's thread.
void LmdbStore::take_over() {
    try {
        bool opened = false;
        writer_.between_changes([&] { opened = vault_.open(); });
        if (opened) {
            host_.log(LARDER_LOG_INFO, {"lmdb ", options_.instance, ": ", options_.folder, " is open"});
            tell_trust(true);
        }
    } catch (const std::exception& e) {
        host_.log(LARDER_LOG_ERROR, {"lmdb ", options_.instance, ": ", e.what()});
    }
}

// On the store's thread. Whatever memory keeps was judged by records that are gone.
void LmdbStore::begin_anew(const std::string& why) {
    tell_trust(false);
    try {
        bool opened = false;
        writer_.between_changes([&] {
            if (vault_.is_open()) {
                opened = vault_.replace(why);
            }
        });
        if (opened) {
            tell_trust(true);
        }
    } catch (const std::exception& e) {
        host_.log(LARDER_LOG_ERROR, {"lmdb ", options_.instance, ": ", e.what()});
    }
}

// ---- looking

template <class Use>
larder_status LmdbStore::look(Use&& use) {
    if (!vault_.is_open()) {
        return LARDER_E_CLOSED;
    }
    try {
        const Readers::Look now = vault_.readers().look();
        if (!now) {
            return LARDER_E_CLOSED;
        }
        return use(Tables(vault_.database(), now.txn()));
    } catch (const Failure& failure) {
        errors_.fetch_add(1, std::memory_order_relaxed);
        writer_.report(failure.code);
        return status_of(failure.code);
    }
}

template <class Fill>
larder_status LmdbStore::look_up(const Tables& tables, const larder_key& key, std::uint32_t flags, std::uint64_t now,
                                 Fill&& fill) {
    if (key.size > longest_key || key.size == 0) {
        return LARDER_MISS;
    }
    const auto found = tables.find(plugin::text_of(key));
    if (!found || lapsed(found->row.deadline_ms, now)) {
        misses_.fetch_add(1, std::memory_order_relaxed);
        return LARDER_MISS;
    }
    hits_.fetch_add(1, std::memory_order_relaxed);
    if ((flags & LARDER_CALL_PEEK) == 0) {
        sieve_.use(found->row.number);
    }
    return (flags & LARDER_CALL_NO_VALUE) != 0 ? LARDER_OK : fill(found->value);
}

larder_status LmdbStore::get(const larder_key& key, const larder_call& call, plugin::Reply out) {
    return look([&](const Tables& tables) {
        return look_up(tables, key, call.flags, host_.wall_ms(), [&](larder_bytes bytes) { return copy_to(out.raw(), bytes); });
    });
}

larder_status LmdbStore::visit(const larder_key& key, const larder_call& call, plugin::Visitor visitor) {
    return look([&](const Tables& tables) {
        return look_up(tables, key, call.flags & ~std::uint32_t{LARDER_CALL_NO_VALUE}, host_.wall_ms(),
                       [&](larder_bytes bytes) { return visitor(bytes.data, bytes.size); });
    });
}

larder_status LmdbStore::get_many(std::span<larder_get_item> items, const larder_call& call) { return read(items, {}, call); }

larder_status LmdbStore::read(std::span<larder_get_item> items, std::span<larder_record> records, const larder_call& call) {
    std::vector<std::string> over;
    const larder_status status = look([&](const Tables& tables) -> larder_status {
        const std::uint64_t now = host_.wall_ms();
        for (larder_get_item& item : items) {
            item.status = look_up(tables, item.key, call.flags, now, [&](larder_bytes bytes) { return copy_to(&item.value, bytes); });
        }
        for (larder_record& record : records) {
            const auto row = tables.find_record(plugin::text_of(record.key));
            record.status = row ? LARDER_OK : LARDER_MISS;
            if (row) {
                record.drop = row->drop;
                record.expire = row->expire;
                record.expired_at_ms = row->expired_at_ms;
                if (lapsed(row->deadline_ms, now)) {
                    over.emplace_back(plugin::text_of(record.key));
                }
            }
        }
        return LARDER_OK;
    });
    if (status != LARDER_OK) {
        for (larder_get_item& item : items) {
            if (item.status == LARDER_OK && item.value.release != nullptr) {
                item.value.release(&item.value);
                item.value = {};
            }
            item.status = status;
        }
    }
    if (!over.empty()) {
        writer_.post(make_prolong(std::move(over)));
    }
    return status;
}

larder_status LmdbStore::scan(larder_scan& scan, const larder_call&) {
    if (scan.ns != UINT32_MAX) {
        return LARDER_E_UNSUPPORTED;  // the number is this process's, and keys know none
    }
    return look([&](const Tables& tables) -> larder_status {
        constexpr std::uint32_t usual = 100;
        const std::uint64_t now = host_.wall_ms();
        const std::uint32_t most = scan.count == 0 ? usual : scan.count;
        std::uint32_t looked = 0;
        std::uint64_t next = 0;
        bool stopped = false;
        tables.each_place(std::max<std::uint64_t>(scan.cursor, 1), [&](const Place& place) {
            if (stopped || looked == most) {
                next = place.number;
                return false;
            }
            ++looked;
            const bool over = lapsed(place.row.deadline_ms, now);
            if (over && (scan.flags & LARDER_SCAN_LAPSED) == 0) {
                return true;
            }
            const larder_key key{place.key.data(), static_cast<std::uint32_t>(place.key.size()), UINT32_MAX, 0};
            const std::int64_t left = over                         ? 0
                                      : place.row.deadline_ms == 0 ? -1
                                                                   : static_cast<std::int64_t>(place.row.deadline_ms - now);
            stopped = scan.on_key(scan.ctx, &key, place.row.size, left) != 0;
            return true;
        });
        scan.cursor = next;
        return LARDER_OK;
    });
}

larder_status LmdbStore::stats(std::uint32_t ns, larder_store_stats& out) {
    if (ns != UINT32_MAX) {
        return LARDER_E_UNSUPPORTED;
    }
    out.capacity_bytes = bounds_.bytes.load();
    out.hits = hits_.load(std::memory_order_relaxed);
    out.misses = misses_.load(std::memory_order_relaxed);
    out.errors = errors_.load(std::memory_order_relaxed) + writer_.counts().failed.load(std::memory_order_relaxed);
    out.evictions = writer_.counts().evicted.load(std::memory_order_relaxed);
    out.expirations = writer_.counts().expired.load(std::memory_order_relaxed);
    const larder_status status = look([&](const Tables& tables) -> larder_status {
        const Usage usage = tables.usage();
        out.entries = usage.entries;
        out.bytes = usage.bytes;
        return LARDER_OK;
    });
    return status == LARDER_E_CLOSED ? LARDER_OK : status;
}

// ---- changing

bool LmdbStore::too_large(const larder_key& key, std::uint64_t value) const noexcept {
    return key.size > longest_key || value > bounds_.bytes.load(std::memory_order_relaxed) / largest_share;
}

larder_status LmdbStore::put(const larder_key& key, const larder_put& put, const larder_call& call) {
    if (key.size == 0) {
        return LARDER_E_INVALID;
    }
    return too_large(key, put.value.size) ? LARDER_E_TOO_LARGE : writer_.run(make_put(key, put), call);
}

larder_status LmdbStore::fill(const larder_key& key, std::uint64_t token, const larder_put& put, const larder_call& call) {
    if (key.size == 0 || token == 0) {
        return LARDER_E_INVALID;
    }
    return too_large(key, put.value.size) ? LARDER_E_TOO_LARGE : writer_.run(make_put(key, put, token), call);
}

larder_status LmdbStore::remove(const larder_key& key, std::uint64_t if_version, const larder_call& call) {
    return key.size == 0 || key.size > longest_key ? LARDER_MISS : writer_.run(make_remove(key, if_version), call);
}

larder_status LmdbStore::touch(const larder_key& key, const larder_touch& touch, const larder_call& call) {
    return key.size == 0 || key.size > longest_key ? LARDER_MISS : writer_.run(make_touch(key, touch), call);
}

larder_status LmdbStore::remove_many(std::span<const larder_key> keys, const larder_call& call) {
    return keys.empty() ? LARDER_OK : writer_.run(make_remove_many(keys), call);
}

// A number means a name that this process knows; keys begin with it (shared.h).
larder_status LmdbStore::clear_ns(std::uint32_t ns, const larder_call& call) {
    std::string begin;
    if (ns != UINT32_MAX) {
        const auto* cache = host_.find_service<larder_cache_api>(LARDER_SVC_CACHE);
        larder_bytes called{};
        if (cache == nullptr || cache->ns_name(host_.raw(), ns, &called) != LARDER_OK) {
            return LARDER_E_UNSUPPORTED;
        }
        begin = options_.prefix + ":v:{" + std::string(plugin::text_of(called)) + ":";
    }
    return clear_begin(begin, call);
}

larder_status LmdbStore::clear_begin(const std::string& begin, const larder_call& call) {
    larder_call waiting = call;
    waiting.done = nullptr;
    const auto again = std::make_shared<bool>(false);
    larder_status status = LARDER_OK;
    do {
        status = writer_.run(make_clear(begin, cleared_at_once, again), waiting);
    } while (status == LARDER_OK && *again);
    return status;
}

larder_status LmdbStore::make(std::span<larder_record> records, std::uint64_t ttl_ms, const larder_call& call) {
    // Mostly they are all there, and live long enough.
    bool whole = true;
    const larder_status looked = look([&](const Tables& tables) -> larder_status {
        const std::uint64_t least = deadline_in(ttl_ms, host_.wall_ms());
        std::vector<RecordRow> rows;
        for (const larder_record& record : records) {
            const auto row = tables.find_record(plugin::text_of(record.key));
            if (!row || row->deadline_ms < least) {
                whole = false;
                return LARDER_OK;
            }
            rows.push_back(*row);
        }
        for (std::size_t i = 0; i < rows.size(); ++i) {
            records[i].drop = rows[i].drop;
            records[i].expire = rows[i].expire;
            records[i].expired_at_ms = rows[i].expired_at_ms;
            records[i].status = LARDER_OK;
        }
        return LARDER_OK;
    });
    return looked != LARDER_OK || whole ? looked : writer_.run(make_records(records, ttl_ms), call);
}

larder_status LmdbStore::change(std::span<larder_record> records, std::uint64_t ttl_ms, std::span<const larder_key> keys,
                                std::uint32_t replicas, const larder_call& call) {
    return writer_.run(make_change(records, ttl_ms, keys, replicas), call);
}

larder_status LmdbStore::lease(const larder_key& key, std::uint64_t token, std::uint64_t ttl_ms) {
    if (!vault_.is_open()) {
        return LARDER_E_CLOSED;
    }
    if (ttl_ms == 0) {
        leases_.give_back(plugin::text_of(key), token);
        return LARDER_OK;
    }
    const std::uint64_t now = host_.mono_ns();
    return leases_.take(plugin::text_of(key), token, now + std::min<std::uint64_t>(ttl_ms, 3'600'000) * ms, now);
}

// ---- who is told

larder_status LmdbStore::listen(const larder_sink* sink) {
    const std::lock_guard lock(sink_mutex_);
    sink_.take(sink, trusted_);
    return LARDER_OK;
}

void LmdbStore::tell_trust(bool yes) noexcept {
    const std::lock_guard lock(sink_mutex_);
    if (trusted_ == yes) {
        return;
    }
    trusted_ = yes;
    if (yes) {
        sink_.changed_all();
    }
    sink_.trust(yes);
}

void LmdbStore::tell_lapsed(std::span<const std::string> records) noexcept {
    const std::lock_guard lock(sink_mutex_);
    for (const std::string& record : records) {
        const larder_bytes key = plugin::bytes_of(record);
        sink_.changed(&key, 1);
    }
}

// ---- the background

void LmdbStore::tend_later(std::uint64_t delay_ns) {
    const std::lock_guard lock(tending_mutex_);
    if (!running_.load() || host_.find_service<larder_executor_api>(LARDER_SVC_EXECUTOR) == nullptr) {
        return;
    }
    try {
        timer_ = host_.after(delay_ns, [this] { writer_.later([this] { tend(); }); });
    } catch (const plugin::Error& e) {
        host_.log(LARDER_LOG_WARN, {"lmdb ", options_.instance, ": no more upkeep, entries that are over go when they are evicted: ", e.what()});
    }
}

// On the store's thread.
void LmdbStore::tend() {
    if (!running_.load()) {
        return;
    }
    if (!vault_.is_open()) {
        take_over();
        return tend_later(tend_ns);
    }
    constexpr std::uint64_t readers_each = 10;
    if (turns_.fetch_add(1) % readers_each == 0) {
        writer_.between_changes([&] {
            if (vault_.is_open() && vault_.database().clear_dead_readers() != 0) {
                host_.log(LARDER_LOG_INFO, {"lmdb ", options_.instance, ": a reader's process ended without closing the file; its place is free"});
            }
        });
    }
    writer_.mend();
    const bool crowded = sweep_->crowded;
    writer_.post(make_sweep(sweep_));
    show();
    tend_later(crowded ? tend_soon_ns : tend_ns);
}

void LmdbStore::show() {
    static_cast<void>(look([&](const Tables& tables) -> larder_status {
        shown_.file_bytes.set(static_cast<double>(vault_.database().file_bytes()));
        shown_.records.set(static_cast<double>(tables.usage().records));
        return LARDER_OK;
    }));
    const auto add = [](const plugin::Metric& metric, std::uint64_t now, std::uint64_t& told) {
        metric.add(static_cast<double>(now - std::exchange(told, now)));
    };
    const WriteCounts& counts = writer_.counts();
    add(shown_.commits, counts.commits.load(), shown_.commits_told);
    add(shown_.changes, counts.changes.load(), shown_.changes_told);
    add(shown_.refused, counts.refused.load(), shown_.refused_told);
    add(shown_.set_aside, vault_.set_aside(), shown_.set_aside_told);
}

}  // namespace larder::store_lmdb
