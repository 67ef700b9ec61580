// tests/bench/eviction/recency_list.hpp -- doubly linked lists over object numbers, for the peers.
//
// All lists of one cache share one table of links, so an object is in at most one of them and its
// links are found by its number. Each list keeps the sum of its objects' sizes.
#pragma once

#include "tests/bench/eviction/trace.hpp"

#include <cstdint>
#include <vector>

namespace larder::bench {

inline constexpr std::uint32_t nobody = 0xffffffff;

struct Links {
    struct Node {
        std::uint32_t newer = nobody, older = nobody, size = 0;
        std::uint8_t list = 0;  // 0: in none.
        std::uint8_t uses = 0;
    };
    explicit Links(std::uint64_t objects) : nodes(objects) {}
    std::vector<Node> nodes;
};

class RecencyList {
  public:
    RecencyList(Links& links, std::uint8_t number) : nodes_(links.nodes), number_(number) {}

    bool has(std::uint32_t object) const { return nodes_[object].list == number_; }
    bool empty() const { return oldest_ == nobody; }
    std::uint32_t oldest() const { return oldest_; }
    std::uint32_t newer(std::uint32_t object) const { return nodes_[object].newer; }
    std::uint64_t size() const { return size_; }
    std::uint64_t count() const { return count_; }

    void push(std::uint32_t object, std::uint32_t size) {
        Links::Node& node = nodes_[object];
        node.size = size;
        node.list = number_;
        node.newer = nobody;
        node.older = newest_;
        (newest_ == nobody ? oldest_ : nodes_[newest_].newer) = object;
        newest_ = object;
        size_ += size;
        ++count_;
    }
    std::uint32_t remove(std::uint32_t object) {
        Links::Node& node = nodes_[object];
        (node.newer == nobody ? newest_ : nodes_[node.newer].older) = node.older;
        (node.older == nobody ? oldest_ : nodes_[node.older].newer) = node.newer;
        node.list = 0;
        size_ -= node.size;
        --count_;
        return node.size;
    }
    void move_to(RecencyList& list, std::uint32_t object) { list.push(object, remove(object)); }
    void touch(std::uint32_t object) { move_to(*this, object); }

  private:
    std::vector<Links::Node>& nodes_;
    std::uint8_t number_;
    std::uint32_t newest_ = nobody, oldest_ = nobody;
    std::uint64_t size_ = 0, count_ = 0;
};

}  // namespace larder::bench
