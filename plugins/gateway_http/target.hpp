// plugins/gateway_http/target.hpp -- what a request is about: authority, path, query (RFC 9112 3.2), and the
// text that tells one from another in the cache.
//
// The policy's own normaliser decides which rule and which entry a path means; here nothing is folded, so
// that two spellings that the application may answer in two ways (`/a` and `/a/`) are two answers of one
// entry. What is left out, and said so in the configuration: parameters that only count visitors.
#pragma once
#include "message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

struct Target {
    std::string_view host;   // of the absolute form, else of Host
    std::string_view path;   // "/v1.0/user/42"
    std::string_view query;  // without the '?'
    bool asterisk = false;   // OPTIONS *
};

// Views into the head. False: not a target that a proxy in front of an application can be asked for.
[[nodiscard]] bool read_target(const Head& request, Target& out);

// Names of query parameters that answers do not depend on; `utm_*`: by their beginning.
class IgnoredQuery {
  public:
    explicit IgnoredQuery(std::vector<std::string> names) : names_(std::move(names)) {}
    [[nodiscard]] bool empty() const noexcept { return names_.empty(); }
    [[nodiscard]] bool ignores(std::string_view name) const noexcept;
    // `query` without them, in `buffer` where it differs.
    [[nodiscard]] std::string_view strip(std::string_view query, std::string& buffer) const;

  private:
    std::vector<std::string> names_;
};

// "example.org/v1.0/user/42?fields=name": equal for two requests exactly when they mean the same resource.
void append_identity(std::string& out, const Target& target, std::string_view query);

}  // namespace larder::http
