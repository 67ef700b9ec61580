// tests/bench/eviction/peers.hpp -- the policies larder is compared with: LRU, S3-FIFO, ARC, MIN.
//
// Written from their papers, for comparison only, and as simple as that allows. Each is made with
// its capacity and the number of objects; `access` tells whether the object was there and brings it
// in. Capacities are sums of sizes; an object larger than the capacity is never kept. Papers that
// know objects of one size only are read with bytes where they say pages.
#pragma once

#include "tests/bench/eviction/recency_list.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace larder::bench {

class Lru {
  public:
    Lru(std::uint64_t capacity, const Trace& trace) : capacity_(capacity), links_(trace.objects) {}

    bool access(const Request& r) {
        if (list_.has(r.object)) {
            list_.touch(r.object);
            return true;
        }
        if (r.size <= capacity_) {
            list_.push(r.object, r.size);
            while (list_.size() > capacity_) {
                list_.remove(list_.oldest());
            }
        }
        return false;
    }

  private:
    std::uint64_t capacity_;
    Links links_;
    RecencyList list_{links_, 1};
};

// J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi: "FIFO queues are all you need for cache
// eviction", SOSP 2023, algorithm 1.
class S3Fifo {
  public:
    S3Fifo(std::uint64_t capacity, const Trace& trace)
        : capacity_(capacity),
          small_capacity_(std::max<std::uint64_t>(1, capacity / 10)),
          links_(trace.objects) {}

    bool access(const Request& r) {
        auto& node = links_.nodes[r.object];
        if (small_.has(r.object) || main_.has(r.object)) {
            node.uses = static_cast<std::uint8_t>(std::min(node.uses + 1, 3));
            return true;
        }
        if (r.size > capacity_) {
            return false;
        }
        while (small_.size() + main_.size() + r.size > capacity_) {
            if (small_.size() >= small_capacity_ || main_.empty()) {
                evict_small();
            } else {
                evict_main();
            }
        }
        const bool was_ghost = ghosts_.has(r.object);
        if (was_ghost) {
            ghosts_.remove(r.object);
        }
        (was_ghost ? main_ : small_).push(r.object, r.size);
        node.uses = 0;
        return false;
    }

  private:
    void evict_small() {
        while (!small_.empty()) {
            const std::uint32_t object = small_.oldest();
            if (links_.nodes[object].uses > 1) {
                links_.nodes[object].uses = 0;
                small_.move_to(main_, object);
                if (main_.size() > capacity_ - small_capacity_) {
                    evict_main();
                }
                continue;
            }
            small_.move_to(ghosts_, object);
            while (ghosts_.size() > capacity_ - small_capacity_) {
                ghosts_.remove(ghosts_.oldest());
            }
            return;
        }
    }
    void evict_main() {
        while (!main_.empty()) {
            const std::uint32_t object = main_.oldest();
            if (links_.nodes[object].uses == 0) {
                main_.remove(object);
                return;
            }
            --links_.nodes[object].uses;
            main_.touch(object);
        }
    }

    std::uint64_t capacity_, small_capacity_;
    Links links_;
    RecencyList small_{links_, 1}, main_{links_, 2}, ghosts_{links_, 3};
};

// N. Megiddo, D. S. Modha: "ARC: a self-tuning, low overhead replacement cache", FAST 2003,
// figure 4.
class Arc {
  public:
    Arc(std::uint64_t capacity, const Trace& trace) : c_(capacity), links_(trace.objects) {}

    bool access(const Request& r) {
        if (t1_.has(r.object)) {
            t1_.move_to(t2_, r.object);
            return true;
        }
        if (t2_.has(r.object)) {
            t2_.touch(r.object);
            return true;
        }
        if (r.size > c_) {
            return false;
        }
        if (b1_.has(r.object)) {
            target_ = std::min(c_, target_ + step(r.size, b2_, b1_));
            b1_.remove(r.object);
            make_room(r.size, false);
            t2_.push(r.object, r.size);
            return false;
        }
        if (b2_.has(r.object)) {
            target_ -= std::min(target_, step(r.size, b1_, b2_));
            b2_.remove(r.object);
            make_room(r.size, true);
            t2_.push(r.object, r.size);
            return false;
        }
        while (t1_.size() + b1_.size() + r.size > c_) {
            if (!b1_.empty()) {
                b1_.remove(b1_.oldest());
                make_room(r.size, false);
            } else if (!t1_.empty()) {
                t1_.remove(t1_.oldest());
            } else {
                break;
            }
        }
        make_room(r.size, false);
        while (t1_.size() + t2_.size() + b1_.size() + b2_.size() + r.size > 2 * c_ &&
               !b2_.empty()) {
            b2_.remove(b2_.oldest());
        }
        t1_.push(r.object, r.size);
        return false;
    }

  private:
    static std::uint64_t step(std::uint64_t size, const RecencyList& other,
                              const RecencyList& own) {
        return std::max(size, static_cast<std::uint64_t>(static_cast<double>(size) *
                                                         static_cast<double>(other.count()) /
                                                         static_cast<double>(own.count())));
    }
    void make_room(std::uint64_t size, bool hit_in_b2) {
        while (t1_.size() + t2_.size() + size > c_) {
            const bool from_t1 =
                !t1_.empty() && (t1_.size() > target_ || (hit_in_b2 && t1_.size() == target_));
            if (from_t1 || t2_.empty()) {
                t1_.move_to(b1_, t1_.oldest());
            } else {
                t2_.move_to(b2_, t2_.oldest());
            }
        }
    }

    std::uint64_t c_, target_ = 0;
    Links links_;
    RecencyList t1_{links_, 1}, t2_{links_, 2}, b1_{links_, 3}, b2_{links_, 4};
};

// L. A. Belady: "A study of replacement algorithms for a virtual-storage computer", IBM Systems
// Journal 1966. Evicts what is used again last, and does not take in what would be that itself;
// best for objects of one size, a good guess for others.
class Belady {
  public:
    Belady(std::uint64_t capacity, const Trace& trace)
        : capacity_(capacity), next_(trace.requests.size()), due_(trace.objects, never) {
        std::vector<std::uint64_t> seen(trace.objects, never);
        for (std::size_t i = trace.requests.size(); i-- > 0;) {
            next_[i] = std::exchange(seen[trace.requests[i].object], i);
        }
    }

    bool access(const Request& r) {
        const std::uint64_t next = next_[at_++];
        const bool hit = due_[r.object] != never;
        if (hit) {
            by_use_.erase({due_[r.object], r.object, r.size});
            size_ -= r.size;
        }
        due_[r.object] = never;
        if (next == never || r.size > capacity_) {
            return hit;
        }
        by_use_.insert({next, r.object, r.size});
        due_[r.object] = next;
        size_ += r.size;
        while (size_ > capacity_) {
            const auto last = std::prev(by_use_.end());
            size_ -= last->size;
            due_[last->object] = never;
            by_use_.erase(last);
        }
        return hit;
    }

  private:
    static constexpr std::uint64_t never = ~std::uint64_t{0};
    struct Use {
        std::uint64_t next;
        std::uint32_t object, size;
        bool operator<(const Use& o) const {
            return next != o.next ? next < o.next : object < o.object;
        }
    };
    std::uint64_t capacity_, size_ = 0;
    std::size_t at_ = 0;
    std::vector<std::uint64_t> next_, due_;
    std::set<Use> by_use_;
};

}  // namespace larder::bench
