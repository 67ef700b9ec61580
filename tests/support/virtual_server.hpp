// tests/support/virtual_server.hpp -- what a Redis keeps for larder, and what its commands do, without a Redis.
//
// Values, records and leases under their whole keys (<larder/plugin/shared.h>), with times to live on a
// virtual clock. Each command is one atomic step, as in Redis; after it `told` has the keys that tracking
// would push. The data can be copied and put back: that is a replica that lags, or a restart.
#pragma once

#include "kernel/core/clock.hpp"

#include <larder/plugin/shared.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::test {

// For one thread at a time.
class VirtualServer {
  public:
    struct Value {
        std::string bytes;
        std::uint64_t until_ms = 0;  // by now_ms; 0: for ever. Here and below
        std::uint64_t version = 0;
    };
    struct Record {
        std::uint64_t drop = 0, expire = 0, expired_at_ms = 0, until_ms = 0;
    };
    struct Lease {
        std::uint64_t token = 0, until_ms = 0;
    };
    struct Data {
        std::map<std::string, Value, std::less<>> values;
        std::map<std::string, Record, std::less<>> records;
        std::map<std::string, Lease, std::less<>> leases;  // by the value's key
    };
    struct Put {
        std::string bytes;
        std::uint32_t flags = 0;  // LARDER_PUT_*
        std::uint64_t ttl_ms = 0, version = 0, if_version = 0;
    };
    struct Touch {
        std::string patch;
        std::uint32_t offset = 0;
        std::uint64_t ttl_ms = 0, if_version = 0;
    };

    explicit VirtualServer(Clock& clock) : clock_(clock) {}

    // Milliseconds since 1970 by the server's own clock.
    std::uint64_t now_ms() const { return clock_.mono_ns() / 1'000'000 + epoch_ms + skew_ms; }
    std::uint64_t skew_ms = 0;

    larder_status get(std::string_view key, Value& out);
    larder_status put(std::string_view key, const Put& put);
    larder_status remove(std::string_view key, std::uint64_t if_version);
    larder_status touch(std::string_view key, const Touch& touch);
    larder_status find(std::string_view key, Record& out);
    // Writes `record` where there is none; it is then what is there, to live at least ttl_ms.
    void make(std::string_view key, Record& record, std::uint64_t ttl_ms);
    // OK, or MISS: there is none, and nothing was written. drop 0: that number stays.
    larder_status change(std::string_view key, const Record& record, std::uint64_t ttl_ms);
    larder_status lease(std::string_view key, std::uint64_t token, std::uint64_t ttl_ms);
    larder_status fill(std::string_view key, std::uint64_t token, const Put& put);
    void end_lease(std::string_view key);

    // As somebody does with redis-cli, or eviction. Told as any other change; false: there was nothing.
    void write(std::string_view key, std::string bytes);
    bool lose(std::string_view key);
    // What Redis' own cycle does with keys whose time is over.
    void expire_due();
    void flush();

    Data& data() { return data_; }
    const Data& data() const { return data_; }
    void restore(Data data) { data_ = std::move(data); }
    // Keys that changed since it was last taken, in order.
    std::vector<std::string> take_told() { return std::exchange(told_, {}); }

  private:
    static constexpr std::uint64_t epoch_ms = 1'700'000'000'000;
    std::uint64_t until(std::uint64_t ttl_ms) const { return ttl_ms == 0 ? 0 : now_ms() + ttl_ms; }
    bool over(std::uint64_t until_ms) const { return until_ms != 0 && now_ms() >= until_ms; }
    void tell(std::string_view key) { told_.emplace_back(key); }
    template <class Map>
    typename Map::iterator live(Map& map, std::string_view key, bool told);

    Clock& clock_;
    Data data_;
    std::vector<std::string> told_;
};

}  // namespace larder::test
