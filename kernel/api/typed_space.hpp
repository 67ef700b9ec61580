// kernel/api/typed_space.hpp -- a namespace whose values are a host's own types.
//
//     struct User { std::string name; std::optional<std::string> mail; };
//     BOOST_DESCRIBE_STRUCT(User, (), (name, mail))
//
//     TypedSpace users(kernel.cache(), "user_details");
//     if (const auto user = users.get<User>("42")) greet(user->name);
//     const auto user = users.get_or_load<User>("42", [&] { return database.find_user(42); });
//
// What is kept but cannot be decoded is a miss: it is counted (`undecodable`), removed, and loaded anew where
// there is a loader. An optional that is empty is no value; 0, "" and [] are values like others.
#pragma once

#include "kernel/api/value_codec.hpp"
#include "kernel/core/cache.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {

// What came of a call, and the value where there is one.
template <class T>
struct Typed {
    larder_status status = LARDER_MISS;  // OK: value is set; MISS; an error of the cache or the loader
    std::optional<T> value;
    bool stale = false;  // served under a `stale` clause
    explicit operator bool() const noexcept { return value.has_value(); }
    const T& operator*() const noexcept { return *value; }
    const T* operator->() const noexcept { return &*value; }
};

struct TypedPut {
    std::int64_t ttl_ms = 0;  // 0: the namespace's
    std::vector<std::pair<std::string, std::string>> with;
};

// Safe for any number of threads. The cache outlives it.
class TypedSpace {
  public:
    TypedSpace(Cache& cache, std::string_view name) : cache_(cache) {
        if (cache.ns_find(name, &ns_) != LARDER_OK) ns_ = LARDER_NS_NONE;
    }
    // Whether the policy had a namespace of that name; without one every call is E_INVALID.
    bool exists() const noexcept { return ns_ != LARDER_NS_NONE; }

    template <class T, class Codec = JsonCodec>
        requires ValueCodec<Codec, T>
    Typed<T> get(std::string_view key) const {
        larder_cache_get item = asked(key);
        cache_.get_many(&item, 1, nullptr);
        Typed<T> out = taken<T, Codec>(item);
        if (out.status == LARDER_E_CORRUPT) {
            remove(key);
            out.status = LARDER_MISS;
        }
        return out;
    }

    // How many values this one could not decode; the first is told in the event ring.
    std::uint64_t undecodable() const noexcept { return undecodable_.load(std::memory_order_relaxed); }

    // load: std::optional<T>(), empty where there is no such thing; what it throws is E_EXCEPTION. It is called at most
    // once for a key at a time, and may be called by another thread after this has returned (a stale answer
    // is made anew behind it): what it uses outlives that.
    template <class T, class Codec = JsonCodec, class Load>
        requires ValueCodec<Codec, T>
    Typed<T> get_or_load(std::string_view key, Load load) const {
        const Loader loader = [load]() mutable -> Loaded {
            const std::optional<T> made = load();
            Loaded out;
            if (!made) out.status = LARDER_MISS;
            else if (!Codec::encode(*made, out.value)) out.status = LARDER_E_INVALID;
            return out;
        };
        Typed<T> out;
        for (int turn = 0; turn < 2; ++turn) {
            larder_cache_get item = asked(key);
            cache_.get_or_load(item, loader, nullptr);
            out = taken<T, Codec>(item);
            if (out.status != LARDER_E_CORRUPT) return out;
            remove(key);
        }
        return out;  // the codec does not read what it writes, or somebody writes what it does not read
    }

    // E_INVALID: the value has no form in this codec, or the key does not fit.
    template <class T, class Codec = JsonCodec>
        requires ValueCodec<Codec, T>
    larder_status put(std::string_view key, const T& value, const TypedPut& options = {}) const {
        std::string bytes;
        if (!exists() || !Codec::encode(value, bytes)) return LARDER_E_INVALID;
        std::vector<larder_pair> with;
        for (const auto& [name, text] : options.with) with.push_back({{name.data(), name.size()}, {text.data(), text.size()}});
        larder_cache_set item{};
        item.ns = ns_;
        item.key = {key.data(), key.size()};
        item.value = {bytes.data(), bytes.size()};
        item.ttl_ms = options.ttl_ms;
        item.with = with.data();
        item.with_count = static_cast<std::uint32_t>(with.size());
        cache_.set_many(&item, 1, nullptr);
        return item.status;
    }

  private:
    void remove(std::string_view key) const {
        if (undecodable_.fetch_add(1, std::memory_order_relaxed) == 0) {
            larder_bytes name{};
            if (cache_.ns_name(ns_, &name) == LARDER_OK)
                cache_.note(LARDER_LOG_WARN, "decode",
                            "a value of " + std::string(static_cast<const char*>(name.data), name.size) + " cannot be read as the host's type, and is a miss");
        }
        larder_cache_key gone{ns_, LARDER_OK, {key.data(), key.size()}};
        cache_.remove_many(&gone, 1, nullptr);
    }
    larder_cache_get asked(std::string_view key) const {
        larder_cache_get item{};
        item.ns = ns_;
        item.key = {key.data(), key.size()};
        return item;
    }
    // CORRUPT: there is one, and it cannot be decoded. Releases the item's value.
    template <class T, class Codec>
    static Typed<T> taken(larder_cache_get& item) {
        Typed<T> out;
        out.status = item.status;
        out.stale = (item.found & LARDER_FOUND_STALE) != 0;
        if (item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) != 0) out.status = LARDER_MISS;
        if (out.status == LARDER_OK) {
            T made{};
            if (Codec::decode({static_cast<const char*>(item.value.data), item.value.size}, made)) out.value = std::move(made);
            else out.status = LARDER_E_CORRUPT;
        }
        if (item.value.release != nullptr) item.value.release(&item.value);
        return out;
    }

    Cache& cache_;
    std::uint32_t ns_ = LARDER_NS_NONE;
    mutable std::atomic<std::uint64_t> undecodable_{0};
};

}  // namespace larder
