// tests/unit/store_redis/store_rig.hpp -- the store as the kernel drives it, on the machine's clock.
#pragma once

#include "redis_process.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/shared.h>
#include <larder/plugin/store.h>
#include <larder/plugin/value.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

// What a sink was told, and a wait until it was.
class Told {
  public:
    Told();
    const larder_sink* sink() const noexcept { return &sink_; }
    // False: it does not come within some seconds.
    bool until(const std::function<bool()>& seen) const;  // asked under the lock
    bool until_trust(bool wanted) const {
        return until([&] { return trusted == wanted; });
    }
    bool until_key(const std::string& key) const;

    // Guarded by mutex_: look at them from within until().
    std::vector<std::string> keys;
    int alls = 0, yes = 0, no = 0, renewed = 0, older = 0;
    bool trusted = false;
    std::string order;  // "a" changed_all, "y" trust, "n" no trust

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable comes_;
    larder_sink sink_{};
};

// One asynchronous call.
class Later {
  public:
    larder_call call(std::uint64_t deadline_ns = 0);
    // How it ended; value is kept.
    larder_status wait();
    bool ended() const;
    plugin::Value value;

  private:
    mutable std::mutex mutex_;
    std::condition_variable comes_;
    std::optional<larder_status> status_;
};

class StoreRig {
  public:
    explicit StoreRig(FakeConfig config, const std::string& password = {},
                      const std::string& tls_key = {});
    explicit StoreRig(const RedisProcess& redis) : StoreRig(on(redis.port())) {}
    ~StoreRig();
    static FakeConfig on(std::uint16_t port);

    bool started() const noexcept { return started_; }
    const std::string& refusal() const noexcept { return refusal_; }
    FakeHost& host() noexcept { return fake_; }
    const larder_store_v1& store() const noexcept;
    const larder_shared_v1& shared() const noexcept { return *shared_; }
    void* self() const noexcept { return instance_.self; }
    larder_health health() const;
    void stop();
    // Asks again until it is so; false after some seconds.
    bool until(const std::function<bool()>& holds) const;

    std::uint64_t now_ns() const;
    larder_call call(std::chrono::milliseconds within = std::chrono::seconds(5)) const;
    static larder_key key(std::string_view name, std::uint32_t ns = 1);
    // Waiting calls.
    larder_status put(std::string_view name, std::string_view value, std::uint64_t ttl_ms = 60'000,
                      std::uint32_t flags = 0, std::uint64_t if_version = 0);
    larder_status get(std::string_view name, std::string* value = nullptr);
    larder_status remove(std::string_view name, std::uint64_t if_version = 0);

  private:
    FakeHost fake_;
    larder_host host_{};
    larder_instance instance_{};
    const larder_shared_v1* shared_ = nullptr;
    bool created_ = false, started_ = false;
    std::string refusal_;
};

// A value with `id` where an envelope has it.
std::string envelope(std::uint64_t id, std::string_view payload);

}  // namespace larder::test
