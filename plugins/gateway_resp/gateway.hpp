// plugins/gateway_resp/gateway.hpp -- what all connections share: options, users, counters, who is
// connected.
//
// Set up once in create, read by every thread; what changes later is atomic or behind a mutex.
#pragma once
#include "counters.hpp"
#include "parser.hpp"
#include "tls.hpp"

#include <larder/plugin/gateway.h>
#include <larder/plugin/services.h>

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

inline std::string_view text_of(larder_bytes bytes) noexcept {
    return {static_cast<const char*>(bytes.data), bytes.size};
}
inline larder_bytes bytes_of(std::string_view text) noexcept { return {text.data(), text.size()}; }

struct Options {
    std::vector<std::string> listen{"127.0.0.1:7380"};  // as ListenAddress reads it
    unsigned unix_mode = 0600;
    std::string fallback;  // namespace of keys that name none; empty: such keys are errors
    bool fence = true;
    std::size_t max_connections = 10000;
    std::size_t max_value = 64u << 20;
    std::size_t input_limit = 128u << 20;           // bytes of one request
    std::size_t output_limit = 128u << 20;          // bytes waiting for one client
    std::uint64_t timeout_ns = 30'000'000'000;      // half a request, unread replies, no AUTH yet
    std::uint64_t idle_timeout_ns = 0;              // nothing asked; 0: may stay for ever
    std::uint64_t call_timeout_ns = 5'000'000'000;  // one operation of the cache
    unsigned threads = 1;
    unsigned looks = 0;  // as EventLoop's

    [[nodiscard]] RequestLimits request_limits() const {
        RequestLimits limits;
        limits.bulk = max_value;
        limits.request = input_limit;
        return limits;
    }
};

// One spelling for the four roles: "read", "write", "invalidate", "admin". 0: no such role.
[[nodiscard]] std::uint32_t role_of(std::string_view name) noexcept;
[[nodiscard]] std::string_view role_name(std::uint32_t role) noexcept;

struct User {
    std::string name;
    std::string password;
    std::uint32_t role = LARDER_ROLE_READ;
};

// Who may log in. Empty: nobody has to.
class Users {
  public:
    // Replaces a user of the same name.
    void add(User user);
    // Lines "NAME ROLE PASSWORD"; '#' begins a comment. False: line says which line is wrong.
    bool add_lines(std::string_view text, unsigned& line);
    [[nodiscard]] bool empty() const noexcept { return users_.empty(); }
    // Takes as long for a wrong password as for a right one of the same length. NULL: refused.
    [[nodiscard]] const User* check(std::string_view name,
                                    std::string_view password) const noexcept;
    [[nodiscard]] bool has(std::string_view name) const noexcept;

  private:
    std::vector<User> users_;
};

// One connected client as CLIENT LIST shows it. Texts are behind the registry's mutex.
struct ClientRecord {
    std::uint64_t id = 0;
    std::string address, local_address;
    std::uint64_t since_ns = 0;
    std::string name, library, library_version, user = "default";
    std::atomic<std::uint64_t> last_ns{0};
    std::atomic<const Command*> last_command{nullptr};
    std::atomic<int> protocol{2};
    std::atomic<char> mode{'N'};  // N normal, O monitor, x in a transaction
    std::function<void()> kill;   // from any thread
};

class ClientRegistry {
  public:
    void add(const std::shared_ptr<ClientRecord>& client);
    void remove(std::uint64_t id);
    // one line per client, as CLIENT LIST; id 0: all
    [[nodiscard]] std::string list(std::uint64_t now_ns, std::uint64_t only_id = 0) const;
    // Changes the record's texts under the mutex.
    template <class Change>
    void change(ClientRecord& client, Change&& apply) {
        const std::lock_guard lock(mutex_);
        apply(client);
    }
    // Ends those for whom chosen() is true; how many.
    std::size_t kill(const std::function<bool(const ClientRecord&)>& chosen);
    [[nodiscard]] std::uint64_t next_id() noexcept {
        return next_id_.fetch_add(1, std::memory_order_relaxed);
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::shared_ptr<ClientRecord>> clients_;  // guarded by mutex_
    std::atomic<std::uint64_t> next_id_{1};
};

class Gateway {
  public:
    Gateway(const larder_host* host, Options given, Users known,
            std::unique_ptr<const TlsContext> tls = nullptr);

    const larder_host* const host;
    const larder_cache_api* const cache;
    const larder_executor_api* const executor;  // NULL: blocking work runs where it is asked for
    const Options options;
    const Users users;
    const std::unique_ptr<const TlsContext> tls;  // NULL: no listener wants it
    Counters counters;
    ClientRegistry clients;
    std::uint64_t started_ms = 0;
    std::atomic<int> port{0};  // of the first TCP listener, for INFO

    [[nodiscard]] std::uint64_t now_ns() const noexcept { return host->mono_ns(host); }
    [[nodiscard]] std::uint64_t wall_ms() const noexcept { return host->wall_ms(host); }
    void log(std::int32_t level, std::string_view text) const noexcept {
        host->log(host, level, text.data(), text.size());
    }

    // "no namespace 'usr': declared are ..., did you mean 'user'?" [cold]
    [[nodiscard]] std::string unknown_namespace(std::string_view wanted) const;
    // The same for a key none of whose beginnings is a namespace. [cold]
    [[nodiscard]] std::string unknown_key(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> namespaces() const;
};

}  // namespace larder::resp
