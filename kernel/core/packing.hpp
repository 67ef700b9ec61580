// kernel/core/packing.hpp -- how the values of one namespace are made small, and what was learnt about them.
//
// What writers and readers use is a PackPlan: immutable, replaced as a whole, read without a lock. What makes plans
// runs in the background, one tend() at a time, and never on a request:
//
//   adopt    the dictionary that the namespace's home says values are written with: another node's, or
//            one from before a restart
//   learn    a dictionary from sampled values (three in four; the fourth judges). It is used when it saves
//            a twentieth more than what there is, and not before it lies in the home
//   try      where the policy says `compress auto`: every codec at each level worth a trial, and the dictionary, on
//            the same samples; the cheapest is written with from then on (pack_choice.hpp)
//   watch    what is written with a dictionary takes a sixth more than it did at first: values have changed, and
//            a new one is learnt from new samples
//   keep     dictionaries that were used live on in the home
//
// Large values (from 16 KiB) have a way of their own: a dictionary does nothing for them, a level much.
//
// A value that was made with a dictionary nobody here knows is fetched for; one that its home has lost makes the
// value a miss, which is counted. Dictionaries without a home (memory alone) stay until no entry can need them.
#pragma once

#include "kernel/core/dictionary_home.hpp"
#include "kernel/core/pack_choice.hpp"
#include "kernel/core/pack_figures.hpp"
#include "kernel/core/sample_pool.hpp"
#include "kernel/core/snapshot.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace larder {

struct PackPlan {
    static constexpr std::size_t large_bytes = std::size_t{16} << 10;
    static constexpr std::size_t first_values = 64, first_bytes = std::size_t{128} << 10;  // to learn from
    struct Way {
        std::shared_ptr<const Coder> coder;  // null: as it is
        std::uint64_t from = 1;              // smaller values are left as they are
    };
    Way small, large;
    std::vector<std::shared_ptr<const Coder>> readers;  // those with a dictionary
    std::vector<std::string> except;                    // types that are left as they are
    bool samples = false;
    const Way& way(std::size_t size) const noexcept { return size >= large_bytes ? large : small; }
    // Null: not here. Dictionary 0: what writes now, if it is that codec.
    const Coder* reader(std::uint16_t codec, std::uint32_t dictionary) const noexcept;
};

// What a policy says.
struct PackRules {
    std::string codec;  // empty: none
    bool chooses = false;  // `compress auto`
    std::optional<int> level;
    std::optional<std::uint64_t> from;
    std::vector<std::string> except;
};

// Safe for any number of threads.
class Packing {
  public:
    Packing();
    // From now on. [control]
    void configure(const PackRules& rules, std::vector<CodecHandle> codecs);
    // Lets go of every coder, and with them of plugins. [control]
    void close();

    // REQUIRES: a ReadGuard lives. Null: nothing is or was compressed. [hot]
    const PackPlan* plan() const noexcept { return plan_.get(); }
    // True: there is something to learn from now; tend() soon.
    bool offer(std::string_view value) { return (value.size() >= PackPlan::large_bytes ? large_ : small_).offer(value); }

    struct World {
        const DictionaryHome* home = nullptr;  // null: memory alone
        std::uint64_t life_ms = 0;             // of the longest-lived entry; 0: for ever
        PackPrice price{};                     // for `compress auto`
        Clock* clock = nullptr;
        std::function<void(std::string)> note;
    };
    // Whether tend() has anything to do, ever. [any]
    bool learns() const noexcept { return learns_.load(std::memory_order_relaxed); }
    void tend(const World& world);  // [worker]
    // A dictionary that somebody else wrote with. OK: it is in the plan now. MISS: the home does not have it, which is
    // believed for ten seconds. [worker]
    larder_status fetch(std::uint32_t id, const DictionaryHome& home, Clock& clock);
    bool missing(std::uint32_t id, std::uint64_t now_ns) const;
    // A reader lacks it: the next fetch_wanted() gets it. Who comes while another fetches waits for that. [any], [worker]
    void want(std::uint32_t id);
    void fetch_wanted(const DictionaryHome& home, Clock& clock);

    void count_packed_already() noexcept { packed_already_.fetch_add(1, std::memory_order_relaxed); }
    void count_unread() noexcept { unread_.fetch_add(1, std::memory_order_relaxed); }
    PackFigures figures() const;

  private:
    struct Known {
        std::shared_ptr<const Dictionary> dictionary;
        std::uint64_t left_ns = 0;  // when it was written with for the last time; 0: it is now
        std::uint64_t kept_ns = 0;  // when its life was prolonged
    };
    using Coders = std::vector<std::shared_ptr<const Coder>>;
    std::shared_ptr<const Coder> coder(const CodecHandle& handle, std::optional<int> level, std::shared_ptr<const Dictionary> dictionary, bool reads);
    const CodecHandle* handle_of(std::uint16_t codec) const;
    const CodecHandle* first_choice() const;
    std::vector<CodecHandle> trainable() const;
    void renew_plan();
    void know(const std::shared_ptr<const Dictionary>& dictionary, bool writes, std::uint64_t now_ns);
    void forget_some(const World& world);
    void adopt(const World& world);
    void learn(const World& world);
    void watch();
    void try_ways(const World& world);
    Coders candidates(bool large);
    void keep(const World& world);

    std::mutex tending_, fetching_;  // one tend(), one fetch_wanted() at a time; before mutex_
    std::size_t learnt_from_ = 0;   // bytes; this and the next are tend()'s alone
    std::size_t tried_small_ = 0, tried_large_ = 0;
    std::uint64_t tried_at_ns_ = 0;
    std::uint32_t tried_dictionary_ = 0;

    mutable std::mutex mutex_;  // guards what follows
    PackRules rules_;
    std::vector<CodecHandle> codecs_;
    std::vector<Known> known_;
    std::shared_ptr<const Dictionary> writing_;
    PackPlan::Way small_way_, large_way_;  // that were chosen; auto's
    bool chosen_small_ = false, chosen_large_ = false;
    Coders made_;
    std::map<std::string, std::pair<std::string, std::shared_ptr<CoderCounts>>> counts_;  // by what is shown; with its codec
    std::map<std::uint32_t, std::uint64_t> missing_;  // until when
    std::set<std::uint32_t> wanted_;
    PackFigures said_;  // of the dictionary, and the last trial
    double ratio_at_first_ = 0;  // stored / tried of the dictionary in use; 0: not known yet
    std::uint64_t seen_tried_ = 0, seen_kept_ = 0;
    bool drifted_ = false;

    SamplePool small_, large_;
    Snapshot<PackPlan> plan_;
    std::atomic<bool> learns_{false};
    std::atomic<std::uint64_t> packed_already_{0}, unread_{0};
};

}  // namespace larder
