// plugins/store_postgres/postgres_store.cpp -- see postgres_store.hpp.
#include "postgres_store.hpp"

#include "shared_table.hpp"

#include <larder/plugin/value.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace larder::store_postgres {

using plugin::text_of;
using postgres_wire::Batch;

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::size_t keys_at_once = 256;
constexpr std::uint64_t rows_at_once = 1000;

// The number of a key's lock. Two keys of one number wait for each other, and that is all.
std::uint64_t lock_of(std::string_view key) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : key) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    return hash;
}

// In the order of their locks, each once: so that two who remove several do not wait for each other.
void put_in_order(std::vector<std::string_view>& keys) {
    std::sort(keys.begin(), keys.end(), [](std::string_view a, std::string_view b) {
        const std::uint64_t x = lock_of(a), y = lock_of(b);
        return x != y ? x < y : a < b;
    });
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

}  // namespace

PostgresStore::PostgresStore(plugin::Host host, const plugin::Config& config)
    : host_(host),
      options_(Options::read(host, config)),
      statements_(options_),
      pool_(host, options_.connection, options_.connections),
      workers_(options_.queue),
      stream_(host, options_, statements_, [this] { beat(); }) {
    const std::string of = "store=" + options_.instance;
    shown_.table_bytes = host.gauge("table_bytes", "How large the table of entries and its indexes are.", of.c_str());
    shown_.swept = host.counter("swept_total", "Entries that clean-up removed.", of.c_str());
    shown_.connected = host.gauge("connected", "1 while the stream of changes is there.", of.c_str());
}

void PostgresStore::start() {
    if (running_.exchange(true)) {
        return;
    }
    workers_.start(options_.threads);
    stream_.start();
}

void PostgresStore::stop(std::uint64_t) noexcept {
    if (!running_.exchange(false)) {
        return;
    }
    stream_.stop();
    pool_.stop();
    workers_.stop();
}

plugin::Health PostgresStore::health() const {
    if (!running_.load()) {
        return {LARDER_HEALTH_DOWN, "stopped"};
    }
    if (!stream_.connected()) {
        return {LARDER_HEALTH_DOWN, stream_.trouble()};
    }
    return {};
}

const void* PostgresStore::extension(std::string_view id) { return id == LARDER_EXT_SHARED ? shared_table() : nullptr; }

std::uint64_t PostgresStore::deadline_of(const larder_call& call) const {
    return call.deadline_ns != 0 ? call.deadline_ns : host_.mono_ns() + 30 * second_ns;
}

template <class Work>
larder_status PostgresStore::carry_out(const larder_call& call, Work&& work) {
    if (!running_.load(std::memory_order_relaxed)) {
        return LARDER_E_CLOSED;
    }
    const std::uint64_t deadline = deadline_of(call);
    if (call.done == nullptr) {
        return work(deadline);
    }
    const bool posted = workers_.post([deadline, done = call.done, ctx = call.done_ctx, work = std::forward<Work>(work)]() mutable {
        larder_status status = LARDER_E_INTERNAL;
        try {
            status = work(deadline);
        } catch (const std::bad_alloc&) {
            status = LARDER_E_NOMEM;
        } catch (...) {
            // What else is thrown is ours, and the status says so.
        }
        done(ctx, status, nullptr);
    });
    return posted ? LARDER_PENDING : LARDER_E_BUSY;
}

larder_status PostgresStore::say(Round& round, std::uint64_t deadline_ns, Batch batch, bool again) {
    const larder_status status = round.run(pool_, deadline_ns, batch, again);
    if (status == LARDER_OK) {
        return status;
    }
    errors_.fetch_add(1, std::memory_order_relaxed);
    constexpr std::uint64_t quiet_ns = 10 * second_ns;
    const std::uint64_t now = host_.mono_ns();
    std::uint64_t last = complained_ns_.load(std::memory_order_relaxed);
    if ((last == 0 || now - last > quiet_ns) && complained_ns_.compare_exchange_strong(last, now)) {
        host_.log(LARDER_LOG_WARN, {"postgres ", options_.instance, " at ", pool_.shown(), ": ", round.complaint()});
    }
    // A table that is gone or not as it should be is no fault of this call.
    return status == LARDER_E_CONFIG || status == LARDER_E_INTERNAL ? larder_status{LARDER_E_IO} : status;
}

void PostgresStore::add_lock(Round& round, std::string_view key) const { round.add(statements_.lock, {round.keep(lock_of(key))}); }

// ---- looking

larder_status PostgresStore::get(const larder_key& key, const larder_call& call, plugin::Reply out) {
    if (call.done != nullptr) {
        const auto copy = std::make_shared<std::string>(text_of(key));
        const std::uint64_t deadline = deadline_of(call);
        const bool posted = workers_.post([this, copy, deadline, flags = call.flags, done = call.done, ctx = call.done_ctx] {
            larder_get_item item{};
            item.key = {copy->data(), static_cast<std::uint32_t>(copy->size()), 0, 0};
            const larder_status status = do_read({&item, 1}, {}, flags, deadline);
            const larder_status found = status == LARDER_OK ? item.status : status;
            done(ctx, found, found == LARDER_OK ? &item.value : nullptr);
        });
        return posted ? LARDER_PENDING : LARDER_E_BUSY;
    }
    larder_get_item item{};
    item.key = key;
    const larder_status status = do_read({&item, 1}, {}, call.flags, deadline_of(call));
    if (status != LARDER_OK) {
        return status;
    }
    if (item.status == LARDER_OK) {
        *out.raw() = item.value;
    }
    return item.status;
}

larder_status PostgresStore::get_many(std::span<larder_get_item> items, const larder_call& call) { return read(items, {}, call); }

larder_status PostgresStore::read(std::span<larder_get_item> items, std::span<larder_record> records, const larder_call& call) {
    return carry_out(call, [this, items, records, flags = call.flags](std::uint64_t deadline) { return do_read(items, records, flags, deadline); });
}

larder_status PostgresStore::do_read(std::span<larder_get_item> items, std::span<larder_record> records, std::uint32_t flags,
                                     std::uint64_t deadline_ns) {
    Round round;
    for (const larder_get_item& item : items) {
        round.add(statements_.get, {text_of(item.key)});
    }
    for (const larder_record& record : records) {
        round.add(statements_.record, {text_of(record.key)});
    }
    const larder_status status = say(round, deadline_ns, Batch::whole, true);
    for (std::size_t i = 0; i < items.size(); ++i) {
        items[i].status = status;
        if (status != LARDER_OK) {
            continue;
        }
        const bool there = round.answer(i).rows != 0;
        items[i].status = there ? LARDER_OK : LARDER_MISS;
        (there ? hits_ : misses_).fetch_add(1, std::memory_order_relaxed);
        if (there && (flags & LARDER_CALL_NO_VALUE) == 0) {
            plugin::Reply(&items[i].value).owned(std::string(round.text(i)));
        }
    }
    for (std::size_t i = 0; i < records.size(); ++i) {
        records[i].status = status;
        if (status != LARDER_OK) {
            continue;
        }
        const auto numbers = numbers_of(round.text(items.size() + i));
        records[i].status = numbers.size() >= 3 ? LARDER_OK : LARDER_MISS;
        if (numbers.size() >= 3) {
            records[i].drop = numbers[0];
            records[i].expire = numbers[1];
            records[i].expired_at_ms = numbers[2];
        }
    }
    return status;
}

larder_status PostgresStore::scan(larder_scan& scan, const larder_call& call) {
    if (scan.ns != UINT32_MAX) {
        return LARDER_E_UNSUPPORTED;  // the number is this process's, and keys know none
    }
    constexpr std::uint32_t usual = 100;
    const std::uint64_t most = scan.count == 0 ? usual : scan.count;
    Round round;
    round.add(statements_.scan, {round.keep(std::max<std::uint64_t>(scan.cursor, 1)), round.keep(most),
                                 (scan.flags & LARDER_SCAN_LAPSED) != 0 ? "1" : "0"});
    const larder_status status = say(round, deadline_of(call), Batch::whole, true);
    if (status != LARDER_OK) {
        return status;
    }
    std::string_view rows = round.text(0);
    std::uint64_t seen = 0, next = 0;
    while (!rows.empty()) {
        const std::string_view row = rows.substr(0, rows.find(';'));
        rows.remove_prefix(std::min(row.size() + 1, rows.size()));
        const auto numbers = numbers_of(row);
        if (numbers.size() < 3) {
            return LARDER_E_CORRUPT;
        }
        const std::string_view hex = row.substr(row.rfind(',') + 1);
        std::string key;
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
            key += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
        }
        ++seen;
        next = numbers[0] + 1;
        const larder_key shown{key.data(), static_cast<std::uint32_t>(key.size()), UINT32_MAX, 0};
        if (scan.on_key(scan.ctx, &shown, numbers[1], static_cast<std::int64_t>(numbers[2])) != 0) {
            scan.cursor = next;
            return LARDER_OK;
        }
    }
    scan.cursor = seen < most ? 0 : next;
    return LARDER_OK;
}

larder_status PostgresStore::stats(std::uint32_t ns, larder_store_stats& out) {
    if (ns != UINT32_MAX) {
        return LARDER_E_UNSUPPORTED;
    }
    out.entries = entries_.load(std::memory_order_relaxed);
    out.bytes = bytes_.load(std::memory_order_relaxed);
    out.hits = hits_.load(std::memory_order_relaxed);
    out.misses = misses_.load(std::memory_order_relaxed);
    out.errors = errors_.load(std::memory_order_relaxed);
    out.expirations = swept_.load(std::memory_order_relaxed);
    return LARDER_OK;
}

// ---- changing entries

larder_status PostgresStore::put(const larder_key& key, const larder_put& put, const larder_call& call) { return put_row(key, put, 0, call); }

larder_status PostgresStore::fill(const larder_key& key, std::uint64_t token, const larder_put& put, const larder_call& call) {
    return token == 0 ? larder_status{LARDER_E_INVALID} : put_row(key, put, token, call);
}

larder_status PostgresStore::put_row(const larder_key& key, const larder_put& put, std::uint64_t token, const larder_call& call) {
    if (key.size == 0) {
        return LARDER_E_INVALID;
    }
    NewRow row{text_of(key), text_of(put.value), put.flags, put.ttl_ms, put.version, put.if_version, token};
    if (call.done == nullptr) {
        return carry_out(call, [this, &row](std::uint64_t deadline) { return do_put(row, deadline); });
    }
    const auto own = std::make_shared<std::pair<std::string, std::string>>(row.key, row.value);
    row.key = own->first;
    row.value = own->second;
    return carry_out(call, [this, row, own](std::uint64_t deadline) { return do_put(row, deadline); });
}

larder_status PostgresStore::do_put(const NewRow& row, std::uint64_t deadline_ns) {
    const Only only = (row.flags & LARDER_PUT_IF_ABSENT) != 0    ? Only::absent
                      : (row.flags & LARDER_PUT_IF_VERSION) != 0 ? Only::version
                                                                 : Only::always;
    const bool leased = row.token != 0;
    const std::string& sql = statements_.put(only, (row.flags & LARDER_PUT_KEEP_TTL) != 0, leased);
    Round round;
    add_lock(round, row.key);
    if (!leased) {
        round.add(statements_.end_lease, {row.key});
    }
    const std::string_view version = round.keep(row.version), ttl = round.keep(row.ttl_ms), token = round.keep(row.token),
                           condition = round.keep(row.if_version), payload = round.keep(payload_of(row.key));
    const std::string_view channel = statements_.channel;
    std::size_t at = 0;
    if (leased && only == Only::version) {
        at = round.add(sql, {row.key, row.value, version, ttl, channel, payload, token, condition});
    } else if (leased || only == Only::version) {
        at = round.add(sql, {row.key, row.value, version, ttl, channel, payload, leased ? token : condition});
    } else {
        at = round.add(sql, {row.key, row.value, version, ttl, channel, payload});
    }
    const larder_status status = say(round, deadline_ns, Batch::whole, false);
    if (status != LARDER_OK || round.answer(at).rows != 0) {
        return status;
    }
    return only == Only::absent && !leased ? LARDER_EXISTS : LARDER_E_CONFLICT;
}

void PostgresStore::add_removal(Round& round, std::string_view key) const {
    round.add(statements_.end_lease, {key});
    round.add(statements_.remove, {key, statements_.channel, round.keep(payload_of(key)), "0"});
}

larder_status PostgresStore::remove(const larder_key& key, std::uint64_t if_version, const larder_call& call) {
    const std::string_view text = text_of(key);
    if (call.done == nullptr) {
        return carry_out(call, [this, text, if_version](std::uint64_t deadline) { return do_remove(text, if_version, deadline); });
    }
    return carry_out(call, [this, own = std::string(text), if_version](std::uint64_t deadline) { return do_remove(own, if_version, deadline); });
}

larder_status PostgresStore::do_remove(std::string_view key, std::uint64_t if_version, std::uint64_t deadline_ns) {
    Round round;
    add_lock(round, key);
    const std::size_t was = round.add(statements_.version_of, {key});
    round.add(statements_.end_lease, {key});
    round.add(statements_.remove, {key, statements_.channel, round.keep(payload_of(key)), round.keep(if_version)});
    const larder_status status = say(round, deadline_ns, Batch::whole, false);
    if (status != LARDER_OK) {
        return status;
    }
    const auto numbers = numbers_of(round.text(was));
    if (numbers.empty()) {
        return LARDER_MISS;
    }
    return if_version != 0 && numbers[0] != if_version ? LARDER_E_CONFLICT : LARDER_OK;
}

larder_status PostgresStore::touch(const larder_key& key, const larder_touch& touch, const larder_call& call) {
    const std::string_view text = text_of(key), patch = text_of(touch.patch);
    if (call.done == nullptr) {
        return carry_out(call, [&, this](std::uint64_t deadline) { return do_touch(text, touch, patch, deadline); });
    }
    return carry_out(call, [this, own = std::string(text), patched = std::string(patch), touch](std::uint64_t deadline) {
        return do_touch(own, touch, patched, deadline);
    });
}

larder_status PostgresStore::do_touch(std::string_view key, const larder_touch& touch, std::string_view patch, std::uint64_t deadline_ns) {
    Round round;
    add_lock(round, key);
    round.add(statements_.end_lease, {key});
    const std::size_t was = round.add(statements_.version_of, {key});
    const std::size_t at = round.add(statements_.touch, {key, round.keep(touch.ttl_ms), patch, round.keep(std::uint64_t{touch.patch_offset}),
                                                         round.keep(touch.if_version), statements_.channel, round.keep(payload_of(key))});
    const larder_status status = say(round, deadline_ns, Batch::whole, false);
    if (status != LARDER_OK || round.answer(at).rows != 0) {
        return status;
    }
    const auto numbers = numbers_of(round.text(was));
    if (numbers.empty()) {
        return LARDER_MISS;
    }
    return touch.if_version != 0 && numbers[0] != touch.if_version ? LARDER_E_CONFLICT : LARDER_E_INVALID;
}

larder_status PostgresStore::remove_many(std::span<const larder_key> keys, const larder_call& call) { return change({}, 0, keys, 0, call); }

// A number means a name that this process knows; keys begin with it (shared.h).
larder_status PostgresStore::clear_ns(std::uint32_t ns, const larder_call& call) {
    std::string first, behind;
    if (ns != UINT32_MAX) {
        const auto* cache = host_.find_service<larder_cache_api>(LARDER_SVC_CACHE);
        larder_bytes called{};
        if (cache == nullptr || cache->ns_name(host_.raw(), ns, &called) != LARDER_OK) {
            return LARDER_E_UNSUPPORTED;
        }
        first = options_.prefix + ":v:{" + std::string(text_of(called)) + ":";
        behind = first;
        behind.back() = ';';  // the byte behind a colon
    }
    return carry_out(call, [this, first, behind](std::uint64_t deadline) {
        Round round;
        if (first.empty()) {
            round.add(statements_.clear_leases_all, {});
            round.add(statements_.clear_all, {statements_.channel});
        } else {
            round.add(statements_.clear_leases, {first, behind});
            round.add(statements_.clear, {first, behind, statements_.channel});
        }
        return say(round, deadline, Batch::whole, false);
    });
}

// ---- records and leases

larder_status PostgresStore::make(std::span<larder_record> records, std::uint64_t ttl_ms, const larder_call& call) {
    return carry_out(call, [this, records, ttl_ms](std::uint64_t deadline) { return do_make(records, ttl_ms, deadline); });
}

larder_status PostgresStore::do_make(std::span<larder_record> records, std::uint64_t ttl_ms, std::uint64_t deadline_ns) {
    const auto take = [](larder_record& record, const std::vector<std::uint64_t>& numbers) {
        record.drop = numbers[0];
        record.expire = numbers[1];
        record.expired_at_ms = numbers[2];
        record.status = LARDER_OK;
    };
    // Mostly they are all there, and live long enough. From the first that is not on they are made, in their order.
    Round look;
    for (const larder_record& record : records) {
        look.add(statements_.record, {text_of(record.key)});
    }
    larder_status status = say(look, deadline_ns, Batch::whole, true);
    if (status != LARDER_OK) {
        return status;
    }
    std::size_t from = 0;
    for (; from < records.size(); ++from) {
        const auto numbers = numbers_of(look.text(from));
        if (numbers.size() < 4 || numbers[3] < ttl_ms) {
            break;
        }
        take(records[from], numbers);
    }
    if (from == records.size()) {
        return LARDER_OK;
    }
    Round round;
    // Longer than asked for, so that it is not written again at the next load.
    const std::string_view life = round.keep(ttl_ms + ttl_ms / 2);
    for (const larder_record& record : records.subspan(from)) {
        round.add(statements_.make, {text_of(record.key), round.keep(record.drop), round.keep(record.expire), round.keep(record.expired_at_ms),
                                     life, statements_.channel, round.keep(payload_of(text_of(record.key)))});
    }
    status = say(round, deadline_ns, Batch::each, true);
    for (std::size_t i = from; i < records.size(); ++i) {
        const auto numbers = numbers_of(round.text(i - from));
        if (status == LARDER_OK && numbers.size() >= 3) {
            take(records[i], numbers);
        } else {
            records[i].status = status == LARDER_OK ? larder_status{LARDER_E_IO} : status;
        }
    }
    return status;
}

larder_status PostgresStore::change(std::span<larder_record> records, std::uint64_t ttl_ms, std::span<const larder_key> keys,
                                    std::uint32_t replicas, const larder_call& call) {
    const auto done = [replicas](larder_status status) {
        // Whether others have it the server's own settings say; here nobody can.
        return status == LARDER_OK && replicas > 0 ? larder_status{LARDER_E_TIMEOUT} : status;
    };
    return carry_out(call, [this, records, ttl_ms, keys, done](std::uint64_t deadline) {
        std::vector<std::string_view> all;
        for (const larder_key& key : keys) {
            all.push_back(text_of(key));
        }
        put_in_order(all);
        larder_status status = do_change(records, ttl_ms, Keys(all).first(std::min(all.size(), keys_at_once)), deadline);
        for (std::size_t at = keys_at_once; at < all.size() && status == LARDER_OK; at += keys_at_once) {
            status = do_change({}, 0, Keys(all).subspan(at, std::min(keys_at_once, all.size() - at)), deadline);
        }
        return done(status);
    });
}

// Records, then keys, all as one. Two that change the same records in other orders wait for each other, and Postgres
// ends one of them: it begins again.
larder_status PostgresStore::do_change(std::span<larder_record> records, std::uint64_t ttl_ms, Keys keys, std::uint64_t deadline_ns) {
    constexpr int most_attempts = 5;
    for (int attempt = 1;; ++attempt) {
        Round round;
        const std::string_view life = round.keep(ttl_ms);
        for (const larder_record& record : records) {
            round.add(statements_.change, {text_of(record.key), round.keep(record.drop), round.keep(record.expire),
                                           round.keep(record.expired_at_ms), life, statements_.channel,
                                           round.keep(payload_of(text_of(record.key)))});
        }
        for (const std::string_view key : keys) {
            add_lock(round, key);
        }
        for (const std::string_view key : keys) {
            add_removal(round, key);
        }
        const larder_status status = say(round, deadline_ns, Batch::whole, false);
        if (status == LARDER_E_BUSY && attempt < most_attempts && host_.mono_ns() < deadline_ns) {
            continue;
        }
        for (std::size_t i = 0; i < records.size(); ++i) {
            records[i].status = status != LARDER_OK ? status : round.answer(i).rows != 0 ? larder_status{LARDER_OK} : larder_status{LARDER_MISS};
        }
        return status;
    }
}

larder_status PostgresStore::lease(const larder_key& key, std::uint64_t token, std::uint64_t ttl_ms, const larder_call& call) {
    const std::string_view text = text_of(key);
    if (call.done == nullptr) {
        return carry_out(call, [this, text, token, ttl_ms](std::uint64_t deadline) { return do_lease(text, token, ttl_ms, deadline); });
    }
    return carry_out(call, [this, own = std::string(text), token, ttl_ms](std::uint64_t deadline) { return do_lease(own, token, ttl_ms, deadline); });
}

larder_status PostgresStore::do_lease(std::string_view key, std::uint64_t token, std::uint64_t ttl_ms, std::uint64_t deadline_ns) {
    Round round;
    std::size_t at = 0;
    if (ttl_ms == 0) {
        round.add(statements_.unlease, {key, round.keep(token)});
    } else {
        add_lock(round, key);
        at = round.add(statements_.lease, {key, round.keep(token), round.keep(ttl_ms)});
    }
    const larder_status status = say(round, deadline_ns, Batch::whole, false);
    return status == LARDER_OK && ttl_ms != 0 && round.answer(at).affected == 0 ? larder_status{LARDER_EXISTS} : status;
}

// ---- the background

// On the stream's thread, which must not wait for a sweep.
void PostgresStore::beat() {
    const std::uint64_t now = host_.mono_ns();
    shown_.connected.set(stream_.connected() ? 1 : 0);
    const bool sweeps = now >= next_sweep_ns_, shows = now >= next_show_ns_;
    if ((!sweeps && !shows) || sweeping_.exchange(true)) {
        return;
    }
    if (sweeps) {
        next_sweep_ns_ = now + options_.sweep_ns;
    }
    next_show_ns_ = now + 10 * second_ns;
    const bool posted = workers_.post([this, sweeps] {
        if (sweeps) {
            sweep();
        }
        show();
        sweeping_.store(false);
    });
    if (!posted) {
        sweeping_.store(false);
    }
}

// What is over, what is older than `keep`, what is beyond `entries`; a thousand rows at a time, so that nobody waits long.
void PostgresStore::sweep() {
    const auto clean = [this](std::string_view sql, std::uint64_t bound, bool entries) {
        std::uint64_t rows = rows_at_once;
        while (rows == rows_at_once && running_.load(std::memory_order_relaxed)) {
            Round round;
            if (bound == 0) {
                round.add(sql, {round.keep(rows_at_once)});
            } else {
                round.add(sql, {round.keep(rows_at_once), round.keep(bound)});
            }
            rows = say(round, host_.mono_ns() + 30 * second_ns, Batch::whole, true) == LARDER_OK ? round.answer(0).affected : 0;
            if (entries) {
                swept_.fetch_add(rows, std::memory_order_relaxed);
            }
        }
    };
    clean(statements_.sweep_ended, 0, true);
    if (options_.keep_ms != 0) {
        clean(statements_.sweep_old, options_.keep_ms, true);
    }
    if (options_.entries != 0) {
        clean(statements_.sweep_many, options_.entries, true);
    }
    clean(statements_.sweep_leases, 0, false);
    clean(statements_.sweep_records, 0, false);
}

void PostgresStore::show() {
    Round round;
    round.add(statements_.count, {});
    if (say(round, host_.mono_ns() + 30 * second_ns, Batch::whole, true) == LARDER_OK) {
        if (const auto numbers = numbers_of(round.text(0)); numbers.size() >= 2) {
            entries_.store(numbers[0], std::memory_order_relaxed);
            bytes_.store(numbers[1], std::memory_order_relaxed);
            shown_.table_bytes.set(static_cast<double>(numbers[1]));
        }
    }
    const std::uint64_t swept = swept_.load(std::memory_order_relaxed);
    shown_.swept.add(static_cast<double>(swept - std::exchange(shown_.swept_told, swept)));
}

}  // namespace larder::store_postgres
