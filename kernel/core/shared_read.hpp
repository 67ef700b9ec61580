// kernel/core/shared_read.hpp -- reading entries of a shared store, judged by its records, in one round trip.
//
// A read asks for the values and for those records of their keys' scopes that this node does not know
// (authority.hpp), in one call. Scopes that only the entry itself names (late tags, dependencies added at
// run time) and that nobody knows cost a second call, once. Who asked may wait, or be called back on the
// store's thread: nothing of the policy is held meanwhile, spaces and keys are found anew.
#pragma once

#include "kernel/core/authority.hpp"
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/shared_call.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace larder {

// Of one entry: what was asked for, and what came.
struct SharedItem {
    std::uint32_t ns = 0;
    std::string canonical;
    std::uint64_t writes = 0;      // of the key's stripe, before the store was asked
    std::uint64_t epoch = 0;       // of the records of this process, likewise
    bool held = false;             // likewise: this node removes it, and the store may not have heard of it
    Found found;                   // verdict gone: a miss, or an error
    larder_status status = LARDER_MISS;  // of the store
    std::uint64_t id = 0;          // of the entry that stands there, also when it is gone; 0: none
    std::vector<ScopeId> declared; // scopes that the key alone says
    bool may_stay = false;         // every number it was judged by is one that pushes are told for
};

class SharedRead : public std::enable_shared_from_this<SharedRead> {
  public:
    SharedRead(Cache::Impl& impl, std::shared_ptr<Authority> authority) : impl_(impl), authority_(std::move(authority)) {}

    void add(const State& s, const Space& space, const FieldedKey& key);
    // Runs `then` once, here or on the store's thread.
    void begin(std::uint64_t now_ns, std::uint64_t deadline_ns, std::function<void()> then);
    // The same, and waits for it.
    void run(std::uint64_t now_ns, std::uint64_t deadline_ns);
    std::vector<SharedItem>& items() noexcept { return items_; }

  private:
    void answered(larder_status status);
    // Judges what has come; scopes that are not known are noted. True: nothing is open.
    bool judge_all();
    void ask(ScopeId scope);
    Authority::Known look(ScopeId scope, Numbers& out, bool& known);

    Cache::Impl& impl_;
    const std::shared_ptr<Authority> authority_;
    std::vector<SharedItem> items_;
    std::vector<Pinned> values_;
    std::vector<std::pair<ScopeId, Numbers>> at_hand_;  // answers of this read; drop 0: there is no record
    static constexpr std::size_t most_common = 6;
    std::vector<std::pair<ScopeId, Numbers>> common_;  // of what is looked at just now
    std::vector<ScopeId> to_ask_;
    std::shared_ptr<SharedCall> call_;
    std::uint64_t asked_at_ = 0, now_ns_ = 0, deadline_ns_ = 0;
    int rounds_ = 0;
    std::function<void()> then_;
};

}  // namespace larder
