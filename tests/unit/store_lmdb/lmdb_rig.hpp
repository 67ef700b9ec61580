// tests/unit/store_lmdb/lmdb_rig.hpp -- the store as the kernel drives it, in a folder of the test's.
//
// The clock is the test's, but for waits. A change that nobody waits for is carried out when settle() returned.
#pragma once

#include "tests/support/fake_host.hpp"
#include "tests/support/temporary_folder.hpp"

#include <larder/plugin/shared.h>
#include <larder/plugin/store.h>
#include <larder/plugin/value.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

// One asynchronous call.
class Later {
  public:
    larder_call call();
    larder_status wait();

  private:
    std::mutex mutex_;
    std::condition_variable comes_;
    std::optional<larder_status> status_;
};

class LmdbRig {
  public:
    explicit LmdbRig(const std::string& folder, FakeConfig config = {});
    ~LmdbRig();
    LmdbRig(const LmdbRig&) = delete;
    LmdbRig& operator=(const LmdbRig&) = delete;

    bool started() const noexcept { return started_; }
    const std::string& refusal() const noexcept { return refusal_; }
    FakeHost& host() noexcept { return fake_; }
    const larder_store_v1& store() const noexcept;
    const larder_shared_v1& shared() const noexcept { return *shared_; }
    void* self() const noexcept { return instance_.self; }
    larder_health health() const;
    larder_status reconfigure(FakeConfig config);
    void stop();
    // Moves the clock, with all the upkeep that falls due, each step of it done.
    void pass(std::chrono::milliseconds time);
    // Asks again until it is so; false after a minute.
    static bool until(const std::function<bool()>& holds);
    // What stands in line before this is done when it returns.
    void settle();

    static larder_call call();
    static larder_key key(std::string_view name, std::uint32_t ns = UINT32_MAX);
    // Waiting calls.
    larder_status put(std::string_view name, std::string_view value, std::uint64_t ttl_ms = 60'000,
                      std::uint32_t flags = 0, std::uint64_t if_version = 0, std::uint64_t version = 1);
    larder_status get(std::string_view name, std::string* value = nullptr, std::uint32_t flags = 0);
    std::string value(std::string_view name);  // "-": a miss
    larder_status remove(std::string_view name, std::uint64_t if_version = 0);
    larder_status make(larder_record& record, std::uint64_t ttl_ms = 60'000);
    larder_status change(larder_record& record);
    larder_record record(const std::string& name);
    larder_store_stats stats();
    std::vector<std::string> keys(std::uint32_t flags = 0, std::uint32_t count = 0);

  private:
    FakeHost fake_;
    larder_host host_{};
    larder_instance instance_{};
    const larder_shared_v1* shared_ = nullptr;
    bool created_ = false, started_ = false;
    std::string refusal_;
};

// A record to give to make or change; its key lives as long as `name`.
larder_record record_of(const std::string& name, std::uint64_t drop, std::uint64_t expire, std::uint64_t expired_at_ms = 0);

}  // namespace larder::test
