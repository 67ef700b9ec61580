// plugins/gateway_resp/client_registry.hpp -- who is connected, as CLIENT LIST shows it, and how to
// reach them.
//
// A record outlives its connection in the hands of those who look at it. Numbers are atomic: their
// connection writes them, anybody reads them. Texts are behind the registry's mutex.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::resp {

struct Command;

// Bytes for a client that asked for none just now: pub/sub messages, invalidations, MONITOR's lines.
// Many clients may be sent the same.
using Mail = std::shared_ptr<const std::string>;

// What CLIENT TRACKING was told; behind the mutex of the TrackingTable.
struct TrackingWish {
    bool on = false, broadcast = false, opt_in = false, opt_out = false, no_loop = false;
    std::uint64_t redirect = 0;  // a client's id; 0: to itself
    std::vector<std::string> prefixes;
};

struct ClientRecord {
    std::uint64_t id = 0;
    std::string address, local_address;
    std::uint64_t since_ns = 0;
    std::string name, library, library_version, user = "default";
    std::atomic<std::uint64_t> last_ns{0};
    std::atomic<const Command*> last_command{nullptr};
    std::atomic<int> protocol{2};
    std::atomic<bool> monitor{false}, no_evict{false}, no_touch{false};
    std::atomic<int> queued{-1};  // requests in MULTI; -1: not in a transaction
    std::atomic<std::uint32_t> watched{0}, channels{0}, patterns{0};
    std::atomic<std::uint64_t> input_bytes{0}, input_room{0}, queued_bytes{0}, output_bytes{0};
    TrackingWish tracking;
    std::atomic<bool> tracked{false};        // tracking.on, for whoever only asks that
    std::atomic<bool> broken_redirect{false};
    std::atomic<std::uint64_t> redirect{0};  // tracking.redirect

    // Set before add(). They are called with the registry's mutex held and while the client is in it,
    // so what they refer to needs to live no longer than that.
    std::function<void()> kill;
    std::function<void(Mail)> deliver;  // after what the client is being answered now
    bool here = false;                  // in the registry; behind its mutex

    [[nodiscard]] bool subscribed() const noexcept {
        return channels.load(std::memory_order_relaxed) +
                   patterns.load(std::memory_order_relaxed) !=
               0;
    }
};

class ClientRegistry {
  public:
    void add(const std::shared_ptr<ClientRecord>& client);
    void remove(std::uint64_t id);
    [[nodiscard]] std::shared_ptr<ClientRecord> find(std::uint64_t id) const;
    [[nodiscard]] std::vector<std::shared_ptr<ClientRecord>> everyone() const;
    // One line per client, as CLIENT LIST: those for whom chosen() is true.
    [[nodiscard]] std::string list(std::uint64_t now_ns,
                                   const std::function<bool(const ClientRecord&)>& chosen) const;
    // Changes the record's texts under the mutex.
    template <class Change>
    void change(ClientRecord& client, Change&& apply) {
        const std::lock_guard lock(mutex_);
        apply(client);
    }
    // Sends it unless the client has gone. [any]
    void deliver(ClientRecord& client, const Mail& mail);
    // Ends those for whom chosen() is true; how many.
    std::size_t kill(const std::function<bool(const ClientRecord&)>& chosen);
    // How many there are for whom chosen() is true.
    [[nodiscard]] std::size_t count(const std::function<bool(const ClientRecord&)>& chosen) const;
    [[nodiscard]] std::uint64_t next_id() noexcept {
        return next_id_.fetch_add(1, std::memory_order_relaxed);
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::shared_ptr<ClientRecord>> clients_;  // guarded by mutex_
    std::atomic<std::uint64_t> next_id_{1};
};

}  // namespace larder::resp
