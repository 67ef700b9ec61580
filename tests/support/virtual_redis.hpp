// tests/support/virtual_redis.hpp -- a shared store that several caches use, in one process and on virtual time.
//
// Each node gets a store of its own (larder_store_v1 and larder.shared/1) over one VirtualServer. What a
// node asks is a message: work done at the server, then an answer put down at the node.
//
//   without a wire   every call is answered before it returns; what changed is told when the test calls
//                    deliver(), or at once where it said immediate(true); trust is what the test says
//   with a wire      messages go where and when the wire takes them, if at all (tests/sim)
//
// A store without its extension (`handle(name, false)`) is a plain shared store.
#pragma once

#include "kernel/core/cache.hpp"
#include "tests/support/virtual_server.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace larder::test {

class VirtualNode;

enum class StoreCall : std::size_t {
    get, put, remove, touch, get_many, remove_many, read, make, change, lease, fill,
    count_
};
const char* name_of(StoreCall call);

struct VirtualMessage {
    using Step = std::function<larder_status(VirtualServer&)>;
    StoreCall call = StoreCall::get;
    std::string text;  // for people: what it is about
    // At the server, one after the other, each at most once; what they find stays in the message. Others'
    // may come between, as in a pipeline or a cluster. The last answer that is not OK is the call's.
    std::vector<Step> work;
    bool ordered = true;  // no: in any order, as on several servers
    // At the node, at most once, before the call's done, when the answer is OK. `value` is for get.
    std::function<void(larder_value* value)> land;
};

// What is between nodes and server.
class VirtualWire {
  public:
    virtual ~VirtualWire() = default;
    // As a function of the store: an answer, or LARDER_PENDING and call.done later.
    virtual larder_status send(VirtualNode& from, VirtualMessage message, const larder_call& call, larder_value* out) = 0;
};

class VirtualRedis {
  public:
    explicit VirtualRedis(Clock& clock, std::string prefix = "larder");
    ~VirtualRedis();
    VirtualRedis(const VirtualRedis&) = delete;
    VirtualRedis& operator=(const VirtualRedis&) = delete;

    // Another node's store. Lives as long as this.
    VirtualNode& connect();
    VirtualNode& node(std::size_t index) { return *nodes_.at(index); }
    std::size_t nodes() const { return nodes_.size(); }
    // Before any call; null: none.
    void use(VirtualWire* wire) { wire_ = wire; }

    // ---- without a wire
    // Tells each node what it has not been told yet.
    void deliver();
    // Tells before the call that changed something returns.
    void immediate(bool yes) { immediate_ = yes; }
    // As somebody with redis-cli does. Whole keys.
    void foreign_write(std::string_view key, std::string bytes);
    void foreign_remove(std::string_view key);
    // FLUSHALL: every node hears that anything may have changed, when it is told.
    void flush();

    // For looking, and for what a test does to the data itself, which nobody is told of.
    VirtualServer& server() { return server_; }
    const VirtualServer& server() const { return server_; }
    const std::string& prefix() const { return prefix_; }
    std::uint64_t max_staleness_ms = 3000;

  private:
    friend class VirtualNode;
    larder_status serve(VirtualNode& from, VirtualMessage message, const larder_call& call, larder_value* out);
    void told(std::vector<std::string> keys);

    std::mutex mutex_;  // guards server_ where there is no wire
    VirtualServer server_;
    const std::string prefix_;
    VirtualWire* wire_ = nullptr;
    std::atomic<bool> immediate_{false};
    std::vector<std::unique_ptr<VirtualNode>> nodes_;
};

// One node's store.
class VirtualNode {
  public:
    VirtualNode(VirtualRedis& redis, std::size_t index) : redis_(redis), index_(index) {}

    static constexpr std::uint64_t caps = LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_SHARED;
    // `extended`: with larder.shared/1.
    StoreHandle handle(std::string name, bool extended = true);
    const larder_shared_v1& shared_table() const;
    std::size_t index() const { return index_; }
    VirtualRedis& redis() { return redis_; }

    // ---- misbehaviour without a wire
    std::atomic<larder_status> fail{LARDER_OK};  // what every call answers instead
    std::atomic<bool> silent{false};             // answers PENDING and never calls done
    std::atomic<bool> knows_time{true};          // no: now_ms answers 0
    std::uint64_t clock_error_ms = 0;            // of now_ms; a small number below zero wraps as it should
    // Runs before a call does its work at the server, and after it: what comes between a call's parts.
    std::function<void(StoreCall)> before, after;

    std::uint64_t calls(StoreCall call) const { return calls_[static_cast<std::size_t>(call)].load(); }
    std::uint64_t calls() const;

    // ---- what the sink is told. Nothing where no kernel listens.
    void tell(const std::vector<std::string>& keys);
    void tell_all();
    void trust(bool yes);
    void renew(bool older);
    bool listened() const { return sink_.ctx != nullptr; }
    // Keys changed that this node has not been told yet, and whether all may have.
    std::size_t untold() const;
    void deliver();
    void lose_untold();  // as a stream that broke does

  private:
    friend class VirtualRedis;
    struct Functions;
    struct Untold {
        std::vector<std::string> keys;
        bool all = false;
    };
    larder_status send(VirtualMessage message, const larder_call* call, larder_value* out);
    void keep_untold(const std::vector<std::string>& keys, bool all);

    VirtualRedis& redis_;
    const std::size_t index_;
    larder_sink sink_{};
    bool trusted_ = false;
    mutable std::mutex mutex_;
    std::deque<Untold> untold_;  // guarded by mutex_
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(StoreCall::count_)> calls_{};
};

}  // namespace larder::test
