// plugins/gateway_resp/gateway.hpp -- what all connections share: options, users, counters, who is
// connected.
//
// Set up once in create, read by every thread; what changes later is atomic or behind a mutex.
#pragma once
#include "channels.hpp"
#include "counters.hpp"
#include "key_events.hpp"
#include "monitors.hpp"
#include "parser.hpp"
#include "rechecks.hpp"
#include "settings.hpp"
#include "net.hpp"
#include "tracking.hpp"
#include "turnstile.hpp"
#include "watch_book.hpp"

#include <larder/plugin/gateway.h>
#include <larder/plugin/services.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::resp {

inline std::string_view text_of(larder_bytes bytes) noexcept {
    return {static_cast<const char*>(bytes.data), bytes.size};
}
inline larder_bytes bytes_of(std::string_view text) noexcept { return {text.data(), text.size()}; }

struct Options {
    std::vector<std::string> listen{"127.0.0.1:7380"};  // as ListenAddress reads it
    unsigned unix_mode = 0600;
    std::uint32_t open_role = LARDER_ROLE_INVALIDATE;  // of everybody, where there are no users
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
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    std::vector<User> users_;
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
    Turnstile turnstile;
    Channels channels{clients};
    Monitors monitors{clients};
    WatchBook watches;
    TrackingTable tracking{clients};
    KeyEvents key_events{channels};
    Rechecks rechecks{*this};
    Settings settings{*this};
    std::uint64_t started_ms = 0;
    std::atomic<int> port{0};  // of the first TCP listener, for INFO

    // Whether anybody asked to be told what a command changes. [hot]
    [[nodiscard]] bool changes_matter() const noexcept {
        return !watches.idle() || !tracking.idle() || !key_events.idle();
    }
    [[nodiscard]] std::uint64_t now_ns() const noexcept { return host->mono_ns(host); }
    [[nodiscard]] std::uint64_t wall_ms() const noexcept { return host->wall_ms(host); }
    // Differs each time, for choices that nobody can foresee but need not be secret (splitmix64).
    [[nodiscard]] std::uint64_t some_number() noexcept {
        constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
        std::uint64_t z = numbers_.fetch_add(golden, std::memory_order_relaxed) + started_ms;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // Of this start of the gateway: 40 hexadecimal digits.
    [[nodiscard]] const std::string& run_id() const noexcept { return run_id_; }
    // The most memory that INFO has seen so far, this among it.
    std::uint64_t note_memory(std::uint64_t bytes) noexcept;
    // Over the last second or so; measured by beat().
    [[nodiscard]] std::uint64_t requests_per_second() const noexcept {
        return requests_per_second_.load(std::memory_order_relaxed);
    }
    // Now and then, from any thread: what is due. [any]
    void beat(std::uint64_t now_ns) noexcept;
    void log(std::int32_t level, std::string_view text) const noexcept {
        host->log(host, level, text.data(), text.size());
    }

    // A key as SCAN prints it: its namespace in front, unless that is the gateway's own.
    void append_full_key(std::string& out, std::uint32_t ns, std::string_view key) const;
    // That, and where the namespace's name has dots the spelling with colons.
    [[nodiscard]] std::vector<std::string> spellings(std::uint32_t ns, std::string_view key) const;
    // "no namespace 'usr': declared are ..., did you mean 'user'?" [cold]
    [[nodiscard]] std::string unknown_namespace(std::string_view wanted) const;
    // The same for a key none of whose beginnings is a namespace. [cold]
    [[nodiscard]] std::string unknown_key(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> namespaces() const;

  private:
    std::atomic<std::uint64_t> numbers_{0}, peak_memory_{0}, requests_per_second_{0};
    std::atomic<std::uint64_t> measured_ns_{0}, measured_requests_{0};
    std::string run_id_;
};

}  // namespace larder::resp
