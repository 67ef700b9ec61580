// plugins/gateway_resp/monitors.hpp -- MONITOR: who follows the requests of all clients.
#pragma once
#include "channels.hpp"
#include "parser.hpp"

#include <cstdint>

namespace larder::resp {

class Monitors {
  public:
    explicit Monitors(ClientRegistry& clients) : clients_(clients) {}

    void add(const Client& client);
    void remove(const Client& client);
    [[nodiscard]] bool idle() const noexcept {  // [hot]
        return following_.load(std::memory_order_relaxed) == 0;
    }
    // A request that is about to run, in Redis' form: time, client, quoted words. Passwords are left
    // out.
    void tell(const ClientRecord& from, Args request, std::uint64_t wall_ms);

  private:
    ClientRegistry& clients_;
    std::mutex mutex_;  // taken before the registry's
    std::vector<Client> all_;  // guarded by mutex_
    std::atomic<std::size_t> following_{0};
};

// As MONITOR writes a word: in quotes, with everything escaped that is no plain character.
[[nodiscard]] std::string quoted(std::string_view word);

}  // namespace larder::resp
