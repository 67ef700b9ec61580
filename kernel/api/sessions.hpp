// kernel/api/sessions.hpp -- sessions by the policy's name: which plugin keeps them, and what can be asked.
//
// `[session.NAME]` of larder.toml keeps `session NAME` of the policy. Hosts call the functions of Sessions,
// gateways run() through larder.sessions/1, the admin API the same; the plugin logs what becomes of each
// session, by the hash of its identifier.
//
// `end session NAME of USER` of a rule is done on a thread that may wait, soon after the rule fired, and
// again until the store has answered: a user who was disabled while Redis was away is logged out when it is
// back. What waits is bounded; what does not fit is logged as an error.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/core/tier.hpp"
#include "kernel/loader/instance.hpp"

#include <larder/plugin/session.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder {
class Kernel;
}

namespace larder::api {

// larder.sessions/1, the same for every kernel.
const larder_sessions_api& sessions_table();

struct SessionFound {
    std::string data, user;
    std::uint64_t created_ms = 0;   // since 1970, by the store's clock
    std::int64_t idle_ms = -1;      // until it ends unless it is used; -1: it does not end so
    std::int64_t absolute_ms = 0;   // until it ends in any case
    bool replaced = false;          // asked for by an id that rotate has replaced
};

struct SessionListed {
    std::string name;               // for end_named
    std::uint64_t created_ms = 0;
    std::int64_t ttl_ms = -1;
};

// Of one `session NAME` of the policy.
struct SessionState {
    std::string name, store;        // store: empty, the first shared one, else the first
    larder_session_facts facts{};
    bool kept = false;              // an instance keeps them
    larder_session_figures figures{};  // of this node
};

// Safe for any number of threads. What may take long blocks: [worker]. Statuses are those of larder.sessions/1.
class Sessions {
  public:
    struct Parts {
        Executor* executor = nullptr;  // outlive it, as the clock
        Clock* clock = nullptr;
        std::function<std::shared_ptr<loader::PluginInstance>(std::string_view session)> instance;
        std::function<std::shared_ptr<const dsl::Policy>()> policy;
        std::function<void(int severity, std::string_view text)> note;
    };
    explicit Sessions(Parts parts);
    ~Sessions();
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;

    // The stores that records stand in, and the policy's breakers for them: a session has the options of an
    // entry's breaker and a state of its own. [control]
    void install(const std::vector<StoreHandle>& stores, const dsl::Policy& policy);
    // The tier over the store that the policy names for a session; null: there is no such session or store.
    std::shared_ptr<Tier> tier_of(std::string_view session) const;
    std::shared_ptr<const dsl::Policy> policy() const { return parts_.policy(); }

    // What larder.sessions/1 does. `answer` is the caller's to release.
    larder_status run(const larder_session_order& order, larder_session_answer& answer, const larder_call* call);

    // ---- the same for hosts; deadline_ns 0: the store's timeout
    larder_status create(std::string_view session, std::string_view user, std::string_view data, std::string& id, std::string* cookie = nullptr);
    larder_status get(std::string_view session, std::string_view id, SessionFound& out);
    larder_status save(std::string_view session, std::string_view id, std::string_view data);
    // A merge patch (RFC 7386); data: what it says afterwards.
    larder_status update(std::string_view session, std::string_view id, std::string_view patch, std::string& data);
    larder_status touch(std::string_view session, std::string_view id);
    larder_status rotate(std::string_view session, std::string_view id, std::string& fresh, std::string* cookie = nullptr);
    larder_status end(std::string_view session, std::string_view id);
    larder_status list(std::string_view session, std::string_view user, std::vector<SessionListed>& out);
    larder_status end_user(std::string_view session, std::string_view user, std::uint64_t& ended);
    larder_status end_named(std::string_view session, std::string_view user, std::string_view name);

    // For rules: returns at once. [any thread]
    void end_soon(std::string_view session, std::string_view user);
    // How many of those wait.
    std::size_t waiting() const;

    std::vector<SessionState> states() const;
    // What the policy asks for and nobody does, one line each.
    static std::vector<std::string> asleep(const dsl::Policy& policy, const std::function<const loader::PluginInstance*(std::string_view)>& instance);

    // The wall clock as it was when this was made, moved on by the monotonic one.
    std::uint64_t steady_wall_ms() const noexcept;

  private:
    struct Ends;
    Parts parts_;
    PendingPool pending_;
    mutable std::mutex tiers_mutex_;
    std::vector<std::shared_ptr<Tier>> tiers_;  // in the order of the stores; guarded by tiers_mutex_
    std::uint64_t wall_ms_, mono_ns_;
    std::shared_ptr<Ends> ends_;
};

// Those of a kernel that is open.
Sessions& sessions_of(const Kernel& kernel);

const dsl::Session* find_session(const dsl::Policy& policy, std::string_view name);

// The facts of a `session` item, as plugins are told them.
larder_session_facts facts_of(const dsl::Session& session);

}  // namespace larder::api
