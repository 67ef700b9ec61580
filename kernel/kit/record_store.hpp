// kernel/kit/record_store.hpp -- larder.session_store/1 over a map, on the kit's clock.
//
// Sessions of any name, 30 minutes sliding, a day at most, five of a user; what is put ends at its ttl. Safe for many threads.
#pragma once

#include <larder/plugin/session.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace larder::loader {
class HostServices;
}

namespace larder::kit {

class RecordStore {
  public:
    explicit RecordStore(loader::HostServices& host) : host_(host) {}
    const larder_session_store_api& api();
    // Every record in one text, to look for what must not be readable.
    std::string dump() const;
    std::size_t size() const;

  private:
    struct Record {
        std::string bytes;
        std::uint64_t version = 0, until_ms = 0;  // 0: does not end
    };
    static RecordStore& of(const larder_host* host);
    Record* find(const std::string& key);  // under mutex_
    larder_status get(const std::string& key, larder_value* out);
    larder_status put(const std::string& key, const larder_put& put);
    larder_status remove(const std::string& key, std::uint64_t if_version);

    loader::HostServices& host_;
    mutable std::mutex mutex_;
    std::map<std::string, Record> records_;
};

}  // namespace larder::kit
