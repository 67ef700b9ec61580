// kernel/serve/admin_api.hpp -- the admin API: which endpoints there are, who may ask them, what they answer.
//
// One table of endpoints (endpoints.cpp) says everything: method, path, role, whether it changes
// something, what its answer holds. The router, the audit log, the OpenAPI document and the tests are
// made of the same table. A path is relative to each configured mount, or, beginning with `/`, stands
// where it says.
//
// Every request is judged in the same order: how often this client asks (429), who it is (401, the same
// for every path, so that nobody learns what is there), which endpoint it means (404, 405), whether its
// role is enough (403), then its parameters (400). Nothing is open unless it is configured so, and only
// what reads can be.
#pragma once

#include "kernel/api/kernel.hpp"
#include "kernel/serve/access.hpp"
#include "kernel/serve/http_message.hpp"

#include <boost/json.hpp>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::serve {

// One request on its way to its endpoint. [worker]
struct Ask {
    Kernel& kernel;
    const config::AdminOptions& options;
    const HttpRequest& request;
    std::map<std::string, std::string, std::less<>> captures;  // of the path, decoded
    std::map<std::string, std::string, std::less<>> query;     // decoded
    boost::json::object body;                                  // of a JSON request; empty without one
    std::string_view who;                                      // the token's name
    std::uint32_t role = 0;
    std::size_t mounts = 0;
    bool rehearse = false;  // ?dry_run=1
    bool confirmed = false; // ?confirm=1: guards of the policy allow it

    std::string_view capture(std::string_view name) const {
        const auto it = captures.find(name);
        return it == captures.end() ? std::string_view() : it->second;
    }
    std::string_view parameter(std::string_view name) const {
        const auto it = query.find(name);
        return it == query.end() ? std::string_view() : it->second;
    }
    larder_call call() const;
};

struct Endpoint {
    std::string_view name;    // "health/detailed": what `open` says, and logs and metrics
    std::string_view method;  // "GET", "POST", "DELETE"
    std::string_view path;    // "clear/{entity}/{id}" below each mount; "/healthz" as it stands; `{x...}`: the rest
    std::uint32_t role;       // LARDER_ROLE_*
    bool changes;             // audited, never open, takes dry_run where it drops something
    std::string_view summary;
    std::string_view takes;   // query parameters and body fields: "?namespace ?dry_run patterns user_id"
    std::string_view gives;   // members every good answer has: "success cache_info"; empty: no JSON object
    HttpReply (*answer)(const Ask&);
};

// endpoints.cpp
std::span<const Endpoint> endpoints();

class AdminApi {
  public:
    // Null: `problem` says which token's secret leads nowhere, or which endpoint cannot be opened.
    static std::unique_ptr<AdminApi> make(Kernel& kernel, const config::AdminOptions& options,
                                          const config::Environment& environment, const Clock& clock,
                                          std::string& problem);
    // [any thread] Never throws; may block until the kernel's deadline.
    HttpReply answer(const HttpRequest& request) noexcept;

  private:
    AdminApi(Kernel& kernel, const config::AdminOptions& options, TokenBook tokens, const Clock& clock);
    HttpReply decide(const HttpRequest& request);
    HttpReply run(const Endpoint& endpoint, Ask& ask);
    void count(std::string_view endpoint, unsigned status);

    Kernel& kernel_;
    const config::AdminOptions options_;
    const TokenBook tokens_;
    RateLimit rate_;
};

// ---- for endpoints

// A good answer.
HttpReply reply(boost::json::object body, unsigned status = 200);
// {"success": false, "error": why}
HttpReply refusal(unsigned status, std::string why);
// What is not built or not configured: 501 and the reason, never invented figures.
HttpReply not_here(std::string why);
// All paths at which an endpoint stands: one, or one for each mount.
std::vector<std::string> paths_of(const Endpoint& endpoint, const std::vector<std::string>& mounts);
boost::json::object openapi(const config::AdminOptions& options);

}  // namespace larder::serve
