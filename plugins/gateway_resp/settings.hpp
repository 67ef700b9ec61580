// plugins/gateway_resp/settings.hpp -- CONFIG: Redis' names for what larder has, and for what it has not.
//
// Three sorts. A *live* parameter has its effect at once (notify-keyspace-events). A *fixed* one shows
// what larder.toml says and is changed there: setting it to what it is succeeds, anything else is an
// error, because an OK without effect would be worse. A *spare* one is about what a cache has not
// (saving, replicas, encodings of lists): tools and test suites set them, so they are accepted and told
// back, and nothing depends on them.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::resp {

class Gateway;

class Settings {
  public:
    explicit Settings(Gateway& gateway) : gateway_(gateway) {}

    // Those whose names match one of the patterns, by name; each once.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> matching(
        const std::vector<std::string>& patterns) const;
    // All or none of them. The error as it goes to the client; empty: done.
    [[nodiscard]] std::string set(const std::vector<std::pair<std::string, std::string>>& wishes);

  private:
    [[nodiscard]] std::string value_of(std::string_view name) const;

    Gateway& gateway_;
    mutable std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> spare_;  // changed ones; guarded by mutex_
};

}  // namespace larder::resp
