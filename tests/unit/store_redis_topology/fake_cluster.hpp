// tests/unit/store_redis_topology/fake_cluster.hpp -- nodes that answer as those of a Redis Cluster do, as
// far as a client sees it.
#pragma once

#include "fake_net.hpp"
#include "plugins/store_redis/slot.hpp"

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace larder::test {

class FakeCluster {
  public:
    FakeCluster(Net& net, std::vector<std::string> addresses) : net_(net), masters_(std::move(addresses)) {
        const std::size_t n = masters_.size();
        for (std::uint32_t slot = 0; slot < store_redis::cluster_slots; ++slot) {
            owner_[slot] = masters_[slot * n / store_redis::cluster_slots];
        }
        for (const std::string& address : masters_) {
            net_[address].answer = [this, address](const Words& words) { return answer(address, words); };
        }
    }

    void own(std::uint32_t slot, const std::string& address) { owner_[slot] = address; }
    const std::string& owner_of(const std::string& key) { return owner_[store_redis::slot_of(key)]; }
    // A replica takes everything over.
    void replace(const std::string& old, const std::string& by) {
        for (std::string& owner : owner_) {
            owner = owner == old ? by : owner;
        }
        data[by] = data[old];
        net_[by].answer = [this, by](const Words& words) { return answer(by, words); };
    }
    // A key of that node.
    std::string key_at(const std::string& address, int nth = 0) {
        for (int i = 0;; ++i) {
            const std::string key = "k" + std::to_string(i);
            if (owner_of(key) == address && nth-- == 0) {
                return key;
            }
        }
    }

    std::map<std::string, std::map<std::string, std::string>> data;
    std::map<std::uint32_t, std::string> importing;  // the slot's keys are there, its owner says ASK
    std::string told;                                // an error for every command but CLUSTER, if set

  private:
    std::string answer(const std::string& address, const Words& words) {
        if (words[0] == "CLUSTER") {
            return slots();
        }
        if (!told.empty()) {
            return "-" + told + "\r\n";
        }
        if (words[0] == "ASKING") {
            asking_.insert(address);
            return "+OK\r\n";
        }
        if (words[0] == "WAIT") {
            return ":1\r\n";
        }
        const std::uint32_t slot = store_redis::slot_of(words[1]);
        const bool asked = asking_.erase(address) != 0;
        const auto moving = importing.find(slot);
        if (owner_[slot] != address && !(asked && moving != importing.end() && moving->second == address)) {
            return "-MOVED " + std::to_string(slot) + " " + owner_[slot] + "\r\n";
        }
        if (moving != importing.end() && moving->second != address) {
            return "-ASK " + std::to_string(slot) + " " + moving->second + "\r\n";
        }
        if (words[0] == "SET") {
            data[address][words[1]] = words[2];
            return "+OK\r\n";
        }
        const auto found = data[address].find(words[1]);
        return found == data[address].end()
                   ? "$-1\r\n"
                   : "$" + std::to_string(found->second.size()) + "\r\n" + found->second + "\r\n";
    }

    std::string slots() const {
        std::string ranges;
        int count = 0;
        for (std::uint32_t low = 0; low < store_redis::cluster_slots;) {
            std::uint32_t high = low;
            while (high + 1 < store_redis::cluster_slots && owner_[high + 1] == owner_[low]) {
                ++high;
            }
            if (!owner_[low].empty()) {
                const std::size_t colon = owner_[low].find(':');
                const std::string host = owner_[low].substr(0, colon);
                ranges += "*3\r\n:" + std::to_string(low) + "\r\n:" + std::to_string(high) + "\r\n*2\r\n$" +
                          std::to_string(host.size()) + "\r\n" + host + "\r\n:" +
                          owner_[low].substr(colon + 1) + "\r\n";
                ++count;
            }
            low = high + 1;
        }
        return "*" + std::to_string(count) + "\r\n" + ranges;
    }

    Net& net_;
    const std::vector<std::string> masters_;
    std::array<std::string, store_redis::cluster_slots> owner_;
    std::set<std::string> asking_;
};

}  // namespace larder::test
