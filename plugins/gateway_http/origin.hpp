// plugins/gateway_http/origin.hpp -- the applications behind the gateway: where they are, and whether they
// are well.
//
// An address that fails several times in a row is left alone for a while (breaker); then one request tries
// it, and the others follow if that went well. Names are looked up at the start, and again, off the
// gateway's threads, when connecting fails. Several addresses for one path prefix take turns.
#pragma once
#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

struct SocketAddress {
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

class Origin {
  public:
    // "http://127.0.0.1:8000", "http://[::1]:8000", "http://unix:/run/app.sock". False: not one of them.
    static bool parse(std::string_view url, std::string& host, std::string& port, std::string& path);
    Origin(std::string prefix, std::string url, unsigned failures, std::uint64_t retry_ns);

    [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
    [[nodiscard]] const std::string& url() const noexcept { return url_; }
    // Blocks. False: the name is not known. [worker]
    bool look_up();
    [[nodiscard]] bool address(SocketAddress& out) const;

    // Whether a request may be sent there now. In the half-open state for one caller at a time. [any]
    bool admits(std::uint64_t now_ns) noexcept;
    void went_well() noexcept;
    // True: this failure has opened the breaker.
    bool went_wrong(std::uint64_t now_ns) noexcept;

  private:
    const std::string prefix_, url_;
    std::string host_, port_, path_;
    const unsigned most_failures_;
    const std::uint64_t retry_ns_;
    std::atomic<unsigned> failures_{0};
    std::atomic<std::uint64_t> open_until_ns_{0};  // 0: closed
    mutable std::mutex mutex_;
    std::vector<SocketAddress> addresses_;  // guarded by mutex_
    mutable std::atomic<unsigned> turn_{0};
};

// All of them, by path prefix.
class Origins {
  public:
    // Entries as Options::upstream. Empty: `wrong` is the entry that cannot be read.
    static std::unique_ptr<Origins> make(const std::vector<std::string>& entries, unsigned failures, std::uint64_t retry_ns, std::string& wrong);
    [[nodiscard]] const std::vector<std::unique_ptr<Origin>>& all() const noexcept { return all_; }
    // The next that takes requests for this path; NULL: all that would are left alone now, or (known
    // false) there is none.
    [[nodiscard]] Origin* choose(std::string_view path, std::uint64_t now_ns, bool& known);

  private:
    std::vector<std::unique_ptr<Origin>> all_;  // longest prefix first
    std::atomic<unsigned> turn_{0};
};

}  // namespace larder::http
