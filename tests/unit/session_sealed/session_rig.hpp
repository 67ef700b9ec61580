// tests/unit/session_sealed/session_rig.hpp -- nodes that keep sessions in one store, on a clock that a test moves.
#pragma once

#include "plugins/session_sealed/sealed_sessions.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/virtual_redis.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace larder::test {

using session_sealed::SealedSessions;

inline const std::string key_one = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
inline const std::string key_two = "616263646566676869303132333435363738393031323334353637383930abcd";

// larder.session_store/1 over one node's store.
class SessionNode {
  public:
    SessionNode(VirtualRedis& redis, const std::string& keys, const std::string& format, const std::string& session)
        : store_(redis.connect().handle("l2")), node(redis.node(redis.nodes() - 1)), redis_(redis) {
        by_host()[host.get()] = this;
        host.set_service(LARDER_SVC_SESSION_STORE, &table());
        facts.struct_size = sizeof facts;
        facts.flags = LARDER_SESSION_ENCRYPT | LARDER_SESSION_SLIDING;
        facts.idle_ms = 30 * 60'000;
        facts.absolute_ms = 12 * 3'600'000;
        config.name_instance(session).set("format", format).set("grace", std::int64_t{10'000'000'000}).set("max_data", 65536).set("audit", true);
        host.set_secret("keys", keys);
        sessions = std::make_unique<SealedSessions>(plugin::Host(host.get()), plugin::Config(host.get(), config.get()));
    }
    ~SessionNode() { by_host().erase(host.get()); }
    SessionNode(const SessionNode&) = delete;
    SessionNode& operator=(const SessionNode&) = delete;

    void use_keys(const std::string& keys) {
        host.set_secret("keys", keys);
        sessions->reconfigure(plugin::Config(host.get(), config.get()));
    }

    larder_status last = LARDER_OK;
    std::string create(std::string_view user, std::string_view data, std::uint64_t ttl_ms = 0) {
        larder_session_spec spec{sizeof spec, 0, plugin::bytes_of(user), plugin::bytes_of(data), ttl_ms};
        larder_session_id id{};
        last = sessions->create(spec, call, id);
        return last == LARDER_OK ? std::string(plugin::text_of(id)) : std::string();
    }
    // The data; "-" for anything but OK, which `last` has.
    std::string get(std::string_view id) {
        plugin::Value value, user;
        info = {};
        info.struct_size = sizeof info;
        last = sessions->get(id, call, &info, plugin::Reply(value.out()));
        *user.out() = info.user;
        user_of_it = user.text();
        return last == LARDER_OK ? std::string(value.text()) : "-";
    }
    larder_session_info info{};
    std::string user_of_it;
    std::string update(std::string_view id, std::string_view patch) {
        plugin::Value value;
        last = sessions->update(id, patch, call, plugin::Reply(value.out()));
        return last == LARDER_OK ? std::string(value.text()) : "-";
    }
    std::string rotate(std::string_view id) {
        larder_session_id fresh{};
        last = sessions->rotate(id, call, fresh);
        return last == LARDER_OK ? std::string(plugin::text_of(fresh)) : std::string();
    }
    std::uint64_t end_user(std::string_view user) {
        std::uint64_t count = 0;
        last = sessions->destroy_user(user, count, call);
        return count;
    }
    std::vector<std::string> list(std::string_view user) {
        std::vector<std::string> names;
        larder_session_sink sink{sizeof sink, 0, &names, [](void* ctx, const larder_session_id* id, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
                                     static_cast<std::vector<std::string>*>(ctx)->emplace_back(id->text, id->size);
                                     return 0;
                                 }};
        last = sessions->list_user(user, plugin::SessionSink(&sink), call);
        return names;
    }
    larder_session_figures figures() const {
        larder_session_figures out{};
        sessions->figures(out);
        return out;
    }

  private:
    static std::map<const larder_host*, SessionNode*>& by_host() {
        static std::map<const larder_host*, SessionNode*> all;
        return all;
    }
    larder_key place(larder_bytes session, larder_bytes key, std::string& whole) const {
        whole = redis_.prefix() + ":s:{" + std::string(plugin::text_of(session)) + ":" + std::string(plugin::text_of(key)) + "}";
        return {whole.data(), static_cast<std::uint32_t>(whole.size()), 1, std::hash<std::string>()(whole)};
    }
    static const larder_session_store_api& table() {
        static const larder_session_store_api made{
            sizeof(larder_session_store_api), 0,
            [](const larder_host* h, larder_bytes, larder_session_facts* out) noexcept -> larder_status {
                *out = by_host().at(h)->facts;
                return LARDER_OK;
            },
            [](const larder_host* h, larder_bytes) noexcept -> std::uint64_t {
                SessionNode& me = *by_host().at(h);
                return me.store_.shared->now_ms(me.store_.sharing());
            },
            [](const larder_host* h, larder_bytes session, larder_bytes key, const larder_call* call, larder_value* out) noexcept -> larder_status {
                SessionNode& me = *by_host().at(h);
                std::string whole;
                const larder_key at = me.place(session, key, whole);
                return me.store_.table->get(me.store_.self, &at, call, out);
            },
            [](const larder_host* h, larder_bytes session, larder_bytes key, const larder_put* put, const larder_call* call) noexcept -> larder_status {
                SessionNode& me = *by_host().at(h);
                std::string whole;
                const larder_key at = me.place(session, key, whole);
                return me.store_.table->put(me.store_.self, &at, put, call);
            },
            [](const larder_host* h, larder_bytes session, larder_bytes key, std::uint64_t if_version, const larder_call* call) noexcept -> larder_status {
                SessionNode& me = *by_host().at(h);
                std::string whole;
                const larder_key at = me.place(session, key, whole);
                return me.store_.table->remove(me.store_.self, &at, if_version, call);
            }};
        return made;
    }

    StoreHandle store_;

  public:
    FakeHost host;
    FakeConfig config;
    larder_session_facts facts{};
    larder_call call{sizeof(larder_call), 0, 0, nullptr, nullptr, nullptr, 0, 0, 0, 0};
    VirtualNode& node;
    std::unique_ptr<SealedSessions> sessions;

  private:
    VirtualRedis& redis_;
};

struct SessionNodes {
    ManualClock clock;
    VirtualRedis redis{clock};
    std::vector<std::unique_ptr<SessionNode>> all;
    explicit SessionNodes(std::size_t count = 1, const std::string& keys = key_one, const std::string& format = "gcm") {
        while (all.size() < count) all.push_back(std::make_unique<SessionNode>(redis, keys, format, "chat"));
    }
    SessionNode& operator[](std::size_t i) { return *all[i]; }
    void pass(std::chrono::milliseconds time) {
        clock.advance(time);
        for (const auto& node : all) node->host.advance(time);
    }
    auto& values() { return redis.server().data().values; }
    // All that stands in the store, keys and bytes.
    std::string dump() {
        std::string out;
        for (const auto& [key, value] : values()) out += key + "\n" + value.bytes + "\n";
        return out;
    }
    static std::string place_of(std::string_view id) { return "larder:s:{chat:" + session_sealed::key_of_id(id) + "}"; }
    std::string& bytes_of(std::string_view id) { return values().find(place_of(id))->second.bytes; }
};

}  // namespace larder::test
