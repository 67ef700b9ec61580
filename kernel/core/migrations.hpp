// kernel/core/migrations.hpp -- how a value of an older version becomes one of the present.
//
// Two kinds of migration: those that the policy declares for JSON values (dsl::Migration), and functions
// that the host or a plugin registers, for values of any form. From the version a value has, the way is
// taken whose steps go farthest, a function before a declaration where both lead to the same version;
// a version in between that nobody leads on from is left for another way. What has no way, and what a step
// refuses, is a miss for who reads it: the value stays for those who can.
//
// A function is called on any thread, a store's own among them, without a lock: it may not block and not
// call the cache. It sees each value at most once for each node that has it, and again where its result could not
// be kept.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/core/cache.hpp"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

namespace larder {

// Applies the steps of a policy to a JSON text. False: it is no object, or a step meets something that is
// none on its way.
bool migrate_json(const dsl::Migration& migration, std::string_view value, std::string& out);

// Safe for any number of threads.
class MigrationBook {
  public:
    // In the place of what was there. An empty function takes it out. When this returns no call of the one before
    // is running. Not from within one.
    void set(std::string_view space, std::uint32_t from, std::uint32_t to, Migrate fn);
    // From version `from` to that of ns. OK; MISS: no way leads there; else what a step said.
    larder_status run(const dsl::Namespace& ns, std::string_view key, std::uint32_t from, std::string_view value, std::string& out);

  private:
    struct Registered {
        Migrate fn;
        unsigned running = 0;  // guarded by mutex_
    };
    struct Step {  // one of the two
        const dsl::Migration* declared = nullptr;
        std::shared_ptr<Registered> registered;
        std::uint32_t to = 0;
    };
    // Fills in the way from `at`; false: there is none. REQUIRES mutex_.
    bool find_way(const dsl::Namespace& ns, std::uint32_t at, std::vector<Step>& way);
    larder_status take(const Step& step, std::string_view key, std::string_view value, std::string& out);

    std::mutex mutex_;
    std::condition_variable idle_;
    std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::shared_ptr<Registered>> registered_;  // guarded by mutex_
};

}  // namespace larder
