// plugins/store_redis/server_facts.hpp -- larder.info/1: what the servers say of themselves, for people.
//
// Asked for with INFO when somebody wants to know and what is known is older than a few seconds; the
// answer is told the next time, so nobody waits for a server. Of several servers sums are summed, and
// what cannot be summed is the first one's.
#pragma once

#include "topology.hpp"

#include <larder/plugin/host.hpp>
#include <larder/plugin/info.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store_redis {

class ServerFacts {
  public:
    ServerFacts(plugin::Host host, Topology& topology) : host_(host), topology_(topology) {}
    // Lines `name:value` as they were last heard; empty: never. Asks anew when they are old. [any]
    std::string lines();

    struct Fact {
        std::string name, value;
    };
    // The facts that are told, of one server's INFO.
    static std::vector<Fact> read(std::string_view info);
    static std::string merged(const std::vector<std::vector<Fact>>& servers);

  private:
    struct Question;
    void ask();
    void heard(std::size_t number, std::string_view info);
    void ended();

    const plugin::Host host_;
    Topology& topology_;
    std::mutex mutex_;
    std::vector<std::vector<Fact>> servers_;  // guarded by mutex_, as the next
    std::uint64_t asked_ns_ = 0;
    std::size_t asking_ = 0;  // questions under way
};

const larder_info_v1* info_table() noexcept;

}  // namespace larder::store_redis
