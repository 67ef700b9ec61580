// kernel/core/shared_walk.hpp -- a walk over what a shared store holds, step by step.
//
// Other nodes write there, so it is looked at as SCAN looks: what is there from beginning to end is seen once at
// least, what comes and goes meanwhile perhaps. A key says its namespace; whether its entry is good only the entry
// and the records say, so what is to be judged is read, without counting as a use. Redis counts it as one all the
// same: a walk that reads makes its LRU think that everything is in use. Counting alone reads nothing.
//
// Keys too long to stand in the store as they are (Space::physical) are counted, and neither read nor listed.
#pragma once

#include "kernel/core/shared_read.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string_view>

namespace larder {

// For one thread at a time.
class SharedWalk {
  public:
    struct Options {
        std::uint32_t ns = LARDER_NS_NONE;  // the others' are passed over
        bool reads = false;
        bool removes = false;               // what it read, and was dropped or is over
        std::uint64_t most_bytes = UINT64_MAX;  // read in a step; what is beyond is counted only
        // Of each entry that was read. With the policy held: calls nothing of the cache.
        std::function<void(const Space&, std::string_view canonical, const SharedItem&)> on_entry;
    };
    SharedWalk(Cache::Impl& impl, std::shared_ptr<Authority> authority, Options options)
        : impl_(impl), authority_(std::move(authority)), options_(std::move(options)) {}

    // About so many keys further. An error leaves the walk where it is. [worker]
    larder_status step(std::uint32_t keys, std::uint64_t deadline_ns);
    // The step before was the last one; the next begins anew.
    bool ended() const noexcept { return cursor_ == 0; }
    // The store does not let itself be walked (the ACL of a Redis may say so): no step will end well.
    bool refused() const noexcept { return refused_; }
    std::uint64_t cursor() const noexcept { return cursor_; }
    void go_to(std::uint64_t cursor) noexcept { cursor_ = cursor; }
    std::uint64_t removed() const noexcept { return removed_; }
    const std::shared_ptr<Authority>& authority() const noexcept { return authority_; }
    // Keys of each namespace (its number), since the walk began.
    const std::map<std::uint32_t, std::uint64_t>& seen() const noexcept { return seen_; }

  private:
    struct Named {
        std::uint32_t ns = 0;
        std::string whole, canonical;
    };
    std::vector<Named> list(std::uint32_t keys, std::uint64_t deadline_ns, larder_status& status);
    void read(const std::vector<Named>& named, std::uint64_t deadline_ns);

    Cache::Impl& impl_;
    const std::shared_ptr<Authority> authority_;
    const Options options_;
    std::uint64_t cursor_ = 0, removed_ = 0;
    bool refused_ = false;
    std::map<std::uint32_t, std::uint64_t> seen_;
};

}  // namespace larder
