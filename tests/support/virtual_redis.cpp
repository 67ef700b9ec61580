// tests/support/virtual_redis.cpp -- the tables: each function becomes a message, and is answered by it.
#include "tests/support/virtual_redis.hpp"

#include <algorithm>
#include <utility>

namespace larder::test {
namespace {

std::string text_of(larder_bytes bytes) { return {static_cast<const char*>(bytes.data), bytes.size}; }
std::string text_of(const larder_key& key) { return {key.data, key.size}; }

larder_value value_of(std::string text) {
    auto* const keep = new std::string(std::move(text));
    return {keep->data(), keep->size(), [](larder_value* v) noexcept { delete static_cast<std::string*>(v->pin); }, keep};
}

VirtualServer::Put put_of(const larder_put& put) {
    return {text_of(put.value), put.flags, put.ttl_ms, put.version, put.if_version};
}

std::vector<std::string> keys_of(const larder_key* keys, std::size_t n) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < n; ++i) texts.push_back(text_of(keys[i]));
    return texts;
}

// Records as they travel, and where their answers go.
struct Records {
    Records(larder_record* records, std::size_t n) : home(records) {
        for (std::size_t i = 0; i < n; ++i) {
            keys.push_back(text_of(records[i].key));
            values.push_back({records[i].drop, records[i].expire, records[i].expired_at_ms, 0});
        }
        status.resize(n, LARDER_MISS);
    }
    void land(bool numbers) const {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            home[i].status = status[i];
            if (!numbers || status[i] != LARDER_OK) continue;
            home[i].drop = values[i].drop;
            home[i].expire = values[i].expire;
            home[i].expired_at_ms = values[i].expired_at_ms;
        }
    }

    larder_record* home;
    std::vector<std::string> keys;
    std::vector<VirtualServer::Record> values;
    std::vector<larder_status> status;
};

struct Items {
    Items(larder_get_item* items, std::size_t n) : home(items) {
        for (std::size_t i = 0; i < n; ++i) keys.push_back(text_of(items[i].key));
        values.resize(n);
        status.resize(n, LARDER_MISS);
    }
    static void add_to(std::vector<VirtualMessage::Step>& steps, const std::shared_ptr<Items>& items) {
        for (std::size_t i = 0; i < items->keys.size(); ++i)
            steps.push_back([items, i](VirtualServer& server) {
                items->status[i] = server.get(items->keys[i], items->values[i]);
                return larder_status{LARDER_OK};
            });
    }
    void land() const {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            home[i].status = status[i];
            if (status[i] == LARDER_OK) home[i].value = value_of(values[i].bytes);
        }
    }

    larder_get_item* home;
    std::vector<std::string> keys;
    std::vector<VirtualServer::Value> values;
    std::vector<larder_status> status;
};

}  // namespace

const char* name_of(StoreCall call) {
    static constexpr std::array<const char*, static_cast<std::size_t>(StoreCall::count_)> names{
        "get", "put", "remove", "touch", "get_many", "remove_many", "read", "make", "change", "lease", "fill"};
    return names[static_cast<std::size_t>(call)];
}

struct VirtualNode::Functions {
    using Steps = std::vector<VirtualMessage::Step>;
    static VirtualNode& self(void* p) { return *static_cast<VirtualNode*>(p); }
    template <class Step>
    static larder_status send_one(void* p, StoreCall kind, const larder_key* key, const larder_call* call, Step step) {
        return self(p).send({kind, text_of(*key), {[step, k = text_of(*key)](VirtualServer& server) { return step(server, k); }}, true, {}},
                            call, nullptr);
    }

    static larder_status get(void* p, const larder_key* key, const larder_call* call, larder_value* out) noexcept {
        auto found = std::make_shared<VirtualServer::Value>();
        return self(p).send({StoreCall::get, text_of(*key),
                             {[found, k = text_of(*key)](VirtualServer& server) { return server.get(k, *found); }}, true,
                             [found](larder_value* value) { *value = value_of(found->bytes); }},
                            call, out);
    }
    static larder_status put(void* p, const larder_key* key, const larder_put* put, const larder_call* call) noexcept {
        return send_one(p, StoreCall::put, key, call,
                        [w = put_of(*put)](VirtualServer& server, const std::string& k) { return server.put(k, w); });
    }
    static larder_status remove(void* p, const larder_key* key, std::uint64_t if_version, const larder_call* call) noexcept {
        return send_one(p, StoreCall::remove, key, call,
                        [if_version](VirtualServer& server, const std::string& k) { return server.remove(k, if_version); });
    }
    static larder_status touch(void* p, const larder_key* key, const larder_touch* touch, const larder_call* call) noexcept {
        const VirtualServer::Touch w{text_of(touch->patch), touch->patch_offset, touch->ttl_ms, touch->if_version};
        return send_one(p, StoreCall::touch, key, call,
                        [w](VirtualServer& server, const std::string& k) { return server.touch(k, w); });
    }
    static larder_status get_many(void* p, larder_get_item* items, std::size_t n, const larder_call* call) noexcept {
        auto asked = std::make_shared<Items>(items, n);
        Steps steps;
        asked->add_to(steps, asked);
        return self(p).send({StoreCall::get_many, n > 0 ? asked->keys[0] : "", std::move(steps), false,
                             [asked](larder_value*) { asked->land(); }},
                            call, nullptr);
    }
    static larder_status remove_many(void* p, const larder_key* keys, std::size_t n, const larder_call* call) noexcept {
        Steps steps;
        for (const std::string& key : keys_of(keys, n))
            steps.push_back([key](VirtualServer& server) {
                server.remove(key, 0);
                return larder_status{LARDER_OK};
            });
        return self(p).send({StoreCall::remove_many, n > 0 ? text_of(keys[0]) : "", std::move(steps), false, {}}, call, nullptr);
    }
    static larder_status stats(void* p, std::uint32_t, larder_store_stats* out) noexcept {
        VirtualRedis& redis = self(p).redis_;
        const std::lock_guard lock(redis.mutex_);
        out->entries = redis.server_.data().values.size();
        for (const auto& [key, value] : redis.server_.data().values) out->bytes += value.bytes.size();
        return LARDER_OK;
    }

    // ---- larder.shared/1
    static larder_bytes prefix(void* p) noexcept {
        const std::string& text = self(p).redis_.prefix_;
        return {text.data(), text.size()};
    }
    static larder_status listen(void* p, const larder_sink* sink) noexcept {
        VirtualNode& node = self(p);
        node.sink_ = sink != nullptr ? *sink : larder_sink{};
        if (node.trusted_) {
            node.tell_all();
            node.trust(true);
        }
        return LARDER_OK;
    }
    static std::uint64_t now_ms(void* p) noexcept {
        VirtualNode& node = self(p);
        return node.knows_time.load() ? node.redis_.server_.now_ms() + node.clock_error_ms : 0;
    }
    static std::uint64_t max_staleness_ms(void* p) noexcept { return self(p).redis_.max_staleness_ms; }
    static larder_status read(void* p, larder_get_item* items, std::size_t n, larder_record* records, std::size_t m,
                              const larder_call* call) noexcept {
        auto values = std::make_shared<Items>(items, n);
        auto asked = std::make_shared<Records>(records, m);
        Steps steps;
        values->add_to(steps, values);
        for (std::size_t i = 0; i < m; ++i)
            steps.push_back([asked, i](VirtualServer& server) {
                asked->status[i] = server.find(asked->keys[i], asked->values[i]);
                return larder_status{LARDER_OK};
            });
        return self(p).send({StoreCall::read, n > 0 ? values->keys[0] : m > 0 ? asked->keys[0] : "", std::move(steps), false,
                             [values, asked](larder_value*) {
                                 values->land();
                                 asked->land(true);
                             }},
                            call, nullptr);
    }
    static larder_status make(void* p, larder_record* records, std::size_t m, std::uint64_t ttl_ms, const larder_call* call) noexcept {
        auto asked = std::make_shared<Records>(records, m);
        Steps steps;
        for (std::size_t i = 0; i < m; ++i)
            steps.push_back([asked, ttl_ms, i](VirtualServer& server) {
                server.make(asked->keys[i], asked->values[i], ttl_ms);
                return asked->status[i] = LARDER_OK;
            });
        return self(p).send({StoreCall::make, m > 0 ? asked->keys[0] : "", std::move(steps), true,
                             [asked](larder_value*) { asked->land(true); }},
                            call, nullptr);
    }
    static larder_status change(void* p, larder_record* records, std::size_t m, std::uint64_t ttl_ms, const larder_key* keys,
                                std::size_t n, std::uint32_t, const larder_call* call) noexcept {
        auto asked = std::make_shared<Records>(records, m);
        Steps steps;
        for (std::size_t i = 0; i < m; ++i)
            steps.push_back([asked, ttl_ms, i](VirtualServer& server) {
                asked->status[i] = server.change(asked->keys[i], asked->values[i], ttl_ms);
                return larder_status{LARDER_OK};
            });
        const std::vector<std::string> gone = keys_of(keys, n);
        for (const std::string& key : gone)
            steps.push_back([key](VirtualServer& server) {
                server.end_lease(key);
                return larder_status{LARDER_OK};
            });
        for (const std::string& key : gone)
            steps.push_back([key](VirtualServer& server) {
                server.remove(key, 0);
                return larder_status{LARDER_OK};
            });
        return self(p).send({StoreCall::change, m > 0 ? asked->keys[0] : n > 0 ? gone[0] : "", std::move(steps), true,
                             [asked](larder_value*) { asked->land(false); }},
                            call, nullptr);
    }
    static larder_status lease(void* p, const larder_key* key, std::uint64_t token, std::uint64_t ttl_ms, const larder_call* call) noexcept {
        return send_one(p, StoreCall::lease, key, call,
                        [token, ttl_ms](VirtualServer& server, const std::string& k) { return server.lease(k, token, ttl_ms); });
    }
    static larder_status fill(void* p, const larder_key* key, std::uint64_t token, const larder_put* put, const larder_call* call) noexcept {
        return send_one(p, StoreCall::fill, key, call,
                        [token, w = put_of(*put)](VirtualServer& server, const std::string& k) { return server.fill(k, token, w); });
    }
};

StoreHandle VirtualNode::handle(std::string name, bool extended) {
    static const larder_store_v1 table = [] {
        larder_store_v1 t{};
        t.struct_size = sizeof t;
        t.get = &Functions::get;
        t.put = &Functions::put;
        t.remove = &Functions::remove;
        t.touch = &Functions::touch;
        t.visit = [](void*, const larder_key*, const larder_call*, void (*)(void*, larder_bytes) noexcept, void*) noexcept -> larder_status {
            return LARDER_E_UNSUPPORTED;
        };
        t.get_many = &Functions::get_many;
        t.remove_many = &Functions::remove_many;
        t.clear_ns = [](void*, std::uint32_t, const larder_call*) noexcept -> larder_status { return LARDER_E_UNSUPPORTED; };
        t.scan = [](void*, larder_scan*, const larder_call*) noexcept -> larder_status { return LARDER_E_UNSUPPORTED; };
        t.limits = [](void*, std::uint32_t, std::uint64_t, std::uint64_t) noexcept -> larder_status { return LARDER_E_UNSUPPORTED; };
        t.stats = &Functions::stats;
        return t;
    }();
    StoreHandle handle;
    handle.name = std::move(name);
    handle.plugin = "virtual_redis";
    handle.table = &table;
    handle.self = this;
    handle.caps = caps;
    handle.timeout = Ms(200);
    // A kernel that knows the extension has a place for it.
    [&](auto& any) {
        if constexpr (requires { any.shared = &shared_table(); }) any.shared = extended ? &shared_table() : nullptr;
    }(handle);
    static_cast<void>(extended);
    return handle;
}

const larder_shared_v1& VirtualNode::shared_table() const {
    static const larder_shared_v1 table{sizeof(larder_shared_v1), 0,           &Functions::prefix, &Functions::listen,
                                        &Functions::now_ms,       &Functions::max_staleness_ms,
                                        &Functions::read,         &Functions::make,
                                        &Functions::change,       &Functions::lease,
                                        &Functions::fill};
    return table;
}

larder_status VirtualNode::send(VirtualMessage message, const larder_call* call, larder_value* out) {
    calls_[static_cast<std::size_t>(message.call)].fetch_add(1);
    return redis_.serve(*this, std::move(message), *call, out);
}

std::uint64_t VirtualNode::calls() const {
    std::uint64_t sum = 0;
    for (const auto& calls : calls_) sum += calls.load();
    return sum;
}

void VirtualNode::tell(const std::vector<std::string>& keys) {
    if (sink_.changed == nullptr || keys.empty()) return;
    std::vector<larder_bytes> bytes;
    for (const std::string& key : keys) bytes.push_back({key.data(), key.size()});
    sink_.changed(sink_.ctx, bytes.data(), bytes.size());
}

void VirtualNode::tell_all() {
    if (sink_.changed_all != nullptr) sink_.changed_all(sink_.ctx);
}

void VirtualNode::trust(bool yes) {
    trusted_ = yes;
    if (sink_.trust != nullptr) sink_.trust(sink_.ctx, yes ? 1 : 0);
}

void VirtualNode::renew(bool older) {
    if (sink_.renewed != nullptr) sink_.renewed(sink_.ctx, older ? 1 : 0);
}

std::size_t VirtualNode::untold() const {
    const std::lock_guard lock(mutex_);
    return untold_.size();
}

void VirtualNode::keep_untold(const std::vector<std::string>& keys, bool all) {
    const std::lock_guard lock(mutex_);
    untold_.push_back({keys, all});
}

void VirtualNode::deliver() {
    for (;;) {
        Untold next;
        {
            const std::lock_guard lock(mutex_);
            if (untold_.empty()) return;
            next = std::move(untold_.front());
            untold_.pop_front();
        }
        if (next.all) tell_all();
        tell(next.keys);
    }
}

void VirtualNode::lose_untold() {
    const std::lock_guard lock(mutex_);
    untold_.clear();
}

VirtualRedis::VirtualRedis(Clock& clock, std::string prefix) : server_(clock), prefix_(std::move(prefix)) {}
VirtualRedis::~VirtualRedis() = default;

VirtualNode& VirtualRedis::connect() {
    nodes_.push_back(std::make_unique<VirtualNode>(*this, nodes_.size()));
    return *nodes_.back();
}

larder_status VirtualRedis::serve(VirtualNode& from, VirtualMessage message, const larder_call& call, larder_value* out) {
    if (wire_ != nullptr) return wire_->send(from, std::move(message), call, out);
    if (from.silent.load() && call.done != nullptr) return LARDER_PENDING;
    if (const larder_status refuse = from.fail.load(); refuse != LARDER_OK) return refuse;
    if (from.before) from.before(message.call);
    larder_status status = LARDER_OK;
    std::vector<std::string> changed;
    {
        const std::lock_guard lock(mutex_);
        for (const VirtualMessage::Step& step : message.work)
            if (const larder_status one = step(server_); one != LARDER_OK) status = one;
        changed = server_.take_told();
    }
    told(std::move(changed));
    if (from.after) from.after(message.call);
    // get answers with the call's value, the others put their answers where the caller said.
    if (message.land && status == LARDER_OK) message.land(out);
    return status;
}

void VirtualRedis::told(std::vector<std::string> keys) {
    if (keys.empty()) return;
    for (const auto& node : nodes_) node->keep_untold(keys, false);
    if (immediate_.load()) deliver();
}

void VirtualRedis::deliver() {
    for (const auto& node : nodes_) node->deliver();
}

void VirtualRedis::foreign_write(std::string_view key, std::string bytes) {
    std::vector<std::string> changed;
    {
        const std::lock_guard lock(mutex_);
        server_.write(key, std::move(bytes));
        changed = server_.take_told();
    }
    told(std::move(changed));
}

void VirtualRedis::foreign_remove(std::string_view key) {
    std::vector<std::string> changed;
    {
        const std::lock_guard lock(mutex_);
        server_.lose(key);
        changed = server_.take_told();
    }
    told(std::move(changed));
}

void VirtualRedis::flush() {
    {
        const std::lock_guard lock(mutex_);
        server_.flush();
    }
    for (const auto& node : nodes_) node->keep_untold({}, true);
    if (immediate_.load()) deliver();
}

}  // namespace larder::test
