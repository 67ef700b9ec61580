// plugins/gateway_http/flights.hpp -- one request to the application for many that want the same (collapsed
// forwarding), whichever threads they are on.
//
// The first leads, the others wait. When what the leader brought was kept they look again, and find it;
// when it was not (it may not be, or something dropped it while it was on its way) each goes by itself,
// and for a while nobody waits for that target any more. So nobody is ever given an answer that another
// request's privacy, Vary or a newer invalidation forbids: what is shared goes through the cache.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder::http {

class Flights {
  public:
    using Landed = std::function<void(bool kept)>;  // called on the leader's thread

    enum class Seat : std::uint8_t { leads, waits, alone };
    // waits: landed will be called once. alone: answers for this target were not kept lately.
    Seat board(const std::string& target, std::uint64_t now_ns, Landed landed);
    // Whether somebody leads now, without waiting.
    [[nodiscard]] bool leads_alone(const std::string& target, std::uint64_t now_ns);
    // By the leader, once. uncacheable: others need not wait for that target for a while.
    void land(const std::string& target, bool kept, bool uncacheable, std::uint64_t now_ns);

  private:
    static constexpr std::size_t remembered = 4096;
    static constexpr std::uint64_t remembered_ns = 10'000'000'000;
    struct Shunned {
        std::atomic<std::uint64_t> hash{0}, until_ns{0};
    };
    Shunned& shunned(std::uint64_t hash) noexcept { return shunned_[hash % remembered]; }

    std::array<Shunned, remembered> shunned_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::vector<Landed>> flights_;  // guarded by mutex_
};

}  // namespace larder::http
