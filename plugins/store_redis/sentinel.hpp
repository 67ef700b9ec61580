// plugins/store_redis/sentinel.hpp -- one master at a time, which Sentinels choose.
//
// One Sentinel is asked once a heartbeat who the master is, and every 100 ms while the master is away, calls
// itself a slave or cannot be named; one that does not answer is followed by the next. Asking was chosen over
// listening to +switch-master: a lost message would be a lost switch, and asking is needed anyway.
//
// A switch ends what is under way at the old master, whose outcome is unknown, and is told as `renewed`: the
// promoted replica may lack the last acknowledged writes.
#pragma once

#include "server.hpp"
#include "topology.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace larder::store_redis {

class Sentinel final : public Topology, private ServerEvents {
  public:
    static constexpr std::uint64_t least_pause_ns = 100'000'000;
    static constexpr std::size_t most_masters = 4096;  // named since the start

    // Of around.options.servers, the Sentinels, and master_name.
    Sentinel(const Server::Surroundings& around, Audience& audience);
    ~Sentinel() override;

    void start() override;
    void stop() noexcept override;
    larder_status run(Batch& batch) override;
    larder_status run_here(Batch& batch) override;
    void cancel(const void* tag) noexcept override;
    bool spread() const noexcept override { return false; }
    std::uint64_t now_ms() const noexcept override;
    plugin::Health health() const override;
    Server* server(std::size_t number) noexcept override;

  private:
    class Question;
    // The Sentinels' own events say nothing that asking does not find out.
    struct Unheard final : ServerEvents {
        void on_changed(Server&, const larder_bytes*, std::size_t) noexcept override {}
        void on_changed_all(Server&) noexcept override {}
        void on_trust(Server&, bool) noexcept override {}
        void on_renewed(Server&, bool) noexcept override {}
        void on_up(Server&) noexcept override {}
        void on_down(Server&, const std::string&) noexcept override {}
        void on_role(Server&, std::string_view) noexcept override {}
    };
    struct Told;

    void ask();
    void ask_by(std::uint64_t when_ns);
    void ask_soon();
    void on_answer(Server& sentinel, const Told& told);
    void switch_to(const Endpoint& endpoint);
    void judge_trust();

    void on_changed(Server& from, const larder_bytes* keys, std::size_t n) noexcept override;
    void on_changed_all(Server& from) noexcept override;
    void on_trust(Server& from, bool yes) noexcept override;
    void on_renewed(Server& from, bool older) noexcept override;
    void on_up(Server&) noexcept override {}
    void on_down(Server& from, const std::string& cause) noexcept override;
    void on_role(Server& from, std::string_view role) noexcept override;

    const Server::Surroundings around_;
    Audience& audience_;
    Options sentinel_options_;  // before what uses them
    Unheard unheard_;
    std::vector<std::unique_ptr<Server>> sentinels_;
    std::vector<bool> sentinel_open_;
    std::vector<std::unique_ptr<Server>> masters_;  // every one there was
    std::atomic<Server*> active_{nullptr};
    std::atomic<bool> running_{false};

    // On the loop.
    Loop::Timer timer_;
    std::uint64_t due_ns_ = 0, asked_ns_ = 0;
    std::unique_ptr<Question> question_;
    std::size_t turn_ = 0;
    std::uint64_t epoch_ = 0;
    bool stopped_ = true, proved_ = false, slave_ = false, trust_told_ = false;
};

}  // namespace larder::store_redis
