// plugins/gateway_resp/channels.hpp -- pub/sub: who listens to which channel, and telling them.
//
// A message goes to every client of the gateway that listens, whatever its thread, in the order in
// which one publisher sent them. It is kept for nobody: who does not listen now never gets it. larder's
// nodes do not pass messages on to each other.
#pragma once
#include "client_registry.hpp"

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::resp {

using Client = std::shared_ptr<ClientRecord>;

class Channels {
  public:
    explicit Channels(ClientRegistry& clients) : clients_(clients) {}

    // True: it did not listen to it before. [any]
    bool subscribe(const Client& client, std::string_view channel);
    bool unsubscribe(const Client& client, std::string_view channel);
    bool subscribe_pattern(const Client& client, std::string_view pattern);
    bool unsubscribe_pattern(const Client& client, std::string_view pattern);

    // To how many clients it went. own() gets what goes to `from`, which is being answered just now.
    std::size_t publish(std::string_view channel, std::string_view message,
                        const Client& from = nullptr,
                        const std::function<void(Mail)>& own = nullptr);

    // Nobody listens at all. [hot]
    [[nodiscard]] bool silent() const noexcept {
        return listeners_.load(std::memory_order_relaxed) == 0;
    }
    [[nodiscard]] std::vector<std::string> channels(std::string_view pattern) const;
    [[nodiscard]] std::size_t listeners(std::string_view channel) const;
    [[nodiscard]] std::size_t channel_count() const;
    [[nodiscard]] std::size_t pattern_count() const;

  private:
    using Listeners = std::vector<Client>;
    using Book = std::map<std::string, Listeners, std::less<>>;
    bool add(Book& book, const Client& client, std::string_view name);
    bool remove(Book& book, const Client& client, std::string_view name);

    ClientRegistry& clients_;
    mutable std::mutex mutex_;  // taken before the registry's
    Book channels_, patterns_;  // guarded by mutex_; no name without a listener
    std::atomic<std::size_t> listeners_{0};
};

}  // namespace larder::resp
