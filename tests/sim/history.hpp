// tests/sim/history.hpp -- the truth, what was done to it, what was read, and whether that may be.
//
// The origin has a version for each key, which only rises. What a loader brings is a text that says which
// key, which version and which load it is; so a value that turns up tells where it comes from.
//
//   I1  a value is one that the origin had, no newer than the present one
//   I2  a read that begins when an invalidation has been delivered to its node brings nothing older than what
//       was true when that invalidation began. Delivered: to the node that made it, when its call returned; to
//       others, when they have been told everything until then, or max_staleness after it, whatever happens
//   I3  never another key's
//   I4  one loader a key and node at a time, unless it was invalidated meanwhile or somebody's patience ended
//   I5  nothing is served when its hard life is over
//   I6  what a node remembers stays within its bounds
//   I7  what a drop has taken is not served again even as stale
//   I8  calls end by their deadline
//
// The world looks after I6 (world.cpp). After CacheLib's ValueHistory: a read is judged by what could have been the
// last value at any moment between its beginning and its end. That there is nothing at the origin is a version like
// others; who answers so does not say which one it means, and is given the newest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::sim {

struct Bounds {
    bool one_loader = true;          // I4 holds: records are not evicted
    std::uint64_t hard_ns = 0;       // of an entry, with all that may delay its birth; 0: none
    std::uint64_t stale_ns = 0;      // how long after an expire it may be served, marked as stale
    std::uint64_t staleness_ns = 0;  // max_staleness, with some slack
    std::uint64_t clock_ns = 0;      // nodes' clocks may be apart by
    std::uint64_t late_ns = 0;       // a call may take longer than its deadline by
};

class History {
  public:
    // Whether a change of one key may make a load of another one suspect: their scopes are not told apart.
    using MayConcern = bool (*)(std::uint64_t changed, std::uint64_t key);
    History(std::uint64_t keys, const Bounds& bounds, MayConcern may_concern)
        : bounds_(bounds), may_concern_(may_concern), keys_(keys) {}

    // ---- the origin
    std::uint64_t version(std::uint64_t key) const { return keys_[key].version; }
    // `absent`: there is nothing from now on.
    std::uint64_t commit(std::uint64_t key, bool absent, std::uint64_t now_ns);
    // A value as a loader takes it now; none: there is nothing.
    std::optional<std::string> take(std::uint64_t key, std::uint64_t node, std::uint64_t now_ns);

    // ---- invalidations
    // Of these keys, by this node; expire: soft. Returns its number.
    std::size_t begin_change(std::vector<std::uint64_t> keys, std::uint64_t node, bool expire, std::uint64_t now_ns);
    // `done`: the store did it before the call returned, as far as anybody can tell.
    void end_change(std::size_t change, bool done, std::uint64_t now_ns);
    // What was done before may be undone until all is well: nothing delivered counts until confirm_all().
    void lose_changes();
    // All that was ever invalidated has been delivered everywhere.
    void confirm_all();

    // ---- reads
    struct Read {
        std::uint64_t key = 0, node = 0, began_ns = 0, told_until_ns = 0;
        bool trusts = false;
        bool troubled = false;    // its store has failed a moment ago and may be left alone
        std::uint64_t call = 0;   // for people
        std::uint64_t moved = 0;  // how much had made loads of the key stale when it began; none: unsettled
        std::uint64_t troubles = 0;  // of its node: what was pushed and cannot be asked for counts as dropped
        std::uint64_t stream_since_ns = 0;  // of what changed before that the node's stream did not tell
    };
    struct Answer {
        bool found = false, stale = false;
        bool absent = false;  // it is known that there is nothing
        bool troubled = false;  // its store failed while it was made
        std::string_view value;
    };
    Read begin_read(std::uint64_t key, std::uint64_t node, std::uint64_t told_until_ns, bool trusts, bool troubled, std::uint64_t troubles, std::uint64_t now_ns);
    void end_read(const Read& read, const Answer& answer, std::uint64_t now_ns);

    // ---- loaders
    void begin_load(const Read& read, std::uint64_t troubles, std::uint64_t now_ns);
    void end_load(const Read& read);

    // Something else than a change may have made flights stale: records were lost.
    void unsettle(std::uint64_t now_ns) { losses_.push_back(now_ns); }

    void check_time(std::string_view what, std::uint64_t took_ns, std::uint64_t allowed_ns);

    // The first thing that must not be; empty: all is well.
    const std::string& violation() const { return violation_; }
    void violate(std::string what) {
        if (violation_.empty()) violation_ = std::move(what);
    }
    // What happened to the key of the violation, and what was told besides, for people; until it was found.
    std::string story() const;
    void tell(std::uint64_t now_ns, std::string text) { line(everything, now_ns, std::move(text)); }
    bool tells_story = false;
    std::uint64_t reads() const { return reads_; }
    std::uint64_t found() const { return found_; }
    std::uint64_t loads() const { return loads_.size(); }

  private:
    struct Key {
        std::uint64_t version = 1;
        std::vector<bool> absent{false, false};  // by version
        std::vector<std::uint64_t> began_ns{0, 0};
        std::vector<Read> loading;  // whose loaders run
    };
    struct Load {
        std::uint64_t key, version, node, at_ns;
    };
    struct Change {
        std::vector<std::uint64_t> keys, versions;  // versions: what was true when it began
        std::uint64_t node, began_ns, ended_ns = 0;
        bool expire, done = false, lost = false, everywhere = false;
    };
    static constexpr std::uint64_t everything = UINT64_MAX;
    void line(std::uint64_t key, std::uint64_t now_ns, std::string text);
    void judge(const Read& read, const Answer& answer, std::uint64_t version);
    void wrong(const Read& read, std::uint64_t now_ns, const std::string& what);
    bool delivered(const Change& change, const Read& read) const;
    static constexpr std::uint64_t unsettled = UINT64_MAX;
    std::uint64_t moved(std::uint64_t key, std::uint64_t node, std::uint64_t told_until_ns) const;
    bool own(const Change& change, const Read& read) const;

    const Bounds bounds_;
    const MayConcern may_concern_;
    std::vector<Key> keys_;
    std::vector<Load> loads_;
    std::vector<Change> changes_;
    std::string violation_;
    std::vector<std::pair<std::uint64_t, std::string>> lines_;  // by key
    std::uint64_t violated_key_ = everything, reads_ = 0, found_ = 0;
    std::vector<std::uint64_t> losses_;  // when
};

}  // namespace larder::sim
