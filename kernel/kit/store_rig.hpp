// kernel/kit/store_rig.hpp -- a store as the checks ask it: texts in, texts out, keys and values at the edge of memory.
#pragma once

#include "kernel/kit/edge.hpp"
#include "kernel/kit/subject.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace larder::kit {

class StoreRig {
  public:
    explicit StoreRig(Subject& subject) : StoreRig(subject, subject.started()) {}
    // Another instance, which is asked under the same keys.
    StoreRig(Subject& subject, const StoreRig& other) : StoreRig(subject) { salt_ = other.salt_; }
    StoreRig(Subject& subject, std::shared_ptr<loader::PluginInstance> store)
        : subject_(subject), store_(std::move(store)), table_(store_->table<larder_store_v1>()) {
        // start may leave connecting to a thread of its own.
        for (int n = 0; n < 500 && can(LARDER_STORE_CAP_SHARED); ++n) {
            plugin::Value nobodys;
            const larder_status status = get("is somebody there", nobodys);
            if (status == LARDER_MISS || status == LARDER_OK) break;
            std::this_thread::sleep_for(Ms(10));
        }
    }

    const std::string& salt() const { return salt_; }
    void use_salt(std::string salt) { salt_ = std::move(salt); }
    Subject& subject() { return subject_; }
    loader::PluginInstance& instance() { return *store_; }
    const std::shared_ptr<loader::PluginInstance>& shared() const { return store_; }
    const larder_store_v1& table() const { return table_; }
    void* self() { return store_->self(); }
    bool can(std::uint64_t cap) const { return (store_->caps() & cap) != 0; }

    // The key as it is given: shared and persistent stores are given the whole physical key, as a kernel writes it, and one
    // that no other check has used.
    std::string physical(std::string_view key) const {
        if (!can(LARDER_STORE_CAP_SHARED | LARDER_STORE_CAP_PERSISTENT)) return std::string(key);
        return "larder:v:{kit." + salt_ + ":" + std::string(key) + "}";
    }
    static larder_key key_of(const Edge& key, std::uint32_t ns = 7) {
        // Any hash that is a function of (ns, key): the kernel's is seeded per process.
        std::uint64_t hash = 14695981039346656037ULL ^ ns;
        for (const char c : key.text()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
        return {static_cast<const char*>(key.bytes().data), static_cast<std::uint32_t>(key.size()), ns, hash};
    }

    struct PutOptions {
        std::uint32_t flags = 0;
        std::uint64_t ttl_ms = 0, version = 0, if_version = 0;
        std::uint32_t ns = 7, call_flags = 0;
    };
    larder_status put(std::string_view key, std::string_view value) { return put(key, value, PutOptions{}); }
    larder_status put(std::string_view key, std::string_view value, const PutOptions& how) {
        Edge k(physical(key)), v(value);
        const larder_key where = key_of(k, how.ns);
        larder_put put{};
        put.struct_size = sizeof put;
        put.flags = how.flags;
        put.value = v.bytes();
        put.ttl_ms = how.ttl_ms;
        put.version = how.version != 0 ? how.version : ++versions_;
        put.if_version = how.if_version;
        larder_call call = subject_.call();
        call.flags = how.call_flags;
        const larder_status status = table_.put(self(), &where, &put, &call);
        // Borrowed until put returned: what the store kept has to be its own.
        k.spoil();
        v.spoil();
        return status;
    }
    void must_put(std::string_view key, std::string_view value, std::uint32_t ns = 7) {
        const larder_status status = put(key, value, {.ns = ns});
        require(status == LARDER_OK, "a put of " + std::to_string(value.size()) + " bytes answers " + status_text(status));
    }
    larder_status get(std::string_view key, plugin::Value& out, std::uint32_t ns = 7, std::uint32_t flags = 0) {
        Edge k(physical(key));
        const larder_key where = key_of(k, ns);
        larder_call call = subject_.call();
        call.flags = flags;
        const larder_status status = table_.get(self(), &where, &call, out.out());
        k.spoil();
        return status;
    }
    // Nullopt: a miss. Anything else is a violation.
    std::optional<std::string> text(std::string_view key, std::uint32_t ns = 7) {
        plugin::Value value;
        const larder_status status = get(key, value, ns);
        if (status == LARDER_MISS) return std::nullopt;
        require(status == LARDER_OK, "a get answers " + status_text(status));
        return std::string(value.text());
    }
    larder_status remove(std::string_view key, std::uint64_t if_version = 0, std::uint32_t ns = 7) {
        Edge k(physical(key));
        const larder_key where = key_of(k, ns);
        const larder_call call = subject_.call();
        const larder_status status = table_.remove(self(), &where, if_version, &call);
        k.spoil();
        return status;
    }
    void no_sins() { subject_.no_sins(*store_); }
    // The table's function, or the check is skipped.
    static void optional(larder_status status, const char* function) {
        if (status == LARDER_E_UNSUPPORTED) skip(std::string("it has no ") + function);
    }

  private:
    Subject& subject_;
    std::shared_ptr<loader::PluginInstance> store_;
    const larder_store_v1& table_;
    std::atomic<std::uint64_t> versions_{1000};
    std::string salt_ = std::to_string(std::random_device{}());
};

}  // namespace larder::kit
