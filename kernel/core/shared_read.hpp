// kernel/core/shared_read.hpp -- reading entries of a shared store, judged by its records, in one round trip.
//
// A read asks for the values and for those records of their keys' scopes that this node does not know
// (authority.hpp), in one call. Scopes that only the entry itself names (late tags, dependencies added at
// run time) and that nobody knows cost a second call, once. Who asked may wait, or be called back on the
// store's thread: nothing of the policy is held meanwhile, spaces are found anew.
//
// Hundreds of keys go through here in one call, so all of a read stands in a few vectors: keys are hashed
// and bound once, scopes of all entries lie one behind the other, the table of records is locked once
// before the store is asked and once when it has answered.
#pragma once

#include "kernel/core/authority.hpp"
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/shared_call.hpp"
#include "kernel/core/shared_envelope.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace larder {

// Of one entry: what was asked for, and what came.
struct SharedItem {
    std::uint32_t ns = 0;
    EntryKey key;                  // its text is the read's, or stays with who asked
    std::uint64_t writes = 0;      // of the key's stripe, before the store was asked
    std::uint64_t epoch = 0;       // of the records of this process, likewise
    bool held = false;             // likewise: this node removes it, and the store may not have heard of it
    Found found;                   // verdict gone: a miss, or an error
    larder_status status = LARDER_MISS;  // of the store
    std::uint64_t id = 0;          // of the entry that stands there, also when it is gone; 0: none
    bool over = false;             // for good: its records say so, or its life has ended
    bool may_stay = false;         // every number it was judged by is one that pushes are told for
    bool open = false;             // it is being judged
    std::uint32_t first_scope = 0, scopes = 0;  // of the read's: that the key says, then all of the entry
};

class SharedRead : public std::enable_shared_from_this<SharedRead> {
  public:
    SharedRead(Cache::Impl& impl, std::shared_ptr<Authority> authority) : impl_(impl), authority_(std::move(authority)) {}

    void expect(std::size_t keys);
    // stays: the key's text lives until the read is over.
    void add(const State& s, const Space& space, const FieldedKey& key, bool stays = false);
    // Runs `then` once, here or on the store's thread. REQUIRES: made by make_shared.
    void begin(std::uint64_t now_ns, std::uint64_t deadline_ns, std::function<void()> then);
    // The same, and waits for it; by the store's waits() on this thread.
    void run(std::uint64_t now_ns, std::uint64_t deadline_ns);
    std::vector<SharedItem>& items() noexcept { return items_; }
    std::span<const ScopeId> scopes_of(const SharedItem& item) const noexcept {
        return {scopes_.data() + item.first_scope, item.scopes};
    }

  private:
    void ask_first(SharedCall& call);
    void ask_more(SharedCall& call);
    void go_on();
    // Takes what has come. True: nothing is open any more.
    bool answered(SharedCall& call, larder_status status);
    void take_records(const SharedCall& call);
    void take_values(SharedCall& call, larder_status status);
    bool judge_all();
    bool open(const State& s, SharedItem& item, Pinned& value, std::uint64_t theirs_ms);
    // Compares the numbers of its scopes; what is not known is noted.
    void judge(const Space& space, const Authority::Look& look, SharedItem& item, Pinned& value, std::uint64_t now_ns, std::uint64_t theirs_ms);
    void ask(ScopeId scope);
    Authority::Known find(const Authority::Look& look, ScopeId scope, Numbers& out, bool& known);

    Cache::Impl& impl_;
    const std::shared_ptr<Authority> authority_;
    std::vector<SharedItem> items_;
    std::vector<Pinned> values_;
    std::vector<ScopeId> scopes_;
    TextArena texts_;
    std::vector<std::pair<ScopeId, Numbers>> at_hand_;  // answers of this read; drop 0: there is no record
    static constexpr std::size_t most_common = 6;
    std::array<std::pair<ScopeId, Numbers>, most_common> common_;  // of what is looked at just now
    std::size_t commons_ = 0;
    std::vector<ScopeId> to_ask_;
    std::shared_ptr<SharedCall> call_;
    std::uint64_t asked_at_ = 0, now_ns_ = 0, deadline_ns_ = 0;
    int rounds_ = 0;
    std::function<void()> then_;
};

}  // namespace larder
