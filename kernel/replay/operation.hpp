// kernel/replay/operation.hpp -- one thing that traffic did to a cache: what traces hold and stages play.
//
// Texts are views that live until the next operation is read. Times are milliseconds since the traffic
// began. What a kind does not use is left at its default.
#pragma once

#include "dsl/policy.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace larder::replay {

enum class OperationKind : std::uint8_t {
    get,      // an entry was asked for
    put,      // an entry was written, or loaded after a miss
    remove,   // an entry was removed by its key
    life,     // an entry's time to live was set
    change,   // somebody dropped, expired or refreshed by hand
    request,  // an application answered a request: route rules fire
    ask,      // a gateway asked which entry answers a request
    event,    // something happened: event rules fire
    http,     // a line of an access log: a request and its answer, nothing of any cache
    lost,     // so many operations could not be recorded
    reloaded  // the policy that ran was replaced
};

enum class Outcome : std::uint8_t { hit, miss, stale, absent };

// What is known of a request besides its path, of an event, or of an entry's `with` names.
struct Given {
    dsl::Origin origin = dsl::Origin::header;
    std::string_view name, value;
};

struct Operation {
    OperationKind kind = OperationKind::get;
    std::uint64_t at_ms = 0;
    std::uint32_t space = 0;  // into the names of the traffic's namespaces; unused: UINT32_MAX
    std::string_view key;     // text inside the namespace; change: the target's text; event: the name

    Outcome outcome = Outcome::miss;  // get: what was answered when it was recorded
    bool fence = false;               // get: its caller loads what is missing
    bool takes_stale = false;         // get: its caller judges what is stale
    bool fresh_text = false;          // get: the trace has not named this key before, or long ago
    bool fill = false;                // put: a value that a miss made somebody load
    bool negative = false;            // put: known not to be there
    bool served = false;              // ask: some rule did; space and key say which entry
    std::uint64_t size = 0;           // bytes of the value; http: of the answer
    std::uint64_t cost_us = 0;        // what loading took; http: what answering took. 0: not known
    std::int64_t ttl_ms = 0;          // put: asked for, 0: the namespace's; get: left when recorded, -1: none

    std::uint32_t action = 0, target = 0;  // change: LARDER_DROP.., LARDER_TARGET_*
    std::string_view method, path, query;  // request, ask, http
    std::uint32_t status = 0;
    std::span<const Given> given;
    std::uint64_t count = 0;  // lost
};

// A namespace as traffic names it.
struct TrafficSpace {
    std::string name;
    std::int64_t ttl_ms = 0;  // that it had when it was recorded; 0: none
};

// Traffic, one operation after the other.
class Traffic {
  public:
    virtual ~Traffic() = default;
    // False: it is over, or `problem()` says what is wrong from here on.
    virtual bool next(Operation& out) = 0;
};

}  // namespace larder::replay
