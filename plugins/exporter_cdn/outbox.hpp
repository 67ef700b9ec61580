// plugins/exporter_cdn/outbox.hpp -- purges that wait to be sent: what goes into which request, and when.
//
// A set, not a queue: a tag that is told again while it waits is sent once, and a hard purge takes the place of a
// soft one. So what a CDN that is away costs is bounded by the number of tags, not by how often they are dropped.
// The first purge waits for `gather_ns`, so that what comes together goes together. A request that failed is put
// back behind the others and everything waits 1, 2, 4, ... 30 seconds; what has waited for `give_up_ns` goes.
//
// Nothing here reads a clock, locks or sends: the caller does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder::exporter_cdn {

struct Purge {
    std::string tag;
    bool soft = false;           // stale instead of gone
    std::uint64_t since_ns = 0;  // told
};

struct Batch {  // one request
    bool everything = false;  // and no tags
    bool soft = false;
    std::uint64_t since_ns = 0;  // of everything
    std::vector<Purge> tags;
    std::size_t size() const { return everything ? 1 : tags.size(); }
};

class Outbox {
  public:
    struct Limits {
        std::size_t most_waiting = 10'000, most_tags = 30, most_bytes = 16'384;  // the latter two: of a request
        std::uint64_t gather_ns = 0, give_up_ns = 0;
    };
    explicit Outbox(const Limits& limits) : limits_(limits) {}

    // False: too many wait already, this one is lost.
    bool add(std::string tag, bool soft, std::uint64_t now_ns);
    // Takes the place of all that waits.
    void add_everything(std::uint64_t now_ns);

    // When to take(). Nullopt: nothing waits.
    std::optional<std::uint64_t> due_ns() const;
    // The next request, all of one softness. Followed by delivered() or failed(). Something waits.
    Batch take();
    void delivered();
    // Returns how many of it are given up.
    std::size_t failed(Batch batch, std::uint64_t now_ns);

    std::size_t size() const { return waiting_.size() + (everything_ ? 1 : 0); }
    unsigned failures() const { return failures_; }  // in a row

  private:
    void merge(Purge purge);

    const Limits limits_;
    std::optional<std::uint64_t> everything_;  // since when
    std::list<Purge> waiting_;
    std::unordered_map<std::string_view, std::list<Purge>::iterator> by_tag_;  // keys are texts of waiting_
    unsigned failures_ = 0;
    std::uint64_t retry_ns_ = 0;
};

}  // namespace larder::exporter_cdn
